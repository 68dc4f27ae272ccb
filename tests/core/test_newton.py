"""Newton's method over known, tied and free positive slots."""

import numpy as np
import pytest
from scipy import optimize
from scipy.special import gammaln, psi, zeta

import likely as lk
from banks import bank
from likely.core.newton import climb, maximise_positive
from likely.core.written import shared

WEIGHT = np.array([3.0, 5.0, 2.0])
TOTAL, LOGS = np.array([6.0, 4.0, 9.0]), np.array([1.2, -3.0, 2.4])


def slots(**written):
    return list(bank(lk.Gamma(**written), 3, np.ones(4))[0].slots.values())


def gamma_score(weight=WEIGHT, total=TOTAL, logs=LOGS, counter=None):
    def score(values):
        if counter is not None:
            counter.append(values)
        a, b = values.T
        value = weight * (a * np.log(b) - gammaln(a)) + (a - 1) * logs - b * total
        slope = np.stack([weight * (np.log(b) - psi(a)) + logs, weight * a / b - total], 1)
        bend = np.stack([-weight * zeta(2, a), weight / b, weight / b, -weight * a / b**2], 1)
        return value, slope, bend.reshape(-1, 2, 2)

    return score


def pairs(a, b):
    return np.stack([np.array(a, float), np.array(b, float)], 1)


# what is written, how many coordinates remain, and the (3, 2) values they stand for
TIES = {
    "free": ({}, 6, lambda v: pairs(v[:3], v[3:])),
    "rate shared": ({"rate": shared}, 4, lambda v: pairs(v[:3], [v[3]] * 3)),
    "both shared": ({"shape": shared, "rate": shared}, 2, lambda v: pairs([v[0]] * 3, [v[1]] * 3)),
    "shape known": ({"shape": 2}, 3, lambda v: pairs([2, 2, 2], v)),
    "shape known, rate shared": ({"shape": [2, 1, 3], "rate": shared}, 1, lambda v: pairs([2, 1, 3], [v[0]] * 3)),
    "partly known": (
        {"shape": [2, np.nan, 1], "rate": [np.nan, np.nan, 4]},
        3,
        lambda v: pairs([2, v[0], 1], [v[1], v[2], 4]),
    ),
    "partly known, rate shared": (
        {"shape": [2, np.nan, 1], "rate": shared},
        2,
        lambda v: pairs([2, v[0], 1], [v[1]] * 3),
    ),
}


@pytest.mark.parametrize("name", TIES)
def test_the_maximum_is_that_of_a_general_optimiser(name):
    written, m, fill = TIES[name]
    found = maximise_positive(slots(**written), np.full((3, 2), np.nan), WEIGHT, gamma_score())
    best = optimize.minimize(lambda u: -gamma_score()(fill(np.exp(u)))[0].sum(), np.zeros(m), tol=1e-9)
    assert found == pytest.approx(fill(np.exp(best.x)), rel=1e-5)
    assert gamma_score()(found)[0].sum() >= -best.fun - 1e-12


@pytest.mark.parametrize("written", [{}, {"rate": shared}], ids=["apart", "together"])
def test_few_steps_from_nearby_and_never_lost_from_afar(written):
    best = maximise_positive(slots(**written), np.ones((3, 2)), WEIGHT, gamma_score())
    looks = []
    again = maximise_positive(slots(**written), 1.02 * best, WEIGHT, gamma_score(counter=looks))
    assert again == pytest.approx(best, rel=1e-12)
    assert len(looks) <= 4
    for start in (1e-8, 1e8):
        far = maximise_positive(slots(**written), np.full((3, 2), start), WEIGHT, gamma_score())
        assert far == pytest.approx(best, rel=1e-11)


def test_members_do_not_depend_on_one_another():
    alone = [
        maximise_positive(
            list(bank(lk.Gamma(), 1, np.ones(4))[0].slots.values()),
            np.ones((1, 2)),
            WEIGHT[[i]],
            gamma_score(WEIGHT[[i]], TOTAL[[i]], LOGS[[i]]),
        )[0]
        for i in range(3)
    ]
    together = maximise_positive(slots(), np.ones((3, 2)), WEIGHT, gamma_score())
    assert together == pytest.approx(np.array(alone), rel=1e-13)


def test_without_weight_there_is_no_value_but_a_tied_one():
    weight, total, logs = (np.where([True, False, True], v, 0.0) for v in (WEIGHT, TOTAL, LOGS))
    score = gamma_score(weight, total, logs)
    assert np.isnan(maximise_positive(slots(), np.ones((3, 2)), weight, score)).tolist() == [
        [False] * 2,
        [True] * 2,
        [False] * 2,
    ]
    tied = maximise_positive(slots(rate=shared), np.ones((3, 2)), weight, score)
    assert np.isnan(tied).tolist() == [[False] * 2, [True, False], [False] * 2]
    assert len(set(tied[:, 1])) == 1
    nothing = maximise_positive(slots(shape=2), np.ones((3, 2)), np.zeros(3), gamma_score(*np.zeros((3, 3))))
    assert nothing[:, 0].tolist() == [2, 2, 2]
    assert np.isnan(nothing[:, 1]).all()


def test_everything_known_comes_back_without_a_look():
    looks = []
    out = maximise_positive(slots(shape=2, rate=[1, 2, 3]), np.ones((3, 2)), WEIGHT, gamma_score(counter=looks))
    assert out.tolist() == [[2, 1], [2, 2], [2, 3]]
    assert looks == []


def test_where_the_function_bends_upward_the_climb_still_goes_up():
    """Cauchy's log density bends upward beyond one scale from its centre; Newton's own step would run away."""
    centre = np.array([3.0, -2.0])

    def score(values):
        u = np.log(values) - centre[:, None]
        slope_log = -2 * u / (1 + u**2)
        bend_log = -2 * (1 - u**2) / (1 + u**2) ** 2
        return -np.log1p(u[:, 0] ** 2), slope_log / values, ((bend_log - slope_log) / values**2)[:, :, None]

    slot = bank(lk.Exponential(), 2, np.ones(4))[0].slots["rate"]
    found = maximise_positive([slot], np.exp(centre + [8, -5])[:, None], np.ones(2), score)
    assert np.log(found[:, 0]) == pytest.approx(centre, abs=1e-12)


def test_a_climb_ends_where_only_rounding_is_left():
    """A slope that never vanishes for noise does not go on for ever."""
    rng = np.random.default_rng(0)
    looks = []

    def look(u):
        looks.append(u)
        slope = -u + 1e-6 * rng.standard_normal(u.shape)
        return -0.5 * (u**2).sum(1), slope, slope

    assert np.abs(climb(np.array([[1.0]]), look)).max() < 1e-5
    assert len(looks) < 20
