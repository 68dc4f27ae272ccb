"""SciPy's special functions, loaded when the first of them is called.

They take longer to import than everything else together, and much of the library needs none: so `import likely`
stays light.

>>> from likely.numerics import special
>>> float(special.xlogy(0, 0))
0.0
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import scipy.special

    function = getattr(scipy.special, name)
    globals()[name] = function  # the next look-up finds it here
    return function
