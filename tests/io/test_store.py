"""Saved records: exact, readable, whole or not at all, and explained when they cannot be read."""

import json
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likely.errors import FileError
from likely.io.store import load_json, save_json

RECORD = {
    "model": "Mixture(Normal(), 2)",
    "parameters": {"weights": [0.25, 0.75], "component": {"covariance": [[[1.0, 0.5], [0.5, 2.0]]]}},
    "columns": [],
    "starts": {},
    "entropy": None,
    "hard": False,
    "n": 272,
}


def refusal(path) -> str:
    with pytest.raises(FileError) as caught:
        load_json(path)
    assert caught.value.path == str(path)
    return str(caught.value)


def test_a_record_comes_back_as_it_was(tmp_path):
    save_json(tmp_path / "fit.json", RECORD)
    assert load_json(tmp_path / "fit.json") == RECORD


def test_the_file_can_be_read_by_a_person(tmp_path):
    save_json(tmp_path / "fit.json", RECORD)
    assert (
        (tmp_path / "fit.json").read_text()
        == """{
  "format": "likely fit",
  "version": 1,
  "model": "Mixture(Normal(), 2)",
  "parameters": {
    "weights": [0.25, 0.75],
    "component": {
      "covariance": [
        [
          [1.0, 0.5],
          [0.5, 2.0]
        ]
      ]
    }
  },
  "columns": [],
  "starts": {},
  "entropy": null,
  "hard": false,
  "n": 272
}
"""
    )


def test_arrays_come_back_as_lists_of_the_same_bits(tmp_path):
    x = np.random.default_rng(0).normal(size=(3, 2)) * 1e-200
    save_json(tmp_path / "fit.json", {"x": x, "n": np.int64(3), "v": np.float64(0.1), "t": (1, 2)})
    assert load_json(tmp_path / "fit.json") == {"x": x.tolist(), "n": 3, "v": 0.1, "t": [1, 2]}


def test_what_json_cannot_say_is_written_as_text_and_comes_back(tmp_path):
    values = [math.inf, -math.inf, "number:nan", "text:number:inf", "text:", "NaN", 1.0]
    save_json(tmp_path / "fit.json", {"values": values, "gap": np.array([np.nan, 1.0])})
    raw = json.loads((tmp_path / "fit.json").read_text(), parse_constant=pytest.fail)
    assert raw["values"] == [
        "number:inf",
        "number:-inf",
        "text:number:nan",
        "text:text:number:inf",
        "text:text:",
        "NaN",
        1.0,
    ]
    assert raw["gap"] == ["number:nan", 1.0]
    back = load_json(tmp_path / "fit.json")
    assert back["values"] == values
    assert math.isnan(back["gap"][0])


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
nested = st.recursive(
    plain, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(), v, max_size=4), max_leaves=12
)


@settings(max_examples=40, deadline=None)
@given(value=nested)
def test_any_record_comes_back_as_it_was(value, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "fit.json"
    save_json(path, {"value": value})
    assert load_json(path) == {"value": value}


def test_a_missing_file_is_met_with_the_nearest_name(tmp_path):
    save_json(tmp_path / "fit.json", RECORD)
    path = tmp_path / "fitt.json"
    assert refusal(path) == f"there is no file '{path}'; did you mean '{tmp_path / 'fit.json'}'?"


def test_a_file_cut_off_anywhere_says_that_it_is_not_whole(tmp_path):
    path = tmp_path / "fit.json"
    save_json(path, RECORD)
    whole = path.read_text()
    first = whole.index("likely fit") + len("likely fit")
    for end in range(first, len(whole.rstrip())):
        path.write_text(whole[:end])
        lines = len(whole[:end].splitlines())
        assert refusal(path) == f"'{path}' is not a whole likely file: it ends at line {lines}. Save the fit again."


def test_a_damaged_file_names_the_line(tmp_path):
    path = tmp_path / "fit.json"
    save_json(path, RECORD)
    path.write_text(path.read_text().replace("0.25, 0.75", "0.25 0.75"))
    assert refusal(path) == f"'{path}' is damaged: line 6 is not JSON (Expecting ',' delimiter). Save the fit again."


@pytest.mark.parametrize(
    "content",
    [
        b"x,y\n1,2\n",
        b"[1, 2]",
        b'{"format": "other", "version": 1}',
        b'{"format": "likely fit"}',
        b"{}",
        b"{",
        b"\x80\x04K\x01.",
    ],
)
def test_another_file_is_not_a_likely_file(tmp_path, content):
    path = tmp_path / "fit.json"
    path.write_bytes(content)
    assert refusal(path) == f"'{path}' is not a likely file; give one that fit.save wrote."


def test_an_empty_file_is_named_so(tmp_path):
    path = tmp_path / "fit.json"
    path.write_text("")
    assert refusal(path) == f"'{path}' is empty; save the fit again."


def test_a_file_of_a_newer_version_asks_for_an_upgrade(tmp_path):
    path = tmp_path / "fit.json"
    path.write_text('{"format": "likely fit", "version": 2}')
    assert refusal(path) == (
        f"'{path}' was written by a newer likely (format 2; this one reads up to 1); "
        "upgrade with pip install --upgrade likely."
    )


def test_a_folder_is_not_a_file(tmp_path):
    assert refusal(tmp_path) == f"'{tmp_path}' is a folder; give a file that fit.save wrote."


def test_a_record_that_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "fit.json"
    save_json(path, RECORD)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileError) as caught:
        save_json(path, {"n": 1})
    assert str(caught.value) == f"cannot write '{path}': No space left on device."
    assert load_json(path) == RECORD
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]


def test_a_folder_that_is_not_there_is_explained(tmp_path):
    path = tmp_path / "none" / "fit.json"
    with pytest.raises(FileError) as caught:
        save_json(path, RECORD)
    assert str(caught.value) == f"cannot write '{path}': there is no folder '{path.parent}'; make it first."
