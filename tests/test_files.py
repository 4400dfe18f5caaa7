"""Files: written completely or not at all, by one program, and why one cannot be read."""

import os
import pathlib
import zipfile

import pytest

from dsta_jax import files
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, open_archive, read_json, readable, regular, sole_writer, writable


def test_a_complete_file_replaces_another(tmp_path):
    path = tmp_path / "new" / "a.bin"
    for data in (b"one", b"two"):
        with complete_file(path) as file:
            file.write(data)
            assert not path.exists() or path.read_bytes() == b"one"
        assert path.read_bytes() == data
    assert [one.name for one in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_half_file_is_gone(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")
    with pytest.raises(error), complete_file(path) as file:
        file.write(b"half")
        raise error
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.bin", b"before")]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError), complete_file(tmp_path / "file" / "a.bin"):
        pass


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory"), "a.bin: no such file"),
        (PermissionError(13, "Permission denied"), "a.bin: cannot be read (Permission denied)"),
        (OSError("cut"), "a.bin: not readable as a box (OSError: cut); copy or download it again"),
        (ValueError("odd\nline"), "a.bin: not readable as a box (odd?line); copy or download it again"),
        (UserError("a.bin: said already"), "a.bin: said already"),
    ],
)
def test_why_a_file_cannot_be_read(error, message):
    with pytest.raises(UserError) as caught, readable("a.bin", "a box"):
        raise error
    assert str(caught.value) == message


def test_only_regular_files_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[1]")
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    assert regular(tmp_path / "link") == tmp_path / "link" and read_json(tmp_path / "link") == [1]
    for strange, message in (
        (tmp_path, "a directory, expected a regular file"),
        (tmp_path / "pipe", "a pipe or a device, expected a regular file"),
        (pathlib.Path("/dev/zero"), "a pipe or a device, expected a regular file"),
        (tmp_path / "absent", "no such file"),
    ):
        with pytest.raises(UserError, match=f"{strange}: {message}"):
            read_json(strange)


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "a.json"
    path.touch()
    os.truncate(path, files.MOST_TEXT + 1)  # Without taking a place.
    with pytest.raises(UserError, match=f"a.json: {files.MOST_TEXT + 1} bytes, expected at most {files.MOST_TEXT}"):
        read_json(path)


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "\xff", "9" * 10_000])
def test_bad_json(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"a.json: not readable as JSON \(.*\); ask for it"):
        read_json(path, "ask for it")


def test_archives_that_unpack_to_gigabytes(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100_000))
        archive.writestr("random", os.urandom(100_000))
    assert open_archive(path).namelist() == ["zeros", "random"]
    monkeypatch.setattr(files, "_UNPACKED", 50_000)
    with pytest.raises(ValueError, match=r"zeros unpacks from \d+ to 100000 bytes, expected at most \d+"):
        open_archive(path)
    monkeypatch.setattr(files, "_MOST_MEMBERS", 1)
    with pytest.raises(ValueError, match="2 files in it, expected at most 1"):
        open_archive(path)


def test_why_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/a.bin: cannot be written \(Not a directory\)"), writable("set"):
        (tmp_path / "file" / "a.bin").open("wb")
    with pytest.raises(UserError, match=r"^set: cannot be written \(No space left on device\)"), writable("set"):
        raise OSError(28, "No space left on device")


def test_one_program_at_a_time_writes_to_a_directory(tmp_path):
    for _ in range(2):  # The lock ends with the block.
        directory, error = tmp_path / "new", pytest.raises(UserError, match="another program is writing there")
        with sole_writer(directory), error, sole_writer(directory):
            pass
