"""Models and data for the battery: every family, alone and nested, with slots free, known, tied and with priors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import likely as lk
from likely.core.written import shared
from likely.families.covariance import MODELS
from support import bound, bound_to_sequences

N = 60
RNG = np.random.default_rng(7)
HALF = np.repeat([0, 1], N // 2)

REAL = RNG.normal(4.0 * HALF, 1 + 0.5 * HALF)
PAIR = np.column_stack([REAL, 0.5 * REAL + RNG.normal(size=N)])
TRIPLE = np.column_stack([PAIR, np.random.default_rng(8).normal(size=N) * (1 + HALF) - PAIR[:, 1]])
COUNTS = RNG.poisson(1 + 5.0 * HALF).astype(float)
WIDE_COUNTS = RNG.negative_binomial(2, 0.2 + 0.3 * HALF).astype(float)
POSITIVE = RNG.gamma(2 + 4.0 * HALF, 1.5)
UNIT = RNG.beta(2 + 3.0 * HALF, 3)
BINARY = (RNG.random(N) < 0.3 + 0.5 * HALF).astype(float)
SIMPLEX = RNG.dirichlet([2, 3, 1.5], N)
COUNT_ROWS = RNG.multinomial(6, [0.2, 0.3, 0.5], N).astype(float)
GIVEN = RNG.normal(size=(N, 1))
LINE = np.where(HALF == 0, 1 + 2 * GIVEN[:, 0], -1 - GIVEN[:, 0]) + 0.3 * RNG.normal(size=N)
PLANE = np.column_stack([LINE, RNG.normal(size=N) - GIVEN[:, 0]])
DICE = RNG.integers(1, 4, N).astype(float)
INFLATED = COUNTS * (np.arange(N) % 3 > 0)
BITS = (RNG.random((N, 4)) < np.where(HALF == 0, 0.2, 0.8)[:, None]).astype(float)
MIXED = np.column_stack([REAL, COUNTS, BINARY])
HEAVY = 4.0 * HALF + (1 + HALF) * np.random.default_rng(9).standard_t(3, N)
ANGLES = np.random.default_rng(10).vonmises(2.5 * HALF, 2 + 3 * HALF)
LENGTHS = (17, 1, 9, 3, 20, 10)
I2 = [[1.0, 0.2], [0.2, 2.0]]
WATCHED = np.random.default_rng(9).gamma(4, 2, N)
SURVIVAL = np.column_stack([np.minimum(POSITIVE, WATCHED), np.where(POSITIVE <= WATCHED, POSITIVE, np.inf)])
SURVIVAL[:6] = np.column_stack([np.floor(POSITIVE), np.floor(POSITIVE) + 1])[:6]
SURVIVAL[6:9, 0] = [-np.inf, 0, -1]


@dataclass(frozen=True)
class Case:
    model: lk.Family
    x: np.ndarray
    given: np.ndarray | None = None
    exempt: frozenset = field(default_factory=frozenset)  # laws that say nothing about this model
    lengths: tuple[int, ...] = ()  # of sequences, where these are the items

    def __str__(self) -> str:
        return repr(self.model)

    def bound(self):
        """The model at its place in front of the data, and the data."""
        if self.lengths:
            return bound_to_sequences(self.model, self.x, self.lengths, given=self.given)
        return bound(self.model, self.x, given=self.given)


def case(model, x, given=None, without=()):
    return Case(model, x if x.ndim == 2 else x[:, None], given, frozenset(without))


def chain(model, x, given=None, without=(), lengths=LENGTHS):
    x = np.array(x, float).reshape(len(x), -1)
    return Case(model, x, given, frozenset(without), lengths)


def mix(component, size=2, **slots):
    return lk.Mixture(component, size, **slots)


LEAVES = [
    case(lk.Bernoulli(), BINARY),
    case(lk.Binomial(10), COUNTS.clip(0, 10)),
    case(lk.Categorical(), DICE),
    case(lk.Multinomial(), COUNT_ROWS),
    case(lk.Geometric(), COUNTS),
    case(lk.Poisson(), COUNTS),
    case(lk.NegativeBinomial(), WIDE_COUNTS),
    case(lk.Exponential(), POSITIVE),
    case(lk.Gamma(), POSITIVE),
    case(lk.InverseGamma(), POSITIVE),
    case(lk.Beta(), UNIT),
    case(lk.Dirichlet(), SIMPLEX),
    case(lk.Uniform(), REAL, without=["stationary"]),
    case(lk.Pareto(), POSITIVE, without=["stationary"]),
    case(lk.Weibull(), POSITIVE),
    case(lk.Gumbel(), REAL),
    case(lk.Normal(), REAL),
    case(lk.LogNormal(), POSITIVE),
    case(lk.Truncated(lk.Normal(), low=-6, high=12), REAL),
    case(lk.Censored(lk.Weibull()), SURVIVAL),
    case(lk.StudentT(), HEAVY),
    case(lk.Logistic(), HEAVY),
    case(lk.Laplace(), HEAVY, without=["stationary"]),  # its maximum is a kink
    case(lk.VonMises(), ANGLES),
    case(lk.MultivariateNormal(), PAIR),
    case(lk.MultivariateNormal("diagonal"), PAIR),
    case(lk.MultivariateNormal("spherical"), PAIR),
    case(lk.LinearGaussian(), LINE, GIVEN),
    case(lk.LinearGaussian(), PLANE, GIVEN),
    case(lk.PoissonRegression(), COUNTS, GIVEN),
    case(lk.ZeroInflated(lk.Poisson()), INFLATED),
    case(lk.Product(a=lk.Normal(), b=lk.Poisson(), c=lk.Bernoulli()), MIXED),
    case(lk.Independent(lk.Bernoulli()), BITS),
    case(lk.Independent(lk.Normal()), PAIR),
]

SLOTS = [
    case(mix(lk.Normal(variance=shared), 3), REAL),
    case(mix(lk.Normal(mean=shared)), REAL),
    case(mix(lk.Normal(mean=shared + [0, 4])), REAL),
    case(mix(lk.Normal(mean=[0, np.nan], variance=[1, 2])), REAL),
    case(mix(lk.Normal(variance=[1, np.nan]), weights=[0.5, 0.5]), REAL),
    case(mix(lk.Normal(mean=lk.Normal(0, 4))), REAL),
    case(mix(lk.Normal(mean=shared(lk.Normal(1, 0.1)))), REAL),
    case(mix(lk.Normal(variance=lk.InverseGamma(2, 3)), weights=lk.Dirichlet(2)), REAL),
    case(mix(lk.Normal(variance=shared(lk.InverseGamma(2, 3))), 3), REAL),
    case(mix(lk.Normal(variance=lk.unbiased)), REAL),
    case(mix(lk.LogNormal(log_variance=shared)), POSITIVE),
    case(mix(lk.StudentT(location=shared, dof=3)), HEAVY),
    case(mix(lk.StudentT(location=[0, np.nan], scale=shared, dof=shared)), HEAVY),
    case(mix(lk.StudentT(lk.Normal(0, 9), lk.InverseGamma(2, 2), shared(lk.Gamma(2, 0.5)))), HEAVY),
    case(mix(lk.Logistic(location=shared + [0, 4])), HEAVY),
    case(mix(lk.Logistic(location=shared(lk.Normal(1, 1)), scale=lk.Gamma(2, 1))), HEAVY),
    case(mix(lk.Laplace(scale=shared)), HEAVY, without=["stationary"]),
    case(mix(lk.Laplace(shared(lk.Normal(1, 1)), lk.InverseGamma(2, 2))), HEAVY, without=["stationary"]),
    case(mix(lk.VonMises(mean=shared + [0, 2.5])), ANGLES),
    case(mix(lk.VonMises(mean=lk.VonMises(0, 5), concentration=shared(lk.Gamma(2, 0.5)))), ANGLES),
    case(mix(lk.VonMises(concentration=[2, np.nan])), ANGLES),
    case(mix(lk.Independent(lk.StudentT(dof=4))), PAIR),
    case(mix(lk.MultivariateNormal(covariance=shared)), PAIR),
    case(mix(lk.MultivariateNormal("diagonal", covariance=shared)), PAIR),
    case(mix(lk.MultivariateNormal("spherical", covariance=shared)), PAIR),
    case(mix(lk.MultivariateNormal(mean=shared)), PAIR),
    case(mix(lk.MultivariateNormal(mean=[[0, np.nan], [4, 2]], covariance=shared)), PAIR),
    case(mix(lk.MultivariateNormal(covariance=I2)), PAIR),
    case(mix(lk.MultivariateNormal(covariance=lk.InverseWishart(5, I2))), PAIR),
    case(mix(lk.MultivariateNormal(covariance=shared(lk.InverseWishart(5, I2)))), PAIR),
    *(case(mix(lk.MultivariateNormal(model)), PAIR) for model in MODELS),
    case(mix(lk.MultivariateNormal("VVE"), 3), TRIPLE),
    case(mix(lk.MultivariateNormal("EVE", covariance=lk.InverseWishart(5, 1))), TRIPLE),
    case(mix(lk.MultivariateNormal("VEV", covariance=lk.InverseWishart(5, 1))), TRIPLE),
    case(mix(lk.MultivariateNormal("EEE", covariance=lk.InverseWishart(5, I2))), PAIR),
    case(mix(mix(lk.MultivariateNormal("VEE", covariance=lk.InverseWishart(5, 1)))), PAIR),
    case(mix(lk.LinearGaussian(coefficients=shared)), LINE, GIVEN),
    case(mix(lk.LinearGaussian(intercept=[[1.0], [-1.0]], covariance=shared)), LINE, GIVEN),
    case(mix(lk.LinearGaussian(coefficients=2)), LINE, GIVEN),
    case(mix(lk.LinearGaussian(covariance=shared)), PLANE, GIVEN),
    case(lk.LogisticRegression(), BINARY, GIVEN),  # in a mixture of so few rows a component comes to separate them
    case(lk.SoftmaxRegression(), DICE, GIVEN),
    case(mix(lk.LogisticRegression(coefficients=shared, intercept=[-1, 1])), BINARY, GIVEN),
    case(mix(lk.LogisticRegression(coefficients=lk.Normal(0, 2), intercept=shared)), BINARY, GIVEN),
    case(mix(lk.LogisticRegression(intercept=lk.Normal(0, 3))), BINARY, GIVEN),
    case(mix(lk.PoissonRegression(coefficients=shared + [[0], [1]])), COUNTS, GIVEN),
    case(mix(lk.PoissonRegression(coefficients=[[0.5], [np.nan]], intercept=shared(lk.Normal(0, 1)))), COUNTS, GIVEN),
    case(mix(lk.PoissonRegression(intercept=0)), COUNTS, GIVEN),
    case(mix(lk.SoftmaxRegression(coefficients=shared(lk.Normal(0, 2)))), DICE, GIVEN),
    case(mix(lk.SoftmaxRegression(intercept=[[0, np.nan], [np.nan, 0]])), DICE, GIVEN),
    case(mix(mix(lk.PoissonRegression(coefficients=shared))), COUNTS, GIVEN),
    case(lk.ZeroInflated(lk.Poisson(rate=lk.Gamma(2, 1)), zero=lk.Beta(2, 3)), INFLATED),
    case(lk.ZeroInflated(lk.NegativeBinomial()), INFLATED),
    case(lk.ZeroInflated(lk.Geometric(), zero=0.3), INFLATED),
    case(lk.ZeroInflated(lk.PoissonRegression()), INFLATED, GIVEN),
    case(lk.ZeroInflated(mix(lk.Poisson())), INFLATED),
    case(mix(lk.ZeroInflated(lk.Poisson(), zero=shared)), INFLATED),
    case(mix(lk.ZeroInflated(lk.Binomial(20, p=shared))), INFLATED),
    case(mix([lk.ZeroInflated(lk.Poisson()), lk.Geometric()], None), INFLATED),
    case(lk.Independent(lk.ZeroInflated(lk.Poisson())), COUNT_ROWS),
    case(mix(lk.LinearGaussian(coefficients=lk.Normal(0, 1), intercept=lk.Normal(0, 4))), LINE, GIVEN),
    case(mix(lk.LinearGaussian(coefficients=shared(lk.Normal(0, 1)))), LINE, GIVEN),
    case(mix(lk.Normal(mean=lk.PretendRows(2, 1), variance=lk.InverseGamma(2, 3))), REAL),
    case(mix(lk.MultivariateNormal(mean=lk.PretendRows(2, 1), covariance=lk.InverseWishart(5, I2))), PAIR),
    case(mix(lk.MultivariateNormal(mean=lk.MultivariateNormal(mean=0, covariance=I2))), PAIR),
    case(mix(lk.MultivariateNormal("diagonal", mean=lk.Normal([0, 1], 2))), PAIR),
    case(mix(lk.MultivariateNormal(mean=shared(lk.Normal(0, 1)))), PAIR),
    case(mix(lk.Gamma(shape=lk.Gamma(5, 2))), POSITIVE),
    case(mix(lk.Gamma(shape=shared(lk.LogNormal(0, 1)), rate=lk.Gamma(2, 1))), POSITIVE),
    case(mix(lk.NegativeBinomial(size=lk.Gamma(3, 1))), WIDE_COUNTS),
    case(mix(lk.Dirichlet(alpha=lk.Gamma(5, 2))), SIMPLEX),
    case(mix(lk.Poisson(rate=lk.Gamma(2, 1))), COUNTS),
    case(mix(lk.Poisson(rate=[1, np.nan])), COUNTS),
    case(mix(lk.Poisson(rate=shared), weights=[0.3, 0.7]), COUNTS),
    case(mix(lk.Exponential(rate=lk.Gamma(2, 1))), POSITIVE),
    case(mix(lk.Exponential(rate=shared(lk.Gamma(2, 1))), weights=[0.3, 0.7]), POSITIVE),
    case(mix(lk.Bernoulli(p=lk.Beta(2, 3))), BINARY),
    case(mix(lk.Binomial(10, p=lk.Beta(2, 3))), COUNTS.clip(0, 10)),
    case(mix(lk.Geometric(p=shared), weights=[0.3, 0.7]), COUNTS),
    case(mix(lk.Categorical(p=lk.Dirichlet(2))), DICE),
    case(mix(lk.Categorical(p=[[0.2, np.nan, np.nan], [np.nan, 0, np.nan]])), DICE),
    case(mix(lk.Multinomial(p=lk.Dirichlet([2, 2, 3]))), COUNT_ROWS),
    case(mix(lk.Multinomial(p=shared), weights=[0.3, 0.7]), COUNT_ROWS),
    case(mix(lk.Gamma(shape=shared)), POSITIVE),
    case(mix(lk.Gamma(rate=shared)), POSITIVE),
    case(mix(lk.Gamma(shape=2)), POSITIVE),
    case(mix(lk.Gamma(shape=[2, np.nan], rate=shared)), POSITIVE),
    case(mix(lk.InverseGamma(shape=shared)), POSITIVE),
    case(mix(lk.Beta(a=shared)), UNIT),
    case(mix(lk.Beta(b=3)), UNIT),
    case(mix(lk.Dirichlet(alpha=shared), weights=[0.3, 0.7]), SIMPLEX),
    case(mix(lk.NegativeBinomial(size=shared)), WIDE_COUNTS),
    case(mix(lk.NegativeBinomial(mean=shared), weights=[0.3, 0.7]), WIDE_COUNTS),
    case(mix(lk.NegativeBinomial(size=2)), WIDE_COUNTS),
    case(mix(lk.Pareto(scale=0.01)), POSITIVE),
    case(mix(lk.Pareto(scale=0.01, shape=shared), weights=[0.3, 0.7]), POSITIVE),
    case(mix(lk.Pareto(scale=0.01, shape=lk.Gamma(2, 1))), POSITIVE),
    case(mix(lk.Weibull(shape=shared)), POSITIVE),
    case(mix(lk.Weibull(shape=[2, np.nan], scale=shared)), POSITIVE),
    case(mix(lk.Weibull(shape=lk.Gamma(2, 1), scale=shared(lk.InverseGamma(2, 3)))), POSITIVE),
    case(mix(lk.Gumbel(scale=shared)), REAL),
    case(mix(lk.Gumbel(location=shared + [0, 4])), REAL),
    case(mix(lk.Gumbel(location=[0, np.nan])), REAL),
    case(mix(lk.Truncated(lk.Normal(mean=shared + [0, 4], variance=lk.InverseGamma(2, 3)), low=-6)), REAL),
    case(mix(lk.Truncated(lk.Gamma(shape=[2, np.nan]), high=40)), POSITIVE),
    case(mix(lk.Censored(lk.Weibull(shape=shared))), SURVIVAL),
    case(mix(lk.Censored(lk.Exponential(rate=lk.Gamma(2, 1)))), SURVIVAL),
    case(lk.Censored(lk.Truncated(lk.LogNormal(), high=50)), SURVIVAL, without=["monotone"]),
    case(mix([lk.Normal(), lk.Uniform(low=-10, high=20)], None), REAL),
    case(mix([lk.Normal(), lk.Exponential(), lk.Gamma()], None), REAL + 3),
    case(mix(lk.Independent(lk.Normal(variance=shared))), PAIR),
    case(mix(lk.Independent(lk.Normal(variance=shared(over="column")))), PAIR),
    case(mix(lk.Independent(lk.Bernoulli(p=lk.Beta(2, 2)))), BITS),
    case(mix(lk.Independent(lk.Categorical(p=lk.Dirichlet(2))), 3), BITS),
    case(mix(lk.Independent(lk.Poisson())), COUNT_ROWS),
    case(mix(lk.Independent(lk.LogNormal())), np.exp(PAIR)),
    case(mix(lk.Product(a=lk.Poisson(), b=lk.Bernoulli()), 3), MIXED[:, 1:]),
    case(mix(lk.Product(a=lk.Normal(variance=shared), b=lk.Poisson(), c=lk.Bernoulli(p=lk.Beta(2, 2)))), MIXED),
    case(lk.Product(a=mix(lk.Normal()), b=mix(lk.Poisson()), c=lk.Bernoulli()), MIXED),
    case(mix(mix(lk.Normal(variance=shared))), REAL),
    case(mix(mix(lk.Normal(variance=shared(over=["component"])))), REAL),
    case(mix([mix(lk.Normal(), 2), lk.Normal()], None), REAL),
    case(mix(lk.Independent(mix(lk.Normal(variance=1)))), PAIR),
]

GAPS = np.where(RNG.random(N) < 0.2, np.nan, REAL)
LEFT_RIGHT = [[np.nan, np.nan, 0], [0, np.nan, np.nan], [0, 0, 1]]
STICKY = 1 + 5 * np.eye(2)
MASKED = [[np.nan, np.nan, 0], [np.nan, 0.5, np.nan], [np.nan, np.nan, np.nan]]
TAMED = {"coefficients": lk.Normal(0, 1), "intercept": lk.Normal(0, 4)}
SHARED_TAMED = {"coefficients": shared(lk.Normal(0, 1)), "intercept": lk.Normal(0, 4)}
CUT = ["stationary"]  # the M-step of durations that are cut rises, and does not go all the way
UP_TO_8 = {"p": lk.Dirichlet(1.5), "categories": range(8)}

CHAINS = [
    chain(lk.HMM(lk.Poisson(), 2), COUNTS),
    chain(lk.HMM(lk.Normal(), 3), REAL),
    chain(lk.HMM(lk.Normal(variance=shared), 2), GAPS),
    chain(lk.HMM(lk.Categorical(), 2, transition=lk.Dirichlet(STICKY), initial=lk.Dirichlet(2)), DICE),
    chain(lk.HMM(lk.Normal(), 3, initial=[1, 0, 0], transition=LEFT_RIGHT), REAL),
    chain(lk.HMM(lk.Normal(variance=1), 2, transition=shared), REAL),
    chain(lk.HMM(mix(lk.Normal(variance=shared)), 2, initial=[0.5, 0.5]), REAL),
    chain(lk.HMM(lk.Product(a=lk.Normal(), b=lk.Poisson(), c=lk.Bernoulli()), 2), MIXED),
    chain(lk.HMM(lk.MultivariateNormal(), 2), PAIR),
    chain(lk.HMM(lk.LinearGaussian(), 2), LINE, GIVEN),
    chain(lk.HMM(lk.Independent(lk.Normal()), 2), np.where(RNG.random(PAIR.shape) < 0.2, np.nan, PAIR)),
    chain(lk.HMM(lk.Poisson(), 2, initial="stationary"), COUNTS),
    chain(lk.HMM(lk.Normal(), 3, initial="stationary", transition=MASKED), REAL),
    chain(lk.HMM(lk.Normal(variance=1), 2, initial="stationary", transition=lk.Dirichlet(STICKY)), GAPS),
    chain(lk.HMM(lk.Normal(), 2, transition=lk.SoftmaxRegression(**SHARED_TAMED)), REAL, GIVEN),
    chain(lk.HMM(lk.LinearGaussian(), 3, transition=lk.SoftmaxRegression(**TAMED)), LINE, GIVEN),
    chain(lk.HMM(lk.Poisson(), 2, transition=lk.LogisticRegression(**TAMED)), COUNTS, GIVEN),
    chain(lk.HMM(lk.Poisson(), 2, durations=lk.Poisson()), COUNTS, without=CUT),
    chain(lk.HMM(lk.Normal(variance=shared), 3, durations=lk.Poisson(rate=lk.Gamma(2, 1))), GAPS, without=CUT),
    chain(lk.HMM(lk.Normal(), 2, durations=lk.Geometric(p=shared(lk.Beta(2, 4)))), REAL, without=CUT),
    chain(lk.HMM(lk.Normal(), 3, transition=lk.Dirichlet(2), durations=lk.Categorical(**UP_TO_8)), REAL, without=CUT),
    chain(mix(lk.HMM(lk.Poisson(), 2, initial="stationary", transition=shared(over="component"))), COUNTS),
    chain(mix(lk.HMM(lk.Poisson(), 2, durations=lk.Geometric(p=lk.Beta(2, 4)))), COUNTS, without=CUT),
    chain(mix(lk.HMM(lk.Poisson(), 2)), COUNTS),
    chain(mix(lk.HMM(lk.Normal(variance=shared), 2, transition=shared(over="component"))), GAPS),
    chain(mix([lk.HMM(lk.Poisson(), 2), lk.HMM(lk.Geometric(), 3)], None), COUNTS),
    chain(lk.Product(a=lk.HMM(lk.Normal(), 2), b=lk.HMM(lk.Poisson(), 2)), MIXED[:, :2]),
]

SOME = np.where(RNG.random(TRIPLE.shape) < 0.2, np.nan, TRIPLE)
LOADINGS = [[1, 0], [np.nan, 1], [np.nan, np.nan]]
ROTATED = {"A": lk.affine([[0.5, 0], [0, 0.5]], turn=[[0, -1], [1, 0]]), "Q": "spherical"}

STATES = [
    chain(lk.StateSpace(1, A=1, C=1, d=0, P0="diffuse"), REAL),
    chain(lk.StateSpace(2), PAIR),
    chain(lk.StateSpace(1, P0=0), GAPS),
    chain(lk.StateSpace(2, C=LOADINGS, Q="diagonal", R="diagonal", P0=1, m0=0), SOME),
    chain(lk.StateSpace(2, Q=1, P0=[[1, 0.2], [0.2, 1]]), SOME),
    chain(lk.StateSpace(1, B=0.5, P0=1), PAIR, GIVEN),
    chain(lk.StateSpace(2, b=np.nan, d=0, P0=0, Q=lk.InverseWishart(4, I2)), PAIR, GIVEN),
    chain(lk.StateSpace(2, A=lk.Normal(0, 1), C=I2, R=lk.scaled(I2)), PAIR),
    chain(lk.StateSpace(2, **ROTATED, C=I2, R="spherical", P0=[[np.inf, 0], [0, 2]]), PAIR),
    chain(lk.StateSpace(2, A=[["a", 0.1], [0, "a"]], Q=[["q", 0], [0, "q"]], m0=0, P0=1), PAIR),
    chain(lk.StateSpace(2, A=lk.PretendRows(2, 0), Q=1, R="diagonal", m0=lk.Normal(0, 1), P0=1), PAIR),
    chain(lk.StateSpace(2, A=[[np.nan, np.nan], [1, 0]], C=[[1, 0]], Q=[[np.nan, 0], [0, 0]], P0="stationary"), REAL),
    chain(mix(lk.StateSpace(1, P0=1, Q=1, A=shared)), PAIR),
    chain(mix(lk.StateSpace(1, R=shared, m0=0, P0=2, d=0)), SOME),
]

MIXED_LEAVES = [case(mix(c.model), c.x, c.given, without=c.exempt) for c in LEAVES]

CASES = LEAVES + MIXED_LEAVES + SLOTS + CHAINS + STATES
