"""The example of the Nile, as it is run."""

import importlib.util
from pathlib import Path


def test_the_example_prints_the_fit_the_forecast_and_what_the_dam_did(capsys, tmp_path):
    path = Path(__file__).parents[2] / "examples" / "nile.py"
    spec = importlib.util.spec_from_file_location("nile_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(str(tmp_path / "nile.png"))
    said = capsys.readouterr().out
    assert "A level that moves      log-likelihood -633.46\n" in said
    assert "One that fell in 1899   log-likelihood -623.29, by 248\n" in said
    assert "1971    798    562 to  1034\n" in said
    assert (tmp_path / "nile.png").read_bytes()[:4] == b"\x89PNG"
