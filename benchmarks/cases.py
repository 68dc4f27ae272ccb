"""Sizes as data: every comparison of speed the benchmarks make."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class MixtureCase:
    """A Gaussian mixture: n rows, d columns, k components."""

    n: int
    d: int
    k: int
    covariance: str = "full"  # or "diagonal", "spherical", "shared"
    separation: float = 3.0  # spread of the centres in units of the noise; 1 is a mixture whose components overlap
    start: str = "rows"  # the means to begin from: random rows, or the "centres" that the data was drawn about
    iterations: int = 5  # plain EM iterations that every side makes
    aim: float | None = None  # times faster than scikit-learn that we want to be

    @property
    def name(self) -> str:
        overlapping = ", overlapping" if self.separation < 2 else ""
        return f"{self.covariance} {self.n:,} x {self.d}, K={self.k}{overlapping}"

    @property
    def flops(self) -> float:
        """Of a pass with full covariances: n k d^2 for the quadratic forms, as many for the second moments.

        Each is half of a full matrix product, because a Cholesky factor is triangular and a second moment symmetric.
        """
        return 2.0 * self.n * self.k * self.d**2

    def smaller(self) -> MixtureCase:
        """For a quick look; from the centres, because few rows do not bear a bad start."""
        return replace(self, n=max(self.n // 20, 4 * self.d * self.k), start="centres")


@dataclass(frozen=True)
class LeafCase:
    """Maximum likelihood of one family on n values."""

    family: str
    parameters: tuple[float, ...]
    n: int = 100_000

    @property
    def name(self) -> str:
        return f"{self.family} on {self.n:,} values"


FULL = (
    MixtureCase(1_000_000, 2, 5, aim=50),
    MixtureCase(500_000, 8, 10, aim=45),
    MixtureCase(200_000, 16, 20, aim=28),
    MixtureCase(100_000, 32, 20, aim=16),
    MixtureCase(20_000, 64, 20, aim=10),
    MixtureCase(10_000, 128, 10, aim=7),
    # From random rows some components here win fewer rows than columns, and no covariance can be estimated.
    MixtureCase(10_000, 625, 10, start="centres", iterations=3, aim=3),
)
OVERLAPPING = tuple(replace(case, separation=1.0, aim=None) for case in FULL[1:2])
_SIZES = ((500_000, 8, 10), (200_000, 16, 20), (100_000, 32, 20), (20_000, 64, 20), (10_000, 128, 10))
_AIMS = (15, 15, 7, 4, 4)
DIAGONAL = tuple(MixtureCase(*size, "diagonal", aim=aim) for size, aim in zip(_SIZES, _AIMS, strict=True))
SPHERICAL = tuple(MixtureCase(*size, "spherical", aim=aim) for size, aim in zip(_SIZES, _AIMS, strict=True))
SHARED = tuple(MixtureCase(*size, "shared") for size in _SIZES)
SMALL = (MixtureCase(50_000, 2, 5), MixtureCase(20_000, 8, 10))  # sizes at which R's mclust takes part
MIXTURES = FULL + OVERLAPPING + DIAGONAL + SPHERICAL + SHARED + SMALL

LEAVES = (LeafCase("Gamma", (2.5, 0.5)), LeafCase("Beta", (2.0, 5.0)), LeafCase("NegativeBinomial", (4.0, 1.5)))
