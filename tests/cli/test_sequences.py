"""`likely fit` and `predict` of models of sequences: ids and times are columns, answers have a line for each row."""

import csv
import io
import json

import numpy as np
import pytest

import likely as lk

ROWS = [("b", 2001, 0.1), ("b", 2002, 5.2), ("b", 2003, 4.9), ("a", 2001, None), ("a", 2003, -0.3), ("a", 2004, 5.0)]
TWO = "HMM(Normal(mean=[0, 5], variance=1), 2)"


@pytest.fixture
def river(likely):
    lines = [f"{i},{year},{'' if x is None else x},7" for i, year, x in ROWS]
    likely.write("river.csv", "\n".join(["id,year,x,noise", *lines]) + "\n")
    return likely


def fitted(river, *options):
    return river("fit", "river.csv", TWO, "--columns", "x", "--starts", 2, "--save", "fit.json", *options)


def table(text):
    header, *rows = csv.reader(io.StringIO(text))
    return dict(zip(header, zip(*rows, strict=True), strict=True))


def test_columns_of_ids_and_times_are_named(river):
    found = json.loads(fitted(river, "--sequence", "id", "--time", "year", "--json").out)
    fit = lk.fit(TWO, "river.csv", columns="x", sequence="id", time="year", starts=2)
    assert (river.code, found["sequence"], found["time"], found["columns"]) == (0, "id", "year", ["x"])
    assert (found["log_likelihood"], found["n_obs"]) == (fit.log_likelihood, 5)
    assert found == json.loads(river("show", "fit.json", "--json").out)


def test_predict_has_a_line_for_each_row_with_its_sequence_and_time(river):
    fitted(river, "--sequence", "id", "--time", "year")
    found = table(river("predict", "fit.json", "river.csv").out)
    assert list(found) == ["id", "year", "state", "p_1", "p_2"]
    assert found["id"] == tuple(i for i, _, _ in ROWS)
    assert found["year"] == tuple(str(year) for _, year, _ in ROWS)
    assert [found["state"][i] for i in (0, 1, 2, 4, 5)] == ["1", "2", "2", "1", "2"]
    r = lk.load("fit.json").responsibilities("river.csv")
    np.testing.assert_array_equal(np.array([found["p_1"], found["p_2"]], float).T, r)


def test_predict_takes_other_columns_of_ids_and_times(river):
    fitted(river, "--sequence", "id", "--time", "year")
    river.write("new.csv", "who,when,x\n1,2024-01-01,0\n1,2024-01-02,5\n2,2024-01-01,5\n")
    line = (
        "the model was fitted with sequence='id', and the data has no such column; name another with sequence=..., or "
        "give a list with a sequence in each item."
    )
    assert (river("predict", "fit.json", "new.csv").code, river.err) == (2, f"likely: {line}\n")
    found = table(river("predict", "fit.json", "new.csv", "--sequence", "who", "--time", "when").out)
    assert (found["who"], found["state"][:2]) == (("1", "1", "2"), ("1", "2"))
    assert found["when"] == ("2024-01-01", "2024-01-02", "2024-01-01")
    river("predict", "fit.json", "new.csv", "--sequence", "who", "--time", "when", "--out", "states.parquet")
    assert (river.code, river.err) == (0, "likely: wrote states.parquet.\n")


def test_rows_without_ids_are_one_sequence(river):
    river.write("one.csv", "x\n0.2\n0.1\n5\n4.8\n")
    river("fit", "one.csv", TWO, "--starts", 2, "--save", "one.json", "--quiet")
    assert list(table(river("predict", "one.json", "one.csv").out)) == ["state", "p_1", "p_2"]


def test_a_mixture_of_sequences_has_a_line_for_each_row_as_well(river):
    model = "Mixture(HMM(Normal(mean=[0, 5], variance=1), 2, initial=[1, 0]), 2, weights=[0.5, 0.5])"
    river(
        "fit", "river.csv", model, "--columns", "x", "--sequence", "id", "--starts", 1, "--save", "fit.json", "--quiet"
    )
    assert (river.code, river.err) == (0, "")
    found = table(river("predict", "fit.json", "river.csv").out)
    assert list(found) == ["id", "component", "p_1", "p_2"]
    assert [len(set(found["component"][a:b])) for a, b in ((0, 3), (3, 6))] == [1, 1]


def test_sequences_are_drawn_one_after_the_other(river):
    model = "HMM(Normal(mean=[0, 100], variance=1), 2, initial=[1, 0], transition=[[0, 1], [1, 0]])"
    found = table(river("sample", model, "-n", 3, "--sequences", 2, "--seed", 1).out)
    assert found["sequence"] == ("1", "1", "1", "2", "2", "2")
    assert [float(x) > 50 for x in found["x"]] == [False, True, False] * 2
    alone = table(river("sample", model, "-n", 3, "--seed", 1).out)
    assert (list(alone), alone["x"]) == (["x"], found["x"][:3])


def test_sequences_are_drawn_at_their_covariates(river):
    lines = "LinearGaussian(coefficients=[[[1.0]], [[-1.0]]], intercept=0, covariance=0.01)"
    model = f"HMM({lines}, 2, initial=[1, 0], transition=[[0, 1], [1, 0]])"
    river.write("new.csv", "id,year,u\na,1,100\na,2,100\nb,1,300\n")
    drawn = river("sample", model, "--given", "new.csv", "--sequence", "id", "--time", "year")
    found = table(drawn.out)
    assert list(found) == ["id", "year", "u", "x"]
    assert (found["id"], found["year"]) == (("a", "a", "b"), ("1", "2", "1"))
    np.testing.assert_allclose(np.array(found["x"], float), [100, -100, 300], atol=1)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--sequence", "id"], "--sequence names a column of the covariates; give their file with --given."),
        (["--time", "year"], "--time names a column of the covariates; give their file with --given."),
        (["--sequences", 2, "--given", "a.csv"],
         "--sequences and --given exclude one another: there is one draw for each row of the covariates."),
        (["--sequences", 2],
         "--sequences=2, and Normal(mean=0.0, variance=1.0) draws each row by itself; say with -n how many."),
    ],
)  # fmt: skip
def test_options_of_draws_that_say_nothing_end_in_a_line(river, options, line):
    assert (river("sample", "Normal(mean=0.0, variance=1.0)", *options).code, river.err) == (2, f"likely: {line}\n")


def test_rows_that_are_not_in_order_end_in_a_line(river):
    line = "sequence column 'x' row 4 is missing; the id of a sequence is a number or a text, and every row needs one."
    assert (fitted(river, "--sequence", "x").code, river.err) == (2, f"likely: {line}\n")
    line = (
        "time column 'year' row 4 is 2001, and 2003 in the row above; times must rise within a sequence. Sort the "
        "rows by 'year' first."
    )
    assert (fitted(river, "--time", "year").code, river.err) == (2, f"likely: {line}\n")


@pytest.mark.parametrize(
    ("option", "says"), [("--sequence", "which rows belong together"), ("--time", "when each row was")]
)
def test_a_model_of_rows_takes_neither(river, option, says):
    line = (
        f"{option[2:]}='year' says {says}, and Normal() takes each row by itself; leave it out, or use a model of "
        "sequences such as HMM(Normal(), 2)."
    )
    assert (river("fit", "river.csv", "Normal()", option, "year").code, river.err) == (2, f"likely: {line}\n")
