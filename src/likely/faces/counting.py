"""The progress line of work that is counted: refits of a bootstrap, profiles, folds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from likely.faces.progress import PATIENCE, _Live, _Log

Tick = Callable[[int, int], None]  # how many more are done, and how many of these failed


@contextmanager
def counting_line(what: str, total: int, enabled: bool | None = None) -> Generator[Tick]:
    """Something to tell how much is done.

    Parameters
    ----------
    what : str          begins the line, as in "bootstrap"
    total : int         how much there is to do
    enabled : bool      as for `progress_line`: None shows it on a terminal only, and only where the work takes long

    Yields
    ------
    callable      takes how many more are done, and how many of these failed
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if sys.stderr is None or enabled is False or (enabled is None and not terminal):
        yield _silent
        return
    counter = _Counter(what, total, _Live() if terminal else _Log(), wait=0.0 if enabled else PATIENCE)
    try:
        yield counter
    finally:
        counter.display.close()


def _silent(_: int, __: int = 0) -> None:
    return None


class _Counter:
    """Adds up and decides when to speak."""

    def __init__(self, what: str, total: int, display: _Live | _Log, wait: float):
        self.what, self.total, self.display = what, total, display
        self.done = self.failed = 0
        self.began = time.perf_counter()
        self.due = self.began + wait

    def __call__(self, done: int, failed: int = 0) -> None:
        self.done, self.failed = self.done + done, self.failed + failed
        now = time.perf_counter()
        if now >= self.due:
            self.due = now + self.display.every
            self.display.show(counting_text(self.what, self.done, self.total, self.failed, now - self.began))


def counting_text(what: str, done: int, total: int, failed: int, seconds: float) -> str:
    """How far it is, in words.

    >>> counting_text("bootstrap", 300, 1000, 2, 1.26)
    'bootstrap: 300 of 1,000, 2 failed, 1.3 s, about 2.9 s to go'
    """
    parts = [f"{done:,} of {total:,}"] + ([f"{failed:,} failed"] if failed else []) + [f"{seconds:.1f} s"]
    left = seconds * (total - done) / done if done else 0.0
    return f"{what}: {', '.join(parts + ([f'about {left:.1f} s to go'] if left else []))}"
