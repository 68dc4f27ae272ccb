"""A small table of text, for the terminal, a notebook, or a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

GAP = 2  # spaces between columns


@dataclass(frozen=True)
class Grid:
    """Rows of text under a header, which may be blank. The first column names the rows.

    `left` are the columns of words; the others are numbers, which stand to the right.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[int, ...] = (0,)

    @property
    def widths(self) -> list[int]:
        """Of each column, in characters."""
        return [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]

    def turned(self, corner: str) -> Grid:
        """Rows for columns."""
        first, *rest = zip(self.header, *self.rows, strict=True)
        return Grid((corner, *first[1:]), tuple(rest))

    def fold(self, width: int) -> list[Grid]:
        """The same table in pieces no wider than `width` (where one column allows it), all with the first column."""
        first, *others = self.widths
        pieces: list[list[int]] = [[]]
        room = width - first
        for j, w in enumerate(others, 1):
            if room < w + GAP and pieces[-1]:
                pieces.append([])
                room = width - first
            pieces[-1].append(j)
            room -= w + GAP
        return [self] if len(pieces) == 1 else [self._columns([0, *p]) for p in pieces]

    def _columns(self, chosen: list[int]) -> Grid:
        left = tuple(i for i, j in enumerate(chosen) if j in self.left)
        rows = tuple(tuple(row[j] for j in chosen) for row in self.rows)
        return replace(self, header=tuple(self.header[j] for j in chosen), rows=rows, left=left)

    def __str__(self) -> str:
        widths = self.widths

        def line(cells: tuple[str, ...]) -> str:
            padded = (
                c.ljust(w) if j in self.left else c.rjust(w) for j, (c, w) in enumerate(zip(cells, widths, strict=True))
            )
            return (" " * GAP).join(padded).rstrip()

        return "\n".join(line(cells) for cells in (*self._head(), *self.rows))

    def _head(self) -> list[tuple[str, ...]]:
        return [self.header] if any(self.header) else []

    def html(self) -> str:
        """An HTML table; every text is escaped."""

        def line(cells: tuple[str, ...], tag: str) -> str:
            aligned = (
                f'<{tag} style="text-align:{"left" if j in self.left else "right"}">{escape(c)}</{tag}>'
                for j, c in enumerate(cells)
            )
            return f"<tr>{''.join(aligned)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        head = "".join(f"<thead>{line(h, 'th')}</thead>" for h in self._head())
        return f"<table>{head}<tbody>{body}</tbody></table>"

    def rich(self) -> Table:
        """A table for a terminal with colours."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_header=any(self.header))
        for j, name in enumerate(self.header):
            table.add_column(Text(name), justify="left" if j in self.left else "right", no_wrap=j not in self.left)
        for row in self.rows:
            table.add_row(*map(Text, row))
        return table
