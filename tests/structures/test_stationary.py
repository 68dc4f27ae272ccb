"""Chains that begin as they go on: published fits, scores, and M-steps that never fall."""

from pathlib import Path

import numpy as np
import pytest

import likely as lk
from likely.em.loop import PlainEM, em
from likely.engines.local import Local
from likely.errors import ModelError
from likely.structures.stationary import _Climb, stationary
from support import bound_to_sequences, e_step, gradient

QUAKES = np.loadtxt(Path(lk.__file__).parent / "data" / "earthquakes.csv", delimiter=",", skiprows=1)[:, 1]


@pytest.mark.parametrize(
    ("m", "loss", "aic", "bic", "rates", "delta"),
    [
        (1, 391.918928, 785.8379, 788.5107, [19.3645], [1]),
        (2, 342.318267, 692.6365, 703.3278, [15.4723, 26.1254], [0.66082, 0.33918]),
        (3, 329.460276, 676.9206, 700.9760, [13.1457, 19.7211, 29.7144], [0.4436, 0.4045, 0.1519]),
    ],
)
def test_earthquakes_have_the_published_minima(m, loss, aic, bic, rates, delta):
    """Zucchini, MacDonald & Langrock (2016), table 3.1 and section 3.4."""
    fit = lk.fit(lk.HMM(lk.Poisson(), m, initial="stationary"), QUAKES, starts=3)
    assert -fit.log_likelihood == pytest.approx(loss, abs=1e-5)
    assert (fit.aic, fit.bic) == (pytest.approx(aic, abs=1e-3), pytest.approx(bic, abs=1e-3))
    order = np.argsort(fit.model.emission.rate)
    assert np.atleast_1d(fit.model.emission.rate)[order] == pytest.approx(rates, abs=2e-3)
    found = stationary(np.asarray(fit.model.transition).reshape(1, m, m))[0]
    assert found[order] == pytest.approx(delta, abs=1e-3)


def test_the_distribution_stays_as_it_is_to_the_last_digit():
    rng = np.random.default_rng(0)
    moves = rng.dirichlet(np.full(6, 0.2), (20, 6))
    delta = stationary(moves)
    np.testing.assert_allclose(np.einsum("ki,kij->kj", delta, moves), delta, rtol=1e-12)
    tiny = np.array([[[1 - 1e-200, 1e-200], [1e-190, 1 - 1e-190]]])
    assert stationary(tiny)[0, 1] == pytest.approx(1e-10, rel=1e-12)


def test_states_that_are_left_for_good_have_probability_zero():
    moves = np.array([[[0.5, 0.5, 0], [0, 0.2, 0.8], [0, 0.4, 0.6]]])
    np.testing.assert_allclose(stationary(moves)[0], [0, 1 / 3, 2 / 3], rtol=1e-15)
    np.testing.assert_allclose(stationary(moves[:, ::-1, ::-1])[0], [2 / 3, 1 / 3, 0], rtol=1e-15)


@pytest.mark.parametrize("m", [2, 4])
def test_the_slope_of_the_m_step_is_that_of_differences(m):
    rng = np.random.default_rng(m)
    counts, first, a = 10 * rng.random((m, m)), 5 * rng.random((1, m)), rng.dirichlet(np.ones(m), m)
    climb = _Climb(first, counts, None, np.arange(m * m).reshape(m, m))

    def value(u):
        e = a * np.exp(u.reshape(m, m))
        return climb.value(e / e.sum(1, keepdims=True))

    np.testing.assert_allclose(climb.slope(a, stationary(a[None])).ravel(), gradient(value, np.zeros(m * m)), atol=1e-7)


def random_problem(seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(2, 4))
    slots = [
        {},
        {"transition": lk.Dirichlet(1 + 3 * np.eye(m))},
        {"transition": lk.shared},
        {"transition": lk.Dirichlet(2)},
    ]
    if m == 3:
        slots += [{"transition": [[np.nan, np.nan, 0], [0, np.nan, np.nan], [np.nan, 0, np.nan]]}]
    model = lk.HMM(lk.Poisson(), m, initial="stationary", **slots[seed % len(slots)])
    lengths = rng.integers(1, 6, 12)
    return model, rng.poisson(rng.choice([2, 9], lengths.sum())).astype(float), lengths


@pytest.mark.parametrize("seed", range(12))
def test_the_objective_never_falls(seed):
    model, x, lengths = random_problem(seed)
    family, data = bound_to_sequences(model, x, lengths)
    params = family.start(data, np.ones((len(data), 1)), np.random.default_rng(seed))
    with Local(data, 1, threads=1) as engine:
        steps = list(em(family, engine, params, max_passes=25, tol=0, proposer=PlainEM()))
    objective = np.array([s.objective for s in steps])
    assert len(objective) == 25
    assert (np.diff(objective) >= -1e-10 * np.abs(objective[1:])).all()
    assert family.obeys(steps[-1].params)


def test_the_expected_slope_is_the_score():
    """Fisher's identity: the slope of the expected log density where it was taken is that of the log-likelihood."""
    family, data = bound_to_sequences(lk.HMM(lk.Poisson(), 3, initial="stationary"), QUAKES, [50, 7, 50])
    params = family.start(data, np.ones((3, 1)), np.random.default_rng(1))
    stats, u = e_step(family, params, data)[1], family.flatten(params)
    expected = gradient(lambda v: family.expected_log_density(family.unflatten(v, params), stats).sum(), u)
    truth = gradient(lambda v: family.infer(family.unflatten(v, params), data).log_prob.sum(), u)
    np.testing.assert_allclose(expected, truth, rtol=1e-6, atol=1e-5)


def test_models_side_by_side_come_to_what_each_comes_to_alone():
    from likely.core.params import Params
    from likely.em.bank import bank_of

    family, data = bound_to_sequences(lk.HMM(lk.Poisson(), 2, initial="stationary"), QUAKES, [50, 57])
    each = [family.start(data, np.ones((2, 1)), np.random.default_rng(s)) for s in (1, 2)]
    alone = [family.maximize(e_step(family, p, data)[1], p) for p in each]
    both, params = bank_of(family, 2), Params.concatenate(each)
    stats = both.collect(params, both.infer(params, data), data, np.ones((2, 2)))
    found = both.maximize(stats, params)
    for i, one in enumerate(alone):
        np.testing.assert_allclose(found.initial[i], one.initial[0], rtol=1e-10)
        np.testing.assert_allclose(found.transition[2 * i : 2 * i + 2], one.transition, rtol=1e-10)


def test_a_published_model_still_says_that_it_is_stationary(tmp_path):
    fit = lk.fit(lk.HMM(lk.Poisson(), 2, initial="stationary"), QUAKES, starts=1)
    assert repr(fit.model).startswith("HMM(Poisson(")
    assert "initial='stationary'" in repr(fit.model)
    assert lk.parse(repr(fit.model)) == fit.model
    assert fit.model.log_prob(QUAKES).sum() == pytest.approx(fit.log_likelihood, rel=1e-12)
    assert fit.n_free == 4
    fit.save(tmp_path / "fit.json")
    assert lk.load(tmp_path / "fit.json").model == fit.model
    written = lk.HMM(
        lk.Poisson(fit.model.emission.rate), 2, transition=fit.model.transition,
        initial=stationary(fit.model.transition[None])[0],
    )  # fmt: skip
    assert written.log_prob(QUAKES) == pytest.approx(fit.model.log_prob(QUAKES), rel=1e-14)


def test_several_closed_classes_are_refused():
    with pytest.raises(ModelError) as e:
        lk.HMM(lk.Normal(), 3, initial="stationary", transition=[[1, 0, 0], [0, np.nan, np.nan], [0, 0, 1]]).bind()
    assert str(e.value) == (
        'HMM(initial="stationary"): the states {0} and {2} are never left once entered, so several distributions '
        "are stationary. Write initial=[...] or leave it out, or write NaN in transition where a move between them is "
        "possible."
    )
