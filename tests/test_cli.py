"""The command `dsta`."""

import re
import subprocess
import sys

import pytest

from dsta_jax import __version__, cli
from tests.conftest import ROOT


def dsta(*words, cwd=ROOT) -> subprocess.CompletedProcess:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from dsta_jax import cli; sys.exit(cli.main())"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: dsta {name} ") and max(map(len, said.splitlines())) <= 80
    assert len(re.findall(rf"^  dsta {name} ", said, re.MULTILINE)) == 2, "two examples"
    options = [action for action in cli.parser(name)._actions if action.option_strings and action.dest != "help"]
    one_line = " ".join(said.split())
    for action in options:
        assert action.option_strings[0] in said
    assert one_line.count("(default: ") == len(options)


def test_every_field_stands_in_the_help_with_its_default(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    cli.main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "--config.train.epochs" in said and "120.0" in said
    assert re.search(r"--config.data.fast_interval fast_temporal \(default: 2\)", said)


def test_the_overview_names_all(capsys):
    assert cli.main([]) == cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in cli.COMMANDS)
    assert cli.main(["--version"]) == 0 and capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "error: dsta trian: no such command, expected one of convert, check, train"),
        (["predict"], "error: the following arguments are required: RUN, FILE_OR_DIR; see dsta predict --help"),
        (["predict", "run", "a", "--tpo=3"], "error: unrecognized arguments: --tpo=3; see dsta predict --help"),
        (["predict", "run", "a", "--json", "--csv"], "error: argument --csv: not allowed with argument --json"),
        (["predict", "nowhere", "a"], "error: nowhere/config.json is not there"),
        (["predict", "run", "a", "--stride=3"], "error: --stride is of windows: give --window=FRAMES too"),
        (["predict", "run", "a", "--top=0"], "error: --top=0: expected a number above 0"),
    ],
)
def test_errors_are_one_line(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(message)


def test_help_imports_nothing_heavy():
    program = "import sys; from dsta_jax import cli; cli.main(['predict', '--help']); print('jax' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.endswith("False\n")
