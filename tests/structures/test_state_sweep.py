"""A pass in one compiled call against the same pass step by step (law 9), and when there is none."""

import numpy as np
import pytest

import likely as lk
from likely.core.setting import Setting
from likely.engines.local import Local, width_of
from likely.structures import state_sweep

STARTS = {
    "fixed": {"P0": 0.0},
    "free": {"m0": lk.free, "P0": lk.free},
    "known": {"P0": 1.0},
    "stationary": {"P0": "stationary"},
}


def written(rng, m, d, p, start, drift):
    """A stable model of m states, d columns and p inputs."""
    A = rng.normal(size=(m, m))
    A *= 0.95 / np.abs(np.linalg.eigvals(A)).max()
    inputs = {"B": rng.normal(size=(m, p)), "D": rng.normal(size=(d, p))} if p else {}
    b = rng.normal(size=m) if drift else 0.0
    blocks = {
        "A": A,
        "C": rng.normal(size=(d, m)),
        "Q": 0.5 * np.eye(m),
        "R": np.eye(d),
        "d": rng.normal(size=d),
        "b": b,
    }
    return lk.StateSpace(m, **blocks, **inputs, **STARTS[start])


def begun(rng, family, m):
    """Its parameters, with a first state where that is free."""
    params = family._blank()
    known = {n: s.known for n, s in family.slots.items() if s.known is not None}
    return family.beginning.begun(
        params.replace(**known, **({"m0": rng.normal(size=(1, m))} if "m0" in params else {}))
    )


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    ("m", "d", "p", "lengths"),
    [
        (1, 1, 0, [200]),
        (2, 2, 1, [40, 1, 40]),
        (3, 5, 0, [7, 3, 90, 90]),
        (8, 2, 2, [60]),
        (9, 3, 0, [30, 31]),
        (2, 1, 0, [1, 2, 90, 70, 90, 17, 300, 45, 2]),
    ],
)
def test_one_call_brings_back_what_steps_do(start, m, d, p, lengths):
    if start == "stationary" and p:
        p = 0  # inputs move the state, which then has no stationary distribution
    rng = np.random.default_rng([m, d, p])
    y = rng.normal(size=(sum(lengths), d))
    given = rng.normal(size=(len(y), p)) if p else None
    series = lk.sequences(y, lengths, given=given)
    family = written(rng, m, d, p, start, drift=m % 2 == 1).bind((), Setting.of(series.rows))
    params = begun(rng, family, m)
    assert family.sweeps
    assert family.sweep(params)(series) is not None
    fast = Local(series, width_of(family), sweeps=True).evaluate(family, params)
    slow = Local(series, width_of(family)).evaluate(family, params)
    assert fast.log_likelihood == pytest.approx(slow.log_likelihood, rel=1e-12)
    assert (fast.items, fast.impossible) == (slow.items, slow.impossible)
    for name, moments in vars(slow.stats).items():
        found = getattr(fast.stats, name)
        assert (found is None) == (moments is None)
        for part in ("weight", "mean", "scatter") if moments is not None else ():
            np.testing.assert_allclose(getattr(found, part), getattr(moments, part), rtol=1e-10, atol=1e-10)


def known_level(**slots):
    return lk.StateSpace(1, A=1, C=1, d=0, **{"Q": 1.0, "R": 1.0, "m0": 0, "P0": 1.0, **slots})


def test_what_is_incomplete_or_weighted_goes_step_by_step():
    y = np.random.default_rng(0).normal(size=(40, 1))
    gaps = np.where(np.arange(40)[:, None] == 3, np.nan, y)
    cases = [
        lk.sequences(gaps, [40]),
        lk.sequences(y, [20, 20], weights=[1.0, 2.0]),
    ]
    for series in cases:
        family = known_level().bind((), Setting.of(series.rows))
        assert family.sweep(family.known_params())(series) is None


def test_diffuse_starts_have_no_pass_in_one_go():
    series = lk.sequences(np.zeros((4, 1)), [4])
    assert not lk.StateSpace(1, A=1, C=1, d=0, Q=1.0, R=1.0, P0="diffuse").bind((), Setting.of(series.rows)).sweeps


def test_a_row_without_variance_is_told_as_step_by_step():
    series = lk.sequences(np.array([[0.0], [1.0], [1.0]]), [3])
    family = known_level(Q=0.0, R=0.0).bind((), Setting.of(series.rows))
    done = Local(series, 1, sweeps=True).evaluate(family, family.known_params())
    assert done.impossible == 1
    assert done.log_likelihood == -np.inf


def test_many_rows_go_piece_by_piece_to_the_same_sums(monkeypatch):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 60, 40)
    series = lk.sequences(rng.normal(size=(lengths.sum(), 2)), lengths)
    family = written(rng, 3, 2, 0, "known", drift=True).bind((), Setting.of(series.rows))
    params = begun(rng, family, 3)
    whole = family.sweep(params)(series)
    monkeypatch.setattr(state_sweep, "PIECE", 100)
    again = lk.sequences(series.rows.x, lengths)
    pieces = family.sweep(params)(again)
    assert len(again.once("pieces", list)) == state_sweep.PIECES
    assert pieces.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-13)
    for name in ("state", "rows", "first"):
        one, other = getattr(pieces.stats, name), getattr(whole.stats, name)
        np.testing.assert_allclose(one.scatter, other.scatter, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12, atol=1e-12)


def test_a_start_that_does_not_exist_is_left_to_the_steps():
    series = lk.sequences(np.random.default_rng(0).normal(size=(30, 1)), [30])
    family = lk.StateSpace(1, C=1, d=0, Q=1.0, R=1.0, P0="stationary").bind((), Setting.of(series.rows))
    stable, unstable = (family.beginning.begun(family._blank().replace(A=np.full((1, 1, 1), a))) for a in (0.9, 1.1))
    assert family.sweep(stable)(series) is not None
    assert family.sweep(unstable)(series) is None
    assert Local(series, 1, sweeps=True).evaluate(family, unstable).log_likelihood == -np.inf
