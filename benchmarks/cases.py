"""Sizes as data: every comparison the benchmarks make."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MixtureCase:
    """A Gaussian mixture with full covariances: n rows, d columns, k components."""

    n: int
    d: int
    k: int
    passes: int = 8  # plain EM iterations whose time is divided by their number

    @property
    def name(self) -> str:
        return f"mixture {self.n:,} x {self.d}, K={self.k}"


@dataclass(frozen=True)
class LeafCase:
    """Maximum likelihood of one family on n values."""

    family: str
    parameters: tuple[float, ...]
    n: int = 100_000

    @property
    def name(self) -> str:
        return f"{self.family} on {self.n:,} values"


MIXTURES = (MixtureCase(1_000_000, 2, 5), MixtureCase(500_000, 8, 10))
LEAVES = (LeafCase("Gamma", (2.5, 0.5)), LeafCase("Beta", (2.0, 5.0)), LeafCase("NegativeBinomial", (4.0, 1.5)))
