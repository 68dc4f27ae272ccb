"""Names and directions in slots of coefficients."""

import numpy as np
import pytest

import likely as lk
from likely.core.domains import Real
from likely.structures.entries import entries_of, stated

NAN = np.nan


def declared(event="m m"):
    out = Real(event)
    out.name = "A"
    return out


def entries(value, event=(2, 2)):
    return entries_of(declared(), "StateSpace.A", value, event)


def test_equal_names_are_one_number_and_nan_is_one_by_itself():
    found = entries([["phi", 3], [NAN, "phi"]])
    assert found.names == ("phi", None)
    value = found.values(np.array([[0.5, 7.0], [1.0, 2.0]]))
    assert np.array_equal(value, [[[0.5, 3], [7, 0.5]], [[1, 3], [2, 1]]])


def test_directions_add_to_the_base():
    found = entries(lk.affine([[1, 0], [0, 1]], turn=[[0, -1], [1, 0]], rise=[[0, 0], [1, 1]]))
    value = found.values(np.array([[0.5, 2.0]]))
    assert np.array_equal(value[0], [[1, -0.5], [2.5, 3]])


def test_coordinates_lead_there_and_back():
    found = entries(lk.affine(0.5, f=[[1, 2], [0, 1]], g=[[1, 0], [0, 1]]))
    loose, u = np.ones((3, 2, 2), bool), np.arange(6.0)
    value = found.from_free(u, np.zeros((3, 2, 2)), loose)
    assert found.to_free(value, loose) == pytest.approx(u, abs=1e-14)
    assert found.count(loose) == found.size(value, loose) == 6


def test_values_elsewhere_are_not_kept():
    found = entries([["phi", 0], [0, "phi"]])
    assert found.keeps(np.array([[[2.0, 0], [0, 2]]]))
    assert not found.keeps(np.array([[[2.0, 0], [0, 2.001]]]))
    assert not found.keeps(np.array([[[2.0, 0.001], [0, 2]]]))
    assert found.keeps(np.zeros((1, 2, 2)))
    assert declared().keeps(np.ones((1, 2, 2)))


@pytest.mark.parametrize("value", [0.5, [[1, NAN], [0, 1]], lk.free, lk.shared, lk.Normal(0, 1), [["1", "2"]]])
def test_other_values_say_nothing_more(value):
    assert entries(stated(value)) is None


def test_vectors_may_have_names_too():
    found = entries_of(declared("m"), "StateSpace.b", ["c", 0, "c"], (3,))
    assert np.array_equal(found.values(np.array([[2.0]])), [[2, 0, 2]])


NOT_DETERMINED = (
    "so the free numbers are not determined. Leave directions out until none is a combination of the others."
)
REFUSED = [
    ([["phi", 0]], "StateSpace.A = [['phi', 0.0]] has shape (1, 2); it needs (2, 2)."),
    (["phi", 0], "StateSpace.A = ['phi', 0.0] has shape (2,); it needs (2, 2)."),
    (lk.affine([1, 2], f=np.eye(2)), "StateSpace.A = affine(...), base has shape (2,); it needs (2, 2)."),
    (lk.affine(0, f=[1, 2]), "StateSpace.A = affine(...), f has shape (2,); it needs (2, 2)."),
    (lk.affine(0, f=np.zeros((2, 2))), f"StateSpace.A: the direction 'f' is 0, {NOT_DETERMINED}"),
    (lk.affine(0, f=np.eye(2), g=[[0, 1], [0, 0]], h=2 * np.eye(2)),
     f"StateSpace.A: 'f' and 'h' depend linearly on one another, {NOT_DETERMINED}"),
    (lk.affine([[NAN, 0], [0, 0]], f=[[1, 0], [0, 0]]),
     f"StateSpace.A: 'f' and an entry that is free by itself depend linearly on one another, {NOT_DETERMINED}"),
    (lk.affine(NAN, f=np.eye(2)), f"StateSpace.A: 5 free numbers for 4 entries, {NOT_DETERMINED}"),
    ([["a", np.inf], [0, 1]], "StateSpace.A = [['a', inf], [0.0, 1.0]]; it needs finite numbers."),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), REFUSED)
def test_what_does_not_fit_is_refused(value, text):
    with pytest.raises(lk.ModelError) as e:
        entries(value)
    assert str(e.value) == text
    assert e.value.slot == "A"
