"""The search between old and new parameters: never lower, full steps on linear functions, and an honest end."""

from types import SimpleNamespace

import numpy as np

import likely as lk
from likely.core.params import Params
from likely.core.setting import Setting
from likely.em.line_search import Climber, LineSearch, Trials, between
from likely.em.loop import PlainEM, Step, em
from likely.engines.local import Local
from likely.structures.chains import in_sequences


def grown(x, _u, theta):
    return theta["a"][..., None] * x + theta["b"][..., None] * x / (1 + x**2)


def shown(x, _u, theta):
    return theta["g"][..., None] * (np.tanh(x) + 0.1 * x)


def growth(**slots):
    return lk.NonlinearStateSpace(grown, shown, 1, ["a", "b", "g"], **slots)


def begun(seed, n=50):
    """Rows, the model bound to them, and where it begins."""
    y = growth(theta=[0.6, 2.0, 2.0], Q=0.3, R=0.2, m0=[0.0], P0=1.0).sample(n, seed=seed)
    rng = np.random.default_rng(seed)
    start = growth(theta=np.array([0.6, 2.0, 2.0]) * rng.uniform(0.5, 1.5, 3), Q=1.0, R=1.0, m0=[0.0], P0=1.0)
    return y, growth(m0=[0.0], P0=1.0), start


def plain_best(y, model, start, passes):
    """The highest objective on the way of EM steps as they come."""
    data = in_sequences(model._door(y))
    bound = model.bind((), Setting.of(data.rows))
    params = start.bind((), Setting.of(data.rows)).known_params()
    best = -np.inf
    weights = np.ones((1, 1))
    for _ in range(passes):
        found = bound.infer(params, data)
        best = max(best, found.log_prob.item())
        params = bound.maximize(bound.collect(params, found, data, weights), params)
    return best


def test_the_objective_never_falls_and_ends_no_lower_than_plain_em_at_its_best():
    fell = 0
    for seed in range(4):
        y, model, start = begun(seed)
        fit = lk.fit(model, y, start=start)
        trace = np.array([s.objective for s in fit.trace])
        assert (np.diff(trace) >= -1e-10 * np.abs(trace[:-1])).all()
        assert fit.outcome in (lk.Outcome.converged, lk.Outcome.stalled)
        assert fit.objective >= plain_best(y, model, start, 25) - 1e-6
        fell += fit.outcome is lk.Outcome.stalled
    assert fell <= 1


class Backtracking(LineSearch):
    """Shorter steps alone: neither single blocks nor the climb."""

    def propose(self, family, step):
        found = self._searched(family, step)
        if found is None:
            self.ended = lk.Outcome.stalled
        return (step.params, "line search") if found is None else found

    def _by_block(self, *_):
        return None


def test_shorter_steps_alone_stall_and_blocks_and_the_climb_go_on():
    for seed in (0, 2):
        y, model, start = begun(seed)
        data = in_sequences(model._door(y))
        bound = model.bind((), Setting.of(data.rows))
        params = start.bind((), Setting.of(data.rows)).known_params()
        with Local(data, 1) as engine:
            last = list(em(bound, engine, params, max_passes=60, proposer=Backtracking(engine, 1e-3)))[-1]
            assert last.outcome is lk.Outcome.stalled
            search = LineSearch(engine, 1e-3)
            better, kind = search.propose(bound, last)
            assert kind in ("block", "quasi-newton")
            assert search.ended is None
            assert engine.evaluate(bound, better).log_likelihood > last.log_likelihood


def test_a_fit_that_says_converged_has_no_gradient():
    y, model, start = begun(1)
    fit = lk.fit(model, y, start=start)
    assert fit.outcome is lk.Outcome.converged
    data = in_sequences(model._door(y))
    bound = model.bind((), Setting.of(data.rows))
    params = fit.model.bind((), Setting.of(data.rows)).known_params()
    u = bound.flatten(params)
    height = [
        [bound.infer(bound.unflatten(u + s * e, params), data).log_prob.item() for s in (1e-4, -1e-4)]
        for e in np.eye(len(u))
    ]
    assert np.abs([(a - b) / 2e-4 for a, b in height]).max() < 0.02


def test_steps_of_length_one_are_always_taken_on_linear_functions():
    def move(x, _u, theta):
        return theta[..., :1] * x

    def look(x, _u, theta):
        return x + theta[..., 1:]

    truth = lk.NonlinearStateSpace(move, look, 1, 2, theta=[0.8, 3.0], Q=1.0, R=0.5, m0=[0.0], P0=1.0)
    y = truth.sample(60, seed=4)
    model = lk.NonlinearStateSpace(move, look, 1, 2, m0=[0.0], P0=1.0)
    data = in_sequences(model._door(y))
    bound = model.bind((), Setting.of(data.rows))
    begin = lk.NonlinearStateSpace(move, look, 1, 2, theta=[0.3, 1.0], Q=2.0, R=2.0, m0=[0.0], P0=1.0)
    params = begin.bind((), Setting.of(data.rows)).known_params()
    with Local(data, 1) as engine:
        search = LineSearch(engine, 0.0, accelerate=False)
        steps = list(em(bound, engine, params, tol=0.0, max_passes=15, proposer=search))
    assert search.lengths == [1.0] * 14
    assert (np.diff([s.objective for s in steps]) >= -1e-10).all()


def test_trials_side_by_side_are_the_objectives_of_each():
    y, model, start = begun(2, n=30)
    data = in_sequences(model._door(y))
    bound = model.bind((), Setting.of(data.rows))
    one = start.bind((), Setting.of(data.rows)).known_params()
    other = one.replace(theta=one.theta * 0.7, Q=one.Q * 2)
    with Local(data, 1) as engine:
        found = Trials(bound, engine, one).of([one, other, between(one, other, 0.25)])
    alone = [bound.infer(p, data).log_prob.item() for p in (one, other, between(one, other, 0.25))]
    np.testing.assert_allclose(found, alone, rtol=1e-12)


def test_between_two_parameters_known_ones_stay():
    old = Params(a=np.array([1.0]), part=Params(b=np.array([2.0, 5.0])))
    new = Params(a=np.array([1.0]), part=Params(b=np.array([4.0, 5.0])))
    found = between(old, new, 0.25)
    assert (found.a.tolist(), found.part.b.tolist()) == ([1.0], [2.5, 5.0])
    assert between(old, new, 1) is new


class Curve:
    """One free number, whose objective is any function."""

    def __init__(self, function):
        self.function = function
        self.like = None

    def flatten(self, params):
        return params.u

    def unflatten(self, u, like):
        return Params(u=np.asarray(u))

    def at(self, u):
        return self.function(np.asarray(u)[:, 0])


def run_climb(function, begin, steps=60):
    curve, u = Curve(function), np.array([begin])
    climber = Climber(curve, curve, 1e-3)
    for _ in range(steps):
        step = Step(1, Params(u=u), float(function(u)[0]), 0.0, None, "x", items=1.0)
        found, ended = climber.next(step)
        if ended is not None:
            return u[0], ended
        u = np.asarray(found.u)
    return u[0], None


def test_the_climb_converges_where_the_gradient_vanishes():
    at, ended = run_climb(lambda u: -np.cosh(u - 0.7), 3.0)
    assert ended is lk.Outcome.converged
    assert abs(at - 0.7) < 1e-3


def test_the_climb_stalls_at_a_kink_and_says_so():
    at, ended = run_climb(lambda u: np.where(u > 0, -1.0, 3.0) * u, 0.0)
    assert ended is lk.Outcome.stalled
    assert not ended.good
    assert at == 0
    assert str(ended) == (
        "Stalled: steps of EM and a climb of the gradient gain next to nothing; the gradient is not zero, so this "
        "need not be a maximum."
    )


def test_a_loop_ends_as_its_proposer_says():
    class Ending(PlainEM):
        ended = lk.Outcome.stalled

    family = SimpleNamespace(log_prior=lambda _: 0.0, maximize=lambda _, params: params)
    engine = SimpleNamespace(
        evaluate=lambda *_: SimpleNamespace(impossible=None, log_likelihood=-1.0, stats=None, items=1.0)
    )
    last = list(em(family, engine, Params(), proposer=Ending()))[-1]
    assert last.outcome is lk.Outcome.stalled
