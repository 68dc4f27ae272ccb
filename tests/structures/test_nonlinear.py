"""The nonlinear state space: published EM path, exactness on linear functions, gradients, and what is refused."""

import numpy as np
import pytest

import likely as lk
from likely.core.sequences import sequences
from likely.core.setting import Setting

NILE = """1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210
1150 1250 1260 1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120
1100 832 764 821 768 845 864 862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649
846 812 742 801 1040 860 874 848 890 744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746
919 718 714 740"""
# log-likelihood, q and r of EM from the sample variance; the last is the limit (notes on state spaces, section 10)
PATH = [
    (-670.4497154946, 28637.94696970, 28637.94696970),
    (-657.0768423191, 19098.52448746, 18161.83226156),
    (-649.9240093407, 13807.28424816, 13434.10806552),
    (-646.7177402213, 10901.25781449, 11277.83530511),
]
A = np.array([[0.8, 0.3], [-0.2, 0.7]])
C = np.array([[1.0, 0.5], [0.0, 1.0], [0.3, -0.4]])


def same(x, _u, _theta):
    return x


def grown(x, _u, theta):
    return theta["a"][..., None] * x + theta["b"][..., None] * x / (1 + x**2)


def shown(x, _u, theta):
    return theta["g"][..., None] * (np.tanh(x) + 0.1 * x)


def growth(**slots):
    return lk.NonlinearStateSpace(grown, shown, 1, ["a", "b", "g"], **slots)


def linear(x, u, theta):
    return (theta[..., :4].reshape(*theta.shape[:-1], 2, 2) @ x[..., None])[..., 0] + u * theta[..., 4:6]


def rows(x, _u, _theta):
    return x @ C.T


def gappy(seed=0, n=30):
    """Two series of three columns with missing entries and rows, and their inputs."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, 3)) @ np.array([[1.0, 0.4, 0.2], [0.0, 1.0, -0.3], [0.0, 0.0, 0.8]])
    y[rng.random(y.shape) < 0.15] = np.nan
    y[4] = np.nan
    u = rng.normal(size=(n, 1))
    return sequences(y, [n // 3, n - n // 3], given=u)


def bound_to(model, data):
    bound = model.bind((), Setting.of(data.rows))
    return bound, bound.known_params()


def matrices(method="extended"):
    return lk.NonlinearStateSpace(
        linear, rows, 2, 6, theta=[0.8, 0.3, -0.2, 0.7, 0.5, -1.0], Q=[[0.5, 0.1], [0.1, 0.3]],
        R=[[0.4, 0.1, 0.0], [0.1, 0.5, 0.05], [0.0, 0.05, 0.3]], m0=[1.0, -1.0], P0=[[0.7, 0.2], [0.2, 0.9]],
        method=method,
    )  # fmt: skip


def test_em_of_the_nile_is_the_published_path():
    y = np.array(NILE.split(), float)
    path = lk.Path()
    start = lk.NonlinearStateSpace(same, same, 1, Q=28637.9469697, R=28637.9469697, m0=[0.0], P0=1e7)
    model = lk.NonlinearStateSpace(same, same, 1, m0=[0.0], P0=1e7)
    fit = lk.fit(model, y, start=start, accelerate=False, max_passes=4, callback=path)
    assert fit.outcome is lk.Outcome.pass_limit
    for stop, (_, q, r) in zip(path.of(fit), PATH, strict=True):
        np.testing.assert_allclose([stop.Q.item(), stop.R.item()], [q, r], rtol=1e-9)
    np.testing.assert_allclose([s.objective for s in fit.trace], [p[0] for p in PATH], atol=1e-8)


def test_the_nile_ends_at_the_published_maximum():
    y = np.array(NILE.split(), float)
    start = lk.NonlinearStateSpace(same, same, 1, Q=3000.0, R=10000.0, m0=[0.0], P0=1e7)
    fit = lk.fit(lk.NonlinearStateSpace(same, same, 1, m0=[0.0], P0=1e7), y, start=start)
    assert fit.outcome is lk.Outcome.converged
    assert abs(fit.log_likelihood - -641.5855783461) < 1e-5
    np.testing.assert_allclose([fit.model.Q.item(), fit.model.R.item()], [1468.5003, 15099.6859], rtol=2e-3)


@pytest.mark.parametrize("method", ["extended", "unscented", "iterated"])
def test_log_likelihood_is_expected_log_density_and_entropy_on_linear_functions(method):
    data = gappy()
    bound, params = bound_to(matrices(method), data)
    found = bound.infer(params, data)
    stats = bound.collect(params, found, data, np.ones((2, 1)))
    np.testing.assert_allclose(
        found.log_prob.sum(), (bound.expected_log_density(params, stats) + found.slack.sum()).item(), atol=1e-9
    )


def test_it_is_the_linear_state_space_where_functions_are_linear():
    data = gappy()
    linear_space = lk.StateSpace(
        2, A=A, B=[[0.5], [-1.0]], C=C, D=np.zeros((3, 1)), d=0, Q=[[0.5, 0.1], [0.1, 0.3]],
        R=[[0.4, 0.1, 0.0], [0.1, 0.5, 0.05], [0.0, 0.05, 0.3]], m0=[1.0, -1.0], P0=[[0.7, 0.2], [0.2, 0.9]],
    )  # fmt: skip
    model = matrices()
    np.testing.assert_allclose(model.log_prob(data), linear_space.log_prob(data), atol=1e-10)
    ours, theirs = model.smoothed(data), linear_space.smoothed(data)
    np.testing.assert_allclose(ours.mean, theirs.mean, atol=1e-10)
    np.testing.assert_allclose(ours.covariance, theirs.covariance, atol=1e-10)
    np.testing.assert_allclose(ours.lagged, theirs.lagged, atol=1e-10)
    np.testing.assert_allclose(model.residuals(data), linear_space.residuals(data), atol=1e-10)
    ahead, exact = (m.forecast(3, data, future=np.ones((3, 1))) for m in (model, linear_space))
    np.testing.assert_allclose(ahead.mean, exact.mean, atol=1e-10)
    np.testing.assert_allclose(ahead.covariance, exact.covariance, atol=1e-10)
    np.testing.assert_allclose(ahead.states.covariance, exact.states.covariance, atol=1e-10)


def test_the_m_step_zeroes_the_gradient_of_the_expected_log_density():
    data = gappy()
    slots = {"R": np.diag([0.4, 0.5, 0.3])}
    model = lk.NonlinearStateSpace(linear, rows, 2, 6, **slots)
    bound, (filled, params) = model.bind((), Setting.of(data.rows)), bound_to(matrices(), data)
    params = filled.known_params().replace(R=bound.slots["R"].known)
    found = bound.infer(params, data)
    stats = bound.collect(params, found, data, np.ones((2, 1)))
    new = bound.maximize(stats, params)
    u = bound.flatten(new)
    assert len(u) == bound.count_free() == 6 + 3 + 2 + 3

    def height(v):
        return bound.expected_log_density(bound.unflatten(v, new), stats).item()

    for j in range(len(u)):
        step = np.zeros(len(u))
        step[j] = 1e-5
        assert abs(height(u + step) - height(u - step)) / 2e-5 < 1e-5
    assert height(u) > bound.expected_log_density(params, stats).item()


def test_features_and_functions_of_theta_have_the_same_m_step():
    data = gappy()
    joined = lk.Features(lambda x, u: np.concatenate([x, u], -1), 3)
    by_features = lk.NonlinearStateSpace(
        joined, rows, 2, A=np.column_stack([A, [0.5, -1.0]]),
        **{n: getattr(matrices(), n) for n in ("Q", "R", "m0", "P0")},
    )  # fmt: skip
    new = []
    for model, free in ((matrices(), "theta"), (by_features, "A")):
        _, params = bound_to(model, data)
        open_model = model._changed(**dict.fromkeys((free, "Q", "R"), lk.free))
        bound = open_model.bind((), Setting.of(data.rows))
        found = bound.infer(params, data)
        new.append(bound.maximize(bound.collect(params, found, data, np.ones((2, 1))), params))
    theta = new[0].theta[0]
    np.testing.assert_allclose(np.column_stack([theta[:4].reshape(2, 2), theta[4:]]), new[1].A[0], atol=1e-8)
    np.testing.assert_allclose(new[0].Q, new[1].Q, atol=1e-8)
    np.testing.assert_allclose(new[0].R, new[1].R, atol=1e-8)


def test_known_coefficients_stay_and_priors_draw():
    data = gappy()
    joined = lk.Features(lambda x, u: np.concatenate([x, u], -1), 3)
    known = np.array([[np.nan, 0.3, np.nan], [-0.2, np.nan, np.nan]])
    slots = {n: getattr(matrices(), n) for n in ("Q", "R", "m0", "P0")}
    begin = lk.NonlinearStateSpace(joined, rows, 2, A=np.column_stack([A, [0.5, -1.0]]), **slots)
    _, params = bound_to(begin, data)
    for written in (known, lk.Normal(0.1, 0.05)):
        bound = lk.NonlinearStateSpace(joined, rows, 2, A=written, **slots).bind((), Setting.of(data.rows))
        found = bound.infer(params, data)
        stats = bound.collect(params, found, data, np.ones((2, 1)))
        new = bound.maximize(stats, params)
        u = bound.flatten(new)

        def height(v, bound=bound, new=new, stats=stats):
            at = bound.unflatten(v, new)
            return bound.expected_log_density(at, stats).item() + bound.log_prior(at)

        slopes = [(height(u + 1e-5 * e) - height(u - 1e-5 * e)) / 2e-5 for e in np.eye(len(u))]
        assert np.abs(slopes).max() < 1e-5
        if written is known:
            assert (new.A[0, 0, 1], new.A[0, 1, 0]) == (0.3, -0.2)


def test_a_weight_of_two_is_the_series_twice():
    y = growth(theta=[0.6, 2.0, 2.0], Q=0.3, R=0.2, m0=[0.0], P0=1.0).sample(20, seed=1, sequences=2)
    model, start = growth(m0=[0.0], P0=1.0), growth(theta=[0.5, 1.5, 1.5], Q=0.5, R=0.5, m0=[0.0], P0=1.0)
    options = {"start": start, "max_passes": 3, "accelerate": False}
    twice = lk.fit(model, [y[0], y[0], y[1]], **options)
    weighted = lk.fit(model, sequences(y, weights=[2, 1]), **options)
    np.testing.assert_allclose(twice.objective, weighted.objective, rtol=1e-12)
    np.testing.assert_allclose(twice.model.theta, weighted.model.theta, rtol=1e-9)


def test_a_radial_basis_network_learns_the_dynamics_from_no_start_in_particular():
    truth = lk.NonlinearStateSpace(lambda x, *_: 1.5 * np.sin(x), same, 1, Q=0.05, R=0.02, m0=[0.5], P0=0.5)
    y = truth.sample(25, seed=1, sequences=4)
    basis = lk.RadialBasis([-1.5, 0.0, 1.5], 1.0)
    model = lk.NonlinearStateSpace(basis, same, 1, A=lk.Normal(0, 4), Q=0.05, R=0.02, m0=[0.5], P0=0.5)
    fit = lk.fit(model, y, starts=1)
    assert fit.outcome is lk.Outcome.converged
    seen = np.linspace(-1.5, 1.5, 7)[:, None]
    learnt = basis.written(1, 0).call(seen, None, None) @ fit.model.A.T
    np.testing.assert_allclose(learnt, 1.5 * np.sin(seen), atol=0.35)
    assert fit.log_likelihood > truth.log_prob(y).sum()
    assert fit.smoothed().mean.shape == (100, 1)
    assert fit.forecast(2).mean.shape == (4, 2)
    assert "The likelihood is approximate: that of the extended Kalman filter." in str(fit)


def test_missing_rows_are_passed_over():
    model = growth(theta=[0.6, 2.0, 2.0], Q=0.3, R=0.2, m0=[0.0], P0=1.0)
    y = model.sample(12, seed=2)
    assert model.log_prob(np.append(y, [np.nan, np.nan])) == pytest.approx(model.log_prob(y), abs=1e-12)
    ahead = model.forecast(2, y)
    later = model.predicted(np.append(y, [np.nan, np.nan])).mean[-2:]
    np.testing.assert_allclose(ahead.states.mean[0], later, atol=1e-12)


def test_a_mixture_of_nonlinear_state_spaces_finds_two_kinds_of_series():
    still = growth(theta=[0.2, 0.0, 1.0], Q=0.1, R=0.1, m0=[0.0], P0=0.1).sample(25, seed=3, sequences=4)
    lively = growth(theta=[0.6, 2.0, 1.0], Q=0.1, R=0.1, m0=[0.0], P0=0.1).sample(25, seed=4, sequences=4)
    begin = growth(theta=[[0.1, 0.1, 1.0], [0.5, 1.5, 1.0]], Q=[[[0.2]], [[0.2]]], R=0.1, m0=[0.0], P0=0.1)
    part = growth(theta=[np.nan, np.nan, 1.0], R=0.1, m0=[0.0], P0=0.1)
    fit = lk.fit(lk.Mixture(part, 2), still + lively, start=lk.Mixture(begin, 2, weights=[0.5, 0.5]), max_passes=12)
    assert fit.predict().tolist() == [0] * 4 + [1] * 4
    assert (np.diff([s.objective for s in fit.trace]) >= -1e-9).all()


def test_jacobians_are_used_where_given_and_checked():
    def slope_f(x, _u, _theta):
        return np.ones((*x.shape, 1)) * 0.5

    def half(x, _u, _theta):
        return 0.5 * x

    rest = {"Q": 1.0, "R": 1.0, "m0": [0.0], "P0": 1.0}
    given = lk.NonlinearStateSpace(half, same, 1, jacobians=(slope_f, None), **rest)
    assert given.derivatives() == {"f": "given", "h": "complex step"}
    without = lk.NonlinearStateSpace(half, same, 1, **rest)
    np.testing.assert_allclose(given.log_prob([1.0, 2.0]), without.log_prob([1.0, 2.0]), atol=1e-12)
    with pytest.raises(lk.ModelError) as e:
        lk.NonlinearStateSpace(same, same, 1, jacobians=(slope_f, None), **rest).log_prob([1.0])
    assert str(e.value) == (
        "the Jacobian of f has 0.5 at [0, 0] for x = [0.1257], where differences of f give 1. Mend it, or leave "
        "jacobians=... out: derivatives are then worked out by complex steps."
    )


def test_functions_that_cannot_take_complex_numbers_get_differences():
    def size(x, _u, _theta):
        return np.abs(x)

    def table(x, _u, _theta):
        return np.interp(x, [-9.0, 0.0, 9.0], [-9.0, 0.0, 9.0])

    model = lk.NonlinearStateSpace(size, table, 1, Q=1.0, R=1.0, m0=[2.0], P0=1.0)
    assert model.derivatives() == {"f": "central differences", "h": "central differences"}
    plain = lk.NonlinearStateSpace(same, same, 1, Q=1.0, R=1.0, m0=[2.0], P0=1.0)
    np.testing.assert_allclose(model.log_prob([2.0, 2.5]), plain.log_prob([2.0, 2.5]), atol=1e-7)


def test_draws_have_the_moments_of_the_model():
    model = lk.NonlinearStateSpace(lambda x, *_: 0.5 * x, lambda x, *_: x**2, 1, Q=0.75, R=0.1, m0=[0.0], P0=1.0)
    y, x = model.sample(3, seed=1, sequences=20_000, states=True)
    last, rows_seen = np.array(x)[:, 2, 0], np.array(y)[:, 2]
    assert abs(last.mean()) < 0.03
    assert abs(last.var() - 1.0) < 0.04
    assert abs(rows_seen.mean() - 1.0) < 0.04
    assert abs(rows_seen.var() - 2.1) < 0.2


def flat(x, _u, _theta):
    return x[..., 0]


def rooted(x, _u, _theta):
    return np.sqrt(x)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda: lk.NonlinearStateSpace(1.0, same, 1),
            "NonlinearStateSpace(f=1.0): it needs a function f(x, u, theta), or Features.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 0),
            "NonlinearStateSpace(..., size=0): the number of states is 1 or above.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, method="cubature"),
            "method='cubature'; the methods are 'extended', 'iterated' and 'unscented'.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, ["a", "a"]),
            "parameters=['a', 'a']; they are a number, or a list of distinct names.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, 2, theta=[1.0, 2.0, 3.0]),
            "NonlinearStateSpace.theta has shape (3,); parameters=2 makes it (2,).",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, theta=[1.0]),
            "NonlinearStateSpace.theta = [1.0], and there is none; parameters= says how many it has.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, C=[[1.0]]),
            "NonlinearStateSpace.C = [[1.0]], and there is none; it is for functions that are Features.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, jacobians=[same]),
            "jacobians has 1 entries; it needs two, that of f and that of h (or None).",
        ),
        (
            lambda: lk.NonlinearStateSpace(flat, same, 2, Q=1.0, R=np.eye(2), m0=[0.0, 0], P0=1.0).log_prob(np.eye(2)),
            "f returns an array of shape (3, 2) for x of shape (3, 2, 2); it needs shape (3, 2, 2), a last axis with "
            "one entry for each state. Take states as x[..., i] and put values together with np.stack([...], axis=-1).",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 2, Q=1.0, R=1.0, m0=[0.0, 0.0], P0=1.0).log_prob([1.0, 2.0]),
            "h returns an array of shape (3, 2, 2) for x of shape (3, 2, 2); it needs shape (3, 2, 1), a last axis "
            "with one entry for each column. Take states as x[..., i] and put values together with np.stack([...], "
            "axis=-1).",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, rooted, 1, Q=1.0, R=1.0, m0=[2.0], P0=1.0).log_prob([1.0, -9.0, 1.0]),
            "h returns NaN at row 3, for x = [-3.847]; it needs numbers wherever states may come. Write it so that it "
            "is defined there, or begin elsewhere: fit(..., start=...).",
        ),
        (
            lambda: lk.fit(
                lk.NonlinearStateSpace(same, rows, 2, Q=1.0, m0=[np.nan, 0.0]), gappy().rows.x[:10], starts=1
            ),
            "NonlinearStateSpace.m0 and P0 both have free entries, and one sequence (or a component with one sequence) "
            "says nothing of how first states scatter. Give P0 a value, as in P0=1, or a prior.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, Q=1.0, R=1.0, m0=[2.0], P0=1.0).forecast(0),
            "forecast(0): at least one step ahead is needed.",
        ),
        (
            lambda: lk.NonlinearStateSpace(same, same, 1, Q=1.0, R=1.0, m0=[2.0], P0=1.0).impute([1.0]),
            "NonlinearStateSpace has functions where linear state spaces have matrices, and this question is about "
            "matrices. It answers filtered, predicted, smoothed, innovations, residuals, forecast and sample.",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(ask, said):
    with pytest.raises(lk.ModelError) as e:
        ask()
    assert str(e.value) == said
