"""What a model of sequences is fitted to, from memory or from files; and what a model of rows says to sequences."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sequential import Runs

import likely as lk
from likely.core.data import Sequences
from likely.errors import DataError, ModelError
from likely.io.tables import read, reread_sequences

FRAME = {"id": [1, 1, 2, 2, 2], "year": [1, 2, 1, 3, 4], "x": [5.0, 6, 7, 8, 9], "w": [2, 2, 1, 1, 1]}
CSV = "id,year,x,w\n1,2001,5,2\n1,2002,,2\n2,2001,7,1\n2,2003,8,1\n2,2004,9,1\n"
MODEL = Runs(lk.Normal())


def refusal(kind, function, *args, **options):
    with pytest.raises(kind) as caught:
        function(*args, **options)
    return str(caught.value)


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_with_a_role_are_not_modelled(frame):
    s = read(frame(FRAME), MODEL, sequence="id", time="year", weights="w")
    assert isinstance(s, Sequences)
    assert (s.rows.names, s.rows.x[:, 0].tolist()) == (("x",), [5, 6, 7, 8, 9])
    assert (s.offsets.tolist(), s.weights.tolist()) == ([0, 2, 5], [2, 1])
    assert (s.id_name, s.time_name, s.ids.tolist(), s.times.tolist()) == ("id", "year", [1, 2], [1, 2, 1, 3, 4])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_hold_sequences_and_empty_cells_are_missing(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    path.write_text(CSV)
    if ending == "parquet":
        pq.write_table(pa.table({**FRAME, "x": [5.0, None, 7, 8, 9]}), path)
    s = read(path, MODEL, sequence="id", time="year", weights="w")
    np.testing.assert_array_equal(s.rows.x[:, 0], [5, np.nan, 7, 8, 9])
    assert (s.offsets.tolist(), s.n_obs) == ([0, 2, 5], 5)


def test_each_of_several_files_is_a_sequence_unless_ids_say_otherwise(tmp_path):
    for name, rows in (("a", "1,5\n1,6\n"), ("b", "1,7\n2,8\n")):
        (tmp_path / f"{name}.csv").write_text(f"id,x\n{rows}")
    pattern = str(tmp_path / "*.csv")
    s = read(pattern, MODEL, columns="x")
    assert (s.offsets.tolist(), s.ids.tolist()) == ([0, 2, 4], [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert s.place(2) == f"row 3 (row 1 of sequence {str(tmp_path / 'b.csv')!r})"
    assert read(pattern, MODEL, sequence="id").offsets.tolist() == [0, 3, 4]


@pytest.mark.parametrize(
    "data",
    [[5.0, 6, 7], np.array([5.0, 6, 7]), {"x": [5, 6, 7]}, pd.Series([5, 6, 7]), [[5, 6, 7]], [{"x": [5, 6, 7]}]],
)
def test_one_column_is_one_sequence(data):
    s = read(data, MODEL)
    assert (s.offsets.tolist(), s.rows.x[:, 0].tolist()) == ([0, 3], [5, 6, 7])


@pytest.mark.parametrize(
    "data",
    [
        [[5.0, 6], [7, 8]],
        np.array([[[5.0], [6]], [[7], [8]]]),
        (pd.DataFrame({"x": [5, 6]}), pl.DataFrame({"x": [7, 8]})),
        lk.sequences([5.0, 6, 7, 8], [2, 2]),
    ],
)
def test_a_list_holds_a_sequence_in_each_item(data):
    s = read(data, MODEL)
    assert (s.offsets.tolist(), s.rows.x[:, 0].tolist()) == ([0, 2, 4], [5, 6, 7, 8])


def test_states_and_covariates_come_in_lists_or_columns():
    frame = {**FRAME, "z": ["u", None, "v", "u", "u"], "u": [1.0, 2, 3, 4, 5]}
    family = Runs(lk.LinearGaussian())
    by_column = read(frame, family, sequence="id", given="u", labels="z", columns="x")
    lists = {"given": [[1.0, 2], [3, 4, 5]], "labels": [["u", None], ["v", "u", "u"]]}
    by_list = read([[5.0, 6], [7, 8, 9]], family, **lists)
    for s in (by_column, by_list):
        assert (s.rows.given.tolist(), s.rows.labels.tolist()) == ([[1], [2], [3], [4], [5]], [0, -1, 1, 0, 0])
    assert (by_column.rows.given_names, by_column.rows.label_names) == (("u",), ("u", "v"))


def test_values_are_checked_in_sequences_that_were_made_before():
    made = lk.sequences([[1.0, 2], [3, np.inf]])
    assert refusal(DataError, read, made, MODEL) == (
        "column 1 row 4 (row 2 of sequence 2) is inf; finite numbers are needed. Mend or drop the row."
    )
    assert refusal(DataError, read, lk.sequences([["a", "b"], [None, "a"]]), MODEL) == (
        "column 1 row 1 is 'a'; Runs(Normal()) needs numbers. Leave the column out with columns=..., or use a family "
        "for text, such as Categorical()."
    )


class Whole(Runs, public=False):
    """Needs every row."""

    reads_missing = False


def test_missing_values_are_for_models_that_read_them():
    assert refusal(DataError, lk.fit, Whole(lk.Normal()), [[1.0, 2], [3, None]]) == (
        "1 of 4 rows has a missing value, in column 1 row 4 (row 2 of sequence 2). Missing values are coming in "
        "MultivariateNormal; for now, drop or fill those rows."
    )


SAYS = "takes each row by itself; leave it out, or use a model of sequences such as HMM(Normal(), 2)."
PUT = (
    "takes each row by itself; put the rows one below the other, or use a model of sequences such as HMM(Normal(), 2)."
)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (FRAME, {"sequence": "id"}, f"sequence='id' says which rows belong together, and Normal() {SAYS}"),
        ([1.0], {"sequence": [1]}, f"sequence=... says which rows belong together, and Normal() {SAYS}"),
        (FRAME, {"time": "year"}, f"time='year' says when each row was, and Normal() {SAYS}"),
        (lk.sequences([1.0]), {}, f"the data is 1 sequence, and Normal() {PUT}"),
        ([np.ones(2), np.ones(3)], {}, f"the data is 2 sequences, and Normal() {PUT}"),
        ([np.ones((2, 1)), np.ones((2, 1))], {}, f"the data is 2 sequences, and Normal() {PUT}"),
        ([pd.DataFrame({"x": [1.0]})] * 2, {}, f"the data is 2 sequences, and Normal() {PUT}"),
        (np.ones((2, 3, 1)), {}, f"the data is an array of three axes, and Normal() {PUT}"),
    ],
)
def test_a_model_of_rows_takes_no_sequences(data, options, message):
    assert refusal(ModelError, lk.fit, lk.Normal(), data, **options) == message


def test_lists_of_equal_arrays_are_rows_to_a_model_of_rows():
    assert read([np.ones(2), np.zeros(2)], lk.MultivariateNormal()).x.tolist() == [[1, 1], [0, 0]]


# -- new data ---------------------------------------------------------------------------------------------------------


def test_the_same_frame_can_be_given_again():
    s = reread_sequences(FRAME, ["x"], id_name="id", time_name="year")
    assert (s.offsets.tolist(), s.rows.names, s.rows.x[:, 0].tolist()) == ([0, 2, 5], ("x",), [5, 6, 7, 8, 9])
    assert s.times.tolist() == FRAME["year"]


@pytest.mark.parametrize("data", [[[5.0, 6], [7]], [{"x": [5, 6], "y": [0, 0]}, {"x": [7], "y": [0]}]])
def test_lists_need_no_ids(data):
    assert reread_sequences(data, ["x"], id_name="id", time_name="year").offsets.tolist() == [0, 2, 3]


def test_ids_of_new_data_may_be_others():
    renamed = {"who": [1, 1, 2], "when": [1, 2, 1], "x": [5.0, 6, 7]}
    s = reread_sequences(renamed, ["x"], id_name="id", time_name="year", sequence="who", time="when")
    assert (s.offsets.tolist(), s.id_name, s.time_name) == ([0, 2, 3], "who", "when")
    assert refusal(DataError, reread_sequences, renamed, ["x"], id_name="id") == (
        "the model was fitted with sequence='id', and the data has no such column; name another with sequence=..., or "
        "give a list with a sequence in each item."
    )


def test_new_data_needs_the_columns_of_the_fit():
    assert refusal(DataError, reread_sequences, [[[1.0, 2]], [[3.0, 4]]], ["x"]) == (
        "the data has 2 columns, the model was fitted to 1 (x)."
    )
    assert refusal(DataError, reread_sequences, [[1.0], [np.nan, 1]], ["x"]).startswith("1 of 3 rows has a missing")
    assert np.isnan(reread_sequences([[1.0], [np.nan, 1]], ["x"], missing=True).rows.x).sum() == 1


def test_covariates_of_new_sequences_are_found_by_name_unless_given():
    frame = {**FRAME, "u": [1.0, 2, 3, 4, 5]}
    assert reread_sequences(frame, ["x"], ["u"], id_name="id").rows.given[:, 0].tolist() == [1, 2, 3, 4, 5]
    s = reread_sequences([[5.0, 6], [7]], ["x"], ["u"], given=[[1, 2], [3]])
    assert s.rows.given.tolist() == [[1], [2], [3]]
    assert refusal(DataError, reread_sequences, [[5.0, 6], [7]], ["x"], ["u"]) == (
        "the model was fitted with covariates (u); give them with given=..."
    )
    made = lk.sequences([[5.0, 6], [7]], given=[[1, 2], [3]])
    assert reread_sequences(made, ["x"], ["u"]).rows.given.tolist() == [[1], [2], [3]]
