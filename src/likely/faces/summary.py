"""What was found, in words and tables a person understands: as text, for a terminal, and for a notebook."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import fill
from typing import TYPE_CHECKING, Any

from likely.core.family import Family
from likely.em.outcome import Outcome
from likely.em.starts import SAME
from likely.faces.blocks import blocks
from likely.faces.candidates import candidates
from likely.faces.components import WIDTH, number_grids
from likely.faces.entries import bound_model, entries
from likely.faces.grid import Grid
from likely.faces.moves import about_states, moves
from likely.faces.words import capital, duration, listed, log_number, model_words, plural
from likely.numerics.soft import Array
from likely.structures.nonlinear_functions import DIFFERENCES
from likely.structures.nonlinear_questions import NonlinearQuestions
from likely.structures.state_questions import StateQuestions

if TYPE_CHECKING:
    from rich.console import Group

    from likely.workflows.result import Fit
    from likely.workflows.selection import Selection

CLEAR = 0.9  # responsibility above which a row is called clearly assigned
NOTATION = 160  # characters beyond which the notation says less than the tables


@dataclass(frozen=True)
class Summary:
    """A fit in words. `str()` is plain text; a notebook shows tables.

    Examples
    --------
    >>> import likely as lk
    >>> print(lk.fit(lk.Normal(variance=1), [1.0, 2.0, 3.0, 6.0]).summary())  # doctest: +ELLIPSIS
    Normal distribution, fitted to 4 rows of 1 column
    Normal(variance=1)
    ...
    """

    title: str
    notation: str  # the model as it was written, what was free being left out
    story: tuple[str, ...]  # how it ended, and what the starts did
    figures: Grid
    tables: tuple[tuple[str, Grid], ...]  # with a heading each, empty where none is needed
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = "\n".join(filter(None, [fill(self.title, WIDTH), self.notation]))
        blocks = [head, _lines(self.story), str(self.figures)]
        for heading, grid in self.tables:
            pieces = "\n\n".join(map(str, grid.fold(WIDTH)))
            blocks.append("\n".join(filter(None, [fill(heading, WIDTH), pieces])))
        return "\n\n".join(filter(None, [*blocks, _lines(self.remarks)]))

    def _repr_html_(self) -> str:
        """For a notebook."""
        parts = [f"<p><b>{escape(self.title)}</b></p>"]
        parts += [f"<p><code>{escape(self.notation)}</code></p>"] if self.notation else []
        parts += [f"<p>{'<br>'.join(map(escape, self.story))}</p>", self.figures.html()]
        for heading, grid in self.tables:
            parts += [f"<p>{escape(heading)}</p>"] if heading else []
            parts.append(grid.html())
        parts += [f"<p>{escape(remark)}</p>" for remark in self.remarks]
        return f"<div>{''.join(parts)}</div>"

    def rich(self) -> Group:
        """For a terminal: the same with colours."""
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = [Text(self.title, style="bold")]
        parts += [Text(self.notation, style="cyan")] if self.notation else []
        parts += [Text("\n" + "\n".join(self.story)), self.figures.rich()]
        for heading, grid in self.tables:
            parts += [Text(heading, style="bold")] if heading else []
            parts += [piece.rich() for piece in grid.fold(WIDTH)]
        return Group(*parts, *map(Text, self.remarks))


def _lines(sentences: tuple[str, ...]) -> str:
    return "\n".join(fill(s, WIDTH, subsequent_indent="  ") for s in sentences)


def summarise(fit: Fit) -> Summary:
    """The summary of a fit."""
    notation = repr(fit.family)
    r = fit.responsibilities() if fit.model.axis in ("component", "state") and fit.data is not None else None
    return Summary(
        title=f"{capital(model_words(fit.family))}, fitted to {_data_words(fit)}",
        notation=notation if len(notation) <= NOTATION else "",
        story=tuple(_story(fit)),
        figures=_figures(fit),
        tables=tuple(_tables(fit, r)),
        remarks=tuple(_remarks(fit, r)),
    )


def _data_words(fit: Fit) -> str:
    data = fit.data
    if data is None or data.weights is None:
        rows = plural(fit.n_obs, "row")
    else:
        rows = f"{plural(len(data.rows), 'row')} (total weight {fit.n_obs:.6g})"
    names = f" ({listed(fit.columns)})" if fit.columns else ""
    given = f", given {listed(fit.given)}" if fit.given else ""
    return f"{rows} of {plural(fit.n_columns, 'column')}{names}{given}"


def _differences(model: Family, p: int) -> Iterator[str]:
    """Which functions of a nonlinear state space have no exact derivatives."""
    if isinstance(model, NonlinearQuestions) and model.derives:
        rough = [name for name, how in model.derivatives(p).items() if how == DIFFERENCES]
        if rough:
            yield f"Derivatives of {listed(rough)} are central differences, as complex numbers do not go through."
    for part in model.parts().values():
        yield from _differences(part, p)


def _story(fit: Fit) -> Iterator[str]:
    yield str(fit.outcome)
    if fit.model.approximation:
        yield f"The likelihood is approximate: that of {fit.model.approximation}."
        yield from _differences(fit.model, 0 if fit.data is None else fit.data.rows.p)
    took = duration(fit.seconds)
    if fit.outcome is Outcome.closed_form:
        yield f"It took {took}."
        return
    passes = f"{plural(fit.trace[-1].passes, 'pass')} over the data"
    if fit.starts.count == 1:
        yield f"It took {passes}, {took}."
        return
    yield f"The best start took {passes}; all of them together took {took}."
    if fit.outcome in (Outcome.interrupted, Outcome.stopped):
        yield f"{fit.starts.count} starts were under way; more passes may find a better fit."
        return
    yield from _starts(fit)


def _starts(fit: Fit) -> Iterator[str]:
    """What became of the starts, in a sentence; and what to do where they disagree."""
    starts, near = fit.starts, SAME + 1e-9 * abs(fit.objective)
    reached = sum(o.hits for o in starts.optima if o.objective >= fit.objective - near)
    lower = [o for o in starts.optima if o.objective < fit.objective - near]
    moved = any(o.hits == 0 for o in starts.optima)
    parts = [f"{reached} reached this optimum"] if reached else ["none reached this optimum by itself"] if moved else []
    if lower:
        which = "at" if len(lower) == 1 else f"at {len(lower)} lower optima, the highest"
        parts.append(f"{sum(o.hits for o in lower)} ended {which} {log_number(lower[0].objective)}")
    parts += [f"{starts.dropped} fell behind and were dropped"] if starts.dropped else []
    parts += [f"{starts.collapsed.count(why)} collapsed ({why})" for why in dict.fromkeys(starts.collapsed)]
    yield f"{starts.count} starts: {', '.join(parts)}."
    if moved and not reached:
        yield (
            "Moving components of the best of them led to it: more starts may find a better one "
            f"(starts={10 * starts.count})."
        )
    if reached == 1 and lower:
        yield f"Only one start reached it: more of them may find a better one (starts={10 * starts.count})."


def _figures(fit: Fit) -> Grid:
    name = "classification log-likelihood" if fit.hard and fit.model.hidden else "log-likelihood"
    rows = [(name, log_number(fit.log_likelihood), "")]
    if fit.objective != fit.log_likelihood:
        rows.append(("objective", log_number(fit.objective), "log-likelihood + log prior: what was maximised"))
    rows += [
        ("free parameters", str(fit.n_free), ""),
        ("AIC", log_number(fit.aic), "lower is better"),
        ("BIC", log_number(fit.bic), "lower is better"),
    ]
    return Grid(("", "", ""), tuple(rows), left=(0, 2))


def _tables(fit: Fit, r: Array | None) -> Iterator[tuple[str, Grid]]:
    if isinstance(fit.model, StateQuestions):
        yield from blocks(fit)
    else:
        yield from number_grids(entries(fit), list(_beside(fit, r)))
    yield from moves(fit)
    if fit.selection is not None:
        yield candidates(fit.selection)


def _beside(fit: Fit, r: Array | None) -> Iterator[tuple[str, ...]]:
    """What else is known of states, or of components: the rows expected of each (without the data, by its weight)."""
    if fit.model.axis == "state":
        yield from about_states(fit, r)
    elif r is not None and fit.data is not None:
        yield fit.data.item + "s", *(f"{n:.1f}" for n in (fit.data.weight_column() * r).sum(0))
    elif fit.model.axis == "component":
        yield "rows", *(f"{n:.1f}" for n in fit.n_obs * bound_model(fit).known_params().weights[0])


def _remarks(fit: Fit, r: Array | None) -> Iterator[str]:
    if r is not None and r.shape[1] > 1:
        sure = int((r.max(1) > CLEAR).sum())
        item = fit.data.item if fit.data is not None and fit.model.axis == "component" else "row"
        yield f"{sure} of {plural(len(r), item)} belong to one {fit.model.axis} with probability above {CLEAR}."
    if fit.selection is not None:
        yield from _choice(fit.selection)


def _choice(selection: Selection) -> Iterator[str]:
    """What to know of a choice beside its table."""
    chosen, best = selection.candidates[selection.chosen], selection.candidates[selection.best]
    if chosen is not best:
        yield f"{chosen.model} was chosen as the simplest within one standard error of the best, {best.model}."
    if best.score == -math.inf:
        yield "Under every candidate some held-out row has probability 0; a prior gives each its share."
    if selection.edge:
        yield selection.edge
    for c in selection.candidates:
        if c.why:
            yield f"{c.model} could not be fitted: {c.why}"
