"""What a fit says of hidden states: as its model says it, of new data or of its own."""

from importlib import resources

import numpy as np
import pytest

import likely as lk

QUAKES = np.loadtxt(resources.files("likely") / "data" / "earthquakes.csv", delimiter=",", skiprows=1)
BEGIN = lk.HMM(
    lk.Poisson([10, 20, 30]), 3, initial=[1 / 3] * 3, transition=np.full((3, 3), 0.1) + 0.7 * np.eye(3)
)  # fmt: skip


@pytest.fixture(scope="module")
def quakes():
    """Three states, from the start of the published trace."""
    frame = {"year": QUAKES[:, 0], "count": QUAKES[:, 1]}
    return lk.fit(lk.HMM(lk.Poisson(), 3), frame, columns="count", time="year", start=BEGIN)


@pytest.fixture(scope="module")
def named():
    """Two sequences with ids, and names of some states."""
    frame = {
        "who": ["ann"] * 4 + ["bo"] * 3, "x": [0.1, 0.3, 7.0, 7.3, 7.1, 0.2, 0.0],
        "mood": ["calm", None, "wild", None, None, None, None],
    }  # fmt: skip
    return lk.fit(lk.HMM(lk.Normal(variance=0.1), 2), frame, columns="x", sequence="who", labels="mood")


def test_the_earthquakes_are_decoded_as_published(quakes):
    runs = [(0, 5), (2, 6), (1, 8), (0, 4), (1, 19), (2, 9), (1, 17), (2, 3), (1, 10), (0, 26)]
    found = quakes.decode()
    assert found.states.tolist() == [j for j, n in runs for _ in range(n)]
    assert found.log_prob[0] == pytest.approx(-335.433687, abs=1e-3)
    np.testing.assert_array_equal(quakes.predict(), found.states)
    each = quakes.decode(method="posterior").states
    assert QUAKES[each != found.states, 0].tolist() == [1911, 1941, 1980]
    np.testing.assert_array_equal(quakes.responsibilities().argmax(1), each)


def test_a_fit_and_its_model_say_the_same(quakes):
    x, model = QUAKES[:, 1], quakes.model
    for ask in ("smoothed", "filtered", "predicted", "pairwise", "residuals"):
        np.testing.assert_allclose(getattr(quakes, ask)(), getattr(model, ask)(x), atol=1e-12)
        np.testing.assert_allclose(getattr(quakes, ask)(x[:9]), getattr(model, ask)(x[:9]), atol=1e-12)
    np.testing.assert_allclose(quakes.forecast(3).states, model.forecast(3, x).states)
    np.testing.assert_allclose(quakes.forecast(3, x[:9]).mean, model.forecast(3, x[:9]).mean)
    np.testing.assert_array_equal(quakes.sample_paths(size=2, seed=4), model.sample_paths(x, 2, seed=4))
    np.testing.assert_array_equal(quakes.expected_durations(), model.expected_durations())
    np.testing.assert_array_equal(quakes.stationary_distribution(), model.stationary_distribution())
    np.testing.assert_array_equal(quakes.decode(paths=3).paths, model.decode(x, paths=3).paths)
    np.testing.assert_array_equal(
        quakes.sample(4, sequences=2, states=True, seed=1)[1], model.sample(4, sequences=2, states=True, seed=1)[1]
    )


def test_entropy_is_that_of_whole_paths(quakes):
    assert quakes.entropy == pytest.approx(quakes.model.entropy(QUAKES[:, 1])[0])
    assert quakes.icl == pytest.approx(quakes.bic + 2 * quakes.entropy)


def test_states_are_told_by_name(named):
    assert named.decode().states.tolist() == ["calm", "calm", "wild", "wild", "wild", "calm", "calm"]
    assert [s.tolist() for s in named.decode().split()] == [["calm", "calm", "wild", "wild"], ["wild", "calm", "calm"]]
    assert named.predict([0.2, 7.0]).tolist() == ["calm", "wild"]
    assert named.decode({"x": [7.0, 0.1], "who": ["cy", "cy"]}).codes.tolist() == [[1, 0]]
    assert named.decode(paths=2).paths.shape == (2, 7)


def test_answers_come_sequence_by_sequence(named):
    assert [len(v) for v in named.smoothed(split=True)] == [4, 3]
    assert named.pairwise().shape == (2, 2, 2)
    assert named.forecast(2).states.shape == (2, 2, 2)


def test_known_states_of_the_data_of_the_fit_are_respected():
    x = [0.1, 0.3, 7.0, 7.3, 7.1, 0.2, 0.0]
    labels = [0, 0, 1, 1, 1, 0, 1]  # the last one against the odds
    fit = lk.fit(lk.HMM(lk.Normal(mean=[0.0, 7.0], variance=1.0), 2), x, labels=labels)
    assert fit.decode().states.tolist() == labels
    assert fit.decode(x).states.tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert fit.smoothed()[-1].tolist() == [0, 1]


def test_a_loaded_fit_is_asked_about_new_data(quakes, tmp_path):
    quakes.save(tmp_path / "fit.json")
    loaded = lk.load(tmp_path / "fit.json")
    np.testing.assert_array_equal(loaded.decode(QUAKES[:, 1]).states, quakes.decode().states)
    with pytest.raises(lk.ModelError) as e:
        loaded.decode()
    assert str(e.value) == "decode without data needs the data of the fit, which a loaded fit does not carry; pass x."


CHAIN, SPACE = "a hidden Markov model such as HMM(Normal(), 2)", "a state space such as StateSpace(2)"


@pytest.mark.parametrize(
    ("asks", "such"),
    [
        (("decode", "pairwise"), CHAIN),
        (("impute", "innovations", "disturbances"), SPACE),
        (("smoothed", "filtered", "predicted", "residuals", "sample_paths"), f"{CHAIN} or of {SPACE}"),
    ],
)
def test_a_model_without_states_is_not_asked(asks, such):
    fit = lk.fit(lk.Normal(), [1.0, 2.0, 4.0])
    for ask in asks:
        with pytest.raises(lk.ModelError) as e:
            getattr(fit, ask)()
        assert str(e.value) == f"Normal has no hidden states; {ask} is asked of {such}."


def test_only_a_model_with_states_is_drawn_with_its_states():
    fit = lk.fit(lk.Normal(), [1.0, 2.0, 4.0])
    with pytest.raises(lk.ModelError) as e:
        fit.sample(3, states=True)
    assert str(e.value) == (
        f"Normal has no hidden states; sample(sequences=..., states=...) is asked of {CHAIN} or of {SPACE}."
    )


def test_a_chain_is_not_asked_what_only_a_state_space_knows(quakes):
    with pytest.raises(lk.ModelError) as e:
        quakes.impute()
    assert str(e.value) == f"HMM: impute is asked of {SPACE}."
    with pytest.raises(lk.ModelError) as e:
        quakes.forecast(2, future=[1.0, 2.0])
    assert str(e.value) == f"HMM: forecast(future=...) is asked of {SPACE}."


@pytest.fixture(scope="module")
def level():
    """A local level, seen with gaps and an input with a name."""
    rng = np.random.default_rng(2)
    frame = {"t": np.arange(30.0), "y": np.cumsum(rng.normal(size=30)), "price": rng.normal(size=30)}
    frame["y"][[4, 17]] = np.nan
    model = lk.StateSpace(1, A=1, B=0, C=1, d=0, m0=0, P0=100)
    return lk.fit(model, frame, columns="y", given="price", time="t", max_passes=3), frame


def test_a_fit_of_a_state_space_and_its_model_say_the_same(level):
    fit, frame = level
    y, u, model = frame["y"], frame["price"], fit.model
    for ask in ("smoothed", "filtered", "predicted"):
        np.testing.assert_allclose(getattr(fit, ask)().mean, getattr(model, ask)(y, u).mean)
        short = {n: v[:9] for n, v in frame.items()}
        np.testing.assert_allclose(getattr(fit, ask)(short).sd, getattr(model, ask)(y[:9], u[:9]).sd)
    for ask in ("residuals", "innovations", "impute"):
        np.testing.assert_allclose(np.asarray(getattr(fit, ask)()), np.asarray(getattr(model, ask)(y, u)))
    np.testing.assert_allclose(fit.innovations(standardised=False), model.innovations(y, u, standardised=False))
    np.testing.assert_allclose(fit.disturbances().state, model.disturbances(y, u).state)
    np.testing.assert_array_equal(fit.sample_paths(size=2, seed=4), model.sample_paths(y, 2, seed=4, given=u))
    draws = fit.sample(given=u, sequences=2, states=True, seed=1)
    np.testing.assert_array_equal(draws[1], model.sample(given=u, sequences=2, states=True, seed=1)[1])


def test_inputs_to_come_have_the_names_of_the_fit(level):
    fit, frame = level
    future = {"shelf": [9.0, 9.0], "price": [0.5, -1.0]}
    expected = fit.model.forecast(2, frame["y"], frame["price"], future=[0.5, -1.0])
    np.testing.assert_allclose(fit.forecast(2, future=future).mean, expected.mean)
    np.testing.assert_allclose(fit.forecast(2, future=np.array([0.5, -1.0])).mean, expected.mean)
    with pytest.raises(lk.DataError) as e:
        fit.forecast(2, future={"prise": [0.5, -1.0]})
    assert str(e.value) == "there is no column 'price'; did you mean 'prise'? The columns are prise."


def test_a_state_space_is_not_asked_what_only_a_chain_knows(level):
    fit, _ = level
    for ask in ("decode", "pairwise", "expected_durations"):
        with pytest.raises(lk.ModelError) as e:
            getattr(fit, ask)()
        assert str(e.value) == f"StateSpace: {ask} is asked of {CHAIN}."
    with pytest.raises(lk.ModelError) as e:
        fit.residuals(interval=True)
    assert str(e.value) == f"StateSpace: residuals(interval=True) is asked of {CHAIN}."
