"""The command that converts UTD-MHAD."""

import numpy as np
import pytest

from data_prep import conversion, utd_mhad
from dsta_jax.data import records
from dsta_jax.datasets.layouts import UTD_MHAD_20
from dsta_jax.datasets.normalize import normalize
from dsta_jax.errors import UserError
from tests import raw_recordings


def run(raw_dir, tmp_path):
    utd_mhad.run(conversion.Options(raw_dir, tmp_path / "out", workers=1))
    return list(raw_recordings.read_split(records.find_data_set(tmp_path / "out", "utd_mhad"), "all"))


def test_names_labels_subjects_and_values(tmp_path):
    frames = raw_recordings.write_utd_mhad(tmp_path / "raw", ["a27_s8_t4", "a1_s2_t3"])
    (tmp_path / "raw" / "Skeleton_joint_order.txt").write_text("1. head;")
    found = run(tmp_path / "raw", tmp_path)
    assert [(record.name, record.label, record.subject) for record in found] == [
        ("a1_s2_t3", 0, 2),
        ("a27_s8_t4", 26, 8),
    ]
    for record in found:
        np.testing.assert_array_equal(record.frames_TxVxMxC, normalize(frames[record.name][:, :, None], UTD_MHAD_20))


def test_an_empty_directory(tmp_path):
    with pytest.raises(UserError, match=r"no files \*_skeleton.mat there"):
        run(tmp_path, tmp_path)


def test_a_misnamed_file(tmp_path):
    raw_recordings.write_utd_mhad(tmp_path / "raw", ["a1_s2_t3", "action1"])
    with pytest.raises(UserError, match="action1_skeleton.mat.*expected aA_sS_tT_skeleton.mat"):
        run(tmp_path / "raw", tmp_path)


def test_the_published_recordings(shared, tmp_path):
    found = run(shared / "data" / "utd_mhad" / "Skeleton", tmp_path)
    assert len(found) == 861
    assert sum(record.subject % 2 for record in found) == 431
    assert {record.label for record in found} == set(range(27))
    lengths = [len(record.frames_TxVxMxC) for record in found]
    assert (min(lengths), max(lengths)) == (41, 125)
