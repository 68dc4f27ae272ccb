"""One family repeated over columns."""

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.core.notation import parse
from likely.core.setting import Setting
from support import bound, e_step

RNG = np.random.default_rng(31)
N = 150
HALF = np.repeat([0, 1], N // 2)
BITS = (RNG.random((N, 5)) < np.where(HALF == 0, 0.2, 0.7)[:, None]).astype(float)
REAL = RNG.normal(size=(N, 3)) * [1, 2, 3] + HALF[:, None] * [4, 0, 6]
COUNTS = RNG.poisson(1 + 4 * HALF[:, None], (N, 3)).astype(float)
POSITIVE = RNG.gamma(2 + 3 * HALF[:, None], 1.5, (N, 3))
UNIT = RNG.beta(2 + 3 * HALF[:, None], 3, (N, 3))

CASES = [
    (lk.Bernoulli, BITS),
    (lk.Normal, REAL),
    (lk.Poisson, COUNTS),
    (lk.NegativeBinomial, RNG.negative_binomial(2, 0.2 + 0.3 * HALF[:, None], (N, 3)).astype(float)),
    (lk.Gamma, POSITIVE),
    (lk.LogNormal, POSITIVE),
    (lk.Beta, UNIT),
    (lk.Uniform, REAL),
    (lk.Categorical, COUNTS.clip(0, 3)),
]


def copies(part, d):
    return lk.Product(**{f"c{j}": part() for j in range(d)})


@pytest.mark.parametrize(("part", "x"), CASES, ids=[c[0].__name__ for c in CASES])
def test_it_is_a_product_of_copies(part, x):
    one, many = lk.fit(lk.Independent(part()), x), lk.fit(copies(part, x.shape[1]), x)
    assert one.log_likelihood == pytest.approx(many.log_likelihood, rel=1e-12)
    assert one.model.log_prob(x) == pytest.approx(many.model.log_prob(x), rel=1e-12)
    assert one.n_free == many.n_free


@pytest.mark.parametrize(("part", "x"), CASES, ids=[c[0].__name__ for c in CASES])
def test_in_a_mixture_it_is_a_product_of_copies(part, x):
    d = x.shape[1]
    one, table = bound(lk.Mixture(lk.Independent(part()), 2), x)
    many, _ = bound(lk.Mixture(copies(part, d), 2), x)
    w = RNG.random((N, 1))
    params = one.start(table, w, np.random.default_rng(1))
    other = many.start(table, w, np.random.default_rng(1))
    for _ in range(3):
        posterior, statistics = e_step(one, params, table, w)
        posterior_, statistics_ = e_step(many, other, table, w)
        assert posterior.log_prob == pytest.approx(posterior_.log_prob, rel=1e-9)
        q = one.expected_log_density(params, statistics).sum()
        assert q == pytest.approx(many.expected_log_density(other, statistics_).sum(), rel=1e-9)
        params, other = one.maximize(statistics, params), many.maximize(statistics_, other)
    for name in one.component.part.domains:
        each = np.stack([other.component[f"c{j}"][name] for j in range(d)], 1)
        assert params.component.part[name].reshape(each.shape) == pytest.approx(each, rel=1e-6)


def test_parameters_are_laid_out_by_component_and_column():
    fit = lk.fit(lk.Mixture(lk.Independent(lk.Bernoulli()), 2), BITS)
    assert fit.model.component.part.p.shape == (2, 5)
    low = fit.model.component.part.p[fit.model.component.part.p.mean(1).argmin()]
    assert low == pytest.approx(BITS[HALF == 0].mean(0), abs=0.15)


def test_independent_normals_are_a_diagonal_covariance():
    one = lk.fit(lk.Mixture(lk.Independent(lk.Normal()), 2), REAL)
    other = lk.fit(lk.Mixture(lk.MultivariateNormal("diagonal"), 2), REAL)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-5)
    assert one.n_free == other.n_free


def test_one_value_can_be_common_to_all_columns():
    fit = lk.fit(lk.Independent(lk.Normal(variance=lk.shared(over="column"))), REAL)
    centred = REAL - REAL.mean(0)
    assert fit.model.part.variance == pytest.approx([(centred**2).mean()] * 3, rel=1e-12)
    assert fit.n_free == 4


def test_in_a_mixture_shared_ties_components_column_by_column():
    fit = lk.fit(lk.Mixture(lk.Independent(lk.Normal(variance=lk.shared)), 2), REAL)
    variance = fit.model.component.part.variance
    assert variance.shape == (2, 3)
    assert variance[0].tolist() == variance[1].tolist()
    assert len(set(variance[0])) == 3
    everywhere = lk.shared(over=["component", "column"])
    fit = lk.fit(lk.Mixture(lk.Independent(lk.Normal(variance=everywhere)), 2), REAL)
    assert len(set(fit.model.component.part.variance.ravel())) == 1


def test_known_values_one_for_each_column():
    model = lk.Independent(lk.Bernoulli(p=[0.1, 0.5, 0.9]))
    assert model.log_prob([[1, 0, 1]]) == pytest.approx(np.log([0.1 * 0.5 * 0.9]))
    assert model.sample(4).shape == (4, 3)
    drawn = model.sample(100_000, seed=2)
    assert drawn.mean(0) == pytest.approx([0.1, 0.5, 0.9], abs=0.01)


def test_a_part_may_be_a_mixture():
    x = np.column_stack([RNG.normal(5.0 * HALF, 1), RNG.normal(-4.0 * RNG.permutation(HALF), 1)])
    fit = lk.fit(lk.Independent(lk.Mixture(lk.Normal(), 2)), x)
    alone = [lk.fit(lk.Mixture(lk.Normal(), 2), x[:, j]) for j in range(2)]
    assert fit.log_likelihood == pytest.approx(sum(a.log_likelihood for a in alone), abs=1e-4)
    assert fit.model.part.component.mean.shape == (2, 2)
    assert fit.model.sample(3).shape == (3, 2)
    assert parse(repr(fit.model)) == fit.model


def test_words_in_every_column():
    words = {"first": ["a", "b", "a", "a"], "second": ["b", "b", "c", "b"]}
    model = lk.fit(lk.Independent(lk.Categorical()), words).model
    assert model.part.categories == ("a", "b", "c")
    assert model.part.p == pytest.approx(np.array([[0.75, 0.25, 0], [0, 0.75, 0.25]]))
    assert model.sample(6).shape == (6, 2)
    assert set(model.sample(6)[:, 0]) <= {"a", "b"}


def test_a_row_outside_the_support_is_impossible():
    model = lk.Independent(lk.Exponential(rate=[1.0, 2.0]))
    assert model.log_prob([[1, -1], [0, 0]]) == pytest.approx([-np.inf, np.log(2)])


def test_nothing_of_the_data_is_copied_for_one_member():
    family, table = bound(lk.Independent(lk.Normal(mean=[0, 0, 0], variance=1)), REAL)
    family.infer(family.known_params(), table)
    assert np.shares_memory(family._view(table, 0).x, table.x)
    assert all(np.shares_memory(t.x, table.x) for t in table.memo.values())


def test_members_may_look_at_points_of_their_own():
    family = lk.Mixture([lk.Independent(lk.Normal()), lk.Independent(lk.Normal())])
    table = Table(REAL)
    one = lk.Independent(lk.Normal()).bind((family.part_axes(Setting({"d": 3}))[0],), Setting.of(table))
    w = RNG.random((N, 2))
    params = one.maximize(one.collect(None, None, table, w), None)
    own = table.with_(x=np.stack([REAL, REAL[::-1]], 1))
    assert one.infer(params, own).log_prob[:, 0] == pytest.approx(one.infer(params, table).log_prob[:, 0])
    assert one.infer(params, own).log_prob[::-1, 1] == pytest.approx(one.infer(params, table).log_prob[:, 1])


def test_text_reads_back():
    for model in (lk.Independent(lk.Normal(mean=[1, 2])), lk.Mixture(lk.Independent(lk.Poisson()), 3)):
        assert parse(repr(model)) == model


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (3, "Independent(3): the part must be a family, as in Independent(Bernoulli())."),
        (
            lk.MultivariateNormal(),
            "Independent(MultivariateNormal()): it repeats a family of one column, and MultivariateNormal describes "
            "several together. Use it as it is, or put a family such as Normal() inside.",
        ),
        (
            lk.Mixture(lk.Multinomial(), 2),
            "Independent(Mixture(Multinomial(), 2)): it repeats a family of one column, and Mixture describes several "
            "together. Use it as it is, or put a family such as Normal() inside.",
        ),
    ],
)
def test_parts_of_several_columns_are_refused(part, message):
    with pytest.raises(lk.ModelError) as e:
        lk.Independent(part)
    assert str(e.value) == message


def test_a_value_outside_the_support_is_named_with_its_column():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Independent(lk.Poisson()), {"a": [1.0, 2], "b": [3.0, 0.5]})
    assert (e.value.column, e.value.row, e.value.value) == ("b", 2, 0.5)


def test_a_constant_column_is_named():
    with pytest.raises(lk.LikelyError) as e:
        lk.fit(lk.Independent(lk.Normal()), {"a": [1.0, 2, 3], "b": [4.0, 4, 4]})
    assert "column 'b' is constant (4 in all 3 rows)" in str(e.value)
