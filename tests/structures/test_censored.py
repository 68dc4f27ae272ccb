"""Censored observations: exact values, right-, left- and interval-censored rows."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, random_weights
from likely.core.params import Params
from likely.core.written import shared
from support import bound, q_gradient

RNG = np.random.default_rng(4)
TIME = RNG.weibull(1.6, 200) * 10
WATCHED = RNG.uniform(1, 20, 200)
RIGHT = lk.censored(np.minimum(TIME, WATCHED), TIME <= WATCHED)
ALL = RIGHT.copy()  # all kinds of rows
ALL[:60] = np.column_stack([np.floor(TIME), np.floor(TIME) + 1])[:60]
ALL[60:80, 0], ALL[80:90, 0] = -np.inf, 0
ALL[60:90, 1] = TIME[60:90] + 2


def log_likelihood(law, rows):
    """Row by row from distribution functions and survival functions."""
    low, high = rows.T
    upper = law.sf(low) < 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(upper, law.sf(low) - law.sf(high), law.cdf(high) - law.cdf(low))
        return np.where(low == high, law.logpdf(low), np.log(between))


LAWS = [
    (lk.Weibull(1.3, 8), stats.weibull_min(1.3, scale=8)),
    (lk.Exponential(0.2), stats.expon(scale=5)),
    (lk.Gamma(2, 0.3), stats.gamma(2, scale=1 / 0.3)),
    (lk.LogNormal(1.5, 0.8), stats.lognorm(np.sqrt(0.8), scale=np.exp(1.5))),
    (lk.Normal(6, 16), stats.norm(6, 4)),
    (lk.Gumbel(6, 4), stats.gumbel_r(6, 4)),
    (lk.InverseGamma(2, 9), stats.invgamma(2, scale=9)),
    (lk.Logistic(6, 3), stats.logistic(6, 3)),
    (lk.StudentT(6, 3, 4), stats.t(4, 6, 3)),
]


@pytest.mark.parametrize(("model", "law"), LAWS, ids=[repr(m) for m, _ in LAWS])
def test_log_prob_of_every_kind_of_row(model, law):
    assert lk.Censored(model).log_prob(ALL) == pytest.approx(log_likelihood(law, ALL), rel=1e-9)


def test_log_prob_far_in_the_tails_keeps_its_digits():
    rows = [[30, np.inf], [30, 31], [-31, -30], [-np.inf, -30]]
    law = stats.norm()
    step = np.log(-np.expm1(law.logsf(31) - law.logsf(30)))
    expected = law.logsf(30) + np.array([0, step, step, 0])
    assert lk.Censored(lk.Normal(0, 1)).log_prob(rows) == pytest.approx(expected, rel=1e-13)
    assert lk.Censored(lk.Exponential(1)).log_prob([[1000, np.inf]]).tolist() == [-1000]
    assert lk.Censored(lk.Weibull(2, 1)).log_prob([[100, np.inf]])[0] == pytest.approx(-10_000, rel=1e-14)


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (lk.Normal(2, 9), stats.norm(2, 3)), (lk.Logistic(2, 3), stats.logistic(2, 3)),
        (lk.Laplace(2, 3), stats.laplace(2, 3)), (lk.StudentT(2, 3, 4), stats.t(4, 2, 3)),
        (lk.Gamma(2, 0.3), stats.gamma(2, scale=1 / 0.3)), (lk.Exponential(0.3), stats.expon(scale=1 / 0.3)),
        (lk.LogNormal(2, 9), stats.lognorm(3, scale=np.exp(2))), (lk.InverseGamma(2, 9), stats.invgamma(2, scale=9)),
    ],
    ids=lambda value: repr(value) if isinstance(value, lk.Family) else "",
)  # fmt: skip
def test_both_tails_keep_their_digits(model, law):
    below, above = law.ppf([1e-40, 0.3]), law.isf([0.2, 1e-40])
    model = lk.Censored(model)
    assert model.log_prob([[-np.inf, x] for x in below]) == pytest.approx(np.log([1e-40, 0.3]), rel=1e-9)
    assert model.log_prob([[x, np.inf] for x in above]) == pytest.approx(np.log([0.2, 1e-40]), rel=1e-9)


def test_the_whole_line_says_nothing_and_one_column_is_exact():
    model = lk.Censored(lk.Weibull(2, 3))
    assert model.log_prob([[-np.inf, np.inf], [0, np.inf]]).tolist() == [0, 0]
    assert model.log_prob([1.0, 2.0]).tolist() == lk.Weibull(2, 3).log_prob([1.0, 2.0]).tolist()
    assert lk.fit(lk.Censored(lk.Weibull()), TIME).model.part.shape == pytest.approx(
        lk.fit(lk.Weibull(), TIME).model.shape, rel=1e-8
    )


def test_an_exponential_censored_on_the_right_is_events_over_time():
    fit = lk.fit(lk.Censored(lk.Exponential()), RIGHT)
    events = np.isfinite(RIGHT[:, 1]).sum()
    assert fit.model.part.rate == pytest.approx(events / RIGHT[:, 0].sum(), rel=1e-9)


def test_an_exponential_with_a_prior_is_the_mode_of_the_posterior():
    fit = lk.fit(lk.Censored(lk.Exponential(rate=lk.Gamma(3, 20))), RIGHT)
    events = np.isfinite(RIGHT[:, 1]).sum()
    assert fit.model.part.rate == pytest.approx((events + 3 - 1) / (RIGHT[:, 0].sum() + 20), rel=1e-9)


def test_a_weibull_censored_on_the_right_is_the_textbooks_root():
    # 1/k + mean of log x over events = sum x^k log x / sum x^k over all rows (Lawless 2003, section 5.2).
    x, events = RIGHT[:, 0], np.isfinite(RIGHT[:, 1])
    shape = optimize.brentq(
        lambda k: 1 / k + np.log(x[events]).mean() - (x**k @ np.log(x)) / (x**k).sum(), 0.1, 9, xtol=1e-15
    )
    weibull = lk.fit(lk.Censored(lk.Weibull()), RIGHT).model.part
    assert weibull.shape == pytest.approx(shape, rel=1e-9)
    assert weibull.scale == pytest.approx(((x**shape).sum() / events.sum()) ** (1 / shape), rel=1e-9)


@pytest.mark.parametrize("model", [m for m, _ in LAWS], ids=repr)
def test_fits_of_every_kind_of_row_are_a_general_optimisers(model):
    fit = lk.fit(lk.Censored(type(model)()), ALL)
    family, _ = bound(lk.Censored(type(model)()), ALL)
    begin = family.flatten(lk.Censored(model).bind().known_params())

    def loss(u):
        values = family.unflatten(u, lk.Censored(model).bind().known_params())
        part = type(model)(**{n: float(values.part[n][0]) for n in values.part})
        return -lk.Censored(part).log_prob(ALL).sum()

    found = optimize.minimize(loss, begin, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10})
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-11)
    params = fit.model.bind().known_params()
    assert family.flatten(params) == pytest.approx(found.x, abs=1e-4)


@pytest.mark.parametrize(
    "part",
    [
        lk.Weibull(), lk.Weibull(shape=shared), lk.Weibull(shape=2), lk.Weibull(scale=[8, np.nan]),
        lk.Weibull(shape=lk.Gamma(2, 1)), lk.Normal(mean=shared + [0, 3]), lk.LogNormal(log_variance=shared),
        lk.Gamma(rate=shared(lk.Gamma(2, 1))), lk.Normal(mean=lk.Normal(5, 1), variance=lk.InverseGamma(3, 20)),
    ],
    ids=repr,
)  # fmt: skip
def test_known_tied_and_prior_slots_end_where_the_gradient_vanishes(part):
    mixture, table = bound(lk.Mixture(lk.Censored(part), 2), ALL)
    rng = np.random.default_rng(2)
    params = mixture.start(table, rng.exponential(size=(200, 1)), rng)
    stats_ = mixture.collect(params, mixture.infer(params, table), table, rng.exponential(size=(200, 1)))
    new = mixture.maximize(stats_, params)
    assert np.abs(q_gradient(mixture, new, stats_)).max() < 1e-6 * 200
    assert mixture.obeys(new)


def test_expected_log_density_is_the_weighted_sum():
    family, table = bank(lk.Censored(lk.Gamma()), 3, ALL)
    params = Params(part=Params(shape=np.array([0.5, 2, 9]), rate=np.array([1, 0.2, 3])))
    w = random_weights(200, 3)
    posterior = family.infer(params, table)
    found = family.expected_log_density(params, family.collect(params, posterior, table, w))
    assert found == pytest.approx((w * posterior.log_prob).sum(0), rel=1e-12)


def test_truncated_then_censored_is_a_ratio_of_probabilities():
    # What lies in the window, over the window: surpyval once used F(high) for F(high) - F(window's low).
    law = stats.weibull_min(1.5, scale=9)
    rows = np.array([[4, 4], [4, 8], [12, np.inf], [-np.inf, 5], [3, 20]])
    low, high = np.clip(rows, 3, 20).T
    with np.errstate(divide="ignore"):
        inside = np.where(low == high, law.logpdf(low), np.log(law.cdf(high) - law.cdf(low)))
    model = lk.Censored(lk.Truncated(lk.Weibull(1.5, 9), low=3, high=20))
    assert model.log_prob(rows) == pytest.approx(inside - np.log(law.cdf(20) - law.cdf(3)), rel=1e-9, abs=1e-12)


def test_late_entry_and_censoring_recover_the_truth():
    # Rows of age below 3 are not seen, watching ends at 12.
    x = np.random.default_rng(0).weibull(1.8, 6000) * 8
    x = x[x > 3]
    fit = lk.fit(lk.Censored(lk.Truncated(lk.Weibull(), low=3)), lk.censored(np.minimum(x, 12), x <= 12))
    weibull = fit.model.part.part
    assert [weibull.shape, weibull.scale] == pytest.approx([1.8, 8], rel=0.06)


def test_a_mixture_of_censored_lives_recovers_them():
    rng = np.random.default_rng(0)
    x = np.append(rng.weibull(3, 700) * 2, rng.weibull(2, 1300) * 20)
    c = rng.uniform(5, 40, 2000)
    fit = lk.fit(lk.Mixture(lk.Censored(lk.Weibull()), 2), lk.censored(np.minimum(x, c), x <= c), starts=3)
    part = fit.model.component.part
    order = np.argsort(part.scale)
    assert fit.model.weights[order] == pytest.approx([0.35, 0.65], abs=0.03)
    assert part.scale[order] == pytest.approx([2, 20], rel=0.07)
    assert fit.model.responsibilities([[30, np.inf]])[0, order[1]] == pytest.approx(1, abs=1e-9)


def test_equal_intervals_are_one_row_of_their_weight():
    rounded = np.column_stack([np.floor(TIME), np.floor(TIME) + 1])
    distinct, counts = np.unique(rounded, axis=0, return_counts=True)
    one, other = lk.fit(lk.Censored(lk.Gamma()), rounded), lk.fit(lk.Censored(lk.Gamma()), distinct, weights=counts)
    assert one.model.part.shape == pytest.approx(other.model.part.shape, rel=1e-9)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)


def test_a_column_beside_the_two_ends():
    group = (TIME > 5).astype(float)
    model = lk.Product(life=lk.Censored(lk.Weibull()), old=lk.Bernoulli())
    fit = lk.fit(model, {"low": RIGHT[:, 0], "high": RIGHT[:, 1], "old": group})
    assert fit.model["life"].part.shape == pytest.approx(lk.fit(lk.Censored(lk.Weibull()), RIGHT).model.part.shape)
    with pytest.raises(lk.DataError) as e:
        lk.fit(
            lk.Product(life=lk.Censored(lk.Weibull()), old=lk.Normal()),
            {"low": [1, 2], "high": [1, 2], "old": [1, np.inf]},
        )
    assert str(e.value) == (
        "column 'old' row 2 is inf; Product(life=Censored(Weibull()), old=Normal()) needs finite numbers. Drop the "
        "row, or use a family that allows it."
    )


@pytest.mark.parametrize(
    ("model", "rows", "message"),
    [
        (
            lk.Censored(lk.Weibull()), {"low": [1, 5], "high": [1, 2]},
            "column 'low' row 2 is 5 and column 'high' is 2; a row of Censored is [low, high] with low at most high. "
            "Mend the row, or name the columns in their order: columns=[...].",
        ),
        (
            lk.Censored(lk.Weibull()), {"low": [1, -5], "high": [1, -5]},
            "column 'low' row 2 is -5; Censored(Weibull()) needs exact values or intervals of numbers above 0. Drop "
            "the row, or use a family that allows it.",
        ),
        (
            lk.Censored(lk.Weibull()), {"low": [1, -np.inf], "high": [1, 0]},
            "column 'low' row 2 is -inf; Censored(Weibull()) needs exact values or intervals of numbers above 0. Drop "
            "the row, or use a family that allows it.",
        ),
        (
            lk.Censored(lk.Weibull()), np.ones((2, 3)),
            "Censored takes two columns, the ends low and high of each row; the data has 3 columns. Name two with "
            "columns=[...].",
        ),
        (
            lk.Censored(lk.Normal()), lk.censored([1, 2, 3], [0, 0, 0]),
            "Censored(Normal()): all its rows are censored on the right, so the likelihood has no maximum. Some must "
            "be exact, or intervals.",
        ),
        (
            lk.Censored(lk.Normal()), [[-np.inf, 1], [-np.inf, 3]],
            "Censored(Normal()): all its rows are censored on the left, so the likelihood has no maximum. Some must be "
            "exact, or intervals.",
        ),
        (
            lk.Censored(lk.Weibull()), lk.censored([1, 2, 3], [0, 0, 1]),
            "Censored(Weibull()): its shape grew without bound, so the likelihood has no maximum. Give shape a value "
            "or a prior.",
        ),
        (
            lk.Censored(lk.Laplace()), RIGHT,
            "Censored(Laplace()): the best location of Laplace is one of the values, and these are not all known here. "
            "Give it a value, as in Laplace(location=...).",
        ),
        (
            lk.Normal(), [1, np.inf],
            "column 1 row 2 is inf; finite numbers are needed. Mend or drop the row.",
        ),
    ],
    ids=["order", "support", "empty", "columns", "right", "left", "one event", "kink", "elsewhere"],
)  # fmt: skip
def test_what_cannot_be_fitted_is_named(model, rows, message):
    with pytest.raises(lk.LikelyError) as e:
        lk.fit(model, rows)
    assert str(e.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: lk.Censored(lk.Mixture(lk.Weibull(), 2)),
            "Censored(Mixture(...)): the part must be one family of one column. Put Censored inside, as in "
            "Mixture(Censored(Weibull()), 2).",
        ),
        (
            lambda: lk.Censored(lk.VonMises()),
            "Censored(VonMises()): the part must be a continuous family of one column, on the line and with a "
            "distribution function, such as Weibull() or Normal().",
        ),
        (lambda: lk.Censored(3), "Censored(3): the part must be a family, as in Censored(Weibull())."),
        (lambda: lk.censored([1, 2], [1]), "event has 1 values, time has 2; one for each is needed."),
        (lambda: lk.censored([1, 2], [1, 2]), "event row 2 is 2; it needs True (seen) or False (censored)."),
        (lambda: lk.censored([[1, 2]], [1]), "time has 2 columns; one is needed."),
    ],
    ids=["mixture", "circle", "number", "lengths", "events", "columns"],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(lk.InputError) as e:
        make()
    assert str(e.value) == message


def test_moments_quantiles_and_draws_are_those_of_the_values():
    model, inner = lk.Censored(lk.Weibull(2, 3)), lk.Weibull(2, 3)
    assert (model.mean, model.variance) == (inner.mean, inner.variance)
    assert model.cdf([1.0, 3.0]).tolist() == inner.cdf([1.0, 3.0]).tolist()
    assert model.quantile(0.5) == inner.quantile(0.5)
    drawn = model.sample(5, seed=3)
    assert drawn.tolist() == np.repeat(inner.sample(5, seed=3)[:, None], 2, 1).tolist()


def test_a_fit_is_stored_and_scores_new_rows(tmp_path):
    fit = lk.fit(lk.Censored(lk.Weibull()), RIGHT)
    fit.save(tmp_path / "fit.json")
    assert lk.load(tmp_path / "fit.json").model == fit.model
    assert fit.score(RIGHT) == pytest.approx(fit.log_likelihood / 200, rel=1e-12)


def test_infinite_ends_are_read_from_a_file(tmp_path):
    path = tmp_path / "lives.csv"
    path.write_text("low,high\n54,54\n187,187\n216,216\n500,inf\n500,inf\n")
    fit = lk.fit(lk.Censored(lk.Exponential()), path)
    assert fit.model.part.rate == pytest.approx(3 / 1457, rel=1e-9)
    assert fit.score(path) == pytest.approx(fit.log_likelihood / 5, rel=1e-12)
