"""`choose(...)` by held-out likelihood: scores are those of fits to the other rows, and the chosen is fitted to all."""

import numpy as np
import pytest

import likely as lk

RNG = np.random.default_rng(0)
GAPS = RNG.gamma(2.0, 1.5, 60)
PLANE = RNG.normal(size=(60, 2)) @ [[1.0, 0.4], [0, 2]]
COLOURS = RNG.choice(["red", "green", "blue"], 60, p=[0.6, 0.3, 0.1])
IDS = RNG.integers(0, 4, 60)  # folds of unequal sizes
WEIGHTS = RNG.integers(1, 4, 60).astype(float)


def by_hand(model, x, ids, weights=None, given=None, **options):
    """Log-likelihood and weight of each fold under a fit to the raw rows of the others."""
    weights = np.ones(len(ids)) if weights is None else weights
    totals, sizes = [], []
    for f in np.unique(ids):
        train, test = ids != f, ids == f
        roles = {} if given is None else {"given": given[train]}
        fit = lk.fit(model, x[train], weights=weights[train], **roles, **options)
        log_prob = fit.log_prob(x[test], None if given is None else given[test])
        totals.append(weights[test] @ log_prob)
        sizes.append(weights[test].sum())
    return np.array(totals), np.array(sizes)


FAMILIES = {
    "Normal": ([lk.Normal(), lk.Normal(variance=2), lk.Normal(mean=0)], GAPS),
    "Gamma": ([lk.Gamma(), lk.Gamma(shape=2), lk.Exponential()], GAPS),
    "Uniform": ([lk.Uniform(0, 100), lk.LogNormal()], GAPS),
    "MultivariateNormal": ([lk.MultivariateNormal(form) for form in ("full", "diagonal", "spherical")], PLANE),
    "Independent": ([lk.Independent(lk.Normal()), lk.MultivariateNormal()], PLANE),
    "Poisson": ([lk.Poisson(), lk.Geometric(), lk.NegativeBinomial()], np.floor(GAPS)),
    "Bernoulli": ([lk.Bernoulli(p=lk.Beta(a, a)) for a in (1, 2, 50)], (GAPS > 2).astype(float)),
    "Categorical": ([lk.Categorical(p=lk.Dirichlet(a)) for a in (1, 1.5, 20)], COLOURS),
}


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", FAMILIES)
def test_merged_folds_score_like_fits_to_the_raw_rows(name, weights):
    models, x = FAMILIES[name]
    fit = lk.fit(lk.choose(models), x, folds=IDS, weights=weights)
    for model, candidate in zip(models, fit.selection.candidates, strict=True):
        totals, sizes = by_hand(model, x, IDS, weights)
        np.testing.assert_allclose(candidate.folds, totals / sizes, rtol=1e-10)
        assert candidate.score == pytest.approx(totals.sum() / sizes.sum(), rel=1e-10)


def test_regressions_are_held_out_with_their_covariates():
    u = RNG.normal(size=(60, 2))
    y = u @ [1.0, -2.0] + RNG.normal(size=60)
    fit = lk.fit(lk.LinearGaussian(covariance=lk.choose([0.5, 1, 2])), y, given=u, folds=IDS)
    for value, candidate in zip((0.5, 1, 2), fit.selection.candidates, strict=True):
        totals, sizes = by_hand(lk.LinearGaussian(covariance=value), y, IDS, given=u)
        np.testing.assert_allclose(candidate.folds, totals / sizes, rtol=1e-10)


def test_a_fold_of_a_mixture_is_fitted_to_the_other_rows_alone():
    x = np.r_[RNG.normal(0, 1, 30), RNG.normal(5, 1, 30)]
    model = lk.Mixture(lk.Normal(), lk.choose([1, 2]))
    fit = lk.fit(model, x, folds=IDS, starts=3, seed=5)
    for k, candidate in zip((1, 2), fit.selection.candidates, strict=True):
        totals, sizes = by_hand(lk.Mixture(lk.Normal(), k), x, IDS, starts=3, seed=5)
        np.testing.assert_allclose(candidate.folds, totals / sizes, rtol=1e-10)
    assert fit.model.size == 2


def test_the_chosen_one_is_fitted_to_all_rows():
    fit = lk.fit(lk.choose([lk.Exponential(), lk.Gamma()]), GAPS, folds=5)
    alone = lk.fit(lk.Gamma(), GAPS)
    assert fit.model.shape == pytest.approx(alone.model.shape, rel=1e-9)
    assert (fit.n_obs, fit.log_likelihood) == (60, pytest.approx(alone.log_likelihood, rel=1e-12))
    assert fit.selection.by == "held-out"
    assert fit.selection.how == "5 folds"


def test_the_score_is_a_total_and_no_mean_of_means():
    fit = lk.fit(lk.choose([lk.Normal(), lk.Normal(mean=0)]), GAPS, folds=[0] * 50 + [1] * 10)
    for c in fit.selection.candidates:
        assert c.score == pytest.approx((50 * c.folds[0] + 10 * c.folds[1]) / 60, rel=1e-12)


def test_the_standard_error_is_that_of_paired_differences():
    fit = lk.fit(lk.choose([lk.Normal(), lk.LogNormal(), lk.Gamma()]), GAPS, folds=10)
    rows, best = fit.selection.candidates, fit.selection.chosen
    assert rows[best].difference == 0
    assert rows[best].standard_error is None
    for row in rows[:best] + rows[best + 1 :]:
        d = np.array(row.folds) - rows[best].folds
        assert row.difference == pytest.approx(d.mean(), rel=1e-10)
        assert row.standard_error == pytest.approx(d.std(ddof=1) / np.sqrt(10), rel=1e-10)


def test_repeats_do_not_shrink_the_standard_error():
    model = lk.choose([lk.Normal(), lk.Gamma()])
    errors = [lk.fit(model, GAPS, folds=10, repeats=r).selection.candidates[0].standard_error for r in (1, 10)]
    assert 0.5 < errors[1] / errors[0] < 2
    assert len(lk.fit(model, GAPS, folds=10, repeats=3).selection.candidates[0].folds) == 30


def test_the_seed_decides_and_nothing_else_does():
    model = lk.choose([lk.Normal(), lk.Gamma()])
    scores = [lk.fit(model, GAPS, folds=5, seed=s, threads=t).selection for s, t in ((1, 1), (1, 2), (2, 1))]
    assert scores[0] == scores[1]
    assert scores[0] != scores[2]


def test_rows_of_zero_weight_are_absent_rows():
    model = lk.choose([lk.Normal(), lk.Gamma()])
    weights = np.r_[np.ones(60), np.zeros(3)]
    padded = lk.fit(model, np.r_[GAPS, [-5.0, 60, 70]], weights=weights, folds=5).selection
    for a, b in zip(padded.candidates, lk.fit(model, GAPS, folds=5).selection.candidates, strict=True):
        np.testing.assert_allclose(a.folds, b.folds, rtol=1e-12)


def test_a_column_may_hold_groups_or_folds():
    frame = {"gap": GAPS.tolist(), "who": [f"person {i % 12}" for i in range(60)]}
    model = lk.choose([lk.Normal(), lk.Gamma()])
    by_name = lk.fit(model, frame, folds=4, groups="who")
    assert by_name.columns == ("gap",)
    assert [len(c.folds) for c in by_name.selection.candidates] == [4, 4]
    ids = lk.fit(model, frame, folds="who").selection
    assert len(ids.candidates[0].folds) == 12
    assert ids == lk.fit(model, GAPS, folds=frame["who"]).selection


def test_members_of_a_group_do_not_vouch_for_one_another():
    """Every group has a category of its own: held out whole, its rows were never seen."""
    x = np.repeat([f"g{i}" for i in range(10)], 3)
    model = lk.Categorical(p=lk.choose([lk.Dirichlet(1.5), lk.Dirichlet(3)]))
    whole = lk.fit(model, x, folds=5, groups=x).selection.candidates[0]
    expected = np.log(0.5 / (24 + 10 * 0.5))  # 24 rows are left, none of them in the category
    np.testing.assert_allclose(whole.folds, expected, rtol=1e-12)


def test_an_unseen_category_scores_minus_infinity_and_comes_last():
    x = ["a"] * 6 + ["b"] * 6 + ["c"]
    fit = lk.fit(lk.Categorical(p=lk.choose([lk.Dirichlet(1), lk.Dirichlet(2)])), x, folds=13)
    first, second = fit.selection.candidates
    assert (first.score, first.difference, first.standard_error) == (-np.inf, -np.inf, None)
    assert np.isfinite(second.score)
    assert fit.selection.chosen == 1


def test_where_all_are_impossible_the_first_is_taken_and_it_is_said():
    fit = lk.fit(lk.choose([lk.Uniform(), lk.Uniform(low=0)]), [1.0, 2, 3, 4], folds=4)
    assert fit.selection.chosen == 0
    assert [c.score for c in fit.selection.candidates] == [-np.inf, -np.inf]
    said = "Under every candidate some held-out row has probability 0; a prior gives each its share."
    assert said in " ".join(str(fit.summary()).split())


def test_categories_are_known_from_all_rows_also_inside_a_mixture():
    x = ["a"] * 8 + ["b"] * 8 + ["c"]
    fit = lk.fit(
        lk.Mixture(lk.Categorical(p=lk.Dirichlet(2)), lk.choose([1, 2])), x, folds=[0] * 8 + [1] * 8 + [2], starts=2
    )
    # Without fold 3 there are 8 a, 8 b and 3 pretend rows: c has 1 of 19.
    assert fit.selection.candidates[0].folds[2] == pytest.approx(np.log(1 / 19), rel=1e-9)


def test_a_training_part_that_cannot_be_fitted_is_named():
    x = [1.0, 1.0, 1.0, 2.0, 5.0]
    fit = lk.fit(lk.choose([lk.Normal(), lk.Normal(variance=1)]), x, folds=[0, 0, 0, 1, 1])
    failed = fit.selection.candidates[0]
    assert (failed.score, failed.n_free) == (None, 2)
    assert failed.why == (
        "without fold 2: column 1 is constant (1 in all 3 rows): the likelihood grows without bound as the variance "
        "falls to 0. Leave the column out, or give the variance a value or a prior."
    )
    assert fit.selection.chosen == 1
    with pytest.raises(lk.FitError) as error:
        lk.fit(lk.choose([lk.Normal(), lk.Normal(mean=1)]), x, folds=[0, 0, 0, 1, 1])
    assert str(error.value) == f"none of the 2 candidates could be fitted; the first: {failed.why}"


def test_a_mixture_with_too_few_distinct_rows_in_a_fold_is_named():
    x = [0.0, 0.0, 1.0, 1.0, 2.0, 3.5]
    fit = lk.fit(lk.Mixture(lk.Normal(), lk.choose([1, 3])), x, folds=[1, 1, 1, 0, 0, 0], starts=2)
    why = fit.selection.candidates[1].why
    assert why == "without fold 1: 3 components, but the data has only 2 distinct rows; ask for at most 2."


@pytest.mark.parametrize(("seed", "best", "simplest"), [(1, 0, 2), (7, 1, 2), (0, 0, 0)])
def test_one_standard_error_takes_the_simplest_within_reach(seed, best, simplest):
    """The mean is a quarter of a standard deviation from 0: on 80 rows sometimes worth a parameter, sometimes not."""
    x = np.random.default_rng(seed).normal(0.25, 1, 80)
    model = lk.choose([lk.Normal(), lk.Normal(mean=0), lk.Normal(mean=0, variance=1)])
    table, careful = (lk.fit(model, x, folds=10, rule=rule) for rule in ("best", "1se"))
    rows = table.selection.candidates
    within = [i for i, r in enumerate(rows) if r.difference == 0 or r.difference >= -r.standard_error]
    assert [r.n_free for r in rows] == [2, 1, 0]
    assert (table.selection.chosen, max(within)) == (best, simplest)
    assert (careful.selection.best, careful.selection.chosen) == (best, simplest)
    said = " ".join(str(careful.summary()).split())
    assert ("was chosen as the simplest within one standard error of the best" in said) == (best != simplest)


@pytest.mark.parametrize("order", [1, -1])
def test_of_priors_the_strongest_is_the_simplest_whatever_their_order(order):
    tosses = np.random.default_rng(8).random(40) < 0.5
    priors = [lk.Beta(a, a) for a in (1, 2, 5, 20)][::order]
    fit = lk.fit(lk.Bernoulli(p=lk.choose(priors)), tosses, folds=10, rule="1se")
    rows, table = fit.selection.candidates, fit.selection
    assert all(r.difference == 0 or r.difference >= -r.standard_error for r in rows)
    assert rows[table.best].model == "Bernoulli(p=Beta(a=2, b=2))"
    assert rows[table.chosen].model == "Bernoulli(p=Beta(a=20, b=20))"


class Fifths:
    """A splitter with the interface of scikit-learn."""

    def split(self, x, y=None, groups=None):
        for f in range(5):
            held = np.arange(len(x)) * 5 // len(x) == f
            yield np.flatnonzero(~held), np.flatnonzero(held)


def test_a_splitter_decides_like_the_folds_it_makes():
    model = lk.choose([lk.Normal(), lk.Gamma()])
    ours = lk.fit(model, GAPS, folds=np.arange(60) // 12).selection
    theirs = lk.fit(model, GAPS, folds=Fifths()).selection
    assert theirs.how == "the splits of Fifths"
    for a, b in zip(ours.candidates, theirs.candidates, strict=True):
        np.testing.assert_allclose(a.folds, b.folds, rtol=1e-12)


def test_the_callback_stops_while_candidates_are_judged():
    x = np.r_[RNG.normal(0, 1, 30), RNG.normal(5, 1, 30)]
    model = lk.Mixture(lk.Normal(), lk.choose([2, 3]))
    with pytest.raises(lk.FitError) as error:
        lk.fit(model, x, folds=3, starts=2, callback=_stop)
    assert str(error.value) == "the callback stopped the fit before any candidate was judged on every fold."
    with pytest.raises(KeyboardInterrupt):
        lk.fit(model, x, folds=3, starts=2, callback=_interrupt)


def test_a_callback_that_stops_later_leaves_what_was_judged():
    x = np.r_[RNG.normal(0, 1, 30), RNG.normal(5, 1, 30)]
    judged = lk.fit(lk.choose([lk.Normal(), lk.Mixture(lk.Normal(), 2)]), x, folds=3, starts=2, callback=_stop)
    assert judged.outcome is lk.Outcome.stopped
    assert len(judged.selection.candidates) == 1


def _stop(_step):
    return True


def _interrupt(_step):
    raise KeyboardInterrupt


# -- the procedure of the lecture ------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{"holdout": 0.3}, {"folds": 10}], ids=["70/30", "ten folds"])
def test_a_range_of_priors_is_tried_and_the_best_fitted_to_training_and_validation(options):
    tosses = np.random.default_rng(2).random(60) < 0.55
    strengths = (1, 2, 5, 10, 50, 200)
    fit = lk.fit(lk.Bernoulli(p=lk.choose([lk.Beta(a, a) for a in strengths])), tosses, **options)
    rows = fit.selection.candidates
    assert fit.selection.chosen == np.argmax([r.score for r in rows])
    a, up = strengths[fit.selection.chosen], tosses.sum()
    assert fit.model.p == pytest.approx((up + a - 1) / (60 + 2 * a - 2), rel=1e-12)


@pytest.mark.parametrize("options", [{"holdout": 0.3}, {"folds": 10}], ids=["70/30", "ten folds"])
def test_where_maximum_likelihood_overfits_the_chosen_prior_wins_on_fresh_data(options):
    rng = np.random.default_rng(4)
    truth = rng.dirichlet(np.full(60, 3.0))
    few, fresh = rng.choice(60, 150, p=truth), rng.choice(60, 20_000, p=truth)
    priors = [lk.Dirichlet(1 + a) for a in (1e-3, 1e-2, 0.1, 0.3, 1, 3, 10, 100)]
    chosen = lk.fit(lk.Categorical(p=lk.choose(priors), categories=range(60)), few, **options)
    likelihood = lk.fit(lk.Categorical(categories=range(60)), few)
    each = [lk.fit(lk.Categorical(p=prior, categories=range(60)), few).score(fresh) for prior in priors]
    assert likelihood.score(few) > chosen.score(few)
    assert likelihood.score(fresh) == -np.inf
    assert chosen.score(fresh) > each[0] + 0.25  # maximum likelihood but for a thousandth of a pretend row
    assert chosen.score(fresh) > max(each) - 0.05
