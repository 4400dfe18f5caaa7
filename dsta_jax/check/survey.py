"""A converted data set looked over once, record by record: what is kept of each is small, its frames are not."""

import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Iterable

import numpy as np

from dsta_jax.check import faults
from dsta_jax.check.faults import Jump
from dsta_jax.check.joint_order import PairDistances
from dsta_jax.data import duplicates
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmarks import Benchmark
from dsta_jax.datasets.layouts import Layout

# What a protocol may ask of a recording, beside the part that it is in.
_NUMBERS = ("subject", "camera", "setup")


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """What is kept of one recording.

    Attributes:
      record: the record, without its frames.
      split: the part that the record file names.
      frames: how many frames it has.
      seen: in how many of them anybody is seen.
      not_finite: where NaN or infinity is, in words; empty for nowhere. Then nothing below is known.
      fingerprint: of the seen frames, `duplicates.fingerprint`; empty where nobody is seen.
      still_V: whether a joint stays exactly where it is, of any body; False where that is not known.
      jumps: joints that are suddenly elsewhere, farthest first, of all bodies.
      length_B: mean length of each bone, of the body seen longest; NaN where it is seen too little.
      change_B: standard deviation of each bone's length over its mean, of the same body.
      bone_ratio: mean length of its bones over the mean distance of any two joints; NaN where that is not known.
    """

    record: Record
    split: str
    frames: int
    seen: int
    not_finite: str
    fingerprint: str
    still_V: np.ndarray
    jumps: tuple[Jump, ...]
    length_B: np.ndarray
    change_B: np.ndarray
    bone_ratio: float

    @property
    def name(self) -> str:
        """The recording's name."""
        return self.record.name


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """All N recordings of a benchmark's data set.

    Attributes:
      benchmark: the task.
      facts: of each recording.
      distances: of the joints, over all recordings.
      samples: for each class that has one, a recording to be looked at; of those for training, if there are any.
    """

    benchmark: Benchmark
    facts: tuple[Facts, ...]
    distances: PairDistances
    samples: dict[int, Record]

    @functools.cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """`split`, `subject`, `camera`, `setup`, each of N entries, for protocols."""
        split_N = np.array([facts.split for facts in self.facts])
        return {"split": split_N} | {
            key: np.array([getattr(facts.record, key) for facts in self.facts]) for key in _NUMBERS
        }

    @functools.cached_property
    def is_test_N(self) -> np.ndarray:
        """N booleans: True where the protocol tests; nowhere, where each value of a column is left out once."""
        if self.benchmark.left_out:
            return np.zeros(len(self.facts), bool)
        return self.benchmark.is_test(self.columns)

    @functools.cached_property
    def class_N(self) -> np.ndarray:
        """The class of each recording; -1 where the benchmark does not know its label."""
        return np.array([class_of(facts.record.label, self.benchmark) for facts in self.facts])


def class_of(label: int, benchmark: Benchmark) -> int:
    """The class of a record's label; -1 where the benchmark does not know it."""
    return benchmark.class_of_label[label] if 0 <= label < len(benchmark.class_of_label) else -1


def gather(found: Iterable[tuple[str, Record]], benchmark: Benchmark) -> Survey:
    """Looks every recording over, one after the other, and keeps the frames of one recording a class.

    Args:
      found: the benchmark's recordings, each with the part that its file names, as they are.
      benchmark: says what they mean.
    """
    distances = PairDistances(benchmark.layout, flat="z" not in benchmark.channels)
    facts, samples = [], _Samples(benchmark)
    for split, record in found:
        facts.append(look(split, record, benchmark, distances))
        if not np.isnan(facts[-1].bone_ratio):  # There is a body to be seen.
            samples.offer(split, record)
    return Survey(benchmark, tuple(facts), distances, samples.chosen)


def look(split: str, record: Record, benchmark: Benchmark, distances: PairDistances) -> Facts:
    """Looks one recording over, and adds its joints' distances to those of the others."""
    frames_TxVxMxC, layout = record.frames_TxVxMxC, benchmark.layout
    seen = int(frames_TxVxMxC.any(axis=(1, 2, 3)).sum())
    wrong = not_finite(frames_TxVxMxC, layout)
    tracks = [] if wrong else faults.tracks(frames_TxVxMxC, benchmark.channels)
    length_B = change_B = np.full(len(layout.joints) - 1, np.nan)
    still_V = np.zeros(len(layout.joints), bool)
    for track in tracks:
        still_V |= faults.still_joints(track)
    if tracks:
        length_B, change_B = faults.bone_lengths(max(tracks, key=lambda track: int(track.seen_T.sum())), layout)
    return Facts(
        record=dataclasses.replace(record, frames_TxVxMxC=frames_TxVxMxC[:0].copy()),
        split=split,
        frames=len(frames_TxVxMxC),
        seen=seen,
        not_finite=wrong,
        fingerprint=duplicates.fingerprint(frames_TxVxMxC) if seen and not wrong else "",
        still_V=still_V,
        jumps=tuple(sorted(itertools.chain(*map(faults.jumps, tracks)), key=lambda jump: -jump.distance)),
        length_B=length_B,
        change_B=change_B,
        bone_ratio=max((distances.add(track) for track in tracks), default=np.nan),
    )


def not_finite(frames_TxVxMxC: np.ndarray, layout: Layout) -> str:
    """Where NaN or infinity is first, and how often; an empty string for nowhere."""
    bad_TxVxM = ~np.isfinite(frames_TxVxMxC).all(axis=-1)
    if not bad_TxVxM.any():
        return ""
    frame, joint, body = np.argwhere(bad_TxVxM)[0]
    of_body = f" of body {body}" if frames_TxVxMxC.shape[2] > 1 else ""
    more = f", and {bad_TxVxM.sum() - 1} more joints" if bad_TxVxM.sum() > 1 else ""
    return f"frame {frame}, {layout.joints[joint]}{of_body}{more}"


class _Samples:
    """One recording of each class: of those offered, for training before for testing, the one of the lowest digest.

    The digest is of the name: as good as by chance, and the same whenever it is asked.
    """

    def __init__(self, benchmark: Benchmark):
        self.benchmark = benchmark
        self.chosen: dict[int, Record] = {}
        self._rank: dict[int, tuple[bool, bytes]] = {}

    def offer(self, split: str, record: Record) -> None:
        number = class_of(record.label, self.benchmark)
        columns = {"split": np.array([split]), **{key: np.array([getattr(record, key)]) for key in _NUMBERS}}
        is_test = not self.benchmark.left_out and bool(self.benchmark.is_test(columns)[0])
        rank = is_test, hashlib.blake2b(record.name.encode(), digest_size=8).digest()
        if number >= 0 and (number not in self.chosen or rank < self._rank[number]):
            self.chosen[number], self._rank[number] = record, rank
