"""Arrays with names, sums of directions and shapes to scale, as they are written and read back."""

import numpy as np
import pytest

import likely as lk
from likely.core.notation import Reader
from likely.core.patterns import Names, named
from likely.core.written import written

NAN = np.nan


@pytest.mark.parametrize(
    "value",
    [
        lk.affine(0, f=[[1, 0], [0, 1]]),
        lk.affine([[1, NAN], [0, 1]], turn=[[0, -1], [1, 0]], grow=np.eye(2)),
        lk.scaled([[2, 1], [1, 2]]),
        Names([["phi", 0], [NAN, "phi"]]),
        Names(["a", -1.5, "b"]),
    ],
)
def test_what_is_written_reads_back(value):
    text = written(value)
    back = named(Reader(text).read())
    assert type(back) is type(value)
    assert written(back) == text


def test_names_are_found_in_lists_and_arrays_and_nothing_else_is_touched():
    assert repr(named([["phi", 0], [0, "phi"]])) == "[['phi', 0.0], [0.0, 'phi']]"
    assert named(np.array([["phi", "0"], ["0.5", "phi"]])) == Names([["phi", 0], [0.5, "phi"]])
    assert isinstance(named([["1", "2"]]), np.ndarray)
    for value in (1.5, "diagonal", lk.shared, [[1, 2]], lk.Normal(0, 1)):
        assert named(value) is value


def test_places_tell_numbers_from_names():
    numbers, places = Names([["phi", 2], [NAN, "phi"]]).places()
    assert np.array_equal(numbers, [[0, 2], [NAN, 0]], equal_nan=True)
    assert {n: at.tolist() for n, at in places.items()} == {"phi": [[True, False], [False, True]]}


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (lambda: named([["a b", 0]]), "'a b' stands in an array; an entry is a number or a name, as 'phi'."),
        (lambda: named([["a", None]]), "None stands in an array; an entry is a number or a name, as 'phi'."),
        (lambda: named([["a", 0], [1]]), "[['a', 0.0], [1.0]] is not an array; its rows have different lengths."),
        (lambda: lk.affine(1), "affine(1) has no direction; write one by name, as in step=[[1, 0]]."),
        (lambda: lk.affine(0, f="x"), "affine(..., f='x'): a direction is an array of finite numbers."),
        (lambda: lk.affine(0, f=[NAN]), "affine(..., f=[nan]): a direction is an array of finite numbers."),
        (lambda: lk.scaled(2), "scaled(2) needs a matrix, as in scaled([[2, 1], [1, 2]])."),
    ],
)
def test_what_is_no_such_array_is_refused(write, text):
    with pytest.raises(lk.ModelError) as e:
        write()
    assert str(e.value) == text
