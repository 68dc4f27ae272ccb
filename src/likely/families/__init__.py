"""Leaf families, one per file."""

from likely.families.bernoulli import Bernoulli
from likely.families.beta import Beta
from likely.families.binomial import Binomial
from likely.families.categorical import Categorical
from likely.families.dirichlet import Dirichlet
from likely.families.exponential import Exponential
from likely.families.gamma import Gamma
from likely.families.geometric import Geometric
from likely.families.inverse_gamma import InverseGamma
from likely.families.inverse_wishart import InverseWishart
from likely.families.linear_gaussian import LinearGaussian
from likely.families.log_normal import LogNormal
from likely.families.multinomial import Multinomial
from likely.families.multivariate_normal import MultivariateNormal
from likely.families.negative_binomial import NegativeBinomial
from likely.families.normal import Normal
from likely.families.poisson import Poisson
from likely.families.unbiased import Unbiased, unbiased
from likely.families.uniform import Uniform

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Dirichlet",
    "Exponential",
    "Gamma",
    "Geometric",
    "InverseGamma",
    "InverseWishart",
    "LinearGaussian",
    "LogNormal",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Poisson",
    "Unbiased",
    "Uniform",
    "unbiased",
]
