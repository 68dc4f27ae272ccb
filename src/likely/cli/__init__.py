"""The command line: `likely fit faithful.csv "Mixture(MultivariateNormal(), 3)"`. It only calls the library."""

from likely.cli.app import main

__all__ = ["main"]
