"""Structures: something is hidden, or several banks stand side by side. One to a file."""

from likely.structures.independent import Independent
from likely.structures.mixture import Mixture
from likely.structures.product import Product

__all__ = ["Independent", "Mixture", "Product"]
