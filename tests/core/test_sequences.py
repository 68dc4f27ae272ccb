"""Sequences in any everyday form become one and the same, or an error that names sequence, row and what to do."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import likely as lk
from likely.core.data import Sequences, Table, present
from likely.core.layout import is_sequences, laid_out
from likely.core.sequences import assemble, sequences, sequences_of
from likely.errors import DataError

GAP = "Missing values are coming in MultivariateNormal; for now, drop or fill those rows."


def refusal(function, *args, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        function(*args, **options)
    return caught.value


# -- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "several"),
    [
        ([1, 2, 3], False),
        (["ab", "c"], False),
        ([None, 1.0], False),
        ([None], False),
        ([], False),
        ([np.array(1.0), np.array(2.0)], False),
        (np.zeros((3, 2)), False),
        ({"a": [1, 2]}, False),
        ([[1, 2], [3, 4]], True),
        ([(1, 2), (3, 4)], True),
        ([[1, 2], [3]], True),
        ([np.ones(2), np.ones(2)], True),
        ([np.ones((2, 3))], True),
        ([[[1], [2]], [[3], [4]]], True),
        ([pd.DataFrame({"a": [1]})], True),
        ([pd.Series([1.0]), pl.Series([2.0])], True),
        (np.zeros((2, 5, 1)), True),
    ],
)
def test_what_is_a_list_of_sequences(x, several):
    assert is_sequences(x) is several


def test_sequences_are_laid_end_to_end():
    s = sequences_of([np.array([[1, 2], [3, 4]]), [[5.0, 6.0]], np.ones((3, 2), np.float32)])
    assert s.offsets.tolist() == [0, 2, 3, 6]
    assert s.rows.x.tolist() == [[1, 2], [3, 4], [5, 6], [1, 1], [1, 1], [1, 1]]


def test_an_array_of_three_axes_holds_sequences():
    x = np.arange(12.0).reshape(2, 3, 2)
    s = sequences_of(x)
    assert (s.offsets.tolist(), s.rows.x.tolist()) == ([0, 3, 6], x.reshape(6, 2).tolist())


def test_sequences_of_frames_keep_names_whatever_the_order_of_columns():
    s = sequences_of([pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), pl.DataFrame({"b": ["z"], "a": [3]})])
    assert s.rows.names == ("a", "b")
    assert (s.rows.x.tolist(), s.rows.vocabulary) == ([[1, 0], [2, 1], [3, 2]], ("x", "y", "z"))


def test_a_table_is_one_sequence():
    for x in ([1, 2, 3], np.array([1, 2, 3]), pl.Series([1, 2, 3]), Table(np.array([[1.0], [2.0], [3.0]]))):
        s = sequences_of(x)
        assert (s.offsets.tolist(), s.rows.x.tolist()) == ([0, 3], [[1], [2], [3]])


def test_sequences_carry_covariates_weights_and_labels():
    s = sequences_of([[1, 2], [3]], given=[[7, 8], [9]], weights=[1, 0.5], labels=["up", None])
    assert s.rows.given.tolist() == [[7], [8], [9]]
    assert (s.weights.tolist(), s.labels.tolist(), s.rows.label_names) == ([1, 0.5], [0, -1], ("up",))


def test_covariates_of_all_rows_may_stand_in_one_array():
    assert sequences_of([[1, 2], [3]], given=np.array([[7, 1], [8, 1], [9, 1]])).rows.given.shape == (3, 2)
    assert sequences_of([1, 2], given=[[7, 1], [8, 1]]).rows.given.tolist() == [[7, 1], [8, 1]]


def test_sequences_pass_through():
    s = Sequences(Table(np.zeros((3, 1))), np.array([0, 2, 3]), labels=np.array([1, -1]))
    again = sequences_of(s, weights=[1, 2])
    assert again.rows.x is s.rows.x
    assert (again.weights.tolist(), again.labels.tolist()) == ([1, 2], [1, -1])


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([[1, 2], [3, np.inf, 4]], {},
         "column 1 row 4 (row 2 of sequence 2) is inf; finite numbers are needed. Mend or drop the row."),
        ([["a", "b", "c"], [None]], {},
         f"1 of 4 rows has a missing value, in column 1 row 4 (row 1 of sequence 2). {GAP}"),
        ([[1, 2, 3], ["x"]], {},
         "column 1 row 4 (row 1 of sequence 2) is 'x'; "
         "most of the column is numbers. Mend or drop the row, or leave the column out."),
        ([np.ones((2, 2)), np.ones((2, 3))], {},
         "sequence 2 has 3 columns, sequence 1 has 2 columns; they need the same columns."),
        ([[1], []], {}, "sequence 2 has no rows; leave it out."),
        ([[1], None], {}, "sequence 2 is None; leave it out."),
        ([], {}, "the data has no rows; at least one is needed."),
        ([[1], [2, 3]], {"weights": [1]}, "weights has 1 value, the data has 2 sequences; one for each is needed."),
        ([[1], [2, 3]], {"weights": [1, -1]},
         "weights sequence 2 is -1; a weight is a finite number, 0 or above. Use 0 to leave a sequence out."),
        ([[1], [2, 3]], {"weights": [0, 0]}, "weights: all 2 are 0; at least one sequence must count."),
        ([[1], [2, 3]], {"given": [[1], [2]]}, "given sequence 2 has 1 row, that of the data has 2."),
        ([[1], [2, 3]], {"given": [[1]]}, "given has 1 sequence, the data has 2; one for each is needed."),
        ([[1], [2, 3]], {"given": [[1], [2, np.nan]]},
         f"1 of 3 rows has a missing value, in given column 1 row 3 (row 2 of sequence 2). {GAP}"),
        ([[1], [2, 3]], {"labels": [[0], [1]]}, "labels sequence 2 has 1 row, that of the data has 2."),
        ([[1], [2, 3]], {"labels": [[0], [1, -7]]},
         "labels row 3 (row 2 of sequence 2) is -7; "
         "a label is a component counted from 0, or -1, NaN or None where it is unknown."),
        ([[1], [2, 3]], {"labels": [0, 1, 0, 1]}, "labels has 4 values, the data has 3 rows; one for each is needed."),
    ],
)  # fmt: skip
def test_sequences_that_cannot_be_used_are_explained(x, options, message):
    assert str(refusal(sequences_of, x, **options)) == message


# -- rows cut by lengths ----------------------------------------------------------------------------------------------


def test_rows_are_cut_by_lengths():
    s = lk.sequences([5.0, 6, 7, 1, 2], lengths=[3, 2], weights=[1, 4])
    assert (s.offsets.tolist(), s.weights.tolist(), s.n_obs) == ([0, 3, 5], [1, 4], 11)
    assert sequences({"a": [1, 2], "b": ["x", "y"]}, lengths=np.array([1, 1])).rows.names == ("a", "b")
    assert sequences(pd.Series([1.0, 2.0]), pd.Series([2])).offsets.tolist() == [0, 2]


def test_missing_and_infinite_values_wait_for_the_model():
    assert np.isnan(sequences([[1.0, None], [np.nan, 2.0]]).rows.x[:, 0]).tolist() == [False, True, True, False]
    assert np.isinf(sequences([[1.0, np.inf]]).rows.x).sum() == 1


def test_labels_are_of_rows_or_of_sequences_as_there_are_as_many():
    x = [1.0, 2, 3]
    assert sequences(x, [2, 1], labels=["b", "a"]).labels.tolist() == [1, 0]
    assert sequences(x, [2, 1], labels=["b", None, "a"]).rows.labels.tolist() == [1, -1, 0]
    assert sequences([[1.0, 2], [3]], labels=[["up", None], ["down"]]).rows.labels.tolist() == [1, -1, 0]
    assert sequences([[1.0, 2], [3]], labels=[None, [4]]).rows.labels.tolist() == [-1, -1, 4]


@pytest.mark.parametrize(
    ("x", "lengths", "message"),
    [
        ([1, 2], np.ones((2, 2)), "lengths has 2 columns; one is needed."),
        ([1, 2, 3], [2, 2], "lengths add up to 4 rows, the data has 3; every row belongs to one sequence."),
        ([1, 2, 3], [1], "lengths add up to 1 row, the data has 3; every row belongs to one sequence."),
        ([1, 2, 3], [3, 0], "lengths: that of sequence 2 is 0; a sequence has at least one row. Leave it out."),
        ([1, 2, 3], [4, -1], "lengths: that of sequence 2 is -1; a length is a number of rows, from 1."),
        ([1, 2, 3], [1.5, 1.5], "lengths: that of sequence 1 is 1.5; a length is a number of rows, from 1."),
        ([1, 2, 3], [3, None], "lengths: that of sequence 2 is nan; a length is a number of rows, from 1."),
        ([1, 2, 3], ["a"], "lengths: that of sequence 1 is nan; a length is a number of rows, from 1."),
        ([[1], [2]], [1, 1],
         "lengths=... cut rows into sequences, and the data is a list of sequences already; leave it out."),
        ([], [], "the data has no rows; at least one is needed."),
        ([[1, 2], []], None, "sequence 2 has no rows; leave it out."),
    ],
)  # fmt: skip
def test_lengths_that_cannot_be_are_explained(x, lengths, message):
    assert str(refusal(sequences, x, lengths)) == message


# -- ids and times beside the rows ------------------------------------------------------------------------------------

FRAME = {"id": ["b", "b", "a", "a", "a"], "year": [1, 2, 1, 3, 4], "x": [5.0, 6, 7, 8, 9]}


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_ids_say_which_rows_belong_together(frame):
    layout = laid_out(frame(FRAME), "id", "year")
    assert (layout.offsets.tolist(), layout.ids.tolist(), layout.id_name) == ([0, 2, 5], ["b", "a"], "id")
    assert (layout.times.tolist(), layout.time_name) == ([1, 2, 1, 3, 4], "year")


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (np.array([7, 7, 3]), [7, 3]),
        ([True, True, False], [1, 0]),
        (pd.Series(["u", "u", "v"], dtype="category"), ["u", "v"]),
        ([datetime.date(2024, 1, 1)] * 2 + [datetime.date(2024, 1, 2)], ["2024-01-01", "2024-01-02"]),
        (np.array(["2024-01-01T06", "2024-01-01T06", "2024-01-01T07"], "datetime64[h]"),
         ["2024-01-01T06:00:00", "2024-01-01T07:00:00"]),
    ],
)  # fmt: skip
def test_ids_beside_the_data_are_numbers_texts_or_dates(ids, found):
    layout = laid_out([1.0, 2.0, 3.0], ids)
    assert (layout.offsets.tolist(), layout.ids.tolist(), layout.id_name) == ([0, 2, 3], found, "")


def days(*texts):
    return [datetime.date.fromisoformat(t) for t in texts]


@pytest.mark.parametrize(
    "times",
    [
        [1, 2, 1, 3, 4],
        np.array([1.5, 2, -3, 0, 0.1]),
        days("2024-01-01", "2024-01-02", "2023-01-01", "2023-01-02", "2024-01-01"),
        np.array(["2024-01", "2024-02", "2024-01", "2024-02", "2024-03"], "datetime64[M]"),
        ["2024-01-01", "2024-01-02", "2023-01-01", "2023-01-02 10:00", "2023-01-02 11:00"],
        pd.to_datetime(pd.Series(["2024-01-01", "2024-01-02", "2023-01-01", "2023-01-02", "2024-01-01"])),
        pd.to_datetime(pd.Series(["2024-01-01", "2024-01-02", "2023-01-01", "2023-01-02", "2024-01-01"]), utc=True),
        pl.Series(days("2024-01-01", "2024-01-02", "2023-01-01", "2023-01-02", "2024-01-01")),
        pa.array(days("2024-01-01", "2024-01-02", "2023-01-01", "2023-01-02", "2024-01-01")),
    ],
)
def test_times_are_numbers_or_dates_that_rise_within_each_sequence(times):
    layout = laid_out(FRAME, "id", times)
    assert (len(layout.times), layout.time_name) == (5, "")


def test_times_of_a_list_of_sequences_may_be_a_column_or_a_list():
    parts = [pd.DataFrame({"x": [1.0, 2], "t": [3, 4]}), pd.DataFrame({"x": [5.0], "t": [0]})]
    assert laid_out(parts, None, "t").times.tolist() == [3, 4, 0]
    assert laid_out([[1.0, 2], [5]], None, [[3, 4], [0]]).times.tolist() == [3, 4, 0]


ID = "the id of a sequence is a number or a text, and every row needs one."
TIME = "a time is a number or a date, and every row needs one. Mend it, or leave time=... out and give rows in order."


@pytest.mark.parametrize(
    ("x", "sequence", "time", "message"),
    [
        ({**FRAME, "id": ["b", "a", "b", "a", "a"]}, "id", None,
         "sequence column 'id' row 3 is 'b' again, after other rows; the rows of one sequence must stand together. "
         "Sort the rows by 'id' first, and by time within it."),
        ([1.0, 2, 3], [7, 8, 7], None,
         "sequence row 3 is 7 again, after other rows; the rows of one sequence must stand together. "
         "Sort the rows by sequence first, and by time within it."),
        ({**FRAME, "id": ["b", None, "a", "a", "a"]}, "id", None, f"sequence column 'id' row 2 is missing; {ID}"),
        ([1.0, 2], [1j, 2], None, f"sequence row 1 is 1j; {ID}"),
        ([1.0, 2], [1], None, "sequence has 1 value, the data has 2 rows; one for each is needed."),
        ([1.0, 2], np.ones((2, 2)), None, "sequence has 2 columns; one is needed."),
        (FRAME, "idd", None, "there is no column 'idd'; did you mean 'id'? The columns are id, year, x."),
        ([[1.0], [2.0]], "id", None,
         "sequence=... says which rows belong together, and the data is a list of sequences already; leave it out."),
        (lk.sequences([1.0], [1]), [1], None,
         "sequence=... says which rows belong together, and the data is sequences already; leave it out."),
        ({**FRAME, "year": [1, 2, 1, 4, 3]}, "id", "year",
         "time column 'year' row 5 (row 3 of sequence 'a') is 3, and 4 in the row above; times must rise within a "
         "sequence. Sort the rows by 'id' and then by 'year' first."),
        ({**FRAME, "year": [1, 2, 3, 3, 4]}, "id", "year",
         "time column 'year' row 4 (row 2 of sequence 'a') is 3, as in the row above; two rows of one sequence cannot "
         "have the same time. Keep one of them, or leave time=... out."),
        ({**FRAME, "year": [1, 2, 3, None, 4]}, "id", "year",
         f"time column 'year' row 4 (row 2 of sequence 'a') is missing; {TIME}"),
        (FRAME, None, "year",
         "time column 'year' row 3 is 1, and 2 in the row above; times must rise within a sequence. "
         "Sort the rows by 'year' first."),
        ([1.0, 2], None, [1, 1],
         "time row 2 is 1, as in the row above; two rows of one sequence cannot have the same time. Keep one of them, "
         "or leave time=... out. If they belong to several sequences, say which with sequence=...."),
        ([[1.0, 2], [3]], None, [[2, 1], [0]],
         "time row 2 (row 2 of sequence 1) is 1, and 2 in the row above; times must rise within a sequence. "
         "Sort the rows by sequence and then by time first."),
        ([1.0, 2], None, days("2024-01-02", "2024-01-01"),
         "time row 2 is 2024-01-01, and 2024-01-02 in the row above; times must rise within a sequence. "
         "Sort the rows by time first."),
        ([1.0, 2], None, ["2024-01-02 10:30", "2024-01-01"],
         "time row 2 is 2024-01-01, and 2024-01-02 10:30:00 in the row above; times must rise within a sequence. "
         "Sort the rows by time first."),
        ([1.0, 2], None, ["soon", "later"], f"time row 1 is 'soon'; {TIME}"),
        ([1.0, 2], None, [1, np.inf], f"time row 2 is inf; {TIME}"),
        ([1.0, 2], None, [None, datetime.date(2024, 1, 1)], f"time row 1 is missing; {TIME}"),
    ],
)  # fmt: skip
def test_ids_and_times_that_cannot_be_used_are_explained(x, sequence, time, message):
    assert str(refusal(laid_out, x, sequence, time)) == message


def test_an_error_of_order_carries_its_place():
    error = refusal(laid_out, {**FRAME, "year": [1, 2, 1, 4, 3]}, "id", "year")
    assert (error.column, error.row, error.value) == ("year", 5, 3.0)
    error = refusal(laid_out, {**FRAME, "id": [1, 2, 1, 4, 3]}, "id")
    assert (error.column, error.row, error.value) == ("id", 3, 1.0)


# -- what belongs to whole sequences ----------------------------------------------------------------------------------


def put_together(x, sequence=None, **options):
    layout = laid_out(x, sequence)
    return assemble(layout, [layout.source.d - 1], **options)


def test_weights_labels_and_groups_are_those_of_sequences_or_the_same_in_all_their_rows():
    frame = {"w": [2, 2, 1, 1, 1], "kind": ["u", "u", None, None, None], "g": [4, 4, 3, 3, 3], **FRAME}
    by_column = put_together(frame, "id", weights="w", labels="kind", groups="g", of_rows=False)
    by_row = put_together(frame, "id", weights=frame["w"], labels=frame["kind"], groups=frame["g"], of_rows=False)
    by_sequence = put_together(frame, "id", weights=[2, 1], labels=["u", None], groups=[4, 3], of_rows=False)
    for s in (by_column, by_row, by_sequence):
        assert (s.weights.tolist(), s.labels.tolist(), s.groups.tolist()) == ([2, 1], [0, -1], [1, 0])
        assert (s.rows.label_names, s.rows.labels) == (("u",), None)


def test_labels_of_rows_are_states():
    frame = {"z": ["u", None, "v", "u", "u"], **FRAME}
    for labels in ("z", frame["z"]):
        s = put_together(frame, "id", labels=labels, of_rows=True)
        assert (s.rows.labels.tolist(), s.rows.label_names, s.labels) == ([0, -1, 1, 0, 0], ("u", "v"), None)


def test_a_table_keeps_what_it_knows():
    table = Table(np.arange(3.0)[:, None], weights=np.full(3, 2.0), labels=np.array([0, 1, -1]))
    s = put_together(table, of_rows=True)
    assert (s.weights.tolist(), s.rows.weights, s.rows.labels.tolist()) == ([2], None, [0, 1, -1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": [1, 1, 2, 2, 1]},
         "weights row 5 (row 3 of sequence 'a') is 1, and 2 in the row above; weights are those of whole sequences, so "
         "every row of sequence 'a' needs the same."),
        ({"labels": ["u", "u", "u", None, "v"], "of_rows": False},
         "labels row 4 (row 2 of sequence 'a') is unknown, and 'u' in the row above; labels are those of whole "
         "sequences, so every row of sequence 'a' needs the same."),
        ({"labels": [0, 1, 0, 0, 0], "of_rows": False},
         "labels row 2 (row 2 of sequence 'b') is 1, and 0 in the row above; labels are those of whole sequences, so "
         "every row of sequence 'b' needs the same."),
        ({"groups": "year"},
         "groups column 'year' row 2 (row 2 of sequence 'b') is another one than in the row above; groups are those of "
         "whole sequences, so every row of sequence 'b' needs the same."),
        ({"groups": ["u", None]},
         "groups sequence 2 is nan; a group is a number or a text, and every sequence needs one."),
        ({"labels": [0, 0, 0, -3, 0], "of_rows": True, "member": "state"},
         "labels row 4 (row 2 of sequence 'a') is -3; "
         "a label is a state counted from 0, or -1, NaN or None where it is unknown."),
    ],
)  # fmt: skip
def test_what_differs_within_a_sequence_is_explained(options, message):
    assert str(refusal(put_together, FRAME, "id", **options)) == message


# -- missing values ---------------------------------------------------------------------------------------------------


def test_missing_values_stay_where_they_are_allowed():
    frame = {"x": [1.0, None, 3.0], "kind": [None, "b", "a"]}
    s = sequences_of(frame, missing=True)
    np.testing.assert_array_equal(s.rows.x, [[1, np.nan], [np.nan, 1], [3, 0]])
    assert s.rows.vocabulary == ("a", "b")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"x": [1, None], "y": [None, None]},
         "column 'y' holds no value, it is missing throughout; leave it out with columns=..., or mend it."),
        ([np.nan, np.nan],
         "column 1 holds no value, it is missing throughout; leave it out with columns=..., or mend it."),
        ([[np.nan, 1], [np.inf, 1]],
         "column 1 row 3 (row 1 of sequence 2) is inf; finite numbers are needed. Mend or drop the row."),
    ],
)  # fmt: skip
def test_missing_values_have_their_limits(x, message):
    assert str(refusal(sequences_of, x, missing=True)) == message


# -- parts of sequences -----------------------------------------------------------------------------------------------


def some():
    rows = Table(np.array([[0.0, 9], [1, 8], [2, 7], [np.nan, np.nan], [4, np.nan]]), names=("a", "b"))
    return Sequences(
        rows, np.array([0, 2, 3, 5]), np.array([1.0, 0.0, 3.0]), np.array([0, 1, -1]), np.array([5, 6, 5]),
        np.array(["u", "v", "w"], object), np.arange(5),
    )  # fmt: skip


@pytest.mark.parametrize(
    "which", [slice(0, 2), slice(1, None), slice(None, None, 2), slice(None, None, -1), np.array([2, 0, 2, 1]),
              np.array([False, True, True]), np.array([], int), slice(1, 1)],
)  # fmt: skip
def test_whole_sequences_are_taken_in_any_order_and_as_often_as_named(which):
    s, chosen = some(), np.arange(3)[which]
    taken = s.take(which)
    assert len(taken) == len(chosen)
    for i, c in enumerate(chosen):
        at, before = slice(*taken.offsets[i : i + 2]), slice(*s.offsets[c : c + 2])
        np.testing.assert_array_equal(taken.rows.x[at], s.rows.x[before])
        np.testing.assert_array_equal(taken.times[at], s.times[before])
    for name in ("weights", "labels", "groups", "ids"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(s, name)[chosen])


def test_a_run_of_sequences_is_no_copy():
    s = some()
    assert np.shares_memory(s.take(slice(1, 3)).rows.x, s.rows.x)


def test_columns_are_selected_and_remembered():
    s = some()
    assert s.select([1]).rows.names == ("b",)
    assert s.select([1]) is s.select((1,))
    assert s.select([1]).offsets is s.offsets


def test_rows_that_were_observed_count_as_often_as_their_sequence():
    s = some()
    assert (s.mass.tolist(), s.n_obs) == ([2, 0, 3], 5)
    assert Table(np.ones((3, 1)), weights=np.array([1, 0.5, 0])).n_obs == 1.5
    assert Table(np.ones((3, 1))).n_obs == 3


def test_sequences_of_no_weight_are_absent():
    left = present(some())
    assert (left.ids.tolist(), left.offsets.tolist(), left.rows.x[:2, 0].tolist()) == (["u", "w"], [0, 2, 4], [0, 1])
    assert present(left) is left


def test_rows_and_sequences_are_called_what_a_person_can_find():
    s = some()
    assert (s.place(3), s.called(1)) == ("row 4 (row 1 of sequence 'w')", "sequence 'v'")
    assert s.with_(ids=np.array([3.0, 4.5, 10.0])).place(2) == "row 3 (row 1 of sequence 4.5)"
    assert s.with_(ids=None).place(0) == "row 1 (row 1 of sequence 1)"
    assert s.take(slice(2, 3)).place(1) == "row 2"
    assert s.rows.place(1) == "row 2"
