"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from likely.core.family import Family
from likely.core.notation import parse
from likely.workflows.result import Fit
from likely.workflows.storage import load

as_json_option = click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="The same seed gives the same answer.",
)


sequence_option = click.option(
    "--sequence", metavar="COLUMN", help="Column that says which sequence a row belongs to, for models of sequences."
)
time_option = click.option(
    "--time", metavar="COLUMN", help="Column that says when each row was; it must rise within every sequence."
)


def names(_context: click.Context, _option: click.Parameter, value: str | None) -> list[str] | None:
    """Column names between commas."""
    return None if value is None else [n.strip() for n in value.split(",") if n.strip()]


def names_option(flag: str, text: str) -> Callable[[Any], Any]:
    """An option that takes column names between commas."""
    return click.option(flag, callback=names, metavar="A,B,...", help=text)


def fit_or_model(text: str) -> Fit | Family:
    """A saved fit where the text names a file, else the model it writes out."""
    if text.endswith(".json") or os.path.isfile(text):
        return load(text)
    return parse(text)
