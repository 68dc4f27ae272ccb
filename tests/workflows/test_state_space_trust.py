"""How far a fit of a state space can be trusted: what is identified, curvature, edges, refits and tests."""

import numpy as np
import pytest

import likely as lk
from likely.core.setting import Setting
from likely.errors import ModelError
from likely.workflows.surface import surface
from support import hessian

NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831,
    726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845,
    944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918,
    986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip
LEVEL = lk.StateSpace(1, A=1, C=1, d=0, m0=0, P0=1e7)
TRUE = lk.StateSpace(
    2, A=[[0.9, 0.2], [-0.2, 0.7]], C=[[1, 0], [0.5, 1], [-1, 0.3]], d=[1, 2, 3], Q=[[1, 0.2], [0.2, 0.6]],
    R=[[1, 0.3, 0], [0.3, 1, 0], [0, 0, 0.8]], m0=0, P0=[[4, 0], [0, 2]],
)  # fmt: skip
SHOWN = [[1, 0], [0, 1], [1, 1]]
KNOWN_START = {"C": SHOWN, "d": 0, "m0": 0, "P0": 1}
BASIS = "the states are determined only up to a basis"


@pytest.fixture(scope="module")
def nile():
    return lk.fit(LEVEL, NILE, start=lk.StateSpace(1, A=1, C=1, d=0, Q=1500, R=15000, m0=0, P0=1e7), tol=1e-7)


@pytest.fixture(scope="module")
def anything():
    """Every block free."""
    return lk.fit(lk.StateSpace(2), TRUE.sample(60, sequences=6, seed=2), start=TRUE, tol=1e-5)


def second_differences(function, u, step=2e-3):
    """Second derivatives of second order, in few evaluations."""
    e = step * np.eye(len(u))
    out = np.empty((len(u), len(u)))
    for i in range(len(u)):
        for j in range(i + 1):
            corners = [function(u + a * e[i] + b * e[j]) for a in (1, -1) for b in (1, -1)]
            out[i, j] = out[j, i] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
    return out


def gappy(count):
    rng = np.random.default_rng(4)
    truth = lk.StateSpace(2, A=[[0.8, 0.3], [-0.2, 0.6]], Q=np.diag([1, 0.5]), R=0.5, **KNOWN_START)
    rows = truth.sample(40, sequences=8, seed=3)
    return truth, [np.where(rng.random(v.shape) < 0.15, np.nan, v) for v in rows][:count]


REDUNDANT = {
    "all but the scale of the state is known": (lk.StateSpace(1, A=1, C=1, d=0, m0=0, P0=1e7), 0),
    "everything is free: a basis": (lk.StateSpace(2, P0=0.0), 4),
    "with a drift: an origin as well": (lk.StateSpace(2, b=np.nan, P0=0.0), 6),
    "a stationary start follows its basis": (lk.StateSpace(2, P0="stationary"), 4),
    "a known noise leaves turns": (lk.StateSpace(2, Q=1, P0="stationary"), 1),
    "whatever the units": (lk.StateSpace(2, Q=np.diag([1e-8, 1e8]), m0=0, P0=np.diag([1e-8, 1e8])), 1),
    "own moves and own noises leave scales": (
        lk.StateSpace(2, A=[["a", 0], [0, "b"]], Q="diagonal", P0="stationary"), 2
    ),
    "known loadings leave nothing": (lk.StateSpace(2, C=SHOWN, P0="diffuse"), 0),
    "noise of a known size leaves turns": (lk.StateSpace(2, Q=1, P0="diffuse"), 1),
    "a ridge on A leaves what commutes with it": (lk.StateSpace(2, A=lk.Normal(0, 1), P0=0.0), 2),
}  # fmt: skip


@pytest.mark.parametrize("case", REDUNDANT)
def test_free_values_that_no_data_can_tell_are_counted(case):
    model, count = REDUNDANT[case]
    d = 1 if model.size == 1 else 3
    assert model.bind((), Setting({"d": d, "p": 0})).count_redundant() == count


def test_neutral_directions_leave_the_likelihood_as_it_is(anything):
    with surface(anything) as s:
        directions = s.family.neutral(s.params)
        assert directions.shape == (4, 27)
        here = s.objective(s.point)
        for e in directions:
            near, far = (abs(s.objective(s.point + h * e) - here) for h in (1e-3, 1e-2))
            assert near < 1e-5  # of higher than second order, where others cost what the curvature says
            assert far < 1e-3
        across = np.linalg.svd(directions)[2][4:]
        assert min(here - s.objective(s.point + 1e-2 * e) for e in across) > 1e-5


def test_only_what_no_basis_changes_has_a_standard_error(anything):
    errors = anything.standard_errors()
    free = [n for n in errors if np.isfinite(errors[n])]
    assert free == [n for n in errors if n[0] in "dR"]
    assert errors.why["A[0, 0]"] == (
        f"A[0, 0] has no standard error: {BASIS}, and another one changes it. fit.delta() gives that of what none "
        "changes."
    )
    assert (
        str(errors)
        .splitlines()[-1]
        .startswith(
            f"A[0, 0], A[0, 1], A[1, 0], A[1, 1], C[0, 0], C[0, 1] and 12 more have no standard error: {BASIS}, "
        )
    )
    assert np.isnan(anything.conf_int().low[0])


def test_a_fixed_basis_gives_the_same_errors_of_what_is_identified(anything):
    """The top of C known is the same model in one of its bases."""
    m = anything.model
    to = m.C[:2]
    back = np.linalg.inv(to)
    C = m.C @ back
    start = lk.StateSpace(2, A=to @ m.A @ back, C=C, d=m.d, Q=to @ m.Q @ to.T, R=m.R, m0=to @ m.m0, P0=to @ m.P0 @ to.T)
    held = np.where(np.arange(3)[:, None] < 2, np.eye(3, 2), np.nan)
    fixed = lk.fit(lk.StateSpace(2, C=held), TRUE.sample(60, sequences=6, seed=2), start=start, tol=1e-5)
    assert fixed.n_free == anything.n_free == 27 - 4
    assert fixed.log_likelihood == pytest.approx(anything.log_likelihood, abs=1e-6)
    for name in ("d[0]", "R[0, 0]", "R[2, 1]"):
        assert anything.standard_errors()[name] == pytest.approx(fixed.standard_errors()[name], rel=1e-3)
    for what in (lambda m: np.linalg.det(m.A), lambda m: m.C @ m.A @ m.Q @ m.C.T, lambda m: m.eigenvalues().real):
        one, other = anything.delta(what), fixed.delta(what)
        np.testing.assert_allclose(one.value, other.value, rtol=1e-3)
        np.testing.assert_allclose(one.error, other.error, rtol=1e-3)
        assert one.why == ""


def test_functions_that_a_basis_changes_have_no_error_and_why(anything):
    told = anything.delta(lambda m: m.A[0, 0])
    assert np.isnan(told.error)
    assert told.why == f"the function has no standard error: {BASIS}, and another one changes it."


def test_the_certificate_says_what_is_known_to_be_neutral_and_verifies_the_rest(anything):
    told = anything.certify()
    assert told.verdict.name == "maximum"
    assert len(told.eigenvalues) == 23
    words = next(c.words for c in told.checks if c.name == "basis")
    assert words == (f"{BASIS}, so 4 directions of other numbers that describe the same distribution are left out here")
    assert {c.number[0] for c in told.carriers} <= set("dR")


def test_what_a_basis_changes_has_no_profile_and_why(anything):
    reason = f"A[0, 0] has no profile: {BASIS}, and in one of them it has any value one likes."
    with pytest.raises(ModelError) as e:
        anything.profile("A[0, 0]")
    assert str(e.value) == reason
    assert anything.conf_int(method="profile", names="A[0, 0]").why == {"A[0, 0]": reason}


def test_errors_on_the_nile_are_those_of_the_curvature_of_its_likelihood(nile):
    at = np.array([nile.model.Q[0, 0], nile.model.R[0, 0]])

    def log_likelihood(u):
        Q, R = at * (1 + u)
        return lk.StateSpace(1, A=1, C=1, d=0, Q=Q, R=R, m0=0, P0=1e7).log_prob(NILE)[0]

    expected = at * np.sqrt(np.diag(np.linalg.inv(-hessian(log_likelihood, np.zeros(2), 1e-2))))
    np.testing.assert_allclose(nile.standard_errors().errors, expected, rtol=1e-6)
    assert nile.certify().verdict.name == "maximum"


def test_errors_of_several_sequences_with_gaps_are_those_of_the_curvature():
    truth, rows = gappy(3)
    fit = lk.fit(lk.StateSpace(2, Q="diagonal", R="diagonal", **KNOWN_START), rows, start=truth, tol=1e-6)

    def log_likelihood(u):
        m = lk.StateSpace(2, A=u[:4].reshape(2, 2), Q=np.diag(u[4:6]), R=np.diag(u[6:]), **KNOWN_START)
        return sum(m.log_prob(v)[0] for v in rows)

    at = np.concatenate([fit.model.A.ravel(), np.diag(fit.model.Q), np.diag(fit.model.R)])
    expected = np.sqrt(np.diag(np.linalg.inv(-second_differences(log_likelihood, at))))
    errors = fit.standard_errors()
    assert errors.names[4:] == ("Q[0, 0]", "Q[1, 1]", "R[0, 0]", "R[1, 1]", "R[2, 2]")
    np.testing.assert_allclose(errors.errors, expected, rtol=1e-3)


def test_the_sandwich_is_made_of_the_scores_of_sequences():
    _, rows = gappy(8)
    model = lk.StateSpace(2, A=[["a", 0], [0, "a"]], Q="spherical", R="spherical", **KNOWN_START)
    fit = lk.fit(model, rows, start=lk.StateSpace(2, A=0.6 * np.eye(2), Q=1, R=0.5, **KNOWN_START), tol=1e-6)
    at = np.array([fit.model.A[0, 0], fit.model.Q[0, 0], fit.model.R[0, 0]])

    def each(u):
        m = lk.StateSpace(2, A=u[0] * np.eye(2), Q=u[1], R=u[2], **KNOWN_START)
        return np.array([m.log_prob(v)[0] for v in rows])

    scores = np.stack([(each(at + e) - each(at - e)) / 2e-4 for e in 1e-4 * np.eye(3)], 1)
    bread = np.linalg.inv(-second_differences(lambda u: each(u).sum(), at))
    expected = bread @ scores.T @ scores @ bread
    assert fit.standard_errors().names == ("A[0, 0]", "Q[0, 0]", "R[0, 0]")
    np.testing.assert_allclose(fit.vcov("sandwich"), expected, rtol=1e-3, atol=1e-7)


def test_a_variance_on_its_way_to_zero_is_said_to_be_at_an_edge():
    rows = np.random.default_rng(1).normal(size=80)  # no level moves here
    start = lk.StateSpace(1, A=1, C=1, d=0, Q=0.1, R=1, P0="diffuse")
    fit = lk.fit(lk.StateSpace(1, A=1, C=1, d=0, P0="diffuse"), rows, start=start)
    errors = fit.standard_errors()
    assert errors.why["Q[0, 0]"] == (
        f"Q[0, 0] has no standard error: it is {fit.model.Q[0, 0]:.6g}, at the edge of what is possible, where the "
        "likelihood need not be level. The other errors are those if it were known. fit.profile('Q[0, 0]') shows how "
        "far from there the data let it be."
    )
    assert errors["R[0, 0]"] == pytest.approx(fit.model.R[0, 0] * np.sqrt(2 / 79), rel=1e-3)  # one level, 80 rows
    told = fit.certify()
    assert told.verdict.name == "boundary"
    assert told.edges == ("Q[0, 0]",)


def test_one_series_is_simulated_for_a_parametric_bootstrap(nile):
    told = nile.bootstrap(20, "parametric", seed=1)
    assert told.values.shape == (20, 2)
    assert told.standard_errors()[1] == pytest.approx(nile.standard_errors()["R[0, 0]"], rel=0.5)


def test_several_sequences_are_drawn_again_or_simulated():
    _, rows = gappy(8)
    model = lk.StateSpace(2, A=[["a", 0], [0, "a"]], Q="spherical", R="spherical", **KNOWN_START)
    fit = lk.fit(model, rows, start=lk.StateSpace(2, A=0.6 * np.eye(2), Q=1, R=0.5, **KNOWN_START))
    for kind in ("parametric", "nonparametric", "weighted"):
        told = fit.bootstrap(6, kind, seed=1)
        assert told.values.shape == (6, 3)
        np.testing.assert_allclose(told.values.mean(0), told.estimates, rtol=0.2)


def test_nested_state_spaces_are_compared_by_their_identified_numbers(nile):
    larger = lk.fit(lk.StateSpace(1, C=1, d=0, m0=0, P0=1e7), NILE, start=nile.model, tol=1e-6)
    test = lk.likelihood_ratio_test(nile, larger)
    assert test.degrees_of_freedom == 1
    assert test.statistic == pytest.approx(2 * (larger.log_likelihood - nile.log_likelihood), rel=1e-12)
    assert test.warnings == ()


def test_the_profile_of_a_name_is_that_of_the_same_model_written_in_another_way():
    start = {"m0": 0, "P0": 1}
    rows = lk.StateSpace(2, A=0.7 * np.eye(2), C=np.eye(2), d=0, Q=1, R=0.5, **start).sample(40, seed=1)
    pair = lk.StateSpace(2, A=[["a", 0], [0, "a"]], C=np.eye(2), d=0, Q="spherical", R="spherical", **start)
    alone = lk.StateSpace(1, C=1, d=0, **start)
    fits = [lk.fit(m, x, starts=1, tol=1e-7) for m, x in ((pair, rows), (alone, [rows[:, 0], rows[:, 1]]))]
    tied, plain = (fit.profile("A[0, 0]", points=0) for fit in fits)
    assert plain.low < plain.best < plain.high
    assert (tied.best, tied.low, tied.high) == pytest.approx((plain.best, plain.low, plain.high), rel=1e-4)
