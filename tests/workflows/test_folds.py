"""Rows are dealt into folds: each once, as evenly as can be, groups never divided, the same for the same seed."""

import numpy as np
import pytest

from likely import DataError
from likely.core.data import Table
from likely.workflows.folds import Dealt, Given, Once, Round, Split, Splitter


def table(n, **rest):
    return Table(np.arange(float(n))[:, None], **rest)


class Halves:
    """A splitter whose held-out rows are the first and the second half."""

    def split(self, x, y=None, groups=None):
        n = len(x)
        yield np.arange(n // 2, n), np.arange(n // 2)
        yield np.arange(n // 2), np.arange(n // 2, n)


class Windows:
    """A splitter along time: what comes next is held out, what is later still is left out."""

    def split(self, x, y=None, groups=None):
        return [(np.arange(n), [n, n + 1]) for n in range(5, len(x), 5)]


@pytest.mark.parametrize(("n", "count"), [(10, 3), (100, 10), (7, 7), (200_000, 4)])
def test_every_row_is_held_out_once_and_folds_are_even(n, count):
    (one,) = Dealt(count, 1, 0).rounds(table(n))
    np.testing.assert_array_equal(np.sort(np.concatenate(one.parts)), np.arange(n))
    sizes = [len(p) for p in one.parts]
    assert max(sizes) - min(sizes) <= (1 if n < 200_000 else 0.02 * n / count)
    for i, split in enumerate(one.splits):
        np.testing.assert_array_equal(np.sort(np.r_[one.training(split), one.parts[i]]), np.arange(n))


def test_the_seed_decides_the_folds_and_repeats_differ():
    def first(seed):
        return Dealt(5, 2, seed).rounds(table(50))

    same, other = first(3), first(4)
    for a, b in zip(first(3), same, strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(a.parts, b.parts, strict=True))
    assert not np.array_equal(same[0].parts[0], same[1].parts[0])
    assert not np.array_equal(same[0].parts[0], other[0].parts[0])
    assert [r.sample for r in same] == [0, 1]
    assert same[1].splits[2].name == "without fold 3 of repeat 2"


@pytest.mark.parametrize("dealer", [Dealt(4, 3, 0), Once(0.3, 0)])
def test_a_group_is_never_divided(dealer):
    groups = np.random.default_rng(0).integers(0, 12, 100)
    for one in dealer.rounds(table(100, groups=groups)):
        np.testing.assert_array_equal(np.sort(np.concatenate(one.parts)), np.arange(100))
        owners = [set(groups[p]) for p in one.parts]
        assert sum(map(len, owners)) == len(set(groups))


def test_folds_of_groups_are_about_even():
    groups = np.repeat(np.arange(40), np.random.default_rng(1).integers(1, 20, 40))
    (one,) = Dealt(5, 1, 0).rounds(table(len(groups), groups=groups))
    sizes = np.array([len(p) for p in one.parts])
    assert abs(sizes - len(groups) / 5).max() < 20  # the largest group


def test_a_share_is_held_out_once_in_blocks_that_one_fit_scores():
    (one,) = Once(0.3, 0).rounds(table(1000))
    assert one.held == 10
    assert len(one.parts) == 11
    assert sum(len(p) for p in one.parts[:10]) == 300
    assert one.splits == (Split("without the rows held out", tuple(range(10))),)
    np.testing.assert_array_equal(one.training(one.splits[0]), one.parts[10])


def test_rows_of_zero_weight_are_in_no_fold():
    weights = np.array([1.0, 0, 2, 0, 1, 1])
    for dealer in (Dealt(2, 1, 0), Once(0.5, 0), Given(), Splitter(Halves())):
        for one in dealer.rounds(table(6, weights=weights, groups=np.array([0, 5, 1, 1, 0, 1]))):
            assert set(np.concatenate(one.parts)) == {0, 2, 4, 5}


def test_given_folds_are_taken_as_they_are():
    (one,) = Given().rounds(table(5, groups=np.array([2, 0, 2, 1, 0])))
    assert [p.tolist() for p in one.parts] == [[1, 4], [3], [0, 2]]


def test_a_splitter_that_holds_every_row_out_once_is_one_round():
    (one,) = Splitter(Halves()).rounds(table(10))
    assert [p.tolist() for p in one.parts] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert one.held == 2


def test_splits_that_overlap_are_a_round_each():
    rounds = Splitter(Windows()).rounds(table(20))
    assert [r.parts[0].tolist() for r in rounds] == [[5, 6], [10, 11], [15, 16]]
    assert [r.training(r.splits[0]).tolist() for r in rounds] == [list(range(n)) for n in (5, 10, 15)]
    assert {r.sample for r in rounds} == {0}


def test_groups_reach_the_splitter():
    from sklearn.model_selection import GroupKFold

    groups = np.repeat([0, 1, 2, 3], 5)
    (one,) = Splitter(GroupKFold(2)).rounds(table(20, groups=groups))
    assert not set(groups[one.parts[0]]) & set(groups[one.parts[1]])


@pytest.mark.parametrize("parts", [2, 3, 6])
def test_what_is_left_is_merged_without_the_part_held_out(parts):
    pieces = tuple(np.arange(i, i + 2) for i in range(parts))
    one = Round(pieces, tuple(Split("", (i,)) for i in range(parts)))
    powers = [2**i for i in range(parts)]
    assert one.merged(powers) == [sum(powers) - gone for gone in powers]


def test_what_was_held_out_once_leaves_the_other_parts():
    one = Round(tuple(np.array([i]) for i in range(3)), (Split("", (0, 1)),))
    assert one.merged(["a", "b", "c"]) == ["c"]


class Bad:
    def __init__(self, train, test):
        self.pair = train, test

    def split(self, x, y=None, groups=None):
        yield self.pair


REFUSED = [
    (Dealt(20, 1, 0), {}, "folds=20, but the data has only 5 rows; every fold needs at least one. Ask for at most 5."),
    (
        Dealt(4, 1, 0),
        {"groups": np.array([0, 0, 1, 1, 2])},
        "folds=4, but the data has only 3 groups; every fold needs at least one. Ask for at most 3.",
    ),
    (
        Once(0.3, 0),
        {"groups": np.zeros(5, int)},
        "holdout=0.3, but the data has only 1 group; at least 2 are needed, one to fit to and one to hold out.",
    ),
    (Given(), {"groups": np.zeros(5, int)}, "folds=... holds one value only; at least 2 folds are needed."),
    (Splitter(Bad([0, 1], [])), {}, "split 1 of Bad has no row to hold out; each split needs both."),
    (Splitter(Bad([], [1])), {}, "split 1 of Bad has no row to fit to; each split needs both."),
    (
        Splitter(Bad([0, 1, 2], [2, 3])),
        {},
        "split 1 of Bad holds out row 3, which it also fits to; held-out rows must be others.",
    ),
]


@pytest.mark.parametrize(("dealer", "rest", "message"), REFUSED)
def test_folds_that_cannot_be_are_refused(dealer, rest, message):
    with pytest.raises(DataError) as error:
        dealer.rounds(table(5, **rest))
    assert str(error.value) == message
