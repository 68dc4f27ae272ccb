"""What a user calls: fit, choose, save and load."""
