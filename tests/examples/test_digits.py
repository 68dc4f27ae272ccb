"""The example of handwritten digits, at a size that takes seconds."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import likely as lk


@pytest.fixture(scope="module")
def example():
    path = Path(__file__).parents[2] / "examples" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits_example", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def digits(example):
    return example.enlarged_digits(side=12, count=1500, new=300)


@pytest.fixture(scope="module")
def fit(digits):
    return lk.fit(lk.Mixture(lk.MultivariateNormal("spherical"), 10), digits.images, starts=2, max_passes=60)


def test_shapes_are_those_asked_for(digits):
    assert digits.images.shape == (1500, 144)
    assert digits.new_images.shape == (300, 144)
    assert digits.labels.shape == (1500,)
    assert digits.new_labels.shape == (300,)


def test_new_images_have_no_copy_among_those_that_are_fitted(digits):
    assert not set(digits.source) & set(digits.new_source)
    assert len(set(digits.new_source)) == 300
    assert len(set(digits.source)) == 1797 - 300  # and no other is left out


def test_a_copy_is_its_original_moved_by_a_pixel_in_25_at_most(example, digits):
    clean = example.enlarged_digits(side=12, count=1500, new=300, noise=0.0)
    np.testing.assert_array_equal(clean.source, digits.source)
    one, other = clean.images[0].reshape(12, 12), clean.images[1497].reshape(12, 12)
    assert clean.source[0] == clean.source[1497]

    def centre(image):
        return np.array([image.sum(1) @ np.arange(12), image.sum(0) @ np.arange(12)]) / image.sum()

    moved = np.abs(centre(one) - centre(other))
    assert 0 < moved.max() < 2 * 12 / 25 + 0.1


def test_digits_are_recognised_without_labels(example, digits, fit):
    names = example.names_of(fit, digits.labels)
    assert (names[fit.predict()] == digits.labels).mean() > 0.4
    assert (names[fit.predict(digits.new_images)] == digits.new_labels).mean() > 0.4


def test_a_prior_makes_full_covariances_possible_and_labels_make_them_good(example):
    small = example.enlarged_digits(side=8, count=500, new=300)
    with pytest.raises(lk.FitError, match="its covariance fell to zero"):
        lk.fit(lk.Mixture(lk.MultivariateNormal(), 10), small.images, labels=small.labels, starts=1)
    model = lk.Mixture(lk.MultivariateNormal(covariance=lk.InverseWishart(1, 66 * 0.05)), 10)
    told = lk.fit(model, small.images, labels=small.labels, starts=1)
    assert (told.predict(small.new_images) == small.new_labels).mean() > 0.85


def test_the_table_of_confusions_counts_every_new_image(example, digits, fit):
    table = example.confusion(fit, digits, example.names_of(fit, digits.labels))
    np.testing.assert_array_equal(table.sum(1), np.bincount(digits.new_labels, minlength=10))


def test_the_picture_is_written(example, digits, fit, tmp_path):
    path = tmp_path / "digits.png"
    example.picture(fit, example.names_of(fit, digits.labels), path)
    assert path.read_bytes()[:4] == b"\x89PNG"
