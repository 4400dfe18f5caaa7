"""A converted set read once: what is kept of each recording is small, its frames are not kept.

Lengths are in the recordings' own unit. A `pose_TxVxC` is one body of a recording: its coordinates in float64, NaN
where a joint was not seen.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dsta_jax.check.contact_sheet import Sample
from dsta_jax.check.joint_order import PairDistances, bones
from dsta_jax.data import duplicates
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.datasets.layouts import Layout
from dsta_jax.datasets.recording import ORIGINS

# With fewer frames one cannot say that a joint never moves, or how much a bone changes.
MIN_FRAMES = 10

# A joint jumps when it moves from one frame to the next by more than this part of the body's size, compared with how
# the body moves (the median of its joints), and by so many times what it usually moves around then (the median of nine
# steps). A thrown arm is fast, but takes several frames; a joint that was mistaken for another is there at once. A body
# jumps when it moves by more than its size. UTD-MHAD and the synthetic hands have no such jumps; 2% of NW-UCLA's
# recordings, which lack frames, have some.
JUMP_SIZE, BODY_JUMP_SIZE, JUMP_SPEED = 0.5, 1.0, 10.0
_AROUND = 4

# A jump: how far, as a part of the body's size, the frame in which it has arrived, and the joint; -1 is the whole body.
Jump = tuple[float, int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """All N recordings of a benchmark's data set."""

    benchmark: Benchmark
    streams: tuple[str, ...]  # those that are to be trained
    facts: list[dict[str, Any]]  # of each recording, as `look` gives them
    distances: PairDistances  # of the joints, over all recordings
    samples: dict[int, Sample]  # for each class that has one, a recording to look at; one for training, if there is one

    def __getitem__(self, fact: str) -> np.ndarray:
        """One fact of all N recordings."""
        return np.array([facts[fact] for facts in self.facts])

    @property
    def layout(self) -> Layout:
        """The joints."""
        return self.benchmark.source.layout

    @functools.cached_property
    def unseen_V(self) -> np.ndarray:
        """In which part of its body's frames each joint is not seen."""
        seen_V, frames = self["seen_V"].sum(axis=0), self["body_frames"].sum()
        return np.asarray(1 - seen_V / frames if frames else 0.0 * seen_V)


def gather(found: Iterable[tuple[str, Record]], benchmark: Benchmark, streams: Sequence[str] = ()) -> Survey:
    """Looks at every recording, and keeps the frames of one of each class, drawn by a digest of its name."""
    distances = PairDistances(benchmark.source.layout, flat="z" not in benchmark.source.channels)
    facts: list[dict[str, Any]] = []
    best: dict[int, tuple[tuple[bool, bytes], Sample]] = {}
    for split, record in found:
        seen = look(split, record, benchmark, distances)
        facts.append(seen)
        number, rank = seen["class"], (seen["is_test"], hashlib.blake2b(record.name.encode(), digest_size=8).digest())
        if number >= 0 and seen["bone_ratio"] > 0 and (number not in best or rank < best[number][0]):
            whole = pose(record.frames_TxVxMxC, benchmark.source.channels)
            best[number] = rank, Sample(benchmark.class_names[number], record.name, whole)
    samples = {number: sample for number, (_, sample) in best.items()}
    return Survey(benchmark, tuple(streams), facts, distances, samples)


def look(split: str, record: Record, benchmark: Benchmark, distances: PairDistances) -> dict[str, Any]:
    """The facts of one recording of a split; its joints' distances are added to those of the others."""
    frames_TxVxMxC, layout, labels = record.frames_TxVxMxC, benchmark.source.layout, benchmark.class_of_label
    origins = {key: getattr(record, key) for key in ORIGINS}
    columns = {key: np.array([value]) for key, value in {"split": split, **origins}.items()}
    pose_TxVxMxC = pose(frames_TxVxMxC, benchmark.source.channels)
    anybody_T = _seen(pose_TxVxMxC).any(axis=(1, 2))
    infinite = _infinite(frames_TxVxMxC, layout)
    bodies = [] if infinite else [body for body in np.moveaxis(pose_TxVxMxC, 2, 0) if _seen(body).any()]
    frames = [np.count_nonzero(_seen(body).any(axis=1)) for body in bodies]
    nothing_V, unknown_B = np.zeros(len(layout.joints), int), np.full(len(layout.joints) - 1, np.nan)
    length_B, change_B = bone_lengths(bodies[np.argmax(frames)], layout) if bodies else (unknown_B, unknown_B)
    return {
        "name": record.name,
        **origins,
        # Where the protocol leaves each value of a column out once, no recording is for testing alone.
        "is_test": not benchmark.left_out and bool(benchmark.protocol.is_test(columns)[0]),
        "label": record.label,
        "class": labels[record.label] if 0 <= record.label < len(labels) else -1,
        "frames": len(frames_TxVxMxC),
        "seen": int(anybody_T.sum()),  # frames in which anybody is
        "infinite": infinite,  # where infinity is; then nothing below is known
        "fingerprint": duplicates.fingerprint(frames_TxVxMxC) if bodies else "",
        "still": bool(bodies) and not any(_moves(body[anybody_T]).any() for body in bodies),  # nothing moves at all
        "body_frames": sum(frames),  # of all bodies together
        "seen_V": sum((_seen(body).sum(axis=0) for body in bodies), nothing_V),  # frames in which a joint is, as above
        "never_V": ~_seen(bodies[0]).any(axis=0) if bodies else nothing_V > 0,  # joints of the first body
        "still_V": np.any([nothing_V, *map(still_joints, bodies)], axis=0),  # of any body
        "jumps": sorted((jump for body in bodies for jump in jumps(body)), reverse=True),  # farthest first
        "length_B": length_B,  # the bones of the body that is seen longest ...
        "change_B": change_B,  # ... and how much they change
        "bone_ratio": max((distances.add(body) for body in bodies), default=np.nan),
    }


def pose(frames_TxVxMxC: np.ndarray, channels: str) -> np.ndarray:
    """A record's coordinates in float64, NaN where a joint was not seen or its body is absent (all zeros)."""
    absent_TxM = ~np.asarray(frames_TxVxMxC.any(axis=(1, 3)))  # NaN counts as true
    pose_TxVxMxC: np.ndarray = frames_TxVxMxC[..., : len(channels.removesuffix("c"))].astype(np.float64)
    pose_TxVxMxC[np.isnan(frames_TxVxMxC).any(axis=-1) | absent_TxM[:, None]] = np.nan
    return pose_TxVxMxC


def _seen(pose_xC: np.ndarray) -> np.ndarray:
    return ~np.isnan(pose_xC[..., 0])


def _moves(pose_TxVxC: np.ndarray) -> np.ndarray:
    """V booleans: True where a joint is ever seen in another place than in the frame before."""
    return np.asarray((np.abs(np.diff(pose_TxVxC, axis=0)) > 0).any(axis=(0, 2)))


def _infinite(frames_TxVxMxC: np.ndarray, layout: Layout) -> str:
    """Where infinity is first, and how often; an empty string for nowhere."""
    places = np.argwhere(np.isinf(frames_TxVxMxC).any(axis=-1)).tolist()
    if not places:
        return ""
    frame, joint, body = places[0]
    of_body = f" of body {body}" if frames_TxVxMxC.shape[2] > 1 else ""
    return f"frame {frame}, {layout.joints[joint]}{of_body}" + f", and {len(places) - 1} more" * (len(places) > 1)


def still_joints(pose_TxVxC: np.ndarray) -> np.ndarray:
    """V booleans: True where a joint stays in exactly the same place, over `MIN_FRAMES` frames or more.

    One joint may stay at zero while others move: it is the origin of a skeleton that is centred frame by frame.
    """
    steps_V = _seen(np.diff(pose_TxVxC, axis=0)).sum(axis=0)
    still_V = (steps_V >= MIN_FRAMES - 1) & ~_moves(pose_TxVxC)
    zero_V = still_V & ~(np.abs(pose_TxVxC) > 0).any(axis=(0, 2))
    return still_V & ~zero_V if zero_V.sum() == 1 and not still_V.all() else still_V


def jumps(pose_TxVxC: np.ndarray) -> list[Jump]:
    """The jumps of a body and of its joints; see `JUMP_SIZE`."""
    steps_TxVxC, joints = np.diff(pose_TxVxC, axis=0), pose_TxVxC.shape[1]
    box_TxC = np.fmax.reduce(pose_TxVxC, axis=1) - np.fmin.reduce(pose_TxVxC, axis=1)
    size = np.nanmedian(np.linalg.norm(box_TxC, axis=1))
    if not size:
        return []
    # NaN is sorted behind all numbers: the (lower) median of those before it.
    middle_T = np.maximum(_seen(steps_TxVxC).sum(axis=1) - 1, 0) // 2
    body_TxC = np.take_along_axis(np.sort(steps_TxVxC, axis=1), middle_T[:, None, None], axis=1)[:, 0]
    # How far each joint moves, compared with its body, and, behind the joints, how far the body does.
    steps_TxWxC = np.concatenate([steps_TxVxC - body_TxC[:, None], body_TxC[:, None]], axis=1)
    moved_TxW = np.linalg.norm(steps_TxWxC, axis=2) / size
    return [
        (float(moved_TxW[step, joint]), step + 1, joint if joint < joints else -1)
        for step, joint in np.argwhere(moved_TxW > [JUMP_SIZE] * joints + [BODY_JUMP_SIZE]).tolist()
        if _is_sudden(moved_TxW[:, joint], step)
    ]


def _is_sudden(moved_T: np.ndarray, step: int) -> bool:
    """Whether a step is much longer than those around it; False where there are too few."""
    around = moved_T[max(0, step - _AROUND) : step + _AROUND + 1]
    around = around[~np.isnan(around)]
    return len(around) > _AROUND and bool(moved_T[step] > JUMP_SPEED * np.median(around))


def bone_lengths(pose_TxVxC: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Mean length of each bone, and its standard deviation over its mean; NaN with fewer than `MIN_FRAMES` frames."""
    ends_B, starts_B = bones(layout)
    length_TxB = np.linalg.norm(pose_TxVxC[:, ends_B] - pose_TxVxC[:, starts_B], axis=2)
    count_B = (~np.isnan(length_TxB)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_B = np.where(count_B < MIN_FRAMES, np.nan, np.nansum(length_TxB, axis=0) / count_B)
        change_B = np.sqrt(np.nansum((length_TxB - mean_B) ** 2, axis=0) / count_B) / mean_B
    return mean_B, change_B
