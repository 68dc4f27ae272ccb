"""Slots at their place in a model: what stands in them is checked there, with messages that name it."""

import numpy as np
import pytest

import likely as lk
from likely.core.written import shared
from support import bound


def refusal(model, x=(1.0, 2.0, 4.0)):
    with pytest.raises(lk.ModelError) as error:
        bound(model, np.asarray(x))
    return str(error.value)


def test_shared_needs_a_structure():
    assert refusal(lk.Normal(mean=shared)) == (
        "Normal.mean = shared, but Normal stands alone. Put it inside a structure, as in "
        "Mixture(Normal(mean=shared), 2)."
    )


def test_an_unknown_axis_lists_those_there_are():
    assert refusal(lk.Mixture(lk.Normal(mean=shared(over="state")), 2)) == (
        "Normal.mean = shared(over='state'), but the axes here are component."
    )


def test_offsets_belong_to_real_slots():
    assert refusal(lk.Mixture(lk.Normal(variance=shared + [1, 2]), 2)) == (
        "Normal.variance = shared + offsets; offsets are for slots that take any real number."
    )


def test_a_value_outside_its_domain_is_named():
    assert refusal(lk.Normal(variance=-1)) == "Normal.variance = -1.; it needs numbers above 0."
    assert refusal(lk.Mixture(lk.Normal(), 2, weights=[0.5, 0.6])) == (
        "Mixture.weights = [0.5, 0.6]; it needs numbers from 0 to 1 that sum to 1."
    )


def test_a_shape_that_does_not_broadcast_is_named():
    assert refusal(lk.Mixture(lk.Normal(mean=[1, 2, 3]), 2)) == (
        "Normal.mean has shape (3,); it must broadcast to (2,) (2 components + a number each)."
    )


def test_a_prior_that_does_not_fit_names_what_the_slot_takes():
    assert refusal(lk.Normal(mean=lk.Beta(1, 1))) == (
        "Normal.mean = Beta(a=1, b=1): this slot cannot take Beta as a prior; it takes Normal or PretendRows, a "
        "number, shared, or nothing."
    )
    assert refusal(lk.Uniform(low=lk.Normal(0, 1))) == (
        "Uniform.low = Normal(mean=0, variance=1): this slot cannot take Normal as a prior; it takes no prior, a "
        "number, shared, or nothing."
    )


def test_a_prior_needs_its_own_values():
    assert refusal(lk.Normal(mean=lk.Normal(0))) == (
        "Normal.mean = Normal(mean=0): a prior needs all its own values; variance is missing."
    )


def test_a_scalar_family_refuses_several_columns():
    assert refusal(lk.Normal(), np.ones((3, 2))) == (
        "Normal describes one column; the data has 2 columns. Name one with columns=..., or repeat it over all of them "
        "with Independent(Normal()), or join numeric ones with MultivariateNormal()."
    )


def test_a_prior_on_a_tied_slot_counts_once():
    tied = lk.Mixture(lk.Normal(variance=shared(lk.InverseGamma(2, 3))), 3)
    family, table = bound(tied, np.array([0.0, 1, 5, 6, 10, 11]))
    params = family.start(table, np.ones((6, 1)), np.random.default_rng(0))
    variance = params.component.variance
    assert family.log_prior(params) == pytest.approx(lk.InverseGamma(2, 3).log_prob(variance[:1])[0])


def test_sharing_ties_across_the_nearest_structure():
    nested = lk.Mixture(lk.Mixture(lk.Normal(variance=shared), 2), 3)
    family, table = bound(nested, np.arange(12.0))
    variance = family.start(table, np.ones((12, 1)), np.random.default_rng(0)).component.component.variance
    groups = variance.reshape(3, 2)
    assert np.array_equal(groups[:, 0], groups[:, 1])
    assert len(np.unique(groups[:, 0])) == 3
    assert family.count_free() == 2 + 3 * 1 + 6 + 3


def test_families_and_params_are_frozen():
    with pytest.raises(AttributeError, match="frozen"):
        lk.Normal().mean = 3
    family, table = bound(lk.Normal(), np.array([1.0, 2.0]))
    params = family.start(table, np.ones((2, 1)), np.random.default_rng(0))
    with pytest.raises(AttributeError, match="frozen"):
        params.mean = 3
    with pytest.raises(ValueError, match="read-only"):
        params.mean[0] = 3


def test_an_open_distribution_says_fit_it_first():
    with pytest.raises(lk.NotFitted) as error:
        lk.Normal(variance=1).log_prob([1.0])
    assert str(error.value) == (
        "Normal(variance=1) still has open slots (mean); fit it to data first: likely.fit(model, data)."
    )
