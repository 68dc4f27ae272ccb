"""Compiled functions: no interpreter lock, threads from the engine, and a cache that knows when its sources changed."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from likely.numerics.notices import notify

try:
    import numba
    from numba.core import event
except KeyboardInterrupt:  # parts of it stay behind, and with them it cannot be imported any more
    for part in [name for name in sys.modules if name.partition(".")[0] == "numba"]:
        del sys.modules[part]
    raise


@cache
def cache_folder() -> str:
    """Where compiled code is kept between processes: one folder for each state of the sources in this package.

    Numba alone would look only at the file of the function itself, not at the kernels that it calls.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return str(Path(_base()) / "likely" / digest.hexdigest()[:16])


def _base() -> str:
    """The user's folder for caches; NUMBA_CACHE_DIR wins."""
    home = Path.home()
    if "NUMBA_CACHE_DIR" in os.environ:
        return os.environ["NUMBA_CACHE_DIR"]
    if sys.platform == "darwin":
        return str(home / "Library" / "Caches")
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
    return os.environ.get("XDG_CACHE_HOME", str(home / ".cache"))


def compiled(function: Callable[..., Any] | None = None, *, reorder: bool = False, inline: bool = False) -> Any:
    """Compile at the first call and keep the result; `reorder` lets sums run in whatever order is fastest.

    What is `inline` is compiled as a part of its callers alone. Numba would otherwise compile a large function twice:
    for itself, and once more within each that calls it.
    """
    if function is None:
        return lambda f: compiled(f, reorder=reorder, inline=inline)
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    fast = {"reassoc", "contract", "nsz"} if reorder else {"contract"}
    how = "always" if inline else "never"
    made = numba.njit(nogil=True, error_model="numpy", fastmath=fast, inline=how)(function)
    with in_cache_folder(), suppress(RuntimeError):  # nowhere to write: then every process compiles for itself
        made.enable_caching()
    return made


@contextmanager
def in_cache_folder() -> Generator[None]:
    """Inside, Numba keeps compiled code where this package does."""
    elsewhere = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = cache_folder()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        numba.config.CACHE_DIR = elsewhere  # type: ignore[attr-defined]


class _Notice(event.Listener):
    """Passes on that the compiling of a function begins."""

    def on_start(self, event: Any) -> None:
        notify()

    def on_end(self, event: Any) -> None:
        return None


event.register("numba:compile", _Notice())
