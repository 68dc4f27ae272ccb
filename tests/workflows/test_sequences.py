"""Sequences are fitted, held out and drawn again whole; what cannot be is named by sequence and row."""

import json

import numpy as np
import pandas as pd
import pytest
from sequential import Runs

import likely as lk
from likely.core.data import Sequences
from likely.core.setting import Setting
from likely.errors import DataError, FitError, ModelError
from likely.workflows.checks import check_fit
from likely.workflows.folds import Dealt, Given, Once, Splitter
from likely.workflows.replicates import drawing

FRAME = {"id": ["b", "b", "a", "a", "a"], "year": [1, 2, 1, 3, 4], "x": [5.0, 6, 7, 8, 10], "w": [2, 2, 1, 1, 1]}
TWO = lk.HMM(lk.Normal(), 2)
NOISY = lk.HMM(lk.Normal(variance=1), 2)  # with so few free values that five rows are enough


def refusal(kind, function, *args, **options):
    with pytest.raises(kind) as caught:
        function(*args, **options)
    return str(caught.value)


def many(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return lk.sequences(rng.normal(size=sum(lengths)), lengths)


# -- fits -------------------------------------------------------------------------------------------------------------


def test_a_sequence_of_weight_three_is_three_sequences():
    once = lk.fit(Runs(lk.Normal()), [[1.0, 2], [3.0, 4, 8]], weights=[3, 1])
    thrice = lk.fit(Runs(lk.Normal()), [[1.0, 2], [1.0, 2], [1.0, 2], [3.0, 4, 8]])
    assert once.log_likelihood == pytest.approx(thrice.log_likelihood, rel=1e-14)
    assert (once.n_obs, thrice.n_obs) == (9, 9)
    assert once.bic == pytest.approx(thrice.bic, rel=1e-14)
    assert once.score([[0.5, 1]]) == pytest.approx(float(thrice.log_prob([[0.5, 1]])[0]) / 2)


def test_a_row_that_is_missing_does_not_count():
    gone = lk.fit(Runs(lk.Normal()), [[1.0, np.nan, 2], [None, 4.0]])
    assert gone.n_obs == 3
    assert gone.log_likelihood == pytest.approx(lk.fit(lk.Normal(), [1.0, 2, 4]).log_likelihood, rel=1e-14)


def test_a_fit_knows_its_columns_of_ids_and_times_also_when_it_was_saved(tmp_path):
    fit = lk.fit(Runs(lk.Normal()), FRAME, sequence="id", time="year", weights="w")
    assert (fit.columns, fit.sequence, fit.time) == (("x",), "id", "year")
    np.testing.assert_array_equal(fit.log_prob(pd.DataFrame(FRAME)), fit.log_prob())
    found = lk.fit(NOISY, FRAME, columns="x", sequence="id", time="year", starts=2, max_passes=5)
    found.save(tmp_path / "fit.json")
    loaded = lk.load(tmp_path / "fit.json")
    assert (loaded.sequence, loaded.time) == ("id", "year")
    np.testing.assert_array_equal(loaded.log_prob(FRAME), found.log_prob())
    record = json.loads((tmp_path / "fit.json").read_text())
    for name in ("sequence", "time"):
        record.pop(name)
    (tmp_path / "old.json").write_text(json.dumps(record))
    assert lk.load(tmp_path / "old.json").sequence == ""


def test_a_fit_without_ids_remembers_none():
    fit = lk.fit(Runs(lk.Normal()), [[1.0, 2], [3.0]])
    assert (fit.sequence, fit.time, lk.fit(lk.Normal(), [1.0, 2]).sequence) == ("", "", "")
    assert len(fit.log_prob([[1.0], [2.0], [3.0]])) == 3
    assert len(fit.log_prob(np.array([1.0, 2.0]))) == 1


# -- checks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "data", "options", "kind", "message"),
    [
        (TWO, [[1.0, 2], [3, 4]], {"labels": [[0, 1], [1, 2]]}, DataError,
         "the label in row 4 (row 2 of sequence 2) is 2; the model has 2 states, numbered from 0 to 1. Ask for more "
         "states, or mend the label."),
        (TWO, [1.0, 2, 3], {"labels": ["u", "v", "w"]}, DataError,
         "the label in row 3 is 2; the model has 2 states, numbered from 0 to 1. Ask for more states, or mend the "
         "label."),
        (TWO, [[1.0, 2], [3, 4]], {"labels": [[0, -2], [1, 1]]}, DataError,
         "labels row 2 (row 2 of sequence 1) is -2; a label is a state counted from 0, or -1, NaN or None where it is "
         "unknown."),
        (TWO, FRAME, {"sequence": "id", "columns": "x", "labels": "year"}, DataError,
         "the label in row 5 (row 3 of sequence 'a') is 4; the model has 2 states, numbered from 0 to 1. Ask for more "
         "states, or mend the label."),
        (TWO, lk.sequences([[1.0, 2], [3, 4]], labels=[0, 1]), {}, ModelError,
         "labels are those of whole sequences, and HMM(Normal(), 2) needs one for each row."),
        (lk.Mixture(Runs(lk.Normal()), 2), lk.sequences([[1.0, 2], [3, 4]], labels=[[0, 1], [1, 0]]), {}, ModelError,
         "labels are those of rows, and Mixture(Runs(Normal()), 2) needs one for each sequence."),
        (lk.Mixture(Runs(lk.Normal()), 2), [[1.0, 2], [3, 4]], {"labels": [0, 2]}, DataError,
         "the label of sequence 2 is 2; the model has 2 components, numbered from 0 to 1. Ask for more components, or "
         "mend the label."),
        (lk.HMM(lk.Normal(), 5), [1.0, 2, 3], {}, DataError,
         "the model has 5 states and the data has only 3 rows; ask for at most 3 states, or give more data."),
        (lk.Mixture(Runs(lk.Normal()), 3), [[1.0, 2], [3, 4]], {}, DataError,
         "3 components, but the data has only 2 sequences; ask for at most 2."),
        (lk.HMM(lk.Poisson(), 2), [[1.0, 2], [3, -4, 1]], {}, DataError,
         "column 1 row 4 (row 2 of sequence 2) is -4; HMM(Poisson(), 2) needs counts 0, 1, 2, ... Drop the row, or use "
         "a family that allows it."),
        (TWO, [[1.0, 2], [3.0, np.inf]], {}, DataError,
         "column 1 row 4 (row 2 of sequence 2) is inf; finite numbers are needed. Mend or drop the row."),
        (Runs(lk.Normal()), [[1.0, 2]], {"labels": [0, 1]}, ModelError,
         "labels=... name the components of a mixture; Runs(Normal()) has none."),
        (Runs(lk.Normal()), [[3.0, np.nan], [3.0, 3.0]], {}, DataError,
         "column 1 is constant (3 in all 4 rows): the likelihood grows without bound as the variance falls to 0. Leave "
         "the column out, or give the variance a value or a prior."),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_named_by_sequence_and_row(model, data, options, kind, message):
    assert refusal(kind, lk.fit, model, data, **options) == message


def test_equal_rows_are_no_fault_of_sequences():
    assert check_fit(lk.HMM(lk.Bernoulli(), 3), lk.sequences([[1, 0, 1, 0]])).size == 3
    assert check_fit(lk.HMM(lk.Poisson(), 2), lk.sequences([[1, None, 1, 0]])).size == 2


# -- held out ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dealer", [Dealt(4, 3, 0), Once(0.3, 0), Given()])
def test_sequences_are_held_out_whole_and_once(dealer):
    data = many([3, 50, 7, 20, 20, 9, 11, 30, 40, 10]).with_(groups=np.arange(10) % 4)
    for one in dealer.rounds(data):
        np.testing.assert_array_equal(np.sort(np.concatenate(one.parts)), np.arange(10))
        assert all(len(set(data.groups[p])) for p in one.parts)
        owners = [set(data.groups[p]) for p in one.parts]
        assert sum(map(len, owners)) == 4


def test_folds_have_about_as_many_rows():
    data = many([60, 5, 5, 50, 10, 45, 20, 5])
    (one,) = Dealt(3, 1, 0).rounds(data)
    sizes = [data.lengths[p].sum() for p in one.parts]
    assert max(sizes) <= 1.3 * min(sizes)
    data = many([90, *range(1, 21), 100])
    (one,) = Once(0.25, 1).rounds(data)
    held = sum(data.lengths[p].sum() for p in one.parts[: one.held])
    assert abs(held / 400 - 0.25) < 0.05


def test_a_sequence_of_no_weight_is_not_dealt():
    data = many([3, 4, 5]).with_(weights=np.array([1.0, 0, 2]))
    (one,) = Dealt(2, 1, 0).rounds(data)
    assert sorted(np.concatenate(one.parts).tolist()) == [0, 2]


class Halves:
    def split(self, x, y=None, groups=None):
        n = len(x)
        return [(np.arange(n // 2, n), np.arange(n // 2)), (np.arange(n // 2), np.arange(n // 2, n))]


class Leaky:
    def split(self, x, y=None, groups=None):
        return [([0, 1], [1, 2])]


def test_splitters_split_sequences():
    (one,) = Splitter(Halves()).rounds(many([3, 4, 5, 6]))
    assert [p.tolist() for p in one.parts] == [[0, 1], [2, 3]]
    assert refusal(DataError, Splitter(Leaky()).rounds, many([3, 4, 5])) == (
        "split 1 of Leaky holds out sequence 2, which it also fits to; held-out sequences must be others."
    )


@pytest.mark.parametrize(
    ("options", "how"),
    [({"folds": 2}, "folds=2"), ({"holdout": 0.3}, "holdout=0.3"), ({"folds": [1]}, "folds=..."),
     ({"folds": Halves()}, "folds=Halves(...)")],
)  # fmt: skip
def test_of_one_sequence_nothing_can_be_held_out(options, how):
    assert refusal(DataError, lk.fit, lk.HMM(lk.Normal(), lk.choose([1, 2])), [1.0, 2, 5, 6], **options) == (
        f"{how} holds out whole sequences, and the data has only one. Give several, as a list or with sequence=..., or "
        "decide with by='bic'."
    )


def test_more_folds_than_sequences_are_refused():
    assert refusal(DataError, Dealt(5, 1, 0).rounds, many([3, 4])) == (
        "folds=5, but the data has only 2 sequences; every fold needs at least one. Ask for at most 2."
    )


def test_held_out_scores_are_per_row_and_those_of_refits():
    x, weights = [[1.0, 2, 4], [5.0, 3], [2.0, np.nan, 9]], [1, 2, 1]
    model = Runs(lk.choose([lk.Normal(), lk.Laplace()]))
    found = lk.fit(model, x, weights=weights, folds=3).selection
    total = 0.0
    for i in range(3):
        rest = [j for j in range(3) if j != i]
        fit = lk.fit(Runs(lk.Normal()), [x[j] for j in rest], weights=[weights[j] for j in rest])
        total += weights[i] * fit.log_prob([x[i]])[0]
    assert found.candidates[0].score == pytest.approx(total / 9, rel=1e-12)


STAYS = [np.repeat([0.0, 6, 0], n) + np.random.default_rng(n).normal(size=3 * n) for n in (10, 15, 12, 9)]
KNOWN = {"C": 1, "d": 0, "Q": 1, "R": 0.1, "m0": 0, "P0": 1}
SWINGS = lk.StateSpace(2, A=[[0.8, 0.5], [-0.5, 0.8]], **KNOWN).sample(25, sequences=4, seed=1)
SIZED = {
    "hidden Markov": (lambda m: lk.HMM(lk.Normal(), m), STAYS, (2, 7)),
    "state space": (lambda m: lk.StateSpace(m, **KNOWN), SWINGS, (1, 4)),
}


@pytest.mark.parametrize(("model", "x", "free"), SIZED.values(), ids=SIZED)
def test_the_number_of_states_is_chosen_as_by_single_fits(model, x, free):
    folds, rows = [0, 1, 1, 0], sum(map(len, x))
    options = {"starts": 1, "tol": 1e-3}
    by_folds = lk.fit(model(lk.choose([1, 2])), x, folds=folds, **options)
    by_bic = lk.fit(model(lk.choose([1, 2])), x, by="bic", **options)
    for i, (size, count) in enumerate(zip((1, 2), free, strict=True)):
        total = 0.0
        for fold in (0, 1):
            held, rest = ([one for one, f in zip(x, folds, strict=True) if (f == fold) == out] for out in (True, False))
            total += float(lk.fit(model(size), rest, **options).log_prob(held).sum())
        assert by_folds.selection.candidates[i].score == pytest.approx(total / rows, rel=1e-4)
        alone = lk.fit(model(size), x, **options)
        bic = count * np.log(rows) - 2 * alone.log_likelihood
        assert by_bic.selection.candidates[i].score == pytest.approx(bic, rel=1e-6)
    assert by_folds.model.size == by_bic.model.size == 2


# -- drawn again ------------------------------------------------------------------------------------------------------


def bound_runs(data):
    fit = lk.fit(Runs(lk.Normal()), data)
    bound = fit.family.bind((), Setting.of(data.rows))
    return bound, fit.model.bind((), Setting.of(data.rows)).known_params()


@pytest.mark.parametrize("kind", ["nonparametric", "weighted"])
def test_whole_sequences_are_drawn_again(kind):
    data = many([3, 4, 5, 6])
    drawn = drawing(kind, *bound_runs(data), data)(7, np.random.default_rng(0))
    assert (drawn.count, drawn.weight_column().shape) == (7, (4, 7))
    np.testing.assert_allclose(drawn.weight_column().sum(0), 4)
    one = drawn.one(2)
    assert isinstance(one, Sequences)
    assert set(one.lengths.tolist()) <= {3, 4, 5, 6}
    np.testing.assert_array_equal(drawn.some([2, 2]).weights, drawn.weights[:, [2, 2]])


def test_a_simulation_has_sequences_as_long_and_as_gappy():
    data = lk.sequences([[1.0, None, 3], [4, 5]])
    drawn = drawing("parametric", *bound_runs(data), data)(4, np.random.default_rng(0))
    assert (drawn.count, drawn.rows.x.shape, drawn.offsets.tolist()) == (4, (5, 4, 1), [0, 3, 5])
    assert np.isnan(drawn.rows.x[:, :, 0]).any(1).tolist() == [False, True, False, False, False]
    np.testing.assert_array_equal(drawn.one(3).rows.x, drawn.rows.x[:, 3])
    np.testing.assert_array_equal(drawn.some([3, 0]).rows.x, drawn.rows.x[:, [3, 0]])


def test_simulated_sequences_follow_the_model():
    data = lk.sequences(np.zeros(60), [20, 40])
    known = lk.HMM(lk.Normal([0, 9], 1), 2, initial=[1, 0], transition=[[0, 1], [1, 0]])
    bound = known.bind((), Setting.of(data.rows))
    drawn = drawing("parametric", bound, bound.known_params(), data)(3, np.random.default_rng(0))
    state = np.concatenate([np.arange(20) % 2, np.arange(40) % 2])
    np.testing.assert_array_equal(drawn.rows.x[:, :, 0] > 4.5, np.tile(state[:, None] == 1, 3))


@pytest.mark.parametrize("kind", ["nonparametric", "weighted", "parametric"])
def test_refits_side_by_side_are_those_of_each_data_set(kind):
    data = many([5, 9, 7, 8, 30])
    boot = lk.fit(Runs(lk.Normal()), data).bootstrap(4, kind, seed=3)
    draw = drawing(kind, *bound_runs(data), data)
    drawn = draw(4, np.random.default_rng(3).spawn(1)[0])
    expected = [lk.fit(Runs(lk.Normal()), drawn.one(i)).model.part for i in range(4)]
    np.testing.assert_allclose(boot.values, [[e.mean, e.variance] for e in expected], rtol=1e-9)


def test_the_bootstrap_of_states_starts_at_the_fit():
    rng = np.random.default_rng(1)
    x = [np.repeat([0.0, 6, 0], n) + rng.normal(size=3 * n) for n in (10, 15, 12, 9)]
    fit = lk.fit(TWO, x, starts=3)
    boot = fit.bootstrap(5)
    assert (len(boot.values), boot.failures) == (5, ())
    means = [boot.names.index(f"emission.mean[{i}]") for i in (0, 1)]
    assert np.abs(boot.values[:, means] - boot.estimates[means]).max() < 1.5


@pytest.mark.parametrize("kind", ["nonparametric", "weighted"])
def test_one_sequence_cannot_be_drawn_again(kind):
    fit = lk.fit(Runs(lk.Normal()), [1.0, 2, 4])
    assert refusal(ModelError, fit.bootstrap, 5, kind) == (
        f"kind={kind!r} draws whole sequences, and the data has only one, so that every data set would be the same. "
        "Use kind='parametric'."
    )
    assert len(fit.bootstrap(5, "parametric").values) == 5


def test_simulations_need_whole_weights_and_no_labels():
    fit = lk.fit(Runs(lk.Normal()), FRAME, sequence="id", columns="x", weights=[1.5, 1])
    assert refusal(DataError, fit.bootstrap, 5, "parametric") == (
        "the weight of sequence 'b' is 1.5; a simulation needs weights that are whole numbers, which say how often "
        "each sequence occurred. Leave the weights out, or round them."
    )
    labelled = lk.fit(NOISY, [[1.0, 2, 8], [3.0, 9]], labels=[[0, 0, 1], [0, 1]])
    assert refusal(ModelError, labelled.bootstrap, 5, "parametric") == (
        "labels are known for some rows, and a simulation from the fit draws none: the refits would know less than the "
        "fit. Use kind='nonparametric' or kind='weighted'."
    )


def test_a_test_of_fit_is_for_rows():
    fit = lk.fit(Runs(lk.Normal()), [[1.0, 2, 8], [3.0, 9]])
    assert refusal(ModelError, fit.goodness_of_fit) == (
        "a test of fit is for rows that do not depend on one another; Runs(Normal()) describes sequences. Compare "
        "models by their criteria."
    )


def test_models_are_compared_on_the_same_sequences():
    x = [[1.0, 2, 8], [3.0, 9]]
    one, other = lk.fit(Runs(lk.Normal(mean=1)), x), lk.fit(Runs(lk.Normal()), [[1.0, 2], [8, 3.0, 9]])
    assert refusal(ModelError, lk.likelihood_ratio_test, one, other) == (
        "the two fits have different sequences; a likelihood-ratio test needs two models of the same data."
    )


# -- states -----------------------------------------------------------------------------------------------------------


def test_states_are_predicted_for_each_row_by_name():
    x, z = [[0.0, 1, 8, 9], [1.0, 9]], [["low", None, "high", None], [None, None]]
    fit = lk.fit(NOISY, x, labels=z)
    assert fit.predict().tolist() == ["low", "low", "high", "high", "low", "high"]
    r = fit.responsibilities()
    assert r.shape == (6, 2)
    np.testing.assert_allclose(r.sum(1), 1)
    assert fit.predict([[0.5, 8.5]]).tolist() == ["low", "high"]


def test_every_start_that_collapses_names_states():
    with pytest.raises(FitError) as caught:
        lk.fit(lk.HMM(lk.Normal(), 2), [[0.0, 0, 0, 5.0, 5, 5]], starts=2, labels=[0, 0, 0, 1, 1, 1])
    assert "state 1: " in str(caught.value)
    assert str(caught.value) == (
        "every one of the 2 starts collapsed: state 1: its variance fell to zero with 3 rows left to it, where the "
        "likelihood is unbounded. Try fewer states, variance=shared, or a prior in variance=..."
    )
