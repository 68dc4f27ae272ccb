"""Bootstrap scatter against theory: closed-form standard errors, published ones, matched labels, counted failures."""

import math

import numpy as np
import pytest

import likely as lk
from likely.workflows import refits

AIRCONDIT = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]  # Proschan
CLOUDS = np.random.default_rng(0).normal(np.repeat([0.0, 5.0], [120, 60]), 1)
MONTE_CARLO = 4  # standard deviations of a simulated standard error that are forgiven


def close(found, truth, n):
    """A standard deviation of n refits scatters by about 1 / sqrt(2 n) of itself."""
    return found == pytest.approx(truth, rel=MONTE_CARLO / math.sqrt(2 * n))


@pytest.mark.parametrize("kind", ["nonparametric", "weighted", "parametric"])
def test_the_mean_of_a_normal_scatters_by_sigma_over_root_n(kind):
    x = np.random.default_rng(1).normal(3, 2, 400)
    fit = lk.fit(lk.Normal(), x)
    boot = fit.bootstrap(1000, kind, seed=2)
    mean, variance = boot.standard_errors()
    assert close(mean, math.sqrt(fit.model.variance / 400), 1000)
    fourth = ((x - x.mean()) ** 4).mean() if kind != "parametric" else 3 * fit.model.variance**2
    assert variance == pytest.approx(math.sqrt((fourth - fit.model.variance**2) / 400), rel=0.12)
    assert boot.names == ("mean", "variance")
    assert boot.estimates.tolist() == [fit.model.mean, fit.model.variance]
    assert (boot.failed, boot.kind, len(boot.values)) == (0, kind, 1000)


def test_an_exponential_rate_scatters_by_rate_over_root_n():
    fit = lk.fit(lk.Exponential(), lk.Exponential(2.5).sample(500, seed=1))
    boot = fit.bootstrap(2000, "parametric")
    assert close(boot.standard_errors()[0], fit.model.rate / math.sqrt(500), 2000)
    assert boot.bias()[0] == pytest.approx(fit.model.rate / 499, abs=4 * fit.model.rate / 500)


def test_refits_equal_the_closed_form_of_the_resampled_rows():
    fit = lk.fit(lk.Normal(), [1.0, 2.0, 4.0])
    boot = fit.bootstrap(300)
    possible = {
        (round(float(np.mean(s)), 9), round(float(np.var(s)), 9))
        for s in np.array(np.meshgrid(*[[1.0, 2.0, 4.0]] * 3)).reshape(3, -1).T
    }
    assert {(round(m, 9), round(v, 9)) for m, v in boot.values.tolist()} <= possible
    assert boot.failed + len(boot.values) == 300


def test_the_scatter_of_a_large_gamma_sample_is_the_observed_information():
    x = lk.Gamma(0.7064931748, 0.0065365598).sample(1000, seed=3)
    fit = lk.fit(lk.Gamma(), x)
    a, b = fit.model.shape, fit.model.rate
    trigamma = (math.pi**2 / 6) + sum(1 / (i + a) ** 2 - 1 / (i + 1) ** 2 for i in range(50_000))
    information = 1000 * np.array([[trigamma, -1 / b], [-1 / b, a / b**2]])
    expected = np.sqrt(np.diag(np.linalg.inv(information)))
    assert close(fit.bootstrap(1000, "parametric", seed=1).standard_errors(), expected, 1000)


def test_aircondit_scatters_a_little_more_than_its_observed_information():
    boot = lk.fit(lk.Gamma(), AIRCONDIT).bootstrap(2000, "parametric")
    shape, rate = boot.standard_errors() / [0.245971733, 0.00319669157]  # published, from the curvature at 12 rows
    assert 1.0 < shape < 2.2
    assert 1.0 < rate < 2.2


def test_labels_of_components_are_those_of_the_fit():
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), CLOUDS)
    boot = fit.bootstrap(100, "weighted")
    means = boot.values[:, [boot.names.index(f"component.mean[{i}]") for i in (0, 1)]]
    first = int(fit.model.component.mean[0] > 2.5)
    assert (means[:, first] < 2).all()
    assert (means[:, 1 - first] > 3).all()
    spread = boot.standard_errors()[boot.names.index(f"component.mean[{first}]")]
    assert spread == pytest.approx(1 / math.sqrt(120), rel=0.3)


def test_the_same_seed_gives_the_same_values_whatever_the_threads():
    fit = lk.fit(lk.Mixture(lk.Poisson(), 2), np.random.default_rng(2).poisson(np.repeat([1, 9], 150)))
    one, two, other = fit.bootstrap(40, threads=1), fit.bootstrap(40, threads=3), fit.bootstrap(40, seed=1)
    assert np.array_equal(one.values, two.values)
    assert not np.array_equal(one.values, other.values)


def test_weights_are_replications():
    x, w = [1.0, 2.0, 5.0, 9.0], [30, 10, 5, 5]
    weighted = lk.fit(lk.Exponential(), x, weights=w)
    repeated = lk.fit(lk.Exponential(), np.repeat(x, w))
    for kind in ("nonparametric", "weighted", "parametric"):
        one, two = (f.bootstrap(1000, kind).standard_errors()[0] for f in (weighted, repeated))
        assert one == pytest.approx(two, rel=0.15)


def test_data_sets_too_large_for_a_bank_come_to_the_same_values(monkeypatch):
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), CLOUDS)
    together = fit.bootstrap(12, "weighted", seed=3)
    monkeypatch.setattr(refits, "TOGETHER", 3)  # the rest alone, accelerated
    handed_over = fit.bootstrap(12, "weighted", seed=3)
    error = together.standard_errors()
    assert (np.abs(handed_over.values - together.values) < 0.05 * error).all()
    monkeypatch.setattr(refits, "alone", lambda *_: True)
    alone = fit.bootstrap(12, "weighted", seed=3)
    assert (np.abs(alone.values - together.values) < 0.05 * error).all()


def test_refits_that_collapse_are_counted_with_the_reason():
    x = np.array([0.0, 0.1, -0.1, 5.0, 5.2])
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), x)
    boot = fit.bootstrap(200)
    assert 0 < boot.failed < 200
    assert len(boot.values) + boot.failed == 200
    assert f"; {boot.failed} more failed (" in str(boot)
    assert "its variance fell to zero" in str(boot)


def test_hard_em_is_refitted_by_hard_em():
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), CLOUDS, hard=True)
    boot = fit.bootstrap(50, "weighted")
    for i in (0, 1):
        value = boot.values[:, boot.names.index(f"component.mean[{i}]")]
        assert value.mean() == pytest.approx(fit.model.component.mean[i], abs=0.1)


def test_words_survive_a_simulation():
    data = {"drink": ["tea", "milk", "tea", "rum"] * 20, "size": [1, 2, 3, 4] * 20}
    fit = lk.fit(lk.Product(drink=lk.Categorical(), size=lk.Poisson()), data)
    boot = fit.bootstrap(500, "parametric")
    tea = boot.names.index("drink.p[2]")
    assert boot.estimates[tea] == 0.5
    assert close(boot.standard_errors()[tea], math.sqrt(0.25 / 80), 500)


def test_covariates_stay_where_they_are():
    t = np.linspace(-1, 1, 60)
    fit = lk.fit(lk.LinearGaussian(), 1 + 2 * t + np.random.default_rng(0).normal(0, 0.5, 60), given=t)
    boot = fit.bootstrap(1000, "parametric")
    at = next(i for i, name in enumerate(boot.names) if "coefficients" in name)
    variance = float(np.ravel(fit.model.covariance)[0])
    assert close(boot.standard_errors()[at], math.sqrt(variance / (t**2).sum()), 1000)


# -- intervals -------------------------------------------------------------------------------------------------------


def test_percentile_and_basic_intervals_are_reflections_of_each_other():
    boot = lk.fit(lk.Exponential(), [1.0, 2.0, 6.0, 3.0]).bootstrap(400)
    low, high = np.quantile(boot.values[:, 0], [0.05, 0.95])
    assert boot.conf_int(0.9).tolist() == [[low, high]]
    estimate = boot.estimates[0]
    assert boot.conf_int(0.9, "basic")[0] == pytest.approx([2 * estimate - high, 2 * estimate - low])


def test_bca_intervals_agree_with_scipy():
    from scipy import stats

    x = np.random.default_rng(5).exponential(2, 40)
    boot = lk.fit(lk.Exponential(), x).bootstrap(4000, seed=1)
    theirs = stats.bootstrap(
        (x,), lambda v, axis: 1 / v.mean(axis), n_resamples=4000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    assert boot.conf_int(method="bca")[0] == pytest.approx([theirs.low, theirs.high], rel=0.03)
    assert boot.conf_int(method="bca")[0, 0] < boot.conf_int()[0, 0]  # a rate is skewed and biased upwards


def test_the_table_shows_every_number():
    boot = lk.fit(lk.Normal(), [1.0, 2.0, 4.0, 3.0]).bootstrap(200)
    text = str(boot)
    assert text.splitlines()[0] == f"Nonparametric bootstrap, {len(boot.values)} refits" + (
        f"; {boot.failed} more failed ({boot.failed}: its variance fell to zero)" if boot.failed else ""
    )
    assert text.splitlines()[1].split("  ")[-1].strip() == "97.5 %"
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["mean", "variance"]
    assert "<table>" in boot._repr_html_()


# -- what is refused -------------------------------------------------------------------------------------------------


def refused(error, work):
    with pytest.raises(error) as e:
        work()
    return str(e.value)


def test_what_cannot_be_bootstrapped_is_refused():
    fit = lk.fit(lk.Exponential(), [1.0, 2.0])
    assert refused(lk.ModelError, lambda: fit.bootstrap(kind="jackknife")) == (
        "kind='jackknife'; a bootstrap is 'parametric', 'nonparametric' or 'weighted'."
    )
    assert refused(lk.ModelError, lambda: fit.bootstrap(1)) == (
        "n=1; a scatter takes at least 2 refits, a whole number. 1000 is usual."
    )
    known = lk.fit(lk.Normal(0, 1), [1.0, 2.0])
    assert refused(lk.ModelError, known.bootstrap) == (
        "nothing is estimated in Normal(mean=0, variance=1), so nothing scatters."
    )
    boot = fit.bootstrap(20, "parametric")
    assert refused(lk.ModelError, lambda: boot.conf_int(95)) == (
        "level=95; a coverage lies between 0 and 1, as in level=0.95."
    )
    assert refused(lk.ModelError, lambda: boot.conf_int(method="t")) == (
        "method='t'; intervals are 'percentile', 'basic' or 'bca'."
    )
    assert refused(lk.ModelError, lambda: boot.conf_int(method="bca")) == (
        "method='bca' leaves out one row after the other, which goes with kind='nonparametric' or 'weighted' and rows "
        "without weights; use method='percentile' or 'basic'."
    )


def test_a_fit_that_is_no_maximum_has_no_bootstrap():
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), CLOUDS, max_passes=2, starts=1)
    assert refused(lk.ModelError, fit.bootstrap) == (
        "a bootstrap begins at a maximum, and this fit is none: Stopped at the limit of passes, before convergence; "
        "raise max_passes. Fit again, with start= this fit."
    )


def test_a_loaded_fit_has_no_bootstrap(tmp_path):
    lk.fit(lk.Exponential(), [1.0, 2.0]).save(tmp_path / "fit.json")
    assert refused(lk.ModelError, lk.load(tmp_path / "fit.json").bootstrap) == (
        "a bootstrap needs the data of the fit, which a loaded fit does not carry; fit again."
    )


def test_censoring_is_not_simulated():
    fit = lk.fit(lk.Censored(lk.Exponential()), lk.censored([1.0, 2.0, 3.0, 5.0], [True, True, True, False]))
    assert refused(lk.ModelError, lambda: fit.bootstrap(kind="parametric")) == (
        "some rows are censored, and a simulation from the fit draws exact values: the refits would know more than the "
        "fit. Use kind='nonparametric' or kind='weighted'."
    )
    assert fit.bootstrap(20, kind="weighted").values.shape == (20, 1)


def test_known_labels_are_not_simulated():
    labels = np.repeat([0, 1], [120, 60])
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), CLOUDS, labels=labels)
    assert refused(lk.ModelError, lambda: fit.bootstrap(kind="parametric")) == (
        "labels are known for some rows, and a simulation from the fit draws none: the refits would know less than the "
        "fit. Use kind='nonparametric' or kind='weighted'."
    )
    assert fit.bootstrap(20).failed == 0


def test_weights_must_make_a_row():
    fit = lk.fit(lk.Exponential(), [1.0, 2.0], weights=[0.1, 0.2])
    assert refused(lk.DataError, fit.bootstrap) == (
        "the weights sum to 0.3 rows; a bootstrap draws as many rows as that, so at least one is needed. Scale the "
        "weights so that each says how often its row counts."
    )
