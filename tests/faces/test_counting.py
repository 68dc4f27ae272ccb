"""A line that counts, and nothing that stays."""

import io
from contextlib import redirect_stderr

import pytest

from likely.faces import counting, progress
from likely.faces.counting import counting_line, counting_text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(enabled, screen):
    with redirect_stderr(screen), counting_line("bootstrap", 4, enabled) as tick:
        tick(1)
        tick(2, 1)
    return screen.getvalue()


@pytest.mark.parametrize("enabled", [None, False])
def test_silent_where_nobody_looks(enabled):
    assert shown(enabled, io.StringIO()) == ""


def test_short_work_stays_silent_on_a_terminal():
    assert shown(None, Terminal()) == ""


def test_long_work_counts_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(progress._Live, "every", 0.0)
    monkeypatch.setattr(counting, "PATIENCE", 0.0)
    text = shown(None, Terminal())
    assert "bootstrap: 1 of 4, " in text
    assert "bootstrap: 3 of 4, 1 failed, " in text


def test_a_file_gets_lines(monkeypatch):
    monkeypatch.setattr(progress._Log, "every", 0.0)
    lines = shown(True, io.StringIO()).splitlines()
    assert [line.split(", ")[0] for line in lines] == ["bootstrap: 1 of 4", "bootstrap: 3 of 4"]


def test_nothing_is_left_to_go_at_the_end():
    assert counting_text("jackknife", 50, 50, 0, 2.0) == "jackknife: 50 of 50, 2.0 s"
