"""What the documents say is there: links, files, commands, fields, snippets."""

import ast
import itertools
import pathlib
import re
import shlex
import tomllib

import pytest

import dsta_jax
from dsta_jax import cli
from dsta_jax.config import get_config
from dsta_jax.datasets import own

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIRECTORIES = ("benchmarks", "configs", "data_prep", "docs", "dsta_jax", "examples", "launch", "tests", ".github")
DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *(path for name in DIRECTORIES for path in (ROOT / name).rglob("*.md")))
)
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


def read(document: pathlib.Path) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: pathlib.Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(document), re.DOTALL | re.MULTILINE)


def prose(document: pathlib.Path) -> str:
    return re.sub(r"^```.*?^```$", "", read(document), flags=re.DOTALL | re.MULTILINE)


def anchors(path: pathlib.Path) -> set[str]:
    """The anchors that a page has for its headings."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document.parent / path).resolve() if path else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_document
def test_files_that_are_named_are_there(document):
    for named in re.findall(r"`([^`\s]+)`", prose(document)):
        if named.partition("/")[0] in DIRECTORIES or re.fullmatch(r"[\w.]+\.(md|cfg|cff|toml)", named):
            beside, places = ROOT / document.parent / named, ("my_gestures.toml", "README.md")
            assert (ROOT / named).exists() or beside.exists() or named in places, named


def test_readme_is_short_and_begins_with_two_commands():
    lines = read("README.md").splitlines()
    assert len(lines) <= 150
    commands = [line.partition("#")[0].strip() for line in lines if line.startswith(("bash ", "python "))]
    assert commands[:2] == ["bash launch/demo.sh", "bash launch/test.sh"]
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert re.findall(r"run: (bash .*)", workflow) == commands[:2]


@each_document
def test_commands_are_ones_that_there_are(document):
    for block in blocks(document, ""):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True) if line.startswith(("python ", "bash ", "dsta ")) else []
            if words[:1] == ["bash"]:
                assert (ROOT / words[1]).is_file(), line
            elif words[:1] == ["dsta"]:
                check_dsta(line, *itertools.takewhile(lambda word: word != ">", words[1:]))
            elif words[1:2] == ["-m"] and words[2].partition(".")[0] in DIRECTORIES:
                check_command(line, words[2], [word.partition("=") for word in words[3:] if word.startswith("--")])


def check_command(line: str, module: str, flags: list[tuple[str, str, str]]) -> None:
    path = ROOT.joinpath(*module.split("."))
    sources = [one for one in (path.with_suffix(".py"), path / "__main__.py") if one.is_file()]
    assert sources, line
    for flag, _, value in flags:
        name = flag.removeprefix("--")
        if name == "config":
            get_config(value)
        elif name.startswith("config."):
            check_field(name)
        elif module.startswith(("dsta_jax", "data_prep")):
            assert re.search(rf"[\"-]{name}\"", sources[0].read_text()), f"{line}: {flag}"


def check_dsta(line: str, command: str, *words: str) -> None:
    """Its parser takes the words; configurations and fields are there."""
    given = dict(word.removeprefix("--").partition("=")[::2] for word in words if word.startswith("--"))
    for name, value in given.items():
        if name == "config":
            get_config(value)
        elif name.startswith("config."):
            check_field(name)
    left = cli.parser(command).parse_known_args(words)[1]
    assert all(word.startswith("--config.") for word in left), f"{line}: {left}"


def check_field(name: str) -> None:
    value = get_config("shrec14")
    for key in name.removeprefix("config.").split("."):
        value = value[key]


@each_document
def test_fields_that_are_named_are_there(document):
    for name in re.findall(r"`-{0,2}(config\.[a-z_]+(?:\.[a-z_]+)?)\b(?!\.\*)", prose(document)):
        if name not in ("config.json", "config.py"):
            check_field(name)


@each_document
def test_snippets_are_python_and_use_what_is_public(document):
    for snippet in blocks(document, "python"):
        for node in ast.walk(ast.parse(snippet)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "dsta_jax":
                assert node.attr in dsta_jax.__all__


@each_document
def test_toml_files_can_be_read(document, tmp_path):
    for snippet in blocks(document, "toml"):
        if "name" in tomllib.loads(snippet):
            (tmp_path / "own.toml").write_text(snippet)
            assert own.read(tmp_path / "own.toml").class_names


def test_papers_are_cited_with_the_version_that_this_is():
    assert f"\nversion: {dsta_jax.__version__}\n" in read("CITATION.cff")
