"""Data sets drawn like another one: as many rows, the same covariates, the same words."""

import numpy as np
import pytest

import likely as lk
from likely.workflows.origin import Origin
from likely.workflows.replicates import KINDS, drawing

RNG = np.random.default_rng


def draw(kind, model, data, count=200, **options):
    origin = Origin.of(lk.fit(model, data, **options), "a test")
    return drawing(kind, origin.family, origin.params, origin.rows)(count, RNG(0))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_sum_to_the_size_of_the_data(kind):
    for weights, size in ((None, 3), ([2, 5, 1], 8)):
        data = draw(kind, lk.Exponential(), [1.0, 2.0, 3.0], weights=weights)
        assert data.count == 200
        totals = np.broadcast_to(data.weight_column(), (len(data), 200)).sum(0)
        assert totals == pytest.approx(np.full(200, size))


def test_rows_are_drawn_as_often_as_they_weigh():
    drawn = draw("nonparametric", lk.Exponential(), [1.0, 2.0, 3.0], weights=[2, 5, 1], count=4000).weights
    assert drawn.mean(1) == pytest.approx([2, 5, 1], rel=0.06)
    assert (drawn == np.floor(drawn)).all()
    smooth = draw("weighted", lk.Exponential(), [1.0, 2.0, 3.0], weights=[2, 5, 1], count=4000).weights
    assert smooth.mean(1) == pytest.approx([2, 5, 1], rel=0.06)
    assert (smooth > 0).all()
    assert smooth.var(1) == pytest.approx(64 * np.array([2 * 6, 5 * 3, 1 * 7]) / (64 * 9), rel=0.15)  # Dirichlet


def test_rows_of_weight_zero_are_absent():
    data = draw("weighted", lk.Exponential(), [1.0, 2.0, 99.0], weights=[1, 1, 0])
    assert data.x.ravel().tolist() == [1.0, 2.0]


def test_one_data_set_is_what_the_bank_sees_of_it():
    data = draw("nonparametric", lk.Exponential(), [1.0, 2.0, 3.0])
    one = data.one(7)
    assert one.weights.tolist() == [w for w in data.weights[:, 7] if w > 0]
    assert data.some([7, 7]).weights.tolist() == np.repeat(data.weights[:, 7:8], 2, 1).tolist()
    simulated = draw("parametric", lk.Exponential(), [1.0, 2.0, 3.0])
    assert simulated.one(7).x.tolist() == simulated.some([3, 7]).x[:, 1].tolist()


def test_simulated_rows_keep_their_covariates():
    t = np.array([0.0, 100.0, 200.0])
    data = draw("parametric", lk.LinearGaussian(), [0.0, 101.0, 199.0], given=t)
    assert data.x[:, :, 0].mean(1) == pytest.approx(t, abs=1.5)
    assert data.given.tolist() == t[:, None].tolist()
    twice = draw("parametric", lk.LinearGaussian(), [0.0, 101.0, 199.0], given=t, weights=[1, 2, 1])
    assert twice.given.ravel().tolist() == [0.0, 100.0, 100.0, 200.0]


def test_covariates_of_fractional_weight_cannot_be_repeated():
    with pytest.raises(lk.DataError) as e:
        draw("parametric", lk.LinearGaussian(), [0.0, 1.1, 1.9], given=[0, 1, 2], weights=[1, 1.5, 1])
    assert str(e.value) == (
        "the weight of row 2 is 1.5; a simulation with covariates needs weights that are whole numbers, which say how "
        "often each row occurred. Leave the weights out, or round them."
    )


def test_simulated_words_are_codes_into_the_vocabulary():
    frame = {"b": ["x", "y", "y", "y"] * 5, "n": [1, 0, 2, 1] * 5, "a": ["q", "q", "p", "x"] * 5}
    model = lk.Product(a=lk.Categorical(), n=lk.Poisson(), b=lk.Categorical(categories=["y", "x", "never"]))
    data = draw("parametric", model, frame, count=500)
    assert data.names == ("a", "n", "b")
    spelled = {j: np.array(data.vocabulary)[data.x[:, :, j].astype(int)] for j in (0, 2)}
    assert (spelled[2] == "y").mean() == pytest.approx(0.75, abs=0.02)
    assert set(np.unique(spelled[2])) == {"x", "y"}
    assert (spelled[0] == "q").mean() == pytest.approx(0.5, abs=0.02)
    assert data.x[:, :, 1].mean() == pytest.approx(1.0, abs=0.05)
    alone = draw("parametric", lk.Mixture(lk.Categorical(), 1), {"b": frame["b"]}, count=500)
    assert (np.array(alone.vocabulary)[alone.x.astype(int)] == "y").mean() == pytest.approx(0.75, abs=0.02)
