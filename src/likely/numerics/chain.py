"""Chains of hidden states, exactly and one after another: what is known of each state, pairs of states, best paths.

The kernels see probabilities of first states (m,), of moves (m, m) with `transition[i, j] = P(next is j | now is i)`,
and log densities (n, m) of the rows under each state; sequences lie end to end, and s begins at `offsets[s]`.

Probabilities are scaled by the largest log density that can be reached at a row and by their own sum (Rabiner 1989).
What cannot be told apart that way, because a probability falls below the smallest number and may matter again later, is
noticed and done again with logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from likely.numerics.chain_recursions import best_paths, first_impossible, log_pairs, log_sequence, scaled_sequences
from likely.numerics.soft import Array, safe_log
from likely.numerics.vector import LANES


@dataclass(frozen=True)
class Smoothed:
    """What is known of the hidden states of sequences laid end to end.

    The probability of a move from i to j between rows t - 1 and t is filtered[t - 1, i] transition[i, j] ahead[t, j];
    only of the sequences in `apart` it is told in full instead.
    """

    log_prob: Array  # (S,) log-likelihood of each sequence; -inf where it is impossible
    gamma: Array  # (n, m) probability of each state at each row, given all of the sequence
    filtered: Array  # (n, m) the same given rows up to this one
    ahead: Array  # (n, m) 0 at first rows
    transition: Array  # (m, m)
    offsets: Array
    apart: dict[int, Array]  # (m, m) expected moves of sequences that were worked out with logarithms
    stopped: dict[int, int]  # the first row, counted from its own, at which an impossible sequence becomes so

    def pairs(self, weights: Array | None = None) -> Array:
        """(m, m) expected numbers of moves, each sequence counted by its weight (S,)."""
        ahead = self.ahead if weights is None else self.ahead * np.repeat(weights, np.diff(self.offsets))[:, None]
        total = self.transition * (self.filtered[:-1].T @ ahead[1:])
        for s, moves in self.apart.items():
            total += moves if weights is None else weights[s] * moves
        return total

    def expected(self, log_moves: Array) -> Array:
        """(S,) expected sums over a sequence of what each move is worth (m, m); impossible moves may be worth -inf."""
        worth = self.transition * np.where(self.transition > 0, log_moves, 0.0)
        rows = np.zeros(len(self.gamma))
        rows[1:] = ((self.filtered[:-1] @ worth) * self.ahead[1:]).sum(1)
        out = np.add.reduceat(rows, self.offsets[:-1])
        for s, moves in self.apart.items():
            out[s] = (moves * np.where(moves > 0, log_moves, 0.0)).sum()
        return out

    def heated(self, temperature: float) -> Smoothed:
        """The same where probabilities were raised to the power 1 / temperature."""
        return replace(self, log_prob=temperature * self.log_prob)


def smooth(initial: Array, transition: Array, log_density: Array, offsets: Array) -> Smoothed:
    """Forward-backward over sequences laid end to end.

    Parameters
    ----------
    initial : array (m,)             probabilities of the first state
    transition : array (m, m)        of moves; rows need not sum to one
    log_density : array (n, m)       of each row under each state; -inf where it is impossible
    offsets : array (S + 1,)         where sequences begin, and the end
    """
    n, m = log_density.shape
    log_density = np.ascontiguousarray(log_density, float)
    gamma, filtered, ahead = np.empty((n, m)), np.empty((n, m)), np.empty((n, m))
    log_prob, lost = np.empty(len(offsets) - 1), np.zeros(len(offsets) - 1, bool)
    initial, transition = np.ascontiguousarray(initial, float), np.ascontiguousarray(transition, float)
    full = bool((initial > 0).all() and (transition > 0).all())
    scaled_sequences(initial, transition, log_density, offsets, full, gamma, filtered, ahead, log_prob, lost)
    apart, stopped = {}, {}
    logs = safe_log(initial), safe_log(transition)
    for s in np.flatnonzero(lost):
        rows = slice(offsets[s], offsets[s + 1])
        forward, backward = np.empty((2, rows.stop - rows.start, m))
        log_prob[s] = log_sequence(*logs, log_density[rows], forward, backward)
        ahead[rows] = 0.0
        if log_prob[s] == -np.inf:
            stopped[int(s)] = int(first_impossible(forward))
            gamma[rows], filtered[rows] = 0.0, 0.0
            continue
        gamma[rows] = np.exp(forward + backward - log_prob[s])
        filtered[rows] = np.exp(forward - np.logaddexp.reduce(forward, 1, keepdims=True))
        apart[int(s)] = log_pairs(logs[1], log_density[rows], forward, backward, log_prob[s])
    return Smoothed(log_prob, gamma, filtered, ahead, transition, offsets, apart, stopped)


def best_path(initial: Array, transition: Array, log_density: Array, offsets: Array) -> tuple[Array, Array, dict]:
    """The most probable states (n,) of sequences laid end to end, their log joint probabilities (S,), and what is not.

    Of equally probable paths that with the lowest last state is taken, then with the lowest before it, and so on. An
    impossible sequence has log probability -inf and states -1; the third result says at which row it becomes so.
    """
    path, log_prob = np.empty(len(log_density), np.int64), np.empty(len(offsets) - 1)
    logs = safe_log(np.asarray(initial, float)), safe_log(np.asarray(transition, float))
    wide, places = -(-len(initial) // LANES) * LANES, np.uint8 if len(initial) <= 2**8 else np.uint32
    came = np.empty(int(np.diff(offsets).max()) * wide, places)
    stopped = np.zeros(len(log_prob), np.int64)
    best_paths(*logs, np.ascontiguousarray(log_density, float), np.asarray(offsets), came, path, log_prob, stopped)
    return path, log_prob, {int(s): int(stopped[s]) for s in np.flatnonzero(log_prob == -np.inf)}
