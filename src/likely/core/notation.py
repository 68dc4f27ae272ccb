"""Models as text, read by a small parser that knows the public names and never evaluates code."""

from __future__ import annotations

import ast
import difflib
from typing import Any

from likely.core.family import REGISTRY, Family
from likely.core.patterns import Affine, Scaled
from likely.core.written import CONSTANTS, Choose, Free, Shared
from likely.errors import InputError, NotationError

FUNCTIONS: dict[str, Any] = {"affine": Affine, "choose": Choose, "range": range, "scaled": Scaled}
NUMBERS = {"inf": float("inf"), "nan": float("nan")}


def parse(text: str) -> Family:
    """The model that some text describes: the inverse of `repr`.

    Raises
    ------
    NotationError      with the position marked and the nearest name suggested
    ModelError         the text is well formed, but says something that cannot be

    Examples
    --------
    >>> import likely as lk
    >>> lk.parse("Mixture(Normal(variance=shared), 3)")
    Mixture(Normal(variance=shared), 3)
    """
    text = " ".join(text.split())
    model = Reader(text).read()
    if not isinstance(model, Family | Choose):
        raise NotationError(f"{text!r} is not a model; write one like Mixture(Normal(), 2)", text=text, position=0)
    return model  # type: ignore[return-value]  # a choice among models is resolved before it is fitted


class Reader:
    """Walks the syntax tree of one text."""

    def __init__(self, text: str):
        self.text = text

    def read(self) -> Any:
        """What the text says."""
        try:
            tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            raise self._cannot(_plainly(error.msg), (error.offset or 1) - 1) from None
        except RecursionError:
            raise self._cannot("the text is nested too deeply", 0) from None
        return self._value(tree.body)

    def _cannot(self, what: str, position: int) -> NotationError:
        position = min(position, len(self.text))
        low = max(0, position - 60)
        shown = self.text[low : position + 40]  # a window: saved models can be long
        return NotationError(f"cannot read the model: {what}", text=shown, position=position - low)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() | float() | str() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._negative(operand)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self._value(i) for i in items]
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._sum(left, right)
            case ast.Call(func=ast.Name(id=name) as function):
                return self._call(node, function, name)
        what = ast.get_source_segment(self.text, node) or "this"
        raise self._cannot(f"{what!r} is not part of the notation", node.col_offset)

    def _negative(self, operand: ast.expr) -> Any:
        value = self._value(operand)
        if not isinstance(value, int | float):
            raise self._cannot("a minus sign needs a number after it", operand.col_offset)
        return -value

    def _sum(self, left: ast.expr, right: ast.expr) -> Any:
        value = self._value(left)
        if not isinstance(value, Shared):
            raise self._cannot("only `shared` can be added to, as in shared + [-1, 1]", left.col_offset)
        return value + self._value(right)

    def _name(self, node: ast.expr, name: str) -> Any:
        if name in NUMBERS:
            return NUMBERS[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in REGISTRY:
            raise self._cannot(f"{name} needs parentheses: {name}()", node.col_offset)
        raise self._unknown(name, node.col_offset)

    def _call(self, node: ast.Call, function: ast.expr, name: str) -> Any:
        maker = REGISTRY.get(name) or FUNCTIONS.get(name) or CONSTANTS.get(name)
        if maker is None:
            raise self._unknown(name, function.col_offset)
        if not callable(maker) or isinstance(maker, Free):
            raise self._cannot(f"{name} takes no parentheses", function.col_offset)
        if any(k.arg is None for k in node.keywords):
            raise self._cannot("** is not part of the notation", node.col_offset)
        values = [self._value(a) for a in node.args]
        named = {str(k.arg): self._value(k.value) for k in node.keywords}
        try:
            return maker(*values, **named)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise self._cannot(f"{name}(...): {error}", function.col_offset) from None

    def _unknown(self, name: str, position: int) -> NotationError:
        known = [*REGISTRY, *CONSTANTS, *FUNCTIONS]
        near = difflib.get_close_matches(name, known, 1, 0.5) or [k for k in known if k.lower() == name.lower()]
        hint = f"did you mean {near[0]}?" if near else f"the names are {', '.join(sorted(known))}"
        return self._cannot(f"there is no {name!r}; {hint}", position)


def _plainly(message: str | None) -> str:
    """Python's own words for a syntax error, without its jargon."""
    if message is None or message == "invalid syntax" or "forgot a comma" in message:
        return "something is missing or too much here (a comma or a parenthesis?)"
    return message
