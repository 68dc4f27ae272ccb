"""What comes after the end of series: the joint Gaussian of rows that were seen and rows to come."""

import numpy as np
import pytest
from dense_states import Joint, random_blocks, with_gaps
from scipy import stats

import likely as lk

H = 3
LEVEL = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")


def problem(seed, m=3, d=2, p=0, rows=5):
    """A filled model, one series with gaps, inputs also of rows to come, and the truth about all of them."""
    rng = np.random.default_rng(seed)
    blocks = random_blocks(rng, m, d, p)
    u = rng.normal(size=(rows + H, p)) if p else None
    y = with_gaps(rng, rng.normal(size=(rows, d)) * 2)
    y[-1] = [2.0, *[np.nan] * (d - 1)]
    return lk.StateSpace(m, **blocks), y, u, Joint(blocks, rows + H, u)


@pytest.mark.parametrize("size", [(1, 1, 0), (3, 2, 2), (2, 4, 1)], ids=str)
def test_rows_to_come_are_those_of_the_joint_distribution(size):
    model, y, u, truth = problem(5, *size)
    given, future = (None, None) if u is None else (u[:5], u[5:])
    found = model.forecast(H, y, given, future=future)
    assert len(found) == H
    whole = np.concatenate([y, np.full((H, y.shape[1]), np.nan)])
    for t in range(H):
        mean, covariance = truth.given(whole, truth.y(5 + t))
        np.testing.assert_allclose(np.ravel(found.mean[0, t]), mean, atol=1e-9)
        np.testing.assert_allclose(np.ravel(found.covariance[0, t]), covariance.ravel(), atol=1e-9)
        np.testing.assert_allclose(np.ravel(found.sd[0, t]), np.sqrt(np.diagonal(covariance)), atol=1e-9)
        mean, covariance = truth.given(whole, truth.x(5 + t))
        np.testing.assert_allclose(found.states.mean[0, t], mean, atol=1e-9)
        np.testing.assert_allclose(found.states.covariance[0, t], covariance, atol=1e-9)


def test_a_forecast_is_what_missing_rows_at_the_end_would_be():
    model, y, u, _ = problem(8, 3, 2, 1)
    whole = model.impute(np.concatenate([y, np.full((H, 2), np.nan)]), u)
    found = model.forecast(H, y, u[:5], future=u[5:])
    np.testing.assert_allclose(found.mean[0], whole.values[5:], atol=1e-9)
    np.testing.assert_allclose(found.sd[0], whole.sd[5:], atol=1e-9)


def test_every_sequence_has_its_own_inputs_to_come():
    model, y, u, _ = problem(8, 3, 2, 1)
    both = model.forecast(H, [y, y[:3]], [u[:5], u[:3]], future=[u[5:], u[3:6]])
    assert both.mean.shape == (2, H, 2)
    np.testing.assert_allclose(both.mean[0], model.forecast(H, y, u[:5], future=u[5:]).mean[0], atol=1e-9)
    np.testing.assert_allclose(both.mean[1], model.forecast(H, y[:3], u[:3], future=u[3:6]).mean[0], atol=1e-9)
    same = model.forecast(H, [y, y[:3]], [u[:5], u[:3]], future=u[5:])
    np.testing.assert_allclose(same.mean[0], both.mean[0], atol=1e-9)


def test_without_rows_the_forecast_is_from_the_beginning():
    model, _, u, truth = problem(2, 2, 2, 1)
    found = model.forecast(H, future=u[:H])
    for t in range(H):
        np.testing.assert_allclose(found.mean[0, t], truth.mean[truth.y(t)], atol=1e-9)
        at = truth.y(t)
        np.testing.assert_allclose(found.covariance[0, t], truth.cov[np.ix_(at, at)], atol=1e-9)


def test_quantiles_and_intervals_are_those_of_the_normal_distribution():
    found = LEVEL.forecast(2, [3.0, 4.0, 5.0])
    # Filtered by hand: m = 3 + 3/5, then + 2.2/4.2 of 1.4, with variance 22/21.
    np.testing.assert_allclose(found.mean, [[13 / 3, 13 / 3]])
    np.testing.assert_allclose(found.covariance, [[22 / 21 + 3, 22 / 21 + 4]])
    low, high = found.interval(0.9)[0, 1]
    assert stats.norm.cdf([low, high], 13 / 3, found.sd[0, 1]) == pytest.approx([0.05, 0.95])
    np.testing.assert_allclose(found.quantile(0.05), found.interval(0.9)[..., 0])
    np.testing.assert_allclose(found.quantile([0.05, 0.95]), found.interval(0.9))
    assert LEVEL.forecast(2, [[3.0, 4.0], [1.0, 0.0]]).quantile([0.1, 0.5, 0.9]).shape == (2, 2, 3)


INPUTS = lk.StateSpace(1, A=0.5, B=[[1, 2]], C=1, D=[[0, 1]], d=0, Q=1, R=1, m0=0, P0=1)
SEEN, U = [1.0, 2.0], np.ones((2, 2))


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: LEVEL.forecast(0, [1.0]), lk.ModelError, "forecast(0): at least one step ahead is needed."),
        (
            lambda: LEVEL.forecast(2),
            lk.ModelError,
            "forecast(2) from the beginning: the start of state 1 is diffuse, so nothing says where a series begins. "
            "Give a finite P0, or go on from rows that were seen with forecast(h, x) or sample_paths(x).",
        ),
        (
            lambda: LEVEL.forecast(2, [[1.0, 2.0], [np.nan]]),
            lk.DataError,
            "too few entries were observed in sequence 2 to tell where the states are, of which the diffuse start says "
            "nothing. Give more rows, or a model whose P0 is finite.",
        ),
        (
            lambda: LEVEL.forecast(2, [1.0], future=[1.0, 2.0]),
            lk.DataError,
            "forecast(2, future=...): the model has no inputs; leave future out.",
        ),
        (
            lambda: INPUTS.forecast(2, SEEN, U),
            lk.DataError,
            "forecast(2): the model has 2 inputs, and nothing says what comes in with the rows to come. Give "
            "future=..., an array (2, 2).",
        ),
        (
            lambda: INPUTS.forecast(2, SEEN, U, future=[1.0, 2.0]),
            lk.DataError,
            "future has 1 column; the model has 2 inputs.",
        ),
        (
            lambda: INPUTS.forecast(2, SEEN, U, future=np.ones((3, 2))),
            lk.DataError,
            "future has 3 rows; forecast(2) needs 2, one for each step ahead.",
        ),
        (
            lambda: INPUTS.forecast(2, [SEEN] * 3, [U] * 3, future=[U, U]),
            lk.DataError,
            "future has 2 sequences, the data has 3; give one array for all of them, or a list with one for each.",
        ),
        (
            lambda: INPUTS.forecast(2, [SEEN] * 2, [U] * 2, future=[U, U[:1]]),
            lk.DataError,
            "sequence 2 of future has 1 row; forecast(2) needs 2, one for each step ahead.",
        ),
        (
            lambda: LEVEL.forecast(1, [1.0, 2.0]).quantile(1.5),
            lk.DataError,
            "quantile(q) needs probabilities from 0 to 1; got 1.5.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_foretold_is_refused_in_words(ask, error, message):
    with pytest.raises(error) as e:
        ask()
    assert str(e.value) == message
