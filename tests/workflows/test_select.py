"""`choose(...)`: every combination is tried, the best by a criterion is kept, the table with it."""

import numpy as np
import pytest

import likely as lk

X = np.random.default_rng(0).normal(np.repeat([0.0, 6.0], 60), 1)


def test_the_number_of_components_is_chosen_by_bic():
    fit = lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), lk.choose(range(1, 5))), X, by="bic")
    assert fit.model.size == 2
    table = fit.selection
    assert [c.model for c in table.candidates] == [f"Mixture(Normal(variance=shared), {m})" for m in range(1, 5)]
    assert [c.n_free for c in table.candidates] == [2, 4, 6, 8]
    assert min(c.score for c in table.candidates) == table.candidates[table.chosen].score == fit.bic


def test_choices_multiply_and_whole_models_may_be_chosen():
    model = lk.choose([lk.Normal(), lk.Mixture(lk.Normal(variance=lk.choose([1, 2])), lk.choose([2, 3]))])
    fit = lk.fit(model, X, by="aic")
    assert len(fit.selection.candidates) == 5
    assert fit.model.component.variance[0] == 1


def test_a_prior_may_hold_a_choice():
    fit = lk.fit(lk.Bernoulli(p=lk.Beta(lk.choose([1, 2]), 2)), [1, 1, 0], by="bic")
    assert [c.model for c in fit.selection.candidates] == [f"Bernoulli(p=Beta(a={a}, b=2))" for a in (1, 2)]


def test_a_candidate_that_cannot_be_fitted_is_passed_over_and_says_why():
    x = [0.0] * 6 + [1.0] * 6
    fit = lk.fit(lk.Mixture(lk.Normal(), lk.choose([1, 2])), x, by="bic")
    assert fit.model.size == 1
    assert fit.selection.candidates[1].score is None
    assert "collapsed" in fit.selection.candidates[1].why


def test_an_open_choice_needs_a_criterion():
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Mixture(lk.Normal(), lk.choose([1, 2])), X)
    assert str(error.value) == (
        "Mixture(Normal(), choose([1, 2])) leaves a choice open; say how to decide it: by held-out likelihood with "
        "folds=10 or holdout=0.3, or with by='bic', 'aic' or 'icl'."
    )
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Mixture(lk.Normal(), lk.choose([1, 2])), X, by="folds")
    assert str(error.value).endswith("(got by='folds').")


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(lk.ModelError) as error:
        lk.choose([])
    assert str(error.value) == (
        "choose([]) has nothing to choose from; write the candidates in it, as in choose([1, 2])."
    )


def test_all_means_something_only_where_a_family_says_what():
    message = (
        "choose('all') is for the form of a covariance, as in MultivariateNormal(choose('all')); here the candidates "
        "must be written, as in choose([1, 2])."
    )
    with pytest.raises(lk.ModelError) as error:
        lk.Mixture(lk.Normal(), lk.choose("all"))
    assert str(error.value) == message
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Normal(variance=lk.choose("all")), X, by="bic")
    assert str(error.value) == message
    with pytest.raises(lk.ModelError) as error:
        lk.choose("VVE")
    assert str(error.value) == "choose('VVE') is one text; write the candidates in a list, or choose('all')."


def test_candidates_as_good_as_one_another_leave_the_first():
    x = np.random.default_rng(1).normal(size=(40, 2))
    fit = lk.fit(lk.MultivariateNormal(lk.choose(["VVE", "full", "EEE"])), x, by="bic")
    assert fit.model.form == "VVE"
    assert len({c.score for c in fit.selection.candidates}) == 1
