"""`likely decode`: the hidden states of sequences, as a saved fit sees them."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from likely.cli.command import Command
from likely.cli.options import sequence_option, time_option
from likely.cli.output import TABLES, check_writable, give_table, places
from likely.core.data import Sequences
from likely.errors import ModelError
from likely.io.tables import check_roles
from likely.structures.chain_questions import METHODS
from likely.structures.state_known import States
from likely.structures.state_questions import StateQuestions
from likely.workflows.result import Fit
from likely.workflows.storage import load

EPILOG = """\b
Example:
  likely fit earthquakes.csv "HMM(Poisson(), 3)" --columns count --time year --save quakes.json
  likely decode quakes.json earthquakes.csv | head -3
  year,state,probability
  1900,1,0.9999
  1901,1,0.9998

\b
There is a line for each row: its sequence and time as far as they are known, its state (counted from 1, or by the
name of its label), and how probable that state is by itself, given the whole sequence. The method "viterbi" gives
the most probable path; "posterior" the most probable state of each row, which together may hold impossible moves.

\b
The states of a state space are numbers: there is the mean of each given the whole sequence, and its standard deviation.
"""


@click.command("decode", cls=Command, epilog=EPILOG, short_help="Tell the hidden state of every row.")
@click.argument("fit_file", metavar="FIT.json")
@click.argument("file")
@sequence_option
@time_option
@click.option(
    "--method", type=click.Choice(METHODS), help="The best path (viterbi, unless given), or row by row (posterior)."
)
@click.option("--out", metavar="TABLE", help="Write a .csv or .parquet file; else CSV goes to stdout.")
def decode(
    fit_file: str, file: str, sequence: str | None, time: str | None, method: str | None, out: str | None
) -> None:  # fmt: skip
    """Tell the hidden state of every row of FILE, under a fitted hidden Markov model or state space."""
    check_writable(out, TABLES)
    fit = load(fit_file)
    check_roles(fit.model, sequence, time)
    data = fit.reread(file, sequence=sequence, time=time)
    if isinstance(fit.model, StateQuestions):
        if method is not None:
            raise ModelError(f"--method {method} chooses states of a hidden Markov model; this is a state space.")
        told = _numbers(fit.smoothed(data))
    else:
        told = _codes(fit, data, method or METHODS[0])
    assert isinstance(data, Sequences)
    give_table({**places(data), **told}, out)


def _codes(fit: Fit, data: Any, method: str) -> dict[str, Any]:
    """The best state of each row, and its probability."""
    found = fit.decode(data, method=method)
    codes, gamma = found.codes[0], fit.smoothed(data)
    states = found.states if found.names else codes + 1
    return {"state": states, "probability": gamma[np.arange(len(codes)), codes]}


def _numbers(known: States) -> dict[str, Any]:
    """Mean and standard deviation of each state; numbered from 1 where there are several."""
    out = {}
    for i, (mean, sd) in enumerate(zip(known.mean.T, known.sd.T, strict=True)):
        number = f"_{i + 1}" if known.mean.shape[1] > 1 else ""
        out |= {f"state{number}": mean, f"sd{number}": sd}
    return out
