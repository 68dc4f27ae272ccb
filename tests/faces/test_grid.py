"""Small tables of text."""

from likely.faces.components import number_grids
from likely.faces.entries import Entries, Entry, Place
from likely.faces.grid import Grid

GRID = Grid(("name", "first", "second"), (("a", "1", "20"), ("bcdef", "300", "4")))


def test_words_to_the_left_and_numbers_to_the_right():
    assert str(GRID) == "name   first  second\na          1      20\nbcdef    300       4"


def test_turned_tables_keep_every_cell():
    assert str(GRID.turned("thing")) == "thing    a  bcdef\nfirst    1    300\nsecond  20      4"


def test_folded_tables_repeat_the_first_column():
    assert [str(piece) for piece in GRID.fold(13)] == [
        "name   first\na          1\nbcdef    300",
        "name   second\na          20\nbcdef       4",
    ]
    assert GRID.fold(20) == [GRID]


def test_a_blank_header_is_left_out():
    grid = Grid(("", ""), (("a", "1"),))
    assert str(grid) == "a  1"
    assert grid.html() == (
        '<table><tbody><tr><td style="text-align:left">a</td><td style="text-align:right">1</td></tr></tbody></table>'
    )


def test_endless_tables_are_cut():
    found = Entries(several=True, numbers=[Entry(Place(), f"p of {i}", 0.5) for i in range(100)])
    ((heading, grid),) = number_grids(found)
    assert heading == ""
    assert len(grid.rows) == 41
    assert grid.rows[-1] == ("... and 60 more", "")
