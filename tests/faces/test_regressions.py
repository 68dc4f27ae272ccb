"""The picture of one column against one covariate."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import legend, on_paper

import likely as lk
from likely.faces.plots import plot
from likely.faces.style import PALETTE

RNG = np.random.default_rng(0)


def test_lines_are_the_regressions_of_the_components():
    x = RNG.uniform(0, 10, 200)
    upper = RNG.random(200) < 0.4
    y = np.where(upper, 2 + 1.5 * x, 14 - 0.6 * x) + RNG.normal(0, 0.5, 200)
    fit = lk.fit(lk.Mixture(lk.LinearGaussian(), 2), {"speed": x, "dist": y}, given="speed")
    ax = fit.plot(ax=on_paper())
    component, w = fit.model.component, fit.model.weights
    for j in range(2):
        line = next(c for c in ax.lines if to_hex(c.get_color()).upper() == PALETTE[j]).get_xydata()
        expected = component.intercept[j].item() + component.coefficients[j].item() * line[:, 0]
        inside = np.abs(expected - y.mean()) < np.ptp(y)
        np.testing.assert_allclose(line[inside, 1], expected[inside], atol=1e-3)
    assert legend(ax) == [f"component 1 ({w[0]:.0%})", f"component 2 ({w[1]:.0%})"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("speed", "dist")


def test_bands_are_one_standard_deviation():
    x = RNG.uniform(0, 10, 100)
    fit = lk.fit(lk.LinearGaussian(), 1 + x + RNG.normal(size=100), given=x)
    ax = plot(fit, ax=on_paper())
    band = ax.collections[1].get_paths()[0].vertices
    at = ax.lines[0].get_xydata()[60]
    height = np.ptp(band[band[:, 0] == at[0], 1])
    assert height == pytest.approx(2 * np.sqrt(fit.model.covariance.item()), rel=1e-3)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("covariate", "value")


def test_counts_out_of_trials_have_a_line_at_whole_trials():
    n = RNG.integers(5, 40, 80)
    fit = lk.fit(lk.Binomial(p=0.25), {"hits": RNG.binomial(n, 0.25), "shots": n}, given="shots")
    line = plot(fit, ax=on_paper()).lines[0].get_xydata()
    np.testing.assert_array_equal(line[:, 0], np.arange(n.min(), n.max() + 1))
    np.testing.assert_allclose(line[:, 1], 0.25 * line[:, 0], rtol=1e-3)


def test_a_nearly_exact_regression_still_has_its_line():
    x = np.linspace(0, 10, 50)
    fit = lk.fit(lk.LinearGaussian(), 3 * x + 1e-5 * RNG.normal(size=50), given=x)
    line = plot(fit, ax=on_paper()).lines[0].get_xydata()
    np.testing.assert_allclose(line[:, 1], 3 * line[:, 0], atol=0.1)
