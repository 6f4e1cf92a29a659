"""Grids of work that take hours: several cells at once, here or on a cluster, each done once, kept by one writer."""
