"""The copyable family of docs/extending.md runs as it is written and obeys every law."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import likely as lk
from laws import LAWS
from support import bound

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture(scope="module")
def rayleigh():
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    scope = {"__name__": "skeleton"}
    exec(code[0], scope)
    return scope["Rayleigh"], code


def test_density_is_the_textbooks(rayleigh):
    x = np.array([0.3, 1.0, 4.0])
    assert rayleigh[0](4.0).log_prob(x) == pytest.approx(stats.rayleigh(scale=2).logpdf(x), rel=1e-13)


@pytest.mark.parametrize("law", LAWS)
def test_laws(rayleigh, law):
    x = np.random.default_rng(0).rayleigh(np.repeat([1.0, 5.0], 40))
    for model in (rayleigh[0](), lk.Mixture(rayleigh[0](), 2), lk.Mixture(rayleigh[0](scale2=lk.shared), 2)):
        family, table = bound(model, x)
        params = family.start(table, np.ones((80, 1)), np.random.default_rng(1))
        LAWS[law](family, table, params, np.random.default_rng(2))


def test_the_last_example_runs(rayleigh):
    scope = {"Rayleigh": rayleigh[0]}
    exec(rayleigh[1][2] + "\nfit = lk.fit(Rayleigh(), [0.5, 1.0, 2.5])", scope)
    # Maximum likelihood by hand: the sum of squares over twice the number of rows.
    assert scope["fit"].model.scale2 == pytest.approx((0.25 + 1 + 6.25) / 6, rel=1e-14)


def test_the_prior_of_the_page_is_map(rayleigh):
    kind = rayleigh[0]
    scope = {"Counts": __import__("likely.core.stats", fromlist=["Counts"]).Counts}
    exec("class Body:\n" + rayleigh[1][1], scope)
    with_prior = type(
        "RayleighWithPrior", (kind,), {n: v for n, v in vars(scope["Body"]).items() if n in ("priors", "pretend")}
    )
    x = np.random.default_rng(0).rayleigh(2.0, 30)
    family, table = bound(with_prior(scale2=lk.InverseGamma(3, 4)), x)
    params = family.start(table, np.ones((30, 1)), np.random.default_rng(1))
    LAWS["stationary"](family, table, params, np.random.default_rng(2))


def test_a_new_family_is_known_to_the_notation(rayleigh):
    assert lk.parse("Mixture(Rayleigh(), 2)") == lk.Mixture(rayleigh[0](), 2)
