"""The certificate of a fit, against closed forms, published curvatures and points whose nature is known."""

import numpy as np
import pytest
from scipy import optimize

import likely as lk
from likely.errors import ModelError
from likely.workflows.certificate import Verdict

DEATHS = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]  # Hasselblad: days with 0..9 death notices
NINE = [-10.2, -10, -9.8, -0.2, 0, 0.2, 11.8, 12, 12.2]  # the lecture's four bumps


def slips(**slots):
    """Two normals of variance 1 with equal odds."""
    return lk.Mixture(lk.Normal(variance=1, **slots), 2, weights=[0.5, 0.5])


def deaths(start=None, **options):
    start = start or lk.Mixture(lk.Poisson([1, 3]), 2, weights=[0.5, 0.5])
    return lk.fit(lk.Mixture(lk.Poisson(), 2), np.arange(10), weights=DEATHS, start=start, **options)


def two_groups(seed=0, n=150, apart=5):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0, 1, n), rng.normal(apart, 1, n)])


def words(certificate, name):
    return next(c.words for c in certificate.checks if c.name == name)


# -- gradient
def test_hasselblads_maximum_is_verified():
    tight = deaths(start=deaths(), tol=0, accelerate=False, max_passes=3000)
    certificate = tight.certify()
    assert certificate.verdict is Verdict.maximum
    assert certificate.good
    assert certificate.gradient < 1e-6
    assert certificate.distance < 1e-6
    assert certificate.gain_left == certificate.distance**2 / 2


def test_eigenvalues_are_rows_times_the_information_that_is_not_missing():
    # Eigenvalues of EM's Jacobian at the maximum, the fractions of missing information: .9956662, .7204182 and 0.
    eigenvalues = deaths(tol=1e-6).certify().eigenvalues
    assert eigenvalues / 1096 == pytest.approx([1 - 0.9956662, 1 - 0.7204182, 1], abs=2e-7)
    assert deaths(tol=1e-6).certify().condition == pytest.approx(1 / (1 - 0.9956662), rel=1e-4)


def test_a_fit_that_was_stopped_tells_its_distance_in_standard_errors():
    # The 447th step of plain EM is .002327 nats short: sqrt(2 x .002327) = .068 standard errors.
    certificate = deaths(tol=0, accelerate=False, max_passes=448).certify()
    assert certificate.verdict is Verdict.not_converged
    assert certificate.distance == pytest.approx(0.068, abs=1e-3)
    assert certificate.gain_left == pytest.approx(0.002327, rel=0.03)
    assert words(certificate, "gradient").endswith("go on from here: fit(model, data, start=this_fit)")


def test_a_fit_stopped_after_few_passes_is_not_converged():
    certificate = lk.fit(lk.Mixture(lk.Normal(), 2), two_groups(), starts=1, max_passes=2).certify()
    assert certificate.verdict is Verdict.not_converged
    assert certificate.distance > 1


def test_the_units_of_the_data_do_not_matter():
    x = two_groups(apart=3)
    here, there = (lk.fit(lk.Mixture(lk.Normal(), 2), a).certify() for a in (x, 1e6 + 1e4 * x))
    assert here.verdict is there.verdict is Verdict.maximum
    assert there.eigenvalues == pytest.approx(here.eigenvalues, rel=1e-4)
    assert [n for n, _ in there.weakest.changes] == [n for n, _ in here.weakest.changes]


# -- saddles
def test_the_symmetric_point_of_two_means_is_a_saddle():
    m = np.mean(NINE)
    certificate = lk.fit(slips(), NINE, start=slips(mean=[m, m])).certify()
    assert certificate.verdict is Verdict.saddle
    # Along the difference of the means the information is sum(1 - (x - m)^2), that of complete rows n.
    assert certificate.eigenvalues[0] == pytest.approx(9 - np.sum((np.array(NINE) - m) ** 2), rel=1e-5)
    assert [name for name, _ in certificate.weakest.changes] == ["component.mean[0]", "component.mean[1]"]
    assert certificate.weakest.changes[0][1] == pytest.approx(-certificate.weakest.changes[1][1])


def test_one_normal_twice_is_a_saddle_where_two_fit_better():
    # Without skewness flat to second order along the difference of the means: only the probe can tell.
    half = np.random.default_rng(0).normal(2.5, 1, 150)
    x = np.concatenate([half, -half])
    same = lk.Mixture(lk.Normal([x.mean()] * 2, x.var()), 2, weights=[0.5, 0.5])
    stuck = lk.fit(lk.Mixture(lk.Normal(), 2), x, start=same, accelerate=False, max_passes=3)
    assert stuck.log_likelihood == pytest.approx(lk.fit(lk.Normal(), x).log_likelihood)
    certificate = stuck.certify()
    assert certificate.verdict is Verdict.saddle
    assert abs(certificate.eigenvalues[0]) < 1e-3
    assert certificate.probe_gain > 1e-4
    assert not certificate.good
    assert words(certificate, "components") == "component[0] and component[1] are the same"
    assert lk.fit(lk.Mixture(lk.Normal(), 2), x).certify().verdict is Verdict.maximum


def test_one_normal_twice_is_a_saddle_where_tails_are_heavy():
    x = np.random.default_rng(1).standard_t(3, 150)
    x = np.concatenate([x, -x])  # not skewed
    same = lk.Mixture(lk.Normal([x.mean()] * 2, x.var()), 2, weights=[0.5, 0.5])
    certificate = lk.fit(lk.Mixture(lk.Normal(), 2), x, start=same, accelerate=False, max_passes=3).certify()
    assert certificate.verdict is Verdict.saddle
    # By hand: the information along the difference of the log variances is n (3 - kurtosis) / 4 when each moves by 1.
    kurtosis = np.mean((x - x.mean()) ** 4) / x.var() ** 2
    assert certificate.eigenvalues[0] == pytest.approx(300 * (3 - kurtosis) / 2, rel=1e-4)


@pytest.mark.parametrize("start", [(-6, 11), (11, -6), (-11, 7), (7, -11)])
def test_all_four_bumps_are_maxima_and_the_lower_two_are_told(start):
    fit = lk.fit(slips(), NINE, start=slips(mean=list(start)))
    certificate = fit.certify(starts=20)
    assert certificate.verdict is Verdict.maximum
    ends = ([-5, 12], [12, -5], [-10, 6], [6, -10])
    heights = [slips(mean=end).log_prob(NINE).sum() for end in ends]
    behind = max(heights) - fit.log_likelihood
    assert certificate.better_by == pytest.approx(behind if behind > 1e-3 else 0, abs=1e-6)
    if behind > 1e-3:
        better = lk.fit(slips(), NINE, start=certificate.better)
        assert better.log_likelihood == pytest.approx(max(heights))
        assert words(certificate, "starts") == (
            f"a better optimum is known: {behind:.4g} nats higher; begin there: "
            "fit(model, data, start=certificate.better)"
        )
    else:
        assert certificate.better is None
        assert words(certificate, "starts") == "20 more starts led no higher: nothing better is known"


def test_a_single_start_is_said():
    assert words(deaths().certify(), "starts") == (
        "only one was made: others may lead higher, as certify(starts=20) would tell"
    )


# -- not identified
def test_one_component_too_many_is_not_identified():
    x = np.random.default_rng(0).poisson(3, 300)
    certificate = lk.fit(lk.Mixture(lk.Poisson(), 2), x).certify()
    assert certificate.verdict is Verdict.not_identified
    assert str(certificate.weakest) == "weights[0] up, weights[1] down"
    assert words(certificate, "curvature") == "the 300 rows tell nothing along weights[0] up, weights[1] down"
    assert words(certificate, "components") == "component[0] and component[1] are the same"


def test_a_third_normal_in_two_groups_is_not_identified():
    certificate = lk.fit(lk.Mixture(lk.Normal(), 3), two_groups(seed=2)).certify()
    assert certificate.verdict is Verdict.not_identified
    assert (
        sum(name.startswith("weights") for name, _ in certificate.weakest.changes) == 2
    )  # in whatever order they came


def test_two_coins_of_one_toss_each_are_not_identified():
    certificate = lk.fit(lk.Mixture(lk.Bernoulli(), 2), [1, 1, 0, 1, 0] * 10).certify()
    assert certificate.verdict is Verdict.not_identified
    assert np.sum(certificate.eigenvalues < 1e-3) == 2  # of three numbers only the mean is known


# -- edges
def test_all_ones_are_at_the_edge():
    assert str(lk.fit(lk.Bernoulli(), [1] * 5).certify()) == (
        "A maximum at the edge of what is possible: numbers that lie at the edge have no standard error.\n\n"
        "gradient    no number is free to move\n"
        "edges       p = 1; the objective falls off the edge"
    )


def test_a_component_that_dies_is_at_the_edge():
    # The second rate is far too high for counts that scatter less than a Poisson: its weight runs to 0.
    x = np.random.default_rng(0).binomial(6, 0.5, 200)
    fit = lk.fit(lk.Mixture(lk.Poisson([3, 9]), 2), x)
    certificate = fit.certify()
    assert certificate.verdict is Verdict.boundary
    assert certificate.edges == ("weights[1]",)
    assert words(certificate, "edges") == "weights[1] = 0; the objective falls off the edge"


def test_a_weight_of_zero_that_should_grow_is_no_maximum():
    # EM never revives a component: the start keeps it dead, and the likelihood rises as it gets weight.
    x = np.random.default_rng(0).poisson(np.repeat([2, 9], 100))
    dead = lk.Mixture(lk.Poisson([x.mean(), 12]), 2, weights=[1, 0])
    certificate = lk.fit(lk.Mixture(lk.Poisson(), 2), x, start=dead).certify()
    assert certificate.verdict is Verdict.saddle
    assert words(certificate, "edges") == "the objective rises off the edge at weights[1] = 0"


def test_probabilities_on_their_way_to_the_edge_are_seen_there():
    rng = np.random.default_rng(3)
    first = rng.random((200, 1)) < 0.4
    x = (rng.random((200, 4)) < np.where(first, [0.0, 0.9, 0.8, 0.9], [1.0, 0.2, 0.1, 0.2])).astype(int)
    certificate = lk.fit(lk.Mixture(lk.Independent(lk.Bernoulli()), 2), x).certify()
    assert certificate.verdict is Verdict.boundary
    assert len(certificate.edges) == 2
    assert (certificate.eigenvalues > 10).all()


def test_an_infinite_size_is_at_the_edge():
    x = np.random.default_rng(0).binomial(10, 0.5, 100)
    certificate = lk.fit(lk.NegativeBinomial(), x).certify()
    assert certificate.verdict is Verdict.boundary
    assert words(certificate, "edges") == "size = inf; the objective falls off the edge"


# -- rows and components
def test_a_row_that_carries_the_variance_is_named():
    x = np.append(np.random.default_rng(0).normal(0, 1, 30), 60.0)
    (carrier,) = lk.fit(lk.Normal(), x).certify().carriers
    # One Newton step in log variance: (z^2 - 1) / n, over its standard error sqrt(2 / n).
    z = (60 - x.mean()) / x.std()
    assert (carrier.row, carrier.number) == (31, "variance")
    assert carrier.moves == pytest.approx((z**2 - 1) / np.sqrt(2 * 31), rel=1e-4)


def test_rows_are_numbered_as_they_were_given():
    x = np.append(np.random.default_rng(0).normal(0, 1, 30), 60.0)
    weights = np.append(np.tile([0.0, 1.0], 15), 1.0)
    (carrier,) = lk.fit(lk.Normal(), x, weights=weights).certify().carriers
    assert carrier.row == 31


def test_a_row_of_weight_three_counts_as_three_rows():
    x = np.append(np.random.default_rng(0).normal(0, 1, 30), [20.0] * 3)
    repeated = lk.fit(lk.Normal(), x).certify().carriers
    (weighted,) = lk.fit(lk.Normal(), x[:31], weights=[1.0] * 30 + [3.0]).certify().carriers
    assert [c.row for c in repeated] == [31, 32, 33]
    assert weighted.moves == pytest.approx(repeated[0].moves)


def test_a_component_of_few_rows_is_told():
    x = np.append(np.random.default_rng(0).normal(0, 1, 100), [8.0, 8.1, 8.3])
    certificate = lk.fit(lk.Mixture(lk.Normal(), 2), x, labels=[0] * 100 + [1] * 3).certify()
    assert words(certificate, "components") == "component[1] is held by 3 rows, for 2 numbers of its own"


def test_a_variance_that_all_but_vanishes_is_told():
    x = np.append(np.random.default_rng(0).normal(0, 1, 50), np.repeat([3.1, 3.1 + 1e-6], 4))
    model = lk.Mixture(lk.Normal(variance=lk.InverseGamma(0.01, 1e-12)), 2)
    fit = lk.fit(model, x, start=lk.Mixture(lk.Normal([0, 3.1], [1, 1e-9]), 2, weights=[0.8, 0.2]))
    assert "component[1] has all but collapsed: its variance is" in words(fit.certify(), "components")


# -- what cannot be certified, and what cannot be asked
def test_the_ends_of_a_uniform_cannot_be_certified():
    certificate = lk.fit(lk.Uniform(), [1.0, 2.0, 5.0]).certify()
    assert certificate.verdict is Verdict.cannot
    assert str(certificate) == (
        "Cannot be certified.\n\n"
        "why         at the best low, high the likelihood ends or has a corner, on a row of the data: there\n"
        "            is neither a gradient nor a curvature to look at."
    )
    assert lk.fit(lk.Uniform(0, 9), [1.0, 2.0, 5.0]).certify().verdict is Verdict.maximum  # nothing is estimated


def test_hard_em_cannot_be_certified():
    certificate = lk.fit(lk.Mixture(lk.Normal(), 2), two_groups(), hard=True).certify()
    assert certificate.verdict is Verdict.cannot
    assert words(certificate, "why") == (
        "hard EM counts each row wholly to one component: its objective has corners, and no gradient there. "
        "Fit with hard=False, starting here: fit(model, data, start=this_fit)."
    )


def test_more_starts_for_a_closed_form_are_refused():
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Normal(), [1.0, 2.0, 4.0]).certify(starts=5)
    assert str(e.value) == ("starts=5 is for EM, and nothing is hidden in Normal(): it has one maximum. Leave it out.")


def test_a_negative_number_of_starts_is_refused():
    with pytest.raises(ModelError) as e:
        deaths().certify(starts=-1)
    assert str(e.value) == "starts=-1; a number of other starts is needed, 0 for none."


def test_a_loaded_fit_has_no_data_to_certify_it_on(tmp_path):
    lk.fit(lk.Normal(), [1.0, 2.0, 4.0]).save(tmp_path / "fit.json")
    with pytest.raises(ModelError) as e:
        lk.load(tmp_path / "fit.json").certify()
    assert str(e.value) == "a loaded fit does not carry its data; fit again, with start= the loaded fit."


def test_a_report_in_full():
    lines = str(deaths().certify()).splitlines()
    assert lines[:2] == ["Verified: a local maximum.", ""]
    assert lines[2].startswith("gradient    ")
    assert lines[2].endswith(" nats below it")
    assert lines[3:] == [
        "curvature   downwards in every direction; least along weights[0] up, weights[1] down,",
        "            component.rate[0] up, where 1096 rows tell as much as 4.75 complete ones would",
        "edges       no number lies at the edge of what is possible",
        "probe       EM from points beside it leads no higher",
        "starts      only one was made: others may lead higher, as certify(starts=20) would tell",
        "rows        none moves a number by more than a standard error",
    ]


def test_a_verified_maximum_is_where_a_numerical_maximiser_ends():
    x = two_groups(apart=3)
    fit = lk.fit(lk.Mixture(lk.Normal(variance=1), 2), x, tol=1e-6)
    assert fit.certify().verdict is Verdict.maximum

    def minus(u):
        return -lk.Mixture(lk.Normal(u[:2], 1), 2, weights=[u[2], 1 - u[2]]).log_prob(x).sum()

    start = [*fit.model.component.mean, fit.model.weights[0]]
    best = optimize.minimize(minus, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    assert -best.fun - fit.log_likelihood < 1e-8


def test_map_is_certified_as_a_maximum_of_log_likelihood_plus_log_prior():
    certificate = lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), [1] * 5).certify()
    assert certificate.verdict is Verdict.maximum
    assert certificate.distance < 1e-6
