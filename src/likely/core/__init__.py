"""The protocol: families, slots, statistics, data, posteriors and the notation. It knows no family by name."""
