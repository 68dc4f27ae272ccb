"""Kalman smoothing against the joint Gaussian written out, published values, and its own slow paths."""

import itertools

import numpy as np
import pytest

from kalman_truth import conditioned, random_model, sums
from likely.numerics.kalman import Layout, Model, Undetermined, beliefs, smooth

CASES = [
    ("full", "full", "full"),
    ("singular", "full", "diagonal"),
    ("zero", "singular", "full"),
    ("full", "singular", "zero rows"),
]


def laid_out(rng, d, lengths, missing):
    """Observations of sequences end to end, with values, rows and ends missing."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    y = rng.normal(size=(offsets[-1], d))
    if missing:
        y[rng.random(y.shape) < 0.25] = np.nan
        y[2] = np.nan
        y[offsets[1] - 1, 0] = np.nan
    return y, offsets


@pytest.mark.parametrize("kinds", CASES)
@pytest.mark.parametrize(("m", "d"), [(1, 1), (2, 2), (3, 1), (1, 3), (2, 4), (3, 4), (5, 3), (8, 8), (9, 2)])
@pytest.mark.parametrize("missing", [False, True])
def test_everything_is_as_in_the_joint_gaussian(kinds, m, d, missing):
    rng = np.random.default_rng([m, d, missing])
    model = random_model(rng, m, d, p0=kinds[0], q=kinds[1], r=kinds[2])
    y, offsets = laid_out(rng, d, [6, 1, 4, 6, 2], missing)
    drift = rng.normal(size=(len(y), m))
    check(model, y, drift, offsets, rng.random(5))
    check(model, y, None, offsets, np.ones(5))


def check(model, y, drift, offsets, weights):
    layout = Layout.of(~np.isnan(y), offsets)
    found = smooth(model, y, drift, offsets, layout)
    pieces = [slice(a, b) for a, b in itertools.pairwise(offsets)]
    for s, rows in enumerate(pieces):
        log_prob, mean, _, log_det = conditioned(model, y[rows], None if drift is None else drift[rows])
        assert found.log_prob[s] == pytest.approx(log_prob, rel=1e-9, abs=1e-9)
        assert found.log_dets[s] == pytest.approx(log_det, rel=1e-9, abs=1e-9)
        np.testing.assert_allclose(found.mean[rows], mean, atol=1e-8)
    blur = found.blur(weights)
    drifts = [None if drift is None else drift[rows] for rows in pieces]
    before, now, lagged, first, by_pattern = sums(model, [y[r] for r in pieces], drifts, weights, layout, offsets)
    np.testing.assert_allclose(blur.before, before, atol=1e-8)
    np.testing.assert_allclose(blur.now, now, atol=1e-8)
    np.testing.assert_allclose(blur.lagged, lagged, atol=1e-8)
    np.testing.assert_allclose(blur.first, first, atol=1e-8)
    np.testing.assert_allclose(blur.by_pattern, by_pattern, atol=1e-8)


@pytest.mark.parametrize(("m", "d"), [(2, 1), (3, 3), (9, 2)])
def test_rows_that_share_a_set_are_as_in_the_joint_gaussian(m, d):
    """Far more rows than it takes until covariances settle, with and without what moves the state."""
    rng = np.random.default_rng([m, d])
    model = random_model(rng, m, d, p0="full", q="full", r="full")
    y, offsets = laid_out(rng, d, [50, 30, 70], missing=False)
    check(model, y, rng.normal(size=(len(y), m)), offsets, rng.random(3))
    check(model, y, None, offsets, np.ones(3))


def test_columns_that_measure_the_same_combination_are_no_trouble():
    rng = np.random.default_rng(6)
    model = random_model(rng, 3, 5)
    model = Model(model.A, model.Q, np.outer(rng.normal(size=5), model.C[0]), *[getattr(model, f) for f in REST])
    for missing in (False, True):
        y, offsets = laid_out(rng, 5, [5, 4, 6], missing)
        check(model, y, rng.normal(size=(len(y), 3)), offsets, rng.random(3))


REST = ("R", "m0", "P0", "diffuse")


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_rescaled_values_have_the_same_states_and_a_shifted_likelihood(scale):
    rng = np.random.default_rng(13)
    model = random_model(rng, 2, 3)
    y, offsets = laid_out(rng, 3, [40], True)
    layout = alone_layout(y)
    other = Model(model.A, model.Q, scale * model.C, scale**2 * model.R, model.m0, model.P0, model.diffuse)
    found, scaled = smooth(model, y, None, offsets, layout), smooth(other, scale * y, None, offsets, layout)
    np.testing.assert_allclose(scaled.mean, found.mean, atol=1e-12)
    shift = layout.observed[0] * np.log(scale)
    assert scaled.log_prob[0] == pytest.approx(found.log_prob[0] - shift, rel=1e-12)


@pytest.mark.parametrize("r", ["full", "diagonal", "zero"])
@pytest.mark.parametrize("missing", [False, True])
def test_diffuse_starts_are_flat_priors(r, missing):
    rng = np.random.default_rng(5)
    d = 2 if r == "zero" else 3
    model = diffuse(random_model(rng, 3, d, r=r), [0, 2])
    y, offsets = laid_out(rng, d, [6, 5, 6], False)
    if missing:
        y[[1, 7, 14], 0], y[3] = np.nan, np.nan
    check(model, y, rng.normal(size=(len(y), 3)), offsets, rng.random(3))


def diffuse(model, states):
    flag = np.isin(np.arange(len(model.A)), states)
    keep = np.where(flag, 0.0, 1.0)
    return Model(model.A, model.Q, model.C, model.R, model.m0, model.P0 * np.outer(keep, keep), flag)


def level(q, r, p0):
    return Model(*np.array([[[1.0]], [[q]], [[1.0]], [[r]]]), np.zeros(1), np.array([[p0]]), np.array([p0 == 0]))


NILE = """
1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210 1150
1250 1260 1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120 1100 832
764 821 768 845 864 862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801
1040 860 874 848 890 744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740
"""


def test_the_nile_has_its_published_likelihoods_and_states():
    y, offsets = np.array(NILE.split(), float)[:, None], np.array([0, 100])
    layout = Layout.of(~np.isnan(y), offsets)
    flat = smooth(level(1469.176, 15098.52, 0.0), y, None, offsets, layout)
    assert flat.log_prob[0] == pytest.approx(-633.464564, abs=5e-7)
    found = smooth(level(1469.1, 15099.0, 1e7), y, None, offsets, layout)
    assert found.log_prob[0] == pytest.approx(-641.5855784594, abs=5e-10)
    np.testing.assert_allclose(found.mean[[0, 1, 2, 99], 0], [1111.220258, 1110.529257, 1105.024860, 798.370293], 1e-9)
    told = beliefs(level(1469.1, 15099.0, 1e7), y, None, offsets, layout)
    np.testing.assert_allclose(told.filtered_mean[:3, 0], [1118.311462, 1140.108439, 1072.316018], 1e-9)
    np.testing.assert_allclose(told.filtered_cov[:3, 0, 0], [15076.23639, 7894.557531, 5779.497378], 1e-9)
    np.testing.assert_allclose(
        told.cov[[0, 1, 2, 99], 0, 0], [4030.532767, 3242.056999, 2818.473138, 4032.157942], 1e-9
    )
    np.testing.assert_allclose(told.lagged[1:4, 0, 0], [2954.187002, 2376.272121, 2065.805488], 1e-9)
    assert told.predicted_cov[60, 0, 0] == pytest.approx(5501.257942, abs=1e-6)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_beliefs_row_by_row_are_those_of_the_joint_gaussian(flat, missing):
    rng = np.random.default_rng(3)
    m, d = 3, 2
    model = random_model(rng, m, d)
    model = diffuse(model, [0, 2]) if flat else model
    y, offsets = laid_out(rng, d, [6, 5, 6], False)
    if missing:
        y[[1, 7, 14], 0], y[3] = np.nan, np.nan
    drift = rng.normal(size=(len(y), m))
    told = beliefs(model, y, drift, offsets, Layout.of(~np.isnan(y), offsets))
    for a, b in itertools.pairwise(offsets):
        for t in range(b - a):
            for until, mean, cov in [
                (t, told.predicted_mean, told.predicted_cov),
                (t + 1, told.filtered_mean, told.filtered_cov),
                (b - a, told.mean, told.cov),
            ]:
                if flat and (~np.isnan(y[a : a + until])).sum() < 2:
                    assert np.isinf(np.diag(cov[a + t])).any()
                    continue
                _, true, full, _ = conditioned(model, y[a:b], drift[a:b], until)
                np.testing.assert_allclose(mean[a + t], true[t], atol=1e-7)
                full = full.reshape(b - a, m, b - a, m)
                np.testing.assert_allclose(cov[a + t], full[t, :, t], atol=1e-7)
                if until == b - a and t > 0:
                    np.testing.assert_allclose(told.lagged[a + t], full[t, :, t - 1], atol=1e-7)
    np.testing.assert_array_equal(told.lagged[offsets[:-1]], 0.0)
    np.testing.assert_allclose(told.innovation, y - told.predicted_mean @ model.C.T)
    if not flat:
        np.testing.assert_allclose(told.innovation_cov, model.C @ told.predicted_cov @ model.C.T + model.R)
    else:
        assert np.isinf(np.diagonal(told.innovation_cov[offsets[:-1]], axis1=1, axis2=2)).all()
        assert np.isfinite(told.innovation_cov[offsets[:-1] + 4]).all()


def together(model, y, drift, offsets, weights):
    """Everything at once, and summed over sequences smoothed one by one with covariances of every row."""
    layout = Layout.of(~np.isnan(y), offsets)
    found = smooth(model, y, drift, offsets, layout)
    blur, total = found.blur(weights), np.zeros((4, *model.A.shape))
    told = beliefs(model, y, drift, offsets, layout)
    by_pattern = np.zeros_like(blur.by_pattern)
    for s, (a, b) in enumerate(itertools.pairwise(offsets)):
        alone = smooth(model, y[a:b], None if drift is None else drift[a:b], np.array([0, b - a]), alone_layout(y[a:b]))
        assert found.log_prob[s] == pytest.approx(alone.log_prob[0], rel=1e-12)
        np.testing.assert_allclose(found.mean[a:b], alone.mean, atol=1e-11)
        cov = told.cov[a:b]
        total += weights[s] * np.array([cov[:-1].sum(0), cov[1:].sum(0), told.lagged[a:b].sum(0), cov[0]])
        np.add.at(by_pattern, layout.pattern[a:b], weights[s] * cov)
    for found_sums, expected in zip((blur.before, blur.now, blur.lagged, blur.first), total, strict=True):
        np.testing.assert_allclose(found_sums, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(blur.by_pattern, by_pattern, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.mean, told.mean, atol=1e-11)
    return found


def alone_layout(y):
    return Layout.of(~np.isnan(y), np.array([0, len(y)]))


@pytest.mark.parametrize("lengths", [[60] * 70, list(range(90, 20, -1)), [1] * 20, [300, 5, 300]])
def test_many_sequences_side_by_side_are_smoothed_as_each_alone(lengths):
    rng = np.random.default_rng(7)
    model = random_model(rng, 3, 2)
    y, offsets = laid_out(rng, 2, rng.permutation(lengths), False)
    found = together(model, y, rng.normal(size=(len(y), 3)), offsets, rng.random(len(lengths)))  # compares as it goes
    assert np.isfinite(found.log_prob).all()


def test_sequences_that_miss_the_same_values_share_covariances():
    rng = np.random.default_rng(8)
    model = random_model(rng, 2, 3)
    y, offsets = laid_out(rng, 3, [40] * 24, False)
    y.reshape(24, 40, 3)[:12, [5, 6, 20], 1] = np.nan
    layout = Layout.of(~np.isnan(y), offsets)
    assert sorted(len(track.members) for track in layout.tracks) == [12, 12]
    assert sorted(len(group) for group in layout.groups) == [12, 12]
    together(model, y, None, offsets, rng.random(24))


def test_series_that_never_settle_are_worked_out_in_blocks(monkeypatch):
    """A constant state seen with noise: its variance falls for ever."""
    rng = np.random.default_rng(9)
    model = random_model(rng, 2, 2, q="zero")
    model = Model(np.eye(2), model.Q, model.C, model.R, model.m0, model.P0, model.diffuse)
    y, offsets = laid_out(rng, 2, [700, 40, 550], True)
    whole = smooth(model, y, None, offsets, Layout.of(~np.isnan(y), offsets))
    sums = whole.blur()
    monkeypatch.setattr("likely.numerics.kalman_blocks.MOST", 50)
    monkeypatch.setattr("likely.numerics.kalman_blocks.FEW", 20)
    blocks = together(model, y, None, offsets, np.ones(3))
    np.testing.assert_array_equal(blocks.mean, whole.mean)
    np.testing.assert_allclose(blocks.log_prob, whole.log_prob, rtol=1e-14)
    np.testing.assert_allclose(blocks.blur().lagged, sums.lagged, rtol=1e-12)


def test_values_without_noise_fix_the_states():
    rng = np.random.default_rng(11)
    model = random_model(rng, 2, 2, r="zero")
    y, offsets = laid_out(rng, 2, [30], False)
    found = smooth(model, y, None, offsets, alone_layout(y))
    np.testing.assert_allclose(found.mean @ model.C.T, y, atol=1e-10)
    np.testing.assert_allclose(found.blur().now, 0.0, atol=1e-14)


def test_an_innovation_without_variance_is_told_with_its_row():
    """Two columns that measure a state exactly, from the third row on at once."""
    model = Model(np.eye(1), np.eye(1), np.ones((2, 1)), np.zeros((2, 2)), np.zeros(1), np.eye(1), np.zeros(1, bool))
    y = np.array([[1.0, np.nan], [np.nan, 1.0], [1.0, 2.0], [1.0, np.nan], [0.5, np.nan]])
    offsets = np.array([0, 3, 5])
    found = smooth(model, y, None, offsets, Layout.of(~np.isnan(y), offsets))
    assert found.impossible == {0: 2}
    assert found.log_prob[0] == -np.inf
    assert found.log_prob[1] == pytest.approx(-np.log(2 * np.pi) - 0.5 * (1 + 0.25))
    np.testing.assert_array_equal(found.mean[:3], 0.0)
    np.testing.assert_allclose(found.mean[3:, 0], [1.0, 0.5])
    assert np.isnan(beliefs(model, y, None, offsets, found.layout).mean[:3]).all()


@pytest.mark.parametrize("values", [[[1.0], [np.nan], [np.nan]], [[np.nan]] * 3])
def test_diffuse_states_that_are_not_determined_are_an_error(values):
    """A level and a slope need two values."""
    A, C = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    model = Model(A, np.eye(2), C, np.eye(1), np.zeros(2), np.zeros((2, 2)), np.ones(2, bool))
    y = np.concatenate([[[1.0], [2.0], [4.0]], values])
    offsets = np.array([0, 3, 6])
    with pytest.raises(Undetermined) as e:
        smooth(model, y, None, offsets, Layout.of(~np.isnan(y), offsets))
    assert e.value.sequence == 1
    assert str(e.value) == "sequence 1 does not determine its diffuse states"


def test_what_is_missing_at_the_end_changes_nothing_before():
    rng = np.random.default_rng(12)
    model = random_model(rng, 2, 3)
    y, offsets = laid_out(rng, 3, [50], False)
    longer = np.concatenate([y, np.full((30, 3), np.nan)])
    found, more = (
        smooth(model, y, None, offsets, alone_layout(y)),
        smooth(model, longer, None, np.array([0, 80]), alone_layout(longer)),
    )
    assert more.log_prob[0] == pytest.approx(found.log_prob[0], rel=1e-13)
    np.testing.assert_allclose(more.mean[:50], found.mean, atol=1e-12)
    np.testing.assert_allclose(
        more.mean[50:], [np.linalg.matrix_power(model.A, k) @ found.mean[-1] for k in range(1, 31)]
    )


@pytest.mark.parametrize("lengths", [[9], [6] * 9, [5, 8, 8, 3, 7, 9, 8, 8, 8]])
def test_a_diffuse_start_keeps_its_digits_far_from_zero(lengths):
    model = Model(np.eye(1), np.eye(1), np.ones((1, 1)), 2 * np.eye(1), np.zeros(1), np.zeros((1, 1)), np.ones(1, bool))
    y, offsets = laid_out(np.random.default_rng(12), 1, lengths, False)
    y = np.round(64 * y) / 64  # so that moving it changes no bit
    near, far = (smooth(model, at, None, offsets, Layout.of(~np.isnan(at), offsets)) for at in (y, y + 2.0**27))
    np.testing.assert_allclose(far.log_prob, near.log_prob, atol=1e-6)
    np.testing.assert_allclose(far.mean - 2.0**27, near.mean, atol=1e-6)
    np.testing.assert_allclose(far.blur().now, near.blur().now)
