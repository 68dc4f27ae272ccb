"""How far a fitted hidden Markov model can be trusted: the same questions as of every fit."""

import numpy as np
import pytest

import likely as lk
from support import hessian

TRUTH = lk.HMM(lk.Normal([0, 3], 1), 2, initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]])
SERIES = [TRUTH.sample(50, seed=i) for i in range(20)]
FIT = lk.fit(lk.HMM(lk.Normal(), 2), SERIES, tol=1e-7)


def test_standard_errors_are_the_curvature_of_the_likelihood():
    """Against second differences of the log-likelihood in the numbers themselves."""
    model = FIT.model

    def log_likelihood(u):
        first, moves = u[0], u[1:3]
        changed = lk.HMM(
            lk.Normal(u[3:5], u[5:7]), 2, initial=[first, 1 - first],
            transition=[[moves[0], 1 - moves[0]], [1 - moves[1], moves[1]]],
        )  # fmt: skip
        return changed.log_prob(SERIES).sum()

    u = np.array(
        [
            model.initial[0],
            model.transition[0, 0],
            model.transition[1, 1],
            *model.emission.mean,
            *model.emission.variance,
        ]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian(log_likelihood, u, 1e-3))))
    found = FIT.standard_errors()
    names = ["initial[0]", "transition[0][0]", "transition[1][1]", "emission.mean[0]", "emission.mean[1]"]
    names += ["emission.variance[0]", "emission.variance[1]"]
    np.testing.assert_allclose([found[name] for name in names], errors, rtol=1e-4)


def test_robust_errors_are_those_of_whole_sequences():
    """The sandwich of a model that is right is near the observed information; its scores are those of sequences."""
    observed, robust = FIT.standard_errors(), FIT.standard_errors("sandwich")
    assert robust["emission.mean[0]"] == pytest.approx(observed["emission.mean[0]"], rel=0.5)
    alone = lk.fit(lk.HMM(lk.Normal(), 2), SERIES[0])
    with pytest.raises(lk.ModelError) as error:
        alone.standard_errors("sandwich")
    assert str(error.value) == (
        "the data has 1 sequence, and 'sandwich' and 'opg' see how the scores of sequences vary: of 7 free parameters "
        "at least 8 sequences can tell. Use kind='observed'."
    )


def test_a_certificate_speaks_of_sequences():
    found = FIT.certify()
    assert found.good
    assert "sequences   none moves a number by more than a standard error" in str(found)
    odd = [*SERIES, TRUTH.sample(150, seed=99) + 0.7]
    carried = lk.fit(lk.HMM(lk.Normal(), 2), odd, starts=5, tol=1e-6).certify()
    assert "sequence 21 moves" in str(carried)


def test_exchangeable_states_are_a_saddle():
    """Two states alike: EM never leaves, the certificate says so and leads on."""
    half = [[0.5, 0.5], [0.5, 0.5]]
    start = lk.HMM(lk.Normal([1.0, 1.0], 4.0), 2, initial=[0.5, 0.5], transition=half)
    stuck = lk.fit(lk.HMM(lk.Normal(), 2), SERIES, start=start)
    assert stuck.log_likelihood < FIT.log_likelihood - 10
    assert stuck.certify().verdict is lk.Verdict.saddle


def test_the_number_of_states_is_chosen():
    by_bic = lk.fit(lk.HMM(lk.Normal(), lk.choose(range(1, 5))), SERIES, by="bic", starts=5)
    held_out = lk.fit(lk.HMM(lk.Normal(), lk.choose(range(1, 4))), SERIES, folds=5, starts=5)
    assert (by_bic.model.size, held_out.model.size) == (2, 2)


def test_whole_sequences_are_drawn_again():
    found = FIT.bootstrap(30)
    error = dict(zip(found.names, found.standard_errors(), strict=True))["emission.mean[0]"]
    assert error == pytest.approx(FIT.standard_errors()["emission.mean[0]"], rel=0.5)
