"""Mixtures whose components overlap, on which plain EM needs hundreds of passes: what acceleration promises there.

Passes are counted, not seconds, so that the tests are the same everywhere.
"""

import numpy as np
import pytest
from scipy.special import gammaln

import likely as lk

DEATHS = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])


def normals(rng):
    """Five free parameters a component."""
    centres = rng.normal(size=(3, 2))
    z = rng.integers(3, size=2_000)
    return (2.0 / np.linalg.norm(centres, axis=1).mean() * centres)[z] + rng.normal(size=(2_000, 2)), z


def wide_normals(rng):
    """Twenty."""
    centres = rng.normal(size=(4, 5))
    z = rng.integers(4, size=2_000)
    return (2.5 / np.linalg.norm(centres, axis=1).mean() * centres)[z] + rng.normal(size=(2_000, 5)), z


def answers(rng):
    """Ten: latent classes."""
    p, z = rng.beta(3, 3, size=(4, 10)), rng.integers(4, size=1_500)
    return (rng.random((1_500, 10)) < p[z]).astype(float), z


def waits(rng):
    """Eight."""
    shape, rate = rng.uniform(1.5, 4, size=(3, 4)), rng.uniform(0.5, 1.5, size=(3, 4))
    z = rng.integers(3, size=1_000)
    return rng.gamma(shape[z]) / rate[z], z


def counts(rng):
    """Six."""
    rate, z = rng.uniform(2, 8, size=(3, 6)), rng.integers(3, size=1_000)
    return rng.poisson(0.4 * rate[z] + 3), z


PROBLEMS = {
    "normals": ("Mixture(MultivariateNormal(), 3)", normals),
    "wide normals": ("Mixture(MultivariateNormal(), 4)", wide_normals),
    "latent classes": ("Mixture(Independent(Bernoulli()), 4)", answers),
    "products of gammas": ("Mixture(Independent(Gamma()), 3)", waits),
    "products of Poissons": ("Mixture(Independent(Poisson()), 3)", counts),
}


def ready(name):
    """Model, data, and a start: the fit to labels of which half are drawn at random."""
    rng = np.random.default_rng(0)
    model, draw = PROBLEMS[name]
    x, z = draw(rng)
    labels = np.where(rng.random(len(z)) < 0.5, z, rng.integers(z.max() + 1, size=len(z)))
    return model, x, lk.fit(model, x, labels=labels).model


def passes_to(objective, trace):
    return next(mark.passes for mark in trace if mark.objective >= objective)


@pytest.fixture(scope="module")
def runs():
    out = {}
    for name in PROBLEMS:
        model, x, start = ready(name)
        out[name] = [lk.fit(model, x, start=start, accelerate=a, tol=3e-4) for a in (False, True)]
    return out


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_accelerated_optimum_is_never_worse_from_the_same_start(runs, problem):
    plain, fast = runs[problem]
    assert plain.converged
    assert fast.converged
    assert plain.trace[0].objective == fast.trace[0].objective
    assert fast.objective >= plain.objective - 1e-6


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_accelerated_objective_never_falls(runs, problem):
    objective = np.array([mark.objective for mark in runs[problem][1].trace])
    assert np.all(np.diff(objective) >= -1e-12 * np.abs(objective[1:]))


def test_the_same_objective_takes_a_fifth_of_the_passes_in_the_median(runs):
    ratios = []
    for plain, fast in runs.values():
        objective = max(plain.objective, fast.objective) - 1e-6
        ratios.append(passes_to(objective, plain.trace) / passes_to(objective, fast.trace))
    assert np.median(ratios) >= 5, ratios
    assert min(ratios) > 2, ratios


def steepness(weight, first, second):
    """Length of the gradient of two Poissons' log-likelihood in weight and rates, from its formula."""
    deaths, days = np.arange(10), np.bincount(DEATHS)
    f, g = (np.exp(deaths * np.log(rate) - rate - gammaln(deaths + 1)) for rate in (first, second))
    r = days / (weight * f + (1 - weight) * g)
    slopes = [r @ (f - g), r @ (weight * f * (deaths / first - 1)), r @ ((1 - weight) * g * (deaths / second - 1))]
    return np.linalg.norm(slopes)


def passes_until_flat(accelerate):
    last = []

    def flat(step):
        last[:] = [step]
        return bool(steepness(step.params.weights[0, 0], *step.params.component.rate) < 1e-6)

    start = lk.Mixture(lk.Poisson(rate=[1, 3]), 2, weights=[0.5, 0.5])
    lk.fit(lk.Mixture(lk.Poisson(), 2), DEATHS, start=start, accelerate=accelerate, tol=0, callback=flat)
    assert flat(last[0])
    return last[0].passes


def test_hasselblads_gradient_vanishes_within_forty_passes_of_which_plain_em_needs_thousands():
    assert passes_until_flat(True) <= 40
    assert passes_until_flat(False) > 1_400
