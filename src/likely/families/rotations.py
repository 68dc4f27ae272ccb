"""Rotations of d columns: their logarithms, and axes that several symmetric matrices have in common."""

from __future__ import annotations

import numpy as np

from likely.numerics.soft import Array

MIXES = 3  # ways of mixing matrices, of which the one that tells their common axes best is taken
GOLDEN = 0.6180339887498949  # its multiples never come close to repeating


def rotation(skew: Array) -> Array:
    """exp of skew-symmetric matrices (..., d, d): cos and sin(x) / x of angles, which are roots of eigenvalues."""
    square, planes = np.linalg.eigh(np.swapaxes(skew, -1, -2) @ skew)
    angle, back = np.sqrt(np.maximum(square, 0.0))[..., None, :], np.swapaxes(planes, -1, -2)
    return (planes * np.cos(angle)) @ back + (planes * np.sinc(angle / np.pi)) @ back @ skew


def logarithm(turn: Array) -> Array:
    """The skew-symmetric matrix (d, d) whose exp is a rotation; angles are below pi.

    The symmetric part of a rotation has the cosines of its angles as eigenvalues, and commutes with its skew part.
    """
    cosine, planes = np.linalg.eigh((turn + turn.T) / 2)
    skew = (turn - turn.T) / 2
    sine = np.linalg.norm(skew @ planes, axis=0)
    stretch = np.where(sine > 0, np.arctan2(sine, cosine) / np.where(sine > 0, sine, 1.0), 1.0)
    return (planes * stretch) @ planes.T @ skew


def facing(axes: Array) -> Array:
    """The same axes (d, d), columns, with the signs that bring them nearest to the identity as a rotation."""
    diagonal = np.einsum("dd->d", axes)
    sign = np.where(diagonal < 0, -1.0, 1.0)
    if np.linalg.det(axes) * sign.prod() < 0:
        sign[np.abs(diagonal).argmin()] *= -1
    return axes * sign


def matching(axes: Array) -> Array:
    """An order of axes (d, d), columns, such that each column stands near the axis of its own number."""
    close, order = np.abs(axes), np.zeros(len(axes), int)
    for _ in order:
        i, j = np.unravel_index(close.argmax(), close.shape)
        order[i] = j
        close[i], close[:, j] = -1.0, -1.0
    return order


def common_axes(matrices: Array) -> Array:
    """(d, d): axes, columns, of symmetric matrices (g, d, d) that have their axes in common.

    They are those of any mixture of the matrices; one whose eigenvalues lie apart tells them best.
    """
    each = matrices / np.einsum("gdd->g", matrices)[:, None, None]
    best, least = np.eye(matrices.shape[1]), np.inf
    for turn in range(1, MIXES + 1):
        share = 0.5 + np.arange(1, len(each) + 1) * turn * GOLDEN % 1
        axes = np.linalg.eigh((share[:, None, None] * each).sum(0))[1]
        turned = axes.T @ each @ axes
        left = np.abs(turned - turned * np.eye(axes.shape[0])).max()
        if left < least:
            best, least = axes, left
    return best
