"""Parameters: one frozen record of read-only arrays for every family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Params:
    """Values of a family's slots, flat `(k,) + event`, and the `Params` of its parts, by name.

    >>> p = Params(mean=np.array([3.0, 7.0]))
    >>> p.mean
    array([3., 7.])
    >>> p.mean[0] = 1
    Traceback (most recent call last):
        ...
    ValueError: assignment destination is read-only
    """

    def __init__(self, **values: Any):
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value = np.array(value, float)
                value.flags.writeable = False
            self.__dict__[name] = value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"parameters are frozen; make new ones with params.replace({name}=...)")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no parameter {name!r}; there are {', '.join(self.__dict__) or 'none'}")

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (dict(self.__dict__),)

    def replace(self, **values: Any) -> Params:
        """A copy with some values changed."""
        return Params(**{**self.__dict__, **values})

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{n}={v!r}' for n, v in self.__dict__.items())})"


def _rebuild(values: dict[str, Any]) -> Params:
    return Params(**values)
