"""Every key of a session written down, and the session made again from it."""
