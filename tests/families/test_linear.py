"""Banks linear in features: when a pass in one go is declined, and what it keeps exact."""

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.engines.local import Local
from likely.families import fused
from support import bound

RNG = np.random.default_rng(5)
COUNTS = RNG.poisson(3, 400).astype(float)
BITS = (RNG.random((400, 3)) < 0.4).astype(float)


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    monkeypatch.setattr(fused, "WORTH", 0)


def swept(model, x, temperature=1.0, **rest):
    """What the pass in one go makes of a filled model."""
    family, table = bound(model, x, **rest)
    return family.sweep(family.known_params(), temperature)(table)


def poissons(rate):
    return lk.Mixture(lk.Poisson(rate), 2, weights=[0.4, 0.6])


@pytest.mark.parametrize("wrong", [-1.0, 0.5, np.nan])
def test_rows_outside_the_support_are_left_to_the_pass_step_by_step(wrong):
    assert swept(poissons([1, 4]), COUNTS) is not None
    assert swept(poissons([1, 4]), np.append(COUNTS, wrong)) is None


def test_a_value_that_is_no_category_is_left_to_the_pass_step_by_step():
    model = lk.Mixture(lk.Categorical([[0.5, 0.5], [0.1, 0.9]], categories=[0, 1]), 2, weights=[0.5, 0.5])
    assert swept(model, [0.0, 1.0, 1.0]) is not None
    assert swept(model, [0.0, 1.0, 2.0]) is None


def test_a_column_outside_its_part_is_found():
    product = lk.Product(a=lk.Poisson([1, 4]), b=lk.Exponential([1, 2]))
    model = lk.Mixture(product, 2, weights=[0.5, 0.5])
    assert swept(model, [[1.0, 0.5], [2.0, 3.5]]) is not None
    assert swept(model, [[1.0, 0.5], [2.0, -3.5]]) is None


@pytest.mark.parametrize("weights", [None, np.where(np.arange(401) == 400, 0.0, 1.0)])
def test_a_row_that_no_member_allows_is_left_to_the_pass_step_by_step(weights):
    zeros = np.zeros(401)
    assert swept(poissons([0, 0]), zeros, weights=weights).log_likelihood == pytest.approx(0, abs=1e-12)
    zeros[400] = 1
    assert swept(poissons([0, 0]), zeros, weights=weights) is None


def test_a_probability_of_one_is_left_to_the_pass_step_by_step():
    model = lk.Mixture(lk.Independent(lk.Bernoulli([[0.2, 0.5, 1.0], [0.3, 0.4, 0.6]])), 2, weights=[0.5, 0.5])
    assert swept(model, BITS) is None


def test_a_probability_of_zero_is_exact():
    model = lk.Mixture(lk.Independent(lk.Bernoulli([[0.2, 0.5, 0.0], [0.3, 0.4, 0.6]])), 2, weights=[0.5, 0.5])
    done = swept(model, BITS)
    assert done.log_likelihood == pytest.approx(model.log_prob(BITS).sum(), rel=1e-14)
    assert done.stats.component.items["part"].successes[2] == 0


def test_where_nothing_failed_no_rounding_is_left():
    x = np.column_stack([np.ones(1003), RNG.random(1003) < 0.5]).astype(float)
    model = lk.Mixture(lk.Independent(lk.Bernoulli([[0.9, 0.3], [0.8, 0.7]])), 2, weights=[0.3, 0.7])
    done = swept(model, x, weights=RNG.random(1003))
    assert done.stats.component.items["part"].failures[[0, 2]].tolist() == [0, 0]


def test_small_chunks_labels_and_own_points_are_declined(monkeypatch):
    model, labels = poissons([1, 4]), np.full(400, -1)
    assert swept(model, COUNTS, labels=labels) is None
    family, _ = bound(model, COUNTS)
    one_go = family.component.fused(family.known_params().component)
    assert one_go(Table(np.repeat(COUNTS[:, None, None], 2, 1)), np.zeros(2), False) is None
    monkeypatch.setattr(fused, "WORTH", 801)
    assert swept(model, COUNTS) is None


@pytest.mark.parametrize("part", [lk.Normal(), lk.NegativeBinomial()], ids=str)
def test_parts_that_are_not_linear_do_not_fuse(part):
    family, _ = bound(lk.Mixture(lk.Product(a=part, b=lk.Poisson()), 2), np.ones((4, 2)))
    assert not family.sweeps


def test_threads_do_not_change_a_bit():
    x = (np.random.default_rng(1).random((60_000, 5)) < 0.3).astype(float)
    family, table = bound(lk.Mixture(lk.Independent(lk.Bernoulli()), 3), x)
    params = family.start(table.take(slice(0, 500)), np.ones((500, 1)), np.random.default_rng(2))
    done = []
    for threads in (1, 2):
        with Local(table, 15, threads, sweeps=True) as engine:
            done.append(engine.evaluate(family, params))
    assert done[0].log_likelihood == done[1].log_likelihood
    assert (done[0].stats.pack(done[0].stats) == done[1].stats.pack(done[1].stats)).all()


def test_a_fit_of_a_latent_class_model_in_one_go_is_the_fit_step_by_step(monkeypatch):
    rng = np.random.default_rng(4)
    p = np.array([[0.1, 0.2, 0.8, 0.7, 0.3], [0.7, 0.9, 0.3, 0.2, 0.6]])
    x = (rng.random((30_000, 5)) < p[rng.integers(0, 2, 30_000)]).astype(float)
    start = lk.Mixture(lk.Independent(lk.Bernoulli(p=0.25 + p / 2)), 2, weights=[0.5, 0.5])
    model = lk.Mixture(lk.Independent(lk.Bernoulli()), 2)
    one = lk.fit(model, x, start=start, max_passes=20, accelerate=False)
    monkeypatch.setattr(fused, "WORTH", np.inf)
    other = lk.fit(model, x, start=start, max_passes=20, accelerate=False)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-13)
    assert one.model.component.part.p == pytest.approx(other.model.component.part.p, rel=1e-9)
