"""Files in and out: what is read, what is refused, and that nothing half written is ever left behind."""

import builtins
import errno
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likely.errors import DataError, FileError, InputError
from likely.io.files import columns_in, write_table


def contents(path) -> tuple[tuple[str, ...], list[list[float]]]:
    """Names and numbers of a file; words as codes."""
    columns = columns_in(path)
    return columns.names, columns.matrix(range(columns.d)).x.tolist()


def refusal(path) -> InputError:
    with pytest.raises(InputError) as caught:
        contents(path)
    return caught.value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "x,y\n1,2.5\n3,4\n"),
        ("a.CSV", "x,y\r\n1,2.5\r\n3,4\r\n"),
        ("a.csv", "\ufeffx,y\n1,2.5\n3,4"),
        ("a.csv", '"x","y"\n"1","2.5"\n"3","4"\n'),
        ("a.csv", "x, y\n1, 2.5\n3, 4\n\n"),
        ("a.csv", "x;y\n1;2.5\n3;4\n"),
        ("a.csv", "x;y\n1;2,5\n3;4\n"),
        ("a.csv", "x\ty\n1\t2.5\n3\t4\n"),
        ("a.tsv", "x\ty\n1\t2.5\n3\t4\n"),
        ("a.txt", "x\ty\n1\t2.5\n3\t4\n"),
        ("a.txt", "x,y\n1,2.5\n3,4\n"),
        ("a.txt", "x y\n1 2.5\n3 4\n"),
        ("a.txt", "  x    y\n  1  2.5\n 3   4  \n"),
    ],
)
def test_text_files_are_read_however_they_part_their_values(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert contents(path) == (("x", "y"), [[1, 2.5], [3, 4]])


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", "1,2.5\n3,4\n"), ("a.csv", "1;2,5\n3;4\n"), ("a.txt", "1 2.5\n3 4\n"), ("a.tsv", "1\t2.5\n3\t4\n")],
)
def test_a_first_line_of_numbers_is_data(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert contents(path) == ((), [[1, 2.5], [3, 4]])


def test_a_single_column_needs_no_delimiter(tmp_path):
    for name in ("a.csv", "a.tsv", "a.txt"):
        (tmp_path / name).write_text("waiting\n79\n54\n")
        assert contents(tmp_path / name) == (("waiting",), [[79], [54]])


def test_what_stands_for_a_missing_value_in_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,s\n1,a\n,\nNA,NA\nNaN,NaN\nnan,nan\nnull,null\n")
    columns = columns_in(path)
    for j in range(2):
        with pytest.raises(DataError, match=r"^5 of 6 rows have a missing value, the first in column '[xs]' row 2\."):
            columns.matrix([j])


def test_quoted_values_may_hold_commas_quotes_and_line_ends(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('s,x\n"a,b",1\n"say ""hi""",2\n"two\nlines",3\n')
    columns = columns_in(path)
    assert columns.matrix([0]).vocabulary == ("a,b", 'say "hi"', "two\nlines")
    assert columns.matrix([1]).x[:, 0].tolist() == [1, 2, 3]


def test_truth_values_in_csv_are_0_and_1(tmp_path):
    (tmp_path / "a.csv").write_text("b\ntrue\nFALSE\n")
    assert contents(tmp_path / "a.csv") == (("b",), [[1], [0]])


def test_letters_beyond_ascii_are_read(tmp_path):
    (tmp_path / "å.csv").write_text("größe\n1\n", encoding="utf-8")
    assert contents(tmp_path / "å.csv") == (("größe",), [[1]])


def test_a_column_turns_into_text_however_late(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x\n" + "1\n" * 1_000_000 + "oops\n")
    error = refusal(path)
    assert str(error) == (
        "column 'x' row 1000001 is 'oops'; most of the column is numbers. "
        "Mend or drop the row, or leave the column out."
    )


EVERY = "every line needs the same number."
NO_TEXT = "{path} is not text in UTF-8; save it as CSV in UTF-8."
NO_ARRAY = "{path} is not a whole NPY file with an array of numbers; write it with numpy.save."
KINDS = "likely reads .csv, .tsv, .txt, .parquet, .arrow, .feather or .npy."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "{path} is empty."),
        ("a.csv", b" \n\n", "{path} is empty."),
        ("a.txt", b"", "{path} is empty."),
        ("a.csv", b"x,y\n", "{path} has a header but no rows."),
        ("a.csv", b"x,y", "{path} has a header but no rows."),
        ("a.txt", b"x y\n", "{path} has a header but no rows."),
        ("a.csv", b"x,y\n1,2\n\n3\n", "{path} line 4 has 1 value, the first line has 2; " + EVERY),
        ("a.csv", b"x\n1\n2,3\n", "{path} line 3 has 2 values, the first line has 1; " + EVERY),
        ("a.txt", b"x  y\n1  2\n3\n", "{path} line 3 has 1 value, the first line has 2; " + EVERY),
        ("a.csv", b"x,x\n1,2\n", "two columns are called 'x'; rename one."),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0", NO_TEXT),
        ("a.csv", "x,y\n1,2\n".encode("utf-16"), NO_TEXT),
        ("a.csv", "name\nJörg\n".encode("latin-1"), NO_TEXT),
        ("a.csv", b"name\n" + b"Jo\n" * 30_000 + "Jörg\n".encode("latin-1"), NO_TEXT),
        ("a.parquet", b"PAR1",
         "{path} is not a whole Parquet file: Parquet file size is 4 bytes, "
         "smaller than the minimum file footer (8 bytes)"),
        ("a.arrow", b"ARROW",
         "{path} is not a whole Arrow file: Expected to read 1330795073 metadata bytes, but only read 1"),
        ("a.npy", b"\x93NUMPY", NO_ARRAY),
        ("a.npy", b"", NO_ARRAY),
        ("a.xlsx", b"PK", "cannot read {path}: its name ends in '.xlsx'; " + KINDS),
        ("data", b"1", "cannot read {path}: its name has no ending; " + KINDS),
    ],
    ids=range(20),
)  # fmt: skip
def test_files_that_are_no_table_are_explained(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    assert str(refusal(path)) == message.format(path=repr(str(path)))


def test_a_file_error_carries_its_path(tmp_path):
    path = str(tmp_path / "none.csv")
    assert refusal(path).path == path


def test_a_file_that_is_not_there_is_met_with_the_nearest_name(tmp_path):
    (tmp_path / "faithful.csv").write_text("x\n1\n")
    wrong = tmp_path / "faithfull.csv"
    assert str(refusal(wrong)) == f"there is no file '{wrong}'; did you mean '{tmp_path / 'faithful.csv'}'?"
    other = tmp_path / "quakes.csv"
    assert str(refusal(other)) == f"there is no file '{other}'."
    deep = tmp_path / "none" / "faithful.csv"
    assert str(refusal(deep)) == f"there is no file '{deep}', nor a folder '{tmp_path / 'none'}'."


def test_a_file_in_the_current_folder_is_suggested_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faithful.csv").write_text("x\n1\n")
    assert str(refusal("fathful.csv")) == "there is no file 'fathful.csv'; did you mean 'faithful.csv'?"


def test_a_folder_and_a_pattern_without_a_match_are_explained(tmp_path):
    pattern = tmp_path / "*.csv"
    assert str(refusal(tmp_path)) == f"'{tmp_path}' is a folder; name a file in it, or several as in '{pattern}'."
    assert str(refusal(pattern)) == f"no file matches '{pattern}'."


def test_a_file_that_may_not_be_read_is_explained(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")

    def denied(*_args, **_named):  # what the system says to anyone but the superuser
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(builtins, "open", denied)
    assert str(refusal(path)) == f"cannot read '{path}': Permission denied."


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "a[1].csv").write_text("x\n1\n")
    (tmp_path / "a1.csv").write_text("x\n2\n")
    assert contents(tmp_path / "a[1].csv") == (("x",), [[1]])


# -- Parquet, Arrow, NPY --------------------------------------------------------------------------------------------


def test_row_groups_and_compression_change_nothing(tmp_path):
    rng = np.random.default_rng(0)
    words = np.array(["z", "a", "m", "b"])[rng.integers(0, 4, 1000)]
    data = {"Solar.R": rng.normal(size=1000), "Solar": rng.integers(0, 99, 1000), "word": words, "up": words > "c"}
    expected = None
    for size, options in ((1000, {}), (7, {"compression": "zstd"}), (333, {"use_dictionary": False})):
        pq.write_table(pa.table(data), tmp_path / "a.parquet", row_group_size=size, **options)
        found = contents(tmp_path / "a.parquet")
        expected = expected or found
        assert found == expected
    names, x = expected
    codes = np.searchsorted(["a", "b", "m", "z"], words)
    assert names == ("Solar.R", "Solar", "word", "up")
    assert np.array_equal(x, np.column_stack([data["Solar.R"], data["Solar"], codes, data["up"]]))


def test_dictionaries_that_differ_between_row_groups_agree_in_the_table(tmp_path):
    groups = [["a", "b"], ["z", "a"], [None, "b"]]
    with pq.ParquetWriter(tmp_path / "a.parquet", pa.schema([("s", pa.dictionary(pa.int8(), pa.string()))])) as writer:
        for words in groups:
            writer.write_table(pa.table({"s": pa.array(words).dictionary_encode()}).cast(writer.schema))
    columns = columns_in(tmp_path / "a.parquet")
    cells = columns.cells(0).settled()
    assert [None if c < 0 else cells.texts[c] for c in cells.codes] == ["a", "b", "z", "a", None, "b"]


def test_a_place_in_a_later_row_group_is_found(tmp_path):
    pq.write_table(
        pa.table({"x": [1, 2, 3, 2**53 + 1], "y": [1.0, None, 3.0, np.inf]}), tmp_path / "a.parquet", row_group_size=2
    )
    columns = columns_in(tmp_path / "a.parquet")
    with pytest.raises(DataError) as caught:
        columns.matrix([0])
    assert (caught.value.column, caught.value.row, caught.value.value) == ("x", 4, 2**53 + 1)
    with pytest.raises(DataError) as caught:
        columns.matrix([1])
    assert (caught.value.column, caught.value.row, caught.value.value) == ("y", 4, np.inf)


def test_decimals_and_float32_of_parquet_are_read(tmp_path):
    table = pa.table({"d": [Decimal("1.00"), Decimal(2)], "f": pa.array([0.5, 2], pa.float32())})
    pq.write_table(table, tmp_path / "a.parquet")
    assert contents(tmp_path / "a.parquet")[1] == [[1, 0.5], [2, 2]]


def test_only_the_columns_that_are_wanted_are_read(tmp_path):
    pq.write_table(pa.table({"x": [1], "list": [[1, 2]], "n": pa.nulls(1)}), tmp_path / "a.parquet")
    columns = columns_in(tmp_path / "a.parquet")
    assert [c.numeric() for c in columns.items] == [True, False, False]
    assert columns.matrix([0]).x.tolist() == [[1]]


def test_a_parquet_file_without_row_groups_has_no_rows(tmp_path):
    pq.ParquetWriter(tmp_path / "a.parquet", pa.schema([("x", pa.float64())])).close()
    columns = columns_in(tmp_path / "a.parquet")
    assert (columns.n, columns.names, columns.matrix([0]).x.shape) == (0, ("x",), (0, 1))


def test_a_parquet_file_cut_off_within_is_explained(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": np.arange(1000.0)}), path)
    path.write_bytes(path.read_bytes()[:-100])
    assert str(refusal(path)).startswith(f"'{path}' is not a whole Parquet file: ")


def test_arrow_files_and_streams_are_read(tmp_path):
    table = pa.table({"x": [1, 2], "s": ["b", "a"]})
    with pa.ipc.new_file(tmp_path / "file.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    with pa.ipc.new_stream(tmp_path / "stream.arrow", table.schema) as writer:
        writer.write_table(table)
    for name in ("file.arrow", "stream.arrow"):
        assert contents(tmp_path / name) == (("x", "s"), [[1, 1], [2, 0]])


def test_npy_files_are_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 4]], np.float32, order="F"))
    assert contents(tmp_path / "a.npy") == ((), [[1, 2], [3, 4]])


def test_reading_parquet_holds_little_more_than_the_table(tmp_path):
    rows, groups = 50_000, 20  # 8 MB a row group, 160 MB in all, of which 8 MB are wanted
    block = pa.table({f"x{j}": np.random.default_rng(j).random(rows) for j in range(20)})
    with pq.ParquetWriter(
        tmp_path / "a.parquet", block.schema, use_dictionary=False, compression="none", write_statistics=False
    ) as writer:
        for _ in range(groups):
            writer.write_table(block)
    script = (
        "import resource, sys; from likely.io.files import columns_in\n"
        "import pyarrow.parquet, narwhals\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "x = columns_in(sys.argv[1]).matrix([3]).x\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(x.shape[0], grown // (1024 if sys.platform == 'linux' else 1024**2))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.parquet")], capture_output=True, text=True, check=True
    )
    n, megabytes = map(int, done.stdout.split())
    assert n == rows * groups
    assert megabytes < 160


# -- out ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_table_that_was_written_reads_back_to_the_last_bit(tmp_path, name):
    rng = np.random.default_rng(1)
    columns = {"p 1": rng.normal(size=50) * 10.0 ** rng.integers(-300, 300, 50), "component": rng.integers(0, 9, 50)}
    write_table(tmp_path / name, columns)
    names, x = contents(tmp_path / name)
    assert names == ("p 1", "component")
    assert np.array_equal(x, np.column_stack(list(columns.values())))


def test_csv_is_written_plainly_and_quoted_only_where_it_must_be(tmp_path):
    write_table(tmp_path / "a.csv", {"label": np.array(["up", "down"]), "p": [0.1, 1], "sure": [True, False]})
    assert (tmp_path / "a.csv").read_text() == "label,p,sure\nup,0.1,true\ndown,1,false\n"
    write_table(tmp_path / "a.csv", {"label, long": ["up, up", "down"]})
    assert (tmp_path / "a.csv").read_text() == '"label, long"\n"up, up"\n"down"\n'


def test_writing_replaces_a_file_through_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_table(tmp_path / "link.csv", {"x": [1]})
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "x\n1\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.csv", "real.csv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.xlsx", "cannot write {path}: its name ends in '.xlsx'; tables are written as .csv or .parquet."),
        ("out", "cannot write {path}: its name has no ending; tables are written as .csv or .parquet."),
        ("none/out.csv", "cannot write {path}: there is no folder {folder}; make it first."),
        ("taken.csv", "cannot write {path}: it is a folder; name a file in it."),
    ],
)
def test_a_place_that_cannot_be_written_is_explained(tmp_path, name, message):
    (tmp_path / "taken.csv").mkdir()
    path = tmp_path / name
    with pytest.raises(FileError) as caught:
        write_table(path, {"x": [1]})
    assert str(caught.value) == message.format(path=repr(str(path)), folder=repr(str(path.parent)))
    assert caught.value.path == str(path)
    assert [p.name for p in tmp_path.iterdir()] == ["taken.csv"]


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, name, monkeypatch):
    (tmp_path / name).write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError) as caught:
        write_table(tmp_path / name, {"x": [1]})
    assert str(caught.value) == f"cannot write '{tmp_path / name}': No space left on device."
    assert (tmp_path / name).read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_an_interruption_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "out.csv").write_text("old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_table(tmp_path / "out.csv", {"x": [1]})
    assert (tmp_path / "out.csv").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_a_file_that_was_written_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    write_table(tmp_path / "out.csv", {"x": [1]})
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_importing_the_readers_imports_no_frame_library():
    script = (
        "import sys, likely.io.tables, likely.io.store; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'narwhals', 'pyarrow', 'pandas', 'polars'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
