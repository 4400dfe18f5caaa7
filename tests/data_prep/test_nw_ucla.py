"""The command that converts Northwestern-UCLA."""

import json

import numpy as np
import pytest

from data_prep import conversion, nw_ucla
from dsta_jax.data import records
from dsta_jax.datasets.layouts import KINECT_20
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError
from tests.raw_recordings import hand_frames


def write(directory, names):
    directory.mkdir(parents=True, exist_ok=True)
    frames = {name: hand_frames(seed)[:, :20] for seed, name in enumerate(names)}
    for name, frames_TxVxC in frames.items():
        contents = {"file_name": name, "skeletons": frames_TxVxC.tolist(), "label": 1}
        (directory / f"{name}.json").write_text(json.dumps(contents))
    return frames


def run(raw_dir, tmp_path):
    nw_ucla.run(conversion.Options(raw_dir, tmp_path / "out", workers=1))
    return list(raw_recordings.read_split(records.find_data_set(tmp_path / "out", "nw_ucla"), "all"))


def test_names_labels_views_and_values(tmp_path):
    frames = write(tmp_path / "raw", ["a12_s10_e05_v03", "a08_s01_e00_v01"])
    found = run(tmp_path / "raw", tmp_path)
    assert [(record.name, record.label, record.subject, record.camera) for record in found] == [
        ("a08_s01_e00_v01", 6, 1, 1),
        ("a12_s10_e05_v03", 9, 10, 3),
    ]
    for record in found:
        np.testing.assert_array_equal(record.frames_TxVxMxC, normalize(frames[record.name][:, :, None], KINECT_20))


def test_an_empty_directory(tmp_path):
    with pytest.raises(UserError, match=r"no files \*.json there"):
        run(tmp_path, tmp_path)


@pytest.mark.parametrize("name", ["a7_s1_e0_v1", "a07_s01_e00_v01", "a01_s01_e00_v04"])
def test_a_misnamed_file(tmp_path, name):
    write(tmp_path / "raw", ["a01_s01_e00_v01", name])
    with pytest.raises(UserError, match=f"{name}.json: .* in the file name|file name '{name}.json', expected"):
        run(tmp_path / "raw", tmp_path)


def test_the_published_recordings(shared, tmp_path):
    found = run(shared / "data" / "nw_ucla" / "all_sqe", tmp_path)
    assert len(found) == 1484
    assert (sum(record.camera < 3 for record in found), sum(record.camera == 3 for record in found)) == (1020, 464)
    assert {record.label for record in found} == set(range(10))
    assert {record.subject for record in found} <= set(range(1, 11))
    lengths = [len(record.frames_TxVxMxC) for record in found]
    assert (min(lengths), max(lengths)) == (1, 201)
