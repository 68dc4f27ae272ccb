"""Which points a family can have produced, and what is done about the others and about those that are missing."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from likely.core.data import Table
from likely.core.door import refuse_gaps
from likely.core.setting import Setting
from likely.core.support import REAL, Support
from likely.numerics.soft import Array


class Points:
    """Mixed into every family: impossible and missing points never reach its formulas."""

    support: ClassVar[Support] = REAL  # of each column, where all columns are alike

    def fits(self: Any, x: Array) -> Array:
        """(n, d): which values of (n, d) points this family can have produced."""
        return self.support.contains(x)

    def needs(self: Any, column: int) -> str:
        """Completes "it needs ..." for a column."""
        return self.support.words

    def check_rows(self: Any, setting: Setting) -> None:
        """Raise a DataError for a row that cannot have been produced, where one value alone does not tell."""
        for name, part in self.parts().items():
            part.check_rows(self.part_setting(name, setting))
        if setting.rows is not None and self.several_columns and not self.parts():
            refuse_gaps(setting.rows, f"{type(self).__name__}()")

    def outside(self: Any, data: Table) -> Array | None:
        """(n,) or (n, k): which points cannot have been produced; None when all can."""
        if self.support.everywhere or isinstance(data.x, np.ndarray) is False:
            return None
        wrong = data.once(("outside", type(self), *self.arguments()), lambda: ~self.fits(data.x).all(-1))
        return wrong if wrong.any() else None

    def _settled(self: Any, data: Table) -> Array | None:
        """(n,) or (n, k): log density of points where it is no matter of parameters, NaN at others; None: all others.

        It is -inf for what cannot have been produced, and 0 for what was not observed.
        """
        outside, absent = self.outside(data), data.absent
        if outside is None and absent is None:
            return None
        known = np.where(False if outside is None else outside, -np.inf, np.nan)
        return known if absent is None else np.where(absent, 0.0, known)

    def _inside(self: Any, data: Table, settled: Array) -> Table:
        """The data with points that are settled replaced by possible ones, which will weigh nothing."""
        return data.once(
            ("inside", type(self), *self.arguments()),
            lambda: data.with_(x=np.where(np.isnan(settled)[..., None], data.x, self.example(data.d))),
        )

    def example(self: Any, d: int) -> Array:
        """A point (d,) of the support."""
        return np.full(d, self.support.example)
