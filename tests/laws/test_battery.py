"""Every law over every case; a family that is missing from the battery fails."""

import numpy as np
import pytest

import likely as lk
from cases import CASES
from laws import LAWS
from likely.core.family import REGISTRY
from likely.core.written import shared


def families_in(model):
    yield type(model).__name__
    for part in model.parts().values():
        yield from families_in(part)
    for name in model.domains:
        value = getattr(model, name)
        prior = value.prior if isinstance(value, type(shared)) else value
        if isinstance(prior, lk.Family):
            yield type(prior).__name__


@pytest.mark.parametrize("case", CASES, ids=str)
def test_laws(case):
    family, table = case.bound()
    params = family.start(table, np.ones((len(table), 1)), np.random.default_rng(3))
    for name, law in LAWS.items():
        if name not in case.exempt:
            law(family, table, params, np.random.default_rng(11))


def test_every_family_is_in_the_battery():
    covered = {name for case in CASES for name in families_in(case.model)}
    ours = {n for n, f in REGISTRY.items() if f.__module__.startswith("likely.")}
    assert ours - covered == set()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_written_models_read_back(case):
    assert lk.parse(repr(case.model)) == case.model
