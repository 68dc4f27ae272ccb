"""`likely demo`: real data, the published answer, in words and as a picture."""

import json

import pytest


def test_the_demo_finds_the_two_kinds_of_eruption_and_says_so(likely):
    likely("demo")
    story, _, summary = likely.out.partition("\n\n")
    assert story.splitlines() == [
        "Old Faithful has two kinds of eruption; BIC compared one to four.",
        "Short eruptions, about 97 of 272 (36%), last 2.0 minutes and are followed by a wait of 54 minutes.",
        "Long eruptions, about 175 of 272 (64%), last 4.3 minutes and are followed by a wait of 80 minutes.",
    ]
    assert "2322.19  chosen" in summary
    assert "mean of waiting" in summary
    assert (likely.code, likely.err) == (0, "likely: wrote likely-demo.png.\n")
    assert likely.files()["likely-demo.png"].startswith(b"\x89PNG")


def test_the_demo_gives_json_and_writes_where_it_is_told(likely, monkeypatch):
    monkeypatch.setattr("likely.cli.demo.MODEL", "Mixture(MultivariateNormal(), choose([1, 2]))")
    (likely.folder / "pictures").mkdir()
    found = json.loads(likely("demo", "--out", "pictures", "--json").out)
    # mclust 5 (Scrucca et al. 2016), VVV with 2 components: BIC -2322.192 in its sign.
    assert pytest.approx(found["bic"], abs=1e-3) == 2322.192
    assert found["selection"]["chosen"] == 1
    assert (likely.folder / "pictures" / "likely-demo.png").stat().st_size > 10_000
    assert found["picture"].endswith("likely-demo.png")
    assert len(found["story"]) == 3
