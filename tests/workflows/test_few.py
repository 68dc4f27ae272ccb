"""Fewer observed values than free parameters: a warning with both counts."""

import warnings

import numpy as np
import pytest

import likely as lk

NAN = float("nan")
FIRST = np.array([[1.0, 2.0], [0.5, 1.0], [2.0, -1.0], [0.0, 0.3]])
FREE = lk.StateSpace(2)


def test_fewer_observed_values_than_free_parameters_are_told():
    with pytest.warns(lk.FewObservations) as told:
        fit = lk.fit(FREE, FIRST, starts=1, max_passes=3)
    assert [str(w.message) for w in told] == [
        "8 observed values, 14 free parameters: the data cannot tell all of them. Write values or priors in some "
        "slots, or take a smaller model."
    ]
    assert fit.n_free == 14
    assert told[0].filename == __file__


def test_what_is_missing_or_weighs_nothing_is_not_observed():
    x = np.random.default_rng(0).normal(size=(20, 1))
    x[2:] = NAN
    ends = lk.StateSpace(1, A=0.5, C=1, m0=0, P0=1)  # d, Q and R are free
    with pytest.warns(lk.FewObservations, match="^2 observed values, 3 free parameters: "):
        lk.fit(ends, x, starts=1, max_passes=3)
    with pytest.warns(lk.FewObservations, match="^2 observed values, 3 free parameters: "):
        lk.fit(ends, [[1.0, 2.0], [3.0, 4.0]], weights=[1, 0], starts=1, max_passes=3)


def test_nothing_is_told_where_values_suffice_or_a_prior_speaks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lk.fit(lk.StateSpace(1, A=0.5, C=1, m0=0, P0=1), [1.0, 2.0, 0.5], starts=1, max_passes=3)
        lk.fit(lk.StateSpace(2, Q=lk.InverseWishart(4, np.eye(2))), FIRST, starts=1, max_passes=3)


def test_any_family_tells():
    counts = lk.Mixture(lk.Poisson(), 2)
    with pytest.warns(lk.FewObservations, match="^2 observed values, 3 free parameters: "):
        lk.fit(counts, [1, 9], starts=1, max_passes=3)


def test_the_command_line_says_it_in_a_line(tmp_path):
    from click.testing import CliRunner

    from likely.cli.app import application

    file = tmp_path / "two.csv"
    file.write_text("count\n1\n9\n")
    done = CliRunner().invoke(application, ["fit", str(file), "Mixture(Poisson(), 2)", "--starts", "1"])
    assert done.exit_code == 0
    assert done.stderr.splitlines()[-1] == (
        "likely: 2 observed values, 3 free parameters: the data cannot tell all of them. Write values or priors in "
        "some slots, or take a smaller model."
    )
