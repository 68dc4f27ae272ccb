"""The one algorithm: expectation and maximisation until nothing is left to gain."""
