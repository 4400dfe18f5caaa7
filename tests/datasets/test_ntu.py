"""NTU RGB+D's names, lists and files: what is read, and what every bad one says."""

import pathlib

import numpy as np
import pytest

from dsta_jax.datasets import ntu, ntu_skeleton
from dsta_jax.datasets.benchmarks import SOURCES
from dsta_jax.datasets.recording import Entry
from dsta_jax.errors import UserError
from tests.datasets import ntu_line_by_line
from tests.raw_recordings import ntu_body, ntu_text, write_ntu

TWO, ONE, NONE = [(72057594037944738, ntu_body(1)), (5, ntu_body(2))], [(5, ntu_body(3))], []


def written(tmp_path, text: str | bytes) -> pathlib.Path:
    path = tmp_path / "S001C001P001R001A001.skeleton"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_what_names_say(tmp_path):
    write_ntu(tmp_path / "first", ["S017C001P002R001A060", "S018C003P106R002A001", "S001C002P003R001A061"])
    write_ntu(tmp_path / "second" / "deep", ["S018C003P106R002A120"])
    found = SOURCES["ntu120"].find(tmp_path)
    assert [(one.name, one.label, one.subject, one.camera, one.setup) for one in found.entries.values()] == [
        ("S001C002P003R001A061", 60, 3, 2, 1),
        ("S017C001P002R001A060", 59, 2, 1, 17),
        ("S018C003P106R002A001", 0, 106, 3, 18),
        ("S018C003P106R002A120", 119, 106, 3, 18),
    ]
    found = SOURCES["ntu60"].find(tmp_path)
    assert found.splits == {"all": ["S017C001P002R001A060"]}
    assert found.notes == ("3 of the 4 files *.skeleton are of another set and are not read",)
    with pytest.raises(
        UserError, match=r"second: no recordings, expected files \*.skeleton .1 are there, of other sets"
    ):
        SOURCES["ntu60"].find(tmp_path / "second")


def test_a_recording_twice(tmp_path):
    for directory in ("first", "second"):
        write_ntu(tmp_path / directory, ["S001C001P001R001A001"])
    with pytest.raises(UserError, match="second/.*: the name S001C001P001R001A001 is taken by .*first/"):
        SOURCES["ntu60"].find(tmp_path)


BAD_NAMES = {
    "S001C001P001R001": "expected SsssCcccPpppRrrrAaaa",
    "S001C001P001R001A1": "expected SsssCcccPpppRrrrAaaa",
    "S001C001P000R001A001": "numbers of three digits from 1",
    "S033C001P001R001A001": "setup 33 in the name, expected 1 to 32",
    "S001C004P001R001A001": "camera 4 in the name, expected 1 to 3",
    "S001C001P001R001A121": "action 121 in the name, expected 1 to 120",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(tmp_path, name):
    write_ntu(tmp_path, [name])
    with pytest.raises(UserError, match=BAD_NAMES[name]):
        SOURCES["ntu120"].find(tmp_path)


@pytest.mark.parametrize("line_end", ["\r\n", "\n", " \t\r\n"])
def test_reads_what_was_written(tmp_path, line_end):
    path = written(tmp_path, ntu_text([TWO, NONE, ONE]).replace("\r\n", line_end))
    found = ntu_skeleton.read_skeletons(path)
    assert found.frames == 3
    assert found.frame_K.tolist() == [0, 0, 2]
    assert found.id_K == (72057594037944738, 5, 5)
    assert found.joints_KxVxC.dtype == np.float32
    np.testing.assert_array_equal(found.joints_KxVxC, [joints_VxC for _, joints_VxC in TWO + ONE])


def test_nobody_seen(tmp_path):
    found = ntu_skeleton.read_skeletons(written(tmp_path, ntu_text([NONE, NONE])))
    assert (found.frames, found.id_K, found.joints_KxVxC.shape) == (2, (), (0, 25, 3))


WORDS = (
    *("0", "-0", "+7", "1.5", "-1.5", ".5", "5.", "-.5", "0001.2500", "-0.05403496", "3.561895", "999999999999999"),
    *("1E-05", "-8.123E-05", "1e5", "123456789012345678", "0.1234567890123456789", "-99999999999999.9", "0.00000001"),
)


def test_a_recording(tmp_path):
    lost = ntu_body(4)
    lost[[3, 7]] = 0
    path = written(tmp_path, ntu_text([NONE, [(5, lost)], NONE, ONE]))
    frames_TxVxMxC = ntu_skeleton.read(Entry(path.stem, path, 0)).frames_TxVxMxC
    assert np.argwhere(np.isnan(frames_TxVxMxC).all(axis=-1)).tolist() == [[0, 3, 0], [0, 7, 0]]
    np.testing.assert_array_equal(frames_TxVxMxC[1, :, 0], ONE[0][1])  # Frames with nobody in them come last.
    assert not frames_TxVxMxC[2:].any() and not frames_TxVxMxC[:, :, 1].any()


def test_numbers_are_those_of_float(tmp_path):
    random = np.random.default_rng(0)
    words = [*WORDS, *(f"{number:.{random.integers(0, 17)}f}" for number in random.normal(scale=30, size=56))]
    lines = ntu_text([ONE]).splitlines()
    for line, start in enumerate(range(0, 75, 3), start=4):
        lines[line] = " ".join(words[start : start + 3] + lines[line].split()[3:])
    found = ntu_skeleton.read_skeletons(written(tmp_path, "\n".join(lines))).joints_KxVxC.reshape(-1)
    np.testing.assert_array_equal(found, np.array([float(word) for word in words], np.float32))


def test_what_is_not_used_may_be_anything(tmp_path):
    text = ntu_text([ONE]).replace("289.5", "-1.#INF").replace("367.3", "NaN").replace("-0.0254", "?")
    assert ntu_skeleton.read_skeletons(written(tmp_path, text)).id_K == (5,)


def changed(line: int, new: str | None) -> str:
    """The text of two frames with a line, counted from 1, replaced or taken away."""
    lines = ntu_text([TWO, ONE]).splitlines()
    lines[line - 1 : line] = [] if new is None else [new]
    return "\n".join(lines)


TEXT = ntu_text([TWO, ONE])
ZEROS = " ".join(["0"] * 9)
BAD_FILES = {
    "empty": ("", ": the file is empty, expected numFrame"),
    "only empty lines": ("\r\n \n", ": the file is empty"),
    "very many frames": (changed(1, "1000000000000"), ":1: numFrame is '1000000000000', expected a whole"),
    "many digits": (changed(1, "9" * 100_000), f":1: numFrame is '{'9' * 56}..., expected a whole number"),
    "more frames": (changed(1, "3"), ":85: the end of the file, expected numBody"),
    "fewer frames": (changed(1, "1"), ":57: more lines, expected the end of the file after 1 frames"),
    "negative": (changed(2, "-1"), ":2: numBody is '-1', expected a whole number from 0"),
    "very many bodies": (changed(2, "1000000000000"), ":2: numBody is '1000000000000', expected a whole"),
    "more bodies": (changed(57, "2"), ":85: the end of the file, expected bodyID"),
    "no number": (changed(57, "one"), ":57: numBody is 'one', expected a whole number from 0"),
    "underscore": (changed(57, "0_1"), ":57: numBody is '0_1', expected a whole number from 0"),
    "body of nine values": (changed(3, ZEROS), ":3: 9 values, expected 10 (bodyID)"),
    "body without id": (changed(3, f"x {ZEROS}"), ":3: bodyID is 'x', expected a whole number from 0"),
    "20 joints": (changed(4, "20"), ":4: numJoint is '20', expected 25"),
    "joint of nine values": (changed(6, ZEROS), ":6: 9 values, expected 12 (a joint)"),
    "a joint less": (changed(6, None), ":29: 10 values, expected 12 (a joint)"),
    "empty line": (changed(57, "\n1"), ":57: 0 values, expected 1 (numBody)"),
    "cut in a line": (TEXT[: len(TEXT) // 2], ":44: 2 values, expected 12 (a joint)"),
    "cut between lines": ("\n".join(TEXT.splitlines()[:40]), ":41: the end of the file, expected a joint"),
    "NaN": (changed(5, f"1 2 NaN {ZEROS}"), ":5: NaN or infinity as a coordinate, expected finite numbers"),
    "infinity": (changed(60, f"-Infinity 2 3 {ZEROS}"), ":60: NaN or infinity as a coordinate"),
    "not float32": (changed(84, f"1 1e39 3 {ZEROS}"), ":84: NaN or infinity as a coordinate"),
    "word": (changed(5, f"1 2 3.4.5 {ZEROS}"), ":5: coordinate '3.4.5', expected a number"),
    "underscore in a coordinate": (changed(5, f"1 2_0 3 {ZEROS}"), ":5: coordinate '2_0', expected a number"),
    "only a point": (changed(5, f". 2 3 {ZEROS}"), ":5: coordinate '.', expected a number"),
    "only a sign": (changed(5, f"1 - 3 {ZEROS}"), ":5: coordinate '-', expected a number"),
    "other digits": (changed(5, f"1 2 ٣ {ZEROS}"), r":5: coordinate '\\xd9\\xa3', expected a number"),
    "NUL": (changed(40, "\0" * 9), ":40: a NUL byte, expected text"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(tmp_path, case):
    text, message = BAD_FILES[case]
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        ntu_skeleton.read_skeletons(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < len(str(path)) + 150


def test_no_frames_is_nobody_seen(tmp_path):
    found = ntu_skeleton.read_skeletons(written(tmp_path, "0\r\n"))
    assert (found.frames, found.id_K, found.joints_KxVxC.shape) == (0, (), (0, 25, 3))


def test_a_file_much_too_large(tmp_path):
    with pytest.raises(UserError, match="more than 8388608 bytes"):
        ntu_skeleton.read_skeletons(written(tmp_path, b"1\n" * (5 << 20)))


def test_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "S001C001P001R001A001.skeleton"):
        with pytest.raises(UserError, match=": no such file"):
            ntu_skeleton.read_skeletons(path)


@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_are_read_as_line_by_line_or_not_at_all(tmp_path, seed):
    random = np.random.default_rng(seed)
    text = ntu_text([TWO, NONE, ONE]).encode()
    for _ in range(50):
        ntu_line_by_line.check(written(tmp_path, ntu_line_by_line.damage(text, random)))


def test_a_list_of_names(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("2 samples have missing skeletons.\n\nS001C002P005R002A008\nS018C002P006R001A101\r\n\n")
    assert ntu.read_names(path) == ["S001C002P005R002A008", "S018C002P006R001A101"]


BAD_LISTS = {
    "no name": ("Nothing here.\n", ": none of its 1 lines is a recording's name SsssCcccPpppRrrrAaaa"),
    "another line": ("Header.\nS001C002P005R002A008\nS001C002\n", ":3: 'S001C002', expected a recording's name"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists(tmp_path, case):
    text, message = BAD_LISTS[case]
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        ntu.read_names(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_no_list(tmp_path):
    with pytest.raises(UserError, match="list.txt: no such file"):
        ntu.read_names(tmp_path / "list.txt")
    with pytest.raises(UserError, match="a directory, expected a regular file"):
        ntu.read_names(tmp_path)


def test_the_published_lists(shared):
    for name, count in (("NTU_RGBD", 302), ("NTU_RGBD120", 535)):
        names = ntu.read_names(shared / "data" / "ntu_lists" / f"{name}_samples_with_missing_skeletons.txt")
        assert len(set(names)) == len(names) == count


def test_real_files_are_read_as_line_by_line(shared):
    for path in (shared / "data" / "ntu_fixtures").glob(ntu.FILE_PATTERN):
        ntu_line_by_line.check(path)
