"""Moves that depend on covariates: against every path, and against the plain chain."""

import itertools

import numpy as np
import pytest

import likely as lk
from likely.core.data import Sequences, Table
from likely.core.setting import Setting
from likely.errors import ModelError
from support import bound_to_sequences, e_step

RNG = np.random.default_rng(4)
EMISSION = lk.Normal([-1, 0.5, 2], [1, 2, 0.5])
MOVES = lk.SoftmaxRegression(
    coefficients=RNG.normal(size=(3, 2, 2)), intercept=RNG.normal(size=(3, 2))
)  # from, but the last of to, covariate
MODEL = lk.HMM(EMISSION, 3, initial=[0.5, 0.3, 0.2], transition=MOVES)


def matrix(z):
    """Moves at covariates z, by the formula."""
    eta = np.concatenate([MOVES.coefficients @ z + MOVES.intercept, np.zeros((3, 1))], 1)
    return np.exp(eta) / np.exp(eta).sum(1, keepdims=True)


def every_path(x, z):
    density = EMISSION.bind((lk.core.slot.Axis("state", 3),)).infer(
        EMISSION.bind((lk.core.slot.Axis("state", 3),)).known_params(), Table(x[:, None])
    ).log_prob  # fmt: skip
    for path in itertools.product(range(3), repeat=len(x)):
        p = MODEL.initial[path[0]] * np.exp(density[np.arange(len(x)), path].sum())
        for t in range(1, len(x)):
            p *= matrix(z[t])[path[t - 1], path[t]]
        yield p, path


def small():
    z = RNG.normal(size=(5, 2))
    z[3] = z[1]  # a covariate row that occurs twice
    return RNG.normal(size=5), z


def test_states_agree_with_every_path():
    x, z = small()
    total, gamma = 0.0, np.zeros((5, 3))
    paths = list(every_path(x, z))
    for p, path in paths:
        total += p
        gamma[np.arange(5), path] += p
    assert MODEL.log_prob(x, given=z) == pytest.approx([np.log(total)], rel=1e-12)
    data = MODEL._door(x, z)
    bound = MODEL._alone(data.rows)
    posterior = bound.infer(bound.known_params(), data)
    np.testing.assert_allclose(posterior.hidden.gamma[:, 0], gamma / total, atol=1e-12)
    best = bound.infer(bound.known_params(), data, 0.0)
    top = max(paths)
    assert best.log_prob[0, 0] == pytest.approx(np.log(top[0]), rel=1e-12)
    np.testing.assert_array_equal(best.hidden.members[0].states, top[1])
    pairs = np.zeros((3, 3))
    for p, path in paths:
        for i, j in itertools.pairwise(path):
            pairs[i, j] += p / total
    np.testing.assert_allclose(posterior.hidden.members[0].pairs().sum(0), pairs, atol=1e-12)


def test_coefficients_of_zero_are_the_plain_chain():
    x = np.random.default_rng(0).normal(2 * (np.arange(300) // 30 % 2), 1)
    z = np.random.default_rng(1).normal(size=(300, 1))
    moving = lk.HMM(lk.Normal(), 2, transition=lk.SoftmaxRegression(coefficients=0))
    start = lk.HMM(lk.Normal([0, 2], 1), 2, initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]])
    plain = lk.fit(lk.HMM(lk.Normal(), 2), x, start=start)
    begin = lk.HMM(
        lk.Normal([0, 2], 1), 2, initial=[0.5, 0.5],
        transition=lk.SoftmaxRegression(coefficients=np.zeros((2, 1, 1)), intercept=np.log([[9], [0.25]])),
    )  # fmt: skip
    assert begin.log_prob(x, given=z) == pytest.approx(start.log_prob(x), rel=1e-13)
    fit = lk.fit(moving, x, given=z, start=begin)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-5)
    assert fit.n_free == plain.n_free
    odds = np.asarray(fit.model.transition.intercept).ravel()
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(plain.model.transition[:, 0], abs=2e-3)


def test_two_states_move_alike_by_logistic_and_by_softmax_regression():
    x, z = small()
    logistic = lk.HMM(lk.Normal([0, 1], 1), 2, initial=[0.5, 0.5],
                      transition=lk.LogisticRegression([[1, -1], [0.5, 2]], [0.3, -1]))  # fmt: skip
    softmax = lk.HMM(lk.Normal([0, 1], 1), 2, initial=[0.5, 0.5],
                     transition=lk.SoftmaxRegression([[[-1, 1]], [[-0.5, -2]]], [[-0.3], [1]]))  # fmt: skip
    assert logistic.log_prob(x, given=z) == pytest.approx(softmax.log_prob(x, given=z), rel=1e-13)


def test_the_first_covariates_act_on_nothing():
    x, z = small()
    other = z.copy()
    other[0] = 99
    assert MODEL.log_prob(x, given=z) == pytest.approx(MODEL.log_prob(x, given=other), rel=1e-14)


def test_regressions_are_recovered_from_their_own_samples():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6000, 1))
    truth = lk.HMM(
        lk.Normal([0, 4], 1), 2, initial=[0.5, 0.5],
        transition=lk.SoftmaxRegression([[[1.5]], [[-1.0]]], [[2.0], [-1.5]]),
    )  # fmt: skip
    x = truth.sample(given=z, seed=1)
    fit = lk.fit(lk.HMM(lk.Normal(), 2, transition=lk.SoftmaxRegression()), x, given=z, starts=2)
    found = fit.model.transition
    assert fit.log_likelihood > truth.log_prob(x, given=z).sum()
    low = np.argsort(fit.model.emission.mean)
    sign = 1 if low[0] == 0 else -1
    assert np.ravel(found.coefficients)[low] * sign == pytest.approx([1.5, -1.0], abs=0.25)
    assert np.ravel(found.intercept)[low] * sign == pytest.approx([2.0, -1.5], abs=0.25)
    assert lk.parse(repr(fit.model)) == fit.model
    assert "categories" not in repr(fit.model)


def test_chunks_of_sequences_add_up():
    rng = np.random.default_rng(2)
    z = rng.integers(0, 3, (30, 1)).astype(float)
    model = lk.HMM(lk.Normal(), 2, transition=lk.SoftmaxRegression(coefficients=lk.shared(lk.Normal(0, 1))))
    family, data = bound_to_sequences(model, rng.normal(size=30), [12, 1, 9, 8], given=z)
    params = family.start(data, np.ones((4, 1)), rng)
    whole = e_step(family, params, data)[1]
    parts = [e_step(family, params, data.take(s))[1] for s in (slice(0, 2), slice(2, 4))]
    one, two = family.maximize(whole, params), family.maximize(parts[0] + parts[1], params)
    np.testing.assert_allclose(family.flatten(one), family.flatten(two), rtol=1e-8, atol=1e-9)
    assert len(whole.transition.pieces[0].weights) == 3 * 2  # distinct covariates times next states


def test_a_stretch_that_is_impossible_is_told_by_its_row():
    model = lk.HMM(lk.Uniform(low=[0, 5], high=[1, 6]), 2, initial=[0.5, 0.5],
                   transition=lk.SoftmaxRegression([[[1.0]], [[1.0]]], [[0.0], [0.0]]))  # fmt: skip
    data = Sequences(Table(np.array([[0.5], [5.5], [3.0]]), given=np.zeros((3, 1))), np.array([0, 3]))
    bound = model.bind((), Setting.of(data.rows))
    posterior = bound.infer(bound.known_params(), data)
    assert posterior.log_prob[0, 0] == -np.inf
    assert posterior.stopped(0, 0) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: lk.HMM(lk.Normal(), 3, transition=lk.LogisticRegression()),
            "HMM(transition=LogisticRegression()): moves are probabilities (an array, Dirichlet(...), shared), or "
            "a regression of the next state on covariates: SoftmaxRegression(), or LogisticRegression() between two "
            "states.",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, transition=lk.SoftmaxRegression(categories=["a", "b"])),
            "HMM(transition=SoftmaxRegression(categories=['a', 'b'])): the categories are the states, numbered from 0; "
            "leave categories out.",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, initial="stationary", transition=lk.SoftmaxRegression()),
            'HMM(initial="stationary", transition=SoftmaxRegression()): moves that depend on covariates have no '
            "stationary distribution. Leave initial=... out, or write its probabilities.",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ModelError) as e:
        make()
    assert str(e.value) == message
