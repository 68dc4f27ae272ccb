"""`likely predict`, `sample` and `show`: what a saved fit can be asked."""

import csv
import io
import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest

import likely as lk

MIXED = "Mixture(Normal(mean=[3, 7], variance=1), 2, weights=[0.5, 0.5])"


def table(text):
    """Columns of CSV, as texts."""
    header, *rows = csv.reader(io.StringIO(text))
    return dict(zip(header, zip(*rows, strict=True), strict=True))


@pytest.fixture
def two(likely):
    """A fit of two kinds of eruption, saved as two.json."""
    assert likely("fit", likely.data, "Mixture(MultivariateNormal(), 2)", "--save", "two.json", "--quiet").code == 0
    return likely


def test_predict_gives_the_component_from_1_and_all_probabilities(two):
    found = table(two("predict", "two.json", two.data).out)
    r = lk.load("two.json").responsibilities(two.data)
    assert list(found) == ["component", "p_1", "p_2"]
    assert (r.argmax(1) + 1).tolist() == [int(c) for c in found["component"]]
    np.testing.assert_array_equal(r, np.array([found["p_1"], found["p_2"]], float).T)


def test_predict_finds_columns_by_name_wherever_they_stand(two):
    two.write("new.csv", "noise,waiting,eruptions\n0,54,1.8\n1,80,4.3\n")
    component = table(two("predict", "two.json", "new.csv").out)["component"]
    expected = lk.load("two.json").predict([[1.8, 54], [4.3, 80]]) + 1
    assert [str(c) for c in expected] == list(component)


def test_predict_gives_the_names_of_labels(likely):
    likely.write("a.csv", "x,kind\n1,low\n2,low\n1.5,\n8,high\n9,high\n8.5,\n")
    likely("fit", "a.csv", "Mixture(Normal(), 2)", "--columns", "x", "--labels", "kind", "--save", "fit.json")
    found = table(likely("predict", "fit.json", "a.csv").out)
    assert found["component"] == ("low", "low", "low", "high", "high", "high")


def test_predict_gives_log_densities_where_nothing_is_hidden(line):
    likely, name = line
    found = table(likely("predict", name, "a.csv").out)
    x = np.array([1.0, 2, 3, 6])
    expected = -0.5 * np.log(2 * math.pi * x.var()) - (x - 3) ** 2 / (2 * x.var())
    np.testing.assert_allclose(np.array(found["log_density"], float), expected, rtol=1e-12)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_writes_the_same_table_to_a_file(two, ending):
    shown = table(two("predict", "two.json", two.data).out)
    two("predict", "two.json", two.data, "--out", f"labels.{ending}")
    assert (0, "", f"likely: wrote labels.{ending}.\n") == (two.code, two.out, two.err)
    path = two.folder / f"labels.{ending}"
    written = table(path.read_text()) if ending == "csv" else pq.read_table(path).to_pydict()
    assert list(shown) == list(written)
    assert [int(c) for c in shown["component"]] == [int(c) for c in written["component"]]
    assert [float(p) for p in shown["p_2"]] == [float(p) for p in written["p_2"]]


def test_sample_of_a_fit_has_its_columns_and_its_draws(two):
    found = table(two("sample", "two.json", "-n", 5, "--seed", 3).out)
    assert list(found) == ["eruptions", "waiting"]
    expected = lk.load("two.json").sample(5, seed=3)
    np.testing.assert_array_equal(expected, np.array(list(found.values()), float).T)


def test_sample_of_a_model_that_is_written_out(likely):
    found = table(likely("sample", MIXED, "-n", 4, "--seed", 1).out)
    np.testing.assert_array_equal(lk.parse(MIXED).sample(4, seed=1), np.array(found["x"], float))


def test_sample_numbers_the_columns_of_a_model_without_names(likely):
    likely("sample", "MultivariateNormal(mean=[0, 5], covariance=[[1, 0], [0, 1]])")
    assert list(table(likely.out)) == ["x1", "x2"]


def test_a_regression_is_predicted_and_sampled_at_its_covariates(likely):
    likely(
        "fit", likely.data, "LinearGaussian()", "--columns", "waiting", "--given", "eruptions", "--save", "line.json"
    )
    assert likely.code == 0
    likely.write("new.csv", "noise,eruptions,waiting\n0,2,55\n0,4,70\n")
    fit = lk.load("line.json")
    found = table(likely("predict", "line.json", "new.csv").out)["log_density"]
    np.testing.assert_array_equal(np.array(found, float), fit.log_prob([55.0, 70.0], given=[2.0, 4.0]))
    drawn = table(likely("sample", "line.json", "--given", "new.csv", "--seed", 4).out)
    assert drawn["eruptions"] == ("2.0", "4.0")
    np.testing.assert_array_equal(np.array(drawn["waiting"], float), fit.sample(given=[2.0, 4.0], seed=4))


def test_a_regression_without_covariates_cannot_be_sampled(likely):
    model = "LinearGaussian(coefficients=2, intercept=1, covariance=1)"
    line = "LinearGaussian conditions on covariates; sample(given=...) needs them, one row a draw."
    assert (likely("sample", model).code, likely.err) == (2, f"likely: {line}\n")


def test_the_number_of_draws_is_given_once(likely):
    line = "-n and --given exclude one another: there is one draw for each row of the covariates."
    assert (likely("sample", MIXED, "-n", 2, "--given", "new.csv").code, likely.err) == (2, f"likely: {line}\n")


def test_sample_of_a_product_has_its_names(likely):
    likely("sample", "Product(age=Normal(mean=40, variance=9), visits=Poisson(rate=2))", "-n", 2)
    assert list(table(likely.out)) == ["age", "visits"]


def test_sample_writes_a_file(likely):
    likely("sample", MIXED, "-n", 3, "--out", "draws.csv")
    assert (likely.code, likely.out, likely.err) == (0, "", "likely: wrote draws.csv.\n")
    assert len(table((likely.folder / "draws.csv").read_text())["x"]) == 3


def test_show_prints_the_summary_of_a_saved_fit(two):
    two("show", "two.json")
    assert (0, f"{lk.load('two.json').summary()}\n", "") == (two.code, two.out, two.err)


def test_show_prints_notation_that_reads_back(two):
    notation = two("show", "two.json", "--notation").out
    assert lk.load("two.json").model == lk.parse(notation)
    sampled = two("sample", notation.strip(), "-n", 2).out
    assert table(sampled)["x1"] == table(two("sample", "two.json", "-n", 2).out)["eruptions"]


def test_show_gives_the_json_that_fit_gave(likely):
    model = "Mixture(Normal(), choose([1, 2]))"
    fitted = json.loads(likely("fit", likely.data, model, "--columns", "waiting", "--save", "f.json", "--json").out)
    assert fitted == json.loads(likely("show", "f.json", "--json").out)
