"""The local engine: canonical chunks, a fixed tree, impossible rows found."""

from itertools import pairwise

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.engines.local import FEWEST, MOST, Local, _bounds, _tree
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
