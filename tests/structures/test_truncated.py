"""Truncation to a known window."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, check_stationary, random_weights
from likely.core.params import Params
from likely.core.written import shared

X = stats.truncnorm(-1, 2, 5, 2).rvs(300, random_state=np.random.default_rng(1))  # seen from 3 to 9


def at(**values):
    return Params(part=Params(**{n: np.asarray(v, float) for n, v in values.items()}))


def best(log_density, start):
    """A general optimiser's maximum over real coordinates."""
    found = optimize.minimize(lambda u: -log_density(u).sum(), start, method="Nelder-Mead", options={"maxiter": 4000})
    return optimize.minimize(lambda u: -log_density(u).sum(), found.x, tol=1e-12)


def test_log_prob_is_scipys():
    x = np.array([2.9, 3, 4, 9, 9.1])
    law = stats.truncnorm(-1, 2, 5, 2)
    assert lk.Truncated(lk.Normal(5, 4), 3, 9).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-12)


def test_log_prob_far_in_a_tail_is_scipys():
    for low, high in ((9, np.inf), (40, 41), (-np.inf, -40)):
        law = stats.truncnorm(low, high)
        x = np.clip([low + 0.01, high - 0.01], -41, 41)
        model = lk.Truncated(lk.Normal(0, 1), None if low == -np.inf else low, None if high == np.inf else high)
        x = x[model.bind().fits(x)]
        assert model.log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-10)


def test_a_normal_in_a_window_is_a_general_optimisers():
    fit = lk.fit(lk.Truncated(lk.Normal(), 3, 9), X)

    def log_density(u):
        mean, sd = u[0], np.exp(u[1])
        return stats.truncnorm((3 - mean) / sd, (9 - mean) / sd, mean, sd).logpdf(X)

    found = best(log_density, [5, 0])
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-12)
    assert [fit.model.part.mean, np.log(fit.model.part.variance) / 2] == pytest.approx(found.x, abs=1e-4)
    # At the maximum the first two moments within the window are those of the rows.
    assert [fit.model.mean, fit.model.variance] == pytest.approx([X.mean(), X.var()], rel=1e-8)


def test_an_exponential_cut_below_forgets_where():
    x = 7 + np.random.default_rng(0).exponential(3, 50)
    assert lk.fit(lk.Truncated(lk.Exponential(), low=7), x).model.part.rate == pytest.approx(
        1 / (x.mean() - 7), rel=1e-9
    )


def test_an_exponential_cut_above_matches_its_mean():
    x = np.random.default_rng(0).exponential(3, 200)
    x = x[x < 4]
    rate = optimize.brentq(lambda r: 1 / r - 4 / np.expm1(4 * r) - x.mean(), 1e-3, 10, xtol=1e-15)
    fit = lk.fit(lk.Truncated(lk.Exponential(), low=0, high=4), x)
    assert fit.model.part.rate == pytest.approx(rate, rel=1e-8)


FAMILIES = [
    lk.Gamma(), lk.InverseGamma(), lk.LogNormal(), lk.Weibull(), lk.Gumbel(), lk.Normal(), lk.Beta(), lk.Exponential(),
]  # fmt: skip


@pytest.mark.parametrize("part", FAMILIES, ids=repr)
def test_every_continuous_family_reaches_its_maximum(part):
    unit = isinstance(part, lk.Beta)
    low, high = (0.2, 0.9) if unit else (0.5, 30)
    x = np.random.default_rng(5).gamma(4, 0.12 if unit else 1.5, 300)
    check_stationary(lk.Truncated(part, low, high), x[(x > low) & (x < high)], size=2)


def test_a_pareto_cut_above_is_hills_equation():
    # Aban, Meerschaert & Panorska (2006), theorem 2, with a known lower end.
    x = 2 * (1 + np.random.default_rng(0).pareto(1.5, 400))
    x = x[x < 50]
    ratio = np.log(2 / 50)
    shape = optimize.brentq(
        lambda a: 1 / a + ratio * np.exp(a * ratio) / -np.expm1(a * ratio) - np.log(x / 2).mean(), 0.1, 9
    )
    fit = lk.fit(lk.Truncated(lk.Pareto(scale=2), high=50), x)
    assert fit.model.part.shape == pytest.approx(shape, rel=1e-8)


@pytest.mark.parametrize(
    "part",
    [
        lk.Normal(mean=shared), lk.Normal(mean=shared + [0, 2]), lk.Normal(variance=shared),
        lk.Normal(mean=[5, np.nan]), lk.Normal(mean=lk.Normal(4, 0.1)),
        lk.Normal(variance=shared(lk.InverseGamma(2, 3))),
    ],
    ids=repr,
)  # fmt: skip
def test_known_tied_and_prior_slots_end_where_the_gradient_vanishes(part):
    mixture, new = check_stationary(lk.Truncated(part, 3, 9), X, size=2)
    assert mixture.obeys(new)


def test_expected_log_density_is_the_weighted_sum():
    family, table = bank(lk.Truncated(lk.Normal(), 3, 9), 3, np.append(X, 2.0))
    params = at(mean=[5, 0, 90], variance=[4, 1, 9])
    w = random_weights(301, 3)
    posterior = family.infer(params, table)
    assert np.isneginf(posterior.log_prob[-1]).all()
    direct = (w[:-1] * posterior.log_prob[:-1]).sum(0)
    found = family.expected_log_density(params, family.collect(params, posterior, table, w))
    assert found == pytest.approx(direct, rel=1e-12)


def test_a_mixture_in_a_window_recovers_what_was_cut():
    rng = np.random.default_rng(0)
    x = rng.normal(np.repeat([0.0, 8.0], 4000), 2)
    x = x[x > 0]
    found = lk.fit(lk.Mixture(lk.Truncated(lk.Normal(), low=0), 2), x, starts=4).model
    part = found.component.part
    order = np.argsort(part.mean)
    assert part.mean[order] == pytest.approx([0, 8], abs=0.6)
    assert part.variance[order] == pytest.approx([4, 4], rel=0.25)


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (
            lk.Truncated(lk.Exponential(), 0, 1), [0.6, 0.7, 0.8],
            "Truncated(Exponential(), low=0.0, high=1.0): its rate fell without bound, so the likelihood has no "
            "maximum. Give rate a value or a prior.",
        ),
        (
            lk.Truncated(lk.Normal(), low=0), [0.01, 0.02, 0.04, 0.1, 0.3, 1, 4],
            "Truncated(Normal(), low=0.0): its mean fell without bound, so the likelihood has no maximum. "
            "Give mean a value or a prior.",
        ),
    ],
    ids=["flat", "exponential"],
)  # fmt: skip
def test_a_maximum_at_infinity_is_named(model, x, message):
    with pytest.raises(lk.FitError) as e:
        lk.fit(model, x)
    assert str(e.value) == message


def test_a_prior_brings_the_maximum_back_from_infinity():
    fit = lk.fit(lk.Truncated(lk.Exponential(rate=lk.Gamma(2, 1)), 0, 1), [0.6, 0.7, 0.8])

    def slope(r):
        return 3 / r - 2.1 - 3 / np.expm1(r) + 1 / r - 1

    assert fit.model.part.rate == pytest.approx(optimize.brentq(slope, 1e-3, 50, xtol=1e-14), rel=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.Truncated(lk.Normal()), "Truncated needs a window: low=..., high=... or both."),
        (lambda: lk.Truncated(lk.Normal(), 3, 1), "Truncated: low=3 and high=1; low must be below high."),
        (
            lambda: lk.Truncated(lk.Normal(), low="a"),
            "Truncated: low='a'; it needs a number, or nothing where the window is open.",
        ),
        (
            lambda: lk.Truncated(lk.Weibull(), high=0),
            "Truncated(Weibull(...), high=0.0): no value of Weibull() lies in the window; it has numbers above 0.",
        ),
        (
            lambda: lk.Truncated(lk.Poisson(), low=1),
            "Truncated(Poisson()): the part must be a continuous family of one column, on the line and with a "
            "distribution function, such as Weibull() or Normal().",
        ),
        (
            lambda: lk.Truncated(lk.Censored(lk.Weibull()), low=1),
            "Truncated(Censored(...)): a value lies in its window before it is censored; write "
            "Censored(Truncated(Weibull(), low=...)).",
        ),
        (
            lambda: lk.fit(lk.Truncated(lk.Pareto(), high=9), [1, 2]),
            "Truncated(Pareto()): the best scale of Pareto is one of the values, and these are not all known here. "
            "Give it a value, as in Pareto(scale=...).",
        ),
        (
            lambda: lk.fit(lk.Truncated(lk.Normal(), 0, 5), {"x": [1, 7]}),
            "column 'x' row 2 is 7; Truncated(Normal(), low=0.0, high=5.0) needs finite numbers, from 0 up to 5. Drop "
            "the row, or use a family that allows it.",
        ),
        (
            lambda: lk.fit(lk.Truncated(lk.Normal(), 0), np.ones((3, 2))),
            "Normal describes one column; the data has 2 columns. Name one with columns=..., or repeat it over all of "
            "them with Independent(Normal()), or join numeric ones with MultivariateNormal().",
        ),
    ],
    ids=["open", "order", "text", "empty", "counts", "censored", "end", "outside", "columns"],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(lk.InputError) as e:
        make()
    assert str(e.value) == message


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (lk.Truncated(lk.Normal(5, 4), 3, 9), stats.truncnorm(-1, 2, 5, 2)),
        (lk.Truncated(lk.Normal(0, 1), low=9), stats.truncnorm(9, np.inf)),
        (lk.Truncated(lk.Normal(0, 1), high=-9), stats.truncnorm(-np.inf, -9)),
        (lk.Truncated(lk.Pareto(1, 2.5), low=3), stats.pareto(2.5, scale=3)),
        (lk.Truncated(lk.Exponential(0.5), low=3), stats.expon(3, 2)),
    ],
    ids=lambda v: repr(v) if isinstance(v, lk.Family) else "",
)
def test_moments_quantiles_and_draws(model, law):
    assert [model.mean, model.variance] == pytest.approx([law.mean(), law.var()], rel=1e-7)
    q = np.array([0, 0.01, 0.5, 0.999, 1])
    assert model.quantile(q) == pytest.approx(law.ppf(q), rel=1e-10)
    assert model.cdf(law.ppf(q[1:-1])) == pytest.approx(q[1:-1], rel=1e-10)
    assert stats.kstest(model.sample(1000, seed=1), law.cdf).pvalue > 0.01


def test_an_infinite_mean_is_told():
    assert lk.Truncated(lk.Pareto(1, 0.9), low=2).mean == np.inf
    assert lk.Truncated(lk.Pareto(1, 1.5), low=2).variance == np.inf


def test_it_reads_back():
    model = lk.Truncated(lk.Normal(5, 4), high=9)
    assert repr(model) == "Truncated(Normal(mean=5, variance=4), high=9.0)"
    assert lk.parse(repr(model)) == model
