"""Leaf families, one per file."""

from likely.families.bernoulli import Bernoulli
from likely.families.beta import Beta
from likely.families.binomial import Binomial
from likely.families.categorical import Categorical
from likely.families.dirichlet import Dirichlet
from likely.families.exponential import Exponential
from likely.families.gamma import Gamma
from likely.families.geometric import Geometric
from likely.families.gumbel import Gumbel
from likely.families.inverse_gamma import InverseGamma
from likely.families.inverse_wishart import InverseWishart
from likely.families.laplace import Laplace
from likely.families.linear_gaussian import LinearGaussian
from likely.families.log_normal import LogNormal
from likely.families.logistic import Logistic
from likely.families.logistic_regression import LogisticRegression
from likely.families.multinomial import Multinomial
from likely.families.multivariate_normal import MultivariateNormal
from likely.families.negative_binomial import NegativeBinomial
from likely.families.normal import Normal
from likely.families.pareto import Pareto
from likely.families.poisson import Poisson
from likely.families.poisson_regression import PoissonRegression
from likely.families.pretend_rows import PretendRows
from likely.families.softmax_regression import SoftmaxRegression
from likely.families.student_t import StudentT
from likely.families.unbiased import Unbiased, unbiased
from likely.families.uniform import Uniform
from likely.families.von_mises import VonMises
from likely.families.weibull import Weibull

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Dirichlet",
    "Exponential",
    "Gamma",
    "Geometric",
    "Gumbel",
    "InverseGamma",
    "InverseWishart",
    "Laplace",
    "LinearGaussian",
    "LogNormal",
    "Logistic",
    "LogisticRegression",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Pareto",
    "Poisson",
    "PoissonRegression",
    "PretendRows",
    "SoftmaxRegression",
    "StudentT",
    "Unbiased",
    "Uniform",
    "VonMises",
    "Weibull",
    "unbiased",
]
