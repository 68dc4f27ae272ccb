"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Generator

from likely.errors import FileError


@contextlib.contextmanager
def replacing(path: str) -> Generator[str]:
    """A new name in the folder of `path` to write to; it takes the place of `path` when all went well, else it goes.

    Raises
    ------
    FileError      the place cannot be written
    """
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileError(
            f"cannot write {path!r}: there is no folder {os.path.dirname(path)!r}; make it first.", path=path
        )
    if os.path.isdir(target):
        raise FileError(f"cannot write {path!r}: it is a folder; name a file in it.", path=path)
    unfinished = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.part")
    try:
        yield unfinished
        _flush(unfinished)
        os.replace(unfinished, target)
    except OSError as error:
        raise FileError(f"cannot write {path!r}: {error.strerror or error}.", path=path) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(unfinished)


def _flush(path: str) -> None:
    """To the disk, so that a power cut after the renaming cannot leave an empty file."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
