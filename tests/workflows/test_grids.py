"""A choice at the edge of an ordered grid is said; inside it, or without an order, nothing is."""

import pytest

import likely as lk
from likely.workflows.grids import Pick, edge_of, is_grid

BETAS = [lk.Beta(1, 9), lk.Beta(2, 8), lk.Beta(3, 7)]


@pytest.mark.parametrize(
    ("options", "ordered"),
    [
        ([1.0, 2.0, 5.0], True),
        ([5, 2, 1], True),
        ([1, 3, 2], False),
        ([1, 1, 1], False),
        (BETAS, True),
        ([lk.Beta(1, 1), lk.Beta(5, 5), lk.Beta(2, 2)], False),
        ([lk.Dirichlet([1, 1]), lk.Dirichlet([2, 2]), lk.Dirichlet(3)], False),
        ([lk.Normal(), lk.Gamma(), lk.LogNormal()], False),
        (["full", "diagonal", "spherical"], False),
        ([lk.Beta(1, 1), lk.Gamma(1, 1), lk.Beta(2, 2)], False),
    ],
)
def test_numbers_and_priors_in_order_are_a_grid(options, ordered):
    assert is_grid(options) is ordered


def test_the_first_and_the_last_are_at_the_edge():
    choice = lk.choose(BETAS)
    said = [edge_of([Pick(choice, i)]) for i in range(3)]
    assert said == [
        "Beta(a=1, b=9) is the first of 3 candidates, at the edge of its grid: one beyond it may be better.",
        "",
        "Beta(a=3, b=7) is the last of 3 candidates, at the edge of its grid: one beyond it may be better.",
    ]


def test_one_component_is_no_edge_and_two_candidates_are_no_grid():
    sizes = lk.choose([1, 2, 3])
    assert edge_of([Pick(sizes, 0, counts=True)]) == ""
    assert edge_of([Pick(sizes, 0)]) != ""
    assert edge_of([Pick(sizes, 2, counts=True)]) != ""
    assert edge_of([Pick(lk.choose([1.0, 2.0]), 0)]) == ""


def test_a_fit_says_that_its_choice_is_at_the_edge():
    fit = lk.fit(lk.Normal(mean=0, variance=lk.choose([1, 2, 3])), [9.0, -8, 7, -9, 5], by="bic")
    edge = "3 is the last of 3 candidates, at the edge of its grid: one beyond it may be better."
    assert fit.selection.edge == edge
    assert edge in " ".join(str(fit.summary()).split())
    assert lk.fit(lk.Mixture(lk.Normal(), lk.choose([1, 2, 3])), [1.0, 2, 3, 4, 5, 6], by="bic").selection.edge == ""
