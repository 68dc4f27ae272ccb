"""What a fit says in words."""

import dataclasses
import io
import re
import subprocess
import sys

import numpy as np
import pytest

import likely as lk
from likely.em.outcome import Outcome
from likely.em.starts import Optimum, Starts
from likely.workflows.selection import Candidate, Selection

FAITHFUL = "src/likely/data/faithful.csv"


@pytest.fixture(scope="module")
def waiting():
    x = np.loadtxt(FAITHFUL, delimiter=",", skiprows=1)[:, 1]
    return lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), 2, weights=[0.4, 0.6]), {"waiting": x})


@pytest.fixture(scope="module")
def faithful():
    x = np.loadtxt(FAITHFUL, delimiter=",", skiprows=1)
    return lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), {"eruptions": x[:, 0], "waiting": x[:, 1]})


def said(fit, **changes):
    """The text of a fit of which some fields are changed; it always took half a second."""
    return str(dataclasses.replace(fit, seconds=0.5, **changes).summary())


def test_the_text_of_a_closed_form():
    fit = lk.fit(lk.Normal(variance=1), [1.0, 2.0, 3.0, 6.0])
    expected = """\
Normal distribution, fitted to 4 rows of 1 column
Normal(variance=1)

Closed form: the maximum, in one pass over the data.
It took 0.5 s.

log-likelihood   -10.68
free parameters       1
AIC               23.35  lower is better
BIC               22.74  lower is better

parameter   value
mean            3
sd (known)      1"""
    assert said(fit) == expected


def test_the_text_of_a_mixture(waiting):
    starts = Starts((Optimum(waiting.objective, 6), Optimum(-1095.291, 1)), 2, ("its variance fell to zero",))
    text = said(waiting, starts=starts, trace=waiting.trace[:2])
    component = waiting.model.component
    first, second = component.mean
    rows = waiting.responsibilities().sum(0)
    sure = (waiting.responsibilities().max(1) > 0.9).sum()
    expected = f"""\
Mixture of 2 normal distributions, fitted to 272 rows of 1 column (waiting)
Mixture(Normal(variance=shared), 2, weights=[0.4, 0.6])

Converged: the estimated distance to the maximum is below the tolerance.
The best start took 2 passes over the data; all of them together took 0.5 s.
10 starts: 6 reached this optimum, 1 ended at -1095.29, 2 fell behind and were dropped, 1 collapsed
  (its variance fell to zero).

log-likelihood   {waiting.log_likelihood:.2f}
free parameters         3
AIC               {waiting.aic:.2f}  lower is better
BIC               {waiting.bic:.2f}  lower is better

component  weight (known)   rows   mean  sd (shared)
1                   40.0%  {rows[0]:5.1f}  {first:.2f}        {np.sqrt(component.variance[0]):.3f}
2                   60.0%  {rows[1]:5.1f}  {second:.2f}        {np.sqrt(component.variance[1]):.3f}

{sure} of 272 rows belong to one component with probability above 0.9."""
    assert text == expected


def test_covariances_are_read_as_standard_deviations_and_correlations(faithful):
    text, c = str(faithful), faithful.model.component
    sd = np.sqrt(np.einsum("kdd->kd", c.covariance))
    correlation = c.covariance[:, 0, 1] / sd.prod(1)
    lines = {line[:17].strip(): line[17:].split() for line in text.splitlines()}
    assert lines["component"] == ["1", "2"]
    assert lines["mean of eruptions"] == [f"{v:.3f}" for v in c.mean[:, 0]]
    assert lines["mean of waiting"] == [f"{v:.2f}" for v in c.mean[:, 1]]
    assert lines["sd of eruptions"] == [f"{v:.4f}" for v in sd[:, 0]]
    assert lines["sd of waiting"] == [f"{v:.3f}" for v in sd[:, 1]]
    assert lines["correlation"] == [f"{v:.4f}" for v in correlation]
    assert lines["weight"] == [f"{w:.1%}" for w in faithful.model.weights]


def test_many_columns_show_no_correlations():
    fit = lk.fit(lk.MultivariateNormal(), np.random.default_rng(0).normal(size=(50, 5)))
    assert "correlation" not in str(fit)
    assert str(fit).count("sd of column") == 5


def test_regression_coefficients_are_named_by_covariate():
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(2, 40))
    fit = lk.fit(
        lk.LinearGaussian(),
        {"dist": 3 + 2 * x - z + rng.normal(size=40), "speed": x, "hill": z},
        given=["speed", "hill"],
    )
    text = str(fit)
    assert "fitted to 40 rows of 1 column (dist), given speed, hill" in text
    assert re.search(rf"^coefficient of speed +{fit.model.coefficients[0, 0]:.3f}$", text, re.M)
    assert re.search(rf"^coefficient of hill +{fit.model.coefficients[0, 1]:.4f}$", text, re.M)


def test_components_of_different_kinds_leave_cells_blank():
    x = np.r_[np.random.default_rng(0).normal(3, 0.5, 60), np.linspace(-10, 10, 40)]
    lines = str(lk.fit(lk.Mixture([lk.Normal(mean=3), lk.Uniform(-10, 10)], weights=[0.6, 0.4]), x)).splitlines()
    head = lines.index(next(line for line in lines if line.startswith("component")))
    assert lines[head].split("  ")[0] == "component"
    assert re.split(r"\s{2,}", lines[head]) == [
        "component", "weight (known)", "rows", "mean (known)", "sd", "low (known)", "high (known)",
    ]  # fmt: skip
    assert lines[head + 1].startswith("1 normal ")
    assert re.split(r"\s{2,}", lines[head + 2])[0::3] == ["2 uniform", "-10"]


def test_nested_mixtures_have_a_table_for_each_level():
    model = lk.Mixture(lk.Mixture(lk.Normal(variance=1), 2), 2)
    fit = lk.fit(model, np.r_[0.0, 1, 5, 6, 20, 21, 25, 26] + np.zeros((30, 1)).ravel()[:8], starts=1, max_passes=3)
    text = str(fit)
    assert "Mixture of 2 mixtures of 2 normal distributions" in text
    for name in ("1.1", "1.2", "2.1", "2.2"):
        assert re.search(rf"^{re.escape(name)} +\d+\.\d%", text, re.M)


def test_partly_known_slots_mark_the_known_numbers_alone():
    x = np.r_[np.zeros(5), np.ones(5), 9 * np.ones(5), 10 * np.ones(5)]
    text = str(lk.fit(lk.Mixture(lk.Normal(mean=[0.5, np.nan]), 2), x))
    assert re.search(r"^1 .* 0\.50+ \(known\)", text, re.M)
    assert re.search(r"^2 .* 9\.5\d* ", text, re.M)


def test_priors_show_the_objective_and_unbiased_is_named():
    text = said(lk.fit(lk.Normal(mean=lk.Normal(0, 1), variance=lk.unbiased), [1.0, 2.0, 3.0, 6.0]))
    assert "log-likelihood + log prior: what was maximised" in text
    assert "mean (prior)" in text
    assert "sd (unbiased)" in text


def test_categories_are_called_by_their_names():
    text = str(
        lk.fit(
            lk.Categorical(),
            {
                "drink": ["tea", "milk", "tea", "tea"],
            },
        )
    )
    assert "p of milk  0.2500" in text
    assert "p of tea   0.7500" in text


def test_components_take_the_names_of_labels():
    x = [0.0, 1, 0, 2, 10, 11, 12, 10.5]
    text = str(lk.fit(lk.Mixture(lk.Normal(), 2), x, labels=["low", None, "low", None, "high", None, None, "high"]))
    assert re.search("^1 high ", text, re.M)
    assert re.search("^2 low ", text, re.M)


def test_weights_are_told_from_rows():
    text = str(lk.fit(lk.Normal(), [1.0, 2.0, 4.0], weights=[2, 0.5, 1]))
    assert "fitted to 3 rows (total weight 3.5) of 1 column" in text


def test_hard_fits_say_that_the_likelihood_is_another():
    text = str(lk.fit(lk.Mixture(lk.Normal(variance=1), 2), [0.0, 1, 10, 11], hard=True))
    assert re.search(r"^classification log-likelihood +-\d", text, re.M)


def test_a_fit_that_did_not_converge_says_so_first(waiting):
    text = said(waiting, outcome=Outcome.pass_limit)
    assert text.splitlines()[3] == "Stopped at the limit of passes, before convergence; raise max_passes."


def test_a_lonely_optimum_asks_for_more_starts(waiting):
    starts = Starts((Optimum(waiting.objective, 1), Optimum(-1050.0, 2), Optimum(-1095.0, 1)), 6)
    text = said(waiting, starts=starts)
    assert (
        "10 starts: 1 reached this optimum, 3 ended at 2 lower optima, the highest -1050.00, 6 fell behind\n"
        "  and were dropped.\n"
        "Only one start reached it: more of them may find a better one (starts=100)." in text
    )


def test_a_loaded_fit_tells_the_same_but_for_the_rows(waiting):
    alone = dataclasses.replace(waiting, data=None)
    told, kept = str(alone).splitlines(), str(waiting).splitlines()
    assert told[:3] == kept[:3]
    assert "1                   40.0%  108.8" in str(alone)  # without responsibilities: what the weights say
    assert "probability above" not in str(alone)


@pytest.fixture
def chosen(waiting):
    rows = (
        Candidate("Mixture(Normal(), 1)", -1095.291, 2, 2201.79),
        Candidate("Mixture(Normal(), 2)", -1034.0, 5, 2096.03),
        Candidate("Mixture(Normal(), 90)", None, None, None, "every one of the 10 starts collapsed."),
    )
    return dataclasses.replace(waiting, selection=Selection("bic", rows, 1))


def test_a_selection_is_a_table_with_reasons(chosen):
    text = str(chosen)
    assert (
        """\
Candidates by BIC (lower is better)
model                  log-likelihood  parameters      BIC
Mixture(Normal(), 1)         -1095.29           2  2201.79
Mixture(Normal(), 2)         -1034.00           5  2096.03  chosen
Mixture(Normal(), 90)                                       failed
"""
        in text
    )
    assert text.endswith("Mixture(Normal(), 90) could not be fitted: every one of the 10 starts collapsed.")


def test_long_candidates_show_what_differs(waiting):
    model = "Mixture(Normal(variance=shared(InverseGamma(shape=2, scale=2))), {})"
    rows = tuple(Candidate(model.format(m), -1000.0 - m, m, 2000.0 + m) for m in (2, 12))
    text = str(dataclasses.replace(waiting, selection=Selection("aic", rows, 0)))
    assert (
        """\
Candidates by AIC (lower is better), which stand for … in
Mixture(Normal(variance=shared(InverseGamma(shape=2, scale=2))), …)
model  log-likelihood  parameters      AIC
2            -1002.00           2  2002.00  chosen
12           -1012.00          12  2012.00
"""
        in text
    )


def test_held_out_candidates_are_a_table_with_the_best_and_the_chosen(waiting):
    rows = (
        Candidate("Bernoulli(p=Beta(a=1, b=1))", None, 1, -np.inf, "", -np.inf, None, (-np.inf, -0.5)),
        Candidate("Bernoulli(p=Beta(a=2, b=2))", None, 1, -0.61234567, "", 0.0, None, (-0.6, -0.62)),
        Candidate("Bernoulli(p=Beta(a=5, b=5))", None, 1, -0.6171, "", -0.00475, 0.0123, (-0.61, -0.62)),
        Candidate("Normal()", None, 2, None, "without fold 1: it collapsed."),
    )
    edge = "Beta(a=5, b=5) is the last of 3 candidates, at the edge of its grid: one beyond it may be better."
    text = str(dataclasses.replace(waiting, selection=Selection("held-out", rows, 2, "2 folds", "1se", edge)))
    assert (
        """\
Candidates by held-out log-likelihood per row, 2 folds (higher is better)
model                        parameters     score  difference  std. error
Bernoulli(p=Beta(a=1, b=1))           1      -inf        -inf
Bernoulli(p=Beta(a=2, b=2))           1  -0.61235                          best
Bernoulli(p=Beta(a=5, b=5))           1  -0.61710    -0.00475      0.0123  chosen
Normal()                                                                   failed
"""
        in text
    )
    remarks = " ".join(text.split())
    assert remarks.endswith(
        "Bernoulli(p=Beta(a=5, b=5)) was chosen as the simplest within one standard error of the best, "
        f"Bernoulli(p=Beta(a=2, b=2)). {edge} Normal() could not be fitted: without fold 1: it collapsed."
    )


def test_html_escapes_every_name():
    x = np.random.default_rng(0).normal(size=(20, 2))
    fit = lk.fit(lk.MultivariateNormal(), {"<b>a</b>": x[:, 0], "p & q": x[:, 1]})
    html = fit._repr_html_()
    assert "<b>a</b>" not in html
    assert "mean of &lt;b&gt;a&lt;/b&gt;" in html
    assert "p &amp; q" in html
    assert html.count("<table>") == html.count("</table>") == 2


def test_rich_shows_the_same_numbers(faithful):
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=120, no_color=True).print(faithful.summary().rich())
    for number in ("-1130.26", "2322.19", "35.6%", "54.48"):
        assert number in out.getvalue()


def test_text_needs_no_rich():
    code = (
        "import sys, likely as lk; str(lk.fit(lk.Normal(), [1.0, 2.0, 3.0])); "
        "sys.exit('rich' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wide_tables_stay_within_the_line():
    rng = np.random.default_rng(3)
    centres = rng.uniform(-50, 50, (12, 3))
    x = np.concatenate([c + rng.normal(size=(20, 3)) for c in centres])
    text = str(lk.fit(lk.Mixture(lk.MultivariateNormal("spherical", covariance=1.0), 12), x, starts=1, max_passes=5))
    assert max(map(len, text.splitlines())) <= 100
    assert len(re.findall("^component ", text, re.M)) == 2  # in two pieces


def test_an_interrupted_fit_does_not_say_that_its_starts_fell_behind():
    def interrupt(step):
        if step.passes == 3:
            raise KeyboardInterrupt

    x = np.random.default_rng(0).normal(size=50)
    text = str(lk.fit(lk.Mixture(lk.Normal(), 2), x, callback=interrupt).summary())
    assert "Interrupted; these are the best parameters so far." in text
    assert "20 starts were under way; more passes may find a better fit." in text
    assert "fell behind" not in text
