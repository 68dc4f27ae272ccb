"""Who wants to know when code is being compiled, which takes seconds at the first call ever."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

_listeners: list[Callable[[], None]] = []


@contextmanager
def when_compiling(tell: Callable[[], None]) -> Generator[None]:
    """Inside, `tell` is called whenever the compiling of a function begins."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


def notify() -> None:
    """The compiling of a function begins."""
    for tell in _listeners:
        tell()
