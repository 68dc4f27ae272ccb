"""How small the noise of an equation may become: held above nothing where states are hidden, else refused."""

from __future__ import annotations

import numpy as np

from likely.core.slot import Slot
from likely.errors import Degenerate
from likely.families.gaussian import check_collapse
from likely.families.moments import Moments, outer, positive_definite
from likely.numerics.soft import Array
from likely.structures.noise import Noise

SMALLEST = 1e-3  # of `least`, of what lay below it already: less is all rounding
FADED = 0.5  # rows: an M-step takes one row's share from a variance for each that is met exactly
RESOLVED = 1e-14  # of a response's variance: a fall of its noise by less may be rounding


class Floored:
    """The noise of an equation of r responses on z regressors, k members, and the least that it may be."""

    noise: Slot
    least: float
    k: int
    r: int
    z: int

    def _allowed(self, stats: Moments, value: Array, now: Array) -> Array:
        """The noise, held above nothing where regressors are hidden: there its maximum may lie at 0, which is no error.

        No covariance below `least` (of the response's own variances) belongs to the model; eigenvalues on the scale of
        these variances are raised to it, which is the maximum under that condition. What lies below it already (a climb
        led there) stays allowed: to raise that would lower the likelihood.
        """
        if self.least == 0:
            self._check(stats, value)
            return value
        domain, slot = self.noise.domain, self.noise
        assert isinstance(domain, Noise)
        i, seen = domain.free_rows(self.r), stats.weight > 0
        size = self._sizes(stats)
        if not (size[seen] > 0).all():
            self._check(stats, value)  # a response that never varies
            return value
        sd = np.sqrt(np.where(seen[:, None], size, 1.0))
        part = value[:, i[:, None], i] / outer(sd)
        part[~seen] = np.eye(len(i))
        if positive_definite(part - 0.5 * self.least * np.eye(len(i))).all():
            return value
        share = np.linalg.eigvalsh(part)[:, :1]
        before = np.linalg.eigvalsh(now[:, i[:, None], i] / outer(sd))[:, :1]
        self._refuse_vanishing(share, before, slot.pool(stats.dof)[:, None])
        raised = self._raised(value, sd, np.clip(before, SMALLEST * self.least, self.least))
        return np.where(seen[:, None, None], raised, value)

    def floored(self, stats: Moments, noise: Array) -> Array:
        """The noise with no part below `least`, in whatever way it came about."""
        size = self._sizes(stats)
        if self.least == 0 or self.noise.fixed or not (size > 0).all():
            return noise
        return self._raised(noise, np.sqrt(size), np.full((len(noise), 1), self.least))

    def _sizes(self, stats: Moments) -> Array:
        """(k, free rows): variances of the response, of which the noise is a part."""
        assert isinstance(self.noise.domain, Noise)
        i = self.noise.domain.free_rows(self.r)
        total = self.noise.pool(np.einsum("krr->kr", stats.scatter[:, self.z :, self.z :])[:, i])
        return total / self.noise.pool(stats.weight)[:, None]

    def _raised(self, value: Array, sd: Array, least: Array) -> Array:
        """With eigenvalues of `least` at least, in units of these standard deviations."""
        domain = self.noise.domain
        assert isinstance(domain, Noise)
        i, out = domain.free_rows(self.r), value.copy()
        share, axes = np.linalg.eigh(value[:, i[:, None], i] / outer(sd))
        if (share >= least).all():
            return value
        out[:, i[:, None], i] = (axes * np.maximum(share, least)[:, None]) @ np.swapaxes(axes, 1, 2) * outer(sd)
        return domain.restrict(out)

    def _refuse_vanishing(self, share: Array, before: Array, dof: Array) -> None:
        """Raise Degenerate where a variance at the bound goes on to fall at a rate that does not fade: (k, ...) arrays.

        Towards a maximum at 0 the likelihood levels off, and an M-step leaves what is next to nothing as it is. Where
        a row is met exactly it grows by 1/2 whenever the variance falls by a factor e, without end.
        """
        falls = 1 - share / np.where(before > 0, before, np.inf)
        gone = (before < 2 * self.least) & (falls * dof > FADED) & (falls * before > RESOLVED)
        if gone.any():
            members = np.flatnonzero(gone.reshape(self.k, -1).any(1)).tolist() if self.k > 1 else []
            raise Degenerate(f"its {self.noise.name} fell to zero", members=members, cure=cure_of(self.noise))

    def _check(self, stats: Moments, value: Array) -> None:
        """Refuse a free part that has fallen to zero. A shape is known, so only its size can."""
        domain, z = self.noise.domain, self.z
        assert isinstance(domain, Noise)
        if not domain.structured:
            own = Moments(stats.weight, stats.dof, stats.mean[:, z:], stats.scatter[:, z:, z:])
            return check_collapse(own, self.noise, value, cure=cure_of(self.noise))
        i = domain.free_rows(self.r)[: 1 if domain.scale_of is not None else None]
        at = z + i
        own = Moments(stats.weight, stats.dof, stats.mean[:, at], stats.scatter[:, at[:, None], at])
        return check_collapse(own, self.noise, value[:, i[:, None], i], cure=cure_of(self.noise))


def cure_of(noise: Slot) -> str:
    """What to do about a noise that fell to zero."""
    return f"Give {noise.name} a value or a prior, or take fewer states."
