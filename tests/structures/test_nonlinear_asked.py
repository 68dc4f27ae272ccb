"""What is asked of the fit of a nonlinear state space: how sure it is, one series, pictures, files, and its words."""

import numpy as np
import pytest
from scipy import optimize

import likely as lk


def same(x, _u, _theta):
    return x


def grown(x, _u, theta):
    return theta["a"][..., None] * x + np.sin(x)


def shown(x, _u, _theta):
    return x + 0.1 * x**2


def model(**slots):
    return lk.NonlinearStateSpace(grown, shown, 1, ["a"], **{"Q": 0.3, "P0": 1.0, **slots})


@pytest.fixture(scope="module")
def fitted():
    y = model(theta=[0.6], R=0.2, m0=[0.0]).sample(20, seed=5, sequences=2)
    start = model(theta=[0.4], R=0.5, m0=[0.0])
    return lk.fit(model(m0=[0.0]), y, start=start, tol=1e-4), y


def test_standard_errors_are_those_of_the_approximate_objective(fitted):
    fit, y = fitted

    def height(a, r):
        return model(theta=[a], R=r, m0=[0.0]).log_prob(y).sum()

    at, step = np.array([fit.model.theta[0], fit.model.R[0, 0]]), 1e-3
    bend = np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            e, f = np.eye(2)[[i, j]] * step
            corners = height(*(at + e + f)) - height(*(at + e - f)) - height(*(at - e + f)) + height(*(at - e - f))
            bend[i, j] = -corners / (4 * step**2)
    errors = fit.standard_errors()
    expected = np.sqrt(np.diag(np.linalg.inv(bend)))
    np.testing.assert_allclose([errors["theta[0]"], errors["R[0, 0]"]], expected, rtol=1e-3)


def test_a_fit_that_converged_is_certified(fitted):
    certificate = fitted[0].certify()
    assert certificate.verdict.name == "maximum"
    assert certificate.distance < 1e-3


def test_refits_of_the_bootstrap_search_too(fitted):
    fit, _ = fitted
    for kind in ("weighted", "parametric"):
        scattered = fit.bootstrap(2, kind, seed=1, threads=1)
        assert "2 refits" in str(scattered)


def test_profiles_end_where_the_objective_has_fallen(fitted):
    fit, y = fitted
    found = fit.profile("theta[0]", points=0)

    def highest(a):
        each = optimize.minimize_scalar(
            lambda r: -model(theta=[a], R=np.exp(r), m0=[0.0]).log_prob(y).sum(), bounds=(-5, 2), method="bounded"
        )
        return -each.fun

    for end in (found.low, found.high):
        assert abs(2 * (fit.objective - highest(end)) - 3.841459) < 1e-2


def test_one_series_alone_begins_at_a_fixed_state():
    y = model(theta=[0.6], R=0.2, m0=[2.0], P0=0.0).sample(25, seed=2)
    start = model(theta=[0.5], R=0.3, m0=[1.0], P0=0.0)
    fit = lk.fit(model(P0=lk.free), y, start=start)
    assert fit.outcome is lk.Outcome.converged
    assert (fit.model.P0.item(), fit.n_free) == (0.0, 3)

    def loss(u):
        return -model(theta=[u[0]], R=np.exp(u[1]), m0=[u[2]], P0=0.0).log_prob(y).item()

    best = optimize.minimize(loss, [0.6, np.log(0.2), 2.0], method="BFGS", options={"gtol": 1e-3})
    assert abs(fit.log_likelihood + best.fun) < 1e-4
    np.testing.assert_allclose([fit.model.theta[0], fit.model.m0[0]], best.x[[0, 2]], atol=5e-3)


def test_one_series_of_linear_functions_ends_where_the_linear_state_space_does():
    rng = np.random.default_rng(3)
    y = 0.7 * rng.normal(size=30).cumsum() + rng.normal(size=30)
    fit = lk.fit(
        lk.NonlinearStateSpace(same, same, 1), y, start=lk.NonlinearStateSpace(same, same, 1, Q=1, R=1, m0=[0.0], P0=0)
    )
    exact = lk.fit(lk.StateSpace(1, A=1, C=1, d=0), y, starts=1)
    assert abs(fit.log_likelihood - exact.log_likelihood) < 1e-3
    assert fit.n_free == exact.n_free


def test_noise_that_vanishes_without_end_is_said():
    y = np.random.default_rng(3).normal(size=8).cumsum()  # no noise: a first state on the first row is certain
    start = lk.NonlinearStateSpace(same, same, 1, Q=1, R=1, m0=[0.0], P0=0)
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.NonlinearStateSpace(same, same, 1), y, start=start)
    assert str(e.value) == (
        "the only start collapsed: component 1: its R fell to zero, where the likelihood is unbounded. Give R a value, "
        "or a prior."
    )


def test_rows_that_are_missing_in_part_take_part():
    def twice(x, _u, _theta):
        return np.concatenate([x, 2 * x], axis=-1)

    truth = lk.NonlinearStateSpace(same, twice, 1, Q=1, R=[[1, 0.3], [0.3, 0.5]], m0=[0.0], P0=1)
    y = truth.sample(40, seed=1)
    y[3, 0] = y[7, 1] = np.nan
    y[12] = np.nan
    start = lk.NonlinearStateSpace(same, twice, 1, Q=1, R=np.eye(2), m0=[0.0], P0=1)
    fit = lk.fit(lk.NonlinearStateSpace(same, twice, 1, Q=1, m0=[0.0], P0=1), y, start=start)
    exact = lk.fit(lk.StateSpace(1, A=1, C=[[1], [2]], d=0, Q=1, m0=0, P0=1), y, starts=1, tol=1e-5)
    assert abs(fit.log_likelihood - exact.log_likelihood) < 1e-4
    np.testing.assert_allclose(fit.model.R, exact.model.R, atol=1e-3)


def test_rows_show_of_states_what_the_matrix_says_where_h_is_linear():
    def look(x, _u, _theta):
        return x @ np.array([[1.0, 0.5], [0.0, 2.0]]).T

    plain = lk.NonlinearStateSpace(same, look, 2, Q=1.0, R=np.eye(2), m0=[0.0, 1.0], P0=1.0)
    states = plain.smoothed(np.array([[0.3, 1.0], [np.nan, 2.0], [1.0, 1.5]]))
    mean, sd = plain.shown(states)
    matrix = np.array([[1.0, 0.5], [0.0, 2.0]])
    np.testing.assert_allclose(mean, states.mean @ matrix.T, atol=1e-12)
    np.testing.assert_allclose(sd**2, np.einsum("ij,njk,ik->ni", matrix, states.covariance, matrix), atol=1e-12)


def test_pictures_are_drawn(fitted):
    fit, _ = fitted
    for kind, axes_of_it in (("states", 3), ("forecast", 1), ("residuals", 4)):
        axes = fit.plot(kind)
        assert len(axes.figure.axes) == axes_of_it
        axes.figure.clear()


def test_a_fit_of_functions_is_not_written_and_nothing_is_overwritten(fitted, tmp_path):
    path = tmp_path / "fit.json"
    path.write_text("before")
    with pytest.raises(lk.ModelError) as e:
        fitted[0].save(path)
    assert str(e.value) == (
        f"save({str(path)!r}): f and h of a NonlinearStateSpace are Python functions, which the notation cannot write, "
        "and a file keeps only what can be read again without running code. Nothing was written. Keep the numbers, as "
        "in np.savez(path, **fit.model.filled()), and build the model with them where its functions are."
    )
    assert path.read_text() == "before"
    np.savez(tmp_path / "numbers.npz", **fitted[0].model.filled())
    again = lk.NonlinearStateSpace(grown, shown, 1, ["a"], **np.load(tmp_path / "numbers.npz"))
    np.testing.assert_array_equal(again.log_prob([1.0, 2.0]), fitted[0].model.log_prob([1.0, 2.0]))


def test_mixtures_of_functions_are_not_written_either():
    kinds = lk.Mixture(model(theta=[0.5], R=1.0, m0=[0.0]), 2)
    assert kinds.unwritten == "f and h of a NonlinearStateSpace are Python functions, which the notation cannot write"
    assert lk.Mixture(lk.Normal(), 2).unwritten == ""


def test_the_notation_shows_jacobians_and_the_method():
    def slope(x, _u, _theta):
        return np.ones((*x.shape, 1))

    shown_so = lk.NonlinearStateSpace(same, same, 1, jacobians=(slope, None), method="iterated")
    assert repr(shown_so) == "NonlinearStateSpace(same, same, 1, jacobians=(slope, None), method='iterated')"


def rounded(x, _u, _theta):
    return np.round(x, 1)


def level(**slots):
    return lk.NonlinearStateSpace(same, rounded, 1, **{"m0": [0.0], "P0": 1.0, **slots})


def test_steps_are_refused_where_derivatives_are_taken():
    with pytest.raises(lk.ModelError) as e:
        level(Q=1.0, R=1.0).log_prob([1.0])
    assert str(e.value) == (
        "h changes with state 1, and its derivative is 0 at all 150 points that were tried: it goes in steps, as "
        "rounding does. Write it without them, or use method='unscented', which takes no derivatives."
    )
    assert np.isfinite(level(Q=1.0, R=1.0, method="unscented").log_prob([1.0])).all()


def test_the_summary_says_which_derivatives_are_differences():
    def size(x, _u, _theta):
        return np.abs(x)

    y = [1.0, 1.2, 0.8, 1.1]
    told = lk.fit(lk.NonlinearStateSpace(same, size, 1, Q=0.1, m0=[1.0], P0=1.0), y, starts=1)
    words = "Derivatives of h are central differences, as complex numbers do not go through."
    assert words in str(told)
    untold = lk.NonlinearStateSpace(same, size, 1, Q=0.1, m0=[1.0], P0=1.0, method="unscented")
    assert words not in str(lk.fit(untold, y, starts=1))


def moved(x, _u, theta):
    return theta[..., :1] * x


def test_a_search_stalls_on_steps_and_has_no_standard_errors():
    def made(**slots):
        return lk.NonlinearStateSpace(moved, rounded, 1, 1, m0=[0.0], P0=1.0, method="unscented", **slots)

    y = made(theta=[0.8], Q=0.3, R=0.05).sample(40, seed=1)
    fit = lk.fit(made(), y, start=made(theta=[0.5], Q=1.0, R=1.0))
    assert fit.outcome is lk.Outcome.stalled
    assert (np.diff([m.objective for m in fit.trace]) >= 0).all()
    with pytest.raises(lk.ModelError) as e:
        fit.standard_errors()
    assert str(e.value).startswith("standard errors are those of a maximum, and this fit is none: Stalled: ")
