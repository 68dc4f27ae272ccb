"""Free coordinates of the covariances of some members under each model: as many as it has parameters.

A covariance is a volume |S|^(1/d) times a matrix of determinant one. Coordinates are the logarithms of the volumes,
then (member by member, where members have nothing in common) for the matrices of determinant one: nothing (spheres),
the logarithms of their diagonals but the last, the entries of a Cholesky factor but the last, or variances along axes
and the logarithm of the rotation to those axes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from likely.families.rotations import common_axes, facing, logarithm, matching, rotation
from likely.numerics.soft import Array


class Units(Protocol):
    """Charts matrices (g, d, d) of determinant one; `alone` where those of a member have no part in another's."""

    alone: bool

    def count(self, g: int, d: int) -> int:
        """How many coordinates."""
        ...

    def to_free(self, matrices: Array) -> Array:
        """Coordinates of (g, d, d)."""
        ...

    def from_free(self, u: Array, g: int, d: int) -> Array:
        """Back from (n, count) to (n, g, d, d), with ones in place of n or g where it is common to all."""
        ...


class Spheres:
    """The identity."""

    alone = True

    def count(self, g: int, d: int) -> int:
        return 0

    def to_free(self, matrices: Array) -> Array:
        return np.zeros(0)

    def from_free(self, u: Array, g: int, d: int) -> Array:
        return np.eye(d)[None, None]


class Diagonals:
    """Diagonal matrices, one each or one for all."""

    def __init__(self, own: bool):
        self.own = self.alone = own

    def count(self, g: int, d: int) -> int:
        return (g if self.own else 1) * (d - 1)

    def to_free(self, matrices: Array) -> Array:
        return _log_shapes(np.einsum("kdd->kd", matrices if self.own else matrices[:1]))

    def from_free(self, u: Array, g: int, d: int) -> Array:
        return _shapes(u, g if self.own else 1, d)[..., None] * np.eye(d)


class Ellipsoids:
    """Any symmetric positive definite matrices, one each or one for all."""

    def __init__(self, own: bool):
        self.own = self.alone = own

    def count(self, g: int, d: int) -> int:
        return (g if self.own else 1) * (d * (d + 1) // 2 - 1)

    def to_free(self, matrices: Array) -> Array:
        factor = np.linalg.cholesky(matrices if self.own else matrices[:1])
        i, j = np.tril_indices(matrices.shape[1])
        entries = factor[:, i, j]
        return np.where(i == j, np.log(np.where(i == j, entries, 1.0)), entries)[:, :-1].ravel()

    def from_free(self, u: Array, g: int, d: int) -> Array:
        i, j = np.tril_indices(d)
        u = u.reshape(len(u), g if self.own else 1, -1)
        last = -u[..., (i == j)[:-1]].sum(-1, keepdims=True)
        u = np.concatenate([u, last], -1)
        factor = np.zeros((*u.shape[:2], d, d))
        factor[..., i, j] = np.where(i == j, np.exp(np.where(i == j, u, 0.0)), u)
        return factor @ np.swapaxes(factor, -1, -2)


class CommonAxes:
    """Variances of each member's own along axes that all have in common."""

    alone = False

    def count(self, g: int, d: int) -> int:
        return g * (d - 1) + _turns(d)

    def to_free(self, matrices: Array) -> Array:
        axes = common_axes(matrices)
        axes = facing(axes[:, matching(axes)])
        shapes = np.einsum("kdd->kd", axes.T @ matrices @ axes)
        return np.concatenate([_log_shapes(shapes), _angles(axes)])

    def from_free(self, u: Array, g: int, d: int) -> Array:
        shapes, axes = _shapes(u[:, : g * (d - 1)], g, d), _axes(u[:, None, g * (d - 1) :], d)
        return (axes * shapes[..., None, :]) @ np.swapaxes(axes, -1, -2)


class OwnAxes:
    """The same variances, largest first, along axes of each member's own."""

    alone = False

    def count(self, g: int, d: int) -> int:
        return d - 1 + g * _turns(d)

    def to_free(self, matrices: Array) -> Array:
        size, axes = np.linalg.eigh(matrices)
        angles = [_angles(facing(a[:, ::-1])) for a in axes]
        return np.concatenate([_log_shapes(size[:1, ::-1]), *angles])

    def from_free(self, u: Array, g: int, d: int) -> Array:
        shape, axes = _shapes(u[:, : d - 1], 1, d), _axes(u[:, d - 1 :].reshape(len(u), g, -1), d)
        return (axes * shape[..., None, :]) @ np.swapaxes(axes, -1, -2)


# By the letters of shape and axes.
UNITS: dict[str, Units] = {
    "II": Spheres(), "EI": Diagonals(own=False), "VI": Diagonals(own=True), "EE": Ellipsoids(own=False),
    "VV": Ellipsoids(own=True), "VE": CommonAxes(), "EV": OwnAxes(),
}  # fmt: skip


class Chart:
    """Coordinates of covariances (g, d, d) whose volumes are equal ("E") or vary ("V")."""

    def __init__(self, volumes: str, units: Units):
        self.own, self.units = volumes == "V", units

    def count(self, g: int, d: int) -> int:
        """How many coordinates."""
        return (g if self.own else 1) + self.units.count(g, d)

    def to_free(self, covariance: Array) -> Array:
        """Coordinates of (g, d, d)."""
        volume = np.linalg.slogdet(covariance)[1] / covariance.shape[1]
        units = self.units.to_free(covariance * np.exp(-volume)[:, None, None])
        if self.own and self.units.alone:
            return np.concatenate([volume[:, None], units.reshape(len(volume), -1)], 1).ravel()
        return np.concatenate([volume if self.own else volume[:1], units])

    def from_free(self, u: Array, g: int, d: int) -> Array:
        """Back from n of them (n, count) to (n, g, d, d)."""
        n, many = len(u), g if self.own else 1
        if self.own and self.units.alone:
            each = u.reshape(n, g, -1)
            u = np.concatenate([each[:, :, 0], each[:, :, 1:].reshape(n, -1)], 1)
        volume = np.broadcast_to(np.exp(u[:, :many]), (n, g))
        out = volume[..., None, None] * self.units.from_free(u[:, many:], g, d)
        return (out + np.swapaxes(out, -1, -2)) / 2


def _log_shapes(sizes: Array) -> Array:
    """Logarithms of sizes (r, d) from their means: all but the last, which the others tell."""
    logs = np.log(sizes)
    return (logs - logs.mean(1, keepdims=True))[:, :-1].ravel()


def _shapes(u: Array, r: int, d: int) -> Array:
    """(n, r, d): sizes whose product is one."""
    logs = u.reshape(len(u), r, d - 1)
    return np.exp(np.concatenate([logs, -logs.sum(-1, keepdims=True)], -1))


def _turns(d: int) -> int:
    """Planes in which d axes can turn."""
    return d * (d - 1) // 2


def _angles(axes: Array) -> Array:
    """Coordinates of a rotation (d, d)."""
    i, j = np.triu_indices(len(axes), 1)
    return logarithm(axes)[i, j]


def _axes(angles: Array, d: int) -> Array:
    """Rotations (..., d, d) with these coordinates (..., turns)."""
    i, j = np.triu_indices(d, 1)
    skew = np.zeros((*angles.shape[:-1], d, d))
    skew[..., i, j], skew[..., j, i] = angles, -angles
    return rotation(skew)
