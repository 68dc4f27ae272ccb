"""Posterior = prior + data, against SciPy's densities and integrals."""

import numpy as np
import pytest
from pictures import legend, on_paper
from scipy import integrate, stats

import likely as lk
from likely.errors import ModelError
from likely.faces.plots import plot

HEIGHTS = np.random.default_rng(0).normal(3, 3, 12)
PRIOR, LIKELIHOOD, POSTERIOR, MODE = "prior", "likelihood", "posterior", "mode"
BETA, GAMMA = stats.beta(3, 2), stats.gamma(3, scale=1 / 2)

CASES = {
    "bernoulli": (lk.Bernoulli(p=lk.Beta(3, 2)), [1, 1, 0, 1], {}, BETA, lambda p: p**3 * (1 - p)),
    "binomial": (lk.Binomial(9, p=lk.Beta(3, 2)), [4, 7], {}, BETA, lambda p: p**11 * (1 - p) ** 7),
    "trials given": (lk.Binomial(p=lk.Beta(3, 2)), [4, 7], {"given": [5, 13]}, BETA, lambda p: p**11 * (1 - p) ** 7),
    "geometric": (lk.Geometric(p=lk.Beta(3, 2)), [4, 0, 1], {}, BETA, lambda p: p**3 * (1 - p) ** 5),
    "poisson": (lk.Poisson(rate=lk.Gamma(3, 2)), [4, 0, 1], {}, GAMMA, lambda r: r**5 * np.exp(-3 * r)),
    "weights": (lk.Poisson(rate=lk.Gamma(3, 2)), [4, 1], {"weights": [2, 3]}, GAMMA, lambda r: r**11 * np.exp(-5 * r)),
    "exponential": (lk.Exponential(rate=lk.Gamma(3, 2)), [0.5, 2.0], {}, GAMMA, lambda r: r**2 * np.exp(-2.5 * r)),
    "normal": (
        lk.Normal(mean=lk.Normal(0, 4), variance=9), HEIGHTS, {}, stats.norm(0, 2),
        lambda m: np.exp(-0.5 * ((HEIGHTS - np.asarray(m)[..., None]) ** 2 / 9).sum(-1)),
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request):
    model, x, options, prior, likelihood = CASES[request.param]
    fit = lk.fit(model, x, **options)
    return fit, plot(fit, "posterior", on_paper()), prior, likelihood


def curve(ax, name):
    return next(c for c in ax.lines if c.get_label().startswith(name)).get_xydata().T


def test_the_posterior_is_prior_times_likelihood_at_area_one(case):
    _, ax, prior, likelihood = case
    low, high = np.clip(prior.support(), -40, 40)
    for name, product in ((LIKELIHOOD, likelihood), (POSTERIOR, lambda v: prior.pdf(v) * likelihood(v))):
        area = integrate.quad(product, low, high, points=[0.5, 1, 3], limit=400)[0]
        at, found = curve(ax, name)
        np.testing.assert_allclose(found[1:-1], product(at[1:-1]) / area, rtol=1e-6, atol=1e-9)
    at, found = curve(ax, PRIOR)
    np.testing.assert_allclose(found, prior.pdf(at), atol=1e-9)


def test_the_mode_is_the_map_estimate(case):
    fit, ax, _, _ = case
    at, found = curve(ax, POSTERIOR)
    mode = curve(ax, MODE)[0][0]
    (slot,) = [n for n in ("p", "rate", "mean") if n in fit.family.domains]
    assert mode == getattr(fit.model, slot)
    assert mode == pytest.approx(at[found.argmax()], abs=2 * (at[1] - at[0]))


def test_the_legend_adds_the_data_to_the_prior():
    ax = lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), {"up": [1] * 5}).plot("posterior", ax=on_paper())
    assert legend(ax) == [
        "prior Beta(2, 2)",
        "likelihood of 5 rows, scaled to area 1",
        "posterior Beta(7, 2)",
        "mode: MAP estimate 0.8571",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("p (up)", "density")


def test_a_vague_prior_does_not_hide_the_posterior():
    fit = lk.fit(lk.Normal(mean=lk.Normal(0, 1e6), variance=9), HEIGHTS)
    _at, found = curve(plot(fit, "posterior", on_paper()), POSTERIOR)
    assert (found > 0.01 * found.max()).mean() > 0.1


def said(fit):
    with pytest.raises(ModelError) as e:
        plot(fit, "posterior", on_paper())
    return str(e.value)


def test_other_models_say_what_it_draws():
    offer = "it has 'density', 'panel' or 'profile'."
    assert said(lk.fit(lk.Bernoulli(), [1, 0])) == f"plot('posterior') of this fit: p has no Beta prior; {offer}"
    assert said(lk.fit(lk.Normal(mean=lk.Normal(0, 1)), [1.0, 2.0])) == (
        "plot('posterior') of this fit: variance is estimated, and it draws one number with the others known; it has "
        "'density', 'panel', 'profile' or 'surface'."
    )
    assert said(lk.fit(lk.Gamma(), [1.0, 2.0, 4.0])) == (
        "plot('posterior') of this fit: it draws one number under its conjugate prior (Bernoulli, Binomial or "
        "Geometric with a Beta, Poisson or Exponential with a Gamma, Normal(mean=Normal(...), variance=...)), "
        "and this is Gamma(); it has 'density', 'panel', 'profile' or 'surface'."
    )
