"""Findings: each rule speaks where its fault is planted, and is silent otherwise."""

import dataclasses

import numpy as np
import pytest

from dsta_jax.check import findings, survey
from dsta_jax.data import records
from dsta_jax.data.records import Record
from dsta_jax.datasets.benchmark import Protocol
from dsta_jax.datasets.benchmarks import BENCHMARKS

HANDS, BODIES = BENCHMARKS["synthetic14"], BENCHMARKS["utd_mhad"]


@pytest.fixture(scope="module")
def found(hands):
    """Pairs of part and record: 28 synthetic hands for training, of one subject, 28 for testing, of another."""
    return list(records.read_set(records.find_data_set(hands, HANDS.source.name)))


def changed(found, number, **given):
    """The same recordings, but for one."""
    found = list(found)
    found[number] = (given.pop("split", found[number][0]), dataclasses.replace(found[number][1], **given))
    return found


def frames_of(found, number):
    return found[number][1].frames_TxVxMxC.copy()


def said(found, benchmark=HANDS, streams=()):
    return findings.find(survey.gather(found, benchmark, streams))


def only(found, benchmark=HANDS, streams=()):
    (finding,) = said(found, benchmark, streams)
    return finding


def test_nothing_is_wrong_with_these(found):
    assert said(found) == []


def test_infinity(found):
    frames = frames_of(found, 3)
    frames[4, 2] = np.inf
    finding = only(changed(found, 3, frames_TxVxMxC=frames))
    assert finding.error and finding.said == "infinity in 1 of 56 recordings"
    assert finding.cases == (f"{found[3][1].name}: frame 4, thumb_base",)


def test_a_joint_that_is_not_seen_now_and_then_is_no_finding(found):
    frames = frames_of(found, 3)
    frames[4, 2] = frames[7:9, 0] = np.nan
    assert said(changed(found, 3, frames_TxVxMxC=frames)) == []


def test_nobody(found):
    finding = only(changed(found, 5, frames_TxVxMxC=np.zeros((9, 22, 1, 3), np.float32)))
    assert finding.error and finding.cases == (f"{found[5][1].name}: 9 frames",)


@pytest.mark.parametrize("label", [-1, 28])
def test_labels(found, label):
    finding = only(changed(found, 6, label=label))
    assert finding.error and "outside 0 to 27" in finding.said and finding.cases == (f"{found[6][1].name}: {label}",)


def test_a_class_that_is_only_tested_is_an_error_and_one_that_is_only_trained_a_warning(found):
    without = [
        (split, record) for split, record in found if (split, record.label // 2) not in (("train", 3), ("test", 5))
    ]
    error, warning = said(without)
    assert error.error and error.cases == ("pinch",) and "for training" in error.said
    assert not warning.error and warning.cases == ("rotation counter-clockwise",)


def test_a_class_without_recordings_is_a_warning(found):
    finding = only([(split, record) for split, record in found if record.label // 2 != 3])
    assert not finding.error and finding.cases == ("pinch",) and "1 of 14 classes have no recordings" in finding.said


@pytest.mark.parametrize(("split", "lacking"), [("train", "testing"), ("test", "training")])
def test_an_empty_part(found, split, lacking):
    finding = only([(split, record) for _, record in found])
    assert finding.error and finding.said == f"no recording is for {lacking}"


def test_twins_across_the_parts(found):
    train, test = ([n for n, (split, _) in enumerate(found) if split == part] for part in ("train", "test"))
    twin = changed(found, test[0], frames_TxVxMxC=frames_of(found, train[0]))
    finding = only(twin)
    assert not finding.error and finding.said == "1 of 28 recordings for testing are identical to one for training"
    names = sorted(f"{found[n][1].name} ({part})" for n, part in ((train[0], "train"), (test[0], "test")))
    assert sorted(finding.cases[0].split(" = ")) == names


def test_twins_within_a_part_with_one_label_and_with_two(found):
    padded = np.concatenate([np.zeros((2, 22, 1, 3), np.float32), frames_of(found, 0)])
    same = [number for number, (_, record) in enumerate(found[:28]) if record.label == found[0][1].label][-1]
    copy = ("train", dataclasses.replace(found[0][1], name="copy", frames_TxVxMxC=padded))
    assert same == 0
    finding = only([*found, copy])
    assert "2 recordings are identical to another one of the same part" in finding.said
    within, torn = said([*found, ("train", dataclasses.replace(copy[1], label=found[9][1].label))])
    assert within == finding and "identical to one of another class" in torn.said
    assert f"(label {found[0][1].label})" in torn.cases[0]


def test_where_each_subject_is_left_out_once(found):
    benchmark = dataclasses.replace(HANDS, protocol=Protocol("subject"))
    assert said(found, benchmark) == []
    other = [n for n, (_, record) in enumerate(found) if record.subject != found[0][1].subject][0]
    twins = only(changed(found, other, frames_TxVxMxC=frames_of(found, 0)), benchmark)
    assert twins.said.startswith("2 recordings are identical to one of another subject: ")
    one = [
        (split, record) for split, record in found if record.label // 2 != 3 or record.subject == found[0][1].subject
    ]
    lacking = only(one, benchmark)
    assert lacking.error and lacking.cases == ("pinch",) and "of one subject only" in lacking.said
    alone = only([(split, dataclasses.replace(record, subject=1)) for split, record in found], benchmark)
    assert alone.error and "all recordings have the same subject" in alone.said


def test_a_few_subjects_in_both_parts(found):
    def number(subject_of):
        return [
            (split, dataclasses.replace(record, subject=subject_of(split, n)))
            for n, (split, record) in enumerate(found)
        ]

    assert said(number(lambda split, n: n % 4 + (5 if split == "test" else 1))) == []
    finding = only(number(lambda split, n: n % 4 + (4 if split == "test" else 1)))
    assert finding.said.startswith("1 of the 4 subjects") and finding.cases[0].startswith("subject 4: 7 recordings")
    assert said(number(lambda split, n: n % 4 + (2 if split == "test" else 1))) == []  # no division by subjects
    assert said(number(lambda split, n: 0)) == []


def test_a_frozen_joint(found):
    frames = frames_of(found, 7)
    frames[:, 4] = frames[0, 4]
    finding = next(finding for finding in said(changed(found, 7, frames_TxVxMxC=frames)) if "still" in finding.said)
    assert finding.cases == (f"thumb_second: in 1 of 56 recordings, first {found[7][1].name}",)


@pytest.mark.parametrize("frames", [1, 15])
def test_a_recording_in_which_nothing_moves(found, frames):
    frames = np.repeat(frames_of(found, 7)[:1], frames, axis=0)
    finding = only(changed(found, 7, frames_TxVxMxC=frames), streams=("slow_temporal",))
    assert not finding.error
    assert finding.said == "nothing moves in 1 of 56 recordings" and finding.cases == (found[7][1].name,)


def signs(found, still):
    """The training recordings for which `still` holds of their number become single frames, all different."""
    return [
        (split, dataclasses.replace(record, frames_TxVxMxC=record.frames_TxVxMxC[n : n + 1]))
        if split == "train" and still(n)
        else (split, record)
        for n, (split, record) in enumerate(found)
    ]


def test_motion_streams_have_nothing_to_learn_where_nothing_moves(found):
    assert [split for split, _ in found] == ["train"] * 28 + ["test"] * 28
    both = ("spatial_temporal", "slow_temporal", "fast_temporal")
    finding = only(signs(found, lambda n: True), streams=both)
    assert finding.error and len(finding.cases) == 28
    assert finding.said == (
        "nothing moves in 28 of 56 recordings, 28 of 28 for training: slow_temporal and fast_temporal cannot learn "
        "from them; train :spatial_temporal or :spatial instead (behind the name of the configuration)"
    )
    most = only(signs(found, lambda n: n < 15), streams=both[:2])
    assert not most.error and "15 of 28 for training: slow_temporal cannot learn" in most.said
    half = only(signs(found, lambda n: n < 14), streams=both)
    assert not half.error and half.said == "nothing moves in 14 of 56 recordings"
    without = only(signs(found, lambda n: True), streams=("spatial_temporal", "spatial"))
    assert not without.error and without.said == "nothing moves in 28 of 56 recordings"


def test_where_each_subject_is_left_out_all_recordings_are_trained_on(found):
    benchmark = dataclasses.replace(HANDS, protocol=Protocol("subject"))
    finding = only(signs(found, lambda n: True), benchmark, streams=("fast_temporal",))
    assert finding.said == "nothing moves in 28 of 56 recordings"


@pytest.mark.parametrize("channels", ["xyz", "xy"])
def test_joints_that_are_mostly_not_seen(found, channels):
    benchmark = dataclasses.replace(HANDS, source=dataclasses.replace(HANDS.source, channels=channels))
    gaps = [
        (split, dataclasses.replace(record, frames_TxVxMxC=record.frames_TxVxMxC[..., : len(channels)].copy()))
        for split, record in found
    ]
    assert said(gaps, benchmark) == []
    for number, (_, record) in enumerate(gaps):
        record.frames_TxVxMxC[:, 8] = np.nan
        record.frames_TxVxMxC[: len(record.frames_TxVxMxC) // 2 - 1, 5] = np.nan  # less than half
        if number % 5:
            record.frames_TxVxMxC[:, 12] = np.nan
    mostly = [finding for finding in said(gaps, benchmark) if "mostly" in finding.said]
    assert [(finding.said, finding.error) for finding in mostly] == [("2 of 22 joints are mostly not seen", False)]
    assert mostly[0].cases[0] == "index_second: in 100% of the frames"
    assert mostly[0].cases[1].startswith("middle_second: in ")


def test_recordings_without_the_joints_that_they_are_normalised_by(found):
    assert HANDS.source.normalized_by.joints == ("wrist", "middle_base")
    frames = frames_of(found, 4)
    frames[1:, [0, 3, 10]] = np.nan  # the thumb is not asked for
    assert [finding for finding in said(changed(found, 4, frames_TxVxMxC=frames)) if "normalised" in finding.said] == []
    frames[0, [3, 10]] = np.nan
    finding = only(changed(found, 4, frames_TxVxMxC=frames))
    assert finding.said.startswith("joints that recordings are normalised by are never seen in 1 of 56 recordings: ")
    assert finding.cases == (f"{found[4][1].name}: middle_base",) and "[normalize]" in finding.said
    frames[0, 0] = np.nan
    assert only(changed(found, 4, frames_TxVxMxC=frames)).cases == (f"{found[4][1].name}: wrist, middle_base",)


def test_a_jump(found):
    frames = frames_of(found, 8)
    frames[20, 13] += 5
    finding = only(changed(found, 8, frames_TxVxMxC=frames))
    assert finding.said == "joints jump between two frames in 1 of 56 recordings"
    assert finding.cases[0].startswith(f"{found[8][1].name}: frame 2") and "middle_tip" in finding.cases[0]
    frames[20:] += 50
    assert "the whole body" in only(changed(found, 8, frames_TxVxMxC=frames)).cases[0]


@pytest.mark.parametrize("seed", range(3))
def test_joints_in_a_wrong_order(found, seed):
    order = np.random.default_rng(seed).permutation(22)
    wrong = [
        (split, dataclasses.replace(record, frames_TxVxMxC=record.frames_TxVxMxC[:, order])) for split, record in found
    ]
    assert [finding for finding in said(wrong) if finding.said.endswith("are the joints in the order of the data?")]


def test_one_recording_in_another_order(found):
    order = np.random.default_rng(0).permutation(22)
    finding = only(changed(found, 9, frames_TxVxMxC=frames_of(found, 9)[:, order]))
    assert finding.said.startswith("the bones of 1 of 56 recordings are long")
    assert finding.cases[0].startswith(f"{found[9][1].name}: ")


def test_bones_that_change_their_lengths(found):
    random = np.random.default_rng(0)
    frames = frames_of(found, 10)
    noisy = frames * random.uniform(0.1, 2, (len(frames), 1, 1, 1)).astype(np.float32)
    wild = [
        finding for finding in said(changed(found, 10, frames_TxVxMxC=noisy)) if "change their lengths" in finding.said
    ]
    assert [finding.cases[0].split(":")[0] for finding in wild] == [found[10][1].name]


def bodies(stretch):
    """Bodies of UTD-MHAD's joints that sway; the left forearm is so many times as long as the right one."""
    layout, random = BODIES.source.layout, np.random.default_rng(0)
    offsets_VxC = random.normal(size=(20, 3)) + 0.5
    for left, right in layout.right_of_left.items():
        offsets_VxC[right] = offsets_VxC[left] * (-1, 1, 1)
    offsets_VxC[layout.joints.index("left_wrist")] *= stretch
    place_VxC = np.zeros((20, 3))
    for _ in range(20):
        place_VxC = np.array([place_VxC[p] + offsets_VxC[v] * (p != v) for v, p in enumerate(layout.parents)])
    for number in range(54):
        frames = place_VxC * (1 + 0.01 * random.normal(size=(12, 20, 3)))
        label, subject = number % 27, number // 27 + 1
        yield "all", Record(f"r{number}", label, subject, 0, 0, frames[:, :, None].astype(np.float32))


def test_left_and_right():
    def uneven(stretch):
        return [finding for finding in said(bodies(stretch), BODIES) if "left and the right" in finding.said]

    assert uneven(1.0) == [] and uneven(1.4) == []
    (finding,) = uneven(2.0)
    assert finding.cases == ("left_wrist is 2.00 x as long as right_wrist",)
    assert len(BODIES.class_names) == 27
