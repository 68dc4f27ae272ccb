"""The multivariate normal distribution in all its forms."""

import itertools

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.notation import parse
from likely.families.covariance import FORMS, MODELS
from support import bound, e_step, gradient, q_gradient

NAN = np.nan
RNG = np.random.default_rng(8)
HALF = np.repeat([0, 1], 60)
X = RNG.normal(size=(120, 3)) @ RNG.normal(size=(3, 3)) + HALF[:, None] * [4, 0, 2]
V = [[2, 0.3, 0], [0.3, 1, 0.1], [0, 0.1, 3]]

MEANS = {
    "free": {},
    "known": {"mean": [0, 1, 2]},
    "shared": {"mean": lk.shared},
    "offsets": {"mean": lk.shared + [[0, 0, 0], [4, 0, 2]]},
    "partly known": {"mean": [[NAN, 1, 2], [4, NAN, NAN]]},
    "one known": {"mean": [[NAN] * 3, [4, 0, 2]]},
}
COVARIANCES = {
    "free": {},
    "known": {"covariance": V},
    "shared": {"covariance": lk.shared},
    "prior": {"covariance": lk.InverseWishart(6, V)},
    "shared prior": {"covariance": lk.shared(lk.InverseWishart(6, V))},
    "unbiased": {"covariance": lk.unbiased},
}


def test_log_prob_is_scipys():
    for d in (1, 2, 5):
        a = RNG.normal(size=(d, d))
        mean, covariance = RNG.normal(size=d), a @ a.T + np.eye(d)
        x = RNG.normal(size=(20, d))
        found = lk.MultivariateNormal(mean=mean, covariance=covariance).log_prob(x)
        assert found == pytest.approx(stats.multivariate_normal(mean, covariance).logpdf(x), rel=1e-11)


def test_density_of_a_mixture_that_mlpack_publishes():
    model = lk.Mixture(
        lk.MultivariateNormal(mean=[[0, 0], [3, 3]], covariance=[[[1, 0], [0, 1]], [[2, 1], [1, 2]]]),
        2,
        weights=[0.3, 0.7],
    )
    x = [[0, 0], [1, 1], [2, 2], [3, 3], [-1, 5.3], [1.4, 0]]
    published = [0.05094887203, 0.03451996667, 0.04696302254, 0.06432759685, 2.503171278805e-6, 0.02467668217630]
    assert np.exp(model.log_prob(x)) == pytest.approx(published, rel=1e-9)


def test_maximum_likelihood_is_the_mean_and_the_biased_covariance():
    w = RNG.random(120)
    model = lk.fit(lk.MultivariateNormal(), X, weights=w).model
    assert model.mean == pytest.approx(np.average(X, 0, w), rel=1e-12)
    assert model.covariance == pytest.approx(np.cov(X.T, aweights=w, bias=True), rel=1e-11)
    assert lk.fit(lk.MultivariateNormal(covariance=lk.unbiased), X).model.covariance == pytest.approx(
        np.cov(X.T), rel=1e-11
    )


def test_forms_keep_the_diagonal_or_its_mean():
    v = np.cov(X.T, bias=True)
    diagonal = lk.fit(lk.MultivariateNormal("diagonal"), X)
    spherical = lk.fit(lk.MultivariateNormal("spherical"), X)
    assert diagonal.model.covariance == pytest.approx(np.diag(np.diag(v)), rel=1e-12)
    assert spherical.model.covariance == pytest.approx(np.eye(3) * np.trace(v) / 3, rel=1e-12)
    assert [lk.fit(lk.MultivariateNormal(f), X).n_free for f in ("full", "diagonal", "spherical")] == [9, 6, 4]


def test_a_mixtures_forms_have_the_parameters_that_scikit_learn_counts():
    family = [
        lk.MultivariateNormal(),
        lk.MultivariateNormal(covariance=lk.shared),
        lk.MultivariateNormal("diagonal"),
        lk.MultivariateNormal("spherical"),
    ]
    counts = [lk.Mixture(f, 2).bind((), {"d": 5}).count_free() for f in family]
    assert counts == [41, 26, 21, 13]


def test_a_shared_covariance_is_the_pooled_scatter():
    w = random_weights(120, 3)
    family, table = bank(lk.MultivariateNormal(covariance=lk.shared), 3, X)
    new = family.maximize(family.collect(None, None, table, w), None)
    scatter = sum(np.cov(X.T, aweights=w[:, k], bias=True) * w[:, k].sum() for k in range(3))
    assert new.covariance == pytest.approx(np.broadcast_to(scatter / w.sum(), (3, 3, 3)), rel=1e-11)


# Every form with every kind of slot; all kinds of both slots together for a full, a direct and a searched form.
COMBINATIONS = [
    (form, mean, covariance)
    for form in ["full", "diagonal", "spherical", *MODELS]
    for mean in MEANS
    for covariance in COVARIANCES
    if not ("shared" in covariance and form in MODELS and not FORMS[form].common)
    and (form in ("full", "diagonal", "VVE") or "free" in (mean, covariance))
]


@pytest.mark.parametrize(("form", "mean", "covariance"), COMBINATIONS)
def test_m_step_is_the_conditional_maximum(form, mean, covariance):
    model = lk.MultivariateNormal(form, **MEANS[mean], **COVARIANCES[covariance])
    family, table = bound(lk.Mixture(model, 2), X)
    w = RNG.exponential(size=(120, 1))
    params = family.start(table, w, np.random.default_rng(3))
    posterior, statistics = e_step(family, params, table, w)
    q = family.expected_log_density(params, statistics).sum() + (w * posterior.slack).sum()
    assert q == pytest.approx((w * posterior.log_prob).sum(), rel=1e-12)
    new = family.maximize(statistics, params)
    assert family.obeys(new)
    assert len(family.flatten(new)) == family.count_free()
    assert np.abs(q_gradient(family, new, statistics)).max() < 1e-8 * 120


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.MultivariateNormal(), X, {"mean": RNG.normal(size=(2, 3)), "covariance": [V, np.eye(3)]})


def test_one_column_is_a_normal():
    one = lk.fit(lk.MultivariateNormal(), X[:, 0])
    normal = lk.fit(lk.Normal(), X[:, 0])
    assert one.log_likelihood == pytest.approx(normal.log_likelihood, rel=1e-14)
    assert one.model.mean.tolist() == [pytest.approx(normal.model.mean)]
    assert one.model.sample(5).shape == (5,)
    check_stationary(lk.MultivariateNormal(), X[:, 0])


def test_a_known_covariance_wins_over_the_form():
    fit = lk.fit(lk.MultivariateNormal("diagonal", covariance=V), X)
    assert fit.model.covariance.tolist() == np.array(V, float).tolist()
    assert fit.n_free == 3


def test_a_number_is_that_many_times_the_identity():
    found = lk.MultivariateNormal(mean=[1, 2], covariance=4).log_prob([[2, 2]])
    assert found == pytest.approx(stats.norm.logpdf(0.5) + stats.norm.logpdf(0) - 2 * np.log(2), rel=1e-14)


def test_prior_on_the_covariance_gives_the_posterior_mode():
    prior = lk.InverseWishart(6, V)
    model = lk.fit(lk.MultivariateNormal(covariance=prior), X).model
    scatter = np.cov(X.T, bias=True) * 120
    assert model.covariance == pytest.approx((scatter + V) / (120 + 6 + 4), rel=1e-11)


def test_map_is_stationary_for_the_log_posterior_of_the_rows():
    model = lk.MultivariateNormal(covariance=lk.InverseWishart(6, V))
    family, table = bound(model, X)
    params = family.maximize(family.collect(None, None, table, np.ones((120, 1))), None)

    def posterior(u):
        at = family.unflatten(u, params)
        covariance = at.covariance[0]
        log_prior = stats.invwishart(6, V).logpdf(covariance)
        return stats.multivariate_normal(at.mean[0], covariance).logpdf(X).sum() + log_prior

    assert np.abs(gradient(posterior, family.flatten(params))).max() < 1e-6


def test_draws_have_mean_and_covariance():
    x = lk.MultivariateNormal(mean=[1, 2, 3], covariance=V).sample(200_000, seed=3)
    assert x.mean(0) == pytest.approx([1, 2, 3], abs=0.02)
    assert np.cov(x.T) == pytest.approx(np.array(V), abs=0.05)


def test_huge_offsets_and_units_change_nothing_else():
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), X)
    unit = np.array([1e-5, 1, 1e5])
    moved = lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), X * unit + 1e6 * unit)
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood - 120 * np.log(unit).sum(), abs=1e-5)


def test_the_form_can_be_chosen():
    x = np.random.default_rng(0).normal(size=(300, 2)) * [1, 10]
    fit = lk.fit(lk.MultivariateNormal(lk.choose(["full", "diagonal", "spherical"])), x, by="bic")
    assert fit.model.form == "diagonal"


def test_text_reads_back():
    for model in (
        lk.MultivariateNormal("spherical", covariance=lk.shared),
        lk.MultivariateNormal(lk.choose(["full", "diagonal"])),
        lk.MultivariateNormal(mean=[0, 1], covariance=[[1, 0], [0, 1]]),
    ):
        assert parse(repr(model)) == model
    assert repr(lk.MultivariateNormal()) == "MultivariateNormal()"
    assert repr(lk.MultivariateNormal("diagonal")) == "MultivariateNormal('diagonal')"


@pytest.mark.parametrize(
    ("form", "hint"),
    [
        ("diag", "; did you mean 'diagonal'?"),
        ("Full", "; did you mean 'full'?"),
        ("vve", "; did you mean 'VVE'?"),
        (3, "."),
    ],
)
def test_an_unknown_form_is_named_with_the_nearest(form, hint):
    expected = (
        f"MultivariateNormal({form!r}): the form of a covariance is 'full', 'diagonal', 'spherical', 'shared', or "
        "three letters: EII, VII, EEI, VEI, EVI, VVI, EEE, VEE, EVE, VVE, EEV, VEV, EVV, VVV"
        f"{hint}"
    )
    for written in (form, lk.choose(["full", form])):
        with pytest.raises(lk.ModelError) as e:
            lk.MultivariateNormal(written)
        assert str(e.value) == expected


def test_values_that_do_not_fit_are_named():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.MultivariateNormal(covariance=[[1, 2], [2, 1]]), X[:, :2])
    assert str(e.value) == (
        "MultivariateNormal.covariance = [[1., 2.], [2., 1.]]; it needs a symmetric positive definite matrix."
    )
    with pytest.raises(lk.ModelError) as e:
        lk.MultivariateNormal(mean=[1, 2], covariance=np.eye(3)).sample()
    assert str(e.value) == (
        "MultivariateNormal.covariance has shape (3, 3), which says d = 3, but MultivariateNormal.mean says d = 2."
    )
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.MultivariateNormal(mean=lk.Gamma(1, 1)), X)
    assert str(e.value) == (
        "MultivariateNormal.mean = Gamma(shape=1, rate=1): this slot cannot take Gamma as a prior; "
        "it takes Normal, MultivariateNormal or PretendRows, a number, shared, or nothing."
    )
    with pytest.raises(lk.ModelError) as e:
        lk.MultivariateNormal(mean=[1, 2], covariance=1).cdf([[1, 2]])
    assert str(e.value) == "MultivariateNormal has no cdf."


def test_dependent_columns_are_explained():
    x = np.column_stack([X[:, 0], 2 * X[:, 0]])
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.MultivariateNormal(), x)
    assert str(e.value) == (
        "MultivariateNormal(): its covariance fell to zero, so the likelihood has no maximum. The rows lie in a plane "
        "of fewer than 2 dimensions: a column depends on others, or there are too few rows. Leave columns out, or give "
        "the covariance a simpler form or a prior."
    )


def test_every_pair_of_columns_of_iris_is_fitted_better_by_more_freedom():
    from sklearn.datasets import load_iris

    x = load_iris().data
    for i, j in itertools.combinations(range(4), 2):
        likelihood = [
            lk.fit(lk.MultivariateNormal(f), x[:, [i, j]]).log_likelihood for f in ("full", "diagonal", "spherical")
        ]
        assert likelihood == sorted(likelihood, reverse=True)
