"""`likely fit`: the same numbers as the library, on a terminal, on a pipe, as JSON, and in files."""

import json
import signal

import numpy as np
import pytest

import likely as lk
from likely.engines.local import Local

TWO = "Mixture(MultivariateNormal(), 2)"


def test_the_summary_is_printed_as_text(likely):
    likely("fit", likely.data, TWO)
    fit = lk.fit(TWO, likely.data)
    expected, found = str(fit.summary()).splitlines(), likely.out.splitlines()
    assert (likely.code, likely.err) == (0, "")
    timed = [i for i, text in enumerate(expected) if "passes over the data" in text]
    assert [t for i, t in enumerate(expected) if i not in timed] == [t for i, t in enumerate(found) if i not in timed]


def test_json_says_the_same_as_the_library(likely):
    found = json.loads(likely("fit", likely.data, TWO, "--json").out)
    fit = lk.fit(TWO, likely.data)
    assert lk.parse(found["model"]) == fit.model
    assert found["family"] == TWO
    assert fit.model.component.mean.tolist() == found["parameters"]["component"]["mean"]
    for name in ("log_likelihood", "objective", "aic", "bic", "icl", "n_free", "n_obs"):
        assert getattr(fit, name) == found[name]
    assert found["columns"] == ["eruptions", "waiting"]
    outcome = {"name": "converged", "sentence": lk.Outcome.converged.value, "converged": True}
    assert outcome == found["outcome"]
    assert fit.trace[-1].passes == found["passes"]
    assert found["starts"]["count"] == 20
    assert found["selection"] is None


def test_old_faithful_has_the_published_likelihood(likely):
    # mclust 5 (Scrucca et al. 2016), model VVV with 2 components: log-likelihood -1130.264, BIC -2322.192 in its sign.
    found = json.loads(likely("fit", likely.data, TWO, "--json").out)
    assert pytest.approx(found["log_likelihood"], abs=1e-3) == -1130.264
    assert pytest.approx(found["bic"], abs=1e-3) == 2322.192


def test_the_best_candidate_is_chosen_by_bic_unless_another_is_named(likely):
    model = "Mixture(Normal(), choose([1, 2]))"
    likely("fit", likely.data, model, "--columns", "waiting", "--json")
    note = "likely: choose(...) is decided by BIC; --by aic or --by icl decides otherwise.\n"
    found = json.loads(likely.out)
    assert (note, "bic", 1) == (likely.err, found["selection"]["by"], found["selection"]["chosen"])
    scores = [c["score"] for c in found["selection"]["candidates"]]
    assert (found["bic"], 2) == (scores[1], len(scores))
    likely("fit", likely.data, model, "--columns", "waiting", "--by", "aic", "--json")
    assert (likely.err, json.loads(likely.out)["selection"]["by"]) == ("", "aic")


def test_a_choice_is_decided_by_held_out_likelihood(likely):
    rows = "".join(f"{x},{i % 4},{i % 2}\n" for i, x in enumerate([3.1, 0.2, 1.5, 7.7, 2.4, 0.9, 1.1, 4.2]))
    likely.write("a.csv", f"gap,who,half\n{rows}")
    model = "choose([Exponential(), Normal()])"
    for options, how, folds in (
        (["--folds", "4", "--repeats", "2"], "4 folds, dealt 2 times", 8),
        (["--folds", "2", "--groups", "who"], "2 folds", 2),
        (["--folds", "who"], "the folds given", 4),
        (["--holdout", "0.5", "--rule", "1se"], "50 % of the rows", 4),
    ):
        likely("fit", "a.csv", model, "--columns", "gap", *options, "--json")
        assert (likely.code, likely.err) == (0, "")
        table = json.loads(likely.out)["selection"]
        assert (table["by"], table["how"]) == ("held-out", how)
        assert [len(c["folds"]) for c in table["candidates"]] == [folds, folds]


def test_a_held_out_choice_survives_in_a_file(likely):
    likely.write("a.csv", "x\na\na\nb\nc\na\nb\n")
    model = "Categorical(p=choose([Dirichlet(1), Dirichlet(2)]))"
    likely("fit", "a.csv", model, "--folds", "3", "--save", "fit.json")
    assert likely.code == 0
    loaded = lk.load("fit.json").selection
    assert loaded == lk.fit(model, "a.csv", folds=3).selection
    assert loaded.candidates[0].score == -np.inf


def test_options_reach_the_fit(likely):
    likely.write("a.csv", "x,w,kind\n1,1,p\n2,0,\n4,2,q\n9,1,\n8,2,q\n1.5,1,p\n")
    options = "--columns x --weights w --labels kind --starts 3 --seed 5 --hard --tol 0 --max-passes 7 --threads 1"
    model = "Mixture(Normal(variance=shared), 2)"
    found = json.loads(likely("fit", "a.csv", model, *options.split(), "--json").out)
    named = {"columns": "x", "weights": "w", "labels": "kind"}
    fit = lk.fit(model, "a.csv", **named, starts=3, seed=5, hard=True, tol=0, max_passes=7)
    assert found["model"] == repr(fit.model)
    assert (found["labels"], found["n_obs"], found["passes"]) == (["p", "q"], 7.0, 7)
    assert found["outcome"]["name"] == "pass_limit"


def test_plain_em_takes_more_passes_to_the_same_maximum(likely):
    plain, fast = (
        json.loads(likely("fit", likely.data, "Mixture(MultivariateNormal(covariance=shared), 3)", flag, "--json").out)
        for flag in ("--no-accelerate", "--accelerate")
    )
    assert plain["passes"] > fast["passes"]
    assert abs(plain["log_likelihood"] - fast["log_likelihood"]) < 1e-5


def test_several_columns_are_named_between_commas(likely):
    likely.write("a.csv", "x,y,z\n1,1,0\n2,0,1\n4,2,5\n9,1,1\n")
    found = json.loads(likely("fit", "a.csv", "MultivariateNormal()", "--columns", "z, x", "--json").out)
    assert found["columns"] == ["z", "x"]
    assert found["parameters"]["mean"] == [1.75, 4.0]


def test_a_fit_begins_where_it_is_told(likely):
    first = json.loads(likely("fit", likely.data, TWO, "--save", "fit.json", "--json").out)
    again = json.loads(likely("fit", likely.data, TWO, "--start", "fit.json", "--json").out)
    assert again["starts"]["count"] == 1
    assert again["passes"] < first["passes"]
    assert again["log_likelihood"] == pytest.approx(first["log_likelihood"], abs=1e-6)
    written = "Mixture(Normal(mean=[54, 80], variance=[30, 30]), 2, weights=[0.4, 0.6])"
    likely("fit", likely.data, "Mixture(Normal(), 2)", "--columns", "waiting", "--start", written, "--json")
    low, high = json.loads(likely.out)["parameters"]["component"]["mean"]
    assert low < high


def test_files_are_written_and_said(likely):
    likely("fit", likely.data, "Normal()", "--columns", "waiting", "--save", "fit.json", "--plot", "fit.PNG")
    assert (likely.code, likely.err) == (0, "likely: wrote fit.json and fit.PNG.\n")
    files = likely.files()
    assert {"fit.json", "fit.PNG"} == set(files)
    assert files["fit.PNG"].startswith(b"\x89PNG")
    assert lk.fit("Normal()", likely.data, columns="waiting").model == lk.load("fit.json").model


def test_quiet_prints_nothing(likely):
    model = "Mixture(Normal(), choose([1, 2]))"
    likely("fit", likely.data, model, "--columns", "waiting", "--save", "fit.json", "--quiet")
    assert (likely.code, likely.out, likely.err, list(likely.files())) == (0, "", "", ["fit.json"])


def test_a_picture_that_cannot_be_drawn_does_not_cost_the_answer(likely, monkeypatch):
    def cannot(*_):
        raise lk.ModelError("this fit has no picture.")

    monkeypatch.setattr("likely.cli.fit.draw", cannot)
    likely("fit", likely.data, "Normal()", "--columns", "waiting", "--save", "fit.json", "--plot", "fit.png")
    assert (likely.code, likely.err, list(likely.files())) == (2, "likely: this fit has no picture.\n", ["fit.json"])
    assert likely.out.startswith("Normal distribution, fitted to 272 rows")


def interrupt_at(monkeypatch, number):
    """Ctrl-C in the middle of some pass over the data, also where what began the tests ignores it (a job behind)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    count, run = [0], Local.map

    def run_until(self, work):
        count[0] += 1
        if count[0] == number:
            signal.raise_signal(signal.SIGINT)
        return run(self, work)

    monkeypatch.setattr(Local, "map", run_until)


def test_an_interrupted_fit_shows_the_best_so_far(likely, monkeypatch):
    interrupt_at(monkeypatch, 8)
    likely("fit", likely.data, TWO, "--save", "fit.json")
    assert likely.code == 130
    assert "Interrupted; these are the best parameters so far." in likely.out
    assert lk.Outcome.interrupted is lk.load("fit.json").outcome


def test_an_interruption_before_any_result_says_so(likely, monkeypatch):
    interrupt_at(monkeypatch, 1)
    likely("fit", likely.data, TWO, "--save", "fit.json")
    assert (likely.code, likely.out, likely.files()) == (130, "", {})
    assert likely.err.endswith("likely: interrupted before there was a result.\n")


def test_an_interrupted_choice_stops_at_the_candidate_it_was_at(likely, monkeypatch):
    interrupt_at(monkeypatch, 60)
    likely("fit", likely.data, "Mixture(MultivariateNormal(), choose(range(1, 6)))", "--by", "bic", "--json")
    found = json.loads(likely.out)
    assert (likely.code, found["outcome"]["name"]) == (130, "interrupted")
    assert len(found["selection"]["candidates"]) < 5


def test_numbers_in_json_are_those_of_the_model_to_the_last_bit(likely):
    likely("fit", likely.data, "Normal()", "--columns", "waiting", "--json")
    x = np.loadtxt(likely.data, delimiter=",", skiprows=1)[:, 1]
    found = json.loads(likely.out)["parameters"]
    assert (x.mean(), x.var()) == pytest.approx((found["mean"], found["variance"]), rel=1e-14)
