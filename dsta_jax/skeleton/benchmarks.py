"""Benchmarks: what is to be told apart, and which recordings may be learned from."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from dsta_jax.skeleton.layouts import HAND_22, UTD_MHAD_20, Layout

SHREC_GESTURES = (
    "grab",
    "tap",
    "expand",
    "pinch",
    "rotation clockwise",
    "rotation counter-clockwise",
    "swipe right",
    "swipe left",
    "swipe up",
    "swipe down",
    "swipe X",
    "swipe +",
    "swipe V",
    "shake",
)
SHREC_FINE_GESTURES = tuple(
    f"{gesture}, {fingers}" for gesture in SHREC_GESTURES for fingers in ("one finger", "whole hand")
)

# UTD-MHAD, actions 1 to 27 as its authors number them (Chen, Jafari, Kehtarnavaz, ICIP 2015).
UTD_MHAD_ACTIONS = (
    "right arm swipe to the left",
    "right arm swipe to the right",
    "right hand wave",
    "two hand front clap",
    "right arm throw",
    "cross arms in the chest",
    "basketball shoot",
    "right hand draw x",
    "right hand draw circle clockwise",
    "right hand draw circle counter-clockwise",
    "draw triangle",
    "bowling",
    "front boxing",
    "baseball swing from right",
    "tennis right hand forehand swing",
    "arm curl",
    "tennis serve",
    "two hand push",
    "right hand knock on door",
    "right hand catch an object",
    "right hand pick up and throw",
    "jogging in place",
    "walking in place",
    "sit to stand",
    "stand to sit",
    "forward lunge",
    "squat",
)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A task: classes, a skeleton, and the protocol that says which recordings are for testing.

    Attributes:
      name: as in `BENCHMARKS` and in the configs' file names.
      data_set: name of the converted set, the directory below `data.dir`.
      layout: joints and bones of one body.
      bodies: how many bodies a recording holds (M).
      class_names: the classes, counted from 0.
      class_of_label: the class of each record label; the labels of a record are the finest its data set has.
      is_test: from columns `split` (the record file's), `subject`, `camera`, `setup`, each of N entries,
        to N booleans: True where the protocol tests, False where it trains.
      prepare: the commands that make the converted set below `{data_dir}`.
      synthetic: True when those commands need no recordings of the user's.
    """

    name: str
    data_set: str
    layout: Layout
    bodies: int
    class_names: tuple[str, ...]
    class_of_label: tuple[int, ...]
    is_test: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    prepare: tuple[str, ...]
    synthetic: bool = False


def _official_lists(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The record files are already divided by the lists that come with the data set."""
    return np.equal(columns["split"], "test")


def _even_subjects(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """UTD-MHAD's own protocol: odd subjects train, even subjects test."""
    return np.equal(columns["subject"] % 2, 0)


def _shrec(name: str, data_set: str, classes: int, prepare: tuple[str, ...], synthetic: bool = False) -> Benchmark:
    """SHREC'17's protocol over 14 or 28 classes; its 28-class label is 2 (gesture - 1) + finger - 1."""
    fine = len(SHREC_FINE_GESTURES)
    return Benchmark(
        name=name,
        data_set=data_set,
        layout=HAND_22,
        bodies=1,
        class_names=SHREC_GESTURES if classes == len(SHREC_GESTURES) else SHREC_FINE_GESTURES,
        class_of_label=tuple(label * classes // fine for label in range(fine)),
        is_test=_official_lists,
        prepare=prepare,
        synthetic=synthetic,
    )


_PREPARE_SHREC = ("python -m data_prep.shrec --raw_dir=DIRECTORY_OF_SHREC17 --out_dir={data_dir}",)
_PREPARE_SYNTHETIC = (
    "python -m data_prep.synthetic --out_dir={data_dir}/raw/synthetic_hands",
    "python -m data_prep.shrec --raw_dir={data_dir}/raw/synthetic_hands --out_dir={data_dir} --name=synthetic_hands",
)

BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        _shrec("shrec14", "shrec17", 14, _PREPARE_SHREC),
        _shrec("shrec28", "shrec17", 28, _PREPARE_SHREC),
        _shrec("synthetic14", "synthetic_hands", 14, _PREPARE_SYNTHETIC, synthetic=True),
        Benchmark(
            name="utd_mhad",
            data_set="utd_mhad",
            layout=UTD_MHAD_20,
            bodies=1,
            class_names=UTD_MHAD_ACTIONS,
            class_of_label=tuple(range(len(UTD_MHAD_ACTIONS))),
            is_test=_even_subjects,
            prepare=("python -m data_prep.utd_mhad --raw_dir=DIRECTORY_OF_MAT_FILES --out_dir={data_dir}",),
        ),
    )
}
