"""A line while a fit runs, and nothing that stays."""

import io
import re
from contextlib import redirect_stderr
from types import SimpleNamespace

import pytest

import likely as lk
from likely.faces import progress
from likely.faces.progress import progress_line, say
from likely.numerics.notices import notify

STEP = SimpleNamespace(kind="start", passes=1, objective=-12.5, gain_left=None)
LATER = SimpleNamespace(kind="em", passes=7, objective=-10.25, gain_left=0.125)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(progress._Live, "every", 0.0)
    return Terminal()


def shown(enabled, screen, steps=(STEP, LATER)):
    with redirect_stderr(screen), progress_line(enabled) as watch:
        for step in steps:
            watch(step)
    return screen.getvalue()


@pytest.mark.parametrize("enabled", [None, False])
def test_silent_where_nobody_looks(enabled):
    assert shown(enabled, io.StringIO()) == ""


def test_false_silences_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    assert shown(False, terminal) == ""


def test_short_work_stays_silent_on_a_terminal(terminal):
    assert shown(None, terminal) == ""


def test_long_work_shows_one_line_that_is_cleared(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    text = shown(None, terminal)
    assert "fitting: pass 1, objective -12.5000, " in text
    assert "fitting: pass 7, objective -10.2500, about 0.12 to gain, " in text
    assert "\x1b[2K" in text.rsplit("fitting", 1)[1]  # the line is erased after its last update


def test_the_line_goes_also_when_the_work_fails(terminal):
    def fail():
        with redirect_stderr(terminal), progress_line(True) as watch:
            watch(STEP)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert "\x1b[2K" in terminal.getvalue()
    assert "\x1b[?25h" in terminal.getvalue()  # the cursor is back


def test_true_writes_lines_into_a_file():
    text = shown(True, io.StringIO())
    assert re.fullmatch(r"fitting: pass 1, objective -12\.5000, \d\.\d s\n", text)  # the next is due two seconds later


def test_starts_are_counted(terminal):
    text = shown(True, terminal, (STEP, LATER, STEP, LATER, STEP))
    assert "fitting: 3 starts, pass 1, objective -12.5000" in text


def test_no_standard_error_at_all():
    with redirect_stderr(None), progress_line(True) as watch:
        watch(STEP)


@pytest.mark.parametrize("screen", [Terminal(), io.StringIO()])
def test_a_step_that_is_not_due_to_be_shown_makes_no_text(screen, monkeypatch):
    def made(*_):
        raise AssertionError("a text was made that nobody sees")

    monkeypatch.setattr(progress, "progress_text", made)
    monkeypatch.setattr(progress, "PATIENCE", 1e9)
    with redirect_stderr(screen), progress_line() as watch:
        for _ in range(3):
            watch(LATER)


def test_a_fit_reports_its_passes():
    out = io.StringIO()
    with redirect_stderr(out):
        lk.fit(lk.Mixture(lk.Normal(variance=1), 2), [0.0, 1.0, 5.0, 6.0], progress=True, starts=1)
    assert out.getvalue().startswith("fitting: pass 1, objective -")


def test_compiling_is_said_at_once_and_once_in_a_log():
    log = io.StringIO()
    with redirect_stderr(log), progress_line(True) as watch:
        notify()
        notify()
        watch(STEP)
    assert re.fullmatch(
        r"compiling, once on this machine: later runs begin at once, \d\.\d s\nfitting: .*\n", log.getvalue()
    )


def test_compiling_is_said_on_a_terminal_without_patience(terminal):
    with redirect_stderr(terminal), progress_line(None):
        notify()
    assert "compiling, once on this machine" in terminal.getvalue()
    notify()  # nobody listens any more


def test_of_several_fits_it_is_said_which_one_runs(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress._Log, "every", 0.0)
    with redirect_stderr(screen), progress_line(True) as watch:
        for i in (1, 2):
            say(watch, f"candidate {i} of 2, without fold 3")
            watch(STEP)
    starts = [line.split(": pass")[0] for line in screen.getvalue().splitlines()]
    assert starts == [f"fitting candidate {i} of 2, without fold 3" for i in (1, 2)]


def test_nothing_is_said_where_nobody_looks():
    screen = Terminal()
    with redirect_stderr(screen), progress_line(False) as watch:
        say(watch, "candidate 1 of 2")
        watch(STEP)
    assert screen.getvalue() == ""
