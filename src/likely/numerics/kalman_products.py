"""Products of small matrices that lie in flat arrays, compiled.

Places are made unsigned first: of a signed one Numba asks at every number whether it counts from the end, and that
costs more than the product.
"""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled


@compiled
def product(alpha, a, a_at, down, across, b, b_at, wide, out, at, rows, inner, columns, keep):
    """alpha a b, added to what is there if `keep`: out (rows, columns), row after row, eight numbers in registers.

    a[i, n] lies at a_at + i down + n across, and b[n, j] at b_at + n wide + j; `inner` is not 0.
    """
    a_at, down, across, b_at, wide = np.uintp(a_at), np.uintp(down), np.uintp(across), np.uintp(b_at), np.uintp(wide)
    at, rows, inner, columns = np.uintp(at), np.uintp(rows), np.uintp(inner), np.uintp(columns)
    u1, u2, u3, u4 = np.uintp(1), np.uintp(2), np.uintp(3), np.uintp(4)
    u5, u6, u7, u8 = np.uintp(5), np.uintp(6), np.uintp(7), np.uintp(8)
    for i in range(rows):
        o, first, rest = at + i * columns, b_at, columns
        while rest >= u8:
            k, start = first, a_at + i * down
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
            for _ in range(inner):
                x = alpha * a[start]
                s0 += x * b[k]
                s1 += x * b[k + u1]
                s2 += x * b[k + u2]
                s3 += x * b[k + u3]
                s4 += x * b[k + u4]
                s5 += x * b[k + u5]
                s6 += x * b[k + u6]
                s7 += x * b[k + u7]
                start += across
                k += wide
            if keep:
                s0 += out[o]
                s1 += out[o + u1]
                s2 += out[o + u2]
                s3 += out[o + u3]
                s4 += out[o + u4]
                s5 += out[o + u5]
                s6 += out[o + u6]
                s7 += out[o + u7]
            out[o] = s0
            out[o + u1] = s1
            out[o + u2] = s2
            out[o + u3] = s3
            out[o + u4] = s4
            out[o + u5] = s5
            out[o + u6] = s6
            out[o + u7] = s7
            o += u8
            first += u8
            rest -= u8
        if rest > np.uintp(0):
            k, start, left = first, a_at + i * down, inner
            if not keep:
                x = alpha * a[start]
                for j in range(rest):
                    out[o + j] = x * b[k + j]
                start += across
                k += wide
                left -= u1
            for _ in range(left):
                x = alpha * a[start]
                for j in range(rest):
                    out[o + j] += x * b[k + j]
                start += across
                k += wide


@compiled
def against(alpha, a, a_at, x, x_at, out, at, rows, inner):
    """Add alpha a x to out (rows,), where a is (rows, inner)."""
    k, x_at, at, rows, inner = np.uintp(a_at), np.uintp(x_at), np.uintp(at), np.uintp(rows), np.uintp(inner)
    for i in range(rows):
        total = 0.0
        for n in range(inner):
            total += a[k + n] * x[x_at + n]
        out[at + i] += alpha * total
        k += inner


@compiled
def add(weight, x, x_at, out, at, count):
    """Add some numbers, each so often."""
    x_at, at, count = np.uintp(x_at), np.uintp(at), np.uintp(count)
    for i in range(count):
        out[at + i] += weight * x[x_at + i]


@compiled
def put(x, x_at, out, at, count):
    """Copy some numbers."""
    x_at, at, count = np.uintp(x_at), np.uintp(at), np.uintp(count)
    for i in range(count):
        out[at + i] = x[x_at + i]
