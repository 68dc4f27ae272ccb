"""The picture of two columns."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse
from pictures import legend, on_paper

import likely as lk
from likely.faces.entries import bound_model
from likely.faces.plots import plot
from likely.faces.scatter import MOST, ellipses, enclosing
from likely.faces.style import PALETTE

RNG = np.random.default_rng(0)
X = np.loadtxt("src/likely/data/faithful.csv", delimiter=",", skiprows=1)


@pytest.fixture(scope="module")
def faithful():
    return lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), {"eruptions": X[:, 0], "waiting": X[:, 1]})


def outlines(ax):
    return [p for p in ax.patches if isinstance(p, Ellipse)]


def test_points_take_the_colour_of_their_component(faithful):
    ax = plot(faithful, ax=on_paper())
    points = ax.collections[0]
    np.testing.assert_array_equal(points.get_offsets(), X)
    shown = [to_hex(c).upper() for c in points.get_facecolors()]
    assert shown == [PALETTE[j] for j in faithful.predict()]


def test_uncertain_points_are_paler(faithful):
    alpha = plot(faithful, ax=on_paper()).collections[0].get_facecolors()[:, 3]
    sure = faithful.responsibilities().max(1)
    np.testing.assert_array_equal(np.argsort(alpha, kind="stable"), np.argsort(sure, kind="stable"))
    assert alpha.min() < alpha.max() - 0.2


def test_ellipses_lie_one_and_two_standard_deviations_out(faithful):
    component = faithful.model.component
    found = outlines(plot(faithful, ax=on_paper()))
    assert len(found) == 4
    for i, ellipse in enumerate(found):
        j, sds = divmod(i, 2)
        corners = ellipse.get_patch_transform().transform([(np.cos(t), np.sin(t)) for t in range(7)])
        away = corners - component.mean[j]
        distance = np.sqrt(np.einsum("ti,ij,tj->t", away, np.linalg.inv(component.covariance[j]), away))
        np.testing.assert_allclose(distance, sds + 1, rtol=1e-9)
        assert to_hex(ellipse.get_edgecolor()).upper() == PALETTE[j]


def test_other_columns_take_the_submatrix():
    x = RNG.normal(size=(60, 3)) @ np.array([[1, 0.5, 0.2], [0, 1, 0.7], [0, 0, 1]])
    fit = lk.fit(lk.MultivariateNormal(), {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    mean, covariance = ellipses(bound_model(fit), (2, 0))
    np.testing.assert_array_equal(mean[0], fit.model.mean[[2, 0]])
    np.testing.assert_array_equal(covariance[0], fit.model.covariance[[2, 0]][:, [2, 0]])
    assert len(outlines(plot(fit, ax=on_paper(), columns=("c", "a")))) == 2


def test_the_legend_and_numbers_tell_components_apart(faithful):
    ax, w = plot(faithful, ax=on_paper()), faithful.model.weights
    assert legend(ax) == [f"component 1 ({w[0]:.0%})", f"component 2 ({w[1]:.0%})"]
    numbers = {t.get_text(): t.xy for t in ax.texts}
    np.testing.assert_allclose([numbers["1"], numbers["2"]], faithful.model.component.mean, rtol=1e-3)


def test_a_single_distribution_needs_no_legend():
    ax = plot(lk.fit(lk.MultivariateNormal(), X), ax=on_paper())
    assert ax.get_legend() is None
    assert not ax.texts
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column 1", "column 2")


def test_families_without_a_covariance_are_outlined_by_their_density():
    x = np.concatenate([RNG.normal(0, 1, (400, 2)), RNG.normal(9, 1, (400, 2))])
    fit = lk.fit(lk.Mixture([lk.MultivariateNormal(), lk.MultivariateNormal("spherical")]), x, starts=1)
    ax = plot(fit, ax=on_paper())
    assert not outlines(ax)
    mean = np.array([part.mean for part in (fit.model.components[0], fit.model.components[1])])
    for j in range(2):
        lines = next(
            c for c in ax.collections if len(c.get_paths()) == 2 and to_hex(c.get_edgecolor()[0]).upper() == PALETTE[j]
        )
        outer = lines.get_paths()[0].vertices
        assert outer.min(0)[1] < mean[j][1] < outer.max(0)[1]
        sd = np.sqrt(np.diag(fit.model.components[j].covariance))
        assert np.ptp(outer[:, 1]) == pytest.approx(4 * sd[1], rel=0.05)  # two standard deviations to each side


def test_levels_enclose_their_share():
    x, y = np.meshgrid(*[np.linspace(-6, 6, 241)] * 2)
    density = np.exp(-(x**2 + y**2) / 2) / (2 * np.pi)
    low, high = enclosing(density.ravel(), (0.393469, 0.864665))
    assert low == pytest.approx(np.exp(-2) / (2 * np.pi), rel=0.02)
    assert high == pytest.approx(np.exp(-0.5) / (2 * np.pi), rel=0.02)
    assert enclosing(np.zeros(5), (0.5,)) == []


def test_of_very_many_points_a_sample_is_drawn():
    x = RNG.normal(size=(MOST + 1000, 2))
    ax = plot(lk.fit(lk.MultivariateNormal(), x), ax=on_paper())
    assert len(ax.collections[0].get_offsets()) == MOST


def test_components_take_the_names_of_labels():
    labels = np.where(np.arange(272) % 9, None, np.where(X[:, 0] < 3, "short", "long"))
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), X, labels=list(labels))
    w = fit.model.weights
    assert legend(plot(fit, ax=on_paper())) == [f"1 long ({w[0]:.0%})", f"2 short ({w[1]:.0%})"]
