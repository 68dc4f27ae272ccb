"""Four pictures of one column, against SciPy's distribution functions."""

import numpy as np
import pytest
from pictures import legend, on_paper
from scipy import stats

import likely as lk
from likely.errors import ModelError
from likely.faces.plots import plot

X = np.random.default_rng(0).normal(5, 2, 60)
COUNTS = np.random.default_rng(1).poisson(3, 80)


def four(fit):
    ax = plot(fit, "panel", on_paper())
    first, *panels = ax.figure.axes
    assert first is ax
    assert not ax.axison
    return panels


@pytest.fixture(scope="module")
def smooth():
    return four(lk.fit(lk.Normal(), {"height": X}))


@pytest.fixture(scope="module")
def counts():
    return four(lk.fit(lk.Poisson(), {"calls": COUNTS}))


def labelled(ax, name):
    return next(c for c in ax.lines if c.get_label() == name).get_xydata().T


def dots(ax):
    return next(c for c in ax.lines if c.get_marker() == "o").get_xydata().T


def test_every_panel_says_what_it_shows(smooth, counts):
    assert [(a.get_xlabel(), a.get_ylabel()) for a in smooth] == [
        ("height", "density"),
        ("height", "cumulative probability"),
        ("quantile of the model (height)", "quantile of the data (height)"),
        ("cumulative probability of the model", "cumulative share of the data"),
    ]
    assert [(a.get_xlabel(), a.get_ylabel()) for a in counts] == [
        ("calls", "probability"),
        ("calls", "cumulative probability"),
        ("calls", "square root of the number of rows"),
        ("cumulative probability of the model", "cumulative share of the data"),
    ]
    assert smooth[0].get_title("left") == "Normal distribution"


def test_the_distribution_function_is_that_of_the_model_and_the_steps_those_of_the_data(smooth):
    at, found = labelled(smooth[1], "model")
    np.testing.assert_allclose(found, stats.norm.cdf(at, X.mean(), X.std()), atol=1e-12)
    steps = next(p for p in smooth[1].patches if p.get_label() == "data").get_data()
    np.testing.assert_allclose(steps.values, stats.ecdf(X).cdf.evaluate(np.sort(X)))
    np.testing.assert_array_equal(steps.edges[:-1], np.sort(X))
    assert legend(smooth[1]) == ["data", "model"]


def test_quantiles_are_at_the_middle_of_each_rows_share(smooth):
    theirs, own = dots(smooth[2])
    np.testing.assert_array_equal(own, np.sort(X))
    np.testing.assert_allclose(theirs, stats.norm.ppf((np.arange(60) + 0.5) / 60, X.mean(), X.std()))
    assert legend(smooth[2]) == ["95% of samples"]


def test_the_band_holds_what_samples_of_the_model_do(smooth):
    corners = smooth[2].collections[0].get_paths()[0].vertices
    at = dots(smooth[2])[0][30]
    low, high = np.sort(corners[np.isclose(corners[:, 0], at), 1])[[0, -1]]
    draws = np.sort(np.random.default_rng(2).normal(X.mean(), X.std(), (4000, 60)))[:, 30]
    assert ((draws > low) & (draws < high)).mean() == pytest.approx(0.95, abs=0.012)


def test_probabilities_stand_against_each_other(smooth):
    theirs, own = dots(smooth[3])
    np.testing.assert_allclose(theirs, stats.norm.cdf(np.sort(X), X.mean(), X.std()))
    np.testing.assert_allclose(own, (np.arange(60) + 0.5) / 60)


def test_counts_hang_from_the_roots_of_what_is_expected(counts):
    at, expected = labelled(counts[2], "model")
    np.testing.assert_allclose(expected, np.sqrt(80 * stats.poisson.pmf(at, COUNTS.mean())))
    for bar in counts[2].patches:
        value = round(bar.get_x() + bar.get_width() / 2)
        assert bar.get_height() == pytest.approx(np.sqrt(np.bincount(COUNTS)[value]))
        assert bar.get_y() + bar.get_height() == pytest.approx(expected[at == value][0])


def test_counts_have_probabilities_at_their_values(counts):
    theirs, own = dots(counts[3])
    values = np.unique(COUNTS)
    np.testing.assert_allclose(theirs, stats.poisson.cdf(values, COUNTS.mean()))
    np.testing.assert_allclose(own, stats.ecdf(COUNTS).cdf.evaluate(values))


def test_weighted_rows_count_as_often_as_they_weigh():
    weighted = four(lk.fit(lk.Normal(), [1.0, 2.0, 4.0], weights=[1, 2, 3]))
    repeated = four(lk.fit(lk.Normal(), [1.0, 2.0, 2.0, 4.0, 4.0, 4.0]))
    for panel in (1, 3):
        for a, b in zip(weighted[panel].lines, repeated[panel].lines, strict=True):
            np.testing.assert_allclose(a.get_xydata(), b.get_xydata())
    assert not weighted[2].collections


def test_many_rows_are_thinned_and_keep_their_ends():
    x = np.random.default_rng(3).exponential(size=5000)
    _theirs, own = dots(four(lk.fit(lk.Exponential(), x))[2])
    assert len(own) == 400
    assert (own[0], own[-1]) == (x.min(), x.max())


def test_a_panel_takes_the_place_of_one_axes_among_others():
    figure = on_paper().figure
    figure.clear()
    left, right = figure.subplots(1, 2)
    lk.fit(lk.Normal(), X).plot("panel", ax=right)
    assert len(figure.axes) == 6
    assert all(a.get_position().x0 > left.get_position().x1 for a in figure.axes[2:])
    free = figure.add_axes((0.1, 0.1, 0.4, 0.4))
    lk.fit(lk.Normal(), X).plot("panel", ax=free)
    assert all(a.get_position().x1 < 0.501 for a in figure.axes[-4:])


def said(fit):
    with pytest.raises(ModelError) as e:
        plot(fit, "panel", on_paper())
    return str(e.value)


def test_what_has_no_panel_says_why():
    two = lk.fit(lk.MultivariateNormal(), np.c_[X, X[::-1]])
    assert said(two) == (
        "plot('panel') of this fit: a panel is drawn for one column, and this fit has 2; it has 'scatter', 'profile' "
        "or 'surface'."
    )
    drinks = lk.fit(lk.Categorical(), {"drink": ["tea", "coffee", "tea"]})
    assert said(drinks) == (
        "plot('panel') of this fit: Categorical has no cdf; it has 'density', 'profile' or 'surface'."
    )
