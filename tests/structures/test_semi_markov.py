"""States that last: against every segmentation, and against the plain chain that geometric durations are."""

import itertools

import numpy as np
import pytest
from scipy import stats

import likely as lk
from likely.core.data import Sequences, Table
from likely.em.loop import PlainEM, em
from likely.engines.local import Local
from likely.errors import ModelError
from likely.numerics.chain_durations import best_stays, smooth_stays
from likely.structures.semi_markov import Stays, _completed, _expected, stay_tables
from support import bound_to_sequences, e_step, gradient

INITIAL, MOVES = [0.5, 0.2, 0.3], [[0, 0.6, 0.4], [0.9, 0, 0.1], [0.3, 0.7, 0]]


def segmentations(n):
    """All ways to cut n rows into stays, as their lengths."""
    for cuts in itertools.product([False, True], repeat=n - 1):
        ends = np.flatnonzero([*cuts, True]) + 1
        yield np.diff(ends, prepend=0)


def every_path(initial, moves, lasts, at_least, density):
    """(log joint, states, first, pairs, lasted, cut) of all stays of a short sequence, with plain probabilities."""
    n, m = density.shape
    for rows in segmentations(n):
        for states in itertools.product(range(m), repeat=len(rows)):
            path = np.repeat(states, rows)
            p = initial[states[0]] * np.exp(density[np.arange(n), path].sum())
            for i, j in itertools.pairwise(states):
                p *= moves[i, j]
            for j, d in zip(states[:-1], rows[:-1], strict=True):
                p *= lasts[j, d - 1]
            yield p * at_least[states[-1], rows[-1] - 1], path, states, rows


def random_problem(seed, n=6, m=3):
    rng = np.random.default_rng(seed)
    moves = rng.dirichlet(np.ones(m), m) * (1 - np.eye(m))
    moves /= moves.sum(1, keepdims=True)
    lasts = rng.dirichlet(np.ones(n + 2), m)
    lasts[0, 1] = 0.0
    lasts /= lasts.sum(1, keepdims=True)
    at_least = lasts[:, ::-1].cumsum(1)[:, ::-1][:, :n]
    density = 3 * rng.standard_normal((n, m))
    density[2, 1] = -np.inf
    return rng.dirichlet(np.ones(m)), moves, np.ascontiguousarray(lasts[:, :n]), np.ascontiguousarray(at_least), density


def logs(*arrays):
    with np.errstate(divide="ignore"):
        return [np.log(a) for a in arrays]


@pytest.mark.parametrize("seed", range(5))
def test_stays_agree_with_every_segmentation(seed):
    initial, moves, lasts, at_least, density = random_problem(seed)
    n, m = density.shape
    total, gamma, pairs = 0.0, np.zeros((n, m)), np.zeros((m, m))
    lasted, cut = np.zeros((n, m)), np.zeros((n, m))
    for p, path, states, rows in every_path(initial, moves, lasts, at_least, density):
        total += p
        gamma[np.arange(n), path] += p
        for i, j in itertools.pairwise(states):
            pairs[i, j] += p
        for j, d in zip(states[:-1], rows[:-1], strict=True):
            lasted[d - 1, j] += p
        cut[rows[-1] - 1, states[-1]] += p
    found = smooth_stays(*logs(initial, moves, lasts, at_least), density, np.array([0, n]))
    assert found.log_prob[0] == pytest.approx(np.log(total), abs=1e-12)
    for name, truth in {"gamma": gamma, "lasted": lasted, "cut": cut}.items():
        np.testing.assert_allclose(getattr(found, name), truth / total, atol=1e-12)
    np.testing.assert_allclose(found.pairs(), pairs / total, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_stays_are_the_best_of_all(seed):
    initial, moves, lasts, at_least, density = random_problem(seed)
    every = list(every_path(initial, moves, lasts, at_least, density))
    best = max(range(len(every)), key=lambda i: every[i][0])
    path, log_prob, _ = best_stays(*logs(initial, moves, lasts, at_least), density, np.array([0, len(density)]))
    assert log_prob[0] == pytest.approx(np.log(every[best][0]), abs=1e-12)
    np.testing.assert_array_equal(path, every[best][1])


def as_plain(p):
    """The transition matrix of the chain that geometric durations and MOVES make."""
    p = np.array(p)
    return np.diag(1 - p) + p[:, None] * np.array(MOVES)


def test_geometric_durations_are_the_plain_chain():
    p, x = [0.2, 0.5, 0.05], np.random.default_rng(0).normal(0, 3, 400)
    x[50:60] = np.nan
    emission = lk.Normal([-3, 0, 3], [1, 2, 1])
    stays = lk.HMM(emission, 3, initial=INITIAL, transition=MOVES, durations=lk.Geometric(p))
    plain = lk.HMM(emission, 3, initial=INITIAL, transition=as_plain(p))
    assert stays.log_prob(x) == pytest.approx(plain.log_prob(x), rel=1e-12)
    each = [m._alone(m._door(x).rows) for m in (stays, plain)]
    gamma = [m.infer(m.known_params(), m._door(x)).hidden.gamma for m in each]
    np.testing.assert_allclose(*gamma, atol=1e-10)
    best = [m.infer(m.known_params(), m._door(x), 0.0) for m in each]
    assert best[0].log_prob == pytest.approx(best[1].log_prob, rel=1e-12)
    np.testing.assert_array_equal(best[0].hidden.members[0].states, best[1].hidden.members[0].states)


def test_a_stay_that_is_cut_counts_by_its_survival():
    model = lk.HMM(lk.Poisson([1, 4]), 2, initial=[1, 0], transition=[[0, 1], [1, 0]], durations=lk.Poisson([1e-9, 9]))
    labelled = lk.sequences([2.0, 5.0, 3.0], labels=[0, 1, 1])
    bound = model._alone(labelled.rows)
    found = bound.infer(bound.known_params(), labelled).log_prob[0, 0]
    truth = stats.poisson.logpmf([2, 5, 3], [1, 4, 4]).sum() + stats.poisson.logpmf(0, 1e-9) + stats.poisson.logsf(0, 9)
    assert found == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("family", [lk.Poisson(3.0), lk.NegativeBinomial(20, 0.3), lk.Geometric(0.01)])
def test_the_chance_to_last_is_exact_in_the_far_tail(family):
    bound = family.bind()
    lasts, at_least, _, _ = stay_tables(bound, bound.known_params(), 100)
    x = np.arange(100)
    truth = {
        "Poisson": stats.poisson(3), "Geometric": stats.geom(0.01, loc=-1),
        "NegativeBinomial": stats.nbinom(0.3, 0.3 / 20.3),
    }[type(family).__name__]  # fmt: skip
    np.testing.assert_allclose(lasts[0], truth.logpmf(x), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(at_least[0], truth.logsf(x - 1), rtol=1e-9, atol=1e-12)


def test_cut_stays_are_completed_as_they_are_expected_to_last():
    bound = lk.Geometric(0.1).bind()
    stays = Stays(np.array([[0.0, 2.0, 0.0]]), np.array([[0.0, 0.0, 1.5]]))
    counts = _completed(bound, bound.known_params(), stays)[0]
    rows = np.arange(1, len(counts) + 1)
    assert counts.sum() == pytest.approx(3.5, rel=1e-12)
    assert counts @ rows == pytest.approx(2 * 2 + 1.5 * (3 + 9), rel=1e-10)  # memoryless: nine rows more
    truth = 2 * np.log(0.9 * 0.1) + 1.5 * np.log(0.9**2)
    assert _expected(bound, bound.known_params(), stays)[0] == pytest.approx(truth, rel=1e-12)


def test_the_objective_never_falls_and_ends_where_it_is_flat():
    rng = np.random.default_rng(3)
    lasts = rng.negative_binomial(3, 0.3, 40) + 1
    states = np.repeat(np.arange(40) % 2, lasts)
    x = rng.normal(4 * states, 1)
    model = lk.HMM(lk.Normal(), 2, durations=lk.NegativeBinomial())
    family, data = bound_to_sequences(model, x, [len(x)])
    params = family.start(data, np.ones((1, 1)), rng)
    with Local(data, 1, threads=1) as engine:
        steps = list(em(family, engine, params, max_passes=40, tol=0, proposer=PlainEM()))
    rise = np.diff([s.objective for s in steps])
    assert (rise >= -1e-10 * abs(steps[-1].objective)).all()
    last = steps[-1]

    def objective(u):
        return family.infer(family.unflatten(u, last.params), data).log_prob.sum()

    assert np.abs(gradient(objective, family.flatten(last.params), 1e-3)).max() < 1e-2


def test_hard_training_never_falls():
    rng = np.random.default_rng(3)
    x = rng.normal(3.0 * np.repeat(np.arange(30) % 3, rng.poisson(4, 30) + 1), 1)
    family, data = bound_to_sequences(lk.HMM(lk.Normal(), 3, durations=lk.Poisson()), x, [60, len(x) - 60])
    params = family.start(data, np.ones((2, 1)), rng)
    with Local(data, 1, threads=1) as engine:
        steps = list(em(family, engine, params, max_passes=15, tol=0, temperature=0.0, proposer=PlainEM()))
    rise = np.diff([s.objective for s in steps])
    assert len(rise) == 14
    assert (rise >= -1e-10 * abs(steps[-1].objective)).all()


def test_durations_are_recovered_from_their_own_samples():
    truth = lk.HMM(
        lk.Normal([0, 3], [1, 1]), 2, initial=[0.5, 0.5], transition=[[0, 1], [1, 0]],
        durations=lk.Poisson([4, 12]),
    )  # fmt: skip
    fit = lk.fit(lk.HMM(lk.Normal(), 2, durations=lk.Poisson()), truth.sample(4000, seed=5), starts=2)
    order = np.argsort(fit.model.emission.mean)
    assert fit.model.durations.rate[order] == pytest.approx([4, 12], rel=0.1)
    assert fit.model.emission.mean[order] == pytest.approx([0, 3], abs=0.1)
    assert fit.n_free == 4 + 1 + 0 + 2
    assert lk.parse(repr(fit.model)) == fit.model


def test_chunks_of_sequences_add_up():
    rng = np.random.default_rng(2)
    x, lengths = rng.normal(size=30), [12, 1, 9, 8]
    family, data = bound_to_sequences(lk.HMM(lk.Normal(), 2, durations=lk.Poisson()), x, lengths)
    params = family.start(data, np.ones((4, 1)), rng)
    whole = e_step(family, params, data)
    parts = [e_step(family, params, data.take(s)) for s in (slice(0, 2), slice(2, 4))]
    both = parts[0][1] + parts[1][1]
    np.testing.assert_allclose(both.durations.lasted, whole[1].durations.lasted, atol=1e-12)
    np.testing.assert_allclose(both.transition, whole[1].transition, atol=1e-12)
    assert np.concatenate([p[0].log_prob for p in parts]) == pytest.approx(whole[0].log_prob, rel=1e-13)


def test_an_impossible_sequence_is_told_by_its_row():
    model = lk.HMM(lk.Uniform(low=[0, 5], high=[1, 6]), 2, initial=[1, 0], transition=[[0, 1], [1, 0]],
                   durations=lk.Categorical([0.5, 0.5]))  # fmt: skip
    bound = model._alone(Table(np.zeros((4, 1))))
    data = Sequences(Table(np.array([[0.5], [5.5], [3.0], [0.5]])), np.array([0, 4]))
    posterior = bound.infer(bound.known_params(), data)
    assert posterior.log_prob[0, 0] == -np.inf
    assert posterior.stopped(0, 0) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: lk.HMM(lk.Normal(), 2, durations=lk.Normal()),
            "HMM(durations=Normal()): the rows of a stay less one are 0, 1, 2, ...; write one family of counts, such "
            "as Poisson(), NegativeBinomial(), Geometric() or Categorical(categories=[0, 1, 2]).",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, durations=3),
            "HMM(durations=3): write a family of counts, as in durations=NegativeBinomial().",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 1, durations=lk.Poisson()),
            "HMM(..., 1, durations=...): a stay ends by a move to another state; two states are needed.",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, initial="stationary", durations=lk.Poisson()),
            'HMM(initial="stationary", durations=...): the first stay begins at the first row, which no stationary '
            "chain sees to. Leave initial=... out, or write its probabilities.",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, transition=[[0.5, 0.5], [1, 0]], durations=lk.Poisson()).bind(),
            "HMM.transition[0, 0] = 0.5, but with durations=... a stay ends by a move to another state. Write 0 there.",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, transition=lk.shared, durations=lk.Poisson()).bind(),
            "HMM(transition=shared, durations=...): no state moves to itself, so that no two rows can be alike. Leave "
            "shared out.",
        ),
        (
            lambda: lk.HMM(lk.Normal(), 2, transition=lk.SoftmaxRegression(), durations=lk.Poisson()),
            "HMM(transition=SoftmaxRegression(), durations=...): moves that depend on covariates are not combined with "
            "durations. Leave one of them out.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ModelError) as e:
        make()
    assert str(e.value) == message
