"""Arrays in numpy's format, row by row: as numpy reads and writes them, and what every bad one says."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dsta_jax import files
from dsta_jax.errors import UserError
from dsta_jax.formats import npy_rows

dtypes = st.one_of(hnp.floating_dtypes(sizes=(16, 32, 64)), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes())
shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
any_array = hnp.arrays(dtypes, shapes)
on_disk = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@on_disk
@given(any_array, st.booleans())
def test_mapped_as_numpy_reads(tmp_path, array, columns_first):
    np.save(tmp_path / "a.npy", np.asfortranarray(array) if columns_first else array)
    found = npy_rows.mapped(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype and found.shape == array.shape


@on_disk
@given(any_array)
def test_written_as_numpy_writes(array):
    ours, theirs = io.BytesIO(), io.BytesIO()
    npy_rows.write_rows(ours, array.shape, array.dtype, iter(array))
    np.save(theirs, array)
    assert ours.getvalue() == theirs.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_archived_rows_in_any_order(tmp_path, compressed):
    array = np.random.default_rng(0).normal(size=(20, 3, 2)).astype(np.float32)
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "a.npz", other=np.arange(3), x=array)
    assert sorted(npy_rows.names(tmp_path / "a.npz")) == ["other", "x"]
    rows = npy_rows.ArchivedRows(tmp_path / "a.npz", "x")
    assert rows.shape == array.shape and rows.row(0).dtype == array.dtype
    for index in (0, 1, 5, 5, 19, 0, 3, 19):
        np.testing.assert_array_equal(rows.row(index), array[index])


def written(tmp_path, array, name: str = "a.npy"):
    np.save(tmp_path / name, array, allow_pickle=True)
    return tmp_path / name


def header(text: bytes, version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


BAD_ARRAYS = {
    "objects": np.array([None, {}], dtype=object),
    "structure": np.zeros(2, [("a", "f4")]),
    "text": np.array(["a"]),
    "truth": np.array([True]),
    "complex": np.array([1j]),
    "time": np.array(["2020"], "M8[s]"),
    "long double": np.zeros(2, np.longdouble),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_arrays_of_other_types(tmp_path, case):
    with pytest.raises(UserError, match=r"a\.npy: an array of type .*, expected real numbers"):
        npy_rows.mapped(written(tmp_path, BAD_ARRAYS[case]))


BAD_BYTES = {
    "empty": b"",
    "text": b"1.0 2.0\n",
    "cut in the header": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }")[:20],
    "no dictionary": header(b"[1, 2]\n"),
    "no Python": header(b"{{{{{'\n"),
    "brackets": header(b"(" * 5000),
    "code": header(b"{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,)}\n"),
    "no type": header(b"{'descr': 'x9', 'fortran_order': False, 'shape': (1,)}\n"),
    "later version": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\n", b"\x03\x00"),
    "a negative size": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}\n"),
    "very large": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000, 0)}\n"),
    "product": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000, 1000)}\n"),
    "cut short": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}\n") + b"12345678",
    "too long": header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\n") + b"12345678",
}


@pytest.mark.parametrize("case", BAD_BYTES)
def test_files_that_are_none(tmp_path, case):
    path = tmp_path / "a.npy"
    path.write_bytes(BAD_BYTES[case])
    with pytest.raises(UserError) as caught:
        npy_rows.mapped(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and message.isprintable() and "copy or download it again" in message


def test_no_file(tmp_path):
    for name, message in (("absent", "no such file"), (".", "a directory, expected a regular file")):
        with pytest.raises(UserError, match=message):
            npy_rows.mapped(tmp_path / name)
    with pytest.raises(UserError, match="no such file"):
        npy_rows.names(tmp_path / "absent.npz")


def test_archives_that_are_damaged(tmp_path):
    path = tmp_path / "a.npz"
    array = np.random.default_rng(0).normal(size=(50, 8))
    np.savez_compressed(path, x=array)
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            rows = npy_rows.ArchivedRows(path, "x")
            found = [rows.row(index) for index in range(50)]
        except UserError as error:
            assert str(error).startswith(f"{path}: x: ") and str(error).isprintable()
        else:  # A byte that nobody needs.
            np.testing.assert_array_equal(found, array)
    path.write_bytes(whole[:-30])
    with pytest.raises(UserError, match="not readable as an archive of arrays"):
        npy_rows.names(path)


def test_archives_of_other_arrays(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, columns=np.asfortranarray(np.ones((3, 4))), number=np.float32(1), text=np.array(["a"]))
    for name, message in (
        ("absent", "absent: not readable as an array in numpy's format .*no item named 'absent.npy'"),
        ("columns", "columns: stored column by column, expected row by row"),
        ("number", r"number: an array of shape \(\), expected a row for each recording"),
        ("text", "text: an array of type <U1, expected real numbers"),
    ):
        with pytest.raises(UserError, match=message):
            npy_rows.ArchivedRows(path, name)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (9, 2)}\n") + bytes(20))
    with pytest.raises(UserError, match=r"x: .* bytes, expected 1\d\d for float32 \(9, 2\)"):
        npy_rows.ArchivedRows(path, "x")


def test_a_row_that_nobody_has(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", wide=np.zeros((2, 100)))
    monkeypatch.setattr(npy_rows, "_MOST_ROW_BYTES", 799)
    with pytest.raises(UserError, match=r"wide: an array of shape \(2, 100\), expected a row for each recording"):
        npy_rows.ArchivedRows(tmp_path / "a.npz", "wide")


def test_an_archive_that_unpacks_to_gigabytes(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((10, 100_000)))
    assert npy_rows.ArchivedRows(tmp_path / "a.npz", "x").shape == (10, 100_000)
    monkeypatch.setattr(files, "_UNPACKED", 1 << 20)
    for read in (npy_rows.names, lambda path: npy_rows.ArchivedRows(path, "x")):
        with pytest.raises(UserError, match=r"x.npy unpacks from \d+ to 8000128 bytes, expected at most \d+"):
            read(tmp_path / "a.npz")
