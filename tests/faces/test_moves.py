"""What the summary says of a hidden Markov model."""

import numpy as np

import likely as lk

ROWS = [0.1, 0.3, -0.2, 7.0, 7.3, 6.9, 0.2, 0.0, 7.1, 7.2]
START = lk.HMM(lk.Normal([0, 7], 1.0), 2, initial=[0.5, 0.5], transition=[[0.8, 0.2], [0.2, 0.8]])


def block(fit, heading):
    """The lines of the summary from a heading on."""
    lines = str(fit).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(heading))
    return lines[at : at + next((n for n, line in enumerate(lines[at:]) if not line), len(lines))]


def test_there_is_a_line_for_each_state():
    fit = lk.fit(lk.HMM(lk.Normal(variance=0.1), 2), ROWS, start=START)
    assert block(fit, "state") == [
        "state  initial  share of rows  expected stay (rows)   mean  sd (known)",
        "1       100.0%          50.0%                 2.500  0.080      0.3162",
        "2         0.0%          50.0%                 4.000  7.100      0.3162",
    ]
    assert "10 of 10 rows belong to one state with probability above 0.9." in str(fit)


def test_moves_have_a_table():
    fit = lk.fit(lk.HMM(lk.Normal(variance=0.1), 2), ROWS, start=START)
    assert block(fit, "Probability") == [
        "Probability of the next state",
        "from \\ to       1       2",
        "1          0.6000  0.4000",
        "2          0.2500  0.7500",
    ]


def test_moves_tell_what_was_known_or_has_a_prior():
    right = lk.HMM(lk.Normal(variance=0.1), 2, transition=[[np.nan, np.nan], [0, 1]])
    start = lk.HMM(lk.Normal([0, 7], 1.0), 2, initial=[0.5, 0.5], transition=[[0.8, 0.2], [0, 1]])
    assert block(lk.fit(right, ROWS[:6], start=start), "Probability")[2:] == [
        "1             0.6667          0.3333",
        "2          0 (known)  1.0000 (known)",
    ]
    known = lk.HMM(lk.Normal(variance=0.1), 2, transition=[[0.8, 0.2], [0.2, 0.8]])
    assert block(lk.fit(known, ROWS, start=START), "Probability")[0] == "Probability of the next state (known)"
    prior = lk.HMM(lk.Normal(variance=0.1), 2, transition=lk.Dirichlet([2.0, 2.0]))
    assert block(lk.fit(prior, ROWS, start=START), "Probability")[0] == "Probability of the next state (prior)"


def test_states_have_the_names_of_their_labels():
    labels = ["calm"] * 3 + ["wild"] * 3 + ["calm"] * 2 + ["wild"] * 2
    fit = lk.fit(lk.HMM(lk.Normal(variance=0.1), 2), ROWS, labels=labels)
    assert [line.split()[:2] for line in block(fit, "state")[1:]] == [["1", "calm"], ["2", "wild"]]
    assert [line.split()[0] for line in block(fit, "Probability")[2:]] == ["calm", "wild"]


def test_sequences_share_rows_by_their_weights():
    model = lk.HMM(lk.Normal(variance=0.1), 2, initial=[0.5, 0.5])
    fit = lk.fit(model, [[0.0, 0.2], [7.0, 7.1]], weights=[3, 1], start=START)
    assert [line.split()[2] for line in block(fit, "state")[1:]] == ["75.0%", "25.0%"]


def test_states_that_last_have_their_durations_in_a_table_of_their_own():
    start = lk.HMM(START.emission, 2, initial=[0.5, 0.5], transition=[[0, 1], [1, 0]], durations=lk.Poisson([2.0, 2.0]))
    model = lk.HMM(lk.Normal(variance=0.1), 2, durations=lk.Poisson())
    fit = lk.fit(model, ROWS, start=start)
    rates = fit.model.durations.rate
    assert block(fit, "durations")[1].split() == ["state", "rate"]
    assert float(block(fit, "durations")[2].split()[1]) == np.round(rates[0], 3)
    assert float(block(fit, "state")[1].split()[3]) == np.round(1 + rates[0], 3)


def test_a_loaded_fit_has_no_shares_of_rows(tmp_path):
    lk.fit(lk.HMM(lk.Normal(variance=0.1), 2), ROWS, start=START).save(tmp_path / "fit.json")
    assert block(lk.load(tmp_path / "fit.json"), "state")[0].split("  ")[1].strip() == "initial"
    assert "share" not in str(lk.load(tmp_path / "fit.json"))


def test_a_stationary_start_has_no_column():
    fit = lk.fit(lk.HMM(lk.Normal(variance=0.1), 2, initial="stationary"), ROWS, starts=2)
    assert block(fit, "state")[0] == "state  share of rows  expected stay (rows)   mean  sd (known)"


def test_every_chain_of_a_mixture_has_its_moves():
    chain = lk.HMM(lk.Normal([0.0, 7.0], 1.0), 2, initial=[0.5, 0.5])
    fit = lk.fit(lk.Mixture(chain, 2), [ROWS, ROWS[::-1], [0.0, 7.0] * 5, [7.0, 0.0] * 4], starts=3)
    for i, matrix in enumerate(fit.model.component.transition):
        lines = block(fit, f"Probability of the next state, component {i + 1}")
        numbers = [[float(p) for p in line.split()[1:]] for line in lines[2:]]
        np.testing.assert_allclose(numbers, matrix, atol=5e-5)
