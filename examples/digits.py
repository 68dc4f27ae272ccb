"""Handwritten digits: ten components in 625 dimensions find out by themselves what a digit is.

Run it with `python examples/digits.py`; it needs scikit-learn for its 1797 images of 8 x 8 pixels, downloads nothing.
The labels are never seen by the fits, but for the last: they only name the components afterwards.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits

import likely as lk


@dataclass
class Digits:
    images: np.ndarray  # (n, side^2), enlarged copies of some originals; black is 0 and white is 1
    labels: np.ndarray  # (n,) what was meant
    source: np.ndarray  # (n,) which original
    new_images: np.ndarray  # of the other originals
    new_labels: np.ndarray
    new_source: np.ndarray


def enlarged_digits(side: int = 25, count: int = 10_000, new: int = 297, noise: float = 0.05, seed: int = 0) -> Digits:
    """Images resampled to side x side; all but `new` of them copied up to `count`, each copy moved a little.

    Copies move by up to a pixel in 25, fractions included, and every image has noise in every pixel.
    """
    rng = np.random.default_rng(seed)
    originals = load_digits()
    big = ndimage.zoom(originals.images / 16, (1, side / 8, side / 8), order=1, mode="nearest", grid_mode=True)
    order = rng.permutation(len(big))
    held, kept = order[:new], order[new:]
    source = np.resize(kept, count)
    moves = rng.uniform(-side / 25, side / 25, (count, 2))
    moved = [ndimage.shift(big[i], move, order=1) for i, move in zip(source, moves, strict=True)]

    def grainy(images) -> np.ndarray:
        flat = np.reshape(images, (-1, side * side))
        return flat + noise * rng.standard_normal(flat.shape)

    label = originals.target
    return Digits(grainy(moved), label[source], source, grainy(big[held]), label[held], held)


def names_of(fit: lk.Fit, labels: np.ndarray) -> np.ndarray:
    """The digit that most images of each component show; -1 for a component without images."""
    best = fit.predict()
    return np.array([np.bincount(labels[best == j]).argmax() if j in best else -1 for j in range(fit.model.size)])


def report(what: str, fit: lk.Fit, digits: Digits, names: np.ndarray) -> None:
    train = (names[fit.predict()] == digits.labels).mean()
    new = (names[fit.predict(digits.new_images)] == digits.new_labels).mean()
    pixels = digits.images.shape[1]
    each = f"{fit.score() / pixels:8.3f} {fit.score(digits.new_images) / pixels:8.3f}"
    print(f"{what:38s} {train:8.1%} {new:8.1%}  {each} {len(fit.trace):7d} {fit.seconds:8.1f}", flush=True)


def confusion(fit: lk.Fit, digits: Digits, names: np.ndarray) -> np.ndarray:
    """(10, 10): how many new images of each digit (row) were taken for each digit (column)."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (digits.new_labels, names[fit.predict(digits.new_images)]), 1)
    return table


def picture(fit: lk.Fit, names: np.ndarray, path: Path) -> None:
    """The means as images, in the order of their names."""
    from matplotlib.figure import Figure

    means, side = fit.model.component.mean, round(fit.n_columns**0.5)
    figure = Figure(figsize=(7.0, 3.5), layout="constrained")
    axes = figure.subplots(2, -(-len(names) // 2)).ravel()
    for ax, j in zip(axes, np.lexsort((-fit.model.weights, names)), strict=False):
        ax.imshow(means[j].reshape(side, side), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(f"{names[j]}", loc="left", fontsize=11, fontweight="bold", color="#2B2B2B", pad=4)
        ax.set_title(f"{fit.model.weights[j]:.0%}", loc="right", fontsize=9, color="#8C8C8C", pad=4)
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_color("#DEDEDE")
    figure.savefig(path, dpi=200)


def main(path: str = "digits.png") -> None:
    began = time.perf_counter()
    digits = enlarged_digits()
    x, d = digits.images, digits.images.shape[1]
    print(f"{len(x)} images of {d} pixels; {len(digits.new_labels)} new images of other originals")
    try:  # 333 images a component cannot fill a covariance of 625 columns
        lk.fit(lk.Mixture(lk.MultivariateNormal(), 30), x, starts=1)
    except lk.FitError as error:
        print(f"full, 30 components, no prior: {error}")

    print(f"{'':38s} {'right':>8s} {'new':>8s}  {'nats per pixel, new':>17s} {'passes':>6s} {'seconds':>8s}")
    sphere = lk.fit(lk.Mixture(lk.MultivariateNormal("spherical"), 10), x, starts=4)
    names = names_of(sphere, digits.labels)
    report("spherical", sphere, digits, names)
    for form in ("diagonal", "shared"):
        fit = lk.fit(lk.Mixture(lk.MultivariateNormal(form), 10), x, start=sphere, max_passes=60)
        report(form, fit, digits, names_of(fit, digits.labels))
    variance = float(np.mean(sphere.model.component.covariance[:, 0, 0]))
    for part in (0.02, 0.1, 1.0):  # 627 pretend images that scatter like the spheres, or much less
        prior = lk.InverseWishart(1, (d + 2) * part * variance)
        full = lk.Mixture(lk.MultivariateNormal(covariance=prior), 10)
        fit = lk.fit(full, x, start=sphere, max_passes=5)
        report(f"full, prior of {part} times the spheres", fit, digits, names_of(fit, digits.labels))
    many = lk.fit(lk.Mixture(lk.MultivariateNormal("spherical"), 30), x, starts=2)
    report("spherical, 30 components", many, digits, names_of(many, digits.labels))
    prior = lk.InverseWishart(1, (d + 2) * 0.1 * variance)
    told = lk.fit(lk.Mixture(lk.MultivariateNormal(covariance=prior), 10), x, labels=digits.labels, starts=1)
    report("full, prior of 0.1, labels given", told, digits, np.arange(10))
    print("new images of each digit (rows) by what the spheres took them for:")
    print(confusion(sphere, digits, names))
    picture(sphere, names, Path(path))
    print(f"{path} written; {time.perf_counter() - began:.0f} seconds in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
