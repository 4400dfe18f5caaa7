"""Writing pyskl, npy and npz: nothing changes on any way between them, and what cannot be held or read is said."""

import itertools
import pathlib
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_prep import recording_files
from dsta_jax.datasets.recording import Collection, Recording, entry, select
from dsta_jax.errors import UserError
from dsta_jax.formats import ctr_gcn, npy_pair, pyskl
from tests import raw_recordings
from tests.formats import made

READERS: dict[str, Any] = {"pyskl": pyskl.read, "npy": npy_pair.read, "npz": ctr_gcn.read}
ENDINGS: dict[Any, str] = {"pyskl": "a.pkl", "npy": "arrays", "npz": "a.npz"}
CHAINS = [chain for length in (1, 2, 3) for chain in itertools.product(ENDINGS, repeat=length)]


def write(recordings: Collection, form: Any, out: pathlib.Path, skip: bool = False, overwrite: bool = False) -> Any:
    recording_files.write(recordings, form, out, skip, overwrite)
    return out


def through(chain: Any, recordings: Collection, directory: pathlib.Path) -> Collection:
    """What is left of a collection at the end of a chain of conversions."""
    for number, form in enumerate(chain):
        recordings = READERS[form](write(recordings, form, directory / str(number) / ENDINGS[form]))
    return recordings


def read(directory: pathlib.Path, value: Any) -> Collection:
    return pyskl.read(made.write_pickle(directory / "read.pkl", value))


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
def test_nothing_changes_on_any_way(tmp_path, chain, two):
    value = made.annotations(two)
    value["annotations"][1]["keypoint"][0, 1, 2, 1] = np.nan
    value["annotations"][2]["keypoint"][0, -1] = np.nan
    original = read(tmp_path, value)
    made.assert_same(through(chain, original, tmp_path), original)


@st.composite
def pickles(draw) -> dict[str, Any]:
    """Annotations of any kind that all formats can hold: one type, one number of joints and channels."""
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64, np.int16]))
    joints, channels, scored = draw(st.integers(1, 3)), draw(st.sampled_from([2, 3])), draw(st.booleans())
    numbers = hnp.from_dtype(np.dtype(dtype), **({} if dtype == np.int16 else {"allow_infinity": False}))
    printable = st.characters(exclude_categories=["C", "Z"])
    names = draw(st.lists(st.text(printable, min_size=1, max_size=6), min_size=2, max_size=5, unique=True))
    picture = st.one_of(st.none(), st.tuples(st.integers(0, 5000), st.integers(0, 5000)))
    annotations = []
    for name in names:
        shape = draw(st.integers(0, 2)), draw(st.integers(1, 4)), joints
        one = {"frame_dir": name, "label": draw(st.integers(0, 9))}
        one["keypoint"] = draw(hnp.arrays(dtype, (*shape, channels), elements=numbers))
        if scored:
            one["keypoint_score"] = draw(hnp.arrays(dtype, shape, elements=numbers))
        annotations.append(one | {"img_shape": draw(picture)})
    place = draw(st.integers(1, len(names) - 1))
    order = draw(st.permutations(names))
    return {"split": {"a_train": order[:place], "b": order[place:]}, "annotations": annotations}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(pickles(), st.lists(st.sampled_from(list(ENDINGS)), min_size=1, max_size=4))
def test_nothing_changes_whatever_the_recordings(tmp_path_factory, value, chain):
    directory = tmp_path_factory.mktemp("chain")
    original = read(directory, value)
    made.assert_same(through(chain, original, directory), original)


def test_words_and_class_names_survive(tmp_path):
    entries = {name: entry(name, tmp_path, 1, name, 2, "left") for name in ("a", "b")}
    recordings = Collection(
        entries,
        {"train": ["a"], "test": ["b"]},
        lambda _: Recording(np.ones((4, 3, 1, 3), np.float32)),
        class_names=("wave", "point"),
    )
    found = through(("npy", "npz"), recordings, tmp_path)
    made.assert_same(found, recordings)
    assert found.class_names == ("wave", "point") and made.numbers(found.entries["a"]) == (1, "a", 2, "left")


@pytest.mark.parametrize("form", ENDINGS)
@pytest.mark.parametrize("key", ["keypoint", "keypoint_score"])
def test_infinity_is_refused(tmp_path, form, key):
    value = made.annotations(two=True)
    value["annotations"][1][key][0, 2, 1] = -np.inf
    recordings = read(tmp_path, value)
    with pytest.raises(UserError, match="1 of 5 recordings are broken"):
        write(recordings, form, tmp_path / "out")
    assert (tmp_path / "out.broken.txt").read_text() == (
        f"second: {tmp_path / 'read.pkl'}: second: frame 2, joint 1, body 0 (from 0): an infinite number, expected a "
        "finite one, or NaN for a joint that was not seen; correct it where it was recorded\n"
    )


def test_arrays_of_several_types_take_the_widest(tmp_path, capsys):
    value = made.annotations(two=True)
    value["annotations"][1]["keypoint"] = value["annotations"][1]["keypoint"].astype(np.float32)
    original = read(tmp_path, value)
    found = through(("npy", "pyskl"), original, tmp_path)
    note = "note: an array has one type: float16 and float32 become float32, with the same values"
    assert note in capsys.readouterr().out
    for name, one in found.entries.items():
        recording, expected = found.read(one), original.read(original.entries[name])
        assert recording.frames_TxVxMxC.dtype == recording.score_TxVxM.dtype == np.float32
        np.testing.assert_array_equal(recording.frames_TxVxMxC, expected.frames_TxVxMxC)
        np.testing.assert_array_equal(recording.score_TxVxM, expected.score_TxVxM)


@pytest.mark.parametrize("form", ["npy", "npz"])
def test_splits_that_overlap_are_chosen_from(tmp_path, form, capsys):
    value = made.annotations()
    value["split"] |= {"xview_train": value["split"]["xsub_val"], "xview_val": ["second"]}
    overlapping, out = read(tmp_path, value), tmp_path / ENDINGS[form]
    with pytest.raises(UserError, match=f"third one is in the splits xsub_val and xview_train, expected one in {form}"):
        write(overlapping, form, out)
    write(select(overlapping, ["xview_train", "xview_val"]), form, out)
    assert READERS[form](out).splits == {"xview_train": ["third one", "fünf"], "xview_val": ["second"]}
    assert f"{form}: 3 recordings (xview_train 2, xview_val 1) in " in capsys.readouterr().out


def test_what_is_in_no_split_is_said(tmp_path, capsys):
    value = made.annotations()
    value["split"] = {"train": ["second", "fünf"], "val": ["third one"]}
    recordings = read(tmp_path, value)
    write(recordings, "npy", tmp_path / "arrays")
    assert "note: 2 recordings are in no split, which npy cannot hold; they are left out" in capsys.readouterr().out
    write(recordings, "pyskl", tmp_path / "b.pkl")
    assert len(pickle.loads((tmp_path / "b.pkl").read_bytes())["annotations"]) == 5


def test_other_joints_do_not_fit_into_one_array(tmp_path):
    value = made.annotations()
    value["annotations"][2]["keypoint"] = np.ones((1, 4, 5, 3), np.float16)
    recordings = read(tmp_path, value)
    message = "third one has 5 joints of 3 coordinates without confidence, but fourth/sub 3 joints of"
    with pytest.raises(UserError, match=message):
        write(recordings, "npy", tmp_path / "arrays")
    write(recordings, "pyskl", tmp_path / "b.pkl")
    assert not (tmp_path / "arrays").exists()


def test_the_longest_and_a_crowd_do_not_fit_into_one_array(tmp_path):
    long, crowd = np.broadcast_to(np.float32(1), (900_000, 3, 1, 2)), np.broadcast_to(np.float32(1), (1, 3, 1000, 2))
    recordings = made.collection({"long": Recording(long), "crowd": Recording(crowd)}, {"train": ["long", "crowd"]})
    message = r"padded to the longest and to the most bodies: 5400000000 numbers \(900000 x 3 x 1000 x 2\), expected at"
    with pytest.raises(UserError, match=message):
        write(recordings, "npz", tmp_path / "a.npz")


def test_more_frames_than_anybody_has(tmp_path):
    long = np.broadcast_to(np.float32(1), (1_000_001, 3, 1, 2))
    with pytest.raises(UserError, match="1 of 1 recordings are broken"):
        write(made.collection({"long": Recording(long)}, {"train": ["long"]}), "npz", tmp_path / "a.npz")
    assert "1000001 frames, expected at most 1000000" in (tmp_path / "a.npz.broken.txt").read_text()


@pytest.mark.parametrize("form", ENDINGS)
def test_broken_recordings_are_all_reported_or_skipped(tmp_path, form, capsys):
    value = made.annotations()
    value["annotations"][1]["total_frames"] = 9
    value["annotations"][4]["keypoint"] = None
    recordings, out = read(tmp_path, value), tmp_path / "out" / ENDINGS[form]
    listing = tmp_path / "out" / f"{ENDINGS[form]}.broken.txt"
    with pytest.raises(UserError, match=f"2 of 5 recordings are broken, listed in {listing}; repair them, or leave"):
        write(recordings, form, out)
    report = capsys.readouterr().err
    assert report.startswith("2 broken recordings:\n  ") and "annotations[1] (second): 'total_frames' is 9" in report
    assert listing.read_text().startswith("second: ") and not out.exists()
    write(recordings, form, out, skip=True)
    assert f"left out 2 broken recordings, listed in {listing}" in capsys.readouterr().out
    assert set(READERS[form](out).entries) == set(made.NAMES) - {"second", "fünf"}
    write(read(tmp_path, made.annotations()), form, out, overwrite=True)
    assert not listing.exists()


def test_splits_without_recordings(tmp_path):
    value = made.annotations()
    empty = read(tmp_path, value | {"split": {**value["split"], "none": []}})
    for form in ENDINGS:
        with pytest.raises(UserError, match="split none has no recordings; choose others with --splits"):
            write(select(empty, ["none"]), form, tmp_path / "out")
    value["annotations"][2]["keypoint"] = value["annotations"][4]["keypoint"] = None
    with pytest.raises(UserError, match="split xsub_val has no recordings; choose others with --splits"):
        write(read(tmp_path, value), "npy", tmp_path / "arrays", skip=True)
    for one in value["annotations"]:
        one["keypoint"] = None
    with pytest.raises(UserError, match="all recordings are broken"):
        write(read(tmp_path, value), "pyskl", tmp_path / "b.pkl", skip=True)


@pytest.mark.parametrize("form", ENDINGS)
def test_outputs_are_replaced_only_when_asked(tmp_path, form):
    recordings = read(tmp_path, made.annotations())
    out = write(recordings, form, tmp_path / "out" / ENDINGS[form])
    before = raw_recordings.contents(out if out.is_dir() else out.parent)
    with pytest.raises(UserError, match="is there already; add --overwrite"):
        write(recordings, form, out)
    write(recordings, form, out, overwrite=True)
    assert raw_recordings.contents(out if out.is_dir() else out.parent) == before


@pytest.mark.parametrize("form", ["pyskl", "npz"])
def test_a_directory_is_no_place_for_a_file(tmp_path, form):
    recordings = read(tmp_path, made.annotations())
    with pytest.raises(UserError, match="a directory, expected the name of a file"):
        write(recordings, form, tmp_path, overwrite=True)
    with pytest.raises(UserError, match="cannot be written"):
        write(recordings, form, tmp_path / "read.pkl" / "a" / "b")


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError("it was there a moment ago")])
@pytest.mark.parametrize("form", ENDINGS)
def test_an_interrupted_conversion_leaves_nothing(tmp_path, form, error):
    whole = read(tmp_path, made.annotations())
    reads = itertools.count()

    def read_one(wanted) -> Recording:
        if next(reads) == 8:  # All are read once before anything is written.
            raise error
        return whole.read(wanted)

    with pytest.raises(type(error) if isinstance(error, UserError) else error):
        write(Collection(whole.entries, whole.splits, read_one), form, tmp_path / "out" / ENDINGS[form])
    assert next(reads) == 9 and not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ENDINGS)
def test_memory_does_not_grow_with_the_recordings(tmp_path, form):
    frames_TxVxMxC = np.ones((300, 25, 2, 3), np.float32)
    peaks = []
    for count in (20, 80):
        names = {split: [f"{split} {number}" for number in range(count // 2)] for split in ("a_train", "b")}
        entries = {name: entry(name, tmp_path, 0) for listed in names.values() for name in listed}
        recordings = Collection(entries, names, lambda _: Recording(frames_TxVxMxC + 1))
        tracemalloc.start()
        out = write(recordings, form, tmp_path / str(count) / ENDINGS[form])
        if form != "pyskl":  # Which is read into memory as a whole.
            write(READERS[form](out), "pyskl", tmp_path / f"{count}.pkl")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert frames_TxVxMxC.nbytes < peaks[0] and peaks[1] < 1.2 * peaks[0]


def test_what_pyskl_has_no_place_for(tmp_path, capsys):
    entries = {"a": entry("a", tmp_path, 0, subject=3)}
    recordings = Collection(entries, {"all": ["a"]}, lambda _: Recording(np.ones((4, 3, 1, 3))), class_names=("wave",))
    write(recordings, "pyskl", tmp_path / "a.pkl")
    printed = capsys.readouterr().out
    assert "note: pyskl has no place for the names of the classes\n" in printed
    assert "note: pyskl has no place for subject, camera and setup\n" in printed
    write(read(tmp_path, made.annotations()), "pyskl", tmp_path / "b.pkl")
    assert "no place" not in capsys.readouterr().out
