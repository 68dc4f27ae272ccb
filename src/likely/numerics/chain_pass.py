"""Steps of hidden Markov chains, sixteen side by side, however many states there are and wherever sequences begin.

With E_t the densities of row t relative to the largest and q_t powers of two, a_t = (a_{t-1} A) E_t q_{t-1} and
b_{t-1} = A u_t with u_t = b_t E_t q_{t-1}: then posteriors are a_t b_t and expected transitions A times a_{t-1} u_t',
up to one factor for a whole chain, in which its weight is included. Posteriors are worked out times `LEVEL`: where mass
that underflowed in `a` turns out to matter, `b` overflows and sums are no longer finite.
"""

from __future__ import annotations

import math

import numpy as np

from likely.numerics.chain_steps import (
    EXPO,
    LEAST,
    SIDE,
    TOPS,
    TOTAL,
    ahead_5,
    ahead_6,
    ahead_7,
    ahead_8,
    ahead_9,
    ahead_10,
    back_5,
    back_6,
    back_7,
    back_8,
    back_9,
    back_10,
    backward_1,
    backward_2,
    backward_3,
    backward_4,
    finish,
    forward_1,
    forward_2,
    forward_3,
    forward_4,
)
from likely.numerics.compiled import compiled
from likely.numerics.vector import apart

SCALE = TOTAL + SIDE  # log scale of a chain where it ended first
KNOWN = SCALE + SIDE
LN2 = math.log(2.0)
NOTHING, LIKELIHOOD, SCALES = range(3)  # what is kept of the scale of a chain that ends


@compiled
def together(left):
    """States of the next block, of which so many are left: from 5 to 10."""
    return -(-left // -(-left // 10))


@compiled
def run_ahead(states, n, matrix, e, m, a, q, known, s):
    """n steps forward from step s on; see `march` for where things stand."""
    apart()
    size = states * SIDE
    i, o = (s + 1) * size, (s + 2) * SIDE
    if states == 1:
        forward_1(n, matrix, e, i, m, s * SIDE, a, i, q, o, known)
    elif states == 2:
        forward_2(n, matrix, e, i, m, s * SIDE, a, i, q, o, known)
    elif states == 3:
        forward_3(n, matrix, e, i, m, s * SIDE, a, i, q, o, known)
    elif states == 4:
        forward_4(n, matrix, e, i, m, s * SIDE, a, i, q, o, known)
    else:
        for t in range(s, s + n):
            i, o = (t + 1) * size, (t + 2) * SIDE
            k = 0
            while k < states:
                block, at, x, to, p = together(states - k), k * states, i - size, i + k * SIDE, o - SIDE
                if block == 10:
                    ahead_10(matrix, at, states, a, x, e, to, q, p, a, to, known, TOTAL)
                elif block == 9:
                    ahead_9(matrix, at, states, a, x, e, to, q, p, a, to, known, TOTAL)
                elif block == 8:
                    ahead_8(matrix, at, states, a, x, e, to, q, p, a, to, known, TOTAL)
                elif block == 7:
                    ahead_7(matrix, at, states, a, x, e, to, q, p, a, to, known, TOTAL)
                elif block == 6:
                    ahead_6(matrix, at, states, a, x, e, to, q, p, a, to, known, TOTAL)
                else:
                    ahead_5(matrix, at, states, a, x, e, to, q, p, a, to, known, TOTAL)
                k += block
            finish(known, q, o, m, t * SIDE)


@compiled
def run_back(states, n, matrix, e, a, q, b, o, s, x):
    """n steps back from step s on, whose u is there; b of the step before goes to `o`."""
    apart()
    size = states * SIDE
    if states == 1:
        backward_1(n, matrix, e, (s + 1) * size, a, s * size, q, s * SIDE, b, o, x)
    elif states == 2:
        backward_2(n, matrix, e, (s + 1) * size, a, s * size, q, s * SIDE, b, o, x)
    elif states == 3:
        backward_3(n, matrix, e, (s + 1) * size, a, s * size, q, s * SIDE, b, o, x)
    elif states == 4:
        backward_4(n, matrix, e, (s + 1) * size, a, s * size, q, s * SIDE, b, o, x)
    else:
        for t in range(s, s - n, -1):
            i, k = (t + 1) * size, 0
            while k < states:
                block, at, to = together(states - k), k * states, t * size + k * SIDE
                out = o + (t - s) * size + k * SIDE
                if block == 10:
                    back_10(matrix, at, states, e, i, e, to, q, t * SIDE, e, to, b, out)
                elif block == 9:
                    back_9(matrix, at, states, e, i, e, to, q, t * SIDE, e, to, b, out)
                elif block == 8:
                    back_8(matrix, at, states, e, i, e, to, q, t * SIDE, e, to, b, out)
                elif block == 7:
                    back_7(matrix, at, states, e, i, e, to, q, t * SIDE, e, to, b, out)
                elif block == 6:
                    back_6(matrix, at, states, e, i, e, to, q, t * SIDE, e, to, b, out)
                else:
                    back_5(matrix, at, states, e, i, e, to, q, t * SIDE, e, to, b, out)
                k += block


@compiled
def word(words, t, shift):
    """A bit for each of sixteen chains: does a sequence begin at their row t?"""
    return (words[t] >> shift) & 0xFFFF if t < len(words) else 0


@compiled
def weight_of(weights, rows, row):
    """Weight of the sequence of a row; rows that are not there weigh nothing."""
    apart()
    if row < 0 or row >= rows:
        return 0.0
    return weights[row] if len(weights) else 1.0


@compiled
def total_of(states, a, i):
    """Sum over states, which stand `SIDE` apart from i on."""
    apart()
    out = 0.0
    for k in range(states):
        out += a[i + k * SIDE]
    return out


@compiled
def begin(states, a, q, known):
    """The sums of sixteen forward vectors, which become 1; nothing is known of their scale."""
    apart()
    for lane in range(SIDE):
        total = total_of(states, a, lane)
        for k in range(states):
            a[k * SIDE + lane] /= total if total > 0 else 1.0
    for lane in range(SIDE):
        known[EXPO + lane], known[TOPS + lane], known[LEAST + lane] = 0.0, 0.0, 1.0
        known[TOTAL + lane], known[SCALE + lane] = 0.0, np.nan
        q[lane], q[SIDE + lane] = 1.0, 1.0


@compiled
def ended(states, lane, s, a, q, known, keep, weight):
    """What is known of the scale of a chain that ends with step s - 1: its share of the log-likelihood."""
    apart()
    if keep == NOTHING or (keep == LIKELIHOOD and weight == 0):
        return 0.0
    total = total_of(states, a, s * states * SIDE + lane) * q[(s + 1) * SIDE + lane]
    value = math.log(total) + LN2 * known[EXPO + lane] + known[TOPS + lane] if total > 0 else -np.inf
    if math.isnan(known[SCALE + lane]):
        known[SCALE + lane] = value
    return weight * value


@compiled
def march(states, n, matrix, reset, words, w, way, shift, e, m, a, q, known, keep, weights, rows, origin, length):
    """n steps forward of sixteen chains; the log-likelihood of those that end on the way.

    Step s finds E in slot s + 1 of e and its logarithm in slot s of m, and leaves its vector in slot s + 1 of a and its
    power of two in slot s + 2 of q. Before it, `word` w + way * s of `words` says which begin anew, from `reset`.
    """
    apart()
    size, out, s = states * SIDE, 0.0, n - n
    least = np.empty(SIDE)
    while s < n:
        anew, r = word(words, w + way * s, shift), s + 1
        while anew == 0 and r < n and word(words, w + way * r, shift) == 0:
            r += 1
        for lane in range(SIDE):
            least[lane] = known[LEAST + lane]
            if anew >> lane & 1:
                weight = weight_of(weights, rows, origin + lane * length + s - 1) if keep == LIKELIHOOD else 1.0
                out += ended(states, lane, s, a, q, known, keep, weight)
                known[TOPS + lane] = 0.0
        run_ahead(states, r - s, matrix, e, m, a, q, known, s)
        for lane in range(SIDE):
            if anew >> lane & 1:
                i = (s + 1) * size + lane
                for k in range(states):
                    a[i + k * SIDE] = reset[k] * e[i + k * SIDE]
                total = total_of(states, a, i)
                _, exponent = math.frexp(total)
                known[EXPO + lane], known[LEAST + lane] = exponent - 1, min(least[lane], total)
                q[(s + 2) * SIDE + lane] = math.ldexp(1.0, 1 - exponent)
        s = r
    return out
