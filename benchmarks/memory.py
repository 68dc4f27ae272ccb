"""Memory that a piece of work takes beyond its data, in a process of its own."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")  # Linux: writing 5 makes the peak begin anew


def peak_beyond(prepare: Callable[[], Any], work: Callable[[Any], Any]) -> float:
    """Megabytes by which the process's peak exceeds what it held when `work` began.

    What the system counts, so that the buffers of compiled code and of matrix libraries are in. The work is done twice:
    the first time loads libraries and kernels, and what it freed is given back before the second is watched.
    """
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(prepare, work, send))
    child.start()
    send.close()
    grown = receive.recv()
    child.join()
    return grown


def _child(prepare: Callable[[], Any], work: Callable[[Any], Any], send: Any) -> None:
    made = prepare()
    work(made)
    _give_back()
    if RESET.exists():
        RESET.write_text("5")
        before = _held("VmRSS")
        work(made)
        send.send(_held("VmHWM") - before)
    else:
        before = _peak()
        work(made)
        send.send(_peak() - before)


def _give_back() -> None:
    """Freed memory goes back to the system, where the C library can be asked to."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _held(field: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
