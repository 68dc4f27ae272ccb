"""Pictures: which there are, what stands in them, and how they become files."""

import dataclasses
import os
import subprocess
import sys
import threading

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from pictures import on_paper

import likely as lk
from likely.errors import DataError, FileError, ModelError
from likely.faces.plots import plot, save_figure

X = np.r_[np.random.default_rng(0).normal(0, 1, 40), np.random.default_rng(1).normal(7, 1, 60)]


@pytest.fixture(scope="module")
def one_column():
    return lk.fit(lk.Mixture(lk.Normal(), 2), {"size": X})


@pytest.fixture(scope="module")
def three_columns():
    table = {"size": X, "age": X[::-1], "weight": X + np.random.default_rng(2).normal(size=100)}
    return lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), table)


def test_each_fit_has_a_picture_of_its_own(one_column, three_columns):
    assert plot(one_column, ax=on_paper()).get_ylabel() == "density"
    ax = plot(three_columns, ax=on_paper())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("size", "age")


def test_it_draws_where_it_is_told(one_column):
    ax = on_paper()
    assert one_column.plot(ax=ax) is ax
    assert one_column.plot("trace", ax=on_paper()).get_title("left") == "Log-likelihood at every pass of the best start"


def test_without_axes_it_makes_a_figure(one_column):
    made = []
    thread = threading.Thread(target=lambda: made.append(plot(one_column)))
    thread.start()
    thread.join()
    assert isinstance(made[0], Axes)
    assert type(made[0].figure.canvas) is FigureCanvasAgg


@pytest.mark.parametrize(("imports", "managed"), [("", 0), ("import matplotlib.pyplot as plt", 1)])
def test_pyplot_keeps_the_figure_only_where_it_is_in_use(imports, managed):
    code = f"""
import sys, matplotlib
matplotlib.use("agg")
{imports}
import likely as lk
lk.fit(lk.Normal(), [1.0, 2.0, 4.0]).plot().figure.canvas.draw()
pyplot = sys.modules.get("matplotlib.pyplot")
sys.exit(0 if len(pyplot.get_fignums() if pyplot else []) == {managed} else 1)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_global_settings_stay_as_they_are(one_column):
    before = dict(mpl.rcParams)
    plot(one_column, ax=on_paper()).figure.canvas.draw()
    assert dict(mpl.rcParams) == before


def test_columns_choose_the_scatter(three_columns):
    ax = plot(three_columns, ax=on_paper(), columns=("weight", "size"))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "size")
    ax = three_columns.plot(ax=on_paper(), columns=(2, 1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "age")


def message(error, *args, **named):
    with pytest.raises(error) as e:
        plot(*args, **named)
    return str(e.value)


def test_kinds_that_do_not_fit_say_which_do(one_column, three_columns):
    closed = lk.fit(lk.Normal(), X)
    assert message(ModelError, three_columns, "density") == (
        "plot('density') of this fit: a density is drawn for one column, and this fit has 3; it has 'scatter', "
        "'trace', 'profile' or 'surface'."
    )
    of_one = "it has 'density', 'trace', 'panel', 'profile' or 'surface'."
    assert message(ModelError, one_column, "scatter") == (
        f"plot('scatter') of this fit: a scatter needs two columns of numbers, and this fit has 1; {of_one}"
    )
    assert message(ModelError, one_column, "regression") == (
        f"plot('regression') of this fit: it draws one column against one covariate, and this fit has 1 and 0; {of_one}"
    )
    of_closed = "it has 'density', 'panel', 'profile' or 'surface'."
    assert message(ModelError, closed, "trace") == (
        f"plot('trace') of this fit: it took one pass, so there is nothing to trace; {of_closed}"
    )
    assert message(ModelError, closed, "selection") == (
        f"plot('selection') of this fit: nothing was chosen; a choose(...) in the model makes candidates; {of_closed}"
    )
    assert message(ModelError, closed, "pie") == (
        "plot('pie'): the kinds are 'states', 'density', 'scatter', 'regression', 'trace', 'selection', 'transition', "
        f"'residuals', 'panel', 'posterior', 'profile', 'surface'; of this fit, {of_closed}"
    )


def test_options_of_another_kind_are_refused(one_column):
    assert message(ModelError, one_column, "trace", x="weights[0]") == (
        "plot('trace', x='weights[0]'): x=... names a number of a profile or a surface."
    )
    assert message(ModelError, one_column, "profile", y="weights[0]") == (
        "plot('profile', y='weights[0]'): y=... names the second number of a surface."
    )
    assert message(ModelError, one_column, "density", limits=((0, 1), (0, 1))) == (
        "plot('density', limits=((0, 1), (0, 1))): limits=... are those of a surface."
    )
    path = lk.Path()
    assert message(ModelError, one_column, "density", path=path) == (
        "plot('density', path=Path()): path=... is drawn on a surface."
    )


def test_options_alone_tell_the_kind(one_column):
    ax = plot(one_column, ax=on_paper(), x="component.mean[0]")
    assert ax.get_ylabel() == "profile log-likelihood, relative to its maximum"
    ax = plot(one_column, ax=on_paper(), x="component.mean[0]", y="component.mean[1]")
    assert ax.get_ylabel() == "component.mean[1] (size)"


def test_a_loaded_fit_has_no_data_to_draw(one_column):
    loaded = dataclasses.replace(one_column, data=None)
    for kind in ("density", "panel", "profile", "surface"):
        assert message(ModelError, loaded, kind) == (
            f"plot({kind!r}) of this fit: it needs the data of the fit, which a loaded fit does not carry; "
            "it has 'trace'."
        )
    assert plot(loaded, ax=on_paper()).get_xlabel() == "pass over the data"


def test_a_fit_without_a_picture_of_its_own_says_why():
    rng = np.random.default_rng(0)
    fit = lk.fit(lk.LinearGaussian(), rng.normal(size=20), given=rng.normal(size=(20, 2)))
    why = (
        "this fit has no picture (density: its density differs from row to row with the covariates; scatter: a scatter "
        "needs two columns of numbers, and this fit has 1; regression: it draws one column against one covariate, and "
        "this fit has 1 and 2; trace: it took one pass, so there is nothing to trace; selection: nothing was chosen; "
        "a choose(...) in the model makes candidates)."
    )
    assert message(ModelError, fit) == f"{why} By name, it has 'profile' or 'surface'."


def test_columns_that_are_not_there(one_column, three_columns):
    assert message(DataError, three_columns, columns=("size", "wieght")) == (
        "there is no column 'wieght'; did you mean 'weight'? The columns are size, age, weight."
    )
    assert message(ModelError, three_columns, columns=("size",)) == (
        "plot(columns=('size',)): a scatter needs two columns of numbers; there are size, age, weight."
    )
    assert message(ModelError, one_column, "density", columns=("size", "size")) == (
        "plot('density', columns=('size', 'size')): columns=... chooses the two columns of a scatter."
    )


@pytest.mark.parametrize(
    ("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_pictures_are_files_of_the_kind_their_name_says(one_column, tmp_path, ending, magic):
    path = tmp_path / f"fit.{ending}"
    save_figure(plot(one_column, ax=on_paper()), path)
    assert path.read_bytes().startswith(magic)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["fit.bmp", "fit"])
def test_other_endings_are_named(tmp_path, name):
    path = str(tmp_path / name)
    with pytest.raises(FileError) as e:
        save_figure(on_paper(), path)
    assert str(e.value) == f"cannot write {path!r}: a picture's name ends in .png, .svg or .pdf."
    assert e.value.path == path
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written(tmp_path):
    path = str(tmp_path / "nowhere" / "fit.png")
    with pytest.raises(FileError) as e:
        save_figure(on_paper(), path)
    folder = str(tmp_path / "nowhere")
    assert str(e.value) == f"cannot write {path!r}: there is no folder {folder!r}; make it first."


def test_an_unfinished_picture_leaves_the_old_one(one_column, tmp_path, monkeypatch):
    path = tmp_path / "fit.png"
    path.write_bytes(b"old")
    ax = plot(one_column, ax=on_paper())

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(ax.figure, "savefig", fail)
    with pytest.raises(KeyboardInterrupt):
        save_figure(ax, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["fit.png"]
