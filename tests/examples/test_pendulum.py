"""The example of the pendulum, as it is run."""

import importlib.util
from pathlib import Path


def test_the_example_finds_the_length_and_the_angle_in_the_gap(capsys, tmp_path):
    path = Path(__file__).parents[2] / "examples" / "pendulum.py"
    spec = importlib.util.spec_from_file_location("pendulum_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(str(tmp_path / "pendulum.png"))
    said = capsys.readouterr().out
    assert "extended   log-likelihood   91.06, length 0.511 m\n" in said
    assert "unscented  log-likelihood   90.93, length 0.508 m\n" in said
    assert "Angle while nobody looked, row 65: 1.42 rad, give or take 0.05\n" in said
    assert (tmp_path / "pendulum.png").read_bytes()[:4] == b"\x89PNG"
