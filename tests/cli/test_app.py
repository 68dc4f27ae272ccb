"""The command as a whole: its help teaches, its list of families is complete, and it behaves in a pipeline."""

import os
import subprocess
import sys

import pytest

import likely as lk
from likely.cli.families import doc_line, written_as
from likely.core.family import REGISTRY, Family

VERBS = ["demo", "fit", "predict", "decode", "sample", "show", "families"]
MAIN = [sys.executable, "-c", "from likely.cli import main; main()"]


def test_version(likely):
    assert (0, f"likely {lk.__version__}\n") == (likely("--version").code, likely.out)


def test_help_lists_the_verbs_in_the_order_a_newcomer_needs(likely):
    commands = likely("--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [text.split()[0] for text in commands.splitlines()] == VERBS


def test_the_bare_command_shows_the_help(likely):
    text = likely("--help").out
    assert (likely().code, likely.out, likely.err) == (0, text, "")


@pytest.mark.parametrize("verb", [v for v in VERBS if v != "families"])
def test_help_of_every_verb_has_a_worked_example(likely, verb):
    assert likely(verb, "--help").code == 0
    assert "\n    likely " in likely.out


def test_every_model_in_the_help_of_fit_can_be_read(likely):
    rows = likely("fit", "--help").out.partition("what happens to it:\n")[2].partition("\n\n")[0].splitlines()
    models = [row.strip().partition("  ")[0] for row in rows]
    assert len(models) == 5
    for model in models:
        assert isinstance(lk.parse(model), Family)


def test_every_public_family_is_listed(likely):
    text = likely("families").out
    public = [f for n, f in REGISTRY.items() if n in lk.__all__]
    assert len(public) > 10
    for family in public:
        assert f"  {written_as(family)}\n" in text


def test_families_explain_themselves():
    assert written_as(lk.Normal) == "Normal(mean, variance)"
    assert written_as(lk.Product) == "Product(name=family, ...)"
    assert doc_line(lk.Normal) == "A normal (Gaussian) distribution."


def pipe(*arguments, **options):
    return subprocess.Popen(
        [*MAIN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", **options
    )


def test_a_reader_that_has_seen_enough_is_no_error():
    with pipe("sample", "Normal(mean=0, variance=1)", "-n", "100000") as likely:
        assert likely.stdout.readline() == "x\n"
        likely.stdout.close()
        assert likely.stderr.read() == ""
        assert likely.wait(60) == 141


def test_a_terminal_gets_colours(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n2\n4\n")
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    done = subprocess.run([*MAIN, "fit", "a.csv", "Normal()"], stdout=slave, cwd=tmp_path, env=environment, check=False)
    os.close(slave)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert done.returncode == 0
    assert "\x1b[" in shown
    assert "2.333" in shown
