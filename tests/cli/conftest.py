"""The command line as a person meets it: through the entry point, in a folder of its own."""

import os
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from likely.cli.app import application


class Shell:
    """Runs `likely ...`; what came out stands on `.out`, `.err` and `.code`."""

    def __init__(self, folder):
        self.folder = folder
        self.data = os.fspath(resources.files("likely") / "data" / "faithful.csv")

    def __call__(self, *args):
        done = CliRunner().invoke(application, [str(a) for a in args], catch_exceptions=False)
        self.out, self.err, self.code = done.stdout, done.stderr, done.exit_code
        return self

    def write(self, name, text):
        Path(self.folder, name).write_text(text, encoding="utf-8")
        return name

    def files(self):
        return {p.name: p.read_bytes() for p in Path(self.folder).iterdir() if p.is_file()}


@pytest.fixture
def likely(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def line(likely):
    """A fit of Normal() to a column `a`, saved: (shell, name of the file)."""
    likely.write("a.csv", "a,b\n1,2\n2,4\n3,1\n6,5\n")
    assert likely("fit", "a.csv", "Normal()", "--columns", "a", "--save", "fit.json").code == 0
    return likely, "fit.json"
