"""Data and fits between files and memory."""
