"""`likely sample`: rows drawn from a fit, or from a model that is written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from likely.cli.command import Command
from likely.cli.options import fit_or_model, seed_option, sequence_option, time_option
from likely.cli.output import TABLES, check_writable, give_table, places
from likely.core.family import Family
from likely.errors import ModelError
from likely.io.tables import check_roles, reread, reread_sequences
from likely.workflows.result import Fit

EPILOG = """\b
Examples:
  likely sample fit.json -n 1000 --out draws.csv
  likely sample "Mixture(Normal(mean=[3, 7], variance=1), 2, weights=[0.5, 0.5])" -n 5 --seed 1
  likely sample regression.json --given new.csv      one draw for each row of new.csv
  likely sample chain.json -n 100 --sequences 5      five sequences of a hidden Markov model, 100 rows each
"""


@click.command("sample", cls=Command, epilog=EPILOG, short_help="Draw rows from a fit or a model.")
@click.argument("model", metavar="FIT.json|MODEL")
@click.option("-n", type=click.IntRange(1), metavar="N", help="How many rows.  [default: 1]")
@click.option("--given", metavar="FILE", help="Covariates, for models that condition on them: one draw for each row.")
@click.option("--sequences", type=click.IntRange(1), metavar="N", help="So many sequences, of a model of sequences.")
@sequence_option
@time_option
@seed_option
@click.option("--out", metavar="TABLE", help="Write a .csv or .parquet file; else CSV goes to stdout.")
def sample(
    model: str, n: int | None, given: str | None, sequences: int | None, sequence: str | None, time: str | None,
    seed: int, out: str | None,
) -> None:  # fmt: skip
    """Draw rows from a saved fit, or from a MODEL with every slot filled."""
    _check_company(n, given, sequences, sequence, time)
    check_writable(out, TABLES)
    source = fit_or_model(model)
    family, columns, covariates = source, (), ()
    if isinstance(source, Fit):
        family, columns, covariates = source.model, source.columns, source.given
    assert isinstance(family, Family)
    check_roles(family, sequence, time)
    if sequences is not None and not family.sequential:
        raise ModelError(f"--sequences={sequences}, and {family!r} draws each row by itself; say with -n how many.")
    rng = np.random.default_rng(seed)
    if given is None:
        beside = {} if sequences is None else {"sequence": np.repeat(np.arange(sequences) + 1, n or 1)}
        drawn = [family.sample(n or 1, seed=rng) for _ in range(sequences or 1)]
    elif family.sequential:
        data = reread_sequences(given, covariates, sequence=sequence, time=time)
        beside = {**places(data), **dict(zip(data.rows.names, data.rows.x.T, strict=True))}
        drawn = [family.sample(given=data.take(slice(s, s + 1)).rows.x, seed=rng) for s in range(len(data))]
    else:
        table = reread(given, covariates)
        beside = dict(zip(table.names, table.x.T, strict=True))
        drawn = [family.sample(given=table.x, seed=rng)]
    each = [by_name(draws, columns) for draws in drawn]
    give_table({**beside, **{name: np.concatenate([one[name] for one in each]) for name in each[0]}}, out)


def _check_company(
    n: int | None, given: str | None, sequences: int | None, sequence: str | None, time: str | None
) -> None:
    """Options that exclude one another, or mean something only beside others."""
    if given is not None and (n is not None or sequences is not None):
        name = "-n" if n is not None else "--sequences"
        raise ModelError(f"{name} and --given exclude one another: there is one draw for each row of the covariates.")
    if given is None and (sequence or time):
        name = "--sequence" if sequence else "--time"
        raise ModelError(f"{name} names a column of the covariates; give their file with --given.")


def by_name(draws: Any, names: Sequence[str]) -> dict[str, Any]:
    """Draws (n,), (n, d) or by name already, as columns; without names they are x, or x1, x2, ..."""
    if isinstance(draws, dict):
        return draws
    columns = np.reshape(draws, (len(draws), -1)).T
    names = names or (["x"] if len(columns) == 1 else [f"x{j + 1}" for j in range(len(columns))])
    return dict(zip(names, columns, strict=True))
