"""The surface of the likelihood, against densities of SciPy."""

import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from pictures import legend, on_paper
from scipy import stats

import likely as lk
from likely.errors import ModelError
from likely.faces.heights import heights
from likely.faces.plots import plot
from likely.faces.surfaces import levels, peaks

NINE = [-10.2, -10, -9.8, -0.2, 0, 0.2, 11.8, 12, 12.2]
BUMPS = [(-5, 12), (12, -5), (-10, 6), (6, -10)]
FIRST, SECOND = "component.mean[0]", "component.mean[1]"


def slips(**slots):
    return lk.Mixture(lk.Normal(variance=1, **slots), 2, weights=[0.5, 0.5])


def truth(x, first, second):
    each = np.logaddexp(stats.norm.logpdf(x, first, 1), stats.norm.logpdf(x, second, 1)) - np.log(2)
    return each.sum()


@pytest.fixture(scope="module")
def nine():
    return lk.fit(slips(), {"place": NINE})


def lines(ax):
    """The contour lines: level, and the points of its pieces."""
    found = next(c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled)
    return dict(zip(found.levels, found.get_paths(), strict=True))


def test_heights_are_log_likelihoods(nine):
    a, b = np.random.default_rng(0).uniform(-15, 15, (2, 40))
    with heights(nine) as landscape:
        found = landscape.at({FIRST: a, SECOND: b})
    np.testing.assert_allclose(found, [truth(NINE, *at) for at in zip(a, b, strict=True)], rtol=1e-12)


def test_heights_count_weights_and_priors():
    x, w = [0.0, 1.0, 4.0], [1.0, 2.0, 3.0]
    fit = lk.fit(lk.Normal(mean=lk.Normal(0, 9), variance=lk.InverseGamma(2, 2)), x, weights=w)
    with heights(fit) as landscape:
        found = landscape.at({"mean": np.array([1.5, 1.5]), "variance": np.array([2.5, -1.0])})
    prior = stats.norm.logpdf(1.5, 0, 3) + stats.invgamma.logpdf(2.5, 2, scale=2)
    assert found[0] == pytest.approx(w @ stats.norm.logpdf(x, 1.5, 2.5**0.5) + prior)
    assert np.isnan(found[1])


def test_contours_are_so_many_nats_below_the_maximum(nine):
    ax = plot(nine, "surface", on_paper(), limits=((-15, 15), (-15, 15)))
    best = max(truth(NINE, *at) for at in BUMPS)
    found = lines(ax)
    assert {1, 2, 5, 10, 20, 50, 100, 200} <= set(found)
    for level in (20, 50, 100):
        heights_there = [truth(NINE, *at) for at in found[level].vertices[::7]]
        assert best - np.array(heights_there) == pytest.approx(np.full(len(heights_there), level), rel=0.02)
    assert ax.get_title("left") == "Log-likelihood, in nats below the maximum"
    assert (ax.get_xlabel(), ax.get_ylabel()) == (f"{FIRST} (place)", f"{SECOND} (place)")


def test_the_surface_of_nine_points_has_four_bumps_each_with_a_line_around_it(nine):
    ax = plot(nine, "surface", on_paper(), limits=((-18, 18), (-18, 18)))
    marked = next(line for line in ax.lines if line.get_label() == "local maximum").get_xydata()
    own = next(line for line in ax.lines if line.get_label() == "fit").get_xydata()
    found = np.concatenate([own, marked])
    assert sorted(tuple(at) for at in found.round().astype(int)) == sorted(BUMPS)
    for level, around in ((20, BUMPS[:2]), (39, BUMPS)):
        pieces = [p for p in lines(ax)[level].to_polygons(closed_only=False) if len(p) > 2]
        assert len(pieces) == len(around)


def test_peaks_know_how_far_it_is_down_to_the_way_to_a_higher_one():
    x, y = np.meshgrid(np.linspace(-4, 4, 161), np.linspace(-1, 1, 41))
    height = (x**2 - 4) ** 2 / 16 + 0.25 * x + y**2  # depths: minima of a double well near -2 and 2
    (_, first, inf), (_, second, fall) = peaks(height)
    assert (x[0, first], x[0, second], inf) == (pytest.approx(-2.1, abs=0.06), pytest.approx(1.85, abs=0.06), np.inf)
    along = height[20, (np.abs(x[0]) < 2)]
    assert fall == pytest.approx(along.max() - height[20, second], rel=0.02)


def test_a_path_is_drawn_from_its_start_to_the_fit():
    path, x = lk.Path(), [-6.0, -5, -4, 0, 4, 5, 6]
    fit = lk.fit(slips(), x, start=slips(mean=[-20, 6]), accelerate=False, callback=path)
    ax = fit.plot("surface", x=FIRST, y=SECOND, path=path, ax=on_paper())
    drawn = next(line for line in ax.lines if line.get_label().startswith("EM"))
    assert drawn.get_xydata()[:4] == pytest.approx(np.array([[-20, 6], [-6, 0], [-5, 3.75], [-4.99, 3.75]]), abs=6e-3)
    assert len(drawn.get_xydata()) == len(fit.trace)
    assert f"EM: {len(fit.trace) - 1} steps" in legend(ax)
    assert ax.get_xlim()[0] < -20


def test_several_paths_are_told_apart(nine):
    paths = []
    for start in ((-6, 11), (7, -11)):
        paths.append(lk.Path())
        lk.fit(slips(), NINE, start=slips(mean=list(start)), callback=paths[-1])
    ax = nine.plot(path=paths, ax=on_paper())
    drawn = [line for line in ax.lines if line.get_label().startswith("EM")]
    assert [tuple(line.get_xydata()[-1].round(1)) for line in drawn] == [(-5, 12), (6, -10)]
    assert len({line.get_color() for line in drawn}) == 2


def test_limits_reach_down_from_the_maximum_on_all_sides():
    x = np.random.default_rng(0).gamma(9, 2, 200)
    fit = lk.fit(lk.Gamma(), x)
    ax = fit.plot("surface", ax=on_paper())
    (a, b), (c, d) = ax.get_xlim(), ax.get_ylim()
    for sides in (zip([a] * 30, np.linspace(c, d, 30), strict=True), zip([b] * 30, np.linspace(c, d, 30), strict=True)):
        edge = max(stats.gamma.logpdf(x, shape, scale=1 / rate).sum() for shape, rate in sides)
        assert 5 < fit.log_likelihood - edge < 40


def test_other_numbers_are_said_to_be_as_fitted():
    x = np.r_[np.random.default_rng(0).normal(0, 1, 40), np.random.default_rng(1).normal(7, 1, 60)]
    fit = lk.fit(lk.Mixture(lk.Normal(variance=lk.InverseGamma(1, 1)), 2), x)
    ax = fit.plot("surface", x="weights[0]", y=FIRST, ax=on_paper())
    assert ax.get_title("left") == "Log-likelihood + log prior, in nats below the maximum (others as fitted)"
    assert ax.get_xlim()[1] <= 1


def test_levels_are_round():
    assert levels(700.0) == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    assert levels(9.0) == [0.5, 1, 2, 5]
    assert levels(0.3) == [0.05, 0.1, 0.2]


def said(*args, **named):
    with pytest.raises(ModelError) as e:
        plot(*args, ax=on_paper(), **named)
    return str(e.value)


def test_what_a_surface_lacks_is_said(nine):
    mixture = lk.fit(lk.Mixture(lk.Normal(), 2), NINE)
    names = "weights[0], weights[1], component.mean[0], component.mean[1], component.variance[0], component.variance[1]"
    assert said(mixture, "surface") == (
        f"plot('surface') without x=...: this model has several estimated numbers ({names}); name one, as in "
        "plot('surface', x='weights[0]', y='component.mean[0]')."
    )
    assert said(mixture, "surface", x=FIRST, y="componnt.mean[1]") == (
        "plot('surface', y='componnt.mean[1]'): the model estimates no such number; did you mean 'component.mean[1]'? "
        f"It has {names}."
    )
    assert said(nine, "surface", x=FIRST, y=FIRST) == (
        "plot('surface', x='component.mean[0]', y='component.mean[0]'): a surface is over two different numbers."
    )
    assert said(nine, "surface", limits=((3, 1), (0, 1))) == (
        "plot('surface', limits=((3, 1), (0, 1))): limits are two pairs (lowest, highest), of x and of y, as in "
        "((0, 1), (-5, 5))."
    )
    assert said(lk.fit(lk.Exponential(), [1.0, 2.0]), "surface") == (
        "plot('surface') of this fit: it needs 2 estimated numbers, and this model has 1; it has 'density', 'panel' or "
        "'profile'."
    )
    hard = lk.fit(slips(), NINE, hard=True)
    assert said(hard, "surface").startswith(
        "plot('surface') of this fit: hard EM counts each row wholly to one component, and has no smooth likelihood to "
        "draw; it has 'density'"
    )


def test_numbers_that_tell_one_another_have_no_surface():
    x = np.r_[np.random.default_rng(0).normal(0, 1, 40), np.random.default_rng(1).normal(7, 1, 60)]
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), x)
    assert said(fit, "surface", x="weights[0]", y="weights[1]") == (
        "plot('surface', x='weights[0]', y='weights[1]'): each of them follows from the other; choose another."
    )
