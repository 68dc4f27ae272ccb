"""Small functions that many kernels call: compiled once and called by their address, not copied into each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.core import cgutils, types

from likely.numerics.compiled import in_cache_folder
from likely.numerics.vector import DOUBLE, INT, Lanes, kernel

KEPT: list[Any] = []  # the code of these functions must not go


def called(signature: str) -> Callable[[Callable[..., None]], Any]:
    """Make a function of arrays (`a` in the signature) and indices (`i`) one that compiled code calls.

    What it does is written as for `vector.kernel`. It is compiled when its module is imported, and kept as other
    compiled code is; code that calls it knows its name alone, which leads to the address in this process.
    """

    def make(function: Callable[..., None]) -> Any:
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return function
        symbol = f"likely_{function.__name__}"
        llvm.add_symbol(symbol, address_of(signature, function))

        def call(v: Lanes, *arguments: Any) -> None:
            v.builder.call(cgutils.get_or_insert_function(v.builder.module, _kind(signature), symbol), arguments)

        return kernel(signature, call)

    return make


def address_of(signature: str, function: Callable[..., None]) -> int:
    """Compile such a function, or load it; where its code is in this process."""
    kinds = [types.CPointer(types.float64) if c == "a" else types.int64 for c in signature]
    with in_cache_folder():
        try:
            own = numba.cfunc(types.void(*kinds), cache=True)(function)
        except RuntimeError:  # nowhere to write
            own = numba.cfunc(types.void(*kinds))(function)
    KEPT.append(own)
    return int(own.address)  # pyright: ignore[reportArgumentType]


def at_address(v: Lanes, signature: str, address: Any, *arguments: Any) -> None:
    """Call what has an address."""
    v.builder.call(v.builder.inttoptr(address, _kind(signature).as_pointer()), arguments)


def _kind(signature: str) -> ir.FunctionType:
    return ir.FunctionType(ir.VoidType(), [DOUBLE.as_pointer() if c == "a" else INT for c in signature])
