"""Where a pass over the data runs."""
