"""The blocks of a filled state space as matrices, and what follows from them alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.params import Params
from likely.errors import ModelError
from likely.numerics.soft import Array

FLAT = 1e-10  # of the largest: a singular value below this is zero


@dataclass(frozen=True)
class Blocks:
    """One state space: x_t = A x_{t-1} + B u_t + b + w_t, y_t = C x_t + D u_t + d + v_t, x_1 ~ N(m0, P0).

    States that are `diffuse` (m,) have zeros in the rows and columns of P0, and 0 in m0. B and D are None without
    inputs.
    """

    A: Array
    B: Array | None
    b: Array
    C: Array
    D: Array | None
    d: Array
    Q: Array
    R: Array
    m0: Array
    P0: Array
    diffuse: Array

    @staticmethod
    def of(params: Params, member: int = 0) -> Blocks:
        """Those of one member of a bank; infinite variances of its first state are those of diffuse states."""
        own: dict[str, Any] = {
            n: params[n][member] if n in params else None for n in ("A", "B", "b", "C", "D", "d", "Q", "R", "m0")
        }
        P0 = params.P0[member]
        diffuse = np.isinf(np.diagonal(P0))
        return Blocks(**own, P0=np.where(diffuse[:, None] | diffuse, 0.0, P0), diffuse=diffuse)

    @property
    def p(self) -> int:
        """Number of inputs."""
        return 0 if self.B is None else self.B.shape[1]

    def drift(self, u: Array | None, n: int) -> Array:
        """(n, m): what moves the state into each row beside the state before."""
        return np.broadcast_to(self.b, (n, len(self.b))) if self.B is None or u is None else u @ self.B.T + self.b

    def level(self, u: Array | None, n: int) -> Array:
        """(n, d): what a row shows beside the state."""
        return np.broadcast_to(self.d, (n, len(self.d))) if self.D is None or u is None else u @ self.D.T + self.d


def require_stable(A: Array, what: str) -> None:
    """Raise a ModelError where the states do not come to rest."""
    largest = float(np.abs(np.linalg.eigvals(A)).max())
    if largest >= 1:
        raise ModelError(
            f"{what}: A has an eigenvalue of modulus {largest:.6g}, so the states never settle; all need a modulus "
            "below 1. Look at forecast(h), which knows where they are.",
            slot="A",
        )


def require_certain(blocks: Blocks, what: str) -> None:
    """Raise a ModelError where nothing says where a series begins."""
    if blocks.diffuse.any():
        raise ModelError(
            f"{what}: the start of state {int(blocks.diffuse.argmax()) + 1} is diffuse, so nothing says where a series "
            "begins. Give a finite P0, or go on from rows that were seen with forecast(h, x) or sample_paths(x).",
            slot="P0",
        )


def canonical_map(blocks: Blocks) -> tuple[Array, Array]:
    """(m, m) M to the canonical basis, and its inverse."""
    size = np.linalg.eigvalsh(blocks.Q)
    if size[0] <= FLAT * size[-1]:
        raise ModelError(
            f"canonical(): Q is singular (its smallest eigenvalue is {size[0]:.3g}, its largest {size[-1]:.3g}), and "
            "the basis is one in which Q is the identity. Compare eigenvalues() instead, which no basis changes.",
            slot="Q",
        )
    if blocks.diffuse.any() and not blocks.diffuse.all():
        raise ModelError(
            "canonical(): some states have a diffuse start and others have not, and another basis would mix them. "
            "Compare eigenvalues() instead, which no basis changes.",
            slot="P0",
        )
    factor = np.linalg.cholesky(blocks.Q)
    inverse = np.linalg.inv(factor)
    turn = basis(inverse @ blocks.A @ factor, blocks.C @ factor)
    return turn.T @ inverse, factor @ turn


def basis(A: Array, C: Array) -> Array:
    """(m, m): orthonormal axes (columns) by how much C x varies along them; what it does not tell apart, by C A x, ...

    Within each step they are the right singular vectors, largest first, each with the sign that makes the largest entry
    of its column positive. States of which no row ever tells anything come last.
    """
    m = len(A)
    found, rest, look = np.zeros((m, 0)), np.eye(m), C
    scale = np.linalg.norm(C, 2)
    for _ in range(m):
        _, size, across = np.linalg.svd(look @ rest)
        rank = int((size > FLAT * scale).sum())
        axes = rest @ across.T
        told = look @ axes[:, :rank]
        largest = np.abs(told).argmax(0)
        signs = np.sign(told[largest, np.arange(rank)])
        found, rest, look = np.hstack([found, axes[:, :rank] * signs]), axes[:, rank:], look @ A
        if not rest.shape[1]:
            break
    return np.hstack([found, rest])
