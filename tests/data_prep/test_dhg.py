"""The command that converts DHG-14/28."""

import numpy as np
import pytest

from data_prep import conversion, dhg
from dsta_jax.data import records
from dsta_jax.datasets.benchmarks import BENCHMARKS, DHG_FINE_GESTURES
from dsta_jax.datasets.dhg import LIST_FILE
from dsta_jax.errors import UserError
from tests import raw_recordings

KEYS = [(1, 1, 2, 1), (14, 2, 20, 5), (9, 2, 2, 3)]


def run(tmp_path, **options):
    dhg.run(conversion.Options(tmp_path / "raw", tmp_path / "out", workers=1, **options))
    return {
        record.name: record
        for record in raw_recordings.read_split(records.find_data_set(tmp_path / "out", "dhg"), "all")
    }


def test_gestures_are_cut_out_and_moved_but_not_scaled(tmp_path):
    gestures = raw_recordings.write_dhg(tmp_path / "raw", KEYS)
    found = run(tmp_path)
    assert [(record.label, record.subject) for record in found.values()] == [(0, 2), (27, 20), (22, 2)]
    for name, frames_TxVxC in gestures.items():
        np.testing.assert_array_equal(found[name].frames_TxVxMxC[:, :, 0], frames_TxVxC - frames_TxVxC[0, 0])


def test_labels_and_classes_belong_together(tmp_path):
    raw_recordings.write_dhg(tmp_path / "raw", KEYS)
    for record in run(tmp_path).values():
        gesture, finger = (int(part.rpartition("_")[2]) for part in record.name.split("/")[:2])
        fine, coarse = BENCHMARKS["dhg28"], BENCHMARKS["dhg14"]
        name = coarse.class_names[coarse.class_of_label[record.label]]
        assert coarse.class_names.index(name) == gesture - 1
        assert (
            fine.class_names[fine.class_of_label[record.label]] == f"{name}, {('one finger', 'whole hand')[finger - 1]}"
        )
    assert len(set(DHG_FINE_GESTURES)) == 28


def test_a_gesture_that_ends_after_its_recording(tmp_path):
    raw_recordings.write_dhg(tmp_path / "raw", KEYS)
    path = tmp_path / "raw" / LIST_FILE
    path.write_text(path.read_text().replace("1 1 2 1 2 6", "1 1 2 1 2 8"))
    with pytest.raises(UserError, match="1 of 3 recordings are broken"):
        run(tmp_path)
    assert len(run(tmp_path, skip_broken=True)) == 2
    skipped = (records.find_data_set(tmp_path / "out", "dhg") / "skipped.txt").read_text()
    assert "8 frames, but informations_troncage_sequences.txt says that the gesture ends in frame 8" in skipped


def test_no_list(tmp_path):
    (tmp_path / "raw").mkdir()
    with pytest.raises(UserError, match=f"{LIST_FILE}: no such file"):
        run(tmp_path)
