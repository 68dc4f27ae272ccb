"""`likely decode`: hidden states from a saved fit."""

import csv
import io
import os
from importlib import resources

import numpy as np
import pyarrow.parquet as pq
import pytest

import likely as lk

QUAKES = os.fspath(resources.files("likely") / "data" / "earthquakes.csv")
TWO = "HMM(Poisson([15, 26]), 2, initial=[1, 0], transition=[[0.93, 0.07], [0.12, 0.88]])"


def table(text):
    """Columns of CSV, as texts."""
    header, *rows = csv.reader(io.StringIO(text))
    return dict(zip(header, zip(*rows, strict=True), strict=True))


@pytest.fixture
def quakes(likely):
    """A fit of two states to the earthquakes, saved as quakes.json."""
    done = likely("fit", QUAKES, "HMM(Poisson(), 2)", "--columns", "count", "--time", "year", "--save", "quakes.json",
                  "--quiet", "--seed", "1")  # fmt: skip
    assert done.code == 0, done.err
    return likely


@pytest.mark.parametrize("method", ["viterbi", "posterior"])
def test_every_row_has_its_time_its_state_from_1_and_its_probability(quakes, method):
    found = table(quakes("decode", "quakes.json", QUAKES, "--method", method).out)
    fit = lk.load("quakes.json")
    count = np.loadtxt(QUAKES, delimiter=",", skiprows=1)[:, 1]
    codes = fit.model.decode(count, method=method).states
    assert list(found) == ["year", "state", "probability"]
    assert found["year"][:2] == ("1900", "1901")
    assert [int(s) for s in found["state"]] == (codes + 1).tolist()
    expected = fit.model.smoothed(count)[np.arange(107), codes]
    np.testing.assert_allclose(np.array(found["probability"], float), expected, rtol=1e-12)


def test_sequences_are_named_and_the_answer_may_be_a_file(likely):
    likely.write("a.csv", "who,x\nann,1\nann,1.2\nann,7\nbo,7.1\nbo,6.9\nbo,1.1\n")
    likely("fit", "a.csv", "HMM(Normal(variance=0.1), 2)", "--columns", "x", "--sequence", "who", "--save", "fit.json")
    assert likely("decode", "fit.json", "a.csv", "--out", "states.parquet").code == 0
    found = pq.read_table("states.parquet").to_pydict()
    assert list(found) == ["who", "state", "probability"]
    assert found["who"] == ["ann"] * 3 + ["bo"] * 3
    states = found["state"]
    assert states[0] == states[1] == states[5] != states[2] == states[3] == states[4]


def test_states_have_the_names_of_their_labels(likely):
    likely.write("a.csv", "x,s\n1,low\n1.2,low\n7,high\n7.1,\n6.9,high\n1.1,low\n")
    likely("fit", "a.csv", "HMM(Normal(variance=0.1), 2)", "--columns", "x", "--labels", "s", "--save", "fit.json")
    assert table(likely("decode", "fit.json", "a.csv").out)["state"] == ("low", "low", "high", "high", "high", "low")
    found = table(likely("predict", "fit.json", "a.csv").out)
    assert found["state"] == ("low", "low", "high", "high", "high", "low")


def test_a_model_without_states_is_refused(line):
    likely, name = line
    done = likely("decode", name, "a.csv")
    assert (done.out, done.code) == ("", 2)
    assert done.err == (
        "likely: Normal has no hidden states; decode is asked of a hidden Markov model such as HMM(Normal(), 2).\n"
    )


def test_the_states_of_a_state_space_are_numbers(likely):
    likely.write("a.csv", "t,y\n1,1.0\n2,1.5\n3,\n4,2.5\n5,2.0\n6,3.5\n")
    model = "StateSpace(1, A=1, C=1, d=0, Q=1, m0=0, P0=4)"
    done = likely("fit", "a.csv", model, "--columns", "y", "--time", "t", "--save", "fit.json", "--quiet")
    assert done.code == 0, done.err
    found = table(likely("decode", "fit.json", "a.csv").out)
    known = lk.load("fit.json").smoothed([1.0, 1.5, np.nan, 2.5, 2.0, 3.5])
    assert list(found) == ["t", "state", "sd"]
    np.testing.assert_allclose(np.array(found["state"], float), known.mean[:, 0])
    np.testing.assert_allclose(np.array(found["sd"], float), known.sd[:, 0])
    refused = likely("decode", "fit.json", "a.csv", "--method", "viterbi")
    assert (refused.out, refused.code) == ("", 2)
    assert refused.err == ("likely: --method viterbi chooses states of a hidden Markov model; this is a state space.\n")


def test_several_states_are_numbered(likely):
    likely.write("a.csv", "y\n1.0\n1.5\n2.5\n2.0\n3.5\n")
    model = "StateSpace(2, A=[[1, 1], [0, 1]], C=[[1, 0]], d=0, Q=[[1, 0], [0, 1]], m0=[0, 0], P0=4)"
    assert likely("fit", "a.csv", model, "--save", "fit.json", "--quiet").code == 0
    assert list(table(likely("decode", "fit.json", "a.csv").out)) == ["state_1", "sd_1", "state_2", "sd_2"]
