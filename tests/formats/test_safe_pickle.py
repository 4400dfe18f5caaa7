"""Pickles of strangers: plain data are read as Python reads them, everything else is refused and nothing is run."""

import collections
import contextlib
import datetime
import functools
import io
import operator
import os
import pathlib
import pickle
import struct
import subprocess
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dsta_jax.errors import UserError
from dsta_jax.formats import safe_pickle
from tests.formats.pickles import DTYPE, EMPTY, F4, NDARRAY, STATE, array_of, kind_of, load, refused

PROTOCOLS = range(6)


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, np.ndarray):
        return (
            found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
            and found.shape == expected.shape
            and found.astype(expected.dtype).tobytes() == expected.tobytes()
            and not (found.size and found.flags.writeable)
        )
    if isinstance(expected, dict):
        return type(found) is dict and list(found) == list(expected) and all(same(found[k], expected[k]) for k in found)
    if isinstance(expected, list | tuple):
        pairs = zip(found, expected, strict=True)
        return type(found) is type(expected) and len(found) == len(expected) and all(same(*pair) for pair in pairs)
    if isinstance(expected, bytes | bytearray):
        return bytes(found) == bytes(expected)
    return type(found) is type(expected) and (found == expected or expected != expected)


dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.unicode_string_dtypes(endianness="?", min_len=1, max_len=4),
    hnp.byte_string_dtypes(min_len=1, max_len=4),
)
plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
orders = st.sampled_from([np.ascontiguousarray, np.asfortranarray, np.transpose, np.flip, lambda a: a.swapaxes(0, -1)])
numbers = (np.float16(0.5), np.float32(1.5), np.float64(1e300), np.int64(-3), np.uint8(255), np.bool_(True))
scalars = st.sampled_from([*numbers, np.str_("é"), np.str_()])
whole = st.integers(-(2**63) + 1, 2**63 - 1)
keys = st.one_of(plain_text, whole, st.booleans(), st.none(), st.binary(max_size=5), scalars)
leaves = st.one_of(
    plain_text,
    st.integers(-(2**127), 2**127 - 1),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=5),
    st.binary(max_size=5).map(bytearray),
    scalars,
    st.just(np.float32("nan")),
    st.frozensets(whole, max_size=3),
    st.sets(plain_text, max_size=3),
    arrays.flatmap(lambda a: orders.map(lambda order: order(a) if a.ndim else a)),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4).map(collections.OrderedDict),
    ),
    max_leaves=12,
)


@example(-(2**127), 0)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, st.sampled_from(PROTOCOLS))
def test_plain_data_are_read_as_python_reads_them(tmp_path, value, protocol):
    data = pickle.dumps(value, protocol)
    assert same(load(tmp_path, data), pickle.loads(data))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_pickled_under_numpys_older_and_newer_names(tmp_path, protocol):
    value = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.float32(2), "c": np.zeros(0, np.int8)}
    data = pickle.dumps(value, protocol)
    newer, older = (b"numpy._core", b"numpy.core") if b"numpy._core" in data else (b"numpy.core", b"numpy._core")
    other = data.replace(newer, older)
    if protocol >= 4:  # There, the name's length stands before it.
        change = len(older) - len(newer)
        for module in (b".multiarray", b".numeric"):
            long, short = len(newer + module), len(newer + module) + change
            other = other.replace(bytes([long]) + older + module, bytes([short]) + older + module)
    assert other != data and same(load(tmp_path, other), value)


def test_pickles_of_python_2(tmp_path):
    # {'a': array([1., 2.], dtype=float32), u'b': 'text', 'c': 5L}, as Python 2.7 and numpy wrote it.
    data = (
        b"\x80\x02}q\x01(U\x01aq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05"
        b"U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02\x85q\x09cnumpy\ndtype\nq\x0aU\x02f4q\x0bK\x00K\x01\x87q\x0cRq\x0d(K\x03"
        b"U\x01<q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x08\x00\x00\x80?\x00\x00\x00@q\x10tq\x11b"
        b"X\x01\x00\x00\x00bq\x12S'te\\x78t'\nU\x01cq\x14\x8a\x01\x05u."
    )
    assert same(load(tmp_path, data), {"a": np.array([1, 2], np.float32), "b": "text", "c": 5})
    assert load(tmp_path, b"(lp1\nI01\naI00\naL5L\naF1.5\naV\\u00e9\np2\nag2\na.") == [True, False, 5, 1.5, "é", "é"]


def test_a_value_named_twice_is_the_same(tmp_path):
    array = np.arange(3)
    found = load(tmp_path, pickle.dumps([array, array, (array,)]))
    assert found[0] is found[1] is found[2][0]
    itself: list = []
    itself.append(itself)
    found = load(tmp_path, pickle.dumps(itself))
    assert found[0] is found


class Runs:
    """An object whose pickle calls something."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


CALLS: dict[str, Any] = {
    "posix.system": Runs(os.system, ("touch {touched}",)),
    "builtins.eval": Runs(eval, ("open('{touched}', 'w')",)),
    "builtins.exec": Runs(exec, ("open('{touched}', 'w')",)),
    "io.open": Runs(open, ("{touched}", "w")),
    "subprocess.Popen": Runs(subprocess.Popen, (["touch", "{touched}"],)),
    "subprocess.check_output": Runs(subprocess.check_output, (["touch", "{touched}"],)),
    "builtins.getattr": Runs(getattr, ("text", "__class__")),
    "numpy.save": Runs(np.save, ("{touched}", 1)),
    "numpy.load": Runs(np.load, ("{touched}", None, True)),
    "numpy.fromfile": Runs(np.fromfile, ("{touched}",)),
    "builtins.complex": 1j,
    "datetime.date": datetime.date(2020, 1, 1),
    "pathlib.PosixPath": pathlib.PosixPath("a"),
    "operator.attrgetter": operator.attrgetter("system"),
    "collections.Counter": collections.Counter("a"),
    "builtins.range": range(3),
    "functools.partial": functools.partial(print),
    "numpy.ma": np.ma.MaskedArray([1]),
}


def with_path(call: Any, path) -> Any:
    """The call with the name of a file that it would make."""
    if not isinstance(call, Runs):
        return call
    function, arguments = call.call
    text = [[part.format(touched=path) for part in one] if isinstance(one, list) else one for one in arguments]
    return Runs(function, tuple(one.format(touched=path) if isinstance(one, str) else one for one in text))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("asked", CALLS)
def test_nothing_is_called(tmp_path, asked, protocol):
    touched = tmp_path / "touched"
    data = pickle.dumps([1, with_path(CALLS[asked], touched)], protocol)
    message = refused(tmp_path, data)
    assert "it asks for '" in message and "such a pickle can run commands" in message
    assert not touched.exists() and not touched.with_suffix(".npy").exists()


FORBIDDEN = {
    "reduce": (b"cos\nsystem\n(S'true'\ntR.", "it asks for 'os.system'"),
    "stack_global": (b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "it asks for 'os.system'"),
    "inst": (b"(S'true'\nios\nsystem\n.", "it makes an object of a class"),
    "obj": (b"(" + DTYPE + b"S'f4'\no.", "it makes an object of a class"),
    "newobj": (b"\x80\x02" + NDARRAY + b"(K\x05\x85t\x81.", "it makes an object of a class"),
    "newobj_ex": (b"\x80\x04" + NDARRAY + b")}\x92.", "it makes an object of a class"),
    "build of a name": (DTYPE + b"}(X\x04\x00\x00\x00typeK\x01ub.", "it changes a value of type function"),
    "build of a name's slots": (DTYPE + b"(N}X\x08\x00\x00\x00__code__Nstb.", "it changes a value of type function"),
    "build of the class of arrays": (NDARRAY + b"}b.", "it changes a value of type object"),
    "build of a dict": (b"}}b.", "it changes a value of type dict"),
    "build of an object": (b"ccollections\nOrderedDict\n)R}b.", "it changes a value of type dict"),
    "array of objects": (EMPTY + b"(K\x01(K\x01t" + F4 + b"\x89]NatNb.", "it changes a value of type tuple"),
    "type with fields": (
        F4[: -len(STATE)] + b"(K\x03X\x01\x00\x00\x00|N)}K\x01K\x01K\x10tb.",
        "it changes a value of type",
    ),
    "type of an unknown version": (
        F4[: -len(STATE)] + b"(K\x04" + STATE[3:] + b".",
        "it changes a value of type Float32",
    ),
    "another module's array": (b"cevil\n_reconstruct\n.", "it asks for 'evil._reconstruct'"),
    "a dotted name": (b"\x8c\x05numpy\x8c\x16ndarray.__subclasses__\x93.", "it asks for"),
    "attribute of a name": (b"\x8c\x05numpy\x8c\x0dndarray.dumps\x93.", "it asks for"),
    "attrgetter": (b"coperator\nattrgetter\n(S'system'\ntR(cos\n__name__\ntR.", "it asks for 'operator.attrgetter'"),
    "runstring": (b"cnumpy.testing._private.utils\nrunstring\n(S'x=1'\n}tR.", "it asks for 'numpy.testing._private"),
    "an array of dtype": (EMPTY.replace(NDARRAY, DTYPE) + b".", "it makes an array of a value of type function"),
    "object type": (DTYPE + b"(S'O8'\nI00\nI01\ntR.", "it asks for the numpy type 'O8'"),
    "structure": (DTYPE + b"(S'V8'\nI00\nI01\ntR.", "it asks for the numpy type 'V8'"),
    "huge structure": (DTYPE + b"(S'V1000000000'\nI00\nI01\ntR.", "it asks for the numpy type 'V1000000000'"),
    "huge text": (DTYPE + b"(S'S999999999'\nI00\nI01\ntR.", "it asks for the numpy type 'S999999999'"),
    "complex": (DTYPE + b"(S'c8'\nI00\nI01\ntR.", "it asks for the numpy type 'c8'"),
    "time": (DTYPE + b"(S'M8'\nI00\nI01\ntR.", "it asks for the numpy type 'M8'"),
    "comma type": (DTYPE + b"(S'f4,f4'\nI00\nI01\ntR.", "it asks for the numpy type 'f4,f4'"),
    "a list as a type": (DTYPE + b"(](S'a'\nS'f4'\ntaI00\nI01\ntR.", "it asks for the numpy type a value of type list"),
    "codec": (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", "it encodes as 'rot13'"),
    "bytes of a number": (
        b"cbuiltins\nbytearray\n(\x8a\x06\x00\x00\x00\x00\x00\x01tR.",
        "it makes bytes of 1099511627776",
    ),
    "persistent id": (b"Pid\n.", "it refers to something outside the file"),
    "persistent value": (b"K\x01Q.", "it refers to something outside the file"),
    "extension 1": (b"\x82\x01.", "it refers to something outside the file"),
    "extension 2": (b"\x83\x01\x00.", "it refers to something outside the file"),
    "extension 4": (b"\x84\x01\x00\x00\x00.", "it refers to something outside the file"),
    "buffer": (b"\x97.", "it refers to something outside the file"),
    "read-only buffer": (b"K\x01\x98.", "it refers to something outside the file"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_only_objects_need_is_refused(tmp_path, case):
    data, message = FORBIDDEN[case]
    found = refused(tmp_path, data)
    assert message in found and "such a pickle can run commands" in found


def test_no_function_of_this_program_is_changed(tmp_path):
    before = {
        name: dict(vars(value))
        for name, value in vars(safe_pickle).items()
        if callable(value) and hasattr(value, "__dict__")
    }
    for data, _ in FORBIDDEN.values():
        with contextlib.suppress(UserError):
            load(tmp_path, data)
    assert before == {name: dict(vars(getattr(safe_pickle, name))) for name in before}


def doubled(times: int) -> bytes:
    """A tuple of a tuple of itself, twice each time: as a tree, it has 2**times leaves."""
    return b")" + b"2\x86" * times


N = 30_000
AGAIN = 10_000
LONG_TEXT = b"X" + struct.pack("<I", N) + b"x" * N + b"q\x00c_codecs\nencode\nq\x01S'latin1'\nq\x02"
LONG_LIST = b"](" + b"".join(b"J" + struct.pack("<i", n) for n in range(N // 5)) + b"eq\x00cbuiltins\nset\nq\x01"
NUMBERS = [b"J" + struct.pack("<i", 7 * n) for n in range(N)]
AMPLE = {
    "numbers": b"](" + b"".join(NUMBERS) + b"e.",
    "a set of numbers": b"\x8f(" + b"".join(NUMBERS) + b"\x90.",
    "a dictionary of numbers": b"}(" + b"N".join(NUMBERS) + b"Nu.",
    "short texts": b"](" + b"".join(b"\x8c\x03%03x" % (n % 4096) for n in range(N)) + b"e.",
    "short bytes": b"](" + b"".join(b"C\x02%02x" % (n % 256) for n in range(N)) + b"e.",
    "lists": b"]" * N + b".",
    "sets": b"\x8f" * N + b".",
    "marks": b"(" * N + b".",
    "nested": b"]" * N + b"a" * (N - 1) + b".",
    "nested tuples": b")" + b"\x85" * N + b".",
    "memo": b"]" + b"\x94" * N + b".",
    "sparse memo": b"]" + b"".join(b"r" + struct.pack("<I", 4 * n) for n in range(1, N // 5)) + b".",
    "a place far away": b"Nr\xff\xff\xff\x7f.",
    "a place very far away": b"Np99999999999999999999\n.",
    "a long bytearray": b"\x96\x00\x00\x00\x00\x00\x01\x00\x00.",
    "a long frame": b"\x95\x00\x00\x00\x00\x00\x01\x00\x00.",
    "nothing, many times": b"](" + b"N" * N + b"e.",
    "copies": b"]" + b"2" * N + b".",
    "doubled": doubled(N // 2) + b".",
    "doubled as a key": b"}" + doubled(60) + b"Ns.",
    "doubled in a set": b"\x8f(" + doubled(60) + b"\x90.",
    "the same array": b"](" + array_of(b"(K\x00t", F4, b"")[:-1] + b"q\x00" + b"h\x00" * (N // 2) + b"e.",
    "an array again and again": array_of(b"(M\x30\x75t", kind_of(b"S1", b"|", 1) + b"q\x01", b"x" * N)[:-3]
    + b"tq\x00b"
    + b"h\x00b" * AGAIN
    + b".",
    "pairs again and again": b"]("
    + b"(K\x01K\x01l" * (N // 20)
    + b"eq\x00ccollections\nOrderedDict\nq\x01"
    + b"h\x01h\x00\x85R0" * AGAIN
    + b".",
    "encoded again and again": LONG_TEXT + b"h\x01h\x00h\x02\x86R0" * AGAIN + b".",
    "numbers and truth values": b"](" + b"K\x01\x88\x89" * N + b"e.",
    "a set again and again": LONG_LIST + b"h\x01h\x00\x85R0" * AGAIN + b".",
}


@pytest.mark.parametrize("case", AMPLE)
def test_time_and_memory_are_bounded_by_the_size(tmp_path, case, monkeypatch):
    monkeypatch.setattr(safe_pickle, "_FREE", 1 << 20)
    data = AMPLE[case]
    started = time.process_time()
    tracemalloc.start()
    try:
        with contextlib.suppress(UserError):
            load(tmp_path, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 10
    assert peak < 40 * len(data) + (4 << 20)


@pytest.mark.parametrize(
    "case",
    [
        "sets",
        "marks",
        "nested",
        "memo",
        "an array again and again",
        "encoded again and again",
        "a set again and again",
        "pairs again and again",
    ],
)
def test_more_than_a_file_has_room_for(tmp_path, case, monkeypatch):
    monkeypatch.setattr(safe_pickle, "_FREE", 1 << 20)
    assert "more objects than a file of its size has room for" in refused(tmp_path, AMPLE[case])


@pytest.mark.parametrize("data", [b"N" * 200_000, b"\x88\x89" * 100_000, b"K\x01" * 200_000])
def test_more_numbers_than_a_file_has_room_for(tmp_path, data, monkeypatch):
    monkeypatch.setattr(safe_pickle, "_FREE", 1 << 20)
    assert "more objects than a file of its size has room for" in refused(tmp_path, b"](" + data + b"e.")


def test_more_instructions_than_anybody_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(safe_pickle, "_MOST_INSTRUCTIONS", 100)
    assert load(tmp_path, b"\x80\x02" * 98 + b"N.") is None
    message = "more than 100 instructions; divide it into several files"
    assert message in refused(tmp_path, b"\x80\x02" * 99 + b"N.")


def test_files_that_are_no_pickles(tmp_path):
    (tmp_path / "empty.pkl").touch()
    os.mkfifo(tmp_path / "pipe.pkl")
    for name, message in (
        ("absent.pkl", "no such file"),
        (".", "a directory, expected a regular file"),
        ("pipe.pkl", "a pipe or a device, expected a regular file"),
        ("empty.pkl", "0 bytes, expected 1 to"),
    ):
        with pytest.raises(UserError, match=message):
            safe_pickle.load(tmp_path / name)


def test_the_pickler_that_is_tested_against_can_be_fooled(tmp_path):
    """Python's own reader does run what is refused here: the pickles above are real ones."""
    touched = tmp_path / "touched"
    pickle.load(io.BytesIO(pickle.dumps(with_path(CALLS["posix.system"], touched))))
    assert touched.exists()
