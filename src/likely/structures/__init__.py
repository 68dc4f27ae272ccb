"""Structures: something is hidden, or several banks stand side by side. One to a file."""

from likely.structures.censored import Censored, censored
from likely.structures.hmm import HMM
from likely.structures.independent import Independent
from likely.structures.mixture import Mixture
from likely.structures.product import Product
from likely.structures.truncated import Truncated
from likely.structures.zero_inflated import ZeroInflated

__all__ = ["HMM", "Censored", "Independent", "Mixture", "Product", "Truncated", "ZeroInflated", "censored"]
