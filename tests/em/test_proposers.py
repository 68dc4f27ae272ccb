"""Which proposer a family gets."""

from types import SimpleNamespace

from likely.em.accelerate import Accelerated
from likely.em.line_search import LineSearch
from likely.em.loop import PlainEM
from likely.em.proposers import proposer_of


def test_what_must_be_climbed_is_searched_whatever_else_is_asked():
    family = SimpleNamespace(climbs=True)
    assert isinstance(proposer_of(family, None, 1e-3, temperature=0), LineSearch)
    assert not proposer_of(family, None, 1e-3, accelerate=False).accelerate


def test_all_else_is_accelerated_unless_em_is_hard_or_plain():
    family = SimpleNamespace(climbs=False)
    assert isinstance(proposer_of(family, None, 1e-3), Accelerated)
    assert proposer_of(family, None, 1e-3, warm=True).plain_left == 0
    assert isinstance(proposer_of(family, None, 1e-3, temperature=0), PlainEM)
    assert isinstance(proposer_of(family, None, 1e-3, accelerate=False), PlainEM)
