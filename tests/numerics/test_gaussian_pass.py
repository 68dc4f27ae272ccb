"""Compiled passes over mixtures of normals against their plain twins in NumPy, in all sizes and on other processors."""

import os
import subprocess
import sys

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.families import fused
from likely.families.diagonal import diagonal_moments, log_diagonal
from likely.families.fused import fused_common, fused_diagonal, fused_normals
from likely.families.gaussian import log_gaussian, whitening
from likely.families.moments import moments
from likely.numerics import tiles
from likely.numerics.soft import soft
from support import bound

SIZES = [
    (1, 1, 1),
    (23, 2, 3),
    (24, 3, 1),
    (49, 8, 2),
    (191, 9, 2),
    (192, 4, 7),
    (193, 15, 3),
    (400, 24, 4),
    (401, 33, 3),
]


@pytest.fixture(autouse=True)
def _also_small_chunks(monkeypatch):
    monkeypatch.setattr(fused, "WORTH", 0)


def problem(n, d, k, seed=0, spread=1.0):
    """Points (n, d), and means, covariances and log weights of k members among them."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(k, d, d))
    covariance = root @ root.swapaxes(1, 2) + np.eye(d)
    mean = spread * rng.normal(size=(k, d))
    x = mean[rng.integers(k, size=n)] + rng.normal(size=(n, d)) + 100.0
    return x, mean + 100.0, covariance, np.log(rng.dirichlet(np.ones(k)))


def twin(table, log_density, log_weights, collect, temperature=1.0):
    """What a pass brings back, worked out whole."""
    value, r = soft(log_density + log_weights, temperature)
    w = table.weight_column()
    return float((w[:, 0] * value).sum()), collect(np.asarray(table.x, float), w * r)


def check(found, log_likelihood, stats, rel=1e-10):
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)
    assert found.counts == pytest.approx(stats.weight, rel=1e-11, abs=1e-300)
    assert found.stats.mean == pytest.approx(stats.mean, rel=1e-11)
    scale = np.abs(stats.scatter).max()
    assert found.stats.scatter == pytest.approx(stats.scatter, rel=rel, abs=rel * scale)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_pass_over_full_covariances_equals_its_twin(n, d, k, hard, weighted):
    x, mean, covariance, log_weights = problem(n, d, k)
    table = Table(x, weights=np.random.default_rng(1).random(n) if weighted else None)
    white, log_det = whitening(covariance)
    expected = twin(table, log_gaussian(x, white, mean, log_det), log_weights, moments, 0.0 if hard else 1.0)
    check(fused_normals(mean, covariance)(table, log_weights, hard), *expected)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
@pytest.mark.parametrize("hard", [False, True])
def test_a_pass_over_independent_columns_equals_its_twin(n, d, k, hard):
    x, mean, covariance, log_weights = problem(n, d, k)
    table = Table(x, weights=np.random.default_rng(1).random(n))
    variance = np.einsum("kdd->kd", covariance)
    expected = twin(table, log_diagonal(x, mean, variance), log_weights, diagonal_moments, 0.0 if hard else 1.0)
    check(fused_diagonal(mean, variance)(table, log_weights, hard), *expected)


@pytest.mark.parametrize(("n", "d", "k"), SIZES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_pass_over_one_common_covariance_equals_its_twin_in_all_that_is_estimated(n, d, k, weighted):
    x, mean, covariance, log_weights = problem(n, d, k)
    table = Table(x, weights=np.random.default_rng(1).random(n) if weighted else None)
    white, log_det = whitening(np.broadcast_to(covariance[:1], covariance.shape))
    log_likelihood, stats = twin(table, log_gaussian(x, white, mean, log_det), log_weights, moments)
    found = fused_common(mean, covariance[0])(table, log_weights, False)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)
    assert found.counts == pytest.approx(stats.weight, rel=1e-11)
    assert found.stats.mean == pytest.approx(stats.mean, rel=1e-11)
    assert found.stats.scatter.sum(0) == pytest.approx(stats.scatter.sum(0), rel=1e-10, abs=1e-10)


def test_one_common_covariance_and_members_far_apart_lose_no_digits():
    x, mean, _, log_weights = problem(500, 3, 4, spread=3e3)
    table, covariance = Table(x), np.broadcast_to(np.eye(3), (4, 3, 3))
    expected = twin(table, log_gaussian(x, covariance, mean, np.zeros(4)), log_weights, moments)
    check(fused_common(mean, np.eye(3))(table, log_weights, False), *expected, rel=1e-11)


@pytest.mark.parametrize("d", [2, 44])
def test_members_far_apart_in_their_own_units_lose_no_digits(d):
    x, mean, _, log_weights = problem(500, d, 4, spread=3e3)
    table, covariance = Table(x), np.broadcast_to(np.eye(d), (4, d, d))
    expected = twin(table, log_gaussian(x, covariance, mean, np.zeros(4)), log_weights, moments)
    found = fused_normals(mean, covariance)(table, log_weights, False)
    assert (np.abs(mean - x.mean(0)) > 1e3).any()
    check(found, *expected, rel=1e-11)


def test_single_precision_is_read_as_it_is_and_summed_in_double():
    x, mean, covariance, log_weights = problem(1000, 5, 3)
    single = x.astype(np.float32)
    one = fused_normals(mean, covariance)(Table(single), log_weights, False)
    other = fused_normals(mean, covariance)(Table(single.astype(float)), log_weights, False)
    assert one.log_likelihood == other.log_likelihood
    assert (one.stats.scatter == other.stats.scatter).all()


def test_columns_that_lie_one_after_another_in_memory_give_the_same():
    x, mean, covariance, log_weights = problem(300, 3, 2)
    one = fused_normals(mean, covariance)(Table(x), log_weights, False)
    other = fused_normals(mean, covariance)(Table(np.asfortranarray(x)), log_weights, False)
    assert one.log_likelihood == other.log_likelihood


def test_a_component_without_weight_takes_no_rows():
    x, mean, covariance, _ = problem(300, 3, 3)
    with np.errstate(divide="ignore"):
        log_weights = np.log([0.5, 0.5, 0.0])
    found = fused_normals(mean, covariance)(Table(x), log_weights, False)
    assert found.counts[2] == 0
    assert (found.stats.scatter[2] == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_rows_that_no_member_allows_are_left_to_the_plain_pass(value):
    x, mean, covariance, log_weights = problem(300, 3, 2)
    x[17, 1] = value
    assert fused_normals(mean, covariance)(Table(x), log_weights, False) is None
    assert fused_diagonal(mean, np.ones((2, 3)))(Table(x), log_weights, False) is None


def test_what_a_common_centre_would_spoil_is_left_to_the_plain_pass():
    x, mean, _, log_weights = problem(300, 2, 2, spread=1e7)
    assert fused_normals(mean, np.broadcast_to(np.eye(2), (2, 2, 2)))(Table(x), log_weights, False) is None
    assert fused_diagonal(mean, np.ones((2, 2)))(Table(x), log_weights, False) is None


@pytest.mark.parametrize("d", [3, 44])
def test_a_chunk_of_one_cluster_alone_goes_in_one_go(d):
    """As in sorted data: the other members get next to nothing from it, far from its centre in their own units."""
    rng = np.random.default_rng(0)
    mean = np.array([0.0, 36 / d**0.5])[:, None] + np.zeros(d)
    covariance, log_weights = np.stack([np.eye(d)] * 2), np.log([0.5] * 2)
    table = Table(rng.normal(size=(500, d)))
    found = fused_normals(mean, covariance)(table, log_weights, False)
    expected = twin(table, log_gaussian(table.x, covariance, mean, np.zeros(2)), log_weights, moments)
    check(found, *expected)
    diagonal = fused_diagonal(mean, np.ones((2, d)))(table, log_weights, False)
    assert diagonal.stats.mean == pytest.approx(expected[1].mean, rel=1e-11)


def test_points_of_their_own_and_small_chunks_are_left_to_the_plain_pass(monkeypatch):
    x, mean, covariance, log_weights = problem(300, 2, 2)
    ready = fused_normals(mean, covariance)
    assert ready(Table(np.repeat(x[:, None], 2, 1)), log_weights, False) is None
    monkeypatch.setattr(fused, "WORTH", 300 * 2 * 2 + 1)
    assert ready(Table(x), log_weights, False) is None


def test_labels_are_left_to_the_plain_pass():
    x, mean, covariance, _ = problem(300, 2, 2)
    model, table = bound(lk.Mixture(lk.MultivariateNormal(mean=mean, covariance=covariance), 2, weights=[0.3, 0.7]), x)
    sweep = model.sweep(model.known_params())
    assert sweep(table) is not None
    assert sweep(table.with_(labels=np.full(300, -1))) is None


def test_exp_is_right_to_an_ulp_or_two_and_zero_far_below():
    q = np.linspace(0, 2 * 720, 24 * 600)  # of two members the first is the likelier, so the odds are exp(-q / 2)
    r = np.empty((4, len(q)))
    both = np.stack([np.zeros_like(q), q]).ravel()
    tiles.weigh_tile(both, np.zeros(2), len(q), 600, False, np.empty(0), 0, r.ravel())
    odds, low = r[1] / r[0], -0.5 * q < -708
    assert np.abs(odds[~low] / np.exp(-0.5 * q[~low]) - 1).max() < 1e-15
    assert (odds[low] == 0).all()


def test_a_processor_without_any_extension_gets_the_same_numbers(tmp_path):
    script = (
        "import numpy as np; from likely.core.data import Table; from likely.families.fused import fused_normals\n"
        "from likely.numerics.blocks import ROWS; assert ROWS == 4\n"
        "x = np.random.default_rng(0).normal(size=(3000, 3))\n"
        "ready = fused_normals(x[:3], np.broadcast_to(np.eye(3), (3, 3, 3)))\n"
        "found = ready(Table(x), np.log([0.2, 0.3, 0.5]), False)\n"
        "print(repr(float(found.log_likelihood)), repr(float(found.stats.scatter.sum())))"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    out = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=300, check=True
    )
    x = np.random.default_rng(0).normal(size=(3000, 3))
    here = fused_normals(x[:3], np.broadcast_to(np.eye(3), (3, 3, 3)))(Table(x), np.log([0.2, 0.3, 0.5]), False)
    log_likelihood, total = (float(v) for v in out.stdout.split())
    assert log_likelihood == pytest.approx(here.log_likelihood, rel=1e-13)
    assert total == pytest.approx(here.stats.scatter.sum(), rel=1e-12)
