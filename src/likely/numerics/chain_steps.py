"""The innermost kernels of a pass over hidden Markov chains: steps of the recursions, sixteen chains side by side.

Arrays are laid out `[step][state][16]`: whatever happens to one chain happens to sixteen at once. Nothing is divided:
after every step the forward vector is multiplied by a power of two `q`, which loses nothing (see `chain_pass`). Up to
`FEW` states stay in registers through many steps; of more, blocks of states do for one step.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from likely.numerics.vector import INT, LANES, VECTOR, WHOLE, Lanes, kernel, number

ABREAST = 2  # vectors
SIDE = ABREAST * LANES  # chains side by side
FEW = 4
EXPONENT, UNITS = 0x7FF << 52, 2.0**52  # where the exponent of a number stands; below it all bits are units
EXPO, TOPS, LEAST, TOTAL = 0, SIDE, 2 * SIDE, 3 * SIDE  # what is known of each chain's scale, one after another


def _bits(i: int) -> ir.Constant:
    return ir.Constant(WHOLE, [ir.Constant(INT, i)] * LANES)


def _power(v: Lanes, total: Any) -> tuple[Any, Any]:
    """2^-e and e for numbers from 2^e up to 2^(e + 1)."""
    builder = v.builder
    bits = builder.and_(builder.bitcast(total, WHOLE), _bits(EXPONENT))
    power = builder.bitcast(builder.sub(_bits(2046 << 52), bits), VECTOR)
    units = builder.or_(builder.lshr(bits, _bits(52)), _bits(0x433 << 52))
    return power, v.sub(builder.bitcast(units, VECTOR), number(UNITS + 1023))


def _pairs(v: Lanes, pointer: Any, count: int) -> list[list[Any]]:
    """The numbers of so many states, each in as many vectors as go abreast."""
    return [[v.load(v.at(pointer, k * SIDE + i * LANES)) for i in range(ABREAST)] for k in range(count)]


def _keep(v: Lanes, rows: list[list[Any]], pointer: Any) -> None:
    for k, row in enumerate(rows):
        v.store_all(row, [v.at(pointer, k * SIDE + i * LANES) for i in range(ABREAST)])


def _apply(v: Lanes, matrix: list[list[Any]], x: list[list[Any]]) -> list[list[Any]]:
    """Sum over j of matrix[j][r] x[j] for every r."""
    out = []
    for r in range(len(x)):
        sums = [v.mul(matrix[0][r], own) for own in x[0]]
        for j in range(1, len(x)):
            sums = [v.fma(matrix[j][r], own, total) for own, total in zip(x[j], sums, strict=True)]
        out.append(sums)
    return out


def _scaled(v: Lanes, rows: list[list[Any]], powers: list[Any]) -> list[list[Any]]:
    return [[v.mul(own, power) for own, power in zip(row, powers, strict=True)] for row in rows]


def _times(v: Lanes, a: list[list[Any]], b: list[list[Any]]) -> list[list[Any]]:
    return [[v.mul(x, y) for x, y in zip(one, other, strict=True)] for one, other in zip(a, b, strict=True)]


def _forward(states: int) -> Any:
    """Some steps a_t = (a_{t-1} A) E_t q_{t-1} of a few states; q and what is known of the scale are kept up.

    E, m (the logarithms taken out of E), a and q stand at those of the first step; a and q before them belong to the
    step before.
    """

    def emit(v: Lanes, n: Any, matrix: Any, e: Any, i: Any, m: Any, j: Any, a: Any, k: Any, q: Any, o: Any, known: Any):
        e, m, a, q = v.at(e, i), v.at(m, j), v.at(a, k), v.at(q, o)
        factors = [[v.spread(v.at(matrix, r * states + c)) for c in range(states)] for r in range(states)]
        names = EXPO, TOPS, LEAST
        before = _pairs(v, v.at(a, -states * SIDE), states)
        powers = _pairs(v, v.at(q, -SIDE), 1)
        scale = [_pairs(v, v.at(known, name), 1)[0] for name in names]

        def step(t: Any, carried: list[Any]) -> list[Any]:
            rows = [carried[x : x + ABREAST] for x in range(0, len(carried), ABREAST)]
            before, (power, expo, tops, least) = rows[:states], rows[states:]
            here = v.times(t, states * SIDE)
            now = _times(v, _apply(v, factors, before), _scaled(v, _pairs(v, v.at(e, here), states), power))
            _keep(v, now, v.at(a, here))
            totals = now[0]
            for row in now[1:]:
                totals = [v.add(total, own) for total, own in zip(totals, row, strict=True)]
            found = [_power(v, total) for total in totals]
            power = [one[0] for one in found]
            _keep(v, [power], v.at(q, v.times(t, SIDE)))
            own = _pairs(v, v.at(m, v.times(t, SIDE)), 1)[0]
            expo = [v.add(x, one[1]) for x, one in zip(expo, found, strict=True)]
            tops = [v.add(x, top) for x, top in zip(tops, own, strict=True)]
            least = [v.where(v.below(z, x), z, x) for x, z in zip(least, totals, strict=True)]
            return [x for row in (*now, power, expo, tops, least) for x in row]

        done = v.loop(n, [x for row in (*before, *powers, *scale) for x in row], step)
        rows = [done[x : x + ABREAST] for x in range(0, len(done), ABREAST)][states + 1 :]
        for name, row in zip(names, rows, strict=True):
            _keep(v, [row], v.at(known, name))

    return kernel("iaaiaiaiaia", emit)


forward_1, forward_2, forward_3, forward_4 = (_forward(states) for states in (1, 2, 3, 4))


def _backward(states: int) -> Any:
    """Some steps b_{t-1} = A u_t, u_{t-1} = b_{t-1} E_{t-1} q_{t-2} of a few states, and sums of a_{t-1} u_t.

    The matrix is A transposed.
    u takes the place of E and stands at the first step done, the last in time; a, q and b at what belongs to it.
    """

    def emit(v: Lanes, n: Any, matrix: Any, e: Any, i: Any, a: Any, j: Any, q: Any, k: Any, b: Any, o: Any, x: Any):
        e, a, q, b = v.at(e, i), v.at(a, j), v.at(q, k), v.at(b, o)
        factors = [[v.spread(v.at(matrix, r * states + c)) for c in range(states)] for r in range(states)]
        places = [(r, c) for r in range(states) for c in range(states)]

        def step(t: Any, carried: list[Any]) -> list[Any]:
            u = [carried[y : y + ABREAST] for y in range(0, states * ABREAST, ABREAST)]
            sums = carried[states * ABREAST :]
            back = v.times(t, -states * SIDE)
            before = _pairs(v, v.at(a, back), states)
            for side in range(ABREAST):
                sums = [v.fma(before[r][side], u[c][side], s) for (r, c), s in zip(places, sums, strict=True)]
            now = _apply(v, factors, u)
            _keep(v, now, v.at(b, back))
            power = _pairs(v, v.at(q, v.times(t, -SIDE)), 1)[0]
            u = _times(v, now, _scaled(v, _pairs(v, v.at(e, back, -states * SIDE), states), power))
            return [*(y for row in u for y in row), *sums]

        u = _pairs(v, e, states)
        done = v.loop(n, [*(y for row in u for y in row), *[number(0.0)] * states**2], step)
        rows = [done[y : y + ABREAST] for y in range(0, states * ABREAST, ABREAST)]
        _keep(v, rows, v.at(e, v.times(n, -states * SIDE)))
        for p, total in enumerate(done[states * ABREAST :]):
            v.store(v.add(v.load(v.at(x, p * LANES)), total), v.at(x, p * LANES))

    return kernel("iaaiaiaiaia", emit)


backward_1, backward_2, backward_3, backward_4 = (_backward(states) for states in (1, 2, 3, 4))


def _block(states: int, *, ahead: bool) -> Any:
    """y = sum over j of matrix[j] x[j] for a block of states of one step; y E q into `out`.

    The matrix stands as `[j][states]`. `ahead`: y E q is added to the `other`, where sums over states grow; otherwise
    y itself is kept there.
    """

    def emit(
        v: Lanes, matrix: Any, i: Any, size: Any, x: Any, j: Any, e: Any, k: Any, q: Any, m: Any, out: Any, o: Any,
        other: Any, p: Any
    ) -> None:  # fmt: skip
        matrix, x, e, q, out, other = v.at(matrix, i), v.at(x, j), v.at(e, k), v.at(q, m), v.at(out, o), v.at(other, p)

        def column(c: Any, sums: list[Any]) -> list[Any]:
            points = _pairs(v, v.at(x, v.times(c, SIDE)), 1)[0]
            for r in range(states):
                factor = v.spread(v.at(matrix, v.times(c, states), r))
                for side in range(ABREAST):
                    place = r * ABREAST + side
                    sums[place] = v.fma(factor, points[side], sums[place])
            return sums

        sums = v.loop(size, [number(0.0)] * (states * ABREAST), column)
        y = [sums[r : r + ABREAST] for r in range(0, states * ABREAST, ABREAST)]
        scaled = _times(v, y, _scaled(v, _pairs(v, e, states), _pairs(v, q, 1)[0]))
        _keep(v, scaled, out)
        if ahead:
            totals = _pairs(v, other, 1)[0]
            for row in scaled:
                totals = [v.add(total, own) for total, own in zip(totals, row, strict=True)]
            _keep(v, [totals], other)
        else:
            _keep(v, y, other)

    return kernel("aiiaiaiaiaiai", emit)


ahead_5, ahead_6, ahead_7, ahead_8, ahead_9, ahead_10 = (_block(states, ahead=True) for states in range(5, 11))
back_5, back_6, back_7, back_8, back_9, back_10 = (_block(states, ahead=False) for states in range(5, 11))


def _finish(v: Lanes, known: Any, q: Any, i: Any, m: Any, j: Any) -> None:
    """What `_forward` does after a step, of many states: their sum stands in what is known, and is 0 again after."""
    totals = _pairs(v, v.at(known, TOTAL), 1)[0]
    found = [_power(v, total) for total in totals]
    _keep(v, [[one[0] for one in found]], v.at(q, i))
    expo, tops, least = (_pairs(v, v.at(known, name), 1)[0] for name in (EXPO, TOPS, LEAST))
    own = _pairs(v, v.at(m, j), 1)[0]
    _keep(v, [[v.add(x, one[1]) for x, one in zip(expo, found, strict=True)]], v.at(known, EXPO))
    _keep(v, [[v.add(x, top) for x, top in zip(tops, own, strict=True)]], v.at(known, TOPS))
    _keep(v, [[v.where(v.below(z, x), z, x) for x, z in zip(least, totals, strict=True)]], v.at(known, LEAST))
    _keep(v, [[number(0.0)] * ABREAST], v.at(known, TOTAL))


finish = kernel("aaiai", _finish)


def _pairs_of_states(rows: int, columns: int) -> Any:
    """x[r][c] += sum of a_{t-1}[r] u_t[c] over n steps and the lanes of a vector, for a block of pairs of states.

    a and u stand at the block's first states; x has rows of `size` vectors, as many as there are states. One vector of
    those abreast at a time: the compiler would load what belongs to both early, and sums would not stay in registers.
    """
    places = [(r, c) for r in range(rows) for c in range(columns)]

    def emit(v: Lanes, n: Any, size: Any, a: Any, i: Any, u: Any, j: Any, x: Any, o: Any) -> None:
        a, u, x = v.at(a, i), v.at(u, j), v.at(x, o)
        sums = [number(0.0)] * len(places)
        for side in range(ABREAST):

            def step(t: Any, sums: list[Any], side: int = side) -> list[Any]:
                here = v.times(v.times(t, size), SIDE)
                left = [v.load(v.at(a, here, r * SIDE + side * LANES)) for r in range(rows)]
                right = [v.load(v.at(u, here, c * SIDE + side * LANES)) for c in range(columns)]
                return [v.fma(left[r], right[c], total) for (r, c), total in zip(places, sums, strict=True)]

            sums = v.loop(n, sums, step)
        for (r, c), total in zip(places, sums, strict=True):
            place = v.at(x, v.times(v.times(size, r), LANES), c * LANES)
            v.store(v.add(v.load(place), total), place)

    return kernel("iiaiaiai", emit)


pairs_3_3, pairs_3_4, pairs_3_5 = (_pairs_of_states(3, columns) for columns in (3, 4, 5))
pairs_4_3, pairs_4_4, pairs_4_5 = (_pairs_of_states(4, columns) for columns in (3, 4, 5))
pairs_5_3, pairs_5_4, pairs_5_5 = (_pairs_of_states(5, columns) for columns in (3, 4, 5))
