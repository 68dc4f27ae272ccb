"""The laws over models that nobody thought of: random nestings with random slots, on random data."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

import likely as lk
from cases import BINARY, COUNTS, POSITIVE, REAL
from laws import LAWS
from likely.core.written import shared
from support import bound

COLUMNS = {"real": REAL, "positive": POSITIVE, "counts": COUNTS, "binary": BINARY}


def slot(*options):
    """A slot left free, tied, or filled by one of some options; ties need an enclosing mixture."""
    return st.sampled_from([None, shared, *options])


def family(kind, **slots):
    return st.fixed_dictionaries(slots).map(lambda s: kind(**{n: v for n, v in s.items() if v is not None}))


SCALARS = {
    "real": family(lk.Normal, mean=slot(1.5, lk.Normal(0, 9)), variance=slot(2.0, lk.InverseGamma(3, 2))),
    "positive": st.one_of(
        family(lk.Exponential, rate=slot(0.3, lk.Gamma(2, 2))),
        family(lk.Gamma, shape=slot(1.5), rate=slot(0.5)),
        family(lk.LogNormal, log_mean=slot(), log_variance=slot(0.7)),
    ),
    "counts": st.one_of(
        family(lk.Poisson, rate=slot(2.0, lk.Gamma(2, 1))),
        family(lk.Geometric, p=slot(0.4, lk.Beta(2, 2))),
    ),
    "binary": family(lk.Bernoulli, p=slot(0.5, lk.Beta(2, 2))),
}


def mixture(component):
    weights = st.sampled_from([None, lk.Dirichlet(2)])
    made = st.tuples(component, st.integers(2, 3), weights)
    return made.map(lambda t: lk.Mixture(t[0], t[1]) if t[2] is None else lk.Mixture(t[0], t[1], weights=t[2]))


@st.composite
def scalar_problem(draw):
    """A mixture (perhaps of mixtures) over one column."""
    kind = draw(st.sampled_from(sorted(COLUMNS)))
    nested = draw(st.booleans())
    leaf = SCALARS[kind]
    return draw(mixture(mixture(leaf)) if nested else mixture(leaf)), COLUMNS[kind][:, None]


@st.composite
def product_problem(draw):
    """A mixture of products over several columns."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=3, unique=True))
    parts = st.fixed_dictionaries({k: SCALARS[k] for k in kinds}).map(
        lambda p: lk.Product(**{k: p[k] for k in kinds})  # columns go by the order of the parts
    )
    return draw(mixture(parts)), np.column_stack([COLUMNS[k] for k in kinds])


@st.composite
def list_problem(draw):
    """A mixture of different families."""
    kind = draw(st.sampled_from(["positive", "counts"]))
    free = {"positive": [lk.Gamma(), lk.Exponential(), lk.LogNormal()], "counts": [lk.Poisson(), lk.Geometric()]}[kind]
    chosen = draw(st.lists(st.sampled_from(free), min_size=2, max_size=3, unique=True))
    return lk.Mixture(chosen), COLUMNS[kind][:, None]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(problem=st.one_of(scalar_problem(), product_problem(), list_problem()), seed=st.integers(0, 2**16))
def test_laws_hold_for_random_nestings(problem, seed):
    model, x = problem
    rng = np.random.default_rng(seed)
    family_, table = bound(model, x)
    params = family_.start(table, np.ones((len(table), 1)), rng)
    for law in LAWS.values():
        law(family_, table, params, rng)
