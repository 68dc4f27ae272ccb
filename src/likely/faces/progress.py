"""The progress line: what a fit is doing, in one line that is gone when it is over."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from likely.numerics.notices import when_compiling

if TYPE_CHECKING:
    from likely.em.loop import Step

PATIENCE = 0.5  # seconds of work before a line appears by itself: short fits stay silent
EVERY = 0.1  # seconds between updates on a terminal
EVERY_LOGGED = 2.0  # the same where lines cannot be taken back

Watch = Callable[["Step"], None]


@contextmanager
def progress_line(enabled: bool | None = None) -> Generator[Watch]:
    """Something to show every step to.

    Parameters
    ----------
    enabled : bool      None: on a terminal only, and only once the work takes long; True: in any case, at once (into a
                        file as a line every two seconds); False: never

    Yields
    ------
    callable      takes a Step; what it costs is nothing beside a pass over the data
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if sys.stderr is None or enabled is False or (enabled is None and not terminal):
        yield _silent
        return
    line = _Line(_Live() if terminal else _Log(), wait=0.0 if enabled else PATIENCE)
    try:
        with when_compiling(line.compiling):
            yield line
    finally:
        line.display.close()


def say(watch: Watch, text: str) -> None:
    """What is being fitted from now on, where a line shows it."""
    if isinstance(watch, _Line):
        watch.begin(text)


def _silent(_: Step) -> None:
    return None


class _Line:
    """Counts the starts and decides when to speak."""

    def __init__(self, display: _Live | _Log, wait: float):
        self.display, self.starts, self.compiled, self.about = display, 0, False, ""
        self.began = time.perf_counter()
        self.due = self.began + wait

    def begin(self, about: str) -> None:
        """Another of several fits."""
        self.about, self.starts = about, 0

    def __call__(self, step: Step) -> None:
        self.starts += step.kind == "start"
        now = time.perf_counter()
        if now >= self.due:
            self.due = now + self.display.every
            self.display.show(progress_text(step, self.starts, now - self.began, self.about))

    def compiling(self) -> None:
        """Said at once, since nothing else happens for seconds."""
        if not self.compiled or self.display.every == EVERY:
            seconds = time.perf_counter() - self.began
            self.display.show(f"compiling, once on this machine: later runs begin at once, {seconds:.1f} s")
        self.compiled = True


def progress_text(step: Step, starts: int, seconds: float, about: str = "") -> str:
    """One step in words.

    >>> from types import SimpleNamespace
    >>> progress_text(SimpleNamespace(passes=12, objective=-1130.26401, gain_left=0.0312), 3, 1.26)
    'fitting: 3 starts, pass 12, objective -1130.2640, about 0.031 to gain, 1.3 s'
    """
    parts = [f"{starts} starts"] if starts > 1 else []
    parts += [f"pass {step.passes}", f"objective {step.objective:.4f}"]
    parts += [f"about {step.gain_left:.2g} to gain"] if step.gain_left is not None else []
    return f"fitting{' ' * bool(about)}{about}: {', '.join(parts)}, {seconds:.1f} s"


class _Live:
    """One line of a terminal, written over and cleared at the end."""

    every = EVERY

    def __init__(self) -> None:
        self._live: Any = None

    def show(self, text: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            self._live = Live(console=Console(stderr=True), transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(Text(text, style="dim", no_wrap=True, overflow="ellipsis"), refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


class _Log:
    """Lines in a file or a notebook."""

    every = EVERY_LOGGED

    def show(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        return None
