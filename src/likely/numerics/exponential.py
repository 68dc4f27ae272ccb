"""The constants of a vectorised exp: exp(x) = 2^n exp(r), n whole, |r| <= log(2) / 2, and a polynomial for exp(r).

Cody & Waite (1980): log(2) is subtracted in two parts, the first of which is exact in every product with n.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import chebyshev

INV_LN2 = 1 / math.log(2)
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUNDER = 1.5 * 2.0**52  # adding it leaves the nearest whole number in the lowest bits
LEAST = -708.0  # exp of less is no normal number any more
DEGREE = 11


def _polynomial() -> tuple[float, ...]:
    """Coefficients from the constant up: 1 + r + r^2 g(r), with g interpolated at Chebyshev's points."""
    half = math.log(2) / 2 * 1.0001
    nodes = np.cos(np.pi * (np.arange(200) + 0.5) / 200)
    series = [sum((half * t) ** (k - 2) / math.factorial(k) for k in range(22, 1, -1)) for t in nodes]
    g = chebyshev.cheb2poly(chebyshev.chebfit(nodes, series, DEGREE - 2))
    return (1.0, 1.0, *(float(c / half**i) for i, c in enumerate(g)))


POLYNOMIAL = _polynomial()
