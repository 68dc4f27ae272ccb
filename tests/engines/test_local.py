"""The local engine: canonical chunks, a fixed tree, impossible rows found."""

from itertools import pairwise

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.engines.local import FEWEST, MANY, MOST, PIECE, PIECES, Local, _bounds, _pieces, _tree
from support import bound


@pytest.mark.parametrize("n", [1, FEWEST, FEWEST + 1, 100_003])
@pytest.mark.parametrize("width", [1, 80, 10_000])
def test_chunks_cover_the_rows_once_and_in_order(n, width):
    bounds = _bounds(n, width)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == n
    assert all(a[1] == b[0] for a, b in pairwise(bounds))
    assert all(b - a <= MOST for a, b in bounds)


def test_the_tree_merges_neighbours_whatever_the_number():
    for n in range(1, 20):
        text = _tree([str(i) + "." for i in range(n)])
        assert text == "".join(f"{i}." for i in range(n))


def test_an_impossible_row_is_found_wherever_its_chunk_is():
    x = np.full(3 * MOST, 0.5)
    x[2 * MOST + 7] = 3.0
    model, table = bound(lk.Uniform(low=0, high=1), x)
    with Local(table, 1) as engine:
        assert len(engine.chunks) > 2
        assert engine.evaluate(model, model.known_params()).impossible == 2 * MOST + 7


def test_one_chunk_or_many_give_the_same_statistics():
    x = np.random.default_rng(0).normal(1e4, 1, (3 * MOST, 2))
    model, table = bound(lk.MultivariateNormal(), x)
    with Local(table, 2, threads=2) as engine:
        many = engine.summarise(model)
    whole = model.collect(None, None, Table(x), np.ones((len(x), 1)))
    assert many.mean == pytest.approx(whole.mean, rel=1e-14)
    assert many.scatter == pytest.approx(whole.scatter, rel=1e-11)


@pytest.mark.parametrize("n", [1, 2**11, 2**12 + 1, 100_003, 10**7, 10**9])
def test_pieces_are_equal_and_cover_the_rows_once_and_in_order(n):
    bounds = _pieces(n, 100)
    sizes = [b - a for a, b in bounds]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == n
    assert all(a[1] == b[0] for a, b in pairwise(bounds))
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) <= MANY


def test_pieces_are_as_many_as_are_worth_handing_over():
    counts = [len(_pieces(n, 10)) for n in (PIECE // 10, PIECE // 4, PIECE // 2, PIECE, 8 * PIECE)]
    assert counts == [1, 2, 4, PIECES, PIECES]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_their_order_and_errors_of_any_thread_reach_the_caller(threads):
    def work(i):
        if i == 17:
            raise ValueError("seventeen")
        return i

    with Local(Table(np.zeros((MOST * 8, 1))), 1, threads) as engine:
        assert list(engine.each(work, range(17))) == list(range(17))
        found = engine.each(work, range(40))
        with pytest.raises(ValueError, match="seventeen"):
            list(found)
        assert list(engine.each(work, [])) == []


def mixture_of_normals(n=80_000):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)) + 4 * rng.integers(2, size=(n, 1))
    covariance = [np.eye(2), [[1.0, 0.5], [0.5, 1.0]]]
    model = lk.Mixture(lk.MultivariateNormal(mean=[[0, 0], [4, 4]], covariance=covariance), 2, weights=[0.4, 0.6])
    return bound(model, x)


def test_passes_in_one_go_equal_passes_step_by_step():
    model, table = mixture_of_normals()
    with Local(table, 4, sweeps=True) as fast, Local(table, 4) as plain:
        one, other = (e.evaluate(model, model.known_params()) for e in (fast, plain))
        assert fast.sweeps
        assert len(fast.chunks) > 1
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-13)
    assert one.stats.counts == pytest.approx(other.stats.counts, rel=1e-12)
    assert one.stats.component.scatter == pytest.approx(other.stats.component.scatter, rel=1e-11)


def test_passes_in_one_go_have_the_same_bits_on_any_number_of_threads():
    model, table = mixture_of_normals(300_000)
    results = []
    for threads in (1, 2, 3):
        with Local(table, 4, threads, sweeps=True) as engine:
            done = engine.evaluate(model, model.known_params())
            results.append((done.log_likelihood, done.stats.component.scatter.tobytes()))
    assert results[0] == results[1] == results[2]


def test_a_piece_that_cannot_be_done_in_one_go_is_done_step_by_step():
    model, table = mixture_of_normals()
    x = table.x.copy()
    x[30_001] = 1e200  # overflows: no member allows this row
    with Local(Table(x), 4, sweeps=True) as engine:
        assert engine.evaluate(model, model.known_params()).impossible == 30_001


def test_small_data_is_never_passed_in_one_go():
    _, table = mixture_of_normals(1000)
    with Local(table, 4, sweeps=True) as engine:
        assert not engine.sweeps
        assert len(engine.chunks) == 1


def test_single_precision_is_kept_for_passes_in_one_go_alone():
    model, table = mixture_of_normals()
    single = Table(table.x.astype(np.float32))
    with Local(single, 4, sweeps=True) as fast, Local(single, 4) as plain:
        assert fast.chunks[0].x.dtype == np.float32
        assert plain.chunks[0].x.dtype == float
        one, other = (e.evaluate(model, model.known_params()).log_likelihood for e in (fast, plain))
    assert one == pytest.approx(other, rel=1e-13)
