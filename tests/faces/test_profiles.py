"""The picture of a profile, against closed forms."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from pictures import on_paper
from scipy import optimize, stats

import likely as lk
from likely.errors import ModelError
from likely.faces.plots import plot
from likely.faces.profiles import draw_profiled

X = np.array([3.1, 8.2, 1.7, 0.4, 2.2])
LINE = -stats.chi2.ppf(0.95, 1) / 2


@dataclass(frozen=True)
class Made:
    name: str
    values: np.ndarray
    log_likelihoods: np.ndarray
    low: float
    high: float
    best: float


def height(rate):
    return len(X) * np.log(rate * X.mean()) - rate * X.sum() + len(X)


def ends():
    best = 1 / X.mean()
    return tuple(optimize.brentq(lambda r: height(r) - LINE, *at) for at in ((best / 100, best), (best, best * 10)))


def made():
    rate = np.linspace(0.06, 1, 25)
    low, high = ends()
    return Made("rate", rate, height(rate) - 20, low, high, 1 / X.mean())


@pytest.fixture(scope="module")
def fit():
    return lk.fit(lk.Exponential(), {"wait": X})


def drawn(ax):
    return ax.lines[0].get_xydata().T


def test_the_curve_is_the_log_likelihood_relative_to_its_maximum(fit):
    ax = plot(fit, "profile", on_paper())
    rate, found = drawn(ax)
    np.testing.assert_allclose(found, height(rate), atol=0.01)
    assert found.max() == pytest.approx(0, abs=1e-9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("rate (wait)", "profile log-likelihood, relative to its maximum")


def test_the_line_is_half_of_chi_square_and_the_interval_ends_on_it(fit):
    ax = plot(fit, "profile", on_paper())
    assert next(line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1) == pytest.approx(LINE)
    dots = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o" and line.get_ydata()[0] < -1]
    np.testing.assert_allclose(dots, [(end, LINE) for end in ends()], rtol=1e-4)
    low, high = ends()
    assert ax.get_title("left") == f"rate = {1 / X.mean():.4g}, 95% interval {low:.4g} to {high:.4g}"
    assert [t.get_text() for t in ax.texts] == ["95%: \N{MINUS SIGN}1.92"]


def test_what_is_filled_lies_between_the_ends_and_above_the_line(fit):
    ax = on_paper()
    draw_profiled(fit, ax, made())
    corners = ax.collections[0].get_paths()[0].vertices
    assert (corners[:, 0].min(), corners[:, 0].max()) == pytest.approx(ends())
    assert corners[:, 1].min() == pytest.approx(LINE)


def test_an_open_end_runs_far_on_a_logarithmic_axis(fit):
    values = np.array([0.5, 1, 2, 4, 8, 30, 200, 1e4, 1e250])
    flat = Made("size", values, -3 / values - 0.1 * values / (values + 9), 1.1, np.inf, 4.0)
    ax = on_paper()
    draw_profiled(fit, ax, replace(flat, log_likelihoods=flat.log_likelihoods))
    assert ax.get_xscale() == "log"
    assert drawn(ax)[0].max() == 1e4
    assert ax.get_title("left") == "size = 4, 95% interval 1.1 to \N{INFINITY}"


def test_a_number_is_named_where_there_are_several():
    normal = lk.fit(lk.Normal(), X)
    ax = plot(normal, ax=on_paper(), x="mean")
    mean, found = drawn(ax)
    expected = -len(X) / 2 * np.log1p((X.mean() - mean) ** 2 / X.var())
    np.testing.assert_allclose(found, expected, atol=0.01)
    with pytest.raises(ModelError) as e:
        plot(normal, "profile", on_paper())
    assert str(e.value) == (
        "plot('profile') without x=...: this model has several estimated numbers (mean, variance); name one, as in "
        "plot('profile', x='mean')."
    )


def test_a_prior_is_told_on_the_axis():
    fit = lk.fit(lk.Exponential(rate=lk.Gamma(2, 2)), X)
    ax = plot(fit, "profile", on_paper())
    assert ax.get_ylabel() == "profile log-likelihood + log prior, relative to its maximum"
