"""The data sets' raw files, converted: which recordings, in which split, with which values."""

import numpy as np
import pytest

from data_prep import conversion, convert
from dsta_jax.data import records
from dsta_jax.datasets import dhg, ntu_skeleton, shrec17
from dsta_jax.datasets.benchmarks import BENCHMARKS, SOURCES
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError
from tests import raw_recordings

OLD = ["S001C001P001R001A001", "S002C002P003R002A060", "S017C003P040R001A011"]
NEW = ["S018C001P041R001A061", "S032C003P106R002A120"]


def run(form, raw_dir, tmp_path, name="", missing_list=None, benchmark=None, **options):
    options = conversion.Options(tmp_path / "out", **options)
    convert.run(form, raw_dir, options, benchmark=benchmark, name=name, missing_list=missing_list)
    return list(records.read_set(records.find_data_set(tmp_path / "out", name or form)))


def normalized(frames_TxVxC, name):
    source = SOURCES[name]
    return normalize(frames_TxVxC[:, :, None], source.layout, source.normalized_by)


def test_shrec17(tmp_path):
    frames = raw_recordings.write_shrec(tmp_path / "raw", [(1, 1, 2, 1), (14, 2, 28, 5)], [(7, 1, 3, 1)])
    found = run("shrec17", tmp_path / "raw", tmp_path)
    assert [(split, one.label, one.subject, one.camera, one.setup) for split, one in found] == [
        ("train", 0, 2, 0, 0),
        ("train", 27, 28, 0, 0),
        ("test", 12, 3, 0, 0),
    ]
    for _, one in found:
        np.testing.assert_array_equal(one.frames_TxVxMxC, normalized(frames[one.name], "shrec17"))


def test_dhg_is_moved_but_not_scaled_in_one_way(tmp_path):
    gestures = raw_recordings.write_dhg(tmp_path / "raw", [(1, 1, 2, 1), (14, 2, 20, 5), (9, 2, 2, 3)])
    found = run("dhg", tmp_path / "raw", tmp_path)
    assert [(split, one.label, one.subject) for split, one in found] == [("all", 0, 2), ("all", 27, 20), ("all", 22, 2)]
    for _, one in found:
        frames_TxVxC = gestures[one.name]
        np.testing.assert_array_equal(one.frames_TxVxMxC[:, :, 0], frames_TxVxC - frames_TxVxC[0, 0])
    convert.run("dhg", tmp_path / "raw", conversion.Options(tmp_path / "arrays"), target="npy")
    convert.run("npy", tmp_path / "arrays", conversion.Options(tmp_path / "other"), benchmark=BENCHMARKS["dhg28"])
    again = list(records.read_set(tmp_path / "other" / "dhg" / "1.0.0"))
    for (_, one), (_, other) in zip(found, again, strict=True):
        np.testing.assert_array_equal(one.frames_TxVxMxC, other.frames_TxVxMxC)


def test_a_gesture_that_ends_after_its_recording(tmp_path):
    raw_recordings.write_dhg(tmp_path / "raw", raw_recordings.keys_of(3))
    path = tmp_path / "raw" / dhg.LIST_FILE
    path.write_text(path.read_text().replace("1 1 1 1 2 6", "1 1 1 1 2 8"))
    with pytest.raises(UserError, match="1 of 3 recordings are broken"):
        run("dhg", tmp_path / "raw", tmp_path)
    assert len(run("dhg", tmp_path / "raw", tmp_path, skip_broken=True)) == 2


def test_utd_mhad(tmp_path):
    frames = raw_recordings.write_utd_mhad(tmp_path / "raw", ["a27_s8_t4", "a1_s2_t3"])
    found = run("utd_mhad", tmp_path / "raw", tmp_path)
    assert [(split, one.name, one.label, one.subject) for split, one in found] == [
        ("all", "a1_s2_t3", 0, 2),
        ("all", "a27_s8_t4", 26, 8),
    ]
    for _, one in found:
        np.testing.assert_array_equal(one.frames_TxVxMxC, normalized(frames[one.name], "utd_mhad"))


def test_nw_ucla(tmp_path, capsys):
    frames = raw_recordings.write_nw_ucla(tmp_path / "raw", ["a12_s10_e05_v03", "a08_s01_e00_v01"])
    found = run("nw_ucla", tmp_path / "raw", tmp_path)
    assert [(split, one.name, one.label, one.camera) for split, one in found] == [
        ("all", "a08_s01_e00_v01", 6, 1),
        ("all", "a12_s10_e05_v03", 9, 3),
    ]
    for _, one in found:
        np.testing.assert_array_equal(one.frames_TxVxMxC, normalized(frames[one.name], "nw_ucla"))
    assert "note: the authors publish 1484 recordings, 2 were converted" in capsys.readouterr().out


@pytest.fixture
def ntu_dir(tmp_path):
    """Five recordings in two directories, as the two archives have them."""
    raw_recordings.write_ntu(tmp_path / "raw" / "first", OLD)
    raw_recordings.write_ntu(tmp_path / "raw" / "second", NEW)
    return tmp_path / "raw"


def test_ntu(ntu_dir, tmp_path, capsys):
    found = [one for _, one in run("ntu120", ntu_dir, tmp_path)]
    assert [(one.name, one.label, one.subject, one.camera, one.setup) for one in found] == [
        (OLD[0], 0, 1, 1, 1),
        (OLD[1], 59, 3, 2, 2),
        (OLD[2], 10, 40, 3, 17),
        (NEW[0], 60, 41, 1, 18),
        (NEW[1], 119, 106, 3, 32),
    ]
    for one in found:
        (path,) = ntu_dir.rglob(f"{one.name}.skeleton")
        frames_TxVxMxC = ntu_skeleton.select_bodies(ntu_skeleton.read_skeletons(path))
        source = SOURCES["ntu120"]
        np.testing.assert_array_equal(
            one.frames_TxVxMxC, normalize(frames_TxVxMxC, source.layout, source.normalized_by)
        )
    assert [one.name for _, one in run("ntu60", ntu_dir, tmp_path)] == OLD
    assert "note: 2 of the 5 files *.skeleton are of another set and are not read" in capsys.readouterr().out


def test_the_list_of_missing_skeletons(ntu_dir, tmp_path, capsys):
    path = tmp_path / "missing.txt"
    path.write_text(f"2 samples have missing skeletons.\n\n{OLD[1]}\nS009C001P001R001A001\n")
    (ntu_dir / "first" / f"{OLD[1]}.skeleton").write_text("")  # It is not even read.
    found = run("ntu60", ntu_dir, tmp_path, missing_list=path)
    assert [one.name for _, one in found] == [OLD[0], OLD[2]]
    assert f"left out 1 recordings on the list {path}, which names 2" in capsys.readouterr().out
    with pytest.raises(UserError, match="--missing_list is for --from=ntu60 and ntu120, not dhg"):
        run("dhg", ntu_dir, tmp_path, missing_list=path)


@pytest.mark.parametrize("text", [raw_recordings.ntu_text([[], []]), "0\r\n"])
def test_recordings_without_anybody_are_left_out(ntu_dir, tmp_path, capsys, text):
    (ntu_dir / "first" / f"{OLD[1]}.skeleton").write_text(text)
    assert [one.name for _, one in run("ntu60", ntu_dir, tmp_path)] == [OLD[0], OLD[2]]
    assert "note: left out 1 recordings (nobody is seen), listed in " in capsys.readouterr().out


def test_broken_recordings(ntu_dir, tmp_path, capsys):
    cut, flat = (ntu_dir / "first" / f"{name}.skeleton" for name in OLD[:2])
    cut.write_text(cut.read_text()[:-200])
    flat.write_text(raw_recordings.ntu_text([[(1, np.ones((25, 3), np.float32))]]))
    assert [one.name for _, one in run("ntu60", ntu_dir, tmp_path, skip_broken=True)] == OLD[2:]
    report = capsys.readouterr().err
    assert f"{cut}:8" in report and f"{flat}: the distance of spine_base and spine_shoulder is 0" in report


def test_recordings_of_ones_own_in_a_layout(ntu_dir, tmp_path):
    assert len(run("ntu60", ntu_dir, tmp_path, name="my_people")) == 3
    info = (tmp_path / "out" / "my_people" / "1.0.0" / "dataset_info.json").read_text()
    assert '"my_people"' in info and "Shahroudy" not in info


@pytest.mark.parametrize("form", ["shrec17", "dhg", "utd_mhad", "nw_ucla", "ntu60", "ntu120"])
def test_directories_without_recordings(tmp_path, form):
    with pytest.raises(UserError, match="no recordings, expected files|no such file"):
        run(form, tmp_path, tmp_path)
    with pytest.raises(UserError, match=r"--in=.*nowhere: no such directory"):
        run(form, tmp_path / "nowhere", tmp_path)


def test_every_protocol_divides_what_was_converted(ntu_dir, tmp_path):
    tested = {}
    for form in ("ntu60", "ntu120"):
        found = [one for _, one in run(form, ntu_dir, tmp_path)]
        columns = {key: np.array([getattr(one, key) for one in found]) for key in ("subject", "camera", "setup")}
        for benchmark in BENCHMARKS.values():
            if benchmark.source.name == form:
                is_test_N = benchmark.protocol.is_test(columns)
                tested[benchmark.name] = [one.name for one, is_test in zip(found, is_test_N, strict=True) if is_test]
    assert tested == {
        "ntu60_cs": OLD[1:],
        "ntu60_cv": OLD[:1],
        "ntu120_cs": [*OLD[1:], *NEW],
        "ntu120_ce": [OLD[1], *NEW],
        "ntu120_xset": [OLD[0], OLD[2]],
    }


def test_another_number_of_frames_than_the_list_says_is_counted(tmp_path, capsys):
    raw_recordings.write_shrec(tmp_path / "raw", [(1, 1, 2, 1)], [(7, 1, 3, 1)])
    (tmp_path / "raw" / shrec17.TEST_LIST).write_text(raw_recordings.list_line((7, 1, 3, 1), 99) + "\n")
    run("shrec17", tmp_path / "raw", tmp_path)
    assert "note: 1 recordings have another number of frames than their list says" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("form", "directory", "count", "shortest", "longest", "unseen"),
    [("utd_mhad", "utd_mhad/Skeleton", 861, 41, 125, 0), ("nw_ucla", "nw_ucla/all_sqe", 1484, 1, 201, 12)],
)
def test_the_published_recordings(shared, tmp_path, form, directory, count, shortest, longest, unseen):
    found = run(form, shared / "data" / directory, tmp_path)
    lengths = [len(one.frames_TxVxMxC) for _, one in found]
    assert (len(found), min(lengths), max(lengths)) == (count, shortest, longest)
    assert sum(int(np.isnan(one.frames_TxVxMxC[..., 0]).sum()) for _, one in found) == unseen


def test_real_samples(shared, tmp_path):
    found = [one.frames_TxVxMxC for _, one in run("ntu60", shared / "data" / "ntu_fixtures", tmp_path)]
    assert [len(frames_TxVxMxC) for frames_TxVxMxC in found] == [82, 70, 100, 71, 124]
    assert [bool(frames_TxVxMxC[:, :, 1].any()) for frames_TxVxMxC in found] == [False, True, False, False, False]
