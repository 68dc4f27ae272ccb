"""Law 9 for passes in one go: they bring back what inferring and collecting step by step bring back."""

import itertools

import numpy as np
import pytest

from cases import CASES
from likely.core.stats import Parts
from likely.engines.local import _step_by_step
from likely.families import fused
from likely.families.moments import Moments
from likely.numerics.blocks import GROUP

TILE = 8 * GROUP
SIZES = [1, GROUP - 1, GROUP, GROUP + 1, TILE, TILE + 1, 1003]  # about the ends of groups and of tiles of rows
SWEEPING = [case for case in CASES if not case.lengths and case.bound()[0].sweeps]


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    """However few rows there are, they go in one go."""
    monkeypatch.setattr(fused, "WORTH", 0)


def somewhere(family, table, rng):
    """Parameters near those of a start."""
    params = family.start(table, np.ones((len(table), 1)), rng)
    u = family.flatten(params)
    return family.unflatten(u + 0.1 * rng.normal(size=len(u)), params)


def moments_of(stats):
    """The moments that a component's statistics are made of, if they are."""
    parts = stats.items.values() if isinstance(stats, Parts) else [stats]
    return [s for s in parts if isinstance(s, Moments)]


def flat(stats):
    """Did a component get one row again and again?"""
    return any((s.scatter.reshape(len(s.weight), -1)[:, 0] < 1e-20 * s.weight).any() for s in moments_of(stats))


def told(family, stats, frame):
    """What statistics say, as numbers in units of others.

    Of the scatters behind one covariance that is common to all components, only the sum.
    """
    slot = family.component.slots.get("covariance")
    if slot is None or not slot.ties:
        return stats.pack(frame)
    (own,) = moments_of(stats.component)
    return np.concatenate([own.weight, own.dof, own.mean.ravel(), own.scatter.sum(0).ravel()])


@pytest.mark.parametrize("case", SWEEPING, ids=str)
def test_a_pass_in_one_go_is_the_pass_step_by_step(case):
    rng = np.random.default_rng(3)
    family, table = case.bound()
    params = somewhere(family, table, rng)
    for temperature, weighted in itertools.product((1.0, 0.0), (False, True)):
        check_pass(family, params, table, temperature, weighted, rng)


def check_pass(family, params, table, temperature, weighted, rng):
    sweep, frame = family.sweep(params, temperature), _step_by_step(family, params, table, 1.0).stats
    for n in SIZES:
        chunk = table.take(rng.integers(0, len(table), n))
        if weighted:
            chunk = chunk.with_(weights=np.where(rng.random(n) < 0.3, 0.0, 3 * rng.random(n)))
        one, other = sweep(chunk), _step_by_step(family, params, chunk, temperature)
        if one is None:  # a component that got a few rows, or one again and again, leaves no digits for its scatter
            assert moments_of(other.stats.component)
            assert n <= 2 * GROUP or flat(other.stats.component)
            continue
        assert one.impossible is None
        assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12, abs=1e-12 * n)
        u, v = (told(family, found.stats, frame) for found in (one, other))
        np.testing.assert_allclose(u, v, rtol=1e-10, atol=1e-10 * n)
        assert family.expected_log_density(params, one.stats) == pytest.approx(
            family.expected_log_density(params, other.stats), rel=1e-10, abs=1e-10 * n
        )
