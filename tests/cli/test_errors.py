"""Whatever cannot be used is one line on stderr that says where and what to do; nothing is written."""

import json

import pytest

COLUMN = "a\n1\n2\n4\n"

# (content of a.csv, further arguments of `likely fit a.csv`, the line)
BAD_DATA = {
    "an empty file": ("", ["Normal()"], "'a.csv' is empty."),
    "a header alone": ("a,b\n", ["Normal()"], "'a.csv' has a header but no rows."),
    "no column of numbers": (
        "a,b\nx,y\nz,w\n",
        ["Normal()"],
        "the data has no column of numbers (its columns: a, b), and Normal() needs one. "
        "For text, use a family such as Categorical().",
    ),
    "a misspelt column": (
        "eruptions,waiting\n1,2\n3,4\n",
        ["Normal()", "--columns", "wating"],
        "there is no column 'wating'; did you mean 'waiting'? The columns are eruptions, waiting.",
    ),
    "text among numbers": (
        "a\n1\nx\n3\n4\n",
        ["Normal()"],
        "column 'a' row 2 is 'x'; most of the column is numbers. Mend or drop the row, or leave the column out.",
    ),
    "a value outside the support": (
        "a\n1\n-3\n2\n",
        ["Poisson()"],
        "column 'a' row 2 is -3; Poisson() needs counts 0, 1, 2, ... Drop the row, or use a family that allows it.",
    ),
    "an infinity": (
        "a\n1\ninf\n2\n",
        ["Normal()"],
        "column 'a' row 2 is inf; finite numbers are needed. Mend or drop the row.",
    ),
    "a negative weight": (
        "a,w\n1,1\n2,-1\n3,1\n",
        ["Normal()", "--weights", "w"],
        "weights column 'w' row 2 is -1; a weight is a finite number, 0 or above. Use 0 to leave a row out.",
    ),
    "weights that are all zero": (
        "a,w\n1,0\n2,0\n3,0\n",
        ["Normal()", "--weights", "w"],
        "weights column 'w': all 3 are 0; at least one row must count.",
    ),
    "more components than distinct rows": (
        "a\n1\n1\n2\n2\n",
        ["Mixture(Normal(), 3)"],
        "3 components, but the data has only 2 distinct rows; ask for at most 2.",
    ),
    "lines of different lengths": (
        "a,b\n1,2\n3\n",
        ["MultivariateNormal()"],
        "'a.csv' line 3 has 1 value, the first line has 2; every line needs the same number.",
    ),
    "several columns for a family of one": (
        "a,b\n1,2\n3,4\n",
        ["Normal()"],
        "Normal describes one column; the data has 2 columns (a, b). Name one with columns=..., or repeat it over all "
        "of them with Independent(Normal()), or join numeric ones with MultivariateNormal().",
    ),
    "no starts": (COLUMN, ["Normal()", "--starts", "0"], "starts=0; at least one start is needed."),
    "a criterion without a choice": (
        COLUMN,
        ["Normal()", "--by", "aic"],
        "--by aic decides between candidates, but Normal() has no choose(...); leave --by out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_DATA)
def test_data_that_cannot_be_used_is_one_line_and_exit_code_2(likely, what):
    content, arguments, line = BAD_DATA[what]
    likely.write("a.csv", content)
    likely("fit", "a.csv", *arguments)
    assert (2, "", f"likely: {line}\n") == (likely.code, likely.out, likely.err)


def test_a_missing_file_is_named_and_a_similar_one_suggested(likely):
    likely.write("faithful.csv", COLUMN)
    likely("fit", "faithfull.csv", "Normal()")
    line = "likely: there is no file 'faithfull.csv'; did you mean 'faithful.csv'?\n"
    assert (2, "", line) == (likely.code, likely.out, likely.err)


# (model, what is wrong, position of the mark in the shown text)
BAD_NOTATION = [
    ("Mixture(Norml(), 3)", "there is no 'Norml'; did you mean Normal?", 8),
    ("Mixture(Normal(), 3", "'(' was never closed", 7),
    ("Normal", "Normal needs parentheses: Normal()", 0),
    ("Normal(mean=1 variance=2)", "something is missing or too much here (a comma or a parenthesis?)", 12),
    ("Normal(mean=open('x'))", "there is no 'open'; the names are", 12),
]


@pytest.mark.parametrize(("model", "what", "position"), BAD_NOTATION)
def test_a_model_that_cannot_be_read_is_shown_with_the_place_marked(likely, model, what, position):
    likely.write("a.csv", COLUMN)
    likely("fit", "a.csv", model)
    first, shown, mark = likely.err.splitlines()
    assert first.startswith(f"likely: cannot read the model: {what}")
    assert (2, "", f"  {model}", f"  {' ' * position}^") == (likely.code, likely.out, shown, mark)


def test_an_unknown_slot_is_named(likely):
    likely.write("a.csv", COLUMN)
    likely("fit", "a.csv", "Normal(men=3)")
    assert (likely.code, likely.err) == (2, "likely: Normal has no slot for men=; its slots are mean, variance.\n")


def saved(line, change):
    shell, name = line
    text = (shell.folder / name).read_text()
    return shell, shell.write("changed.json", change(text))


def test_a_truncated_fit_is_refused(line):
    likely, name = saved(line, lambda text: "\n".join(text.splitlines()[:4]))
    likely("show", name)
    text = "likely: 'changed.json' is not a whole likely file: it ends at line 4. Save the fit again.\n"
    assert (2, "", text) == (likely.code, likely.out, likely.err)


def test_a_fit_of_a_newer_version_is_refused(line):
    likely, name = saved(line, lambda text: json.dumps({**json.loads(text), "version": 99}))
    likely("predict", name, "a.csv")
    text = (
        "likely: 'changed.json' was written by a newer likely (format 99; this one reads up to 1); "
        "upgrade with pip install --upgrade likely.\n"
    )
    assert (2, "", text) == (likely.code, likely.out, likely.err)


@pytest.mark.parametrize("content", ["{}", "[1, 2]", "a,b\n1,2\n"])
def test_a_file_that_is_no_fit_is_refused(likely, content):
    likely.write("other.json", content)
    likely("show", "other.json")
    text = "likely: 'other.json' is not a likely file; give one that fit.save wrote.\n"
    assert (2, "", text) == (likely.code, likely.out, likely.err)


def test_a_missing_fit_is_refused(likely):
    assert likely("show", "fit.json").err == "likely: there is no file 'fit.json'.\n"
    assert likely.code == 2


def test_new_data_without_the_columns_of_the_fit_are_refused(line):
    likely, name = line
    likely.write("new.csv", "b,c\n1,2\n")
    likely("predict", name, "new.csv")
    assert (likely.code, likely.err) == (2, "likely: there is no column 'a'. The columns are b, c.\n")


# (arguments after `fit a.csv Normal()`, the line)
BAD_OUTPUT = [
    (["--plot", "new/fit.png"], "cannot write 'new/fit.png': there is no folder 'new'; make it first."),
    (["--plot", "fit.gif"], "cannot write 'fit.gif': its name ends in '.gif'; it must end in .png, .svg or .pdf."),
    (["--plot", "fit"], "cannot write 'fit': its name has no ending; it must end in .png, .svg or .pdf."),
    (["--save", "fit.pickle"], "cannot write 'fit.pickle': its name ends in '.pickle'; it must end in .json."),
    (["--save", "folder.json"], "cannot write 'folder.json': it is a folder; name a file in it."),
]


@pytest.mark.parametrize(("options", "line"), BAD_OUTPUT)
def test_outputs_are_checked_before_anything_is_read(likely, options, line):
    (likely.folder / "folder.json").mkdir()
    likely("fit", "missing.csv", "Normal()", *options)
    assert (2, "", f"likely: {line}\n") == (likely.code, likely.out, likely.err)


@pytest.mark.parametrize("verb", ["predict", "sample", "demo"])
def test_every_verb_checks_its_output_first(likely, verb):
    before = {"predict": ["missing.json", "missing.csv"], "sample": ["Normal("], "demo": []}[verb]
    ending = "png" if verb == "demo" else "csv"
    likely(verb, *before, "--out", f"new/out.{ending}")
    line = f"likely: cannot write 'new/out.{ending}': there is no folder 'new'; make it first.\n"
    assert (2, "", line) == (likely.code, likely.out, likely.err)


def test_a_folder_that_takes_no_files_is_refused(likely, monkeypatch):
    def full(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    likely("fit", "missing.csv", "Normal()", "--save", "fit.json")
    assert likely.err == "likely: cannot write 'fit.json': Read-only file system; name another folder.\n"
    assert likely.code == 2


@pytest.mark.parametrize(
    ("content", "model", "code"), [("a\n1\n-3\n2\n", "Poisson()", 2), ("a\n1\n1\n2\n", "Mixture(Normal(), 2)", 1)]
)
def test_existing_files_are_left_as_they_were_on_an_error(likely, content, model, code):
    likely.write("a.csv", content)
    likely.write("fit.json", "precious")
    likely.write("fit.png", "precious")
    before = likely.files()
    likely("fit", "a.csv", model, "--save", "fit.json", "--plot", "fit.png")
    assert (code, before) == (likely.code, likely.files())


def test_a_fit_without_a_maximum_is_exit_code_1(likely):
    likely.write("a.csv", "a\n1\n1\n2\n2\n")
    likely("fit", "a.csv", "Mixture(Normal(), 2)")
    assert likely.err.startswith("likely: every one of the 20 starts collapsed: ")
    assert (likely.code, likely.out, likely.err.count("\n")) == (1, "", 1)


def test_a_constant_column_is_named_with_the_cure(likely):
    likely.write("a.csv", "a\n7\n7\n7\n")
    likely("fit", "a.csv", "Normal()")
    line = (
        "likely: column 'a' is constant (7 in all 3 rows): the likelihood grows without bound as the variance falls to "
        "0. Leave the column out, or give the variance a value or a prior.\n"
    )
    assert (2, "", line) == (likely.code, likely.out, likely.err)


# (arguments, the line)
BAD_USAGE = [
    (["fit"], "Missing argument 'FILE'. See `likely fit --help`."),
    (["fit", "a.csv"], "Missing argument 'MODEL'. See `likely fit --help`."),
    (["fit", "a.csv", "m", "--by", "x"], "'--by': 'x' is not one of 'bic', 'aic', 'icl'. See `likely fit --help`."),
    (["fit", "a.csv", "m", "--starts", "x"], "'--starts': 'x' is not a whole number. See `likely fit --help`."),
    (["fit", "a.csv", "m", "--tol", "x"], "'--tol': 'x' is not a number. See `likely fit --help`."),
    (["sample", "m", "-n", "0"], "'-n': 0 is not in the range x>=1. See `likely sample --help`."),
    (["sample", "m", "-n", "x"], "'-n': 'x' is not a whole number. See `likely sample --help`."),
]


@pytest.mark.parametrize(("arguments", "line"), BAD_USAGE)
def test_wrong_usage_is_one_line_too(likely, arguments, line):
    likely(*arguments)
    assert (2, "", f"likely: {line}\n") == (likely.code, likely.out, likely.err)


@pytest.mark.parametrize(
    ("arguments", "meant"), [(["ft"], "'fit'"), (["fit", "a.csv", "m", "--colums", "a"], "'--columns'")]
)
def test_a_mistyped_verb_or_option_gets_a_suggestion(likely, arguments, meant):
    likely(*arguments)
    assert meant in likely.err
    assert (likely.code, likely.err.count("\n")) == (2, 1)


def test_an_open_model_cannot_be_sampled(likely):
    line = "likely: Normal() still has open slots (mean, variance); fit it to data first: likely.fit(model, data).\n"
    assert line == likely("sample", "Normal()").err
    assert likely.code == 2


@pytest.mark.parametrize(
    "arguments", [["--debug", "fit", "x.csv", "Normal()"], ["fit", "x.csv", "Normal()", "--debug"]]
)
def test_debug_shows_where_an_error_came_from(likely, arguments):
    likely(*arguments)
    assert likely.err.startswith("Traceback (most recent call last):")
    assert likely.err.endswith("\nlikely: there is no file 'x.csv'.\n")
    assert likely.code == 2


def test_a_bug_is_called_a_bug(likely, monkeypatch):
    def broken(_path):
        raise RuntimeError("boom\nand more")

    monkeypatch.setattr("likely.cli.show.load", broken)
    line = "likely: unexpected RuntimeError: boom. This is a bug; rerun with --debug to see where.\n"
    assert (70, line) == (likely("show", "fit.json").code, likely.err)


def test_an_unreadable_place_is_named(likely, monkeypatch):
    def full(_path):
        raise OSError(28, "No space left on device", "fit.json")

    monkeypatch.setattr("likely.cli.show.load", full)
    line = "likely: cannot read or write 'fit.json': No space left on device.\n"
    assert (2, line) == (likely("show", "fit.json").code, likely.err)
