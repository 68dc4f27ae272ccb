"""Values that others have published for lifetimes and extremes; each test names its source."""

import numpy as np
import pytest

import likely as lk

AIRCONDIT = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]  # Proschan (1963)
BURY = [32.7, 30.4, 31.8, 33.2, 33.8, 35.3, 34.6, 33, 32, 35.7, 35.5, 36.8, 40.8, 38.7, 36.7]  # Bury (1999)
NIST = [54, 187, 216, 240, 244, 335, 361, 373, 375, 386]  # and ten more still running at 500


@pytest.mark.parametrize(
    ("model", "values", "log_likelihood"),
    [
        (lk.Exponential(), {"rate": 1 / 108.083333333333}, -68.1948304143),
        (lk.Gamma(), {"shape": 0.7064931748043, "rate": 0.006536559828567}, -67.6454245558),
        (lk.Weibull(), {"shape": 0.7939438069822, "scale": 94.96489507617}, -67.6185098743),
        (lk.LogNormal(), {"log_mean": 3.828588211156, "log_variance": 1.529225363137**2}, -68.0674566354),
    ],
    ids=repr,
)
def test_air_conditioning(model, values, log_likelihood):
    fit = lk.fit(model, AIRCONDIT)
    assert {n: getattr(fit.model, n) for n in values} == pytest.approx(values, rel=1e-10)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-9)


def test_burys_gumbel():
    # Published as 33.5 and 2.241.
    fit = lk.fit(lk.Gumbel(), BURY)
    assert [fit.model.location, fit.model.scale] == pytest.approx([33.46673274355, 2.240684352467], rel=1e-11)
    assert fit.log_likelihood == pytest.approx(-35.5808298926, abs=1e-9)


def test_nists_weibull_with_censoring():
    # NIST/SEMATECH e-Handbook of Statistical Methods, section 8.4.1.3: 1.7207 and 606.5280.
    rows = lk.censored(NIST + [500] * 10, event=[True] * 10 + [False] * 10)
    fit = lk.fit(lk.Censored(lk.Weibull()), rows)
    weibull = fit.model.part
    assert [weibull.shape, weibull.scale] == pytest.approx([1.7207972608, 606.527558], rel=2e-9)
    assert fit.log_likelihood == pytest.approx(-75.1346181645, abs=1e-9)


def test_abernethys_failures_and_suspensions():
    # The New Weibull Handbook: 2.257 and 4900.1.
    rows = lk.censored([1500, 7000, 2250, 4000, 4300, 1750, 5000], event=[1, 1, 1, 1, 1, 0, 0])
    fit = lk.fit(lk.Censored(lk.Weibull()), rows)
    weibull = fit.model.part
    assert [weibull.shape, weibull.scale] == pytest.approx([2.2570432529, 4900.105686851], rel=1e-9)
    assert fit.log_likelihood == pytest.approx(-45.8522755725, abs=1e-9)


def test_a_weight_stands_for_so_many_rows_still_running():
    rows = lk.censored([*NIST, 500], event=[True] * 10 + [False])
    fit = lk.fit(lk.Censored(lk.Weibull()), rows, weights=np.append(np.ones(10), 10))
    assert fit.log_likelihood == pytest.approx(-75.1346181645, abs=1e-9)
