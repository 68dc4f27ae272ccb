"""Data in any everyday form becomes one and the same table, or an error that says where and what to do."""

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from likely.core.data import Table
from likely.core.door import refuse_text, table_of
from likely.errors import DataError

COLUMNS = {"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]}
ROWS = np.array([[1, 0.5], [2, 1.5], [3, 2.5]])


def refusal(*args, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        table_of(*args, **options)
    return caught.value


# -- one table, many forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        COLUMNS,
        {"a": np.array([1, 2, 3], np.int8), "b": pd.Series([0.5, 1.5, 2.5])},
        {"a": range(1, 4), "b": pl.Series([0.5, 1.5, 2.5])},
        {"a": (decimal.Decimal(1), decimal.Decimal(2), decimal.Decimal(3)), "b": ["0.5", "1.5", "2.5"]},
        np.array([(1, 0.5), (2, 1.5), (3, 2.5)], dtype=[("a", int), ("b", float)]),
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS, index=[7, 7, 9]),
        pd.DataFrame(COLUMNS).convert_dtypes(),
        pl.DataFrame(COLUMNS),
        pl.LazyFrame(COLUMNS),
        pl.DataFrame(COLUMNS, schema={"a": pl.Decimal(10, 2), "b": pl.Float32}),
        pa.table(COLUMNS),
        pa.record_batch(COLUMNS),
    ],
)
def test_every_frame_with_names_becomes_the_same_table(frame):
    table = table_of(frame)
    assert (table.x.tolist(), table.names, table.text) == (ROWS.tolist(), ("a", "b"), ())
    assert table.x.dtype == float
    assert table.x.flags.c_contiguous


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        np.asfortranarray(ROWS),
        ROWS.astype(np.float32),
        ROWS.astype(object),
        np.ma.MaskedArray(ROWS),
        ROWS.tolist(),
        [tuple(r) for r in ROWS],
        list(ROWS),
        tuple(map(tuple, ROWS)),
        (r for r in ROWS),
        [["1", 0.5], ["2", 1.5], [3, "2.5"]],
    ],
)
def test_rows_without_names_become_the_same_table(rows):
    table = table_of(rows)
    assert (table.x.tolist(), table.names) == (ROWS.tolist(), ())
    assert table.x.dtype == float
    assert table.x.flags.c_contiguous


@pytest.mark.parametrize(
    "column",
    [
        [1, 0, 1],
        (1.0, 0.0, 1.0),
        [True, False, True],
        np.array([True, False, True]),
        np.array([[1], [0], [1]]),
        np.array([1, 0, 1], np.uint8),
        np.array([1, 0, 1], np.float16),
        ["1", "0", " 1.0"],
        pd.Series([1, 0, 1]),
        pd.Series([True, False, True], dtype="boolean"),
        pd.Index([1, 0, 1]),
        pl.Series([True, False, True]),
        pa.array([1, 0, 1]),
        pa.chunked_array([[1], [0, 1]]),
    ],
)
def test_one_column_in_any_form_is_a_table_of_one_column(column):
    table = table_of(column)
    assert (table.x.tolist(), table.names) == ([[1.0], [0.0], [1.0]], ())


@pytest.mark.parametrize("series", [pd.Series([1, 2], name="wait"), pl.Series("wait", [1, 2])])
def test_a_named_series_keeps_its_name(series):
    assert table_of(series).names == ("wait",)


def test_a_number_is_one_row():
    assert table_of(3).x.tolist() == [[3.0]]
    assert table_of(np.float32(0.5)).x.tolist() == [[0.5]]


def test_float32_numbers_keep_their_value():
    x = np.array([0.1, 1e-30, 3.4e38], np.float32)
    assert np.array_equal(table_of(x).x[:, 0].astype(np.float32), x)


def test_an_array_of_float64_is_not_copied():
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert np.shares_memory(table_of(x).x, x)


def test_a_table_passes_through():
    table = Table(np.ones((2, 1)))
    assert table_of(table) is table


def test_a_table_takes_columns_and_weights():
    table = table_of(table_of(COLUMNS), columns="b", weights=[1, 2, 3])
    assert (table.x.tolist(), table.names, table.weights.tolist()) == ([[0.5], [1.5], [2.5]], ("b",), [1, 2, 3])


# -- text -----------------------------------------------------------------------------------------------------------

CITIES = ["Oslo", "Bern", "Oslo"]


@pytest.mark.parametrize(
    "column",
    [
        CITIES,
        np.array(CITIES),
        np.array(CITIES, object),
        pd.Series(CITIES),
        pd.Series(CITIES, dtype=object),
        pd.Series(CITIES, dtype="category"),
        pl.Series(CITIES),
        pl.Series(CITIES, dtype=pl.Categorical),
        pl.Series(CITIES, dtype=pl.Enum(["Wien", "Oslo", "Bern"])),
        pa.array(CITIES),
        pa.chunked_array([CITIES]).dictionary_encode(),
    ],
)
def test_text_in_any_form_becomes_codes_into_the_sorted_vocabulary(column):
    table = table_of(column)
    assert (table.x.tolist(), table.text, table.vocabulary) == ([[1.0], [0.0], [1.0]], (True,), ("Bern", "Oslo"))


def test_all_text_columns_share_one_vocabulary():
    table = table_of(pl.DataFrame({"from": ["b", "c"], "km": [1, 2], "to": ["d", "a"]}))
    assert table.vocabulary == ("a", "b", "c", "d")
    assert table.x.tolist() == [[1, 1, 3], [2, 2, 0]]
    assert table.text == (True, False, True)


def test_numbers_beside_words_are_words():
    table = table_of(["a", 1, "b", 2.5, "c"])
    assert table.vocabulary == ("1", "2.5", "a", "b", "c")
    assert table.x[:, 0].tolist() == [2, 0, 3, 1, 4]


@pytest.mark.parametrize(
    "digits", [pd.Series(["1", "2"], dtype="category"), pl.Series(["1", "2"], dtype=pl.Categorical)]
)
def test_a_declared_category_is_text_also_when_it_looks_like_numbers(digits):
    assert table_of(digits).vocabulary == ("1", "2")


def test_half_numbers_is_still_text_and_more_than_half_is_a_column_of_numbers():
    assert table_of(["1", "2", "x", "y"]).text == (True,)
    error = refusal(["1", "2", "3", "x", "y"])
    assert str(error) == (
        "column 1 row 4 is 'x'; most of the column is numbers. Mend or drop the row, or leave the column out."
    )
    assert (error.column, error.row, error.value) == ("1", 4, "x")


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_a_stray_text_is_named_with_its_column_and_row(frame):
    error = refusal(frame({"x": ["u", "v", "w"], "age": ["31", "thirty", "29"]}))
    assert str(error) == (
        "column 'age' row 2 is 'thirty'; most of the column is numbers. Mend or drop the row, or leave the column out."
    )
    assert (error.column, error.row, error.value) == ("age", 2, "thirty")


def test_a_long_text_is_shortened_in_messages():
    assert str(refusal([1.0, 2.0, "long " * 20])).startswith(
        "column 1 row 3 is 'long long long long long long long l...;"
    )


def test_text_is_refused_with_its_first_value_for_a_family_of_numbers():
    with pytest.raises(DataError) as caught:
        refuse_text(table_of({"km": [1, 2], "city": ["Oslo", "Bern"]}), "Normal()")
    assert str(caught.value) == (
        "column 'city' row 1 is 'Oslo'; Normal() needs numbers. Leave the column out with columns=..., "
        "or use a family for text, such as Categorical()."
    )
    assert (caught.value.column, caught.value.row, caught.value.value) == ("city", 1, "Oslo")


# -- what is no number ----------------------------------------------------------------------------------------------

GAP = "Missing values are coming in MultivariateNormal; for now, drop or fill those rows."


@pytest.mark.parametrize(
    "frame",
    [
        {"a": [1, 2, 3], "b": [0.5, None, float("nan")]},
        pd.DataFrame({"a": [1, 2, 3], "b": pd.array([5, None, None], dtype="Int64")}),
        pd.DataFrame({"a": [1, 2, 3], "b": [0.5, None, None]}),
        pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, None]}),
        pd.DataFrame({"a": [1, 2, 3], "b": pd.Categorical(["x", None, None])}),
        pd.DataFrame({"a": [1, 2, 3], "b": pd.Series([1, pd.NA, pd.NaT], dtype=object)}),
        pd.DataFrame({"a": [1, 2, 3], "b": pd.array([True, None, None], dtype="boolean")}),
        pl.DataFrame({"a": [1, 2, 3], "b": [0.5, None, float("nan")]}),
        pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, None]}),
        pa.table({"a": [1, 2, 3], "b": [5, None, None]}),
        pa.table({"a": [1, 2, 3], "b": pa.array(["x", None, None]).dictionary_encode()}),
        pa.table({"a": [1, 2, 3], "b": [True, None, None]}),
    ],
)
def test_missing_values_are_counted_and_the_first_is_named(frame):
    error = refusal(frame)
    assert str(error) == f"2 of 3 rows have a missing value, the first in column 'b' row 2. {GAP}"
    assert (error.column, error.row, error.value) == ("b", 2, None)


def test_one_missing_value_reads_as_one():
    assert str(refusal([[1, 2], [3, np.nan]])) == f"1 of 2 rows has a missing value, in column 2 row 2. {GAP}"


def test_a_masked_entry_is_missing():
    masked = np.ma.MaskedArray([1.0, 2.0, 3.0], mask=[False, True, False])
    assert str(refusal(masked)) == f"1 of 3 rows has a missing value, in column 1 row 2. {GAP}"


def test_a_column_of_nothing_but_nulls_is_missing():
    assert str(refusal({"x": [1, 2], "empty": [None, None]})) == (
        f"2 of 2 rows have a missing value, the first in column 'empty' row 1. {GAP}"
    )


def test_missing_values_elsewhere_do_not_matter():
    assert table_of({"a": [1.0, 2.0], "b": [None, 1.0]}, columns="a").x.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_named(value):
    error = refusal({"a": [1.0, 2.0], "b": [0.0, value]})
    assert str(error) == f"column 'b' row 2 is {value}; finite numbers are needed. Mend or drop the row."
    assert (error.column, error.row, error.value) == ("b", 2, value)


@pytest.mark.parametrize(
    "frame",
    [
        {"id": [1, 2**53 + 1]},
        {"id": [1, 2**53 + 1], "name": ["x", "y"]},
        pd.DataFrame({"id": [1, 2**53 + 1]}),
        pd.DataFrame({"id": pd.array([None, 2**53 + 1], dtype="Int64")}),
        pl.DataFrame({"id": [1, 2**53 + 1]}),
        pa.table({"id": [1, 2**53 + 1]}),
        np.array([(1,), (2**53 + 1,)], dtype=[("id", np.uint64)]),
    ],
    ids=range(7),
)
def test_whole_numbers_that_float64_cannot_hold_are_refused(frame):
    error = refusal(frame)
    assert str(error) == (
        "column 'id' row 2 is 9007199254740993; whole numbers beyond 2^53 lose digits. "
        "Leave an identifier out, or rescale the column."
    )
    assert (error.column, error.row, error.value) == ("id", 2, 2**53 + 1)


def test_whole_numbers_beyond_64_bits_are_refused_too():
    assert str(refusal([1, -(2**70)])) == (
        "column 1 row 2 is -1180591620717411303424; whole numbers beyond 2^53 lose digits. "
        "Leave an identifier out, or rescale the column."
    )


def test_whole_numbers_in_one_array_of_several_columns_are_checked():
    error = refusal(np.array([[1, 2], [3, -(2**53) - 1]]), columns=[1])
    assert (error.column, error.row, error.value) == ("2", 2, -(2**53) - 1)


def test_the_largest_exact_whole_number_is_taken():
    assert table_of([2**53, -(2**53)]).x[:, 0].tolist() == [2.0**53, -(2.0**53)]


def test_a_large_float_is_taken():
    assert table_of([1e300, 2.0**60]).x[:, 0].tolist() == [1e300, 2.0**60]


DATE = "dates and times are not numbers. Leave the column out, or count them first, as in days since the first row."


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        ([datetime.date(2024, 2, 29), datetime.date(2024, 3, 1)], "2024-02-29"),
        (np.array(["2024-02-29", "2024-03-01"], "datetime64[D]"), "2024-02-29"),
        (pd.Series(pd.to_datetime(["2024-02-29", "2024-03-01"])), "2024-02-29 00:00:00"),
        (pl.Series([datetime.date(2024, 2, 29), None]), "2024-02-29"),
        (pl.Series([datetime.timedelta(1), None]), "1 day, 0:00:00"),
        (pa.array([datetime.datetime(2024, 2, 29, 1), None]), "2024-02-29T01:00:00.000000"),
    ],
)
def test_dates_are_refused_as_a_feature(days, shown):
    error = refusal({"day": days})
    assert str(error) == f"column 'day' row 1 is {shown}; {DATE}"
    assert (error.column, error.row) == ("day", 1)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.Series([[1, 2], [3]]), "column 'v' row 1 is [1, 2]; real numbers or text are needed."),
        (pa.array([b"ab", b"c"]), "column 'v' row 1 is b'ab'; real numbers or text are needed."),
        (np.array([1 + 2j]), "column 'v' row 1 is (1+2j); real numbers or text are needed."),
        ([{"a": 1}, 2], "column 'v' row 1 is {'a': 1}; real numbers or text are needed."),
    ],
)
def test_values_that_are_neither_number_nor_text_are_refused(column, message):
    assert str(refusal({"v": column})) == message


GIVE = "give an array, a list, a dict of columns, a pandas, polars or Arrow frame, or the path of a file."

# -- shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([], "the data has no rows; at least one is needed."),
        (np.zeros((0, 2)), "the data has no rows; at least one is needed."),
        (pd.DataFrame({"a": []}), "the data has no rows; at least one is needed."),
        ({}, "the data has no rows; at least one is needed."),
        (np.zeros((2, 0)), "the data has no columns to model; at least one is needed."),
        (np.zeros((2, 3, 4)), "the data has shape (2, 3, 4); a table has rows and columns only. "
         "Give one of its slices, or reshape it."),
        ([[1, 2], [3]], "row 2 has 1 value, row 1 has 2 values; every row needs the same number of values."),
        ([[1, 2], 3], "row 2 is 3, row 1 has 2 values; every row needs the same number of values."),
        ([1, 2, [3, 4]], "row 3 has 2 values, row 1 is 1; every row needs the same number of values."),
        ([[[1], [2]], [[1], 2]],
         "the rows hold arrays of different shapes; each row needs the same number of plain values."),
        ({"a": [1, 2, 3], "b": [1, 2]}, "column 'b' has 2 rows, column 'a' has 3; all columns need the same number."),
        ({"a": [1, 2], "b": np.zeros((2, 3))}, "column 'b' has 3 values in each row; one is needed."),
        ("x.csv", "the data is 'x.csv'; an array, a list, a dict of columns or a frame is needed here."),
        (None, f"the data is of type NoneType; {GIVE}"),
        ({1, 2}, f"the data is of type set; {GIVE}"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns are called 'a'; rename one."),
        (pa.table([[1], [2]], names=["a", "a"]), "two columns are called 'a'; rename one."),
    ],
)  # fmt: skip
def test_shapes_that_are_no_table_are_explained(x, message):
    assert str(refusal(x)) == message


# -- columns --------------------------------------------------------------------------------------------------------

GEYSER = {"eruptions": [3.6, 1.8], "waiting": [79, 54], "day": [1, 2]}


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("waiting", ("waiting",)),
        (["day", "waiting"], ("day", "waiting")),
        (1, ("waiting",)),
        ([2, 0], ("day", "eruptions")),
        (range(2), ("eruptions", "waiting")),
        (np.array([0, 2]), ("eruptions", "day")),
        (("day", 0), ("day", "eruptions")),
    ],
)
@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_are_chosen_by_name_or_position_in_the_order_asked_for(frame, columns, names):
    table = table_of(frame(GEYSER), columns=columns)
    assert table.names == names
    assert table.x.tolist() == np.array([GEYSER[n] for n in names]).T.tolist()


def test_columns_of_an_array_are_chosen_by_position():
    assert table_of(ROWS, columns=[1]).x.tolist() == [[0.5], [1.5], [2.5]]


@pytest.mark.parametrize(
    ("x", "columns", "message"),
    [
        (GEYSER, "wating",
         "there is no column 'wating'; did you mean 'waiting'? The columns are eruptions, waiting, day."),
        (GEYSER, ["day", "ERUPTION"],
         "there is no column 'ERUPTION'; did you mean 'eruptions'? The columns are eruptions, waiting, day."),
        (GEYSER, "zzz", "there is no column 'zzz'. The columns are eruptions, waiting, day."),
        ({c: [1] for c in "abcdefghijklmnopqrstuvwxy"}, "zzz",
         "there is no column 'zzz'. The columns are "
         "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, ... (25 in all)."),
        (GEYSER, 3, "there is no column 3; positions run from 0 to 2."),
        (GEYSER, -1, "there is no column -1; positions run from 0 to 2."),
        (GEYSER, ["day", 2], "column 2 is asked for twice; once is enough."),
        (GEYSER, [], "an empty list of columns was given; name at least one."),
        (ROWS, "a", "there is no column 'a': the data has no column names. Give positions, from 0 to 1."),
    ],
)  # fmt: skip
def test_columns_that_are_not_there_are_explained(x, columns, message):
    assert str(refusal(x, columns=columns)) == message


# -- covariates, weights, labels ------------------------------------------------------------------------------------


def test_columns_with_another_role_are_not_modelled():
    frame = {"y": [1, 2], "u": [3, 4], "v": [5, 6], "w": [1, 0.5], "kind": ["b", "a"]}
    table = table_of(frame, given=["v", "u"], weights="w", labels="kind")
    assert (table.names, table.x.tolist()) == (("y",), [[1.0], [2.0]])
    assert (table.given_names, table.given.tolist()) == (("v", "u"), [[5, 3], [6, 4]])
    assert table.weights.tolist() == [1, 0.5]
    assert (table.labels.tolist(), table.label_names) == ([1, 0], ("a", "b"))


def test_covariates_may_be_arrays_or_frames():
    assert table_of([1, 2], given=[3, 4]).given.tolist() == [[3], [4]]
    table = table_of([1, 2], given=pl.DataFrame({"u": [3, 4], "v": [True, False]}))
    assert (table.given.tolist(), table.given_names) == ([[3, 1], [4, 0]], ("u", "v"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1], "given has 1 row, the data has 2; one row for each is needed."),
        ("v", "there is no column 'v'. The columns are y, city."),
        (
            "city",
            "given column 'city' row 1 is 'Oslo'; covariates are numbers. Write categories as columns of 0 and 1.",
        ),
        ({"u": [1, None]}, f"1 of 2 rows has a missing value, in given column 'u' row 2. {GAP}"),
        ([1, np.inf], "given column 1 row 2 is inf; finite numbers are needed. Mend or drop the row."),
    ],
)
def test_covariates_that_cannot_be_used_are_explained(given, message):
    assert str(refusal({"y": [1, 2], "city": ["Oslo", "Bern"]}, columns="y", given=given)) == message


WEIGHT = "a weight is a finite number, 0 or above. Use 0 to leave a row out."


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "weights has 2 values, the data has 3 rows; one for each is needed."),
        (np.ones((3, 2)), "weights has 2 columns; one is needed."),
        ([1, -2, 1], f"weights row 2 is -2; {WEIGHT}"),
        ([1, 1, np.nan], f"weights row 3 is nan; {WEIGHT}"),
        ([np.inf, 1, 1], f"weights row 1 is inf; {WEIGHT}"),
        ([1, "much", 1], f"weights row 2 is 'much'; {WEIGHT}"),
        (["much", "more", "most"], f"weights row 1 is 'much'; {WEIGHT}"),
        ([0, 0, 0], "weights: all 3 are 0; at least one row must count."),
        ("w", f"weights column 'w' row 3 is -1; {WEIGHT}"),
        ("wait", "there is no column 'wait'. The columns are y, w."),
    ],
)
def test_weights_that_cannot_be_used_are_explained(weights, message):
    assert str(refusal({"y": [1, 2, 3], "w": [1, 1, -1]}, columns="y", weights=weights)) == message


def test_a_weight_error_carries_its_place():
    error = refusal([1, 2], weights=[1, -2])
    assert (error.row, error.value) == (2, -2.0)


@pytest.mark.parametrize(
    ("labels", "codes", "names"),
    [
        ([2, 0, -1], [2, 0, -1], ()),
        ([1.0, float("nan"), 0.0], [1, -1, 0], ()),
        ([1, None, 0], [1, -1, 0], ()),
        ([True, False, None], [1, 0, -1], ()),
        (pd.Series([1, None, 0], dtype="Int64"), [1, -1, 0], ()),
        (pl.Series([1, None, 0]), [1, -1, 0], ()),
        (["b", None, "a"], [1, -1, 0], ("a", "b")),
        (np.array(["b", "b", "a"]), [1, 1, 0], ("a", "b")),
        (pd.Series(["b", None, "a"], dtype="category"), [1, -1, 0], ("a", "b")),
        (pl.Series(["b", None, "a"]), [1, -1, 0], ("a", "b")),
        (["10", "9", "10"], [0, 1, 0], ("10", "9")),
        (["b", 3, "a"], [2, 0, 1], ("3", "a", "b")),
        ([0.5, 1.0, np.nan], [0, 1, -1], ("0.5", "1")),
        (np.array([[1], [0], [1]]), [1, 0, 1], ()),
    ],
)
def test_labels_become_codes_with_minus_one_where_unknown(labels, codes, names):
    table = table_of([5.0, 6.0, 7.0], labels=labels)
    assert (table.labels.tolist(), table.label_names) == (codes, names)
    assert table.labels.dtype.kind == "i"


LABEL = "a label is a component counted from 0, or -1, NaN or None where it is unknown."


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -2], f"labels row 2 is -2; {LABEL}"),
        ([0, np.inf], f"labels row 2 is inf; {LABEL}"),
        ([0], "labels has 1 value, the data has 2 rows; one for each is needed."),
        ([datetime.date(2024, 1, 1)] * 2, f"labels row 1 is 2024-01-01; {LABEL}"),
    ],
)
def test_labels_that_cannot_be_used_are_explained(labels, message):
    assert str(refusal([1, 2], labels=labels)) == message


# -- cost -----------------------------------------------------------------------------------------------------------


def test_the_door_imports_no_frame_library_until_it_meets_a_frame():
    script = (
        "import sys; from likely.core.door import table_of; table_of({'a': [1, 2], 'b': ['x', 'y']}); "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'narwhals', 'pyarrow', 'pandas', 'polars'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_groups_are_codes_of_numbers_or_texts():
    frame = {"x": [1.0, 2, 3, 4], "who": ["b", "a", "b", "c"]}
    assert table_of(frame, groups="who").names == ("x",)
    assert table_of(frame, groups="who").groups.tolist() == [1, 0, 1, 2]
    assert table_of([1.0, 2, 3], groups=[30.5, -1, 30.5]).groups.tolist() == [1, 0, 1]
    assert table_of(table_of([1.0, 2, 3]), groups=["u", "v", "u"]).groups.tolist() == [0, 1, 0]
    assert table_of(frame, groups="who").take(np.array([3, 0])).groups.tolist() == [2, 1]


def test_every_row_needs_a_group():
    with pytest.raises(DataError) as error:
        table_of({"x": [1.0, 2, 3], "who": ["a", None, "b"]}, groups="who")
    assert (
        str(error.value) == "groups column 'who' row 2 is nan; a group is a number or a text, and every row needs one."
    )
