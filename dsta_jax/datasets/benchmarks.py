"""Benchmarks: what is to be told apart, and which recordings may be learned from."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np

from dsta_jax.datasets.layouts import HAND_22, KINECT_20, NTU_25, UTD_MHAD_20, Layout
from dsta_jax.datasets.ntu_actions import NTU_ACTIONS

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
# DHG's order of the same classes: all gestures with one finger, then all with the whole hand.
DHG_FINE_GESTURES = SHREC_FINE_GESTURES[::2] + SHREC_FINE_GESTURES[1::2]

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

# NW-UCLA's actions 1 2 3 4 5 6 8 9 11 12 (Wang et al., CVPR 2014).
NW_UCLA_ACTIONS = (
    "pick up with one hand",
    "pick up with two hands",
    "drop trash",
    "walk around",
    "sit down",
    "stand up",
    "donning",
    "doffing",
    "throw",
    "carry",
)

# The subjects that train in the cross-subject protocols (Shahroudy et al., CVPR 2016; Liu et al., TPAMI 2020).
_NTU60_SUBJECTS = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
_NTU120_SUBJECTS = (
    *_NTU60_SUBJECTS,
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94),
    *(95, 97, 98, 100, 103),
)


# What the joints of a recording say: coordinates, and the confidence c with which they were found.
Channels = Literal["xyz", "xy", "xyzc", "xyc"]
CHANNELS: tuple[Channels, ...] = get_args(Channels)

# What is known of the N recordings of a data set: `split` (the record file's), `subject`, `camera`, `setup`.
Columns = Mapping[str, np.ndarray]


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
      protocol: from columns of N entries to N booleans, True where it tests, False where it trains; or the name of a
        column, of which each value is left out of training once, and tested on.
      prepare: the commands that make the converted set below `{data_dir}`.
      synthetic: True when those commands need no recordings of the user's.
      channels: what the C channels of a joint are.
    """

    name: str
    data_set: str
    layout: Layout
    bodies: int
    class_names: tuple[str, ...]
    class_of_label: tuple[int, ...]
    protocol: Callable[[Columns], np.ndarray] | str
    prepare: tuple[str, ...]
    synthetic: bool = False
    channels: Channels = "xyz"

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """V, M and C of its recordings."""
        return len(self.layout.joints), self.bodies, len(self.channels)

    @property
    def confidence(self) -> bool:
        """Whether the last channel is a confidence."""
        return self.channels.endswith("c")

    @property
    def left_out(self) -> str | None:
        """The column of which each value is left out once; None where train and test are fixed."""
        return self.protocol if isinstance(self.protocol, str) else None

    def is_test(self, columns: Columns, fold: int | None = None) -> np.ndarray:
        """N booleans: True where the recording is for testing; of a fold, where its value is the one left out."""
        if isinstance(self.protocol, str):
            return np.asarray(columns[self.protocol] == fold)
        return self.protocol(columns)


def _official_lists(columns: Columns) -> np.ndarray:
    """The record files are already divided by the lists that come with the data set."""
    return np.equal(columns["split"], "test")


def _even_subjects(columns: Columns) -> np.ndarray:
    """UTD-MHAD's own protocol: odd subjects train, even subjects test."""
    return np.equal(columns["subject"] % 2, 0)


def _third_view(columns: Columns) -> np.ndarray:
    """NW-UCLA, cross-view: views 1 and 2 train, view 3 tests."""
    return np.equal(columns["camera"], 3)


def _ntu60_other_subjects(columns: Columns) -> np.ndarray:
    """NTU RGB+D, cross-subject: 20 subjects train, the 20 others test."""
    return ~np.isin(columns["subject"], _NTU60_SUBJECTS)


def _ntu120_other_subjects(columns: Columns) -> np.ndarray:
    """NTU RGB+D 120, cross-subject: 53 subjects train, the 53 others test."""
    return ~np.isin(columns["subject"], _NTU120_SUBJECTS)


def _first_camera(columns: Columns) -> np.ndarray:
    """NTU RGB+D, cross-view: cameras 2 and 3 train, camera 1 tests."""
    return np.equal(columns["camera"], 1)


def _even_setups(columns: Columns) -> np.ndarray:
    """Cross-setup as in DSTA-Net's paper: odd setups train, even ones test; the data set's own is the opposite."""
    return np.equal(columns["setup"] % 2, 0)


def _odd_setups(columns: Columns) -> np.ndarray:
    """NTU RGB+D 120's own cross-setup: even setups train, odd ones test; DSTA-Net's paper has the opposite."""
    return np.equal(columns["setup"] % 2, 1)


def _ntu(name: str, actions: int, protocol: Callable[[Columns], np.ndarray], synthetic: bool = False) -> Benchmark:
    """A protocol of NTU RGB+D (60 actions) or NTU RGB+D 120."""
    return Benchmark(
        name=name,
        data_set="synthetic_ntu" if synthetic else f"ntu{actions}",
        layout=NTU_25,
        bodies=2,
        class_names=NTU_ACTIONS[:actions],
        class_of_label=tuple(range(actions)),
        protocol=protocol,
        prepare=_PREPARE_SYNTHETIC_NTU
        if synthetic
        else (
            f"python -m data_prep.ntu --raw_dir=DIRECTORY_OF_SKELETON_FILES --out_dir={{data_dir}} --version={actions}",
        ),
        synthetic=synthetic,
    )


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
        protocol=_official_lists,
        prepare=prepare,
        synthetic=synthetic,
    )


def _dhg(name: str, data_set: str, classes: int, prepare: tuple[str, ...], synthetic: bool = False) -> Benchmark:
    """DHG's protocol over 14 or 28 classes: each subject is left out once."""
    return Benchmark(
        name=name,
        data_set=data_set,
        layout=HAND_22,
        bodies=1,
        class_names=SHREC_GESTURES if classes == len(SHREC_GESTURES) else DHG_FINE_GESTURES,
        class_of_label=tuple(label % classes for label in range(len(DHG_FINE_GESTURES))),
        protocol="subject",
        prepare=prepare,
        synthetic=synthetic,
    )


_PREPARE_SHREC = ("python -m data_prep.shrec --raw_dir=DIRECTORY_OF_SHREC17 --out_dir={data_dir}",)
_PREPARE_SYNTHETIC = (
    "python -m data_prep.synthetic --out_dir={data_dir}/raw/synthetic_hands",
    "python -m data_prep.shrec --raw_dir={data_dir}/raw/synthetic_hands --out_dir={data_dir} --name=synthetic_hands",
)
_PREPARE_SYNTHETIC_NTU = (
    "python -m data_prep.synthetic --layout=ntu --out_dir={data_dir}/raw/synthetic_ntu",
    "python -m data_prep.ntu --raw_dir={data_dir}/raw/synthetic_ntu --out_dir={data_dir} --name=synthetic_ntu",
)
_PREPARE_DHG = ("python -m data_prep.dhg --raw_dir=DIRECTORY_OF_DHG2016 --out_dir={data_dir}",)
_PREPARE_SYNTHETIC_DHG = (
    "python -m data_prep.synthetic --layout=dhg --out_dir={data_dir}/raw/synthetic_dhg",
    "python -m data_prep.dhg --raw_dir={data_dir}/raw/synthetic_dhg --out_dir={data_dir} --name=synthetic_dhg",
)

BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        _shrec("shrec14", "shrec17", 14, _PREPARE_SHREC),
        _shrec("shrec28", "shrec17", 28, _PREPARE_SHREC),
        _shrec("synthetic14", "synthetic_hands", 14, _PREPARE_SYNTHETIC, synthetic=True),
        _dhg("dhg14", "dhg", 14, _PREPARE_DHG),
        _dhg("dhg28", "dhg", 28, _PREPARE_DHG),
        _dhg("synthetic_dhg14", "synthetic_dhg", 14, _PREPARE_SYNTHETIC_DHG, synthetic=True),
        Benchmark(
            name="utd_mhad",
            data_set="utd_mhad",
            layout=UTD_MHAD_20,
            bodies=1,
            class_names=UTD_MHAD_ACTIONS,
            class_of_label=tuple(range(len(UTD_MHAD_ACTIONS))),
            protocol=_even_subjects,
            prepare=("python -m data_prep.utd_mhad --raw_dir=DIRECTORY_OF_MAT_FILES --out_dir={data_dir}",),
        ),
        Benchmark(
            name="nw_ucla",
            data_set="nw_ucla",
            layout=KINECT_20,
            bodies=1,
            class_names=NW_UCLA_ACTIONS,
            class_of_label=tuple(range(len(NW_UCLA_ACTIONS))),
            protocol=_third_view,
            prepare=("python -m data_prep.nw_ucla --raw_dir=DIRECTORY_OF_JSON_FILES --out_dir={data_dir}",),
        ),
        _ntu("ntu60_cs", 60, _ntu60_other_subjects),
        _ntu("ntu60_cv", 60, _first_camera),
        _ntu("synthetic_ntu_cs", 60, _ntu60_other_subjects, synthetic=True),
        _ntu("synthetic_ntu_cv", 60, _first_camera, synthetic=True),
        _ntu("ntu120_cs", 120, _ntu120_other_subjects),
        _ntu("ntu120_ce", 120, _even_setups),
        _ntu("ntu120_xset", 120, _odd_setups),
    )
}


def of_data_set(name: str) -> tuple[Benchmark, ...]:
    """The benchmarks that train and test on a converted set."""
    return tuple(benchmark for benchmark in BENCHMARKS.values() if benchmark.data_set == name)
