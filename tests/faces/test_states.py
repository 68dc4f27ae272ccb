"""Pictures of a hidden Markov model."""

from importlib import resources

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import legend, on_paper
from scipy import stats

import likely as lk
from likely.faces.style import PALETTE

QUAKES = np.loadtxt(resources.files("likely") / "data" / "earthquakes.csv", delimiter=",", skiprows=1)
BEGIN = lk.HMM(lk.Poisson([15, 26]), 2, initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.1, 0.9]])


@pytest.fixture(scope="module")
def quakes():
    frame = {"year": QUAKES[:, 0], "count": QUAKES[:, 1]}
    return lk.fit(lk.HMM(lk.Poisson(), 2), frame, columns="count", time="year", start=BEGIN)


@pytest.fixture(scope="module")
def two():
    """Two sequences, one with a gap, without times."""
    start = lk.HMM(lk.Normal([0, 9], 1.0), 2, initial=[0.5, 0.5], transition=[[0.8, 0.2], [0.2, 0.8]])
    return lk.fit(lk.HMM(lk.Normal(), 2), [[0.1, 0.4, 9.1, np.nan, 8.7], [9.3, -0.2, 0.3]], start=start)


def coloured(ax, j, marker):
    """Lines in the colour of state j, with or without a marker."""
    return [v for v in ax.lines if to_hex(v.get_color()).upper() == PALETTE[j] and (v.get_marker() == "o") == marker]


def test_rows_stand_at_their_times_in_the_colour_of_their_states(quakes):
    ax = quakes.plot(ax=on_paper())
    states = quakes.decode().states
    for j in range(2):
        (dots,) = coloured(ax, j, True)
        np.testing.assert_array_equal(dots.get_xydata(), QUAKES[states == j])
    share = [(states == j).mean() for j in range(2)]
    assert legend(ax) == [f"state {j + 1} ({p:.0%})" for j, p in enumerate(share)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("year", "count")
    assert ax.get_title(loc="left") == "HMM of 2 Poisson distributions"


def test_every_stay_has_the_mean_and_the_band_of_its_state(quakes):
    ax = quakes.plot("states", ax=on_paper())
    states, rate = quakes.decode().states, quakes.model.emission.rate
    changes = np.flatnonzero(np.diff(states)) + 1
    edges = QUAKES[0, 0] + np.r_[0, changes, len(states)] - 0.5
    lines = sorted((v.get_xydata() for j in range(2) for v in coloured(ax, j, False)), key=lambda v: v[0, 0])
    np.testing.assert_allclose([v[:, 0] for v in lines], np.stack([edges[:-1], edges[1:]], 1))
    np.testing.assert_allclose([v[0, 1] for v in lines], rate[states[np.r_[0, changes]]])
    bands = [c.get_paths()[0].vertices[:, 1] for c in ax.collections]
    np.testing.assert_allclose(
        [(v.min(), v.max()) for v in bands], stats.poisson.ppf([0.05, 0.95], rate[states[np.r_[0, changes]], None])
    )


def test_a_strip_has_the_probabilities_of_the_states(quakes):
    ax = quakes.plot(ax=on_paper())
    (strip,) = ax.child_axes
    gamma = quakes.smoothed()[:, 0]
    vertices = strip.collections[0].get_paths()[0].vertices
    assert vertices[:, 1].max() == pytest.approx(gamma.max())
    at = 1950
    inside = vertices[(vertices[:, 0] > at - 0.6) & (vertices[:, 0] < at + 0.6), 1]
    assert np.isclose(inside, gamma[at - 1900]).any()


def test_several_sequences_stand_side_by_side(two):
    ax = two.plot(ax=on_paper())
    assert ax.get_xlabel() == "row (2 sequences end to end)"
    dashed = [v.get_xdata()[0] for v in ax.lines if v.get_linestyle() == "--"]
    assert dashed == [5.5]
    values = np.concatenate([v.get_ydata() for j in range(2) for v in coloured(ax, j, True)])
    assert np.isnan(values).sum() == 1


@pytest.mark.filterwarnings("ignore::likely.FewObservations")
def test_dates_make_an_axis_of_dates(two):
    days = np.datetime64("2024-01-01") + np.arange(6)
    start = two.model
    frame = {"day": days, "x": [0.1, 0.2, 9.0, 9.3, 8.8, 0.1]}
    fit = lk.fit(lk.HMM(lk.Normal(), 2), frame, columns="x", time="day", start=start)
    ax = fit.plot(ax=on_paper())
    assert ax.get_xlabel() == "day"
    assert ax.xaxis.get_converter() is not None
    ax.figure.canvas.draw()


def test_texts_are_named_on_the_axis():
    model = lk.HMM(lk.Categorical(), 2)
    fit = lk.fit(model, ["a", "a", "b", "b", "c", "a", "a", "b"], starts=2)
    ax = fit.plot(ax=on_paper())
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    assert not ax.collections


def test_the_heat_map_has_every_probability_in_its_cell(quakes):
    ax = quakes.plot("transition", ax=on_paper())
    moves = quakes.model.transition
    cells = {tuple(map(int, t.get_position()[::-1])): t.get_text() for t in ax.texts}
    assert cells == {(i, j): f"{moves[i, j]:.3f}" for i in range(2) for j in range(2)}
    np.testing.assert_allclose(ax.images[0].get_array(), np.sqrt(moves))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("to state", "from state")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1", "2"]


@pytest.mark.filterwarnings("ignore::likely.FewObservations")
def test_the_heat_map_calls_states_by_name():
    fit = lk.fit(lk.HMM(lk.Normal(), 2), [0.1, 0.3, 7.0, 7.3, 0.2], labels=["calm", "calm", "wild", "wild", "calm"])
    ax = fit.plot("transition", ax=on_paper())
    assert [t.get_text() for t in ax.get_xticklabels()] == ["calm", "wild"]
    assert ax.texts[0].get_text() == "0.500"


def test_residuals_are_drawn_over_time_and_against_normal_quantiles(quakes):
    ax = quakes.plot("residuals", ax=on_paper())
    left, right = ax.figure.axes[1:]
    z = quakes.residuals()
    np.testing.assert_allclose(left.lines[-1].get_xydata(), np.stack([QUAKES[:, 0], z], 1))
    np.testing.assert_allclose(
        left.collections[0].get_segments(),
        np.stack([np.repeat(QUAKES[:, :1], 2, 1), quakes.residuals(interval=True)], 2),
    )
    dots = right.lines[-1].get_xydata()
    np.testing.assert_allclose(dots[:, 1], np.sort(z))
    np.testing.assert_allclose(dots[:, 0], stats.norm.ppf((np.arange(107) + 0.5) / 107))
    band = right.collections[0].get_paths()[0].vertices
    lowest = band[np.isclose(band[:, 0], dots[0, 0]), 1]
    np.testing.assert_allclose([lowest.min(), lowest.max()], stats.norm.ppf(stats.beta.ppf([0.025, 0.975], 1, 107)))


def test_a_density_has_no_intervals_of_residuals(two):
    ax = two.plot("residuals", ax=on_paper())
    assert not ax.figure.axes[1].collections


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("states", "it draws the hidden states of sequences, and this model has none"),
        ("transition", "it draws the moves between hidden states, and this model has none"),
        ("residuals", "it draws the hidden states of sequences, and this model has none"),
    ],
)
def test_other_models_have_no_such_pictures(kind, why):
    fit = lk.fit(lk.Normal(), [1.0, 2.0, 4.0])
    with pytest.raises(lk.ModelError) as e:
        fit.plot(kind)
    assert str(e.value).startswith(f"plot({kind!r}) of this fit: {why}; it has 'density'")


def test_a_chain_has_no_density_for_all_rows(quakes):
    with pytest.raises(lk.ModelError) as e:
        quakes.plot("density")
    assert str(e.value).startswith(
        "plot('density') of this fit: its rows come in sequences, each depending on those before it; it has 'states'"
    )


def test_rows_of_several_columns_have_the_colours_and_outlines_of_their_states():
    start = lk.HMM(
        lk.MultivariateNormal(mean=[[0, 0], [6, 6]], covariance=np.eye(2)), 2, initial=[0.5, 0.5],
        transition=[[0.8, 0.2], [0.2, 0.8]],
    )  # fmt: skip
    x = start.sample(40, seed=3)
    fit = lk.fit(lk.HMM(lk.MultivariateNormal(), 2), x, start=start)
    ax = fit.plot(ax=on_paper())
    shown = [PALETTE.index(to_hex(c).upper()) for c in ax.collections[0].get_facecolors()]
    assert shown == fit.decode(method="posterior").states.tolist()
    assert len(ax.patches) == 4  # one and two standard deviations of each state
    assert [text.split(" (")[0] for text in legend(ax)] == ["state 1", "state 2"]
