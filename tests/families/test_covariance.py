"""The fourteen covariance models: what they count, where their maxima are, what they have in common."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_iris

import likely as lk
from banks import bank, random_weights
from likely.core.slot import Axis
from likely.families.covariance import FORMS, MODELS
from likely.families.covariance_steps import STEPS
from support import bound, e_step

IRIS = load_iris()
SPECIES = IRIS.target
JOINT = ["VEI", "EVI", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV"]
NESTED = [
    ("EII", "VII"), ("EII", "EEI"), ("VII", "VEI"), ("EEI", "VEI"), ("EEI", "EVI"), ("VEI", "VVI"), ("EVI", "VVI"),
    ("EEI", "EEE"), ("VEI", "VEE"), ("EVI", "EVE"), ("VVI", "VVE"), ("EEE", "VEE"), ("EEE", "EVE"), ("EEE", "EEV"),
    ("VEE", "VVE"), ("EVE", "VVE"), ("VEE", "VEV"), ("EEV", "VEV"), ("EVE", "EVV"), ("EEV", "EVV"), ("VVE", "VVV"),
    ("VEV", "VVV"), ("EVV", "VVV"),
]  # fmt: skip


def in_mixture(form, size, d, **slots):
    return lk.MultivariateNormal(form, **slots).bind((Axis("component", size),), {"d": d})


def table_of_counts(g, d):
    """Parameters of the covariances, as mclust and the literature count them."""
    a = d * (d - 1) // 2
    return {
        "EII": 1, "VII": g, "EEI": d, "VEI": g + d - 1, "EVI": 1 + g * (d - 1), "VVI": g * d, "EEE": d + a,
        "VEE": g + d - 1 + a, "EVE": 1 + g * (d - 1) + a, "VVE": g * d + a, "EEV": d + g * a,
        "VEV": g + d - 1 + g * a, "EVV": 1 - g + g * (d + a), "VVV": g * (d + a),
    }  # fmt: skip


@pytest.mark.parametrize(("g", "d"), [(4, 3), (2, 5), (1, 3), (3, 2)])
def test_parameters_are_counted_as_in_the_table(g, d):
    assert {m: in_mixture(m, g, d).count_free() - g * d for m in MODELS} == table_of_counts(g, d)


def test_a_mixture_counts_means_and_weights_too():
    counts = [lk.Mixture(lk.MultivariateNormal(m), 2).bind((), {"d": 5}).count_free() for m in MODELS]
    assert dict(zip(MODELS, counts, strict=True)) == {m: c + 11 for m, c in table_of_counts(2, 5).items()}
    assert [counts[MODELS.index(m)] for m in ("VII", "VVI", "EEE", "VVV")] == [13, 21, 26, 41]


def own_covariances(g, d, seed=0):
    """Covariances of a few rows each, and weights."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(g, 6 * d, d)) @ rng.normal(size=(g, d, d)) * np.exp(rng.normal(size=(g, 1, 1)))
    return np.swapaxes(rows, 1, 2) @ rows / (6 * d), rng.uniform(1, 30, g)


def lost(covariance, own, weight):
    """What the M-step minimises."""
    _, log_det = np.linalg.slogdet(covariance)
    return float(weight @ (log_det + np.einsum("kij,kji->k", own, np.linalg.inv(covariance))))


def parts(letters, u, g, d):
    """Axes (g, d, d) and variances (g, d) straight from the definition; u has room for one set a member."""
    u = u.reshape(g, -1)
    of = [np.zeros(g, int) if letter == "E" else np.arange(g) for letter in letters]
    skew = np.zeros((g, d, d))
    skew[:, *np.triu_indices(d, 1)] = u[:, d:]
    skew -= np.swapaxes(skew, 1, 2)
    axes = np.linalg.solve(np.eye(d) + skew, np.eye(d) - skew)
    shape = np.concatenate([u[:, 1:d], -u[:, 1:d].sum(1, keepdims=True)], 1)
    axes = axes[of[2]] if letters[2] != "I" else np.broadcast_to(np.eye(d), axes.shape)
    shape = shape[of[1]] if letters[1] != "I" else np.zeros((g, d))
    return axes, np.exp(u[of[0], :1] + shape)


def step(letters, own, weight, before=None):
    narrow = FORMS[letters].scatter != "full"
    d = own.shape[1]
    given = np.einsum("kdd->kd", own) if narrow else own
    if narrow and before is not None:
        before = np.einsum("kdd->kd", before)
    found = STEPS[letters](given, weight, before)
    return found[:, :, None] * np.eye(d) if narrow else found


@pytest.mark.parametrize("letters", STEPS)
@pytest.mark.parametrize(("g", "d"), [(3, 2), (2, 3)])
def test_no_numerical_minimiser_finds_better_covariances(letters, g, d):
    own, weight = own_covariances(g, d)
    found = lost(step(letters, own, weight), own, weight)
    size = d + d * (d - 1) // 2

    def f(u):
        axes, variance = parts(letters, u, g, d)
        seen = np.einsum("kij,kim,kmj->kj", axes, own, axes)
        return float(weight @ (np.log(variance) + seen / variance).sum(1))

    with np.errstate(over="ignore"):
        starts = [0.5 * np.random.default_rng(s).normal(size=g * size) for s in range(2)]
        best = min((minimize(f, u, method="BFGS") for u in starts), key=lambda r: r.fun)
    assert found <= best.fun + 1e-9 * abs(best.fun)
    assert found == pytest.approx(best.fun, abs=1e-4)  # and they are of the model: nothing better is possible


@pytest.mark.parametrize("letters", STEPS)
def test_the_step_stays_where_it_is_best_and_never_loses(letters):
    own, weight = own_covariances(4, 5, seed=1)
    first = step(letters, own, weight)
    again = step(letters, own, weight, first)
    assert again == pytest.approx(first, rel=1e-7, abs=1e-9)
    changed = own * np.random.default_rng(2).uniform(0.8, 1.2, (4, 1, 1))
    assert lost(step(letters, changed, weight, first), changed, weight) <= lost(first, changed, weight) + 1e-9


@pytest.mark.parametrize("letters", ["EVE", "VVE"])
def test_common_axes_are_those_of_covariances_that_have_them_in_common(letters):
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    variance = rng.exponential(size=(3, 6)) + 0.1
    variance /= np.exp(np.log(variance).mean(1, keepdims=True))
    own = (axes * variance[:, None, :]) @ axes.T
    assert step(letters, own, np.array([10.0, 20.0, 5.0])) == pytest.approx(own, abs=1e-12)


@pytest.mark.parametrize("letters", MODELS)
@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_coordinates_come_back_and_are_as_many_as_the_parameters(letters, d):
    g = 3
    family = in_mixture(letters, g, d)
    own, weight = own_covariances(g, d, seed=d)
    rows = np.linalg.cholesky(own) @ np.concatenate([np.eye(d), -np.eye(d)], 1) * np.sqrt(d)
    x = np.concatenate([r.T for r in rows])
    _, table = bank(lk.MultivariateNormal(letters), g, x)
    w = np.repeat(np.eye(g) * weight, 2 * d, 0)
    params = family.maximize(family.collect(None, None, table, w), None)
    u = family.flatten(params)
    assert len(u) == family.count_free()
    back = family.unflatten(u, params)
    assert back.covariance == pytest.approx(params.covariance, rel=1e-11, abs=1e-12 * np.abs(params.covariance).max())
    for seed in range(5):
        moved = u + 0.3 * np.random.default_rng(seed).normal(size=len(u))
        once = family.unflatten(moved, params)
        twice = family.unflatten(family.flatten(once), params)
        scale = np.abs(once.covariance).max()
        assert twice.covariance == pytest.approx(once.covariance, rel=1e-9, abs=1e-11 * scale)


def labelled(form, x=IRIS.data, labels=SPECIES, **slots):
    return lk.fit(lk.Mixture(lk.MultivariateNormal(form, **slots), 3), x, labels=labels, starts=1)


def test_models_within_models_are_less_likely():
    height = {m: labelled(m).log_likelihood for m in MODELS}
    assert {pair for pair in NESTED if height[pair[0]] > height[pair[1]] + 1e-9} == set()


MOVES = {
    "any": (["EEE", "VEE", "EVV", "VVV"], np.array([[1, 2, 0, 0], [0, 1, 0, 3], [0.5, 0, 2, 0], [0, 0, 1, 0.1]])),
    "columns": (["EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVV", "VVV"], np.diag([1e-3, 1, 5, 1e4])),
    "turn": (["EII", "VII", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"],
             3 * np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]),
}  # fmt: skip


@pytest.mark.parametrize(("move", "letters"), [(move, m) for move, (models, _) in MOVES.items() for m in models])
def test_models_follow_the_maps_under_which_they_are_closed(move, letters):
    t, shift = MOVES[move][1], np.array([3.0, -1, 0, 100])
    fit, moved = labelled(letters), labelled(letters, IRIS.data @ t.T + shift)
    log_det = np.linalg.slogdet(t)[1]
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood - 150 * log_det, abs=1e-7)
    sd = np.sqrt(np.einsum("kdd->kd", moved.model.component.covariance))
    expected = t @ fit.model.component.covariance @ t.T
    unit = sd[:, :, None] * sd[:, None, :]
    assert moved.model.component.covariance / unit == pytest.approx(expected / unit, abs=1e-7)


def test_shared_and_letters_are_one_path():
    for word, letters in (("full", "EEE"), ("diagonal", "EEI"), ("spherical", "EII")):
        one = labelled(word, covariance=lk.shared)
        two, three = labelled(letters), labelled(letters, covariance=lk.shared)
        assert one.log_likelihood == two.log_likelihood == three.log_likelihood
        assert np.array_equal(one.model.component.covariance, two.model.component.covariance)
        assert one.n_free == two.n_free
    assert labelled("shared").log_likelihood == labelled("EEE").log_likelihood
    for word, letters in (("full", "VVV"), ("diagonal", "VVI"), ("spherical", "VII")):
        assert labelled(word).log_likelihood == labelled(letters).log_likelihood


def test_a_prior_on_one_covariance_for_all_counts_once_and_else_for_each():
    prior = lk.InverseWishart(7, np.eye(4))
    for letters, times in (("EEE", 1), ("EII", 1), ("VVE", 3), ("EVI", 3)):
        model = lk.Mixture(lk.MultivariateNormal(letters, covariance=prior), 3)
        family, table = bound(model, IRIS.data)
        params = family.start(table, np.ones((150, 1)), np.random.default_rng(0))
        each = prior.log_prob(params.component.covariance.reshape(3, 16))
        assert family.log_prior(params) == pytest.approx(each[:times].sum(), rel=1e-12)


def test_in_one_column_there_are_two_models():
    x = np.concatenate([np.random.default_rng(1).normal(m, s, 60) for m, s in ((0, 1), (7, 2))])
    height = {m: lk.fit(lk.Mixture(lk.MultivariateNormal(m), 2), x, starts=3).log_likelihood for m in MODELS}
    assert len({h for m, h in height.items() if m[0] == "E"}) == 1
    assert len({h for m, h in height.items() if m[0] == "V"}) == 1
    assert height["EEE"] == pytest.approx(
        lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), 2), x, starts=3).log_likelihood, rel=1e-9
    )
    assert {lk.Mixture(lk.MultivariateNormal(m), 2).bind((), {"d": 1}).count_free() for m in MODELS} == {4, 5}


def test_one_component_has_three_models():
    score = {m: lk.fit(lk.Mixture(lk.MultivariateNormal(m), 1), IRIS.data).bic for m in MODELS}
    assert len(set(score.values())) == 3
    assert score["EII"] == score["VII"]
    assert score["EEI"] == score["EVI"] == score["VVI"]
    assert score["EEE"] == score["VVE"] == score["EEV"]
    alone = {m: lk.fit(lk.MultivariateNormal(m), IRIS.data).log_likelihood for m in MODELS}
    assert len(set(alone.values())) == 3


def test_what_is_common_is_common_to_the_components_of_the_nearest_mixture():
    x = np.random.default_rng(0).normal(size=(80, 2)) * [1, 3]
    family, table = bound(lk.Mixture(lk.Mixture(lk.MultivariateNormal("VEE"), 2), 3), x)
    params = family.start(table, np.ones((80, 1)), np.random.default_rng(1))
    new = family.maximize(e_step(family, params, table)[1], params).component.component.covariance
    shape = new / np.sqrt(np.linalg.det(new))[:, None, None]
    assert shape[0::2] == pytest.approx(shape[1::2], rel=1e-9)
    assert np.abs(np.diff(shape[0::2, 0, 1])).min() > 1e-3
    assert family.count_free() == 2 + 3 * 1 + 6 * 2 + 3 * (2 + 1 + 1)


@pytest.mark.parametrize("letters", JOINT)
def test_a_member_without_weight_disturbs_nobody_and_keeps_to_the_model(letters):
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(40, 3)), rng.random((40, 3))
    family, table = bank(lk.MultivariateNormal(letters), 3, x)
    first = family.maximize(family.collect(None, None, table, w), None)
    w[:, 1] = 0
    second = family.maximize(family.collect(first, None, table, w), first)
    two, _ = bank(lk.MultivariateNormal(letters), 2, x)
    pair = two.maximize(two.collect(None, None, table, w[:, [0, 2]]), None)
    assert second.covariance[[0, 2]] == pytest.approx(pair.covariance, rel=1e-7, abs=1e-9)
    assert second.mean[1].tolist() == first.mean[1].tolist()
    again = family.unflatten(family.flatten(second), second)
    assert again.covariance == pytest.approx(second.covariance, rel=1e-8, abs=1e-9)
    with pytest.raises(lk.Degenerate) as e:
        family.maximize(family.collect(None, None, table, w), None)
    assert str(e.value) == "it got no rows to start from"


@pytest.mark.parametrize("letters", ["VVI", "EVI", "VVE", "EVE", "VVV", "EVV"])
def test_a_needle_is_a_collapse_that_names_the_component_and_the_cure(letters):
    rng = np.random.default_rng(5)
    cloud = rng.normal(size=(30, 3))
    needle = np.column_stack([rng.normal(size=8), np.full(8, 5.0), np.full(8, 7.0)])
    x, labels = np.concatenate([cloud, needle]), np.repeat([0, 1], [30, 8])
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Mixture(lk.MultivariateNormal(letters), 2), x, labels=labels, starts=1)
    assert str(e.value) == (
        "the only start collapsed: component 2: its covariance fell to zero with 8 rows left to it, where the "
        "likelihood is unbounded. Try fewer components, a simpler form such as 'EEE' or 'VII', or a prior in "
        "covariance=..."
    )
    lk.fit(lk.Mixture(lk.MultivariateNormal(letters, covariance=lk.InverseWishart(5, 0.1)), 2), x, labels=labels)


@pytest.mark.parametrize("letters", ["EII", "VII", "EEI", "VEI", "EEE", "VEE", "EEV", "VEV"])
def test_a_common_shape_keeps_a_flat_component_from_collapsing(letters):
    rng = np.random.default_rng(5)
    needle = np.column_stack([rng.normal(size=8), np.full(8, 5.0), np.full(8, 7.0)])
    x, labels = np.concatenate([rng.normal(size=(30, 3)), needle]), np.repeat([0, 1], [30, 8])
    assert np.isfinite(lk.fit(lk.Mixture(lk.MultivariateNormal(letters), 2), x, labels=labels).log_likelihood)


@pytest.mark.parametrize("letters", [m for m in MODELS if FORMS[m].scatter == "full"])
def test_fewer_rows_than_columns_are_explained(letters):
    x = np.random.default_rng(0).normal(size=(4, 6))
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.MultivariateNormal(letters), x)
    assert str(e.value) == (
        f"MultivariateNormal({letters!r}): its covariance fell to zero, so the likelihood has no maximum. The rows lie "
        "in a plane of fewer than 6 dimensions: a column depends on others, or there are too few rows. Leave columns "
        "out, or give the covariance a simpler form or a prior."
    )
    with pytest.raises(lk.FitError, match="a simpler form such as"):
        lk.fit(lk.Mixture(lk.MultivariateNormal(letters), 2), x)


def test_letters_that_vary_cannot_be_shared():
    for letters, word in (("VVE", "EEE"), ("VVV", "EEE"), ("VEI", "EEI"), ("VII", "EII")):
        with pytest.raises(lk.ModelError) as e:
            lk.MultivariateNormal(letters, covariance=lk.shared)
        assert str(e.value) == (
            f"MultivariateNormal({letters!r}, covariance=shared): the letters let covariances vary, and shared makes "
            f"them one. Write MultivariateNormal({word!r}) for one covariance, or leave shared out."
        )
    with pytest.raises(lk.ModelError, match="MultivariateNormal\\('VII', covariance=shared\\)"):
        lk.MultivariateNormal(lk.choose("all"), covariance=lk.shared)


def test_a_known_covariance_is_kept_under_every_form():
    v = np.array([[2, 0.5], [0.5, 1]])
    for letters in MODELS:
        fit = lk.fit(lk.Mixture(lk.MultivariateNormal(letters, covariance=v), 2), IRIS.data[:, :2], starts=1)
        assert fit.model.component.covariance.tolist() == [v.tolist()] * 2
        assert fit.n_free == 5


def test_all_models_are_one_word():
    model = lk.Mixture(lk.MultivariateNormal(lk.choose("all")), lk.choose([1, 2]))
    assert repr(model) == "Mixture(MultivariateNormal(choose('all')), choose([1, 2]))"
    assert lk.parse(repr(model)) == model
    assert lk.parse("Mixture(MultivariateNormal('VVE'), 3)").component.form == "VVE"
    fit = lk.fit(lk.MultivariateNormal(lk.choose("all")), IRIS.data, by="bic")
    assert [c.model for c in fit.selection.candidates] == [f"MultivariateNormal({m!r})" for m in MODELS]
    assert fit.model.form == "EEE"  # the first of those that are as good


def test_an_open_form_describes_nothing_yet():
    open_form = lk.MultivariateNormal(lk.choose(["EII", "VVV"]), mean=[0, 0], covariance=1)
    with pytest.raises(lk.ModelError) as e:
        open_form.log_prob([[0, 0]])
    assert str(e.value) == (
        "MultivariateNormal(choose(['EII', 'VVV']), mean=[0.0, 0.0], covariance=1) is still open; "
        "fit(..., by='bic') resolves it."
    )


def test_candidates_without_a_maximum_are_listed_with_the_reason():
    x = np.concatenate([np.random.default_rng(0).normal(size=(25, 2)), [[9.0, 9.0]] * 4])
    labels = np.repeat([0, 1], [25, 4])
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(lk.choose(["EEE", "VVV"])), 2), x, labels=labels, by="bic")
    assert fit.model.component.form == "EEE"
    assert fit.selection.candidates[1].score is None
    assert "component 2: its covariance fell to zero" in fit.selection.candidates[1].why


def test_random_weights_make_no_difference_to_pooling():
    w = random_weights(120, 3)
    x = np.random.default_rng(1).normal(size=(120, 3))
    found = []
    for letters in ("EEE", "VVV"):
        family, table = bank(lk.MultivariateNormal(letters), 3, x)
        found.append(family.maximize(family.collect(None, None, table, w), None).covariance)
    pooled = np.average(found[1], axis=0, weights=w.sum(0))
    assert found[0][0] == pytest.approx(pooled, rel=1e-12)
