"""Recordings of other formats as converted sets: by the benchmark's rules, or not at all."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from data_prep import conversion, convert, tfrecord_set
from dsta_jax.data import records
from dsta_jax.datasets import own
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.datasets.layouts import COCO_17, NTU_25
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError
from dsta_jax.formats import pyskl
from tests import raw_recordings
from tests.formats import made

NAMES = ("S001C001P001R001A001", "S001C002P003R001A002", "S002C003P040R002A060", "S003C001P004R001A001")


def annotation(name: str, label: int, bodies: int = 1, joints: int = 25, **changes: Any) -> dict[str, Any]:
    keypoint = np.random.default_rng(label + bodies).normal(size=(bodies, 4, joints, 3)).astype(np.float16)
    keypoint[:, 0] *= label > 0  # In some, nobody is seen at first.
    return {"frame_dir": name, "label": label, "keypoint": keypoint, **changes}


def ntu_pickle(tmp_path, *annotations: dict[str, Any]) -> pathlib.Path:
    whole = [annotation(name, int(name[-3:]) - 1, 1 + number % 2) for number, name in enumerate(NAMES)]
    splits = {"xsub_train": NAMES[::3], "xsub_val": NAMES[1:3], "xview_train": NAMES[1:3], "xview_val": NAMES[::3]}
    value = {"split": {split: list(names) for split, names in splits.items()}, "annotations": [*whole, *annotations]}
    return made.write_pickle(tmp_path / "ntu.pkl", value)


def own_benchmark(tmp_path, channels: str = "xyc", split: str = 'split = ["val"]', classes: int = 3) -> Benchmark:
    path = tmp_path / "own.toml"
    names = [f"class {number}" for number in range(classes)]
    path.write_text(f'name = "own"\nclasses = {names}\nlayout = "coco_17"\nchannels = "{channels}"\n[split]\n{split}\n')
    return own.find(str(path))


def own_pickle(tmp_path, **changes: Any) -> pathlib.Path:
    random = np.random.default_rng(0)
    value = {"split": {"train": ["a", "b"], "val": ["c"]}, "annotations": []}
    for label, name in enumerate("abc"):
        keypoint = random.uniform(1, 99, (1, 5, 17, 2)).astype(np.float16)
        score = random.uniform(0.1, 1, (1, 5, 17)).astype(np.float16)
        made_one = {"frame_dir": name, "label": label, "keypoint": keypoint, "keypoint_score": score}
        value["annotations"].append(made_one | (changes if name == "b" else {}))
    return made.write_pickle(tmp_path / "own.pkl", value)


def run(
    path: pathlib.Path, out: pathlib.Path, benchmark: Benchmark, form: str = "pyskl", splits: Any = (), **options: Any
) -> pathlib.Path:
    convert.run(form, path, conversion.Options(out, **options), benchmark=benchmark, splits=splits)
    return out / benchmark.source.name / benchmark.source.version


def test_ntu_in_one_split(tmp_path, capsys):
    path = ntu_pickle(tmp_path)
    directory = run(path, tmp_path / "data", BENCHMARKS["ntu60_cs"])
    found = {record.name: record for record in raw_recordings.read_split(directory, "all")}
    assert tuple(found) == NAMES
    said = [(one.label, one.subject, one.camera, one.setup) for one in found.values()]
    assert said == [(0, 1, 1, 1), (1, 3, 2, 1), (59, 40, 3, 2), (0, 4, 1, 3)]
    for number, name in enumerate(NAMES):
        keypoint = annotation(name, int(name[-3:]) - 1, 1 + number % 2)["keypoint"].astype(np.float32)
        frames_TxVxMxC = np.zeros((4, 25, 2, 3), np.float32)
        frames_TxVxMxC[:, :, : 1 + number % 2] = keypoint.transpose(1, 2, 0, 3)
        expected_TxVxMxC = normalize(frames_TxVxMxC, NTU_25, NTU_25.reference)
        np.testing.assert_array_equal(found[name].frames_TxVxMxC, expected_TxVxMxC)
    assert "ntu60 1.0.0: 4 recordings (all 4) in " in capsys.readouterr().out
    run(path, tmp_path / "data", BENCHMARKS["ntu60_cv"])
    assert "already converted" in capsys.readouterr().out  # One set serves all protocols.


def test_chosen_splits_only(tmp_path):
    directory = run(ntu_pickle(tmp_path), tmp_path / "data", BENCHMARKS["ntu60_cs"], splits=["xsub_val"])
    assert [record.name for record in raw_recordings.read_split(directory, "all")] == list(NAMES[1:3])


def test_a_benchmark_of_ones_own_keeps_the_splits_that_it_divides_by(tmp_path):
    path = own_pickle(tmp_path)
    directory = run(path, tmp_path / "data", own_benchmark(tmp_path))
    found = [(split, record.name, record.frames_TxVxMxC) for split, record in records.read_set(directory)]
    assert [one[:2] for one in found] == [("train", "a"), ("train", "b"), ("val", "c")]
    original = pyskl.read(path)
    for _, name, frames_TxVxMxC in found:
        expected = original.read(original.entries[name]).frames_with_score.astype(np.float32)
        np.testing.assert_array_equal(frames_TxVxMxC, normalize(expected, COCO_17, COCO_17.reference, confidence=True))


def test_what_a_converted_set_has_no_place_for(tmp_path, capsys):
    value = made.annotations(two=True)
    path = tmp_path / "three.toml"
    path.write_text(
        'name="own"\nclasses=["a","b","c"]\nbodies=2\nchannels="xy"\n[layout.parents]\nr="r"\ns="r"\nt="r"\n'
    )
    value["split"] = {"train": list(made.NAMES[:2]), "test": list(made.NAMES[2:4])}
    benchmark = own.find(str(path))
    directory = run(made.write_pickle(tmp_path / "a.pkl", value), tmp_path / "data", benchmark)
    assert records.read_info(directory).channels == 2
    printed = capsys.readouterr().out
    assert "note: 1 recordings are in no split, which a converted set cannot hold; they are left out" in printed
    assert "note: the sizes of the pictures are not kept" in printed
    assert "note: the confidences are not kept (channels = xy in own)" in printed


def test_splits_whose_names_are_no_files_names(tmp_path):
    value = made.annotations(two=True) | {"split": {"a/b": ["second"]}}
    with pytest.raises(UserError, match="split 'a/b': its name becomes a part of files' names"):
        run(made.write_pickle(tmp_path / "a.pkl", value), tmp_path / "data", own_benchmark(tmp_path))


def test_splits_that_overlap(tmp_path):
    value = made.annotations(two=True)
    path = made.write_pickle(tmp_path / "a.pkl", value | {"split": {"train": ["second"], "val": ["second", "fünf"]}})
    with pytest.raises(UserError, match="second is in the splits train and val, expected one in a converted set"):
        run(path, tmp_path / "data", own_benchmark(tmp_path))


def split_pickle(tmp_path, *splits: str) -> pathlib.Path:
    value = made.annotations(two=True)
    names = [one["frame_dir"] for one in value["annotations"]]
    return made.write_pickle(
        tmp_path / "a.pkl", value | {"split": {split: [names[number]] for number, split in enumerate(splits)}}
    )


def three_joints(tmp_path, split: str = "") -> Benchmark:
    path = tmp_path / "three.toml"
    parents = '[layout.parents]\nr="r"\ns="r"\nt="r"\n[normalize]\ncenter="r"\n'
    path.write_text(f'name="own"\nclasses=["a","b","c"]\nbodies=2\nchannels="xyc"\n{parents}{split}')
    return own.find(str(path))


@pytest.mark.parametrize(
    ("splits", "tests", "found"),
    [
        (("train", "test"), "", ["train", "test"]),
        (("Train", "TEST"), "", ["train", "test"]),
        (("train ", "Test"), "", ["train", "test"]),
        (("TRAIN", "test", "train"), "", ["train", "test"]),
        (("xsub_train", "xsub_val"), '["xsub_val"]', ["xsub_train", "xsub_val"]),
        (("train", "val"), '["Val"]', ["train", "val"]),
        (("train", "val", "test"), '["val", "test"]', ["train", "val", "test"]),
        (("one", "two", "three"), '["two"]', ["one", "two", "three"]),
        (("test",), "", ["test"]),
        (("train",), "", ["train"]),
        (("xsub_train",), '["xsub_val"]', ["xsub_train"]),
    ],
)
def test_splits_are_what_their_names_say(tmp_path, splits, tests, found):
    benchmark = three_joints(tmp_path, f"[split]\nsplit = {tests}\n" if tests else "")
    directory = run(split_pickle(tmp_path, *splits), tmp_path / "data", benchmark)
    assert list(records.read_info(directory).split_lengths) == found
    assert sum(1 for _ in records.read_set(directory)) == len(splits)


@pytest.mark.parametrize(
    ("splits", "tests"),
    [
        (("train", "val", "test"), ""),
        (("Train", "Val", "Test"), ""),
        (("train", "dev", "test"), ""),
        (("train", "validation", "test"), '["test"]'),
        (("train", "val"), ""),
        (("train", "testing"), ""),
        (("all",), ""),
        (("one", "two"), '["three"]'),
    ],
)
def test_splits_that_may_mean_something_else_are_refused(tmp_path, splits, tests):
    benchmark = three_joints(tmp_path, f"[split]\nsplit = {tests}\n" if tests else "")
    path = split_pickle(tmp_path, *splits)
    with pytest.raises(UserError) as caught:
        run(path, tmp_path / "data", benchmark)
    found = f"the recordings are in the splits {', '.join(splits)}"
    remedy = "name those that test in its TOML file, [split] split = [...], or convert only some with --splits=..."
    if splits == ("all",):
        found = "the recordings name no splits"
        remedy = "name their splits, or divide by another column in its TOML file, such as [split] subject = [...]"
    rule = f"benchmark own tests on {'three' if 'three' in tests else 'test'} and trains on all others"
    assert str(caught.value) == f"{found}, but {rule}; {remedy}"
    assert not (tmp_path / "data").exists()
    if "test" in map(str.lower, splits):
        chosen = [split for split in splits if split.lower() in ("train", "test")]
        assert sum(1 for _ in records.read_set(run(path, tmp_path / "data", benchmark, splits=chosen))) == 2


def test_parts_of_the_recordings_only(tmp_path, capsys):
    benchmark = three_joints(tmp_path)
    run(split_pickle(tmp_path, "test"), tmp_path / "data", benchmark)
    assert "note: benchmark own trains on none of these recordings" in capsys.readouterr().out
    run(split_pickle(tmp_path, "train"), tmp_path / "other", benchmark)
    assert "note: benchmark own tests on none of these recordings" in capsys.readouterr().out


def test_empty_splits(tmp_path):
    value = made.annotations(two=True) | {"split": {"train": ["second"], "test": [], "val": []}}
    path = made.write_pickle(tmp_path / "a.pkl", value)
    directory = run(path, tmp_path / "data", three_joints(tmp_path))
    assert records.read_info(directory).split_lengths == {"train": (1,)}
    with pytest.raises(UserError, match="a.pkl: no recordings in the splits test, val"):
        run(path, tmp_path / "data", three_joints(tmp_path), splits=["test", "val"])
    empty = made.write_pickle(tmp_path / "b.pkl", value | {"split": {"train": [], "val": []}})
    for target in ("tfrecord", "npy", "pyskl"):
        with pytest.raises(UserError, match="b.pkl: no recordings in the splits train, val"):
            convert.run("pyskl", empty, conversion.Options(tmp_path / target), target, benchmark=three_joints(tmp_path))


@pytest.mark.parametrize("split", ["subject = [3]", 'leave_out = "subject"'])
def test_a_protocol_by_what_is_not_known(tmp_path, split):
    with pytest.raises(UserError, match=r"a: its subject is not known \(3 of 3 recordings .* benchmark own divides"):
        run(own_pickle(tmp_path), tmp_path / "data", own_benchmark(tmp_path, split=split))


def test_labels_that_the_benchmark_has_not(tmp_path):
    with pytest.raises(UserError, match="own.pkl: c: label 2, expected 0 to 1 as own has them"):
        run(own_pickle(tmp_path), tmp_path / "data", own_benchmark(tmp_path, classes=2))
    with pytest.raises(UserError, match="benchmark shrec14 has 14 classes of 28 labels; choose the finest one"):
        run(own_pickle(tmp_path), tmp_path / "data", BENCHMARKS["shrec14"])
    raw_recordings.write_set(tmp_path / "tiny" / "1.0.0", {"val": [raw_recordings.records(3)]})
    with pytest.raises(UserError, match="3 joints of 3 channels, expected 17 of 3 .xyc. as in own"):
        run(tmp_path / "tiny" / "1.0.0", tmp_path / "data", own_benchmark(tmp_path), "tfrecord")
    path = tmp_path / "three.toml"
    path.write_text('name="own"\nclasses=["a","x"]\nbodies=2\n[layout.parents]\nr="r"\ns="r"\nt="r"\n')
    with pytest.raises(UserError, match="class 1 is 'b', but 'x' in own"):
        run(tmp_path / "tiny" / "1.0.0", tmp_path / "data", own.find(str(path)), "tfrecord")


NOT_FITTING: dict[str, tuple[dict[str, Any], str]] = {
    "joints": ({"keypoint": np.ones((1, 5, 18, 2)), "keypoint_score": None}, "18 joints of 2 coordinates without"),
    "no confidence": (
        {"keypoint_score": None},
        "17 joints of 2 coordinates without confidence, expected",
    ),
    "three coordinates": (
        {"keypoint": np.ones((1, 5, 17, 3)), "keypoint_score": None},
        "17 joints of 3 coordinates without confidence, expected 17 (coco_17) of xyc",
    ),
    "bodies": (
        {"keypoint": np.ones((2, 5, 17, 2)), "keypoint_score": np.ones((2, 5, 17))},
        "2 bodies, expected 1 at most",
    ),
    "large": (
        {"keypoint": np.full((1, 5, 17, 2), 1e300)},
        "b: frame 0 (from 0), joint nose, body 0: x is 1e+300, expected a number below",
    ),
    "no length": ({"keypoint": np.ones((1, 5, 17, 2))}, "is 0 in every frame: nothing to scale by"),
    "broken": ({"total_frames": 3}, "'total_frames' is 3, but 'keypoint' has 5 frames"),
}


@pytest.mark.parametrize("case", NOT_FITTING)
def test_recordings_that_do_not_fit_are_broken(tmp_path, case, capsys):
    changes, message = NOT_FITTING[case]
    path = own_pickle(tmp_path, **changes)
    with pytest.raises(UserError, match="1 of 3 recordings are broken, listed in .*conversion.json"):
        run(path, tmp_path / "data", own_benchmark(tmp_path))
    report = capsys.readouterr().err
    assert message in report and str(path) in report
    directory = run(path, tmp_path / "data", own_benchmark(tmp_path), skip_broken=True)
    assert [record.name for _, record in records.read_set(directory)] == ["a", "c"]


def test_another_skeleton_than_the_benchmarks_is_said_at_once(tmp_path, capsys):
    value = made.annotations(two=True)
    path = made.write_pickle(tmp_path / "a.pkl", value)
    with pytest.raises(UserError, match=r"a.pkl: fourth.sub: 3 joints of 2 coordinates with confidence, expected 17 "):
        run(path, tmp_path / "data", own_benchmark(tmp_path, split='split = ["xsub_val"]'))
    assert not capsys.readouterr().err and not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("nobody", "reason"),
    [(np.zeros((1, 5, 17)), "no confidence is above 0"), (np.zeros((0, 5, 17)), "nobody is seen")],
)
def test_recordings_with_nobody_in_them_are_left_out(tmp_path, nobody, reason):
    path = own_pickle(tmp_path, keypoint=np.ones((*nobody.shape, 2)), keypoint_score=nobody)
    directory = run(path, tmp_path / "data", own_benchmark(tmp_path))
    assert json.loads((directory / "conversion.json").read_text())["left_out"] == {"b": reason}


def test_an_interrupted_conversion_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(conversion, "RECORDINGS_PER_SHARD", 2)
    monkeypatch.setattr(conversion.shards, "write", interrupted := Interrupted(conversion.shards.write))
    path, benchmark = ntu_pickle(tmp_path), BENCHMARKS["ntu60_cs"]
    with pytest.raises(KeyboardInterrupt):
        run(path, tmp_path / "data", benchmark)
    interrupted.after = 9
    directory = run(path, tmp_path / "data", benchmark)
    assert "with 1 of 2 shards kept from an interrupted run" in capsys.readouterr().out
    assert [record.name for record in raw_recordings.read_split(directory, "all")] == list(NAMES)


class Interrupted:
    """A function that is interrupted at a call."""

    def __init__(self, function):
        self.function, self.after = function, 1

    def __call__(self, *arguments):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        return self.function(*arguments)


def test_a_single_file_is_read_by_one_process(tmp_path, monkeypatch):
    workers = []
    run_pool = conversion.pool.run
    monkeypatch.setattr(conversion.pool, "run", lambda *given: (workers.append(given[2]), run_pool(*given))[1])
    run(own_pickle(tmp_path), tmp_path / "data", own_benchmark(tmp_path), workers=5)
    assert workers == [1]


def test_folders_are_read_by_several_processes(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        np.save(folder / f"{number}.npy", np.random.default_rng(number).uniform(1, 9, (4, 17, 2)).astype(np.float32))
    (folder / "labels.csv").write_text("file,label,split\n0.npy,0,train\n1.npy,class 1,val\n2.npy,2,val\n")
    one = run(folder, tmp_path / "one", own_benchmark(tmp_path, channels="xy"), "folder")
    two = run(folder, tmp_path / "two", own_benchmark(tmp_path, channels="xy"), "folder", workers=2)
    assert raw_recordings.contents(one) == raw_recordings.contents(two)
    assert [(split, record.label) for split, record in records.read_set(one)] == [("train", 0), ("val", 1), ("val", 2)]


@pytest.mark.parametrize("channels", ["xyz", "xyc"])
def test_sets_are_read_as_they_were_written(tmp_path, channels):
    made_records = raw_recordings.records(7)
    directory = raw_recordings.write_set(
        tmp_path / "tiny" / "1.0.0", {"train": [made_records[:3], made_records[3:5]], "test": [made_records[5:]]}
    )
    path = tmp_path / "three.toml"
    parents = '[layout.parents]\nr="r"\ns="r"\nt="r"\n'
    path.write_text(f'name="tiny"\nclasses=["a","b","c"]\nbodies=2\nchannels="{channels}"\n{parents}')
    found = tfrecord_set.read(directory, own.find(str(path)).source)
    assert {split: len(names) for split, names in found.splits.items()} == {"train": 5, "test": 2}
    assert found.class_names == ("a", "b", "c")
    for record in [made_records[6], *made_records, made_records[2]]:
        one = found.entries[record.name]
        assert made.numbers(one) == (record.label, record.subject, record.camera, record.setup)
        recording = found.read(one)
        assert (recording.score_TxVxM is not None) == (channels == "xyc")
        np.testing.assert_array_equal(recording.frames_with_score, record.frames_TxVxMxC)


def test_a_directory_that_is_no_set(tmp_path):
    with pytest.raises(UserError, match="no dataset_info.json there, expected a converted set, DATA_DIR/NAME/VERSION"):
        tfrecord_set.read(tmp_path)
