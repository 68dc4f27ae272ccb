"""Inverse Cholesky factors by compiled elimination against those by LAPACK."""

import numpy as np
import pytest

from likely.families.fused import fused_normals
from likely.families.gaussian import whitening
from likely.numerics.whitening import whitened


def covariances(members, d, spread=0.0):
    rng = np.random.default_rng(d)
    rows = rng.normal(size=(members, 2 * d, d)) * np.exp(spread * rng.normal(size=d))
    return np.swapaxes(rows, 1, 2) @ rows / (2 * d)


def found(covariance):
    white, log_det = np.empty(covariance.shape), np.empty(len(covariance))
    return whitened(covariance, white, log_det), white, log_det


@pytest.mark.parametrize("d", [1, 3, 4, 8, 12, 17, 24, 31, 64, 130])
@pytest.mark.parametrize("spread", [0.0, 8.0])
def test_whitening_is_that_of_lapack_whatever_the_columns_and_their_units(d, spread):
    covariance = covariances(3, d, spread)
    done, white, log_det = found(covariance)
    expected, expected_log_det = whitening(covariance)
    sd = np.sqrt(np.einsum("kdd->kd", covariance))[:, None]
    assert done
    assert np.abs((white - expected) * sd).max() <= 1e-13 * np.abs(expected * sd).max()
    assert log_det == pytest.approx(expected_log_det, rel=1e-13, abs=1e-12)
    assert (np.triu(white, 1) == 0).all()


def test_whitening_of_columns_that_all_but_depend_on_each_other_is_as_good_as_that_of_lapack():
    covariance = covariances(2, 40)
    covariance[:, 39] = covariance[:, 38]
    covariance[:, :, 39] = covariance[:, :, 38]
    covariance[:, 39, 39] *= 1 + 1e-9
    white = found(covariance)[1], whitening(covariance)[0]
    residual = [np.abs(w @ covariance @ np.swapaxes(w, 1, 2) - np.eye(40)).max() for w in white]
    assert residual[0] <= 10 * residual[1]


@pytest.mark.parametrize("place", [0, 5, 19])
def test_a_matrix_that_is_not_positive_definite_is_told(place):
    covariance = covariances(3, 20)
    covariance[1, place] = covariance[1, :, place] = 2 * covariance[1, (place + 1) % 20, (place + 1) % 20] ** 0.5
    covariance[1, place, place] = 1.0
    assert not found(covariance)[0]
    with pytest.raises(np.linalg.LinAlgError):
        fused_normals(np.zeros((3, 20)), covariance)


def test_variances_that_are_not_numbers_are_told():
    covariance = covariances(2, 20)
    covariance[1, 3, 3] = np.nan
    assert not found(covariance)[0]
