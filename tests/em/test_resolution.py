"""Falls that rounding explains end a fit well; falls of a wrong M-step are said, however large the data."""

import numpy as np
import pytest

import likely as lk
from likely.core.setting import Setting
from likely.em.loop import em
from likely.em.outcome import Outcome
from likely.engines.local import Local
from likely.structures.chains import in_sequences


def far_from_zero(offset):
    rng = np.random.default_rng(0)
    return offset + np.cumsum(rng.normal(size=60)) + rng.normal(size=60)


def test_rows_far_from_zero_end_where_rounding_allows():
    fits = [lk.fit(lk.StateSpace(1, A=1, C=1, d=0), far_from_zero(offset), starts=1) for offset in (0.0, 1e8)]
    assert [f.outcome.good for f in fits] == [True, True]
    assert fits[1].objective == pytest.approx(fits[0].objective, abs=1e-5)


def test_a_wrong_m_step_is_a_fall_also_far_from_zero(monkeypatch):
    model = lk.StateSpace(1, A=1, C=1, d=0)
    best = lk.fit(model, far_from_zero(1e8), starts=1)
    data = in_sequences(model._door(far_from_zero(1e8)))
    bound = model.bind((), Setting.of(data.rows))
    right = type(bound).maximize

    def wrong(self, stats, params=None):
        new = right(self, stats, params)
        return new.replace(R=new.R * 1.05)

    monkeypatch.setattr(type(bound), "maximize", wrong)
    with Local(data, 1) as engine:
        last = list(em(bound, engine, best.model.bind((), bound.setting).known_params(), max_passes=20))[-1]
    assert last.outcome is Outcome.decreased
