"""Newton's method with a curvature that is measured pass by pass, beside second differences of the objective."""

import numpy as np
import pytest

import likely as lk
from likely.em.loop import _evaluate, em
from likely.em.newton import Newton
from likely.engines.local import Local
from support import bound

RNG = np.random.default_rng(0)
OVERLAPPING = np.concatenate([RNG.normal(0, 1, 700), RNG.normal(2, 1, 300)])
START = lk.Mixture(lk.Normal(mean=[0, 3], variance=1), 2, weights=[0.5, 0.5])


@pytest.fixture
def at_the_top():
    """A mixture's family and engine, and the last step of many of EM."""
    family, table = bound(lk.Mixture(lk.Normal(), 2), OVERLAPPING)
    with Local(table, 1) as engine:
        *_, last = em(family, engine, START.bind((), family.setting).known_params(), max_passes=2000)
        yield family, engine, last


def second_differences(family, engine, params, step):
    """(q, q): minus those of the objective in free coordinates."""
    u, q = family.flatten(params), len(step)

    def height(*moves):
        at = family.unflatten(u + sum(moves), params)
        return _evaluate(family, engine, at, 1, 1.0, "em").objective

    e, out = np.diag(step), np.empty((q, q))
    for i, j in np.ndindex(q, q):
        crossed = height(e[i], e[j]) - height(e[i], -e[j]) - height(-e[i], e[j]) + height(-e[i], -e[j])
        out[i, j] = -crossed / (4 * step[i] * step[j])
    return out


def test_as_many_passes_as_coordinates_measure_the_curvature_and_tell_what_is_left(at_the_top):
    family, engine, top = at_the_top
    climb = Newton.begin(0.1, family, top)
    passes, here = 0, top
    while (params := climb.propose(here.rounding)) is not None:
        new = _evaluate(family, engine, params, here.passes + 1, 1.0, "newton")
        climb.judge(new.objective >= here.objective, new)
        here = max(here, new, key=lambda step: step.objective)
        passes += 1
    assert climb.arrived
    assert passes == climb.slopes.q == 5
    truth = second_differences(family, engine, here.params, 0.1 * climb.unit)
    across = np.outer(climb.unit, climb.unit)
    np.testing.assert_allclose(climb.bend * across, truth * across, atol=0.02)
    gradient = climb.here.gradient
    assert climb.left == pytest.approx(0.5 * gradient @ np.linalg.solve(climb.bend, gradient), rel=1e-6)
