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


def _training_data(data: pathlib.Path) -> pathlib.Path:
    raw_set.write(synthetic_hands.shrec_set(subjects=2, essais=1), data / "raw")
    convert.run("shrec17", data / "raw", conversion.Options(data), name="synthetic_hands")
    found = raw_recordings.records(18)
    found = [dataclasses.replace(one, subject=number % 3 + 1) for number, one in enumerate(found)]
    raw_recordings.write_set(data / "tiny" / "1.0.0", {"all": [found]})
    (data / "tiny.toml").write_text(_TOML)
    return data


def _training(name: str, place: pathlib.Path) -> Kind:
    kind, data = name.removeprefix("training, "), _training_data(place)

    def outcome(place: pathlib.Path) -> Any:
        notes = list(trainings.read_notes(place / "notes"))
        found = trainings.outcome(place / "run")
        found["checkpoints"] = [note["found"] for note in notes if note["what"] == "ended"][-1]
        found["saved"] = {
            f"{note['where']} {note['step']}": note["digest"] for note in notes if note["what"] == "saved"
        }
        return found

    return Kind(
        name=name,
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


def _written(place: pathlib.Path, number: int) -> tuple[pathlib.Path, pathlib.Path]:
    """Raw recordings in one of two states, and the directory of the set that becomes of them."""
    raw = conversions.write_raw(place / f"raw{number}", number)
    convert.run("shrec17", raw, conversion.Options(place / f"set{number}"), name=conversions.NAME)
    return raw, place / f"set{number}"


def _set(name: str, place: pathlib.Path) -> Kind:
    """A conversion by two workers, in place of another set or of none."""
    (_, old), (raw, new) = _written(place, 0), _written(place, 1)
    whole = {conversions.digest_of_set(new), *([conversions.digest_of_set(old)] if "replacing" in name else [])}

    def wrong(of: pathlib.Path, _: Any) -> list[str]:
        found = conversions.digest_of_set(of / "out")
        none = found.startswith(f"error: no data set {conversions.NAME}")
        return [] if none or found in whole else [f"a set is read that is neither the old nor the new one: {found}"]

    def outcome(of: pathlib.Path) -> Any:
        return conversions.digest_of_set(of / "out"), sorted(str(path.relative_to(of)) for path in of.rglob("*"))

    return Kind(
        name=name,
        prepare=lambda of: _copied(old, of) if "replacing" in name else of.mkdir(),
        program=lambda of: conversions.to_records(raw, of / "out"),
        wrong=wrong,
        outcome=outcome,
        has_workers=True,
    )


def _pair(name: str, place: pathlib.Path) -> Kind:
    """A pair of npy files in place of another one."""
    (_, old), (_, new) = _written(place, 0), _written(place, 1)
    stored = [directory / conversions.NAME / "1.0.0" for directory in (old, new)]
    convert.run("tfrecord", stored[0], conversion.Options(place / "pair"), "npy")
    before = conversions.digest_of_pair(place / "pair")

    def wrong(of: pathlib.Path, expected: Any) -> list[str]:
        found = conversions.digest_of_pair(of / "out")
        refused = found.startswith("error: ")
        return [] if refused or found in (before, expected) else [f"a mixed pair is read: {found}"]

    return Kind(
        name=name,
        prepare=lambda of: _copied(place / "pair", of),
        program=lambda of: conversions.to_pair(stored[1], of / "out"),
        wrong=wrong,
        outcome=lambda of: conversions.digest_of_pair(of / "out"),
    )


def _copied(there: pathlib.Path, of: pathlib.Path) -> None:
    of.mkdir()
    shutil.copytree(there, of / "out")


# What makes each kind; it may write what its programs read to a directory.
MAKERS: dict[str, Callable[[str, pathlib.Path], Kind]] = {
    "training, held out": _training,
    "training, folds": _training,
    "conversion": _set,
    "conversion, replacing": _set,
    "pair of npy, replacing": _pair,
}
