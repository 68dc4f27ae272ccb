"""What a fit says about itself and about new data."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import xlogy

import likely as lk

X = np.random.default_rng(0).normal(np.repeat([0.0, 6.0], 60), 1)


@pytest.fixture(scope="module")
def fit():
    return lk.fit(lk.Mixture(lk.Normal(), 2), X)


def test_criteria_are_lower_is_better_and_count_right(fit):
    assert fit.n_free == 5
    assert fit.n_obs == 120
    assert fit.aic == pytest.approx(-2 * fit.log_likelihood + 10)
    assert fit.bic == pytest.approx(-2 * fit.log_likelihood + 5 * math.log(120))
    r = fit.responsibilities()
    assert fit.icl == pytest.approx(fit.bic - 2 * xlogy(r, r).sum())


def test_log_likelihood_belongs_to_the_reported_parameters(fit):
    assert fit.model.log_prob(X).sum() == pytest.approx(fit.log_likelihood, rel=1e-14)
    assert fit.score() == pytest.approx(fit.log_likelihood / 120)


def test_the_objective_adds_the_log_prior():
    tosses = [1, 1, 0]
    fit = lk.fit(lk.Bernoulli(p=lk.Beta(2, 3)), tosses)
    prior = lk.Beta(2, 3).log_prob([fit.model.p])[0]
    assert fit.objective == pytest.approx(fit.log_likelihood + prior, rel=1e-14)


def test_predictions_on_new_data_follow_the_responsibilities(fit):
    new = [-1.0, 7.0]
    assert np.array_equal(fit.predict(new), fit.responsibilities(new).argmax(1))
    assert fit.responsibilities(new).sum(1) == pytest.approx([1, 1])
    assert fit.predict().shape == (120,)


def test_new_frames_are_read_by_the_columns_of_the_fit():
    frame = pd.DataFrame({"b": X[::-1], "a": X, "text": ["t"] * 120})
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), frame, columns="a")
    assert np.array_equal(fit.predict(frame[["text", "a", "b"]]), fit.predict())
    with pytest.raises(lk.DataError, match="there is no column 'a'"):
        fit.predict(frame[["b"]])


def test_labels_by_name_come_back_by_name():
    labels = [None] * 120
    labels[0], labels[119] = "low", "high"
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), X, labels=labels)
    assert set(fit.predict([-1.0, 7.0])) == {"low", "high"}
    assert list(fit.predict([-1.0, 7.0])) == ["low", "high"]


def test_weights_count_as_rows():
    counts = np.random.default_rng(1).integers(0, 4, 120)
    heavy = lk.fit(lk.Mixture(lk.Normal(), 2), X, weights=counts, starts=3)
    repeated = lk.fit(lk.Mixture(lk.Normal(), 2), np.repeat(X, counts), start=heavy)
    assert heavy.n_obs == counts.sum()
    assert heavy.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-5)
    assert heavy.bic == pytest.approx(repeated.bic, abs=1e-5)


def test_zero_weights_are_absent_rows_to_the_bit():
    keep = np.arange(120) % 3 > 0
    wild = np.where(keep, X, 1e6)
    weighted = lk.fit(lk.Mixture(lk.Normal(), 2), wild, weights=keep.astype(float))
    absent = lk.fit(lk.Mixture(lk.Normal(), 2), X[keep], weights=np.ones(keep.sum()))
    assert weighted.model == absent.model
    assert weighted.log_likelihood == absent.log_likelihood


def test_a_model_without_components_has_no_responsibilities():
    fit = lk.fit(lk.Normal(), X)
    with pytest.raises(lk.ModelError) as error:
        fit.predict()
    assert str(error.value) == "Normal has no components; responsibilities and predict need a mixture."


def test_a_regression_predicts_the_expected_response(tmp_path):
    u = np.array([0.0, 1, 2, 3])
    fit = lk.fit(lk.LinearGaussian(), 1 + 2 * u + [0.1, -0.1, -0.1, 0.1], given=u)
    assert fit.predict(given=[10.0]) == pytest.approx([21.0])
    assert fit.predict() == pytest.approx(1 + 2 * u)
    fit.save(tmp_path / "fit.json")
    assert lk.load(tmp_path / "fit.json").predict(given=[10.0]) == pytest.approx([21.0])
    with pytest.raises(lk.DataError) as error:
        fit.predict(given=[[1.0, 2.0]])
    assert str(error.value) == "the model was fitted with 1 covariates; given has 2 columns."


def test_a_loaded_fit_has_no_data_and_says_so(fit, tmp_path):
    fit.save(tmp_path / "fit.json")
    again = lk.load(tmp_path / "fit.json")
    assert again.icl == pytest.approx(fit.icl)
    assert np.array_equal(again.predict([0.5]), fit.predict([0.5]))
    with pytest.raises(lk.ModelError) as error:
        again.predict()
    assert str(error.value) == (
        "responsibilities without data needs the data of the fit, which a loaded fit does not carry; pass x."
    )


def test_a_fit_can_be_a_part_of_another_model_and_a_start(fit):
    outer = lk.Mixture([fit.model, lk.Uniform(low=-10, high=20)])
    assert lk.fit(outer, X).n_free == 1
    again = lk.fit(lk.Mixture(lk.Normal(), 2), X, start=fit)
    assert len(again.trace) < len(fit.trace) + 3
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_samples_look_like_the_data(fit):
    drawn = fit.sample(50_000, seed=1)
    assert drawn.mean() == pytest.approx(X.mean(), abs=0.05)
    assert np.array_equal(drawn, fit.sample(50_000, seed=1))


def test_large_data_races_on_a_sample_and_ends_on_everything():
    x = np.random.default_rng(2).normal(np.repeat([0.0, 5.0], 15_000), 1)
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), x, starts=6)
    assert fit.starts.count == 6
    assert fit.model.log_prob(x).sum() == pytest.approx(fit.log_likelihood, rel=1e-13)
    one = lk.fit(lk.Mixture(lk.Normal(), 2), x, start=fit, tol=1e-5)
    assert one.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-5)


def test_large_data_on_which_every_start_collapses_counts_them_all():
    with pytest.raises(lk.FitError, match="every one of the 4 starts collapsed"):
        lk.fit(lk.Mixture(lk.Normal(), 2), np.repeat([0.0, 1.0], 15_000), starts=4)


def test_models_and_params_survive_pickling(fit):
    assert pickle.loads(pickle.dumps(fit.model)) == fit.model


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"starts": 0}, "starts=0; at least one start is needed."),
        ({"max_passes": 0}, "max_passes=0; at least one pass over the data is needed."),
        ({"tol": -1}, "tol=-1; it is a number of standard errors, 0 or above."),
    ],
)
def test_options_that_cannot_be_are_refused(options, text):
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Normal(), X, **options)
    assert str(error.value) == text


def test_a_pass_limit_is_said():
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), X, max_passes=2)
    assert fit.outcome is lk.Outcome.pass_limit
    assert str(fit.outcome) == "Stopped at the limit of passes, before convergence; raise max_passes."
