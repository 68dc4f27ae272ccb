"""`likely fit`: a file and a model in, the best parameters out."""

from __future__ import annotations

import warnings
from typing import Any

import click

from likely.cli.command import Command
from likely.cli.errors import INTERRUPTED
from likely.cli.options import as_json_option, fit_or_model, names_option, seed_option, sequence_option, time_option
from likely.cli.output import FITS, PICTURES, answer, check_writable, draw, note
from likely.core.notation import parse
from likely.em.outcome import Outcome
from likely.errors import FewObservations, ModelError
from likely.structures.responsibilities import KINDS
from likely.workflows.deciding import RULES
from likely.workflows.fit import fit as fit_model
from likely.workflows.result import Fit
from likely.workflows.select import CRITERIA, is_open

EPILOG = """\b
Example:
  likely fit faithful.csv "Mixture(MultivariateNormal(), 3)" --plot fit.png --save fit.json

\b
The model is a family with slots; what stands in a slot says what happens to it:
  Normal()                                nothing: estimated by maximum likelihood
  Normal(variance=1)                      a number, or an array [1, 2]: known, kept as it is
  Bernoulli(p=Beta(2, 2))                 a family: its prior (MAP)
  Mixture(Normal(variance=shared), 3)     shared: estimated once, common to all components
  Mixture(Normal(), choose(range(1, 6)))  choose: the best of these, by --folds or --by

\b
Families stand inside one another: Mixture([Normal(), Uniform()]), Product(age=Normal(), visits=Poisson()).
`likely families` lists them all. Keep the quotes round the model: a shell reads parentheses itself.

\b
Exit codes: 0 fitted, 1 the fit failed, 2 the input cannot be used, 130 interrupted (the best so far is shown).
"""


def _folds(_context: click.Context, _option: click.Parameter, value: str | None) -> int | str | None:
    """A number of folds, or the name of a column."""
    try:
        return None if value is None else int(value)
    except ValueError:
        return value


@click.command("fit", cls=Command, epilog=EPILOG, short_help="Fit a model to the rows of a file.")
@click.argument("file")
@click.argument("model")
@names_option("--columns", "Columns to model; all that suit the model unless given.")
@names_option("--given", "Covariates, for families that condition on them.")
@click.option("--weights", metavar="COLUMN", help="Column that says how often each row counts.")
@click.option("--labels", metavar="COLUMN", help="Column with the known component of some rows; empty where unknown.")
@sequence_option
@time_option
@click.option("--by", type=click.Choice(CRITERIA), help="How choose(...) is decided; lower is better.  [default: bic]")
@click.option(
    "--folds", callback=_folds, metavar="N|COLUMN",
    help="Decide by held-out likelihood instead: so many folds, or a column that says in which fold a row is.",
)  # fmt: skip
@click.option("--holdout", type=float, metavar="X", help="The same, with this share of the rows held out once, as 0.3.")
@click.option(
    "--repeats", type=int, default=1, show_default=True, metavar="N", help="Deal the rows into folds so many times."
)
@click.option("--groups", metavar="COLUMN", help="Rows alike in this column are held out together.")
@click.option(
    "--rule", type=click.Choice(RULES), default=RULES[0], show_default=True,
    help="The best held-out score, or the simplest candidate within one standard error of it.",
)  # fmt: skip
@click.option(
    "--starts", type=int, default=20, show_default=True, metavar="N", help="Random starts that race one another."
)
@click.option(
    "--init", type=click.Choice(KINDS), default=KINDS[0], show_default=True,
    help="How starts guess what is hidden: rows with the nearest of some seeds, or each by lot.",
)  # fmt: skip
@seed_option
@click.option(
    "--start", metavar="MODEL|FIT.json", help="Begin here instead: a model with every slot filled, or a saved fit."
)
@click.option("--hard", is_flag=True, help="Give each row wholly to its best component (classification EM).")
@click.option(
    "--accelerate/--no-accelerate", default=True, show_default=True,
    help="Extrapolate between passes; plain EM reaches the same maximum in more of them.",
)  # fmt: skip
@click.option(
    "--tol", type=float, default=1e-3, show_default=True, metavar="X",
    help="Stop within this many standard errors of the maximum; 0 runs all passes.",
)  # fmt: skip
@click.option(
    "--max-passes", type=int, default=10_000, show_default=True, metavar="N",
    help="Limit of passes over the data for each start.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="All processors unless given; never changes the answer."
)
@click.option("--plot", "picture", metavar="PICTURE", help="Draw the fit: a .png, .svg or .pdf file.")
@click.option("--save", "saved", metavar="FIT.json", help="Save the fit for predict, sample and show.")
@as_json_option
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def fit(
    file: str, model: str, start: str | None, by: str | None, picture: str | None, saved: str | None,
    as_json: bool, quiet: bool, **options: Any,
) -> int:  # fmt: skip
    """Fit MODEL to the rows of FILE (CSV, Parquet, Arrow or NPY) and print what was found."""
    check_writable(picture, PICTURES)
    check_writable(saved, FITS)
    family = parse(model)
    by = _criterion(family, by, quiet, held_out=not (options["folds"] is None and options["holdout"] is None))
    begin = None if start is None else fit_or_model(start)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", FewObservations)
        found = fit_model(family, file, start=begin, by=by, progress=False if quiet else None, **options)
    try:
        written = _write(found, picture, saved)
    finally:  # a picture that cannot be drawn does not cost the answer
        if not quiet:
            answer(found, as_json)
    for warning in () if quiet else told:
        note(str(warning.message))
    if written and not quiet:
        note(f"wrote {' and '.join(written)}.")
    return INTERRUPTED if found.outcome is Outcome.interrupted else 0


def _criterion(family: Any, by: str | None, quiet: bool, *, held_out: bool) -> str | None:
    """What decides between candidates: BIC where nobody said, and then it is said."""
    if not is_open(family):
        if by is not None:
            raise ModelError(
                f"--by {by} decides between candidates, but {family!r} has no choose(...); leave --by out."
            )
        return None
    if held_out:
        return by
    if by is None and not quiet:
        note("choose(...) is decided by BIC; --by aic or --by icl decides otherwise.")
    return by or "bic"


def _write(found: Fit, picture: str | None, saved: str | None) -> list[str]:
    if saved is not None:
        found.save(saved)
    if picture is not None:
        draw(found, picture)
    return [path for path in (saved, picture) if path is not None]
