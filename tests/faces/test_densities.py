"""The picture of one column: what is drawn is what was fitted."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import legend, on_paper
from scipy import stats

import likely as lk
from likely.faces.densities import HIGHEST, bin_edges
from likely.faces.plots import plot
from likely.faces.style import DATA, INK, PALETTE

RNG = np.random.default_rng(0)
WAITING = np.loadtxt("src/likely/data/faithful.csv", delimiter=",", skiprows=1)[:, 1]
HASSELBLAD = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]


def curve(ax, label=None, colour=None):
    found = [c for c in ax.lines if (c.get_label() == label if label else to_hex(c.get_color()) == colour.lower())]
    return found[0].get_xydata().T


def bars(ax):
    return [b for b in ax.patches if to_hex(b.get_facecolor()) == DATA.lower()]


@pytest.fixture(scope="module")
def waiting():
    return lk.fit(lk.Mixture(lk.Normal(), 2), {"waiting": WAITING})


def test_the_histogram_has_the_area_of_a_density(waiting):
    ax = plot(waiting, ax=on_paper())
    assert sum(b.get_height() * b.get_width() for b in bars(ax)) == pytest.approx(1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("waiting", "density")
    assert ax.get_title("left") == "Mixture of 2 normal distributions"


def test_curves_are_the_model_and_its_weighted_components(waiting):
    ax, model = plot(waiting, ax=on_paper()), waiting.model
    sd = np.sqrt(model.component.variance)
    x, total = curve(ax, "model")
    each = model.weights * stats.norm.pdf(x[:, None], model.component.mean, sd)
    np.testing.assert_allclose(total, each.sum(1), rtol=1e-12)
    for j in range(2):
        at, part = curve(ax, colour=PALETTE[j])
        expected = model.weights[j] * stats.norm.pdf(at, model.component.mean[j], sd[j])
        np.testing.assert_allclose(part, expected, rtol=1e-9, atol=1e-300)
    assert x.min() < WAITING.min()
    assert x.max() > WAITING.max()


def test_the_legend_names_components_with_their_weights(waiting):
    w = waiting.model.weights
    expected = [f"component 1 ({w[0]:.0%})", f"component 2 ({w[1]:.0%})", "model", "data (272 rows)"]
    assert legend(plot(waiting, ax=on_paper())) == expected


def test_counts_have_a_bar_and_a_probability_each():
    x = np.repeat(np.arange(10), HASSELBLAD)
    fit = lk.fit(lk.Mixture(lk.Poisson(rate=[1.256, 2.663]), 2, weights=[0.36, 0.64]), {"deaths": x})
    ax = plot(fit, ax=on_paper())
    assert [b.get_height() for b in bars(ax)] == pytest.approx(np.divide(HASSELBLAD, 1096))
    at, p = curve(ax, "model")
    np.testing.assert_array_equal(at, np.arange(11))
    expected = 0.36 * stats.poisson.pmf(at, 1.256) + 0.64 * stats.poisson.pmf(at, 2.663)
    np.testing.assert_allclose(p, expected, rtol=1e-12)
    assert ax.get_ylabel() == "probability"


def test_whole_numbers_under_a_continuous_model_are_a_density(waiting):
    widths = {round(b.get_width(), 9) for b in bars(plot(waiting, ax=on_paper()))}
    assert widths == {3.0}  # each bar holds the same number of whole minutes
    assert plot(waiting, ax=on_paper()).get_ylabel() == "density"


def test_weights_weigh_the_histogram():
    fit = lk.fit(lk.Bernoulli(), [0, 0, 0, 1], weights=[1, 1, 1, 9])
    assert [b.get_height() for b in bars(plot(fit, ax=on_paper()))] == pytest.approx([0.25, 0.75])


def test_text_is_on_the_axis_as_it_was_written():
    fit = lk.fit(lk.Categorical(), {"drink": ["tea", "milk", "tea", "tea"]})
    ax = plot(fit, ax=on_paper())
    assert [t.get_text() for t in ax.get_xticklabels()] == ["milk", "tea"]
    np.testing.assert_allclose(curve(ax, "model")[1], [0.25, 0.75])
    assert ax.lines[0].get_linestyle() == "None"  # there is nothing between two drinks


def test_categories_between_whole_numbers_have_bars_too():
    fit = lk.fit(lk.Categorical(), [0.5, 1.5, 1.5, 4.0])
    ax = plot(fit, ax=on_paper())
    assert [b.get_height() for b in bars(ax)] == pytest.approx([0.25, 0.5, 0.25])
    np.testing.assert_allclose(curve(ax, "model"), [[0.5, 1.5, 4.0], [0.25, 0.5, 0.25]])


def test_many_counts_are_binned():
    x = RNG.poisson(5000, 400)
    ax = plot(lk.fit(lk.Poisson(), x), ax=on_paper())
    assert len(bars(ax)) < 60
    assert sum(b.get_height() * b.get_width() for b in bars(ax)) == pytest.approx(1)
    at, p = curve(ax, "model")
    np.testing.assert_allclose(p, stats.poisson.pmf(at, x.mean()), rtol=1e-9)


def test_an_infinite_density_does_not_flatten_the_data():
    x = RNG.gamma(0.3, 2, 300)
    ax = plot(lk.fit(lk.Gamma(), x), ax=on_paper())
    assert ax.get_ylim()[1] <= 1.1 * HIGHEST * max(b.get_height() for b in bars(ax))


def test_a_narrow_component_is_not_missed():
    x = np.r_[np.linspace(0, 1000, 200), 500 + 1e-3 * RNG.standard_normal(200)]
    fit = lk.fit(lk.Mixture([lk.Uniform(0, 1000), lk.Normal(500, 1e-6)], weights=[0.5, 0.5]), x)
    assert curve(plot(fit, ax=on_paper()), "model")[1].max() > 100


def test_components_of_different_kinds_are_called_by_them():
    x = np.r_[RNG.normal(3, 0.5, 60), np.linspace(-10, 10, 40)]
    fit = lk.fit(lk.Mixture([lk.Normal(3, 0.25), lk.Uniform(-10, 10)], weights=[0.6, 0.4]), x)
    assert legend(plot(fit, ax=on_paper()))[:2] == ["1 normal (60%)", "2 uniform (40%)"]


def test_a_single_distribution_is_one_line():
    ax = plot(lk.fit(lk.Normal(), WAITING), ax=on_paper())
    assert len(ax.lines) == 1
    assert to_hex(ax.lines[0].get_color()) == INK.lower()
    assert ax.get_xlabel() == "value"


def test_equal_values_have_one_bin():
    np.testing.assert_array_equal(bin_edges(np.full(5, 3.0), whole=True), [2.5, 3.5])
