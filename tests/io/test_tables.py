"""What a model is fitted to: the columns that suit it, from memory or from files."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import likely as lk
from likely.core.data import Table
from likely.errors import DataError, FileError
from likely.io.tables import read, reread

TRIPS = {"city": ["Oslo", "Bern", "Oslo"], "km": [3.0, 1.0, 2.0], "riders": [2, 1, 4], "late": [True, False, False]}


class Named(lk.Normal):
    """Asks for its columns by name, as a Product does."""

    def wanted_columns(self) -> list[str]:
        return ["riders", "km"]


def refusal(function, *args, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        function(*args, **options)
    return caught.value


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_a_family_of_numbers_gets_all_columns_of_numbers(frame):
    table = read(frame(TRIPS), lk.MultivariateNormal())
    assert table.names == ("km", "riders", "late")
    assert table.x.tolist() == [[3, 2, 1], [1, 1, 0], [2, 4, 0]]


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_a_family_that_reads_text_gets_all_columns(frame):
    table = read(frame(TRIPS), lk.Categorical())
    assert table.names == ("city", "km", "riders", "late")
    assert (table.text, table.vocabulary) == ((True, False, False, False), ("Bern", "Oslo"))
    assert table.x[:, 0].tolist() == [1, 0, 1]


def test_columns_with_another_role_are_left_out():
    table = read(TRIPS, lk.Normal(), given=["late"], weights="riders", labels="city")
    assert (table.names, table.given_names) == (("km",), ("late",))
    assert (table.weights.tolist(), table.labels.tolist(), table.label_names) == (
        [2, 1, 4],
        [1, 0, 1],
        ("Bern", "Oslo"),
    )


def test_columns_that_are_asked_for_come_in_that_order():
    assert read(TRIPS, lk.MultivariateNormal(), columns=["riders", "km"]).names == ("riders", "km")


@pytest.mark.parametrize("family", [Named(), lk.Mixture(Named(), 2), lk.Mixture([lk.Normal(), Named()])])
def test_a_family_that_names_its_columns_gets_those(family):
    assert read(TRIPS, family).names == ("riders", "km")
    assert read(TRIPS, family, columns="late").names == ("late",)


def test_a_family_that_names_its_columns_needs_names_or_as_many_columns():
    assert read(np.ones((3, 2)), Named()).d == 2
    assert str(refusal(read, np.ones((3, 3)), Named())) == (
        "Named() takes 2 columns (riders, km); the data has 3 columns without names. "
        "Give as many, or a dict of columns or a frame."
    )
    assert str(refusal(read, {"rider": [1], "km": [2]}, Named())) == (
        "there is no column 'riders'; did you mean 'rider'? The columns are rider, km."
    )


def test_text_that_is_asked_for_is_refused_with_its_place():
    error = refusal(read, TRIPS, lk.Mixture(lk.Normal(), 2), columns=["km", "city"])
    assert str(error) == (
        "column 'city' row 1 is 'Oslo'; Mixture(Normal(), 2) needs numbers. Leave the column out with columns=..., "
        "or use a family for text, such as Categorical()."
    )
    assert (error.column, error.row, error.value) == ("city", 1, "Oslo")


def test_text_is_refused_wherever_a_family_of_numbers_meets_it():
    message = (
        "column 1 row 1 is 'a'; Normal() needs numbers. Leave the column out with columns=..., "
        "or use a family for text, such as Categorical()."
    )
    assert str(refusal(lk.Normal(0, 1).log_prob, ["a", "b"])) == message
    assert str(refusal(lk.Mixture(lk.Normal([0, 1], 1), 2, weights=[0.5, 0.5]).log_prob, ["a", "b"])) == message


def test_data_without_a_column_of_numbers_is_refused():
    assert str(refusal(read, {"city": ["Oslo"], "name": ["Kari"]}, lk.Normal())) == (
        "the data has no column of numbers (its columns: city, name), and Normal() needs one. "
        "For text, use a family such as Categorical()."
    )
    assert str(refusal(read, ["Oslo"], lk.Normal())) == (
        "the data has no column of numbers, and Normal() needs one. For text, use a family such as Categorical()."
    )


def test_a_stray_text_does_not_hide_its_column():
    assert str(refusal(read, {"km": ["1", "2", "three"], "h": [1, 2, 3]}, lk.MultivariateNormal())) == (
        "column 'km' row 3 is 'three'; most of the column is numbers. Mend or drop the row, or leave the column out."
    )


def test_dates_and_empty_columns_are_left_out_unless_asked_for():
    frame = pl.DataFrame({"day": ["2024-01-01", "2024-01-02"], "note": [None, None], "x": [1, 2]})
    frame = frame.with_columns(pl.col("day").str.to_date())
    assert read(frame, lk.Normal()).names == ("x",)
    assert refusal(read, frame, lk.Normal(), columns="day").column == "day"


def test_row_numbers_that_pandas_wrote_are_left_out(tmp_path):
    frame = pd.DataFrame({"x": [1.5, 2.5]}, index=[10, 20])
    frame.to_csv(tmp_path / "a.csv")
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        assert read(tmp_path / name, lk.Normal()).names == ("x",)


def test_every_kind_of_file_gives_the_table_of_the_data_in_memory(tmp_path):
    expected = read(TRIPS, lk.Categorical())
    table = pa.table(TRIPS)
    pd.DataFrame(TRIPS).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame(TRIPS).to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    pd.DataFrame(TRIPS).to_csv(tmp_path / "a.txt", index=False, sep=" ")
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    pl.DataFrame(TRIPS).write_ipc(tmp_path / "a.arrow", compression="zstd")
    pd.DataFrame(TRIPS).to_feather(tmp_path / "a.feather")
    for ending in ("csv", "tsv", "txt", "parquet", "arrow", "feather"):
        found = read(tmp_path / f"a.{ending}", lk.Categorical())
        assert (found.x.tolist(), found.names) == (expected.x.tolist(), expected.names), ending
        assert (found.text, found.vocabulary) == (expected.text, expected.vocabulary), ending


def test_roles_are_named_in_files_too(tmp_path):
    path = tmp_path / "trips.csv"
    pd.DataFrame(TRIPS).to_csv(path, index=False)
    table = read(str(path), lk.Normal(), given="late", weights="riders", labels="city")
    assert (table.x.tolist(), table.given.tolist(), table.labels.tolist()) == (
        [[3], [1], [2]],
        [[1], [0], [0]],
        [1, 0, 1],
    )


def test_files_that_match_a_pattern_are_read_one_below_the_other(tmp_path):
    (tmp_path / "b.csv").write_text("y,x\n20,2\n")
    (tmp_path / "a.csv").write_text("x,y\n1,10\n")
    (tmp_path / "_done.csv").write_text("")
    table = read(tmp_path / "*.csv", lk.MultivariateNormal())
    assert (table.names, table.x.tolist()) == (("x", "y"), [[1, 10], [2, 20]])


def test_words_of_several_files_share_one_vocabulary(tmp_path):
    (tmp_path / "1.csv").write_text("s\nb\na\n")
    pq.write_table(pa.table({"s": ["c", "a"]}), tmp_path / "2.parquet")
    table = read(tmp_path / "[12].*", lk.Categorical())
    assert (table.vocabulary, table.x[:, 0].tolist()) == (("a", "b", "c"), [1, 0, 2, 0])


def test_a_row_of_several_files_is_named_within_its_file(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    (tmp_path / "b.csv").write_text("x\n3\noops\n")
    error = refusal(read, tmp_path / "*.csv", lk.Normal())
    assert str(error) == (
        f"column 'x' row 4 (row 2 of '{tmp_path / 'b.csv'}') is 'oops'; "
        "most of the column is numbers. Mend or drop the row, or leave the column out."
    )
    assert error.row == 4


def test_files_with_other_columns_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,z\n1,2\n")
    assert str(refusal(read, tmp_path / "*.csv", lk.Normal())) == (
        f"'{tmp_path / 'b.csv'}' has columns x, z, '{tmp_path / 'a.csv'}' has columns x, y; they need the same columns."
    )


def test_a_table_is_read_as_it_is():
    table = Table(np.ones((2, 1)))
    assert read(table, lk.Normal()) is table
    assert read(table, lk.Normal(), weights=[1, 2]).weights.tolist() == [1, 2]


# -- new data for a model that was fitted ---------------------------------------------------------------------------

NEW = {"riders": [7, 8], "city": ["Bern", "Wien"], "km": [5.0, 6.0]}


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_new_data_is_read_by_name_and_further_columns_are_ignored(frame):
    table = reread(frame(NEW), ("km", "riders"))
    assert (table.names, table.x.tolist()) == (("km", "riders"), [[5, 7], [6, 8]])


def test_new_data_without_names_is_read_by_position_and_named():
    table = reread([[5, 7], [6, 8]], ("km", "riders"))
    assert (table.names, table.x.tolist()) == (("km", "riders"), [[5, 7], [6, 8]])


def test_new_data_for_a_fit_without_names_is_taken_as_it_is():
    assert reread([5, 6], ()).x.tolist() == [[5], [6]]
    assert reread({"a": [5, 6]}, ()).x.tolist() == [[5], [6]]


def test_new_covariates_are_found_by_name_unless_given():
    assert reread(NEW, ("km",), ("riders",)).given.tolist() == [[7], [8]]
    assert reread(NEW, ("km",), ("riders",), given=[1, 2]).given.tolist() == [[1], [2]]
    assert reread([5, 6], ("km",), ("riders",), given=[1, 2]).given.tolist() == [[1], [2]]


def test_a_new_table_is_read_by_name_too():
    table = reread(read(NEW, lk.MultivariateNormal()), ("km", "riders"))
    assert (table.names, table.x.tolist()) == (("km", "riders"), [[5, 7], [6, 8]])


def test_a_new_file_is_read_by_name(tmp_path):
    pd.DataFrame(NEW).to_csv(tmp_path / "new.csv", index=False)
    assert reread(tmp_path / "new.csv", ("km",)).x.tolist() == [[5], [6]]


@pytest.mark.parametrize(
    ("data", "columns", "given_names", "message"),
    [
        (NEW, ("kms",), (), "there is no column 'kms'; did you mean 'km'? The columns are riders, city, km."),
        ([[1, 2, 3]], ("km", "riders"), (), "the data has 3 columns, the model was fitted to 2 (km, riders)."),
        (
            Table(np.ones((1, 1))),
            ("km", "riders"),
            (),
            "the data has 1 column, the model was fitted to 2 (km, riders).",
        ),
        ([1, 2], ("km",), ("u", "v"), "the model was fitted with covariates (u, v); give them with given=..."),
    ],
)
def test_new_data_that_does_not_match_is_explained(data, columns, given_names, message):
    assert str(refusal(reread, data, columns, given_names)) == message


def test_a_fit_reads_a_file_and_predicts_another(tmp_path):
    (tmp_path / "old.csv").write_text("x,when\n" + "".join(f"{v},monday\n" for v in (1.0, 2.0, 3.0, 6.0)))
    (tmp_path / "new.csv").write_text("when,x\ntuesday,3\n")
    fit = lk.fit(lk.Normal(), tmp_path / "old.csv")
    assert repr(fit.model) == "Normal(mean=3.0, variance=3.5)"
    assert fit.log_prob(tmp_path / "new.csv") == pytest.approx(-0.5 * np.log(2 * np.pi * 3.5))


def test_a_path_that_is_none_is_explained(tmp_path):
    with pytest.raises(FileError) as caught:
        read(str(tmp_path / "x.csv"), lk.Normal())
    assert str(caught.value) == f"there is no file '{tmp_path / 'x.csv'}'."
