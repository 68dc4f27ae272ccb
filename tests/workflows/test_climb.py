"""Starts of a fit: kinds, counts, and what does not depend on how they are run."""

import numpy as np
import pytest

import likely as lk
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
