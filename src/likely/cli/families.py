"""`likely families`: what models are made of, read off the families themselves."""

from __future__ import annotations

import inspect
import re
import shutil
import textwrap

import click

import likely
from likely.cli.command import Command
from likely.core.family import REGISTRY, Family

WIDEST = 110  # characters of a line
INDENT = "      "
EPILOG = """\b
What is left out of the brackets is estimated; a prior goes in place of a value, as in Bernoulli(p=Beta(2, 2)).
In Python, help(likely.Normal) tells the rest: densities, units, examples.
"""


@click.command("families", cls=Command, epilog=EPILOG, short_help="List what models are made of.")
def families() -> None:
    """List every family: how it is written, what it is, which priors it takes."""
    public = [f for n, f in sorted(REGISTRY.items()) if n in likely.__all__]
    structures = [f for f in public if f.__module__.startswith("likely.structures")]
    leaves = [f for f in public if f not in structures]
    for title, group in (("Families", leaves), ("Structures, made of other families", structures)):
        click.secho(title, bold=True)
        for family in group:
            click.echo("  " + click.style(written_as(family), fg="cyan"))
            click.echo(_explained(family))


def written_as(family: type[Family]) -> str:
    """A family with the names of what goes into its brackets.

    >>> written_as(REGISTRY["Normal"])
    'Normal(mean, variance)'
    """
    parameters = inspect.signature(family).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return f"{family.__name__}({', '.join(names) or ('name=family, ...' if parameters else '')})"


def doc_line(family: type[Family]) -> str:
    """What a family is, in the words of its documentation, without the formula."""
    text = (inspect.getdoc(family) or "").partition("\n\n")[0].replace("\n", " ")
    sentence = re.split(r"[;.](?: |$)", text)[0]
    return sentence if sentence.endswith(".") else f"{sentence}."


def _explained(family: type[Family]) -> str:
    priors = "; ".join(f"{slot} {' or '.join(takes)}" for slot, takes in family.priors.items())
    text = doc_line(family) + (f" Priors: {priors}." if priors else "")
    columns = min(shutil.get_terminal_size().columns, WIDEST)
    return textwrap.fill(text, columns, initial_indent=INDENT, subsequent_indent=INDENT)
