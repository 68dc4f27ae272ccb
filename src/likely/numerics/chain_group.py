"""What is done with sixteen segments of a stream of hidden Markov chains, side by side: a pass, and what leads to it.

A segment that begins inside a sequence needs the forward vector before its first row, and the backward vector at its
last. They are reached by running up to it through its neighbours, or are exact: products of all matrices in
a segment (`transfer`), strung together (`strung`).
"""

from __future__ import annotations

import math

import numpy as np

from likely.numerics.chain_emissions import LEVEL, densities, weigh
from likely.numerics.chain_pass import (
    LIKELIHOOD,
    SCALE,
    SCALES,
    begin,
    ended,
    march,
    run_back,
    total_of,
    weight_of,
    word,
)
from likely.numerics.chain_steps import (
    FEW,
    LEAST,
    SIDE,
    pairs_3_3,
    pairs_3_4,
    pairs_3_5,
    pairs_4_3,
    pairs_4_4,
    pairs_4_5,
    pairs_5_3,
    pairs_5_4,
    pairs_5_5,
)
from likely.numerics.compiled import compiled
from likely.numerics.vector import LANES, apart

NEGLIGIBLE = 1e-280
TINY = 2.0**-400  # a row whose density, given those before it, is less: what underflowed may matter


@compiled
def shares(states, a, i, out):
    """Vectors from i on as rows (16, states) that sum to 1."""
    apart()
    for lane in range(SIDE):
        total = total_of(states, a, i + lane)
        for k in range(states):
            out[lane, k] = a[i + k * SIDE + lane] / total if total != 0 else 0.0


@compiled(inline=True)
def ahead(emission, stream, warm, initial, matrices, room, before, after, left):
    """Forward through all rows of sixteen segments: their log-likelihood; NaN where what underflowed may matter.

    `before` and `after` (16, k) are forward vectors before the first rows, backward ones at the last. They are given
    or filled here by `warm` steps through the neighbours; `left` are the forward vectors at the last rows. Backward is
    forward with rows in reverse and the transposed matrix, beginning with ones; a last step has no row.
    """
    kind, values, codes, columns, coefficients = emission
    words, weights, rows, length, origin, _ = stream
    e, m, a, q, b, known, places = room
    states = len(initial)
    size, out, keep = states * SIDE, 0.0, 0 * states
    inner = e[size:]
    b[:size] = 1.0
    for turn in range(0 if warm else 2, 3):  # back and ahead through neighbours, ahead through own rows
        full, back = turn == 2, turn == 0
        way, shift = -1 if back else 1, 1 if full else 2 if back else 0
        n = length if full else warm
        first = 0 if full else warm - 1 if back else length - warm
        w, keep = warm if back else first, LIKELIHOOD if full else 0 * states
        steps, matrix, reset = (n + 1, matrices[1], b) if back else (n, matrices[0], initial)
        densities(
            kind, values, codes, origin, length, shift, columns, coefficients, states, first, way, n, inner, m, places
        )
        e[(n + 1) * size : (n + 2) * size] = 1.0
        for lane in range(SIDE):
            for k in range(states):
                a[k * SIDE + lane] = before[lane, k] if full else 1.0
        begin(states, a, q, known)
        out = march(
            states, steps, matrix, reset, words, w, way, shift, e, m, a, q, known, keep, weights, rows, origin, length
        )
        shares(states, a, steps * size, left if full else after if back else before)
    e[:size] = 0.0
    least = 1.0
    for lane in range(SIDE):  # of the way through all rows, the last
        weight = weight_of(weights, rows, origin + (lane + 1) * length - 1)
        out += ended(states, lane, length, a, q, known, keep, weight)
        least = min(least, known[LEAST + lane])
    return out if least >= TINY else np.nan


@compiled(inline=True)
def transfer(emission, stream, initial, matrices, room, ends, scales):
    """Where sixteen segments lead from every state: vectors (16, k, k) that sum to 1.

    `scales` (16, k, 2) is the logarithm of what they summed to, up to where a sequence ends first; and if one does.
    """
    kind, values, codes, columns, coefficients = emission
    words, _, _, length, origin, _ = stream
    e, m, a, q, _, known, places = room
    states, none, one = len(initial), np.empty(0), np.int64(1)
    size, t, keep = states * SIDE, 0 * one, SCALES * one
    inner = e[size:]
    densities(kind, values, codes, origin, length, one, columns, coefficients, states, t, one, length, inner, m, places)
    for k in range(states):
        a[:size] = 0.0
        a[k * SIDE : (k + 1) * SIDE] = 1.0
        begin(states, a, q, known)
        march(
            states, length, matrices[0], initial, words, t, one, one, e, m, a, q, known, keep, none, t, origin, length
        )
        shares(states, a, length * size, ends[:, k])
        for lane in range(SIDE):
            scales[lane, k, 1] = 0.0 if math.isnan(known[SCALE + lane]) else 1.0
            ended(states, lane, length, a, q, known, keep, 1.0)
            scales[lane, k, 0] = known[SCALE + lane]


@compiled
def strung(ends, scales, before, after):
    """Exact forward vectors before the first rows of all segments, backward ones at the last; how much is remembered.

    That is the largest relative difference that the state before a segment makes to the vector after it.
    """
    segments, states, _ = ends.shape
    before[0], after[segments - 1] = 1 / states, 1 / states
    kept = 0.0
    for s in range(segments - 1):
        top = -np.inf
        for k in range(states):
            top = max(top, scales[s, k, 0] if before[s, k] > 0 else -np.inf)
        for j in range(states):
            before[s + 1, j], low, high = 0.0, np.inf, -np.inf
            for k in range(states):
                low, high = min(low, ends[s, k, j]), max(high, ends[s, k, j])
                if before[s, k] > 0 and scales[s, k, 0] > -np.inf:
                    before[s + 1, j] += before[s, k] * math.exp(scales[s, k, 0] - top) * ends[s, k, j]
            kept = max(kept, (high - low) / high if high > 0 else 0.0)
        share(before[s + 1])
    for s in range(segments - 1, 0, -1):
        top = -np.inf
        for k in range(states):
            top = max(top, scales[s, k, 0])
        for k in range(states):
            reach = 0.0
            for j in range(states):
                reach += ends[s, k, j] * after[s, j]
            reach = 1.0 if scales[s, k, 1] else reach
            after[s - 1, k] = math.exp(scales[s, k, 0] - top) * reach if top > -np.inf else 1.0
        share(after[s - 1])
    return kept


@compiled
def share(vector):
    """Makes it sum to one."""
    total = 0.0
    for x in vector:
        total += x
    for k in range(len(vector)):
        vector[k] /= total


@compiled
def misfit(meets, before, left, after, gave):
    """Largest relative difference between what segments reached by a run-up and what their neighbours found, or NaN."""
    out = 0.0
    for s in range(1, len(meets)):
        if meets[s]:
            out = differing(gave[s], after[s - 1], differing(left[s - 1], before[s], out))
    return out


@compiled
def differing(found, own, least):
    """Largest relative difference of two vectors, or `least`; backward ones are zero where sequences weigh nothing."""
    out, some = least, False
    for k in range(len(found)):
        off = abs(own[k] - found[k]) / (abs(found[k]) + NEGLIGIBLE)
        out = off if off > out or math.isnan(off) else out
        some = some or found[k] != 0
    return out if some else least


@compiled
def pairs(states, n, a, i, u, j, x):
    """Sums of a_{t-1} u_t' over n steps."""
    apart()
    r = 0
    while r < states:
        rows, c = thirds(states - r), 0
        while c < states:
            columns = thirds(states - c)
            left, right, to = i + r * SIDE, j + c * SIDE, (r * states + c) * LANES
            which = rows * 10 + columns
            if which == 55:
                pairs_5_5(n, states, a, left, u, right, x, to)
            elif which == 54:
                pairs_5_4(n, states, a, left, u, right, x, to)
            elif which == 53:
                pairs_5_3(n, states, a, left, u, right, x, to)
            elif which == 45:
                pairs_4_5(n, states, a, left, u, right, x, to)
            elif which == 44:
                pairs_4_4(n, states, a, left, u, right, x, to)
            elif which == 43:
                pairs_4_3(n, states, a, left, u, right, x, to)
            elif which == 35:
                pairs_3_5(n, states, a, left, u, right, x, to)
            elif which == 34:
                pairs_3_4(n, states, a, left, u, right, x, to)
            else:
                pairs_3_3(n, states, a, left, u, right, x, to)
            c += columns
        r += rows


@compiled
def thirds(left):
    """States of the next block of pairs, of which so many are left: from 3 to 5."""
    return -(-left // -(-left // 5))


@compiled
def last_rows(states, lanes, a, i, b, j, weights, rows, row, length):
    """b at the last rows of sequences makes posteriors sum to weight times `LEVEL`; `row` is that of the first lane.

    What is in b is kept up to a factor; `lanes` says which chains are meant.
    """
    apart()
    for lane in range(SIDE):
        if lanes >> lane & 1:
            overlap = 0.0
            for k in range(states):
                overlap += a[i + k * SIDE + lane] * b[j + k * SIDE + lane]
            weight = weight_of(weights, rows, row + lane * length)
            factor = weight * LEVEL / overlap if weight > 0 else 0.0
            for k in range(states):
                b[j + k * SIDE + lane] *= factor


@compiled(inline=True)
def behind(emission, stream, matrices, room, after, start, x, sums, gave):
    """Backward through all rows of sixteen segments: posteriors of first rows, pairs and what is told of emissions.

    It follows `ahead`; `gave` are the backward vectors before the first rows. Of a tile of `most` rows all b are kept.
    """
    kind, values, codes, columns, _ = emission
    words, weights, rows, length, origin, most = stream
    e, _, a, q, b, _, places = room
    states, one = after.shape[1], np.int64(1)
    size = states * SIDE
    t, every = length - 1, 0xFFFF * one
    top = min(most, length) * size
    for lane in range(SIDE):
        for k in range(states):
            b[top + k * SIDE + lane] = after[lane, k]
    last_rows(states, every, a, length * size, b, top, weights, rows, origin + t, length)
    for k in range(states):
        for lane in range(SIDE):
            e[length * size + k * SIDE + lane] *= b[top + k * SIDE + lane] * q[length * SIDE + lane]
    kept = np.empty(size)
    while t >= 0:
        first = max(0, t + 1 - most)
        n, s = t + 1 - first, t
        while s >= first:
            anew, r = word(words, s, one), s - 1
            while anew == 0 and r >= first and word(words, r, one) == 0:
                r -= 1
            own, here, to = (s + 1) * size, s * size, (s - first) * size
            for i in range(size if anew else 0):
                kept[i] = e[here + i]
                if anew >> i % SIDE & 1:
                    start[i // SIDE] += a[own + i] * b[to + size + i] / LEVEL
                    e[own + i] = 0.0
            run_back(states, s - r, matrices[1], e, a, q, b, to, s, x)
            if anew and s > 0:
                for i in range(size):
                    b[to + i] = 1.0 if anew >> i % SIDE & 1 else b[to + i]
                last_rows(states, anew, a, here, b, to, weights, rows, origin + s - 1, length)
                for i in range(size):
                    if anew >> i % SIDE & 1:
                        e[here + i] = kept[i] * b[to + i] * q[s * SIDE + i % SIDE]
            s = r
        if states > FEW:
            pairs(states, n, a, first * size, e, (first + 1) * size, x)
        weigh(
            kind, values, codes, origin, length, columns, states, first, n, a, (first + 1) * size, b, size, sums, places
        )
        t = first - 1
        if t >= 0:
            top = min(most, t + 1) * size
            for i in range(size):
                b[top + i] = b[i]
    shares(states, b, 0 * size, gave)


@compiled
def passes(emission, stream, warm, initial, matrices, inside, groups, met, likelihoods, starts, x, sums):
    """`ahead` and `behind` of a run of groups, each with its own lines of the results.

    Of `values`, `codes` and `sums` there may be one line for all groups; `inside` is room to work in.
    """
    kind, values, codes, columns, coefficients = emission
    words, weights, rows, length, tile = stream
    first, last = groups
    before, left, after, gave = met
    for g in range(first, last):
        own = slice(g * SIDE, (g + 1) * SIDE)
        parts = kind, values[min(g, len(values) - 1)], codes[min(g, len(codes) - 1)], columns, coefficients
        part = words[g], weights, rows, length, g * SIDE * length, tile
        told = sums[min(g, len(sums) - 1)]
        likelihoods[g] = ahead(parts, part, warm, initial, matrices, inside, before[own], after[own], left[own])
        behind(parts, part, matrices, inside, after[own], starts[g], x[g], told, gave[own])


@compiled
def transfers(emission, stream, initial, matrices, inside, groups, ends, scales):
    """`transfer` of a run of groups."""
    kind, values, codes, columns, coefficients = emission
    words, weights, rows, length, tile = stream
    for g in range(groups[0], groups[1]):
        own = slice(g * SIDE, (g + 1) * SIDE)
        parts = kind, values[min(g, len(values) - 1)], codes[min(g, len(codes) - 1)], columns, coefficients
        part = words[g], weights, rows, length, g * SIDE * length, tile
        transfer(parts, part, initial, matrices, inside, ends[own], scales[own])
