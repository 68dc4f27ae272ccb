"""Several fits over one histogram."""

import numpy as np
import pytest
from pictures import legend, on_paper
from scipy import stats

import likely as lk
from likely.errors import ModelError

X = np.random.default_rng(0).gamma(2, 3, 80)


@pytest.fixture(scope="module")
def fits():
    return [lk.fit(m, {"wait": X}) for m in (lk.Normal(), lk.Gamma(), lk.Exponential())]


def test_every_fit_has_its_density_and_its_criteria_in_the_order_of_bic(fits):
    ax = lk.plot_comparison(fits, ax=on_paper())
    normal, gamma, exponential = fits
    names = {"normal": normal, "gamma": gamma, "exponential": exponential}
    expected = sorted(names, key=lambda n: names[n].bic)
    assert legend(ax) == [f"{n}: AIC {names[n].aic:.2f}, BIC {names[n].bic:.2f}" for n in expected] + ["data (80 rows)"]
    at, found = next(c for c in ax.lines if c.get_label().startswith("normal")).get_xydata().T
    np.testing.assert_allclose(found, stats.norm.pdf(at, X.mean(), X.std()), rtol=1e-10)
    at, found = next(c for c in ax.lines if c.get_label().startswith("exp")).get_xydata().T
    inside = at >= 0
    np.testing.assert_allclose(found[inside], stats.expon.pdf(at[inside], scale=X.mean()), rtol=1e-10)
    assert sum(b.get_height() * b.get_width() for b in ax.patches) == pytest.approx(1)
    assert (ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()) == ("Densities of 3 models", "wait", "density")


def test_names_may_be_given_and_else_tell_models_apart(fits):
    ax = lk.plot_comparison({"first": fits[0], "second": fits[1]}, ax=on_paper())
    assert [t.split(":")[0] for t in legend(ax)[:2]] == ["second", "first"]
    two = [lk.fit(m, {"wait": X}) for m in (lk.Gamma(), lk.Gamma(shape=1))]
    assert {t.split(":")[0] for t in legend(lk.plot_comparison(two, ax=on_paper()))[:2]} == {
        "Gamma()",
        "Gamma(shape=1)",
    }


def test_lines_are_told_apart_by_colour_and_dashes(fits):
    ax = lk.plot_comparison(fits, ax=on_paper())
    assert len({c.get_color() for c in ax.lines}) == 3
    assert [c.get_linestyle() for c in ax.lines] == ["-", "--", "--"]


def test_counts_have_bars_and_probabilities():
    x = np.random.default_rng(1).poisson(3, 60)
    ax = lk.plot_comparison([lk.fit(m, x) for m in (lk.Poisson(), lk.Geometric())], ax=on_paper())
    assert ax.get_ylabel() == "probability"
    at, found = next(c for c in ax.lines if c.get_label().startswith("Poisson")).get_xydata().T
    np.testing.assert_allclose(found, stats.poisson.pmf(at, x.mean()), atol=1e-12)


def said(fits):
    with pytest.raises(ModelError) as e:
        lk.plot_comparison(fits, ax=on_paper())
    return str(e.value)


def test_fits_that_cannot_be_compared_say_why(fits):
    assert said(fits[:1]) == "plot_comparison needs two or more fits; it got 1. One alone is fit.plot()."
    assert said([fits[0], lk.fit(lk.Normal(), X[:50])]) == (
        "fit 2 was fitted to other data than the first (50 and 80 rows): densities, AIC and BIC compare models of the "
        "same data."
    )
    two = lk.fit(lk.MultivariateNormal(), np.c_[X, X[::-1]])
    assert said([fits[0], two]) == (
        "plot_comparison draws the density of one column, and fit 2 (multivariate normal) is of 2 columns."
    )
