"""How every command of `likely` behaves: its help, its errors, its exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from likely.cli.errors import CLOSED, explain


@dataclass
class Settings:
    """What holds for the whole run."""

    debug: bool = False


class Formatter(click.HelpFormatter):
    """Help with bold headings; on a pipe the bold falls away."""

    def write_heading(self, heading: str) -> None:
        super().write_heading(click.style(heading, bold=True))


class Context(click.Context):
    """Help as wide as the examples need."""

    formatter_class = Formatter

    def __init__(self, *args: Any, **options: Any):
        options.setdefault("max_content_width", 110)
        super().__init__(*args, **options)


def _debug_option() -> click.Option:
    def note(context: click.Context, _option: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Settings).debug = True

    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=note,
        help="Show the traceback of an error.",
    )


class _WithDebug(click.Command):
    """Takes `--debug`, which may so stand before or after the verb."""

    context_class = Context

    def __init__(self, *args: Any, params: Sequence[click.Parameter] | None = None, **options: Any):
        super().__init__(*args, params=[*(params or ()), _debug_option()], **options)


class Command(_WithDebug):
    """One verb."""


class Application(_WithDebug, click.Group):
    """All the verbs. An error is one line on stderr, without a traceback unless it is asked for."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> NoReturn:
        settings = Settings()
        try:
            code = super().main(args, "likely", standalone_mode=False, obj=settings)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the outermost frame: everything becomes a line
            if settings.debug:
                traceback.print_exc()
            line, code = explain(error)
            click.echo(f"likely: {line}", err=True)
        sys.exit(code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order a newcomer needs them

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered would fail again at exit: let it go nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return CLOSED
        return code
