"""What the command line says when something went wrong: one line and an exit code."""

from __future__ import annotations

import click

from likely.errors import InputError, LikelyError, NotFitted

FIT_FAILED = 1
BAD_INPUT = 2
UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h: a bug of ours
INTERRUPTED = 130  # 128 + SIGINT, as shells count
CLOSED = 141  # 128 + SIGPIPE: whoever read our output has seen enough

PLAINER = {  # click's words in ours
    "Invalid value for ": "",
    "is not a valid integer range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
    "is not a valid float": "is not a number",
}


def explain(error: BaseException) -> tuple[str, int]:
    """The line and the exit code for an error."""
    match error:
        case click.UsageError():
            return _usage(error), BAD_INPUT
        case InputError() | NotFitted():
            return str(error), BAD_INPUT
        case LikelyError():
            return str(error), FIT_FAILED
        case KeyboardInterrupt() | click.Abort():
            return "interrupted before there was a result.", INTERRUPTED
        case OSError(filename=str(path), strerror=str(why)):
            return f"cannot read or write {path!r}: {why}.", BAD_INPUT
        case MemoryError():
            return "the memory of this machine does not suffice; try fewer components or fewer rows.", FIT_FAILED
    first = str(error).partition("\n")[0]
    name = type(error).__name__
    return f"unexpected {name}: {first}. This is a bug; rerun with --debug to see where.", UNEXPECTED


def _usage(error: click.UsageError) -> str:
    text = error.format_message().removesuffix(".")
    for theirs, ours in PLAINER.items():
        text = text.replace(theirs, ours)
    stop = "" if text.endswith("?") else "."
    return f"{text}{stop} See `{error.ctx.command_path if error.ctx else 'likely'} --help`."
