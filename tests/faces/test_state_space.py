"""Pictures and tables of a state space."""

import numpy as np
import pytest
from pictures import legend, on_paper

import likely as lk
from likely.faces.state_space import autocorrelations

LEVEL = lk.StateSpace(1, A=[[1.0]], C=1, d=0, Q=1, R=2, m0=0, P0=9)
PAIR = lk.StateSpace(
    2, A=[[0.9, 0.1], [0, 0.5]], C=[[1, 0], [0.5, 1]], d=[0, 5], Q=np.eye(2), R=np.eye(2), m0=[0, 0], P0=1
)  # fmt: skip


@pytest.fixture(scope="module")
def level():
    """One column with a gap, at times of its own."""
    frame = {"year": 1900.0 + np.arange(40), "flow": LEVEL.sample(40, seed=1)}
    frame["flow"][10:13] = np.nan
    model = lk.StateSpace(1, A=[[1]], C=1, d=0, m0=0, P0=9)
    return lk.fit(model, frame, columns="flow", time="year", start=LEVEL, max_passes=2)


@pytest.fixture(scope="module")
def pair():
    """Two columns and two states, in two series."""
    y = [PAIR.sample(n, seed=n) for n in (30, 20)]
    return lk.fit(lk.StateSpace(2, A=[[np.nan, np.nan], [0, np.nan]], m0=[0, 0], P0=1), y, start=PAIR, max_passes=2)


def lines(ax, label):
    """The one line with a label."""
    (found,) = [v for v in ax.lines if v.get_label() == label]
    return found.get_xydata()


def panels(ax):
    """The axes that stand in place of these."""
    return [v for v in ax.figure.axes if v is not ax]


def test_a_series_is_drawn_with_its_signal_and_the_interval_of_it(level):
    ax = level.plot(ax=on_paper())
    years, known = 1900.0 + np.arange(40), level.smoothed()
    np.testing.assert_allclose(lines(ax, "smoothed"), np.stack([years, known.mean[:, 0]], 1))
    corners = ax.collections[0].get_paths()[0].vertices
    low, high = known.interval(0.95)[20, 0]
    np.testing.assert_allclose(np.unique(corners[corners[:, 0] == 1920.0, 1])[[0, -1]], [low, high])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("year", "flow")
    assert ax.get_title(loc="left") == "State space of 1 state"


def test_every_column_has_a_panel_and_the_states_have_one(pair):
    ax = pair.plot("states", ax=on_paper())
    first, second, states = panels(ax)
    known, model = pair.smoothed(), pair.model
    signal = known.mean @ model.C.T + model.d
    np.testing.assert_allclose(lines(first, "smoothed")[:, 1], signal[:30, 0])
    np.testing.assert_allclose(lines(second, "smoothed")[:, 1], signal[:30, 1])
    np.testing.assert_allclose(lines(states, "state 2")[:, 1], known.mean[:30, 1])
    assert legend(states) == ["state 1", "state 2"]
    assert [v.get_ylabel() for v in panels(ax)] == ["column 1", "column 2", "states"]
    assert states.get_xlabel() == "row (2 sequences end to end)"


def test_a_forecast_is_a_fan_after_the_last_row(level):
    ax = level.plot("forecast", h=5, ax=on_paper())
    ahead = level.forecast(5)
    np.testing.assert_allclose(lines(ax, "expected"), np.stack([1940.0 + np.arange(5), ahead.mean[0]], 1))
    assert legend(ax) == ["95%", "80%", "50%", "expected"]
    for band, q in zip(ax.collections, (0.95, 0.8, 0.5), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((ahead.interval(q).min(), ahead.interval(q).max()))
    assert ax.get_title(loc="left") == "Forecast of 5 rows"


def test_forecasts_of_several_series_begin_where_each_ends(pair):
    first, second = panels(pair.plot("forecast", h=1, ax=on_paper()))
    assert legend(first) == ["95%", "expected"]
    ends = sorted(v.get_xydata()[-1, 0] for v in first.lines)
    assert ends == [20, 21, 30, 31]
    assert len(second.collections) == 2


def test_residuals_are_drawn_over_time_and_against_themselves(level):
    ax = level.plot("residuals", ax=on_paper())
    over, normal, themselves = panels(ax)
    z = level.residuals()
    np.testing.assert_array_equal(over.lines[1].get_ydata(), z)
    np.testing.assert_allclose(normal.lines[1].get_ydata(), np.sort(z[~np.isnan(z)]))
    r = autocorrelations(z, np.array([0, 40]), 10)
    stems = [v[1, 1] for v in themselves.collections[0].get_segments()]
    np.testing.assert_allclose(stems, r)
    bound = themselves.patches[0].get_height() / 2
    assert bound == pytest.approx(1.96 / np.sqrt(37), rel=1e-3)


def test_autocorrelations_are_of_pairs_within_a_sequence():
    z = np.array([1.0, 2.0, np.nan, 3.0, -1.0, 2.0])
    square = (1 + 4 + 9 + 1 + 4) / 5
    # 1 2 . | 3 -1 2: at lag 1 the pairs (1, 2), (3, -1), (-1, 2); at lag 2 (3, 2); at lag 3 none.
    found = autocorrelations(z, np.array([0, 3, 6]), 3)
    np.testing.assert_allclose(found, [(2 - 3 - 2) / 3 / square, 6 / square, np.nan])


def test_options_of_a_forecast_mean_a_forecast(level):
    assert level.plot(h=3, ax=on_paper()).get_title(loc="left") == "Forecast of 3 rows"
    with pytest.raises(lk.ModelError) as e:
        level.plot("states", h=3)
    assert str(e.value) == "plot('states', h=3): h=... is how far a forecast goes."
    with pytest.raises(lk.DataError) as e:
        level.plot("forecast", future=[1.0], ax=on_paper())
    assert str(e.value) == "forecast(13, future=...): the model has no inputs; leave future out."


def test_without_its_data_a_fit_has_no_series(level, tmp_path):
    level.save(tmp_path / "fit.json")
    with pytest.raises(lk.ModelError) as e:
        lk.load(tmp_path / "fit.json").plot("forecast")
    assert str(e.value) == (
        "plot('forecast') of this fit: it needs the data of the fit, which a loaded fit does not carry; it has 'trace'."
    )


def test_a_summary_shows_each_block_as_a_matrix(pair):
    text = str(pair.summary())
    assert text.startswith("State space of 2 states, fitted to 50 rows of 2 columns\n")
    words = " ".join(text.split())
    first, second, third = (f"{pair.model.A[at]:.4f}" for at in ((0, 0), (0, 1), (1, 1)))
    assert f" A state \\ state before 1 2 1 {first} {second} 2 0.0000 (known) {third} b (known) " in words
    assert " m0 (known) state 1 2 0 0 P0 (known) state \\ state 1 2 1 1 0 2 0 1" in words
    assert " R column \\ column column 1 column 2 column 1 " in words
