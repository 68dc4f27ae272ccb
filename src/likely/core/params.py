"""Parameters: one frozen record of read-only arrays for every family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    @classmethod
    def concatenate(cls, records: Sequence[Params]) -> Params:
        """Parameters of several banks as those of one: the members of each after those of the one before."""
        first = records[0]
        if len(records) == 1:
            return first

        def join(name: str) -> Any:
            values = [r[name] for r in records]
            return cls.concatenate(values) if isinstance(first[name], Params) else np.concatenate(values)

        return cls(**{n: join(n) for n in first})

    def blocks(self, chosen: Sequence[int], of: int) -> Params:
        """Some of `of` equal runs of members: whole models out of a bank of models side by side.

        >>> Params(mean=np.array([3.0, 7.0, 4.0, 8.0, 5.0, 9.0])).blocks([2, 0], of=3)
        Params(mean=array([5., 9., 3., 7.]))
        """

        def cut(value: Any) -> Any:
            return value.blocks(chosen, of) if isinstance(value, Params) else blocks_of(value, chosen, of)

        return Params(**{n: cut(v) for n, v in self.__dict__.items()})

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{n}={v!r}' for n, v in self.__dict__.items())})"


def blocks_of(value: np.ndarray, chosen: Sequence[int], of: int) -> np.ndarray:
    """Some of `of` equal runs along the first axis, (of * j, ...) to (len(chosen) * j, ...)."""
    size = len(value) // of
    if len(chosen) == 1:
        return value[chosen[0] * size : (chosen[0] + 1) * size]
    return value.reshape(of, size, *value.shape[1:])[list(chosen)].reshape(len(chosen) * size, *value.shape[1:])


def _rebuild(values: dict[str, Any]) -> Params:
    return Params(**values)
