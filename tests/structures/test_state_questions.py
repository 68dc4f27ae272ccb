"""What is asked of a state space, against the joint Gaussian of all states and rows."""

import numpy as np
import pytest
from dense_states import Joint, random_blocks, with_gaps
from scipy import stats

import likely as lk

NILE = [1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140]
LEVEL = lk.StateSpace(1, A=1, C=1, d=0, Q=1469.1, R=15099, m0=0, P0=1e7)


def problem(seed, m=3, d=2, p=0, rows=5):
    """A filled model, one series with gaps, its inputs, and the truth."""
    rng = np.random.default_rng(seed)
    blocks = random_blocks(rng, m, d, p)
    u = rng.normal(size=(rows, p)) if p else None
    y = with_gaps(rng, rng.normal(size=(rows, d)) * 2)
    return lk.StateSpace(m, **blocks), y, u, Joint(blocks, rows, u), blocks


@pytest.fixture(params=[(1, 1, 0), (3, 2, 2), (2, 4, 1)], ids=str)
def one(request):
    return problem(7, *request.param)


def moments(truth, y, rows):
    """Means and covariances of the states given so many rows: those before each, those up to it, or all."""
    found = [truth.given(y, truth.x(t), rows(t)) for t in range(len(y))]
    return [np.array(v) for v in zip(*found, strict=True)]


def test_states_are_those_of_the_joint_distribution(one):
    model, y, u, truth, _ = one
    for ask, rows in (
        (model.predicted, lambda t: t),
        (model.filtered, lambda t: t + 1),
        (model.smoothed, lambda _: None),
    ):
        mean, covariance = moments(truth, y, rows)
        np.testing.assert_allclose(ask(y, u).mean, mean, atol=1e-9)
        np.testing.assert_allclose(ask(y, u).covariance, covariance, atol=1e-9)


def test_states_of_neighbouring_rows_vary_together_as_they_should(one):
    model, y, u, truth, _ = one
    lagged = model.smoothed(y, u).lagged
    assert not lagged[0].any()
    for t in range(1, len(y)):
        both = truth.given(y, np.r_[truth.x(t), truth.x(t - 1)])[1]
        np.testing.assert_allclose(lagged[t], both[: truth.m, truth.m :], atol=1e-9)


def test_intervals_hold_states_with_their_probability():
    known = LEVEL.smoothed(NILE)
    low, high = known.interval(0.9)[3, 0]
    assert stats.norm.cdf([low, high], known.mean[3, 0], known.sd[3, 0]) == pytest.approx([0.05, 0.95])
    np.testing.assert_array_equal(np.asarray(known), known.mean)
    with pytest.raises(lk.ModelError) as e:
        known.interval(95)
    assert str(e.value) == "interval(level=95): a level lies between 0 and 1, as in level=0.95."


def test_innovations_are_errors_of_what_the_rows_before_foretell(one):
    model, y, u, truth, _ = one
    found = model.innovations(y, u, standardised=False).reshape(y.shape)
    each = model.innovations(y, u).reshape(y.shape)
    for t in range(len(y)):
        mean, covariance = truth.given(y, truth.y(t), t)
        np.testing.assert_allclose(found[t], y[t] - mean, atol=1e-9)
        np.testing.assert_allclose(each[t], (y[t] - mean) / np.sqrt(np.diagonal(covariance)), atol=1e-9)


def test_residuals_compare_each_entry_with_all_before_it(one):
    model, y, u, truth, _ = one
    found, seen = model.residuals(y, u).ravel(), np.ravel(y)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(seen))
    for j in np.flatnonzero(~np.isnan(seen)):
        before = np.where(np.arange(len(seen)) < j, seen, np.nan)
        mean, covariance = truth.given(before, truth.y(0)[:1] + j)
        assert found[j] == pytest.approx((seen[j] - mean[0]) / np.sqrt(covariance[0, 0]), abs=1e-8)


def test_residuals_begin_where_a_diffuse_start_is_over():
    model = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")
    # The second is (4 - 3) / sqrt(2 + 1 + 2).
    np.testing.assert_allclose(model.residuals([3.0, 4.0, np.nan]), [np.nan, 1 / np.sqrt(5), np.nan], atol=1e-6)


def test_disturbances_are_noises_given_all_rows(one):
    model, y, u, truth, blocks = one
    found = model.disturbances(y, u)
    assert np.isnan(found.state[0]).all()
    A, C, m, T = (np.asarray(blocks[n]) for n in "AC"), None, truth.m, len(y)
    A, C = A
    for t in range(T):
        mean, covariance = truth.given(y, truth.x(t))
        seen = ~np.isnan(y[t])
        level = blocks["d"] + (0 if u is None else blocks["D"] @ u[t])
        np.testing.assert_allclose(found.observation[t], y[t] - C @ mean - level, atol=1e-9)
        left = (C @ covariance @ C.T)[np.ix_(seen, seen)]
        np.testing.assert_allclose(found.observation_covariance[t][np.ix_(seen, seen)], left, atol=1e-9)
        told = blocks["R"][seen, seen] - np.diagonal(left)
        np.testing.assert_allclose(found.observation_residuals[t, seen], found.observation[t, seen] / np.sqrt(told))
    for t in range(1, T):
        mean, covariance = truth.given(y, np.r_[truth.x(t), truth.x(t - 1)])
        step = np.hstack([np.eye(m), -A])
        drift = blocks["b"] + (0 if u is None else blocks["B"] @ u[t])
        np.testing.assert_allclose(found.state[t], step @ mean - drift, atol=1e-8)
        np.testing.assert_allclose(found.state_covariance[t], step @ covariance @ step.T, atol=1e-8)
        told = np.diagonal(blocks["Q"] - step @ covariance @ step.T)
        if (told > 1e-6).all():
            np.testing.assert_allclose(found.state_residuals[t], found.state[t] / np.sqrt(told), atol=1e-6)


def test_a_state_without_noise_has_no_auxiliary_residual():
    blocks = {"A": [[1, 1], [0, 1]], "C": [[1, 0]], "d": 0, "Q": [[0, 0], [0, 1]], "R": 2, "m0": [0, 0], "P0": 1}
    found = lk.StateSpace(2, **blocks).disturbances([1.0, 2.0, 9.0, 4.0])
    assert np.isnan(found.state_residuals[:, 0]).all()
    assert np.isfinite(found.state_residuals[1:3, 1]).all()


def test_gaps_are_filled_given_all_that_was_observed(one):
    model, y, u, truth, _ = one
    found = model.impute(y, u)
    values, sd = found.values.reshape(y.shape), found.sd.reshape(y.shape)
    for t in range(len(y)):
        gap = np.isnan(y[t])
        mean, covariance = truth.given(y, truth.y(t)[gap])
        np.testing.assert_allclose(values[t, gap], mean, atol=1e-9)
        np.testing.assert_allclose(sd[t, gap], np.sqrt(np.diagonal(covariance)), atol=1e-9)
        np.testing.assert_array_equal(values[t, ~gap], y[t, ~gap])
        assert not sd[t, ~gap].any()
    assert found.interval(0.5).shape == (*found.values.shape, 2)
    np.testing.assert_array_equal(np.asarray(found), found.values)


def test_a_column_measured_without_error_tells_of_the_others():
    rng = np.random.default_rng(5)
    blocks = random_blocks(rng, 2, 3)
    blocks["R"] = np.diag([0.0, 1.0, 1.0]) + [[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]]
    y = rng.normal(size=(4, 3))
    y[2, 1:] = np.nan
    mean, _ = (truth := Joint(blocks, 4)).given(y, truth.y(2)[1:])
    np.testing.assert_allclose(lk.StateSpace(2, **blocks).impute(y).values[2, 1:], mean, atol=1e-8)


def test_answers_come_sequence_by_sequence():
    model, y, _, _, _ = problem(3)
    two = [y, y[:3]]
    for ask in (model.smoothed, model.filtered, model.predicted, model.impute, model.disturbances):
        first, second = ask(two, split=True)
        for name, value in ask(y[:3]).__dict__.items():
            if value is not None:
                np.testing.assert_allclose(getattr(second, name), value, atol=1e-9)
                assert len(getattr(first, name)) == 5
    for ask in (model.residuals, model.innovations):
        np.testing.assert_allclose(ask(two, split=True)[1], ask(y[:3]), atol=1e-9)
        assert len(ask(two)) == 8


def test_draws_have_the_moments_of_the_model():
    model, _, u, truth, _ = problem(11, 2, 2, 1, rows=3)
    x, z = model.sample(given=u, sequences=20_000, states=True, seed=3)
    drawn = np.concatenate([np.array(z).reshape(20_000, -1), np.array(x).reshape(20_000, -1)], 1)
    sd = np.sqrt(np.diagonal(truth.cov))
    np.testing.assert_allclose((drawn.mean(0) - truth.mean) / sd, 0, atol=0.035)
    np.testing.assert_allclose(np.cov(drawn.T) / np.outer(sd, sd), truth.cov / np.outer(sd, sd), atol=0.05)


def test_the_same_seed_draws_the_same():
    model, *_ = problem(2)
    np.testing.assert_array_equal(model.sample(4, seed=1), model.sample(4, seed=1))
    x, z = model.sample(4, seed=1, states=True)
    assert (x.shape, z.shape) == ((4, 2), (4, 3))
    assert [len(v) for v in model.sample(4, sequences=2)] == [4, 4]
    assert LEVEL.sample(3).shape == (3,)


def test_a_start_without_variance_is_where_draws_begin():
    model = lk.StateSpace(2, A=np.eye(2), C=[[1, 0]], d=0, Q=[[1, 0], [0, 0]], R=0, m0=[4, 7], P0=[[0, 0], [0, 0]])
    _, z = model.sample(5, states=True, seed=2)
    assert z[0].tolist() == [4, 7]
    assert (z[:, 1] == 7).all()
    assert len(np.unique(z[:, 0])) == 5


def test_paths_have_the_moments_of_states_given_all_rows():
    model, y, u, truth, _ = problem(4, 2, 2, 1, rows=4)
    drawn = model.sample_paths(y, 20_000, given=u, seed=8)
    assert drawn.shape == (20_000, 4, 2)
    mean, covariance = truth.given(y, np.arange(8))
    flat, sd = drawn.reshape(20_000, 8), np.sqrt(np.diagonal(covariance))
    np.testing.assert_allclose((flat.mean(0) - mean) / sd, 0, atol=0.035)
    np.testing.assert_allclose(np.cov(flat.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.05)


def test_paths_of_several_sequences_are_each_its_own():
    model, y, _, _, _ = problem(4, 2, 2, rows=4)
    drawn = model.sample_paths([y, y[:2] + 50], 400, seed=1)
    assert drawn.shape == (400, 6, 2)
    known = model.smoothed([y, y[:2] + 50])
    np.testing.assert_allclose((drawn.mean(0) - known.mean) / known.sd, 0, atol=0.25)
    np.testing.assert_allclose(drawn.std(0) / known.sd, 1, atol=0.2)


def test_paths_go_through_what_is_known_without_error():
    turn = lk.StateSpace(2, A=[[1, 1], [0, 1]], C=[[1, 0]], d=0, Q=[[0, 0], [0, 1]], R=0, m0=[0, 0], P0=1)
    drawn = turn.sample_paths([1.0, np.nan, 2.0], 50, seed=1)
    np.testing.assert_allclose(drawn[:, [0, 2], 0], [[1, 2]] * 50, atol=1e-9)
    np.testing.assert_allclose(drawn[:, 1:, 0], drawn[:, :-1].sum(2), atol=1e-9)
    assert drawn[:, 1, 0].std() > 0.1


def test_paths_of_a_diffuse_start_follow_the_rows():
    model = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")
    y = [1003.0, np.nan, 1005.0]
    drawn, known = model.sample_paths(y, 20_000, seed=2)[..., 0], model.smoothed(y)
    np.testing.assert_allclose(drawn.mean(0), known.mean[:, 0], atol=0.04)
    np.testing.assert_allclose(drawn.std(0), known.sd[:, 0], rtol=0.02)


def test_eigenvalues_come_by_their_modulus():
    model = lk.StateSpace(3, A=[[0.1, 0, 0], [0, 0, -0.9], [0, 0.9, 0]], C=[[1, 1, 1]], d=0, Q=1, R=1, m0=[0] * 3, P0=1)
    np.testing.assert_allclose(np.abs(model.eigenvalues()), [0.9, 0.9, 0.1])
    np.testing.assert_allclose(LEVEL.eigenvalues(), [1.0])


def test_the_stationary_distribution_stays_as_it_is():
    model, _, _, _, blocks = problem(1)
    found = model.stationary_distribution()
    np.testing.assert_allclose(blocks["A"] @ found.mean + blocks["b"], found.mean, atol=1e-10)
    moved = blocks["A"] @ found.covariance @ blocks["A"].T + blocks["Q"]
    np.testing.assert_allclose(moved, found.covariance, rtol=1e-9)


def test_the_canonical_basis_does_not_depend_on_the_one_before():
    rng = np.random.default_rng(3)
    for m, d, p in ((1, 1, 0), (3, 2, 1), (2, 4, 0), (4, 1, 0)):
        model, y, u, _, blocks = problem(m, m, d, p)
        M = rng.normal(size=(m, m))
        back = np.linalg.inv(M)
        turned = {
            **blocks, "A": M @ blocks["A"] @ back, "b": M @ blocks["b"], "C": blocks["C"] @ back,
            "Q": M @ blocks["Q"] @ M.T, "m0": M @ blocks["m0"], "P0": M @ blocks["P0"] @ M.T,
        }  # fmt: skip
        if p:
            turned["B"] = M @ blocks["B"]
        for n in ("Q", "P0"):
            turned[n] = (turned[n] + turned[n].T) / 2
        first, second = model.canonical(), lk.StateSpace(m, **turned).canonical()
        for n in turned:
            np.testing.assert_allclose(getattr(first, n), getattr(second, n), atol=1e-7, rtol=1e-6)
        np.testing.assert_allclose(first.Q, np.eye(m))
        if d >= m:
            cross = first.C.T @ first.C
            np.testing.assert_allclose(cross, np.diag(np.diagonal(cross)), atol=1e-9)
            assert (np.diff(np.diagonal(cross)) <= 0).all()
        assert first.log_prob(y, u) == pytest.approx(model.log_prob(y, u), rel=1e-9)


def test_what_no_row_tells_of_comes_last_in_the_canonical_basis():
    model = lk.StateSpace(2, A=[[0.5, 0], [0, 0.2]], C=[[0, 2.0]], d=0, Q=1, R=1, m0=[0, 0], P0=1)
    np.testing.assert_allclose(model.canonical().C, [[2.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda m: m(P0="diffuse").sample(),
            "sample(): the start of state 1 is diffuse, so nothing says where a series begins. Give a finite P0, or go "
            "on from rows that were seen with forecast(h, x) or sample_paths(x).",
        ),
        (lambda m: m(m0=0, P0=1).sample(0), "sample(0, sequences=None): at least one row and one sequence are needed."),
        (
            lambda m: m(m0=0, P0=1).stationary_distribution(),
            "stationary_distribution(): A has an eigenvalue of modulus 1, so the states never settle; all need a "
            "modulus below 1. Look at forecast(h), which knows where they are.",
        ),
        (
            lambda m: m(m0=0, P0=1, Q=0).canonical(),
            "canonical(): Q is singular (its smallest eigenvalue is 0, its largest 0), and the basis is one in which Q "
            "is the identity. Compare eigenvalues() instead, which no basis changes.",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_in_words(ask, message):
    def level(**start):
        return lk.StateSpace(1, **{"A": 1, "C": 1, "d": 0, "Q": 1, "R": 2, **start})

    with pytest.raises(lk.ModelError) as e:
        ask(level)
    assert str(e.value) == message


def test_draws_of_a_model_with_inputs_need_them():
    model = lk.StateSpace(1, A=1, B=[[1]], C=1, D=[[0]], d=0, Q=1, R=1, m0=0, P0=1)
    with pytest.raises(lk.DataError) as e:
        model.sample(3)
    assert str(e.value) == "the model conditions on covariates; sample(given=...) needs them, one row a draw."


@pytest.mark.parametrize("ask", ["filtered", "predicted", "smoothed", "residuals", "impute", "sample_paths"])
def test_rows_that_tell_too_little_are_refused_in_words(ask):
    model = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")
    with pytest.raises(lk.DataError) as e:
        getattr(model, ask)([[1.0, 2.0], [np.nan, np.nan]])
    assert str(e.value) == (
        "too few entries were observed in sequence 2 to tell where the states are, of which the diffuse start says "
        "nothing. Give more rows, or a model whose P0 is finite."
    )
    turn = lk.StateSpace(2, A=[[1, 1], [0, 1]], C=[[1, 0]], d=0, Q=1, R=1, P0="diffuse")
    with pytest.raises(lk.DataError) as e:
        getattr(turn, ask)([1.0])
    assert str(e.value) == (
        "too few entries were observed to tell where the states are, of which the diffuse start says nothing. Give "
        "more rows, or a model whose P0 is finite."
    )


def test_a_row_without_any_variance_is_named():
    model = lk.StateSpace(1, A=1, C=1, d=0, Q=0, R=0, m0=0, P0=1)
    with pytest.raises(lk.DataError) as e:
        model.smoothed([[1.0], [3.0, np.nan, 4.0]])
    assert str(e.value) == (
        "row 4 (row 3 of sequence 2) has no variance given the rows before it, under R and what is uncertain of the "
        "states, so its density is not defined. Give R a variance there, or leave the row missing (NaN)."
    )
    assert e.value.row == 4
