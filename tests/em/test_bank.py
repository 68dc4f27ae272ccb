"""Starts that share a bank: each is what it would be alone."""

import numpy as np
import pytest

import likely as lk
from cases import CASES
from likely.em.bank import Bank
from likely.em.loop import em
from likely.em.outcome import Outcome
from likely.em.starts import Race
from likely.engines.local import Local, width_of
from likely.errors import Degenerate
from support import bound

HIDDEN = [c for c in CASES if c.model.hidden]
INSIDE = [
    lk.Mixture(lk.Mixture(lk.Normal(variance=lk.shared), 2), 2),
    lk.Mixture([lk.Normal(), lk.Uniform(-20, 20)]),
    lk.Independent(lk.Mixture(lk.Normal(), 2)),
    lk.Product(a=lk.Mixture(lk.Normal(variance=lk.InverseGamma(1, 1)), 2)),
]


def starts(family, table, count, kind="k-means++"):
    weights = np.array(table.weight_column())
    return [family.start(table, weights, rng, kind) for rng in np.random.default_rng(3).spawn(count)]


def at(family, *pairs):
    """Two normals of variance 1 with these means, for each start."""
    models = [lk.Mixture(lk.Normal(mean=pair, variance=1), 2, weights=[0.5, 0.5]) for pair in pairs]
    return [m.bind((), family.setting).known_params() for m in models]


def together(family, engine, begin, **options):
    """The steps of each model, and its collapse as the last of them."""
    bank, seen = Bank(family, engine, begin, **options), {i: [] for i in range(len(begin))}
    while bank.models:
        for model, fate in bank.advance().items():
            seen[model].append(fate)
    return list(seen.values())


def alone(family, engine, begin, **options):
    steps = []
    try:
        for step in em(family, engine, begin, **options):
            steps.append(step)
    except Degenerate as error:
        steps.append(error)
    return steps


def check_together_is_alone(model, x, count=4, **options):
    rest = {n: options.pop(n) for n in ("given", "weights", "labels") if n in options}
    check_bank(*bound(model, x, **rest), count, **options)


def check_bank(family, table, count=4, **options):
    begin = starts(family, table, count)
    with Local(table, width_of(family)) as engine:
        for mine, theirs in zip(
            together(family, engine, begin, **options),
            [alone(family, engine, b, **options) for b in begin],
            strict=True,
        ):
            same_run(mine, theirs)


def same_run(mine, theirs):
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert type(a) is type(b)
        if isinstance(a, Degenerate):
            assert (a.why, a.members) == (b.why, b.members)
            assert a.weights == pytest.approx(b.weights, rel=1e-6)
            continue
        assert (a.passes, a.kind, a.outcome) == (b.passes, b.kind, b.outcome)
        assert a.objective == pytest.approx(b.objective, rel=1e-9)
        assert a.log_likelihood == pytest.approx(b.log_likelihood, rel=1e-9)
        same_params(a.params, b.params)


def same_params(a, b):
    assert list(a) == list(b)
    for name in a:
        if isinstance(a[name], np.ndarray):
            assert a[name] == pytest.approx(b[name], rel=1e-5, abs=1e-7)
        else:
            same_params(a[name], b[name])


@pytest.mark.parametrize("case", HIDDEN, ids=str)
def test_a_bank_of_starts_is_every_start_alone(case):
    check_bank(*case.bound(), 3, max_passes=4, tol=0)


@pytest.mark.parametrize("model", INSIDE, ids=repr)
def test_structures_inside_structures_share_a_bank(model):
    x = np.random.default_rng(1).normal(np.repeat([0.0, 3.0, 8.0], 20), 1)
    check_together_is_alone(model, x, max_passes=8, tol=0)


def test_a_bank_respects_weights_labels_and_hard_assignment():
    rng = np.random.default_rng(2)
    x = rng.normal(np.repeat([0.0, 3.0], 30), 1)
    labels = np.where(np.arange(60) % 10 == 0, np.repeat([1, 0], 30), -1)
    for temperature in (1.0, 0.5, 0.0):
        check_together_is_alone(
            lk.Mixture(lk.Normal(variance=lk.shared), 2), x, temperature=temperature, max_passes=8,
            weights=rng.uniform(0.5, 2, 60), labels=labels,
        )  # fmt: skip


def test_each_start_in_a_bank_ends_when_it_has_converged():
    x = np.random.default_rng(4).normal(np.repeat([0.0, 6.0], 30), 1)
    family, table = bound(lk.Mixture(lk.Normal(variance=lk.shared), 2), x)
    begin = at(family, [0, 6], [-1, 0.5], [3, 3.1])
    with Local(table, width_of(family)) as engine:
        runs = together(family, engine, begin)
        apart = [alone(family, engine, b) for b in begin]
    assert {r[-1].outcome for r in runs if not isinstance(r[-1], Degenerate)} == {Outcome.converged}
    assert len({len(r) for r in runs}) > 1
    for mine, theirs in zip(runs, apart, strict=True):
        same_run(mine, theirs)


def test_a_start_that_collapses_leaves_the_others_as_they_were():
    x = np.concatenate(
        [np.random.default_rng(0).normal(0, 1, 20), [50.0, 50.0], np.random.default_rng(1).normal(8, 1, 20)]
    )
    family, table = bound(lk.Mixture(lk.Normal(), 2), x)
    begin = at(family, [0, 8], [0, 50], [-1, 7], [8, 50], [1, 9])
    with Local(table, width_of(family)) as engine:
        runs = together(family, engine, begin)
        apart = [alone(family, engine, b) for b in begin]
    lost = [isinstance(r[-1], Degenerate) for r in runs]
    assert lost == [False, True, False, True, False]
    for mine, theirs in zip(runs, apart, strict=True):
        same_run(mine, theirs)


def test_a_start_for_which_a_row_is_impossible_is_the_only_one_to_go():
    family, table = bound(lk.Mixture(lk.Uniform(), 2), [0.0, 1.0, 5.0, 6.0])
    one = lk.Mixture(lk.Uniform([0, 5], [1, 6]), 2, weights=[0.5, 0.5]).bind((), family.setting).known_params()
    other = lk.Mixture(lk.Uniform([0, 4], [0.5, 6]), 2, weights=[0.5, 0.5]).bind((), family.setting).known_params()
    with Local(table, width_of(family)) as engine:
        good, lost = together(family, engine, [one, other])
    assert good[-1].outcome is Outcome.rounding_floor or good[-1].outcome is Outcome.converged
    assert [str(e) for e in lost] == ["row 2 has probability zero under every component"]


def test_a_fall_in_a_bank_is_reported_and_the_best_is_kept():
    family, table = bound(lk.Mixture(lk.Normal(), 2), [0.0, 1.0, 5.0, 6.0, 7.0])
    begin = starts(family, table, 2)
    with Local(table, width_of(family)) as engine:
        bank = Bank(family, engine, begin)
        first = bank.advance()
        bank._params = type(bank._params).concatenate([begin[0], begin[1]])
        bank._stats = None  # as if the M-step had led nowhere
        bank._lasts = {m: s.ending(s.outcome) for m, s in first.items()}
        object.__setattr__(bank._lasts[0], "objective", first[0].objective + 1)
        fates = bank.advance()
    assert fates[0].outcome is Outcome.decreased
    assert fates[0].objective == first[0].objective + 1
    assert fates[1].outcome is None


def test_a_run_goes_on_alone_from_where_it_left_the_bank():
    x = np.random.default_rng(5).normal(np.repeat([0.0, 3.0], 50), 1)
    family, table = bound(lk.Mixture(lk.Normal(), 2), x)
    begin = starts(family, table, 2)
    options = {"tol": 0.0, "max_passes": 9}
    with Local(table, width_of(family)) as engine:
        race = Race(lambda _: None)
        bank = Bank(family, engine, begin, **options)
        race.enter_together(bank, lambda step: em(family, engine, step, **options))
        race.run(legs=0)
        race.crews[0].part([])
        assert bank.models == []
        race.run()
        whole = [alone(family, engine, b, **options) for b in begin]
    for runner, steps in zip(race.runners, whole, strict=True):
        assert [m.passes for m in runner.trace] == [s.passes for s in steps]
        assert [m.objective for m in runner.trace] == pytest.approx([s.objective for s in steps], rel=1e-12)
