"""Output files: there completely or not at all."""

import pytest

from dsta_jax.files import complete_file


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
