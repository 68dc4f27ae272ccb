"""Starts of a fit: kinds, counts, and what does not depend on how they are run."""

import numpy as np
import pytest

import likely as lk
from likely.em.outcome import Outcome
from likely.em.starts import Race
from likely.workflows import climb

BLOBS = np.concatenate([np.random.default_rng(i).normal(c, 1, (60, 2)) for i, c in enumerate([0, 4, 8])])
THREE = lk.Mixture(lk.MultivariateNormal(), 3)


def test_starts_in_a_bank_and_each_by_itself_reach_the_same(monkeypatch):
    together = lk.fit(THREE, BLOBS)
    monkeypatch.setattr(climb, "TOGETHER", 0)
    apart = lk.fit(THREE, BLOBS)
    assert together.objective == pytest.approx(apart.objective, abs=1e-5)
    assert together.starts.count == apart.starts.count == 20


def test_a_bank_takes_fewer_passes_over_the_data(monkeypatch):
    passes = [0]
    run = climb.Local.map

    def counted(self, work):
        passes[0] += 1
        return run(self, work)

    monkeypatch.setattr(climb.Local, "map", counted)
    lk.fit(THREE, BLOBS)
    together, passes[0] = passes[0], 0
    monkeypatch.setattr(climb, "TOGETHER", 0)
    lk.fit(THREE, BLOBS)
    assert together < passes[0] / 3


def test_the_same_seed_gives_the_same_fit_and_threads_do_not_matter():
    one, two = (lk.fit(THREE, BLOBS, seed=4, threads=t) for t in (1, 2))
    assert one.model == two.model
    assert one.starts == two.starts


def test_every_pass_of_every_start_is_seen():
    seen = []
    fit = lk.fit(THREE, BLOBS, starts=5, callback=lambda step: seen.append((step.passes, step.kind)))
    assert seen.count((1, "start")) == 5
    assert [kind for _, kind in seen].count("start") == 5
    assert [m.passes for m in fit.trace] == sorted({m.passes for m in fit.trace})
    assert fit.trace[0].passes == 1


@pytest.mark.parametrize("at", [1, 2, 15, 33])
def test_a_callback_stops_at_any_pass(at):
    fit = lk.fit(THREE, BLOBS, tol=0, callback=lambda step: step.passes == at)
    assert fit.outcome is lk.Outcome.stopped
    assert max(m.passes for m in fit.trace) <= at
    assert fit.objective == fit.trace[-1].objective


def test_a_callback_may_say_so_with_a_boolean_of_numpy():
    fit = lk.fit(THREE, BLOBS, tol=0, callback=lambda step: np.bool_(step.passes == 3))
    assert fit.outcome is Outcome.stopped


@pytest.mark.parametrize("limit", [1, 2, 10, 11, 30, 31])
def test_passes_are_limited_for_each_start(limit):
    fit = lk.fit(THREE, BLOBS, tol=0, max_passes=limit)
    assert fit.outcome is lk.Outcome.pass_limit
    assert fit.trace[-1].passes == limit


def test_random_responsibilities_also_lead_somewhere():
    fit = lk.fit(THREE, BLOBS, init="random", starts=30)
    best = lk.fit(THREE, BLOBS)
    assert fit.starts.count == 30
    assert best.objective - 150 < fit.objective < best.objective + 1e-4


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_labels_are_respected_by_every_kind_of_start(init):
    labels = np.where(np.arange(180) % 6 == 0, np.repeat([2, 0, 1], 60), -1)
    fit = lk.fit(THREE, BLOBS, labels=labels, init=init)
    assert (fit.responsibilities()[labels >= 0].argmax(1) == labels[labels >= 0]).all()
    assert fit.model.component.mean[:, 0] == pytest.approx([4, 8, 0], abs=0.5)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"init": "kmeans"}, "init='kmeans'; starts are made by 'k-means++' or 'random'."),
        (
            {"init": "random", "start": lk.Mixture(lk.Normal([0, 1], 1), 2, weights=[0.5, 0.5])},
            "init='random' makes starts at random, and start=... is one already; leave one of them out.",
        ),
    ],
)
def test_a_kind_of_start_that_cannot_be_is_refused(options, text):
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Mixture(lk.Normal(), 2), [0.0, 1.0, 5.0, 6.0], **options)
    assert str(error.value) == text


MANY = np.random.default_rng(0).uniform(0, 20, (14, 2))
SCATTERED = MANY[np.repeat(range(14), 30)] + np.random.default_rng(1).normal(size=(420, 2))
FOURTEEN = lk.Mixture(lk.MultivariateNormal(covariance=lk.shared), 14)


def fits(model, seeds, **options):
    return [lk.fit(model, SCATTERED, seed=s, starts=3, **options) for s in seeds]


@pytest.mark.parametrize("options", [{}, {"hard": True}], ids=str)
def test_moves_lead_higher_and_never_lower(monkeypatch, options):
    moved = fits(FOURTEEN, range(3), **options)
    monkeypatch.setattr(climb, "EFFORT", 0.0)
    raced = fits(FOURTEEN, range(3), **options)
    gains = np.array([a.objective - b.objective for a, b in zip(moved, raced, strict=True)])
    assert (gains > -1e-6).all()
    assert gains.max() > 0.5


def test_a_fit_that_a_move_has_won_shows_the_run_of_that_move():
    (fit,) = fits(FOURTEEN, [0])
    assert fit.starts.optima[0].hits == 0
    assert [fit.trace[0].kind, fit.trace[0].passes] == ["move", 1]
    heights = np.array([m.objective for m in fit.trace])
    assert (np.diff(heights) > -1e-6).all()
    assert fit.outcome.good
    assert fit.starts.count == 3
    assert fit.starts.optima[0].objective == fit.objective > fit.starts.optima[1].objective
    assert "found by moving components of the best start" in str(fit.starts)


def test_moves_do_not_depend_on_threads_nor_on_the_run():
    one, two = (lk.fit(FOURTEEN, SCATTERED, starts=3, seed=1, threads=t) for t in (1, 2))
    assert one.model == two.model
    assert one.starts == two.starts


def test_starts_that_agree_are_not_moved_and_starts_of_the_user_neither():
    kinds = []
    lk.fit(THREE, BLOBS, callback=lambda step: kinds.append(step.kind))
    far = lk.Mixture(lk.MultivariateNormal(mean=BLOBS[:3], covariance=[np.eye(2)] * 3), 3, weights=[0.3, 0.3, 0.4])
    lk.fit(THREE, BLOBS, start=far, callback=lambda step: kinds.append(step.kind))
    lk.fit(THREE, BLOBS, starts=1, callback=lambda step: kinds.append(step.kind))
    assert "move" not in kinds


@pytest.mark.parametrize("after", [1, 3, 40])
def test_a_callback_stops_moves_too(after):
    seen = []

    def stop(step):
        seen.append(step.kind == "move")
        return sum(seen) > 0 and len(seen) - seen.index(True) >= after

    fit = lk.fit(FOURTEEN, SCATTERED, starts=3, seed=1, callback=stop)
    assert fit.outcome is lk.Outcome.stopped
    assert len(seen) == seen.index(True) + after
    assert fit.objective >= max(o.objective for o in fit.starts.optima if o.hits) - 1e-6


def test_an_interruption_of_moves_keeps_the_best():
    def interrupt(step):
        if step.kind == "move":
            raise KeyboardInterrupt

    fit = lk.fit(FOURTEEN, SCATTERED, starts=3, seed=1, callback=interrupt)
    assert fit.outcome is lk.Outcome.interrupted
    assert fit.objective == fit.starts.optima[0].objective


def test_an_interruption_before_anything_is_known_ends_at_once(monkeypatch):
    passes = []

    def interrupt(self, _work):
        passes.append(len(self.data.rows))
        raise KeyboardInterrupt

    monkeypatch.setattr(climb, "SAMPLE", 100)
    monkeypatch.setattr(climb.Local, "map", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lk.fit(THREE, BLOBS)
    assert passes == [100]


def test_moves_that_collapse_are_no_starts_that_collapsed(monkeypatch):
    lost = []
    drop = Race._drop

    def noted(self, runner, error):
        lost.append(runner.hits)
        drop(self, runner, error)

    monkeypatch.setattr(Race, "_drop", noted)
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 6), SCATTERED[:120], starts=4)
    assert lost.count(0) > 0
    assert len(fit.starts.collapsed) == lost.count(1)
    assert fit.starts.count == 4


def test_large_data_is_moved_about_on_its_sample(monkeypatch):
    monkeypatch.setattr(climb, "SAMPLE", 300)
    sizes = []
    neighbours = lk.Mixture.neighbours

    def noted(self, params, data, *rest, **named):
        sizes.append(len(data))
        return neighbours(self, params, data, *rest, **named)

    monkeypatch.setattr(lk.Mixture, "neighbours", noted)
    fit = lk.fit(FOURTEEN, SCATTERED, starts=3, seed=1)
    assert set(sizes) == {300}
    assert fit.outcome.good
    assert fit.starts.count == 3


CHAIN = lk.HMM(lk.Normal([0, 4], 1), 2, initial=[0.5, 0.5], transition=[[0.95, 0.05], [0.1, 0.9]])


def test_starts_on_long_sequences_race_on_stretches_of_them(monkeypatch):
    series = [CHAIN.sample(n, seed=n) for n in (3000, 500, 20, 4000)]
    whole = lk.fit(lk.HMM(lk.Normal(), 2), series, seed=1)
    monkeypatch.setattr(climb, "SAMPLE", 1000)
    rows = set()
    infer = lk.HMM.infer
    monkeypatch.setattr(lk.HMM, "infer", lambda *a: rows.add(len(a[2].rows)) or infer(*a))
    sampled = lk.fit(lk.HMM(lk.Normal(), 2), series, seed=1)
    assert min(rows) <= 1000 + 1000
    assert sampled.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-4)


def test_a_stretch_of_a_sequence_is_rows_in_their_order():
    data = lk.sequences(np.arange(5050.0), [50, 5000])
    cut = data.stretches(np.array([1]), np.array([7]), np.array([3]))
    assert cut.rows.x[:, 0].tolist() == [57.0, 58.0, 59.0]
    assert cut.offsets.tolist() == [0, 3]
