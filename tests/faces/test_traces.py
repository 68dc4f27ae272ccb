"""Pictures of how a fit came about."""

import dataclasses

import numpy as np
import pytest
from pictures import legend, on_paper

import likely as lk
from likely.faces.plots import plot
from likely.workflows.selection import Candidate, Selection


@pytest.fixture(scope="module")
def fit():
    x = np.r_[np.random.default_rng(0).normal(0, 1, 40), np.random.default_rng(1).normal(4, 1, 60)]
    return lk.fit(lk.Mixture(lk.Normal(), 2), x, accelerate=False)


def test_every_pass_is_a_point_of_the_trace(fit):
    ax = plot(fit, "trace", on_paper())
    expected = [(m.passes, m.objective) for m in fit.trace]
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), expected)
    final = f"\N{MINUS SIGN}{-fit.objective:.2f} after {fit.trace[-1].passes} passes"
    assert [t.get_text() for t in ax.texts] == [final]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("pass over the data", "log-likelihood")


def test_the_inset_falls_along_a_line(fit):
    inset = plot(fit, "trace", on_paper()).child_axes[0]
    distance = inset.lines[0].get_ydata()
    assert inset.get_yscale() == "log"
    assert (np.diff(distance) < 0).all()
    assert distance[-1] == pytest.approx(fit.trace[-1].gain_left)


def test_priors_are_named_on_the_axis():
    x = [0.0, 1.0, 2.0, 8.0, 9.0]
    fit = lk.fit(lk.Mixture(lk.Normal(variance=lk.InverseGamma(1, 1)), 2), x, starts=1)
    assert plot(fit, "trace", on_paper()).get_ylabel() == "log-likelihood + log prior"


def chosen(fit, *rows, which=0):
    return dataclasses.replace(fit, selection=Selection("bic", tuple(Candidate(*r) for r in rows), which))


def test_candidates_that_differ_in_a_number_lie_along_it(fit):
    rows = [(f"Mixture(Normal(), {m})", -100.0, m, score) for m, score in ((1, 220.0), (2, 205.0), (10, 230.0))]
    ax = plot(chosen(fit, *rows, which=1), "selection", on_paper())
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [(1, 220), (2, 205), (10, 230)])
    assert [t.get_text() for t in ax.texts] == ["chosen: 2"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("… in Mixture(Normal(), …)", "BIC (lower is better)")
    assert ax.get_legend() is None


def test_failed_candidates_are_marked(fit):
    rows = [("Mixture(Normal(), 1)", -100.0, 2, 205.0), ("Mixture(Normal(), 2)", None, None, None, "it collapsed")]
    ax = plot(chosen(fit, *rows), "selection", on_paper())
    assert legend(ax) == ["could not be fitted"]
    assert ax.lines[-1].get_xdata().tolist() == [2]


def test_other_candidates_stand_under_one_another(fit):
    rows = [("Normal()", -100.0, 2, 205.0), ("Laplace()", -90.0, 2, 190.0), ("Gamma()", None, None, None, "no")]
    ax = plot(chosen(fit, *rows, which=1), "selection", on_paper())
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Normal()", "Laplace()", "Gamma()"]
    assert [t.get_fontweight() for t in ax.get_yticklabels()] == ["normal", "bold", "normal"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in ax.lines] == [(205.0, 0), (190.0, 1)]
    assert [t.get_text() for t in ax.texts] == ["could not be fitted"]


def held_out(fit, *rows, which=0, **rest):
    table = [Candidate(name, None, 1, score, "", 0.0, error) for name, score, error in rows]
    return dataclasses.replace(fit, selection=Selection("held-out", tuple(table), which, "10 folds", **rest))


def test_held_out_scores_lie_along_a_wide_grid_with_their_standard_errors(fit):
    rows = [
        (f"Bernoulli(p=Beta(a={a}, b=2))", s, e) for a, s, e in ((1, -0.7, 0.02), (10, -0.6, None), (100, -0.8, 0.1))
    ]
    ax = plot(held_out(fit, *rows, which=1), "selection", on_paper())
    assert ax.get_xscale() == "log"
    assert ax.get_title(loc="left") == "Candidates by held-out log-likelihood per row, 10 folds"
    assert ax.get_ylabel() == "held-out log-likelihood per row (higher is better)"
    (bars,) = ax.collections
    ends = [segment[:, 1].tolist() for segment in bars.get_segments() if len(segment)]
    assert ends[0] == pytest.approx([-0.72, -0.68])
    assert ends[-1] == pytest.approx([-0.9, -0.7])


def test_what_gives_a_held_out_row_probability_0_is_marked(fit):
    rows = [("Bernoulli(p=Beta(a=1, b=1))", -np.inf, None), ("Bernoulli(p=Beta(a=2, b=1))", -0.7, None)]
    ax = plot(held_out(fit, *rows, which=1), "selection", on_paper())
    assert legend(ax) == ["gives a held-out row probability 0"]
    assert ax.lines[-1].get_xdata().tolist() == [1]
    by_name = plot(
        held_out(fit, ("Uniform()", -np.inf, None), ("Gamma()", -2.0, None), which=1), "selection", on_paper()
    )
    assert [t.get_text() for t in by_name.texts] == ["gives a held-out row probability 0"]
