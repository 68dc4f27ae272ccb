"""Linear-Gaussian state spaces: likelihoods, EM, starts and what may stand in the blocks, against dense algebra."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import likely as lk
from likely.core.setting import Setting
from likely.em.loop import em
from likely.engines.local import Local
from support import bound_to_sequences, e_step, gradient

rng = np.random.default_rng(3)
M, D, P, T = 2, 3, 1, 6
BLOCKS = {
    "A": [[0.7, 0.2], [-0.3, 0.5]], "B": [[0.4], [-0.2]], "b": [0.3, -0.1], "C": [[1, 0.5], [-0.4, 0.8], [0.3, 0.2]],
    "D": [[0.5], [0], [-1]], "d": [3, -2, 1], "Q": [[0.6, 0.2], [0.2, 0.3]],
    "R": [[0.5, 0.1, 0], [0.1, 0.7, -0.2], [0, -0.2, 0.4]], "m0": [0.5, -1], "P0": [[2, 0.3], [0.3, 0.8]],
}  # fmt: skip
U = rng.normal(size=(T, P))
Y = rng.normal(size=(T, D)) + [3, -2, 1]
GAPS = Y.copy()
GAPS[1, 0] = GAPS[4, 1:] = GAPS[3] = np.nan


def dense(blocks, u, rows):
    """Mean and covariance of the states and of the rows of one sequence, laid end to end."""
    A, B, b, C, D, d, Q, R, m0, P0 = (
        np.asarray(blocks[n], float) for n in ("A", "B", "b", "C", "D", "d", "Q", "R", "m0", "P0")
    )
    m = len(A)
    mean, V = [m0], np.zeros((rows * m, rows * m))
    V[:m, :m] = P0
    for t in range(1, rows):
        mean.append(A @ mean[-1] + B @ u[t] + b)
        now, before = slice(t * m, t * m + m), slice(t * m - m, t * m)
        V[now, : t * m] = A @ V[before, : t * m]
        V[: t * m, now] = V[now, : t * m].T
        V[now, now] = A @ V[before, before] @ A.T + Q
    show = np.kron(np.eye(rows), C)
    level = show @ np.concatenate(mean) + (u @ D.T + d).ravel()
    return np.concatenate(mean), V, level, show @ V @ show.T + np.kron(np.eye(rows), R), show


@pytest.mark.parametrize("y", [Y, GAPS])
@pytest.mark.parametrize(
    "changed", [{}, {"Q": [[0.5, 0], [0, 0]]}, {"P0": np.zeros((2, 2))}, {"R": np.diag([0.5, 0, 0.3])}]
)
def test_the_likelihood_is_that_of_the_joint_normal_of_all_rows(y, changed):
    blocks = {**BLOCKS, **changed}
    seen = ~np.isnan(y.ravel())
    _, _, level, S, _ = dense(blocks, U, T)
    truth = multivariate_normal(level[seen], S[np.ix_(seen, seen)]).logpdf(y.ravel()[seen])
    assert lk.StateSpace(2, **blocks).log_prob(y, given=U)[0] == pytest.approx(truth, abs=1e-11)


@pytest.mark.parametrize("y", [Y, GAPS])
def test_smoothed_states_are_those_of_the_joint_normal(y):
    mean, V, level, S, show = dense(BLOCKS, U, T)
    seen = ~np.isnan(y.ravel())
    gain = np.linalg.solve(S[np.ix_(seen, seen)], (show @ V)[seen]).T
    told = lk.StateSpace(2, **BLOCKS).smoothed(y, given=U)
    left = V - gain @ (show @ V)[seen]
    np.testing.assert_allclose(told.mean.ravel(), mean + gain @ (y.ravel() - level)[seen], atol=1e-12)
    for t in range(T):
        now = slice(2 * t, 2 * t + 2)
        np.testing.assert_allclose(told.covariance[t], left[now, now], atol=1e-12)
        if t:
            np.testing.assert_allclose(told.lagged[t], left[now, 2 * t - 2 : 2 * t], atol=1e-12)


@pytest.mark.parametrize("y", [Y, GAPS])
def test_a_diffuse_start_is_the_limit_of_large_variances(y):
    rest = {n: v for n, v in BLOCKS.items() if n not in ("m0", "P0")}
    found = lk.StateSpace(2, **rest, P0="diffuse").log_prob(y, given=U)[0]
    large = [
        lk.StateSpace(2, **rest, m0=0, P0=v).log_prob(y, given=U)[0] + np.log(v) for v in (1e5, 1e6)
    ]  # two states: half the logarithm for each
    assert found == pytest.approx(large[1] + (large[1] - large[0]) / 9, abs=1e-6)
    assert lk.StateSpace(2, **rest, P0=np.inf).log_prob(y, given=U)[0] == found
    part = lk.StateSpace(2, **rest, P0=[[np.inf, 0], [0, 2]]).log_prob(y, given=U)[0]
    almost = lk.StateSpace(2, **rest, m0=0, P0=[[1e8, 0], [0, 2]]).log_prob(y, given=U)[0] + 0.5 * np.log(1e8)
    assert part == pytest.approx(almost, abs=1e-6)


def long_series(seed=0, sequences=8, n=25, gaps=0.1):
    source = np.random.default_rng(seed)
    model = lk.StateSpace(2, **BLOCKS)
    u = source.normal(size=(sequences * n, 1))
    y = [np.array(model.sample(given=u[i * n : i * n + n], seed=seed + i)) for i in range(sequences)]
    for one in y:
        one[source.random(one.shape) < gaps] = np.nan
    return y, [u[i * n : i * n + n] for i in range(sequences)]


def score(fit, y, u):
    """Gradient of the log-likelihood at a fit, in free coordinates."""
    family, data = bound_to_sequences(fit.family, np.concatenate(y), [len(v) for v in y], given=np.concatenate(u))
    at = fit.model.bind((), family.setting).known_params()
    return gradient(lambda v: float(family.infer(family.unflatten(v, at), data).log_prob.sum()), family.flatten(at))


@pytest.mark.parametrize(
    "slots",
    [
        {"P0": BLOCKS["P0"]}, {"P0": 0, "R": "diagonal"}, {"b": np.nan, "d": 0, "Q": 1, "P0": 1},
        {"P0": "stationary", "B": 0}, {"C": BLOCKS["C"]},
    ],
)  # fmt: skip
def test_the_gradient_vanishes_in_every_block_at_the_maximum(slots):
    y, u = long_series()
    truth = {**BLOCKS, **{n: v for n, v in slots.items() if n in ("P0", "B")}, "d": slots.get("d", BLOCKS["d"])}
    begin = {n: v for n, v in truth.items() if n != "m0" or slots.get("P0") != "stationary"}
    fit = lk.fit(lk.StateSpace(2, **slots), y, given=u, start=lk.StateSpace(2, **begin), tol=1e-4, max_passes=300)
    place = Setting.of(fit.data.rows)
    assert fit.family.bind((), place).obeys(fit.model.bind((), place).known_params())
    assert np.abs(score(fit, y, u)).max() < 5e-2  # of a log-likelihood of some hundred


def test_known_states_are_two_regressions():
    model = lk.StateSpace(
        2, A=[[0.9, 0.1], [0, 0.7]], C=[[1, 0], [1, 1], [0, 1]], d=[1, 2, 3], Q=0.5, R=0.3, m0=0, P0=1
    )
    y, x = model.sample(200, seed=1, states=True)
    fit = lk.fit(lk.StateSpace(2), y, labels=x)
    moves = np.linalg.lstsq(x[:-1], x[1:], rcond=None)[0].T
    left = x[1:] - x[:-1] @ moves.T
    np.testing.assert_allclose(fit.model.A, moves, atol=1e-12)
    np.testing.assert_allclose(fit.model.Q, left.T @ left / 199, atol=1e-12)
    shows = np.linalg.lstsq(np.column_stack([x, np.ones(200)]), y, rcond=None)[0].T
    left = y - np.column_stack([x, np.ones(200)]) @ shows.T
    np.testing.assert_allclose(np.column_stack([fit.model.C, fit.model.d]), shows, atol=1e-11)
    np.testing.assert_allclose(fit.model.R, left.T @ left / 200, atol=1e-12)
    np.testing.assert_array_equal(fit.model.m0, x[0])
    assert fit.outcome is lk.Outcome.closed_form
    assert fit.n_free == 4 + 3 + 6 + 3 + 6 + 2


def test_the_likelihood_of_known_states_is_that_of_both_equations():
    x, u = np.random.default_rng(5).normal(size=(T, M)), U
    fit = lk.fit(
        lk.StateSpace(2, b=np.nan, m0=[0.5, -1], P0=BLOCKS["P0"], Q=BLOCKS["Q"], R=BLOCKS["R"]), Y, given=u, labels=x
    )
    q = fit.model
    told = multivariate_normal(q.m0, q.P0).logpdf(x[0])
    told += multivariate_normal(cov=q.Q).logpdf(x[1:] - x[:-1] @ q.A.T - u[1:] @ q.B.T - q.b).sum()
    told += multivariate_normal(cov=q.R).logpdf(Y - x @ q.C.T - u @ q.D.T - q.d).sum()
    assert fit.log_likelihood == pytest.approx(told, abs=1e-9)
    assert fit.log_prob()[0] == pytest.approx(told, abs=1e-9)


def test_missing_parts_of_correlated_rows_leave_the_expected_likelihood_whole():
    model = lk.StateSpace(2, **BLOCKS)
    family, data = bound_to_sequences(model, GAPS, [T], given=U)
    params = family.known_params()
    posterior, stats = e_step(family, params, data)
    told = family.expected_log_density(params, stats).sum() + posterior.slack.sum()
    assert posterior.log_prob.sum() == pytest.approx(told, abs=1e-9)


def random_problem(seed):
    """A model with blocks free or known at random, and data with gaps."""
    r = np.random.default_rng(seed)
    m, d = int(r.integers(1, 4)), int(r.integers(1, 4))

    def pick(*options):
        return options[int(r.integers(len(options)))]

    def some(a):
        return np.where(r.random(np.shape(a)) < 0.5, np.nan, a)

    A, C = 0.5 * np.eye(m) + 0.1 * r.normal(size=(m, m)), r.normal(size=(d, m))
    slots = {
        "A": pick(None, A, some(A), lk.Normal(0, 1)), "C": pick(None, C, some(C)), "b": pick(None, np.nan),
        "d": pick(None, 0), "Q": pick(None, "diagonal", "spherical", 1, lk.InverseWishart(m + 3, np.eye(m))),
        "R": pick(None, "diagonal", "spherical", 1, lk.InverseWishart(d + 3, np.eye(d))),
        "P0": pick(None, 1, 0) if r.random() < 0.9 else "stationary",
    }  # fmt: skip
    lengths = r.integers(1, 20, size=int(r.integers(1, 5)))
    y = r.normal(size=(lengths.sum(), d)).cumsum(0) * 0.5
    y[r.random(y.shape) < pick(0, 0.3)] = np.nan
    model = lk.StateSpace(m, **{n: v for n, v in slots.items() if v is not None})
    return bound_to_sequences(model, y, lengths), r


@pytest.mark.parametrize("block", range(4))
def test_the_objective_of_random_models_never_falls(block):
    for seed in range(block * 12, block * 12 + 12):
        (family, data), r = random_problem(seed)
        begin = family.start(data, np.ones((len(data), 1)), r)
        with Local(data, 1, threads=1) as engine:
            try:
                steps = list(em(family, engine, begin, max_passes=5, tol=0))
            except lk.Degenerate:
                continue
        objective = np.array([s.objective for s in steps])
        assert np.all(np.diff(objective) >= -1e-10 * np.abs(objective[1:])), (seed, family)


def test_the_log_likelihood_is_the_expected_complete_one_and_the_entropy():
    for seed in range(40):
        (family, data), r = random_problem(seed)
        params = family.start(data, np.ones((len(data), 1)), r)
        posterior, stats = e_step(family, params, data)
        told = family.expected_log_density(params, stats).sum() + posterior.slack.sum()
        assert posterior.log_prob.sum() == pytest.approx(told, rel=1e-9, abs=1e-7), (seed, family)


def test_clusters_of_series_are_found():
    slow = lk.StateSpace(1, A=0.95, C=1, d=0, Q=1, R=0.2, m0=0, P0=1)
    fast = lk.StateSpace(1, A=-0.7, C=1, d=0, Q=1, R=0.2, m0=0, P0=1)
    y = [*slow.sample(40, seed=1, sequences=12), *fast.sample(40, seed=2, sequences=12)]
    fit = lk.fit(lk.Mixture(lk.StateSpace(1, C=1, d=0, m0=0, P0=1), 2), y, starts=4)
    found = fit.predict()
    assert len(set(found[:12])) == 1
    assert len(set(found[12:])) == 1
    assert found[0] != found[12]


def test_a_series_that_weighs_three_is_three_series():
    y, u = long_series(sequences=2, n=15)
    model = lk.StateSpace(1, P0=1)
    options = {"starts": 1, "max_passes": 6, "tol": 0, "accelerate": False}
    weighted = lk.fit(model, y, given=u, weights=[3, 1], **options)
    repeated = lk.fit(
        model, [y[0], y[0], y[0], y[1]], given=[u[0], u[0], u[0], u[1]], start=weighted.model, max_passes=1
    )
    assert weighted.n_obs == repeated.n_obs
    assert repeated.log_likelihood == pytest.approx(3 * weighted.log_prob()[0] + weighted.log_prob()[1], rel=1e-12)


def test_one_series_alone_has_a_fixed_first_state():
    y = lk.StateSpace(1, A=0.8, C=[[1], [0.5]], d=0, Q=1, R=0.5, m0=0, P0=1).sample(100, seed=1)
    fit = lk.fit(lk.StateSpace(1), y, starts=2)
    assert fit.model.P0 == [[0.0]]
    assert fit.n_free == 1 + 1 + 2 + 2 + 3 + 1 - 1  # A, Q, C, d, R, m0, less the scale of the state


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: lk.fit(lk.StateSpace(2, A=np.eye(3)), Y),
            "StateSpace.A has shape (3, 3); it must broadcast to (2, 2) (event (2, 2)).",
        ),
        (
            lambda: lk.fit(lk.StateSpace(2, A=[[1.2, 0], [0, 0.5]], P0="stationary"), Y),
            'StateSpace(P0="stationary"): A has an eigenvalue of modulus 1.2, so the state has no stationary '
            'distribution; all must be below 1. Write P0="diffuse", or values in m0 and P0.',
        ),
        (
            lambda: lk.fit(lk.StateSpace(1), np.column_stack([Y[:, 0], np.full(T, np.nan)])),
            "column 2 holds no value, it is missing throughout; leave it out with columns=..., or mend it.",
        ),
        (
            lambda: lk.fit(lk.StateSpace(1, B=2), Y),
            "StateSpace.B is what inputs do, and there are none; name them with given=..., or leave B out.",
        ),
        (
            lambda: lk.fit(lk.StateSpace(2), Y, labels=Y),
            "labels has 3 columns, the model has 2 states; one column for each is needed.",
        ),
        (
            lambda: lk.fit(lk.StateSpace(2, P0="diffuse"), Y),
            "StateSpace: the start is diffuse, and nothing fixes the size of the states: the larger they are, the more "
            "likely is any data. Write values in C (or in A and Q) that fix it, or another P0: leave it out, or "
            '"stationary".',
        ),
        (
            lambda: lk.StateSpace(1, m0=0, P0="diffuse"),
            "StateSpace.m0 = 0 beside P0='diffuse', which says what the first state is; leave m0 out.",
        ),
        (
            lambda: lk.StateSpace(2, P0=[[np.inf, 1], [1, 2]]),
            "StateSpace.P0 = [[inf, 1.0], [1.0, 2.0]]: infinite variances stand on the diagonal of a matrix (2, 2), "
            "with zeros beside them, and the other states have a covariance.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_any_work(build, message):
    with pytest.raises(lk.InputError) as error:
        build()
    assert str(error.value) == message
