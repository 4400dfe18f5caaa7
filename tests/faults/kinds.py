"""What is killed: trainings and conversions; what must be so after each kill, and at the end."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

from data_prep import conversion, convert
from data_prep.synthetic import hands as synthetic_hands
from data_prep.synthetic import raw_set
from tests import raw_recordings
from tests.faults import conversions, trainings
from tests.faults.children import Watch

_TOML = f'{raw_recordings.TINY}[split]\nleave_out = "subject"\n'


@dataclasses.dataclass(frozen=True)
class Kind:
    """A program to be killed. All functions take the directory of a trial."""

    name: str
    prepare: Callable[[pathlib.Path], None]
    program: Callable[[pathlib.Path], Callable[[Watch], int]]
    # What is wrong after a kill, given the outcome of an undisturbed program.
    wrong: Callable[[pathlib.Path, Any], list[str]]
    outcome: Callable[[pathlib.Path], Any]
    has_workers: bool = False


def all_kinds(place: pathlib.Path) -> list[Kind]:
    """All of them; what they read is made in a directory."""
    data = _training_data(place / "data")
    return [*(_training(kind, data) for kind in trainings.WORDS), *_conversions(place / "raw")]


def _training_data(data: pathlib.Path) -> pathlib.Path:
    raw_set.write(synthetic_hands.shrec_set(subjects=2, essais=1), data / "raw")
    convert.run("shrec17", data / "raw", conversion.Options(data), name="synthetic_hands")
    found = raw_recordings.records(18)
    found = [dataclasses.replace(one, subject=number % 3 + 1) for number, one in enumerate(found)]
    raw_recordings.write_set(data / "tiny" / "1.0.0", {"all": [found]})
    (data / "tiny.toml").write_text(_TOML)
    return data


def _training(kind: str, data: pathlib.Path) -> Kind:
    def outcome(place: pathlib.Path) -> Any:
        notes = list(trainings.read_notes(place / "notes"))
        found = trainings.outcome(place / "run")
        found["checkpoints"] = [note["found"] for note in notes if note["what"] == "ended"][-1]
        found["saved"] = {
            f"{note['where']} {note['step']}": note["digest"] for note in notes if note["what"] == "saved"
        }
        return found

    return Kind(
        name=f"training, {kind}",
        prepare=lambda place: place.mkdir(),
        program=lambda place: trainings.program(kind, data, place / "run", place / "notes"),
        wrong=_wrong_in_run,
        outcome=outcome,
    )


def _wrong_in_run(place: pathlib.Path, expected: Any) -> list[str]:
    """Files that are there must be whole; lines of metrics must begin as the undisturbed run's do."""
    wrong = []
    for note in trainings.read_notes(place / "notes"):
        if note["what"] != "ended" and expected["saved"].get(f"{note['where']} {note['step']}") != note["digest"]:
            wrong.append(f"{note['what']} another state than the undisturbed run's: {note['where']} {note['step']}")
    for path in (place / "run").rglob("*.json*"):
        name = str(path.relative_to(place / "run"))
        if "checkpoints/" in name or name.endswith(".incomplete"):
            continue
        lines = path.read_bytes().split(b"\n")[:-1]
        try:
            whole = list(map(_without_speed, lines)) if name.endswith("l") else json.loads(path.read_text())
        except ValueError:
            whole = None
        if whole is None or whole != (expected[name][: len(lines)] if name.endswith("l") else expected[name]):
            wrong.append(f"{name} is not as the undisturbed run's")
    return wrong


def _without_speed(line: bytes) -> Any:
    return {key: value for key, value in json.loads(line).items() if key != "samples_per_second"}


def _conversions(place: pathlib.Path) -> list[Kind]:
    raw = [conversions.write_raw(place / str(number), number) for number in (0, 1)]
    stored = []
    for number, one in enumerate(raw):
        convert.run("shrec17", one, conversion.Options(place / f"set{number}"), name=conversions.NAME)
        stored.append(place / f"set{number}" / conversions.NAME / "1.0.0")
    convert.run("tfrecord", stored[0], conversion.Options(place / "pair"), "npy")
    old_set, old_pair = conversions.digest_of_set(place / "set0"), conversions.digest_of_pair(place / "pair")

    def wrong_set(of: pathlib.Path, expected: Any) -> list[str]:
        found = conversions.digest_of_set(of / "out")
        allowed = {old_set, conversions.digest_of_set(place / "set1")}
        if found in allowed or found.startswith(f"error: no data set {conversions.NAME}"):
            return []
        return [f"a set is read that is neither the old nor the new one: {found}"]

    def wrong_pair(of: pathlib.Path, expected: Any) -> list[str]:
        found = conversions.digest_of_pair(of / "out")
        return (
            [] if found in (old_pair, expected) or found.startswith("error: ") else [f"a mixed pair is read: {found}"]
        )

    def set_and_files(of: pathlib.Path) -> Any:
        files = sorted(str(path.relative_to(of)) for path in of.rglob("*"))
        return conversions.digest_of_set(of / "out"), files

    def kind(name: str, start: pathlib.Path | None, **how: Any) -> Kind:
        def prepare(of: pathlib.Path) -> None:
            of.mkdir()
            if start is not None:
                shutil.copytree(start, of / "out")

        return Kind(name=name, prepare=prepare, **how)

    to_set = {
        "program": lambda of: conversions.to_records(raw[1], of / "out"),
        "wrong": wrong_set,
        "outcome": set_and_files,
        "has_workers": True,
    }
    return [
        kind("conversion", None, **to_set),
        kind("conversion, replacing", place / "set0", **to_set),
        kind(
            "pair of npy, replacing",
            place / "pair",
            program=lambda of: conversions.to_pair(stored[1], of / "out"),
            wrong=wrong_pair,
            outcome=lambda of: conversions.digest_of_pair(of / "out"),
        ),
    ]
