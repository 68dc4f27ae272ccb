"""Fits in files: versioned JSON that a person can read, written whole or not at all. Nothing in it is ever run."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from likely.errors import FileError
from likely.io.files import no_file
from likely.io.replacing import replacing

FORMAT = "likely fit"
VERSION = 1  # goes up when an older likely could not read what this one writes

NUMBER = "number:"  # JSON has no NaN and no infinities: they are written as "number:nan", "number:inf", "number:-inf"
TEXT = "text:"  # stands before a text that begins with either of these two


def save_json(path: str | os.PathLike[str], record: dict[str, Any]) -> None:
    """Write a record of numbers, texts, arrays, lists and dicts. Arrays come back as lists, numbers to the last bit.

    Raises
    ------
    FileError      the place cannot be written; nothing is left behind
    """
    path = os.fspath(path)
    text = _laid_out(_encoded({"format": FORMAT, "version": VERSION, **record}))
    with replacing(path) as unfinished, open(unfinished, "w", encoding="utf-8", newline="\n") as file:
        file.write(text + "\n")


def load_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A record that `save_json` wrote.

    Raises
    ------
    FileError      missing, not whole, not a likely file, or written by a newer version
    """
    path = os.fspath(path)
    record = _parsed(path, _text(path))
    version = record.get("version") if isinstance(record, dict) and record.get("format") == FORMAT else None
    if not isinstance(version, int):
        raise _foreign(path)
    if version > VERSION:
        raise FileError(
            f"{path!r} was written by a newer likely (format {version}; this one reads up to {VERSION}); "
            "upgrade with pip install --upgrade likely.",
            path=path,
        )
    return {n: _decoded(v) for n, v in record.items() if n not in ("format", "version")}


def _text(path: str) -> str:
    if os.path.isdir(path):
        raise FileError(f"{path!r} is a folder; give a file that fit.save wrote.", path=path)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        raise no_file(path) from None
    except UnicodeDecodeError:
        raise _foreign(path) from None
    except OSError as error:
        raise FileError(f"cannot read {path!r}: {error.strerror or error}.", path=path) from None


def _parsed(path: str, text: str) -> Any:
    if not text.strip():
        raise FileError(f"{path!r} is empty; save the fit again.", path=path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if FORMAT not in text[:100]:
            raise _foreign(path) from None
        if error.pos >= len(text.rstrip()) or not text.rstrip().endswith("}"):
            lines = len(text.splitlines())
            raise FileError(
                f"{path!r} is not a whole likely file: it ends at line {lines}. Save the fit again.", path=path
            ) from None
        raise FileError(
            f"{path!r} is damaged: line {error.lineno} is not JSON ({error.msg}). Save the fit again.", path=path
        ) from None


def _foreign(path: str) -> FileError:
    return FileError(f"{path!r} is not a likely file; give one that fit.save wrote.", path=path)


def _encoded(value: Any) -> Any:
    """The same in values that JSON has."""
    match value:
        case np.ndarray() | np.generic():
            return _encoded(value.tolist())
        case float() if not math.isfinite(value):
            return f"{NUMBER}{value}"
        case str() if value.startswith((NUMBER, TEXT)):
            return TEXT + value
        case dict():
            return {n: _encoded(v) for n, v in value.items()}
        case list() | tuple():
            return [_encoded(v) for v in value]
    return value


def _decoded(value: Any) -> Any:
    match value:
        case str() if value.startswith(NUMBER):
            return float(value.removeprefix(NUMBER))
        case str():
            return value.removeprefix(TEXT)
        case dict():
            return {n: _decoded(v) for n, v in value.items()}
        case list():
            return [_decoded(v) for v in value]
    return value


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON with one entry of a dict, or one row of a matrix, a line."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        entries = [f"{json.dumps(n, ensure_ascii=False)}: {_laid_out(v, inner)}" for n, v in value.items()]
        return "{\n" + ",\n".join(inner + e for e in entries) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(v, list | dict) for v in value):
        return "[\n" + ",\n".join(inner + _laid_out(v, inner) for v in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
