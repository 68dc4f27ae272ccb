"""The M-step of both equations of a state space, against numerical optima of the expected log density."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from likely.core.data import Sequences, Table
from likely.core.domains import Real
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Axis, Slot, bind_slot
from likely.families.moments import Moments, moments
from likely.structures.entries import entries_of, stated
from likely.structures.noise import Noise, noise_of
from likely.structures.state_equations import Equation
from likely.structures.state_plain import plain_maximum
from likely.structures.state_row_equation import RowEquation
from support import gradient

NAN = np.nan
RNG = np.random.default_rng(5)


class Owner(lk.Family, public=False):
    """An equation x' = A x + B u + b + noise as a family: slots, priors and coordinates, without data."""

    A = Real("r z")
    B = Real("r p")
    b = Real("r")
    Q = Noise("r r")
    priors = {**dict.fromkeys("ABb", ("Normal", "PretendRows")), "Q": ("InverseWishart",)}
    several_columns = True

    def __init__(self, **named):
        self.__dict__.update({n: stated(named.get(n, lk.free)) for n in Owner.domains})

    def beside(self, name, params):
        return Params(covariance=params.Q)

    def bind(self, axes=(), setting=None):
        slots = {}
        for name, declared in Owner.domains.items():
            event, value = declared.shape(setting), getattr(self, name)
            if name == "Q":
                narrow = noise_of(declared, "Owner", name, value, event[0])
            else:
                narrow = entries_of(declared, f"Owner.{name}", value, event)
            slots[name] = bind_slot(self, name, axes, setting) if narrow is None else Slot(name, narrow, axes, event)
        return self._changed(slots=slots, axes=axes)


class Case:
    """Some slots, random moments, and an optimum to compare with."""

    def __init__(self, *, k=1, r=2, z=2, p=1, n=60, rows=False, seed=0, weights=None, **named):
        rng = np.random.default_rng(seed)
        self.k, self.r, self.z, self.p = k, r, z, p
        axes = (Axis("component", k),) if k > 1 else ()
        self.family = Owner(**named).bind(axes, {"r": r, "z": z, "p": p})
        slots = self.family.slots
        self.equation = (RowEquation if rows else Equation)([slots["A"], slots["B"]], slots["b"], slots["Q"])
        x = rng.normal(size=(n, z + p)) + rng.normal(size=z + p)
        truth = rng.normal(size=(k, r, z + p))
        noise = rng.normal(size=(n, r)) @ (np.eye(r) + 0.6 * np.tri(r, k=-1))
        w = rng.exponential(size=(n, k)) if weights is None else weights
        each = []
        for i in range(k):
            y = x @ truth[i].T + i - 0.5 + noise
            if rows:
                there = rng.random((n, r)) < 0.7
                each += [moments(np.column_stack([x, y[:, j]]), (w[:, i] * there[:, j])[:, None]) for j in range(r)]
            else:
                each.append(moments(np.hstack([x, y]), w[:, [i]]))
        self.stats = Moments.concatenate(each)
        self.now = np.zeros((k, r, z + p + 1)), np.tile(np.eye(r), (k, 1, 1))
        for name, at in (("A", slice(0, z)), ("B", slice(z, z + p)), ("b", z + p)):
            self.now[0][:, :, at] = start(slots[name])
        self.now[1][:] = start(slots["Q"])

    def params(self, theta, noise):
        return Params(A=theta[:, :, : self.z], B=theta[:, :, self.z : -1], b=theta[:, :, -1], Q=noise)

    def value(self, u):
        params = self.family.unflatten(u, self.params(*self.now))
        theta = np.concatenate([params.A, params.B, params.b[:, :, None]], 2)
        own = self.equation.expected(theta, params.Q, self.stats).sum()
        return float(own) + self.family.log_prior(params)

    def maximum(self):
        theta, noise = self.equation.maximise(self.stats, *self.now)
        return self.params(theta, noise)


def start(slot):
    """A value that follows the slot: known entries, and a noise of its structure."""
    if slot.fixed:
        return slot.known
    if isinstance(slot.domain, Noise):
        return slot.domain.example(slot.event[0])
    if hasattr(slot.domain, "base"):
        return slot.domain.values(np.zeros((slot.k, len(slot.domain.names))))
    return slot.settle(np.zeros((slot.k, *slot.event)) + slot.offsets)


NORMAL = lk.Normal(0.3, 0.05)
COEFFICIENTS = {
    "free": {},
    "no intercept": {"b": 0},
    "known intercept": {"b": [1, -2]},
    "intercept known in part": {"b": [1, NAN]},
    "a known column": {"A": [[NAN, 0.5], [NAN, -0.3]]},
    "known inputs": {"B": 0.7, "b": 0},
    "entries known": {"A": [[NAN, 0], [NAN, NAN]]},
    "entries and intercept known": {"A": [[NAN, 0], [0.4, NAN]], "b": [0, NAN]},
    "names": {"A": [["phi", 0], [0, "phi"]]},
    "names and nan": {"A": [["phi", NAN], [0, "phi"]], "B": [["c"], ["c"]], "b": 0},
    "names in the intercept": {"b": ["c", "c"]},
    "directions": {"A": lk.affine([[1, 0], [0, 1]], turn=[[0, -1], [1, 0]], grow=[[1, 0], [0, 1]])},
    "normal prior": {"A": NORMAL, "b": lk.Normal(0, 0.1)},
    "normal prior on some": {"B": lk.Normal(1, 0.01)},
    "pretend rows": {"A": lk.PretendRows(20, [[0.5, 0], [0, 0.5]])},
    "pretend rows everywhere": {"A": lk.PretendRows(20, 0), "B": lk.PretendRows(5, 1), "b": lk.PretendRows(3, [1, 2])},
    "pretend rows beside known": {"A": lk.PretendRows(20, 0.2), "B": [[0], [NAN]]},
    "all known": {"A": 0.3, "B": 1, "b": 0},
}
NOISES = {
    "full": {},
    "diagonal": {"Q": "diagonal"},
    "spherical": {"Q": "spherical"},
    "equal names": {"Q": [["q", 0], [0, "q"]]},
    "part known": {"Q": [[NAN, 0], [0, 0.5]]},
    "scaled": {"Q": lk.scaled([[2, 1], [1, 1.5]])},
    "known": {"Q": [[1, 0.4], [0.4, 2]]},
    "prior": {"Q": lk.InverseWishart(6, [[2, 0.3], [0.3, 1]])},
}
DIAGONAL = ("diagonal", "spherical", "equal names", "part known")


def check_maximum(case):
    """The gradient vanishes at the M-step and did not before, and random neighbours are worse."""
    found = case.maximum()
    assert case.family.obeys(found)
    u = case.family.flatten(found)
    assert len(u) == case.family.count_free()
    if not len(u):
        return
    scale = case.stats.weight.sum()
    assert np.abs(gradient(case.value, case.family.flatten(case.params(*case.now)))).max() > 1e-3 * scale
    assert np.abs(gradient(case.value, u)).max() < 1e-7 * scale
    best = case.value(u)
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-2, 1e-1):
        assert case.value(u + size * rng.normal(size=len(u))) < best


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("coefficients", COEFFICIENTS)
def test_the_step_ends_where_the_gradient_vanishes(coefficients, noise):
    check_maximum(Case(**COEFFICIENTS[coefficients], **NOISES[noise]))


@pytest.mark.parametrize("noise", DIAGONAL)
@pytest.mark.parametrize("coefficients", COEFFICIENTS)
def test_so_it_does_where_every_row_has_weights_of_its_own(coefficients, noise):
    check_maximum(Case(rows=True, **COEFFICIENTS[coefficients], **NOISES[noise]))


@pytest.mark.parametrize("named", [{}, {"b": 0}, {"b": [1, -2]}], ids=["free", "no intercept", "known intercept"])
def test_one_factorisation_and_the_general_way_agree(named):
    one, general = Case(k=1, **named), Case(k=1, **named)
    assert one.equation._plain
    general.equation.__dict__["_plain"] = False
    found, expected = one.maximum(), general.maximum()
    for name in found:
        assert found[name] == pytest.approx(expected[name], rel=1e-11, abs=1e-13)


def test_one_factorisation_leaves_regressors_that_are_nearly_alike_to_the_general_way():
    x = np.random.default_rng(1).normal(size=(50, 3))
    x[:, 1] = x[:, 0] * (1 + 1e-5 * x[:, 1])
    assert plain_maximum(moments(x, np.ones((50, 1))), 2, None, 0.0) is None


def test_one_factorisation_leaves_a_noise_near_its_least_to_the_general_way():
    x = np.random.default_rng(1).normal(size=(50, 3))
    x[:, 2] = x[:, 0] + 0.01 * x[:, 2]
    assert plain_maximum(moments(x, np.ones((50, 1))), 2, None, 1e-3) is None
    assert plain_maximum(moments(x, np.ones((50, 1))), 2, None, 1e-10) is not None


def test_a_large_equation_is_solved_too():
    known = np.where(np.tri(9, 3, dtype=bool), NAN, 0.0)
    check_maximum(Case(r=9, z=3, n=200, A=known, b=0))


SHARED = {
    "slopes": {"A": lk.shared},
    "slopes and inputs": {"A": lk.shared, "B": lk.shared},
    "slopes up to offsets": {"A": lk.shared + [np.zeros((2, 2)), np.eye(2)]},
    "intercept": {"b": lk.shared},
    "noise": {"Q": lk.shared},
    "everything": {"A": lk.shared, "B": lk.shared, "b": lk.shared, "Q": lk.shared},
    "a prior": {"A": lk.shared(NORMAL), "Q": lk.shared(lk.InverseWishart(6, [[2, 0.3], [0.3, 1]]))},
    "slopes, diagonal noise": {"A": lk.shared, "Q": "diagonal"},
    "nothing, other known entries each": {"A": [[[NAN, 0], [NAN, NAN]], [[1, NAN], [NAN, 0.5]]]},
    "nothing, names": {"A": [["phi", 0], [0, "phi"]], "Q": "diagonal"},
}


@pytest.mark.parametrize("named", SHARED.values(), ids=SHARED)
def test_two_members_may_share_what_they_like(named):
    check_maximum(Case(k=2, **named))


def test_rows_of_two_members_may_share_slopes():
    check_maximum(Case(k=2, rows=True, A=lk.shared, Q="spherical"))


def test_the_simple_case_is_least_squares():
    x, y = RNG.normal(size=(40, 3)) + 5, RNG.normal(size=(40, 2))
    w = RNG.random(40)
    case = Case(p=1)
    theta, noise = case.equation.maximise(moments(np.hstack([x, y]), w[:, None]), *case.now)
    design = np.column_stack([x, np.ones(40)]) * np.sqrt(w)[:, None]
    expected = np.linalg.lstsq(design, y * np.sqrt(w)[:, None], rcond=None)[0].T
    error = y - x @ expected[:, :3].T - expected[:, 3]
    assert theta[0] == pytest.approx(expected, rel=1e-10)
    assert noise[0] == pytest.approx((error * w[:, None]).T @ error / w.sum(), rel=1e-10)


def test_the_matrix_normal_inverse_wishart_mode_counts_a_row_for_each_regressor():
    mu, omega, psi, nu = RNG.normal(size=(2, 3)), np.diag([20.0, 20, 5]), np.array([[2, 0.3], [0.3, 1]]), 6
    case = Case(
        A=lk.PretendRows(20, mu[:, :2]), B=lk.PretendRows(5, mu[:, 2:]), b=0, Q=lk.InverseWishart(nu, psi), n=50
    )
    s, w = case.stats, case.stats.weight[0]
    second = s.scatter[0] + w * np.outer(s.mean[0], s.mean[0])
    zz, xz, xx = second[:3, :3] + omega, second[3:, :3] + mu @ omega, second[3:, 3:]
    theta = xz @ np.linalg.inv(zz)
    noise = (psi + xx + mu @ omega @ mu.T - theta @ xz.T) / (w + nu + 2 + 1 + 3)
    found = case.maximum()
    assert np.hstack([found.A[0], found.B[0]]) == pytest.approx(theta, rel=1e-10)
    assert found.Q[0] == pytest.approx(noise, rel=1e-10)


def test_the_prior_of_a_matrix_is_the_matrix_normal_density():
    mean, rows = RNG.normal(size=(2, 3)), 4.0
    family = Owner(A=lk.PretendRows(rows, mean)).bind((), {"r": 2, "z": 3, "p": 1})
    a, q = RNG.normal(size=(2, 3)), np.array([[2.0, 0.5], [0.5, 1]])
    params = Params(A=a[None], B=np.zeros((1, 2, 1)), b=np.zeros((1, 2)), Q=q[None])
    expected = stats.matrix_normal(mean, q, np.eye(3) / rows).logpdf(a)
    assert family.log_prior(params) == pytest.approx(expected, rel=1e-12)


def test_regression_and_projection_would_miss_the_maximum_where_rows_are_tied():
    case = Case(A=[["phi", 0], [0, "phi"]], b=0, B=0)
    found = case.maximum()
    s = case.stats
    second = s.scatter[0] + s.weight[0] * np.outer(s.mean[0], s.mean[0])
    free = second[3:, :2] @ np.linalg.inv(second[:2, :2])
    projected = np.eye(2) * np.trace(free) / 2
    theta = np.zeros((1, 2, 4))
    theta[0, :, :2] = projected
    residual = case.equation.scatter(s, theta) / s.weight[0]
    at = case.params(theta, residual)
    assert case.value(case.family.flatten(at)) < case.value(case.family.flatten(found)) - 1
    assert abs(found.A[0, 0, 0] - projected[0, 0]) > 0.01


def test_a_general_optimiser_finds_nothing_higher():
    case = Case(A=[["phi", NAN], [0, "phi"]], B=lk.Normal(0, 0.1), b=[0, NAN], seed=3)
    u = case.family.flatten(case.params(*case.now))
    best = optimize.minimize(lambda v: -case.value(v), u, method="BFGS", options={"gtol": 1e-7})
    found = case.maximum()
    assert case.value(case.family.flatten(found)) == pytest.approx(-best.fun, rel=1e-10)
    assert case.family.flatten(found) == pytest.approx(best.x, abs=1e-4)


SINGULAR = {
    "a companion": ({"A": [[NAN, NAN], [1, 0]], "Q": [[NAN, 0], [0, 0]]}, [[1, 0]]),
    "a known one of rank 1": (
        {"A": lk.affine([[1, 1], [0, 1]], f=[[0.5, 1], [1, 2]]), "Q": [[0.25, 0.5], [0.5, 1]]}, [[0.5, 1]],
    ),
    "a shape of rank 1": (
        {"A": lk.affine([[1, 1], [0, 1]], f=[[0.5, 1], [1, 2]]), "Q": lk.scaled([[0.25, 0.5], [0.5, 1]])}, [[0.5, 1]],
    ),
    "a trend with two variances": ({"A": [[1, NAN], [0, 1]], "Q": [["q", 0], [0, 0]]}, [[1, 0]]),
}  # fmt: skip


@pytest.mark.parametrize(("named", "along"), SINGULAR.values(), ids=SINGULAR)
def test_a_singular_noise_is_a_noise_on_its_range(named, along):
    case = Case(**named, b=0, B=0)
    truth, along = start(case.family.slots["A"])[0], np.asarray(along, float)
    x = RNG.normal(size=(60, 2)) @ [[1, 0.5], [0, 1]]
    y = x @ truth.T + RNG.normal(size=(60, 1)) @ along  # without noise in the other direction
    case.stats = moments(np.hstack([x, np.zeros((60, 1)), y]), np.ones((60, 1)))
    check_maximum(case)
    found = case.maximum()
    error = y - x @ found.A[0].T
    unit = along[0] / np.linalg.norm(along)
    density = stats.norm(0, np.sqrt(unit @ found.Q[0] @ unit)).logpdf(error @ unit)
    value = case.equation.expected(np.dstack([found.A, found.B, found.b[:, :, None]]), found.Q, case.stats)
    assert value == pytest.approx([density.sum()], rel=1e-10)


def test_a_noise_that_is_not_there_leaves_everything_as_it_is_known():
    case = Case(A=np.eye(2), B=0, b=0, Q=0)
    found = case.maximum()
    assert np.array_equal(found.A[0], np.eye(2))
    assert np.array_equal(found.Q[0], np.zeros((2, 2)))
    assert case.equation.expected(case.now[0], found.Q, case.stats) == 0


@pytest.mark.parametrize("named", [{}, {"A": [[NAN, 0], [NAN, NAN]]}, {"A": [["f", 0], [0, "f"]]}, {"b": [0, NAN]}])
@pytest.mark.parametrize("diagonal", [False, True])
def test_a_member_without_weight_keeps_what_it_had(named, diagonal):
    weights = np.column_stack([np.ones(60), np.zeros(60)])
    case = Case(k=2, weights=weights, **named, **({"Q": "diagonal"} if diagonal else {}))
    before = case.family.unflatten(RNG.normal(size=case.family.count_free()), case.params(*case.now))
    now = np.concatenate([before.A, before.B, before.b[:, :, None]], 2)
    theta, noise = case.equation.maximise(case.stats, now, before.Q)
    assert np.array_equal(theta[1], now[1])
    assert np.array_equal(noise[1], before.Q[1])
    alone = Case(weights=weights[:, :1], **named, **({"Q": "diagonal"} if diagonal else {}))
    alone.stats = case.stats.blocks([0], 2)
    theirs = alone.equation.maximise(alone.stats, *alone.now)
    assert theta[0] == pytest.approx(theirs[0][0], rel=1e-9, abs=1e-12)
    assert noise[0] == pytest.approx(theirs[1][0], rel=1e-9, abs=1e-12)


def test_a_row_that_was_never_seen_keeps_what_it_had():
    case = Case(rows=True, Q="diagonal")
    keep = np.array([1.0, 0.0])
    s = case.stats
    case.stats = Moments(s.weight * keep, s.dof * keep, s.mean * keep[:, None], s.scatter * keep[:, None, None])
    theta, noise = case.equation.maximise(case.stats, case.now[0] + 3, case.now[1] * 7)
    assert np.array_equal(theta[0, 1], case.now[0][0, 1] + 3)
    assert noise[0, 1, 1] == 7
    assert noise[0, 0, 0] != 7


def test_rows_with_the_same_weights_are_one_equation():
    rows, whole = Case(rows=True, Q="diagonal", A=[[NAN, 0], [NAN, NAN]]), Case(Q="diagonal", A=[[NAN, 0], [NAN, NAN]])
    s, z = whole.stats, whole.z + whole.p
    at = [[*range(z), z + j] for j in range(2)]
    each = [Moments(s.weight, s.dof, s.mean[:, a], s.scatter[:, np.array(a)[:, None], a]) for a in at]
    rows.stats = Moments.concatenate(each)
    found, expected = rows.maximum(), whole.maximum()
    for name in ("A", "B", "b", "Q"):
        assert found[name] == pytest.approx(expected[name], rel=1e-12, abs=1e-14)
    theta = np.dstack([found.A, found.B, found.b[:, :, None]])
    value = whole.equation.expected(theta, found.Q, whole.stats)
    assert rows.equation.expected(theta, found.Q, rows.stats) == pytest.approx(value, rel=1e-12)


def test_many_rows_with_patterns_of_their_own_are_solved_each_by_itself():
    known = np.where(np.tri(30, 3, dtype=bool), NAN, 0.0)
    case = Case(r=30, z=3, A=known, Q="diagonal", n=200)
    found = case.maximum()
    s, z = case.stats, case.z
    for i in (0, 1, 29):
        on = [*np.flatnonzero(np.isnan(known[i])), z]
        gram, cross = s.scatter[0][np.ix_(on, on)], s.scatter[0][z + 1 + i, on]
        own = np.linalg.solve(gram, cross)
        assert np.append(found.A[0, i], found.B[0, i])[on] == pytest.approx(own, rel=1e-10)


ROW = "row 1 of A has free entries but no noise (Q[1, 1] is 0), so nothing can estimate them. "
REFUSED = [
    ({"A": [[NAN, 0], [NAN, 1]], "B": 0, "b": 0, "Q": [[NAN, 0], [0, 0]]},
     ROW + "Give the entries values, or Q[1, 1] a variance."),
    ({"A": 1, "B": 0, "Q": 0},
     "row 0 of b has free entries but no noise (Q[0, 0] is 0), so nothing can estimate them. Give the entries values, "
     "or Q[0, 0] a variance."),
    ({"B": 0, "b": 0, "Q": lk.scaled([[1, 1], [1, 1]])},
     "A has free entries in rows 0, 1, but a combination of these rows has no noise (Q is singular), so nothing can "
     "estimate them. Give the entries values, or Q full rank."),
    ({"A": [["f", 0], [0, 1]], "b": ["f", 0]},
     "the name 'f' stands in A and b; equal names tie entries of one slot. Write another name in one of them."),
    ({"A": lk.PretendRows(2, 0), "B": 0, "b": 0, "Q": lk.scaled([[1, 1], [1, 1]])},
     "A = PretendRows(rows=2, mean=0), but Q is singular; pretend rows scatter as the noise does. Give A a Normal "
     "prior."),
    ({"A": lk.PretendRows([2, 3], 0)},
     "A = PretendRows(rows=[2.0, 3.0], mean=0): pretend rows are rows of the whole equation; give one number of them."),
]  # fmt: skip


@pytest.mark.parametrize(("named", "text"), REFUSED)
def test_what_no_data_can_tell_is_refused(named, text):
    with pytest.raises(lk.ModelError) as e:
        Case(**named)
    assert str(e.value) == text


def test_rows_need_a_diagonal_noise():
    with pytest.raises(lk.ModelError) as e:
        Case(rows=True)
    assert (
        str(e.value) == "Q is not diagonal, so rows cannot be told apart. Write 'diagonal', 'spherical' or variances."
    )


@pytest.mark.parametrize("named", [{}, {"A": [[NAN, 0], [NAN, NAN]]}, {"Q": "diagonal", "A": [[NAN, 0], [NAN, NAN]]}])
@pytest.mark.parametrize("intercept", [{}, {"b": 0}])
def test_regressors_that_depend_on_one_another_are_degenerate(named, intercept):
    case = Case(**named, **intercept)
    s = case.stats
    copy = s.mean.copy(), s.scatter.copy()
    copy[0][:, 2], copy[1][:, 2], copy[1][:, :, 2] = copy[0][:, 0], copy[1][:, 0], copy[1][:, :, 0]
    with pytest.raises(lk.Degenerate) as e:
        case.equation.maximise(Moments(s.weight, s.dof, *copy), *case.now)
    assert str(e.value) == "its coefficients are not determined by the rows it has"


FALLEN = [({}, "covariance"), ({"Q": "diagonal"}, "covariance"), ({"Q": lk.scaled(np.eye(2))}, "variance")]


@pytest.mark.parametrize(("named", "what"), FALLEN)
def test_a_response_without_noise_is_degenerate(named, what):
    case = Case(**named)
    x = RNG.normal(size=(40, 3))
    with pytest.raises(lk.Degenerate) as e:
        case.equation.maximise(moments(np.hstack([x, x[:, :2]]), np.ones((40, 1))), *case.now)
    assert str(e.value) == f"its {what} fell to zero"
    assert e.value.cure == "Give Q a value or a prior, or take fewer states."


def test_noises_far_smaller_than_the_scatter_of_rows_come_out_symmetric():
    rng = np.random.default_rng(3)
    shown = np.array([1.0, 0.7, -0.4])
    x = 1e6 * rng.normal(size=(40, 1)).cumsum(0) * shown + 0.01 * rng.normal(size=(40, 3))
    data = Sequences(Table(x), np.array([0, 20, 40]))
    family = lk.StateSpace(1).bind((), Setting.of(data))
    known = lk.StateSpace(1, A=1, C=shown[:, None], d=0, Q=1e12, R=1e-4 * np.eye(3), m0=0, P0=1e12)
    params = known.bind((), Setting.of(data)).known_params()
    stats = family.collect(params, family.infer(params, data), data, np.ones((2, 1)))
    new = family.maximize(stats, params)
    assert not family.slots["R"].domain.outside(new.R).any()
    np.testing.assert_array_equal(new.R, np.swapaxes(new.R, 1, 2))


SHOWN = lk.StateSpace(1, A=0.8, C=[[1], [0.5]], d=0, Q=1, R=0.5, m0=0, P0=1)


@pytest.mark.parametrize("y", [[0.0, 1.0, 0.5], SHOWN.sample(60, seed=1)], ids=["few rows", "deep below the bound"])
def test_noise_that_rows_met_exactly_send_to_zero_is_a_collapse(y):
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.StateSpace(1), y, starts=1)
    assert str(e.value) == (
        "the only start collapsed: its R fell to zero, where the likelihood is unbounded. Give R a value or a prior, "
        "or take fewer states."
    )


def test_a_noise_is_held_at_its_least_and_where_it_was_below_stays_there():
    case = Case(r=1, z=1)
    case.equation.least = 1e-3
    size = case.stats.scatter[:, -1:, -1:] / case.stats.weight[0]
    for before, allowed in ((1.0, 1e-3), (2e-5, 2e-5), (1e-9, 1e-6)):
        found = case.equation._allowed(case.stats, (1 - 1e-6) * min(before, 1e-4) * size, before * size)
        np.testing.assert_allclose(found, allowed * size, rtol=1e-12)
