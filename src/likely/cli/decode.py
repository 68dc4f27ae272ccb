"""`likely decode`: the hidden states of sequences, as a saved fit sees them."""

from __future__ import annotations

import click
import numpy as np

from likely.cli.command import Command
from likely.cli.options import sequence_option, time_option
from likely.cli.output import TABLES, check_writable, give_table, places
from likely.core.data import Sequences
from likely.io.tables import check_roles
from likely.structures.chain_questions import METHODS
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
"""


@click.command("decode", cls=Command, epilog=EPILOG, short_help="Tell the hidden state of every row.")
@click.argument("fit_file", metavar="FIT.json")
@click.argument("file")
@sequence_option
@time_option
@click.option(
    "--method", type=click.Choice(METHODS), default="viterbi", show_default=True, help="The best path, or row by row."
)
@click.option("--out", metavar="TABLE", help="Write a .csv or .parquet file; else CSV goes to stdout.")
def decode(fit_file: str, file: str, sequence: str | None, time: str | None, method: str, out: str | None) -> None:
    """Tell the most probable hidden state of every row of FILE, under a fitted hidden Markov model."""
    check_writable(out, TABLES)
    fit = load(fit_file)
    check_roles(fit.model, sequence, time)
    data = fit.reread(file, sequence=sequence, time=time)
    found = fit.decode(data, method=method)
    codes, gamma = found.codes[0], fit.smoothed(data)
    assert isinstance(data, Sequences)
    states = found.states if found.names else codes + 1
    give_table({**places(data), "state": states, "probability": gamma[np.arange(len(codes)), codes]}, out)
