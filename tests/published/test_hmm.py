"""Hidden Markov models against published fits, and against another package from the same start."""

import json
from pathlib import Path

import numpy as np
import pytest

import likely as lk

QUAKES = np.loadtxt(Path(lk.__file__).with_name("data") / "earthquakes.csv", delimiter=",", skiprows=1)[:, 1]

MINIMA = {1: (391.918928, 785.8379, 788.5107), 2: (341.878701, 693.7574, 707.1215), 3: (328.527483, 679.0550, 708.4561)}


@pytest.mark.parametrize("m", MINIMA)
def test_earthquakes_reach_the_published_minimum(m):
    fit = lk.fit(lk.HMM(lk.Poisson(), m), QUAKES)
    height, aic, bic = MINIMA[m]
    assert -fit.log_likelihood == pytest.approx(height, abs=2e-6)
    assert fit.aic == pytest.approx(aic, abs=1e-4)
    assert fit.bic == pytest.approx(bic, abs=1e-4)


def test_earthquakes_three_states():
    model = lk.fit(lk.HMM(lk.Poisson(), 3), QUAKES, tol=1e-6).model
    order = np.argsort(model.emission.rate)
    np.testing.assert_allclose(model.emission.rate[order], [13.1338, 19.7132, 29.7097], atol=2e-4)
    moves = [[0.939294, 0.032098, 0.028608], [0.040402, 0.906436, 0.053162], [0, 0.190256, 0.809744]]
    np.testing.assert_allclose(model.transition[np.ix_(order, order)], moves, atol=3e-5)
    np.testing.assert_allclose(model.initial[order], [1, 0, 0], atol=1e-12)


TRACES = {
    2: ([10.0, 30.0], {1: 413.275420, 2: 343.760234, 3: 343.136181, 31: 341.878706, 51: 341.878701}),
    3: ([10.0, 20.0, 30.0], {1: 342.907808, 2: 332.121430, 3: 330.636888, 31: 328.527483}),
}


@pytest.mark.parametrize("m", TRACES)
def test_earthquakes_pass_by_pass(m):
    rates, heights = TRACES[m]
    moves = np.full((m, m), 0.1) + np.eye(m) * (1 - 0.1 * m)
    start = lk.HMM(lk.Poisson(rates), m, initial=np.full(m, 1 / m), transition=moves)
    fit = lk.fit(lk.HMM(lk.Poisson(), m), QUAKES, start=start, accelerate=False, tol=0, max_passes=51)
    for passes, height in heights.items():
        assert -fit.trace[passes - 1].objective == pytest.approx(height, abs=1e-6)


def test_the_second_pass_has_the_published_parameters():
    start = lk.HMM(lk.Poisson([10, 30]), 2, initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.1, 0.9]])
    model = lk.fit(lk.HMM(lk.Poisson(), 2), QUAKES, start=start, accelerate=False, tol=0, max_passes=2).model
    np.testing.assert_allclose(model.emission.rate, [13.7419, 24.1691], atol=1e-4)
    assert (model.transition[0, 1], model.transition[1, 0]) == pytest.approx((0.138816, 0.116222), abs=1e-6)
    assert model.initial[0] == pytest.approx(0.99963, abs=1e-5)


REFERENCE = json.loads(Path(__file__).with_name("hmmlearn_reference.json").read_text())
LENGTHS = REFERENCE["lengths"]


def family(kind, start=None):
    if kind == "normal":
        free = lk.Independent(lk.Normal())
        known = start and lk.Independent(lk.Normal(start["mean"], start["variance"]))
    elif kind == "poisson":
        free, known = lk.Poisson(), start and lk.Poisson(start["rate"])
    else:
        free = lk.Categorical(categories=[0, 1, 2, 3])
        known = start and lk.Categorical(start["p"], categories=[0, 1, 2, 3])
    return known or free


@pytest.mark.parametrize("kind", REFERENCE["problems"])
def test_hmmlearn_goes_the_same_way(kind):
    """Log-likelihood of every pass, the parameters after six, and what they say of the states, to 1e-8."""
    theirs = REFERENCE["problems"][kind]
    start, series = theirs["start"], lk.sequences(np.array(theirs["x"], float), LENGTHS)
    begin = lk.HMM(family(kind, start), 3, initial=start["initial"], transition=start["transition"])
    passes = REFERENCE["iterations"] + 1
    fit = lk.fit(
        lk.HMM(family(kind), 3), series, start=begin, accelerate=False, tol=0, max_passes=passes
    )  # the last pass is at the parameters of the last M-step
    ours = [mark.objective for mark in fit.trace]
    np.testing.assert_allclose(ours[:-1], theirs["history"], rtol=1e-8)
    assert ours[-1] == pytest.approx(theirs["score"], rel=1e-8)
    np.testing.assert_allclose(fit.model.initial, theirs["initial"], atol=1e-8)
    np.testing.assert_allclose(fit.model.transition, theirs["transition"], atol=1e-8)
    means = {"normal": lambda e: e.part.mean, "poisson": lambda e: e.rate[:, None], "categorical": lambda e: e.p}[kind]
    np.testing.assert_allclose(means(fit.model.emission), theirs["emission"], rtol=1e-8, atol=1e-8)
    assert fit.decode().log_prob.sum() == pytest.approx(theirs["best"], rel=1e-8)
    np.testing.assert_array_equal(fit.decode().states, theirs["path"])
    np.testing.assert_allclose(fit.smoothed(), theirs["smoothed"], atol=1e-8)
