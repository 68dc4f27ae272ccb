"""Is one model another one with slots restricted? And may a chi-square then be trusted?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from likely.core.data import Data
from likely.core.family import Family
from likely.core.setting import Setting
from likely.core.slot import Slot
from likely.errors import ModelError
from likely.families.covariance import FORMS
from likely.numerics.soft import Array
from likely.structures.mixture import Mixture
from likely.structures.side_by_side import Alternatives

ORDER = "IEV"  # of the letters of a covariance model: each allows all that those before it allow
INSTEAD = "Use lk.bootstrap_test(small, large), which simulates the distribution of the statistic."


def check_nested(small: Family, large: Family, data: Data) -> None:
    """Raise a ModelError unless `small` is `large` with slots restricted, in a way that leaves a chi-square."""
    setting = Setting.of(data)
    bound = small.bind((), setting), large.bind((), setting)
    why = next(_differences(*bound, ""), None)
    if why is not None:
        raise ModelError(
            f"{small!r} is not {large!r} with slots restricted: {why}. A chi-square holds for nested models only. "
            f"{INSTEAD}"
        )
    edge = next(_at_edge(*bound, ""), None)
    if edge is not None:
        raise ModelError(f"{small!r} lies at the edge of {large!r}: {edge}. No chi-square holds there. {INSTEAD}")


def grown(small: Family, large: Family) -> bool:
    """Is the large model the small one with more components?"""
    return (
        isinstance(small, Mixture)
        and isinstance(large, Mixture)
        and small.component == large.component
        and small.size < large.size
    ) or (isinstance(large, Mixture) and large.component == small and large.size > 1)


def has_priors(family: Family) -> bool:
    """Does any slot of a bound family hold a prior?"""
    return any(s.prior is not None for s in family.slots.values()) or any(map(has_priors, family.parts().values()))


def _differences(small: Family, large: Family, path: str) -> Iterator[str]:
    """Why the first is not the second restricted."""
    where = f" at {path[:-1]}" if path else ""
    if type(small) is not type(large):
        yield f"{type(small).__name__} is not {type(large).__name__}{where}"
        return
    if isinstance(small, Mixture) and isinstance(large, Mixture) and small.size != large.size:
        yield f"{small.size} components are {large.size} of which some have weight 0, or are alike{where}"
        return
    if list(small.parts()) != list(large.parts()):
        yield f"they have different parts{where}"
        return
    yield from _arguments_differ(small, large, where)
    for name, slot in small.slots.items():
        yield from _slots_differ(slot, large.slots[name], path + name)
    for name, part in small.parts().items():
        yield from _differences(part, large.parts()[name], f"{path}{name}.")


def _arguments_differ(small: Any, large: Any, where: str) -> Iterator[str]:
    forms = [FORMS.get(getattr(f, "form", "")) for f in (small, large)]
    if forms[0] is not None and forms[1] is not None:
        pairs = zip(forms[0].letters, forms[1].letters, strict=True)
        if not all(ORDER.index(a) <= ORDER.index(b) for a, b in pairs):
            yield f"the form {small.form!r} is no special case of {large.form!r}{where}"
    elif not small.parts() and small.arguments() != large.arguments():
        yield f"{type(small).__name__}({', '.join(small.arguments())}) is not ({', '.join(large.arguments())}){where}"


def _slots_differ(small: Slot, large: Slot, name: str) -> Iterator[str]:
    """A place of the smaller model in no special position: the larger one has it only if it has all of them."""
    if large.reaches(small.somewhere(np.random.default_rng(0))):
        return
    if large.known is not None:
        yield f"{name} is known in the larger model, and not the same in the smaller one"
    elif not large.ties:
        yield f"the structure that {name} has in the larger model does not hold in the smaller one"
    elif small.fixed:
        yield f"{name} is shared in the larger model, and different values are known in the smaller one"
    else:
        yield f"{name} is shared in the larger model, and not in the same way in the smaller one"


def _at_edge(small: Family, large: Family, path: str) -> Iterator[str]:
    """Where the usual theory does not hold although the models are nested."""
    for name, slot in small.slots.items():
        chosen = _restricted(slot, large.slots[name])
        if name in small.nonregular and chosen.any():
            yield f"the likelihood is not smooth in {path}{name}, whose maximum is an end of the data"
        elif not large.slots[name].inside(slot.somewhere(np.random.default_rng(0))):
            yield f"{path}{name} is known to be at the edge of what is possible"
    if isinstance(small, Mixture) and isinstance(large, Mixture) and small.size > 1:
        axis = len(small.axes)
        if _alike(small.component, axis) and not _alike(large.component, axis):
            yield f"its {small.size} components are alike, which leaves their weights undefined"
    for name, part in small.parts().items():
        yield from _at_edge(part, large.parts()[name], f"{path}{name}.")


def _restricted(small: Slot, large: Slot) -> Array:
    """Entries known in the smaller model and estimated in the larger one."""
    if small.known is None:
        return np.zeros(1, bool)
    return ~np.isnan(small.known) & (np.isnan(large.known) if large.known is not None else True)


def _alike(family: Family, axis: int) -> bool:
    """Are the members of a bound family the same along an axis, whatever is estimated?"""
    if isinstance(family, Alternatives):
        return False
    own = all(_constant(slot, axis) for slot in family.slots.values())
    return own and all(_alike(part, axis) for part in family.parts().values())


def _constant(slot: Slot, axis: int) -> bool:
    if slot.fixed:
        value = np.asarray(slot.known).reshape(slot.sizes + slot.event)
        return bool((value == value.take([0], axis=axis)).all())
    if axis not in slot.ties:
        return False
    offsets = np.broadcast_to(slot.offsets, (slot.k, *slot.event)).reshape(slot.sizes + slot.event)
    return bool((offsets == offsets.take([0], axis=axis)).all())
