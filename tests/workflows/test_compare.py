"""Unrelated models on the same data, side by side."""

import numpy as np
import pytest

import likely as lk

X = np.random.default_rng(0).gamma(2, 1, 60)
MODELS = [lk.Exponential(), lk.Gamma(), lk.Normal(), lk.LogNormal()]


@pytest.mark.parametrize("by", ["bic", "aic", "icl"])
def test_scores_are_those_of_the_fits_best_first(by):
    table = lk.compare(MODELS, X, by=by)
    scores = {repr(m): getattr(lk.fit(m, X), by) for m in MODELS}
    assert [r.name for r in table.rows] == sorted(scores, key=scores.get)
    assert {r.name: r.score for r in table.rows} == scores
    assert table.best == "Gamma()"


def test_weights_are_akaike_weights():
    rows = lk.compare(MODELS, X, by="aic").rows
    raw = np.exp(-0.5 * np.array([r.difference for r in rows]))
    np.testing.assert_allclose([r.weight for r in rows], raw / raw.sum(), rtol=1e-12)


def test_the_corrected_criterion_of_small_samples():
    fit = lk.fit(lk.Normal(), X)
    rows = {r.name: r for r in lk.compare([fit, lk.Exponential()], by="aicc").rows}
    assert rows["Normal()"].score == pytest.approx(fit.aic + 2 * 2 * 3 / (60 - 3), rel=1e-12)
    few = lk.compare([lk.Normal(), lk.Exponential()], [1.0, 2.0, 3.5], by="aicc").rows
    assert [(r.name, r.weight) for r in few] == [("Exponential()", 1.0), ("Normal()", 0.0)]


def test_fits_and_models_may_be_mixed_and_have_names():
    fit = lk.fit(lk.Gamma(), X)
    table = lk.compare({"two": lk.Mixture(lk.Normal(), 2), "one": fit}, starts=3)
    assert [r.name for r in table.rows] == ["one", "two"]
    assert table.rows[0].log_likelihood == fit.log_likelihood


def test_held_out_scores_are_those_of_a_choice():
    table = lk.compare(MODELS, X, folds=5, seed=3)
    chosen = lk.fit(lk.choose(MODELS), X, folds=5, seed=3).selection
    assert table.best == chosen.candidates[chosen.chosen].model
    for row in table.rows:
        (same,) = [c for c in chosen.candidates if c.model == row.name]
        assert (row.score, row.difference, row.standard_error) == (same.score, same.difference, same.standard_error)


def test_a_model_that_cannot_be_fitted_comes_last_and_says_why():
    x = [0.0] * 6 + [1.0] * 6
    table = lk.compare([lk.Mixture(lk.Normal(), 2), lk.Normal()], x, starts=3)
    assert [r.score is None for r in table.rows] == [False, True]
    assert "collapsed" in table.rows[1].why
    assert "failed" in str(table)
    assert "collapsed" in str(table)


def test_it_prints_as_a_table():
    table = lk.compare([lk.Normal(mean=0, variance=1), lk.Normal(mean=1, variance=1)], [0.0, 1.0], by="aic")
    assert str(table) == (
        "Models by AIC (lower is better)\n"
        "model                       log-likelihood  parameters   AIC  difference  weight\n"
        "Normal(mean=0, variance=1)           -2.34           0  4.68        0.00   0.500\n"
        "Normal(mean=1, variance=1)           -2.34           0  4.68        0.00   0.500"
    )
    assert table._repr_html_().startswith("<div><p>Models by AIC (lower is better)</p><table>")
    held_out = str(lk.compare(MODELS[:2], X, folds=5)).splitlines()
    assert held_out[0] == "Models by held-out log-likelihood per row, 5 folds (higher is better)"
    assert held_out[1].split() == ["model", "parameters", "score", "difference", "std.", "error"]


FIT = lk.fit(lk.Normal(), X)
REFUSED = [
    (lambda: lk.compare([lk.Normal()], X), "compare needs at least 2 models; got 1."),
    (
        lambda: lk.compare(lk.Normal(), X),
        "compare(Normal(), ...): write the models in a list, as in [Normal(), Gamma()].",
    ),
    (lambda: lk.compare([lk.Normal(), 3], X), "compare: 3 is 3; a model or a fit is needed."),
    (lambda: lk.compare([lk.Normal(), lk.Gamma()]), "compare: no data is known; pass it after the models."),
    (
        lambda: lk.compare([FIT, lk.Gamma()], X),
        "compare: a fit brings its data with it; leave data out, or pass models without fits.",
    ),
    (
        lambda: lk.compare([lk.Normal(), lk.Normal()], X),
        "Normal() is among the models twice; give them names, as in {'first': ..., 'second': ...}.",
    ),
    (
        lambda: lk.compare([lk.Normal(), lk.Gamma()], X, by="r2"),
        "by='r2'; models are compared by 'bic', 'aic', 'icl', 'aicc', or with folds=10.",
    ),
    (
        lambda: lk.compare([lk.Normal(), lk.Gamma()], X, by="aic", folds=5),
        "by='aic' and folds=5: each of them says how to compare; leave one of them out.",
    ),
    (
        lambda: lk.compare([lk.Normal(), lk.Gamma()], X, groups=X),
        "groups=... belongs to held-out rows; give folds=10 or holdout=0.3 too, or leave it out.",
    ),
    (
        lambda: lk.compare([FIT, lk.fit(lk.Gamma(), X[:50])]),
        "Normal() and Gamma() were fitted to different data (their rows are 60 and 50); likelihoods of different data "
        "cannot be compared. Fit both to the same.",
    ),
    (
        lambda: lk.compare([FIT, lk.fit(lk.Gamma(), X + 1)]),
        "Normal() and Gamma() were fitted to different data (their rows differ); likelihoods of different data cannot "
        "be compared. Fit both to the same.",
    ),
    (
        lambda: lk.compare([FIT, lk.fit(lk.Gamma(), {"gap": X})]),
        "Normal() and Gamma() were fitted to different data (their columns are without names and gap); likelihoods of "
        "different data cannot be compared. Fit both to the same.",
    ),
]


@pytest.mark.parametrize(("ask", "message"), REFUSED)
def test_what_cannot_be_compared_is_refused(ask, message):
    with pytest.raises(lk.ModelError) as error:
        ask()
    assert str(error.value) == message
