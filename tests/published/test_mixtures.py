"""Values that others have published for mixtures; each test names its source."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import likely as lk

FAITHFUL = Path(lk.__file__).parent / "data" / "faithful.csv"
DEATHS = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])


def steps(model, x, start, passes, **rest):
    out = []
    lk.fit(model, x, start=start, tol=0, max_passes=passes, callback=lambda s: out.append(s), **rest)
    return out


def test_hasselblads_death_notices():
    # Hasselblad (1969); the maximum to all digits in turboEM's and our own references.
    fit = lk.fit(lk.Mixture(lk.Poisson(), 2), DEATHS)
    order = np.argsort(fit.model.component.rate)
    assert fit.log_likelihood == pytest.approx(-1989.945859883, abs=1e-6)
    assert fit.model.weights[order] == pytest.approx([0.3598853970, 0.6401146030], abs=2e-3)
    assert fit.model.component.rate[order] == pytest.approx([1.2560951012, 2.6634043566], abs=4e-3)
    assert lk.fit(lk.Poisson(), DEATHS).log_likelihood == pytest.approx(-2001.397847, abs=1e-6)


def test_hasselblads_first_two_iterations():
    start = lk.Mixture(lk.Poisson(rate=[1, 3]), 2, weights=[0.5, 0.5])
    first, second = (s.params for s in steps(lk.Mixture(lk.Poisson(), 2), DEATHS, start, 3)[1:])
    assert [first.weights[0, 0], *first.component.rate] == pytest.approx(
        [0.461588728, 1.188917947, 2.986830455], abs=1e-9
    )
    assert [second.weights[0, 0], *second.component.rate] == pytest.approx(
        [0.455780108, 1.261996141, 2.906438359], abs=1e-9
    )


def test_hasselblads_slow_ridge_is_walked_to_the_end():
    # A relative tolerance of 1e-8 stops at iteration 447, where .0023 nats are still missing.
    start = lk.Mixture(lk.Poisson(rate=[1, 3]), 2, weights=[0.5, 0.5])
    fit = lk.fit(lk.Mixture(lk.Poisson(), 2), DEATHS, start=start)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(-1989.945859883, abs=1e-6)


def test_waiting_times_with_a_shared_variance():
    # mixtools' normalmixEM on faithful$waiting: -1034.002.
    start = lk.Mixture(lk.Normal(mean=[55, 80], variance=25), 2, weights=[0.5, 0.5])
    fit = lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), 2), FAITHFUL, columns="waiting", start=start)
    assert fit.trace[0].objective == pytest.approx(-1051.08964, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-1034.00176036, abs=1e-6)
    assert fit.model.weights == pytest.approx([0.36084944, 0.63915056], abs=1e-5)
    assert fit.model.component.mean == pytest.approx([54.613626, 80.090304], abs=1e-4)
    assert np.sqrt(fit.model.component.variance) == pytest.approx([5.8690914] * 2, abs=1e-4)


def test_old_faithful_with_three_components_and_one_covariance():
    # mclust's EEE,3: published -1126.326, 11 parameters; the converged maximum is slightly higher.
    model = lk.Mixture(lk.MultivariateNormal(covariance=lk.shared), 3)
    fit = lk.fit(model, FAITHFUL, columns=["eruptions", "waiting"])
    order = np.argsort(-fit.model.weights)
    assert fit.log_likelihood == pytest.approx(-1126.315928, abs=2e-6)
    assert fit.n_free == 11
    assert fit.bic == pytest.approx(2314.29568, abs=1e-4)
    assert fit.model.weights[order] == pytest.approx([0.47502, 0.35638, 0.16860], abs=1e-3)
    assert fit.model.component.mean[order] == pytest.approx(
        np.array([[4.46574, 80.8728], [2.03761, 54.4913], [3.79776, 77.4689]]), abs=2e-2
    )
    assert fit.model.component.covariance[0] == pytest.approx(
        np.array([[0.0779754, 0.4701584], [0.4701584, 33.67204]]), rel=2e-3
    )
    assert sorted(np.bincount(fit.predict())) == [41, 97, 134]


def test_iris_species_from_their_labels():
    # mclust's VVV,3 begun at the species; the reference is the converged fit from the same labels by scikit-learn.
    from sklearn.mixture import GaussianMixture

    x, species = load_iris(return_X_y=True)
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), x, start=labelled(x, species), tol=1e-5)
    rival = GaussianMixture(
        3,
        reg_covar=0,
        tol=1e-12,
        max_iter=2000,
        means_init=[x[species == j].mean(0) for j in range(3)],
        weights_init=[1 / 3] * 3,
        precisions_init=[np.linalg.inv(np.cov(x[species == j].T, bias=True)) for j in range(3)],
        init_params="random_from_data",
        random_state=0,
    ).fit(x)
    assert fit.log_likelihood == pytest.approx(rival.score(x) * 150, abs=1e-6)


def labelled(x, species):
    """Maximum likelihood with the species known: where EM without them begins."""
    return lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), x, labels=species)


def test_iris_with_two_components_is_the_published_maximum():
    # mclust prints -214.3547 for VVV,2 on iris (BIC -574.0178 in its sign, 29 parameters).
    x = load_iris().data
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), x)
    assert fit.n_free == 29
    assert fit.log_likelihood == pytest.approx(-214.3547, abs=1e-3)
    assert fit.bic == pytest.approx(574.0178, abs=3e-3)


def test_density_of_a_two_dimensional_mixture():
    # mlpack's test of its Gaussian mixture.
    model = lk.Mixture(
        lk.MultivariateNormal(mean=[[0, 0], [3, 3]], covariance=[[[1, 0], [0, 1]], [[2, 1], [1, 2]]]),
        2,
        weights=[0.3, 0.7],
    )
    x = [[0, 0], [1, 1], [2, 2], [3, 3], [-1, 5.3], [1.4, 0]]
    density = [0.05094887203, 0.03451996667, 0.04696302254, 0.06432759685, 2.503171278805e-6, 0.02467668217630]
    assert np.exp(model.log_prob(x)) == pytest.approx(density, rel=1e-9)


ROWS = [[int(c) for c in row] for row in ["120", "001", "112", "222", "310", "514", "210", "102", "110", "021", "000"]]


def exponentials(scales=None):
    """Products of three exponentials, two of them."""
    rate = {} if scales is None else {"rate": 1 / np.array(scales)}
    weights = {} if scales is None else {"weights": [0.5, 0.5]}
    return lk.Mixture(lk.Independent(lk.Exponential(**rate)), 2, **weights)


@pytest.mark.parametrize(
    ("weights", "after_one", "after_five"),
    [(None, 0.44044017, 0.37834711), ([1, 2, 0, 0, 5, 1, 2, 1, 1, 2, 0], 0.48791174, 0.5116153)],
)
def test_mixture_of_products_of_exponentials(weights, after_one, after_five):
    # pomegranate's test_fit, with and without row weights.
    start = exponentials([[2.1, 0.3, 1.1], [1.5, 3.1, 2.2]])
    path = steps(exponentials(), ROWS, start, 6, weights=weights)
    assert path[1].params.weights[0, 0] == pytest.approx(after_one, abs=1e-7)
    assert path[5].params.weights[0, 0] == pytest.approx(after_five, abs=1e-7)
    if weights is None:
        objective = [-42.83335677, -38.42704776, -37.87765222, -37.62297105, -37.44997056]
        assert [s.objective for s in path[:5]] == pytest.approx(objective, abs=1e-7)
        scales = 1 / path[5].params.component.part.rate
        assert scales == pytest.approx([0.766080, 0.807580, 0.484690, 1.873556, 1.117109, 1.459863], abs=1e-6)


ALL = lk.MultivariateNormal(lk.choose("all"))


def test_iris_chooses_the_published_model_among_all():
    # mclust: VEV with 2 components, L -215.7259, 26 parameters, BIC -561.7285 in its sign.
    fit = lk.fit(lk.Mixture(ALL, lk.choose([1, 2, 3])), load_iris().data, by="bic", starts=3)
    assert (fit.model.component.form, fit.model.size) == ("VEV", 2)
    assert len(fit.selection.candidates) == 42
    assert fit.n_free == 26
    assert fit.log_likelihood == pytest.approx(-215.7259, abs=1e-4)
    assert fit.bic == pytest.approx(561.7285, abs=2e-4)
    assert sorted(np.bincount(fit.predict())) == [50, 100]


def test_iris_from_its_species():
    # Published -186.074 stops early; from the species EM leads to -186.073283.
    x, species = load_iris(return_X_y=True)
    model = lk.Mixture(lk.MultivariateNormal("VEV"), 3)
    fit = lk.fit(model, x, start=lk.fit(model, x, labels=species))
    assert fit.n_free == 38
    assert fit.log_likelihood == pytest.approx(-186.073283, abs=2e-6)
    assert fit.bic == pytest.approx(562.550708, abs=4e-6)
    assert np.bincount(fit.predict()).tolist() == [50, 45, 55]


def test_old_faithful_chooses_the_published_model_among_all():
    # mclust: EEE with 3 components; its printed -1126.326 stops early on a slow ridge, the maximum is -1126.315928.
    fit = lk.fit(lk.Mixture(ALL, lk.choose([2, 3, 4])), FAITHFUL, by="bic", starts=4)
    assert (fit.model.component.form, fit.model.size) == ("EEE", 3)
    assert fit.n_free == 11
    assert fit.log_likelihood == pytest.approx(-1126.315928, abs=1e-5)
    assert fit.bic == pytest.approx(2314.29568, abs=1e-4)
