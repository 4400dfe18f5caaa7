"""What was not seen means the same in every format: it is not measured by, counted, and said."""

import json
import pathlib

import numpy as np
import pytest

from data_prep import conversion, convert, recording_files
from dsta_jax.data import records
from dsta_jax.datasets import own
from dsta_jax.datasets.layouts import COCO_17
from dsta_jax.datasets.recording import Collection, Entry, Recording
from dsta_jax.errors import UserError

HIPS, SHOULDERS, NOSE = [11, 12], [5, 6], 0
FORMATS = ("npy files", "csv files", "pyskl", "npy", "npz")

# What a joint that was not seen is in a file.
UNSEEN = {
    "xy": [0, 0],
    "xyc": [0, 0, 0],
    "xyz": [np.nan, np.nan, np.nan],
    "xyzc": [7, 8, 9, 0],
}


def movement(channels: str) -> np.ndarray:
    """A walk: T = 6 frames, V x M x C."""
    random = np.random.default_rng(0)
    coordinates = len(channels.rstrip("c"))
    frames_TxVxMxC = random.uniform(10, 20, (1, 17, 1, coordinates)) + random.normal(0, 0.3, (6, 17, 1, coordinates))
    if channels.endswith("c"):
        frames_TxVxMxC = np.concatenate([frames_TxVxMxC, random.uniform(0.2, 1, (6, 17, 1, 1))], axis=-1)
    return frames_TxVxMxC.astype(np.float32)


def written(tmp_path, form: str, channels: str, frames: dict[str, np.ndarray]) -> tuple[str, pathlib.Path]:
    """Writes recordings; returns the format's name and where they are."""
    if form in ("npy files", "csv files"):
        directory = tmp_path / "folder"
        directory.mkdir()
        ending = form.split()[0]
        for name, frames_TxVxMxC in frames.items():
            if ending == "npy":
                np.save(directory / f"{name}.npy", frames_TxVxMxC[:, :, 0])
                continue
            rows = [["" if np.isnan(x) else repr(float(x)) for x in row.ravel()] for row in frames_TxVxMxC]
            (directory / f"{name}.csv").write_text("".join(",".join(row) + "\n" for row in rows))
        lines = [f"{name}.{ending},a,{'test' if number else 'train'}" for number, name in enumerate(frames)]
        (directory / "labels.csv").write_text("\n".join(["file,label,split", *lines]) + "\n")
        return "folder", directory
    split = -1 if channels.endswith("c") else len(channels)
    recordings = {
        name: Recording(x[..., :split], x[..., -1] if channels.endswith("c") else None) for name, x in frames.items()
    }
    first, *others = frames
    collection = Collection(
        {name: Entry(name, tmp_path, 0) for name in frames},
        {"train": [first], "test": others},
        lambda entry: recordings[entry.name],
    )
    out = tmp_path / {"pyskl": "a.pkl", "npy": "arrays", "npz": "a.npz"}[form]
    recording_files.write(collection, form, out, False, False)
    return form, out


def run(tmp_path, form: str, channels: str, frames: dict[str, np.ndarray], more: str = "", **options):
    toml = tmp_path / "own.toml"
    toml.write_text(f'name = "own"\nclasses = ["a", "b"]\nlayout = "coco_17"\nchannels = "{channels}"\n{more}\n')
    source, path = written(tmp_path, form, channels, frames)
    convert.run(source, path, conversion.Options(tmp_path / "data", **options), benchmark=own.find(str(toml)))
    directory = tmp_path / "data" / "own" / "1.0.0"
    found = {record.name: record.frames_TxVxMxC for _, record in records.read_set(directory)}
    # Arrays without names number the recordings.
    return dict(zip(frames, found.values(), strict=True)), json.loads((directory / "conversion.json").read_text())


def lose(frames_TxVxMxC: np.ndarray, channels: str, frames: slice, joints: list[int]) -> np.ndarray:
    lost_TxVxMxC = frames_TxVxMxC.copy()
    for joint in joints:
        lost_TxVxMxC[frames, joint, 0] = UNSEEN[channels]
    return lost_TxVxMxC


@pytest.mark.parametrize("channels", UNSEEN)
@pytest.mark.parametrize("form", FORMATS)
def test_a_reference_that_is_not_seen_at_first(tmp_path, form, channels, capsys):
    whole = movement(channels)
    gap = lose(whole, channels, slice(0, 2), [*HIPS, 9])
    # What moves later must be measured later: the same movement without its first frames.
    found, report = run(tmp_path, form, channels, {"later": whole[2:], "gap": gap})
    np.testing.assert_allclose(found["gap"][2:], found["later"], rtol=1e-5, atol=1e-6)
    assert np.isnan(found["gap"][:2, [*HIPS, 9]]).all() and np.isfinite(np.delete(found["gap"], [*HIPS, 9], 1)).all()
    assert (report["joints"], report["unseen"], report["fallback"]) == (170, 6, {})
    assert "note: 6 of 170 joints (3.5%) were not seen" in capsys.readouterr().out


@pytest.mark.parametrize("channels", UNSEEN)
@pytest.mark.parametrize("form", FORMATS)
def test_a_reference_that_is_never_seen(tmp_path, form, channels, capsys):
    whole = movement(channels)
    elsewhere = whole + np.array([150, *[0] * (len(channels) - 1)], np.float32)
    left, right = (lose(frames, channels, slice(None), HIPS) for frames in (whole, elsewhere))
    found, report = run(tmp_path, form, channels, {"whole": whole, "left": left, "right": right})
    np.testing.assert_allclose(found["left"], found["right"], rtol=1e-3, atol=1e-3)
    assert list(report["fallback"].values()) == ["left_shoulder, right_shoulder"] * 2
    assert "note: 2 of 3 recordings are normalised by left_shoulder, right_shoulder" in capsys.readouterr().out


@pytest.mark.parametrize("channels", UNSEEN)
@pytest.mark.parametrize("form", FORMATS)
def test_no_fallback(tmp_path, form, channels, capsys):
    whole = movement(channels)
    upper = lose(whole, channels, slice(None), HIPS)
    more = '[normalize]\ncenter = ["left_hip", "right_hip"]'
    with pytest.raises(UserError, match="1 of 2 recordings are broken, listed in .*conversion.json; repair them, or"):
        run(tmp_path, form, channels, {"whole": whole, "upper": upper}, more)
    (_, reason) = capsys.readouterr().err.splitlines()
    assert "left_hip, right_hip: never seen together in any of the 6 frames" in reason and str(tmp_path) in reason
    assert "name joints that are seen in the [normalize] table" in reason


@pytest.mark.parametrize("form", FORMATS)
def test_coordinates_with_confidence_0(tmp_path, form, capsys):
    whole = movement("xyzc")
    guessed = whole.copy()
    guessed[:, 9:11, 0, 3] = 0
    found, report = run(tmp_path, form, "xyzc", {"whole": whole, "guessed": guessed})
    assert np.isnan(found["guessed"][:, 9:11]).all()
    assert report["untrusted"] == 12
    assert (
        "note: 12 of 204 joints (5.9%) have coordinates but confidence 0: they count as not seen and their coordinates "
        "are not used; to use them give channels without c, or set their confidence above 0\n"
    ) in capsys.readouterr().out


def test_what_is_not_seen_stays_so_in_a_set_that_is_converted_again(tmp_path):
    whole = movement("xyc")
    gap = lose(whole, "xyc", slice(0, 2), HIPS)
    first, _ = run(tmp_path, "pyskl", "xyc", {"whole": whole, "gap": gap})
    again = conversion.Options(tmp_path / "again")
    convert.run("tfrecord", tmp_path / "data/own/1.0.0", again, benchmark=own.find(str(tmp_path / "own.toml")))
    for _, record in records.read_set(tmp_path / "again/own/1.0.0"):
        np.testing.assert_allclose(record.frames_TxVxMxC, first[record.name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("keys", "lost"),
    [
        ('center = "nose"\nup = [["left_hip", "right_hip"], "nose"]', HIPS),
        ('center = "nose"\nup = ["left_hip", "nose"]\nside = ["left_shoulder", "right_shoulder"]', [*SHOULDERS, 11]),
        ('scale = ["left_shoulder", "nose"]', SHOULDERS),
        ('scale = ["left_shoulder", "nose"]\nscale_by = "median"', [5]),
    ],
)
@pytest.mark.parametrize("channels", ["xy", "xyz", "xyc"])
def test_directions_and_sizes(tmp_path, channels, keys, lost):
    if channels != "xyz" and "side" in keys:
        keys = keys.split("\nside")[0]
    whole = movement(channels)
    gap = lose(whole, channels, slice(0, 3), lost)
    if 'center = "nose"' in keys:
        gap[:, NOSE, 0] = whole[3, NOSE, 0]  # The centre is seen from the first frame on.
        whole[3:, NOSE, 0] = whole[3, NOSE, 0]
    found, _ = run(tmp_path, "npy files", channels, {"later": whole[3:], "gap": gap}, f"[normalize]\n{keys}")
    np.testing.assert_allclose(found["gap"][3:], found["later"], rtol=1e-4, atol=1e-4)


def test_infinity_is_refused_in_every_format(tmp_path, capsys):
    whole = movement("xyz")
    infinite = whole.copy()
    infinite[4, 7, 0, 1] = np.inf
    with pytest.raises(UserError, match="1 of 2 recordings are broken"):
        run(tmp_path, "npy files", "xyz", {"whole": whole, "infinite": infinite})
    assert "frame 4 (from 0), joint left_elbow, body 0: y is inf, expected a number below" in capsys.readouterr().err
    assert COCO_17.joints[7] == "left_elbow"
