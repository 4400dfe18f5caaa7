"""Kills trainings and conversions until so many kills are counted, and compares what comes of them.

  python -m tests.faults.soak --kills=100 --seed=0 --out=faults.json

Each program is killed at random moments and before randomly chosen calls, Python's
and, where strace is installed, the system's; started again until it ends; and
compared with one that nobody disturbed. Prints a table; the status is 1 when
anything is wrong.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

import argparse
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults import children, kinds, system_calls
from tests.faults.children import KILLED, Ended, Place
from tests.faults.kinds import Kind

_WORKER_KILLED = "error: a worker process was killed"


class Soak:
    """What has been killed where, and what was wrong after it."""

    def __init__(self, place: pathlib.Path, seed: int):
        self.kills: Counter[tuple[str, str]] = Counter()
        self.wrong: list[dict[str, str]] = []
        self.finished: Counter[str] = Counter()
        self._place, self._dice, self._trials = place, random.Random(seed), 0

    def make(self, name: str) -> Kind:
        """A kind of program, and what it reads."""
        (self._place / name).mkdir()
        return kinds.MAKERS[name](name, self._place / name)

    def undisturbed(self, kind: Kind, follow: bool = False) -> tuple[Any, Ended]:
        """The outcome of a program that nobody disturbs, and how it ended; with `follow`, with its system calls."""
        directory = self._place / kind.name / "undisturbed"
        kind.prepare(directory)
        ended = self._run(kind, directory, Place(), follow)
        if ended.status or ended.orphans:
            raise RuntimeError(f"{kind.name}, undisturbed: status {ended.status}, {ended.orphans}\n{ended.said}")
        outcome = kind.outcome(directory)
        shutil.rmtree(directory)
        return outcome, ended

    def trial(self, kind: Kind, expected: Any, places: Iterator[Place], most: int) -> None:
        """Starts a program again and again until it ends; it is killed `most` times at most."""
        self._trials += 1
        directory, killed = self._place / f"trial {self._trials}", 0
        kind.prepare(directory)
        while True:
            place = next(places) if killed < most else Place()
            ended = self._run(kind, directory, place)
            where = ended.killed_at or "a moment"
            if of_worker := _WORKER_KILLED in ended.said:
                where += ", a worker"
            self._note(kind, where, [f"left running: {one}" for one in ended.orphans])
            if ended.status == KILLED or of_worker:
                killed += 1
                self.kills[kind.name, where] += 1
                self._note(kind, where, kind.wrong(directory, expected))
                continue
            if ended.status:
                self._note(kind, where, [f"status {ended.status}: {ended.said[-600:]}"])
                return
            break
        self.finished[kind.name] += 1
        found = kind.outcome(directory)
        self._note(kind, f"the end, after {killed} kills", _differences(found, expected))
        shutil.rmtree(directory)

    def _run(self, kind: Kind, directory: pathlib.Path, place: Place, follow: bool = False) -> Ended:
        return children.run(kind.program(directory), place, directory, self._place / "log.txt", follow)

    def _note(self, kind: Kind, where: str, wrong: list[str]) -> None:
        for what in wrong:
            print(f"WRONG {kind.name}: {where}: {what}", flush=True)
            self.wrong.append({"kind": kind.name, "where": where, "what": what})

    def places(self, kind: Kind, calls: Mapping[str, Sequence[int]], seconds: float) -> Iterator[Place]:
        """Where to kill: before the calls of an undisturbed run in turn, and in between at any moment."""
        while True:
            names = sorted(calls)
            self._dice.shuffle(names)
            for call in names:
                yield Place(call, self._dice.choice(calls[call]))
                moment = self._dice.uniform(0, seconds)
                yield Place(seconds=moment, of_worker=kind.has_workers and self._dice.random() < 0.5)


def _differences(found: Any, expected: Any) -> list[str]:
    if not isinstance(expected, dict):
        return [] if found == expected else [f"found {found}, expected {expected}"]
    names = sorted(found.keys() | expected.keys())
    return [f"{name} differs" for name in names if found.get(name) != expected.get(name)]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="how many kills")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other places")
    parser.add_argument("--only", default="", help="only programs whose name begins so")
    parser.add_argument("--most", type=int, default=6, help="kills of a program before it may end")
    parser.add_argument("--at", nargs="+", help="one program is killed in turn before these calls, each CALL:NUMBER")
    parser.add_argument("--out", type=pathlib.Path, help="where the table goes, as JSON")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults_") as name:
        place = pathlib.Path(name)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(place / "cache"))
        soak = Soak(place, options.seed)
        chosen = [soak.make(kind) for kind in kinds.MAKERS if kind.startswith(options.only)]
        expected, places = {}, {}
        for kind in chosen:
            expected[kind.name], ended = soak.undisturbed(kind)
            if not options.at:  # The first one had to compile.
                _, ended = soak.undisturbed(kind)
            calls = dict(ended.calls)
            if system_calls.is_here() and not options.at:
                calls.update(soak.undisturbed(kind, follow=True)[1].calls)
            places[kind.name] = soak.places(kind, calls, ended.seconds)
            counts = {name: len(numbers) for name, numbers in calls.items()}
            print(f"{kind.name}: {ended.seconds:.1f} s undisturbed, calls {counts}", flush=True)
        if options.at:
            at = [Place(call, int(number)) for call, _, number in (word.rpartition(":") for word in options.at)]
            soak.trial(chosen[0], expected[chosen[0].name], iter(at), len(at))
            options.kills = 0
        while (left := options.kills - soak.kills.total()) > 0:
            kind = min(chosen, key=lambda one: soak.finished[one.name])
            soak.trial(kind, expected[kind.name], places[kind.name], min(left, options.most))
            print(f"{soak.kills.total()} kills, {time.monotonic() - started:.0f} s", flush=True)
    seconds = time.monotonic() - started
    print(_table(soak))
    if not system_calls.is_here():
        print("strace is not installed: nothing was killed before system calls")
    finished = ", ".join(f"{name} {count}" for name, count in soak.finished.items())
    print(f"{soak.kills.total()} kills in {seconds:.0f} s; ended: {finished}; {len(soak.wrong)} things wrong")
    if options.out:
        kills = [{"kind": kind, "where": where, "kills": count} for (kind, where), count in soak.kills.items()]
        result = {"seconds": seconds, "command": sys.argv[1:], "kills": kills, "ended": soak.finished}
        options.out.write_text(json.dumps({**result, "wrong": soak.wrong}, indent=1))
    return int(bool(soak.wrong))


def _table(soak: Soak) -> str:
    lines = ["| killed | where | kills | wrong |", "|---|---|---:|---:|"]
    wrong = Counter((one["kind"], one["where"]) for one in soak.wrong)
    for kind, where in sorted(soak.kills.keys() | wrong.keys()):
        lines.append(f"| {kind} | {where} | {soak.kills[kind, where]} | {wrong[kind, where]} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
