"""Every experiment of the literature this project rebuilds, one a file; what they share is in `experiment`."""
