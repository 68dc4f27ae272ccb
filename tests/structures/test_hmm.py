"""Hidden Markov models: known answers, known states, missing rows, structural zeros, priors, and what cannot be."""

import itertools

import numpy as np
import pytest

import likely as lk
from likely.core.data import Sequences, Table
from likely.structures.chains import Decoded
from support import bound_to_sequences, e_step

UMBRELLA = lk.HMM(lk.Bernoulli([0.9, 0.2]), 2, initial=[0.5, 0.5], transition=[[0.7, 0.3], [0.3, 0.7]])
SEEN = [1, 1, 0, 1, 1]
NAN = np.nan


def inferred(model, x, labels=None):
    """Posterior, and expected first states and moves, of one sequence."""
    family, data = bound_to_sequences(model, x, [len(x)])
    if labels is not None:
        data = data.with_(rows=data.rows.with_(labels=np.asarray(labels)))
    posterior, stats = e_step(family, family.known_params(), data)
    return posterior, stats


def test_umbrella():
    """The forward-backward example of Wikipedia; values by enumeration (notes)."""
    posterior, stats = inferred(UMBRELLA, SEEN)
    assert posterior.log_prob[0, 0] == pytest.approx(-3.3725020443, abs=1e-10)
    rain = [0.8673388896, 0.8204190536, 0.3074835760, 0.8204190536, 0.8673388896]
    np.testing.assert_allclose(posterior.hidden.gamma[:, 0, 0], rain, atol=1e-10)
    filtered = [0.8181818182, 0.8833570413, 0.1906679397, 0.7307940046, 0.8673388896]
    np.testing.assert_allclose(posterior.hidden.members[0].filtered[:, 0], filtered, atol=1e-10)
    pairs = [[2.0801861887, 0.7354743842], [0.7354743842, 0.4488650430]]
    np.testing.assert_allclose(stats.transition, pairs, atol=1e-10)


def test_umbrella_with_a_missing_day():
    posterior, stats = inferred(UMBRELLA, [1, 1, NAN, 1, 1])
    assert posterior.log_prob[0, 0] == pytest.approx(-2.0011991736, abs=1e-10)
    rain = [0.8892378653, 0.9064637791, 0.7803198477, 0.9064637791, 0.8892378653]
    np.testing.assert_allclose(posterior.hidden.gamma[:, 0, 0], rain, atol=1e-10)
    pairs = [[3.1323338839, 0.3501513874], [0.3501513874, 0.1673633413]]
    np.testing.assert_allclose(stats.transition, pairs, atol=1e-10)
    assert (stats.emission.successes + stats.emission.failures).sum() == pytest.approx(
        4.0
    )  # the missing day tells nothing of umbrellas


def test_umbrella_with_a_known_day():
    posterior, _ = inferred(UMBRELLA, SEEN, labels=[-1, -1, 0, -1, -1])
    assert posterior.log_prob[0, 0] == pytest.approx(-4.5518356489, abs=1e-10)
    rain = [0.8994121489, 0.9464402351, 1.0, 0.9464402351, 0.8994121489]
    np.testing.assert_allclose(posterior.hidden.gamma[:, 0, 0], rain, atol=1e-10)


def test_rain_and_sunshine():
    """The Viterbi example of Wikipedia: what a friend does tells the weather."""
    habits = lk.Categorical([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]], categories=["walk", "shop", "clean"])
    model = lk.HMM(habits, 2, initial=[0.6, 0.4], transition=[[0.7, 0.3], [0.4, 0.6]])
    assert model.log_prob(["walk", "shop", "clean"])[0] == pytest.approx(np.log(0.033612), abs=1e-12)


def test_missing_rows_are_moves_without_a_word():
    """At the end they change nothing; one between two others is a move taken twice; all missing is the chain itself."""
    pi, moves = np.array([0.2, 0.8]), np.array([[0.7, 0.3], [0.4, 0.6]])
    model = lk.HMM(lk.Normal([0, 3], 1), 2, initial=pi, transition=moves)
    x = [0.3, 2.0, 1.1]
    assert model.log_prob([*x, NAN, NAN]) == pytest.approx(model.log_prob(x), rel=1e-13)
    twice = lk.HMM(lk.Normal([0, 3], 1), 2, initial=pi, transition=moves @ moves)
    assert model.log_prob([x[0], NAN, x[1]]) == pytest.approx(twice.log_prob(x[:2]), rel=1e-13)
    posterior, _ = inferred(model, [NAN] * 4)
    assert posterior.log_prob[0, 0] == pytest.approx(0.0, abs=1e-14)
    chain = [pi @ np.linalg.matrix_power(moves, t) for t in range(4)]
    np.testing.assert_allclose(posterior.hidden.gamma[:, 0], chain, atol=1e-14)


def test_known_states_are_counted_in_one_step():
    """The lecture's fully observed chain: transitions and emissions are proportions."""
    x = [[0, 1, 1, 0], [1, 1, 0]]
    states = [[0, 0, 1, 1], [1, 0, 0]]
    fit = lk.fit(lk.HMM(lk.Bernoulli(), 2), [np.array(s, float) for s in x], labels=[np.array(s) for s in states])
    assert fit.model.initial.tolist() == [0.5, 0.5]
    np.testing.assert_allclose(fit.model.transition, [[2 / 3, 1 / 3], [0.5, 0.5]])
    np.testing.assert_allclose(fit.model.emission.p, [0.5, 2 / 3])
    assert fit.converged


def test_rows_all_alike_are_a_mixture():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0 * (rng.random(200) < 0.4), 1.0)
    weights = [0.3, 0.7]
    mixture = lk.Mixture(lk.Normal([0, 3], [1, 2]), 2, weights=weights)
    chain = lk.HMM(lk.Normal([0, 3], [1, 2]), 2, initial=weights, transition=[weights, weights])
    assert chain.log_prob(x)[0] == pytest.approx(mixture.log_prob(x).sum(), rel=1e-13)
    np.testing.assert_allclose(inferred(chain, x)[0].hidden.gamma[:, 0], mixture.responsibilities(x), atol=1e-12)


def test_one_state_is_the_emission_alone():
    x = np.random.default_rng(1).gamma(2, 3, 80)
    chain, alone = lk.fit(lk.HMM(lk.Gamma(), 1), x), lk.fit(lk.Gamma(), x)
    assert chain.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-12)
    assert chain.model.emission.shape[0] == pytest.approx(alone.model.shape, rel=1e-8)


def test_splitting_a_state_in_two_changes_nothing():
    one = lk.HMM(lk.Poisson([2, 9]), 2, initial=[0.4, 0.6], transition=[[0.8, 0.2], [0.3, 0.7]])
    two = lk.HMM(
        lk.Poisson([2, 9, 9]), 3, initial=[0.4, 0.2, 0.4],
        transition=[[0.8, 0.05, 0.15], [0.3, 0.1, 0.6], [0.3, 0.35, 0.35]],
    )  # fmt: skip
    x = one.sample(50, seed=4)
    assert two.log_prob(x) == pytest.approx(one.log_prob(x), rel=1e-13)


def test_a_reversed_series_is_as_probable_under_the_reversed_chain():
    moves = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]])
    values, vectors = np.linalg.eig(moves.T)
    still = np.real(vectors[:, np.argmax(np.real(values))])
    still /= still.sum()
    back = (still[:, None] * moves).T / still[:, None]
    there = lk.HMM(lk.Normal([0, 2, 5], 1), 3, initial=still, transition=moves)
    again = lk.HMM(lk.Normal([0, 2, 5], 1), 3, initial=still, transition=back)
    x = there.sample(40, seed=2)
    assert again.log_prob(x[::-1]) == pytest.approx(there.log_prob(x), rel=1e-12)


def test_forbidden_moves_stay_forbidden():
    steps = [[NAN, NAN, 0], [0, NAN, NAN], [0, 0, 1]]
    model = lk.HMM(lk.Normal(), 3, initial=[1, 0, 0], transition=steps)
    rng = np.random.default_rng(3)
    series = [np.concatenate([rng.normal(m, 1, rng.integers(5, 15)) for m in (0, 4, 8)]) for _ in range(20)]
    fit = lk.fit(model, series)
    moves = fit.model.transition
    assert (moves[1, 0], moves[2, 0], moves[2, 1], moves[0, 2]) == (0, 0, 0, 0)
    np.testing.assert_allclose(fit.model.emission.mean, [0, 4, 8], atol=0.3)
    assert fit.n_free == 2 + 6  # one move of each of two rows, means and variances


def test_a_sticky_prior_is_a_dirichlet_for_every_row():
    """MAP of known states: counts + alpha - 1, as proportions."""
    states = np.array([0, 0, 1, 1, 1, 0, 1])
    alpha = 1 + 3 * np.eye(2)
    model = lk.HMM(lk.Normal(variance=1), 2, transition=lk.Dirichlet(alpha), initial=lk.Dirichlet(2))
    fit = lk.fit(model, states + 0.1, labels=states)
    counts = np.array([[1 + 3, 2], [1, 2 + 3]])
    np.testing.assert_allclose(fit.model.transition, counts / counts.sum(1, keepdims=True))
    np.testing.assert_allclose(fit.model.initial, [2 / 3, 1 / 3])


def test_rows_of_the_matrix_can_be_shared():
    fit = lk.fit(lk.HMM(lk.Normal(variance=1), 2, transition=lk.shared), [0.0, 0.1, 3.0, 3.1, 0.2, 2.9])
    np.testing.assert_array_equal(fit.model.transition[0], fit.model.transition[1])
    assert fit.n_free == 1 + 1 + 2


def test_a_sequence_twice_is_a_weight_of_two_and_the_order_is_no_matter():
    rng = np.random.default_rng(5)
    series = [rng.normal(3.0 * (rng.random(n) < 0.5), 1) for n in (8, 1, 12)]
    model = lk.HMM(lk.Normal(), 2)
    start = lk.HMM(lk.Normal([0, 3], 1), 2, initial=[0.5, 0.5], transition=[[0.7, 0.3], [0.4, 0.6]])
    plain = {"start": start, "max_passes": 5, "tol": 0, "accelerate": False}
    weighted = lk.fit(model, series, weights=[2, 0, 1], **plain)
    repeated = lk.fit(model, [series[2], series[0], series[0]], **plain)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(weighted.model.transition, repeated.model.transition, rtol=1e-10)
    np.testing.assert_allclose(weighted.model.emission.mean, repeated.model.emission.mean, rtol=1e-10)


def test_clusters_of_sequences_and_states_that_are_mixtures():
    rng = np.random.default_rng(6)
    slow = lk.HMM(lk.Normal([0, 4], 1), 2, initial=[0.5, 0.5], transition=[[0.95, 0.05], [0.05, 0.95]])
    fast = lk.HMM(lk.Normal([0, 4], 1), 2, initial=[0.5, 0.5], transition=[[0.1, 0.9], [0.9, 0.1]])
    series = [(slow if i % 2 else fast).sample(60, seed=i) for i in range(30)]
    fit = lk.fit(lk.Mixture(lk.HMM(lk.Normal(variance=1), 2), 2), series, seed=1)
    found = fit.predict()
    assert (found == found[0]).tolist() == [i % 2 == 0 for i in range(30)]
    x = np.where(rng.random(300) < 0.5, rng.normal(0, 1, 300), rng.normal(5, 1, 300))
    nested = lk.HMM(lk.Mixture(lk.Normal(), 2), 1)
    assert lk.fit(nested, x).log_likelihood == pytest.approx(
        lk.fit(lk.Mixture(lk.Normal(), 2), x).log_likelihood, abs=1e-4
    )


def test_parameters_are_recovered_from_samples():
    truth = lk.HMM(lk.Poisson([2, 10]), 2, initial=[0.3, 0.7], transition=[[0.9, 0.1], [0.2, 0.8]])
    fit = lk.fit(lk.HMM(lk.Poisson(), 2), [truth.sample(200, seed=i) for i in range(50)])
    order = np.argsort(fit.model.emission.rate)
    np.testing.assert_allclose(fit.model.emission.rate[order], [2, 10], rtol=0.05)
    np.testing.assert_allclose(fit.model.transition[np.ix_(order, order)], truth.transition, atol=0.02)


def test_hard_training_maximises_the_joint_with_its_own_best_path():
    truth = lk.HMM(lk.Normal([0, 5], 1), 2, initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]])
    x = truth.sample(300, seed=1)
    fit = lk.fit(lk.HMM(lk.Normal(), 2), x, hard=True)
    posterior = fit.model.bind((), {"d": 1, "p": 0}).infer(
        fit.model.bind((), {"d": 1, "p": 0}).known_params(), Table(x[:, None]), 0.0
    )
    assert fit.objective == pytest.approx(float(posterior.log_prob[0, 0]), rel=1e-9)
    rises = np.diff([mark.objective for mark in fit.trace])
    assert (rises >= -1e-9).all()


# -- what cannot be

REFUSED = [
    (
        lambda: lk.Independent(lk.HMM(lk.Normal(), 2)),
        "Independent(HMM(Normal(), 2)): one chain for all columns is HMM(Independent(...), ...); for a chain to each "
        "column join them by name, as in Product(a=HMM(...), b=HMM(...)).",
    ),
    (lambda: lk.HMM(3, 2), "HMM(3, ...): the emission must be a family, as in HMM(Normal(), 2)."),
    (lambda: lk.HMM(lk.Normal(), 0), "HMM(Normal(), 0): the number of states must be a whole number from 1."),
    (lambda: lk.HMM(lk.Normal()), "HMM(Normal(), None): the number of states must be a whole number from 1."),
    (
        lambda: lk.fit(lk.HMM(lk.Normal(), 2, transition=[[0.5, 0.5], [0.3, 0.6]]), [1.0, 2, 3]),
        "HMM.transition row 2 (from state 1) is [0.3, 0.6], which sums to 0.9; it must sum to 1.",
    ),
    (
        lambda: lk.fit(lk.HMM(lk.Normal(), 2, transition=[[0.5, 0.5], [1.3, -0.3]]), [1.0, 2, 3]),
        "HMM.transition row 2 (from state 1) is [1.3, -0.3]; probabilities lie from 0 to 1, and NaN is for those to be "
        "estimated.",
    ),
    (
        lambda: lk.fit(lk.HMM(lk.Normal(), 3, transition=[[0.6, 0.5, NAN], [0, NAN, NAN], [NAN, 0, 1]]), [1.0, 2, 3]),
        "HMM.transition row 1 (from state 0) is [0.6, 0.5, nan], which sums to 1.1; it must sum to at most 1, as the "
        "others are estimated.",
    ),
    (
        lambda: lk.fit(lk.HMM(lk.Normal(), 2, transition=[[0.5, 0.5], [0, 0]]), [1.0, 2, 3]),
        "HMM.transition row 2 (from state 1) is all zeros, so state 1 has no exit. To stay in it for ever write a 1 at "
        "place 1.",
    ),
    (
        lambda: lk.fit(lk.HMM(lk.Normal(), 2, initial=[1, 0], transition=[[1, 0], [NAN, NAN]]), [1.0, 2, 3]),
        "HMM: state 1 can never be reached: initial is 0 there, and so is every move to it from the states that can "
        "be. Write NaN where a move is possible, or use fewer states.",
    ),
]


@pytest.mark.parametrize(("work", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_refusals(work, message):
    with pytest.raises(lk.ModelError) as error:
        work()
    assert str(error.value) == message


def test_a_row_that_no_state_explains_is_named():
    model = lk.HMM(lk.Uniform([0, 5], [2, 9]), 2, initial=[1, 0], transition=[[0, 1], [1, 0]])
    series = [np.array([1.0, 6.0, 1.0]), np.array([1.0, 7.0, 6.0])]
    assert model.log_prob(series).tolist() == [pytest.approx(-np.log(2 * 4 * 2)), -np.inf]
    open_model = lk.HMM(lk.Uniform([0, 5], [2, 9]), 2, initial=[1, 0], transition=[[0, NAN], [1, 0]])
    with pytest.raises(lk.FitError) as error:
        lk.fit(open_model, series)
    assert "row 6 (row 3 of sequence 2) has probability zero in every state that can be reached there" in str(
        error.value
    )


def test_random_problems_never_lose_height():
    """A thousand models and data: the objective (with priors too) rises at every pass."""
    rng = np.random.default_rng(9)
    for i in range(1000):
        m, n = int(rng.integers(1, 4)), int(rng.integers(3, 12))
        series = [rng.poisson(rng.choice([1, 6], size=k)).astype(float) for k in (n, 1 + n // 2)]
        slots = {"transition": lk.Dirichlet(rng.uniform(1, 3))} if i % 2 else {}
        emission = [lk.Poisson(), lk.Poisson(rate=lk.Gamma(2, 1)), lk.Geometric()][i % 3]
        family, data = bound_to_sequences(
            lk.HMM(emission, m, **slots), np.concatenate(series), [len(s) for s in series]
        )
        check_rises(family, data, rng)


def check_rises(family, data, rng):
    from likely.em.loop import em
    from likely.engines.local import Local

    params = family.start(data, np.ones((len(data), 1)), rng)
    with Local(data, 1, threads=1) as engine:
        objective = [s.objective for s in em(family, engine, params, max_passes=8, tol=0)]
    assert all(b >= a - 1e-10 * max(1.0, abs(a)) for a, b in itertools.pairwise(objective))


def test_a_table_is_one_sequence():
    table = Table(np.array([[1.0], [2.0], [0.5]]))
    family = lk.HMM(lk.Normal([0, 2], 1), 2, initial=[0.5, 0.5], transition=[[0.5, 0.5], [0.5, 0.5]]).bind()
    one = family.infer(family.known_params(), table).log_prob
    assert one == family.infer(family.known_params(), Sequences(table, np.array([0, 3]))).log_prob


def test_moves_of_best_paths_count_as_often_as_their_sequences():
    decoded = Decoded(np.zeros(2), np.array([0, 1, 1, 1, 0]), np.array([0, 3, 5]), 2, {})
    assert decoded.pairs(np.array([2.0, 0.5])).tolist() == [[0, 2], [0.5, 2]]


def test_first_states_of_which_nothing_is_counted_stay_as_they_are():
    model = lk.HMM(lk.Normal([0, 2], 1), 2, transition=[[0.5, 0.5], [0.5, 0.5]]).bind()
    known = lk.HMM(lk.Normal([0, 2], 1), 2, initial=[0.2, 0.8], transition=[[0.5, 0.5], [0.5, 0.5]]).bind()
    params, data = known.known_params(), Sequences(Table(np.array([[1.0], [0.5]])), np.array([0, 2]))
    stats = model.collect(params, model.infer(params, data), data, np.zeros((1, 1)))
    assert model.m_step(stats, params).initial.tolist() == [[0.2, 0.8]]
