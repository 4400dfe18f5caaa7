"""Converting between the formats: nothing changes on any way, and what cannot be held or read is said."""

import itertools
import pathlib
import pickle
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
from absl import flags
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_prep import conversion, convert, recording_files
from data_prep.formats import ctr_gcn, npy_pair, pyskl
from dsta_jax.datasets.recording import Collection, Recording, entry
from dsta_jax.errors import UserError
from tests import raw_recordings
from tests.data_prep.formats import made

READERS: dict[str, Any] = {"pyskl": pyskl.read, "npy": npy_pair.read, "npz": ctr_gcn.read}
ENDINGS = {"pyskl": "a.pkl", "npy": "arrays", "npz": "a.npz"}
CHAINS = [chain for length in (1, 2, 3) for chain in itertools.product(ENDINGS, repeat=length)]


def run(form: str, target: Any, path: pathlib.Path, out: pathlib.Path, **options: Any) -> pathlib.Path:
    chosen = {key: options.pop(key) for key in ("benchmark", "splits") if key in options}
    convert.run(form, path, conversion.Options(out, **options), target, **chosen)
    return out


def through(chain: Any, path: pathlib.Path, directory: pathlib.Path) -> Collection:
    """What is left of a pickle of pyskl's at the end of a chain of conversions."""
    source: Any = "pyskl"
    for number, target in enumerate(chain):
        path = run(source, target, path, directory / str(number) / ENDINGS[target])
        source = target
    return READERS[source](path)


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
def test_nothing_changes_on_any_way(tmp_path, chain, two):
    path = made.write_pickle(tmp_path / "a.pkl", made.annotations(two))
    made.assert_same(through(chain, path, tmp_path), pyskl.read(path))


@st.composite
def pickles(draw) -> dict[str, Any]:
    """Annotations of any kind that all formats can hold: one type, one number of joints and channels."""
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64, np.int16]))
    joints, channels, scored = draw(st.integers(1, 3)), draw(st.sampled_from([2, 3])), draw(st.booleans())
    finite = hnp.from_dtype(np.dtype(dtype), allow_infinity=False)
    printable = st.characters(exclude_categories=["C", "Z"])
    names = draw(st.lists(st.text(printable, min_size=1, max_size=6), min_size=2, max_size=5, unique=True))
    picture = st.one_of(st.none(), st.tuples(st.integers(0, 5000), st.integers(0, 5000)))
    annotations = []
    for name in names:
        shape = draw(st.integers(0, 2)), draw(st.integers(1, 4)), joints
        made = {"frame_dir": name, "label": draw(st.integers(0, 9))}
        made["keypoint"] = draw(hnp.arrays(dtype, (*shape, channels), elements=finite))
        if scored:
            made["keypoint_score"] = draw(hnp.arrays(dtype, shape, elements=finite))
        annotations.append(made | {"img_shape": draw(picture)})
    place = draw(st.integers(1, len(names) - 1))
    order = draw(st.permutations(names))
    return {"split": {"a_train": order[:place], "b": order[place:]}, "annotations": annotations}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(pickles(), st.lists(st.sampled_from(list(ENDINGS)), min_size=1, max_size=4))
def test_nothing_changes_whatever_the_recordings(tmp_path_factory, value, chain):
    directory = tmp_path_factory.mktemp("chain")
    path = made.write_pickle(directory / "a.pkl", value)
    made.assert_same(through(chain, path, directory), pyskl.read(path))


def test_arrays_of_several_types_take_the_widest(tmp_path, capsys):
    value = made.annotations(two=True)
    value["annotations"][1]["keypoint"] = value["annotations"][1]["keypoint"].astype(np.float32)
    path = made.write_pickle(tmp_path / "a.pkl", value)
    found = through(("npy", "pyskl"), path, tmp_path)
    assert (
        "note: an array has one type: float16 and float32 become float32, with the same values"
        in capsys.readouterr().out
    )
    original = pyskl.read(path)
    for name, one in found.entries.items():
        recording = found.read(one)
        assert recording.frames_TxVxMxC.dtype == recording.score_TxVxM.dtype == np.float32
        expected = original.read(original.entries[name])
        np.testing.assert_array_equal(recording.frames_TxVxMxC, expected.frames_TxVxMxC)
        np.testing.assert_array_equal(recording.score_TxVxM, expected.score_TxVxM)


def overlapping(tmp_path) -> pathlib.Path:
    value = made.annotations()
    value["split"] |= {"xview_train": value["split"]["xsub_val"], "xview_val": ["second"]}
    return made.write_pickle(tmp_path / "overlapping.pkl", value)


@pytest.mark.parametrize("target", ["npy", "npz"])
def test_splits_that_overlap_are_chosen_from(tmp_path, target, capsys):
    path, out = overlapping(tmp_path), tmp_path / ENDINGS[target]
    with pytest.raises(UserError, match=f"fünf|third one is in the splits xsub_val and xview_train, but in {target} a"):
        run("pyskl", target, path, out)
    run("pyskl", target, path, out, splits=["xview_train", "xview_val"])
    found = READERS[target](out)
    assert found.splits == {"xview_train": ["third one", "fünf"], "xview_val": ["second"]}
    with pytest.raises(UserError, match="no split 'test', expected one of xsub_train, xsub_val, xview_train"):
        run("pyskl", target, path, out, splits=["test"])
    assert f"{target}: 3 recordings (xview_train 2, xview_val 1) in " in capsys.readouterr().out


def test_what_is_in_no_split_is_said(tmp_path, capsys):
    value = made.annotations()
    value["split"] = {"train": ["second", "fünf"], "val": ["third one"]}
    path = made.write_pickle(tmp_path / "a.pkl", value)
    run("pyskl", "npy", path, tmp_path / "arrays")
    assert "note: 2 recordings are in no split, which npy cannot hold; they are left out" in capsys.readouterr().out
    run("pyskl", "pyskl", path, tmp_path / "b.pkl")
    assert len(pickle.loads((tmp_path / "b.pkl").read_bytes())["annotations"]) == 5


def test_other_joints_do_not_fit_into_one_array(tmp_path):
    value = made.annotations()
    value["annotations"][2]["keypoint"] = np.ones((1, 4, 5, 3), np.float16)
    path = made.write_pickle(tmp_path / "a.pkl", value)
    message = "third one has 5 joints of 3 coordinates without confidence, but fourth/sub 3 joints of"
    with pytest.raises(UserError, match=message):
        run("pyskl", "npy", path, tmp_path / "arrays")
    run("pyskl", "pyskl", path, tmp_path / "b.pkl")
    assert not (tmp_path / "arrays").exists()


def broken_pickle(tmp_path) -> pathlib.Path:
    value = made.annotations()
    value["annotations"][1]["total_frames"] = 9
    value["annotations"][4]["keypoint"] = None
    return made.write_pickle(tmp_path / "broken.pkl", value)


@pytest.mark.parametrize("target", ENDINGS)
def test_broken_recordings_are_all_reported_or_skipped(tmp_path, target, capsys):
    path, out = broken_pickle(tmp_path), tmp_path / "out" / ENDINGS[target]
    listing = tmp_path / "out" / f"{ENDINGS[target]}.broken.txt"
    with pytest.raises(UserError, match=f"2 of 5 recordings are broken, listed in {listing}; repair them, or leave"):
        run("pyskl", target, path, out)
    report = capsys.readouterr().err
    assert "2 broken recordings:" in report and f"{path}: annotations[1] (second): 'total_frames' is 9" in report
    assert listing.read_text().startswith("second: ") and not out.exists()
    run("pyskl", target, path, out, skip_broken=True)
    assert f"left out 2 broken recordings, listed in {listing}" in capsys.readouterr().out
    assert set(READERS[target](out).entries) == set(made.NAMES) - {"second", "fünf"}
    run("pyskl", target, made.write_pickle(path, made.annotations()), out, overwrite=True)
    assert not listing.exists()


def test_a_split_of_broken_recordings_only(tmp_path):
    value = made.annotations()
    value["annotations"][2]["keypoint"] = value["annotations"][4]["keypoint"] = None
    path = made.write_pickle(tmp_path / "a.pkl", value)
    with pytest.raises(UserError, match="split xsub_val has no recordings; choose others with --splits"):
        run("pyskl", "npy", path, tmp_path / "arrays", skip_broken=True)
    for one in value["annotations"]:
        one["keypoint"] = None
    with pytest.raises(UserError, match="all recordings are broken"):
        run("pyskl", "pyskl", made.write_pickle(path, value), tmp_path / "b.pkl", skip_broken=True)


@pytest.mark.parametrize("target", ENDINGS)
def test_outputs_are_replaced_only_when_asked(tmp_path, target):
    path = made.write_pickle(tmp_path / "a.pkl", made.annotations())
    out = run("pyskl", target, path, tmp_path / "out" / ENDINGS[target])
    before = raw_recordings.contents(out if out.is_dir() else out.parent)
    with pytest.raises(UserError, match="is there already; add --overwrite"):
        run("pyskl", target, path, out)
    run("pyskl", target, path, out, overwrite=True)
    assert raw_recordings.contents(out if out.is_dir() else out.parent) == before


@pytest.mark.parametrize("target", ["pyskl", "npz"])
def test_a_directory_is_no_place_for_a_file(tmp_path, target):
    path = made.write_pickle(tmp_path / "a.pkl", made.annotations())
    with pytest.raises(UserError, match="a directory, expected the name of a file"):
        run("pyskl", target, path, tmp_path, overwrite=True)
    with pytest.raises(UserError, match="cannot be written"):
        run("pyskl", target, path, path / "a" / "b")


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError("it was there a moment ago")])
@pytest.mark.parametrize("target", ENDINGS)
def test_an_interrupted_conversion_leaves_nothing(tmp_path, target, error):
    whole = pyskl.read(made.write_pickle(tmp_path / "a.pkl", made.annotations()))
    reads = itertools.count()

    def read(wanted) -> Recording:
        if next(reads) == 8:  # All are read once before anything is written.
            raise error
        return whole.read(wanted)

    interrupted = Collection(whole.entries, whole.splits, read)
    with pytest.raises(type(error) if isinstance(error, UserError) else error):
        recording_files.write(interrupted, target, tmp_path / "out" / ENDINGS[target], False, False)
    assert next(reads) == 9 and not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("target", ["npy", "npz"])
def test_memory_does_not_grow_with_the_recordings(tmp_path, target):
    frames_TxVxMxC = np.ones((300, 25, 2, 3), np.float32)
    peaks = []
    for count in (20, 80):
        names = {split: [f"{split} {number}" for number in range(count // 2)] for split in ("a_train", "b")}
        entries = {name: entry(name, tmp_path, 0) for listed in names.values() for name in listed}
        recordings = Collection(entries, names, lambda _: Recording(frames_TxVxMxC + 1))
        tracemalloc.start()
        out = tmp_path / str(count) / ENDINGS[target]
        recording_files.write(recordings, target, out, False, False)
        source: Any = target
        run(source, "pyskl", out, tmp_path / f"{count}.pkl")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert frames_TxVxMxC.nbytes < peaks[0] and peaks[1] < 1.2 * peaks[0]


def test_what_pyskl_has_no_place_for(tmp_path, capsys):
    raw_recordings.write_set(tmp_path / "tiny" / "1.0.0", {"all": [raw_recordings.records(2)]})
    run("tfrecord", "pyskl", tmp_path / "tiny" / "1.0.0", tmp_path / "a.pkl")
    printed = capsys.readouterr().out
    assert "note: pyskl has no place for the names of the classes\n" in printed
    assert "note: pyskl has no place for subject, camera and setup\n" in printed
    run("tfrecord", "npy", tmp_path / "tiny" / "1.0.0", tmp_path / "arrays")
    found = npy_pair.read(tmp_path / "arrays")
    assert found.class_names == ("a", "b", "c") and made.numbers(found.entries["recording_1"]) == (1, 2, 1, 0)
    assert "no place" not in capsys.readouterr().out


def command(*arguments: str) -> tuple[int, str, str]:
    words = [sys.executable, "-m", "data_prep.convert", *arguments]
    finished = subprocess.run(words, capture_output=True, text=True, env=raw_recordings.environment(), check=False)
    return finished.returncode, finished.stdout, finished.stderr


def test_the_command(tmp_path):
    made.write_pickle(tmp_path / "a.pkl", made.annotations())
    status, printed, errors = command(
        "--from=pyskl", "--to=npz", f"--in={tmp_path / 'a.pkl'}", f"--out={tmp_path / 'a.npz'}"
    )
    assert (status, errors) == (0, "")
    assert printed.startswith("npz: 5 recordings (xsub_train 3, xsub_val 2) in ") and printed.count("\n") == 1
    made.assert_same(ctr_gcn.read(tmp_path / "a.npz"), pyskl.read(tmp_path / "a.pkl"))


def test_the_command_for_raw_files(tmp_path):
    raw_recordings.write_shrec(tmp_path / "raw", [(1, 1, 2, 1), (14, 2, 28, 5)], [(7, 1, 3, 1)])
    arguments = ("--from=shrec17", f"--in={tmp_path / 'raw'}", f"--out={tmp_path / 'data'}", "--name=my_hands")
    status, printed, errors = command(*arguments, "--workers=2")
    assert (status, errors) == (0, "")
    assert printed.startswith("my_hands 1.0.0: 3 recordings (train 2, test 1) in ") and printed.count("\n") == 1
    (tmp_path / "raw/gesture_7/finger_1/subject_3/essai_1/skeletons_world.txt").write_text("")
    status, printed, errors = command(*arguments, "--overwrite")
    assert (status, printed) == (1, "")
    assert [line.split(":")[0].split("/")[0] for line in errors.splitlines()] == ["1 broken recordings", "  ", "error"]


BAD_COMMANDS = {
    "nothing": ([], "--from is missing: the format of the recordings; see --help"),
    "no in": (["--from=dhg"], "--in is missing: where the recordings are, a file or a directory; see --help"),
    "no out": (["--from=dhg", "--in=."], "--out is missing: where they are to be written, a file or a directory"),
    "no directory": (["--from=dhg", "--in=nowhere", "--out=x"], "--in=nowhere: no such directory"),
    "no dashes": (["from=dhg"], "unexpected argument 'from=dhg'; options are written --NAME=VALUE, see --help"),
    "no benchmark": (["--from=npy", "--in=.", "--out=x"], "--to=tfrecord needs --benchmark: a name, or a file NAME.to"),
    "a list for others": (
        ["--from=dhg", "--in=.", "--out=x", "--missing_list=y"],
        "--missing_list is for --from=ntu60 and ntu120, not dhg",
    ),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_bad_commands(monkeypatch, capsys, case):
    arguments, message = BAD_COMMANDS[case]
    values = flags.FlagValues()
    convert.define_flags(values)
    monkeypatch.setattr(convert.flags, "FLAGS", values)
    with pytest.raises(SystemExit) as caught:
        convert.main(values(["convert", *arguments]))
    printed = capsys.readouterr()
    assert caught.value.code == 1 and printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1 and not printed.out


def test_help():
    status, printed, errors = command("--help")
    assert (status, errors) == (0, "")
    assert printed.count("python -m data_prep.convert") == 4
    assert max(map(len, printed.splitlines())) <= 80
    for name in ("from", "to", "in", "out", "benchmark", "name", "splits", "missing_list", "workers", "overwrite"):
        assert f"--{name}:" in printed or f"--[no]{name}:" in printed
    for name in (*convert.RAW, *convert.FORMATS):
        assert f"\n  {name} " in printed
