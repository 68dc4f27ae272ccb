"""Values that follow from others, which follow from them: where the two agree, in few rounds.

So do first states and the equations in which they stand, and moves and the stationary start that they lead to.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from likely.numerics.soft import Array

ROUNDS, AGREE = 100, 1e-13
ROUNDING = 1e-6  # a miss below this that does not fall by half, twice in turn, is rounding
ASTRAY = 30  # times the last miss: such a guess tells nothing of those before
FEW = 5  # rounds that are remembered
HALVES = 30  # of a way that leads nowhere


class Settled:
    """Values x (k, m) such that an answer to them is they themselves, each member by itself.

    The next guess is the last answer, less what the differences between earlier rounds explain of how far it was from
    its guess (Anderson 1965): as many differences as there are values leave nothing unexplained of a linear answer.
    Where that is further from the answer than the answer from its guess, rounds are slow to agree, the answer is far
    from linear, and nothing but the next plain round is sure to lead upward.
    """

    def __init__(self, first: Array, rounds: int = ROUNDS):
        self.guess = self.answer = first
        self.left = np.full(len(first), np.inf)  # by how much guess and answer differ, relative
        self.most = rounds
        self.guesses: list[Array] = []
        self.misses: list[Array] = []
        self.size, self.rounds, self.idle = np.inf, 0, 0  # the last miss, relative; rounds; those that brought little

    def settled(self, answer: Array) -> bool:
        """Told the answer to the guess: is it the same? Else there is another guess."""
        miss = answer - self.guess
        self.rounds += 1
        self.answer, self.left = answer, np.abs(miss).max(1, initial=0) / (1 + np.abs(answer).max(1, initial=0))
        size = float(self.left.max())
        self.idle = self.idle + 1 if 0.5 * self.size < size <= ROUNDING else 0
        if self.rounds == self.most or size <= AGREE or self.idle == 2:
            return True
        if size > ASTRAY * self.size:  # begin anew
            self.guesses, self.misses = [], []
        self.size = size
        self.guesses, self.misses = [*self.guesses, self.guess][-FEW:], [*self.misses, miss][-FEW:]
        self.guess = answer - self._explained(miss)
        return False

    def stay(self, inside: Callable[[Array], Array]) -> None:
        """Go back towards the guess before, by halves, for members (k,) whose guess is not inside what is possible."""
        for _ in range(HALVES):
            there = inside(self.guess)
            if there.all():
                return
            self.guess = np.where(there[:, None], self.guess, 0.5 * (self.guess + self.guesses[-1]))

    def _explained(self, miss: Array) -> Array:
        most = min(len(self.misses) - 1, miss.shape[1])
        if most < 1:
            return np.zeros_like(miss)
        changes = np.stack([b - a for a, b in zip(self.misses[-most - 1 :], self.misses[-most:], strict=False)], 2)
        moves = np.stack([b - a for a, b in zip(self.guesses[-most - 1 :], self.guesses[-most:], strict=False)], 2)
        shares = np.linalg.pinv(changes, rcond=1e-10) @ miss[:, :, None]
        found = ((moves + changes) @ shares)[:, :, 0]
        near = np.linalg.norm(found, axis=1) <= np.linalg.norm(miss, axis=1)
        return np.where(near[:, None], found, 0.0)
