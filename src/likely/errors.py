"""Everything that can go wrong, drawn as one tree.

LikelyError
├── InputError (a ValueError)      what was given cannot be used; nothing was computed or written
│   ├── DataError                  a value, row or column of the data
│   ├── ModelError                 a model that cannot be, or does not fit the data's shape
│   ├── NotationError              a model written as text that cannot be read
│   └── FileError                  a file that cannot be read or written
├── NotFitted (a ValueError)       a distribution was asked something before its slots were filled
└── FitError (a RuntimeError)      the computation itself could not end well
    └── Degenerate                 the likelihood is unbounded: a member collapsed

FewObservations (a UserWarning)    fewer observed values than free parameters: there is a result, of little worth
"""

from __future__ import annotations

from collections.abc import Sequence


class LikelyError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(LikelyError, ValueError):
    """What was given cannot be used; nothing was computed and nothing was written."""


class DataError(InputError):
    """A value, row or column of the data; `column`, `row` (counted from 1) and `value` where they apply."""

    def __init__(self, message: str, *, column: str | None = None, row: int | None = None, value: object = None):
        super().__init__(message)
        self.column, self.row, self.value = column, row, value


class ModelError(InputError):
    """A model that cannot be, or that does not fit the shape of the data; `slot` names the parameter."""

    def __init__(self, message: str, *, slot: str | None = None):
        super().__init__(message)
        self.slot = slot


class NotationError(InputError):
    """Text that is not a model; `text` and the `position` (from 0) where reading stopped."""

    def __init__(self, message: str, *, text: str, position: int):
        super().__init__(f"{message}\n  {text}\n  {' ' * position}^")
        self.text, self.position = text, position


class FileError(InputError):
    """A file that cannot be read or written; `path` as it was given."""

    def __init__(self, message: str, *, path: str):
        super().__init__(message)
        self.path = path


class NotFitted(LikelyError, ValueError):
    """A question that only a distribution with every slot filled can answer."""


class FitError(LikelyError, RuntimeError):
    """The computation could not end well; `starts` tells what became of each start."""

    def __init__(self, message: str, *, starts: object = None):
        super().__init__(message)
        self.starts = starts


class Degenerate(FitError):
    """The likelihood has no maximum here: a member collapsed onto too few distinct rows.

    `members` are the flat positions of the members, `weights` the rows (weighted) each had left, `why` one clause,
    `cure` a sentence.
    """

    def __init__(self, why: str, *, members: Sequence[int] = (), weights: Sequence[float] = (), cure: str = ""):
        super().__init__(why)
        self.why, self.members, self.weights, self.cure = why, tuple(members), tuple(weights), cure


class FewObservations(UserWarning):
    """A fit has fewer observed values than free parameters, and no prior: the data cannot tell all of them."""
