"""Damaged pickles: whatever is wrong with one, it is said in one line."""

import pickle

import numpy as np
import pytest

from tests.formats.pickles import DTYPE, EMPTY, F4, NDARRAY, array_of, kind_of, load, ordered, refused

DAMAGED = {
    "empty array": (array_of(b"(K\x00t", F4, b"1234"), "4 bytes for an array of float32 (0,)"),
    "too few": (array_of(b"(K\x02t", F4, b"1234"), "4 bytes for an array of float32 (2,)"),
    "huge": (array_of(b"(\x8a\x06\x00\x00\x00\x00\x00\x01t", F4, b""), "0 bytes for an array of float32 (10995116"),
    "huge and empty": (
        array_of(b"(K\x00" + b"J\xff\xff\xff\x7f" * 4 + b"t", F4, b""),
        "0 bytes for an array of float32",
    ),
    "many axes": (array_of(b"(" + b"K\x01" * 9 + b"t", F4, b"1234"), "an array of shape (1, 1, 1"),
    "negative": (array_of(b"(J\xff\xff\xff\xfft", F4, b"1234"), "an array of shape (-1)"),
    "truth as a size": (array_of(b"(\x88t", F4, b"1234"), "an array of shape (True)"),
    "text as a size": (array_of(b"(S'1'\nt", F4, b"1234"), "an array of shape ('1')"),
    "a huge number as a size": (array_of(b"(\x8a\xff" + b"\x7f" * 255 + b"t", F4, b"1234"), "an array of shape (6287"),
    "a number as its type": (array_of(b"(K\x01t", b"K\x04", b"1234"), "an array of 4, its contents b"),
    "a list as its contents": (EMPTY + b"(K\x01(K\x01t" + F4 + b"\x89]K\x01atb.", "its contents a value of type list"),
    "an axis twice": (ordered(b"(K\x00K\x00t"), "repeated axis in transpose"),
    "an axis less": (ordered(b"(K\x00t"), "axes don"),
    "no axis": (ordered(b"(NNt"), "TypeError"),
    "no character": (array_of(b"(K\x01t", kind_of(b"U1", b"<", 4), b"\xff" * 4), "numbers that are no characters"),
    "no character, exchanged": (
        array_of(b"(K\x01t", kind_of(b"U1", b">", 4), b"\x01\x00\x00\x00"),
        "numbers that are no characters",
    ),
    "other size": (array_of(b"(K\x01t", kind_of(b"f4", b"<", 8), b"1234"), "float32 of 8 bytes"),
    "a large type": (
        array_of(b"(K\x01t", kind_of(b"S999999", b"|", 999999), b"1234"),
        "4 bytes for an array of |S999999",
    ),
    "tuple as a key": (b"})K\x01s.", "a value of type tuple as a dictionary"),
    "tuple as a key of many": (b"}()K\x01u.", "a value of type tuple as a dictionary"),
    "tuple as a key, protocol 0": (b"()K\x01d.", "a value of type tuple as a dictionary"),
    "tuple as an ordered key": (b"ccollections\nOrderedDict\n(](])aK\x01aa.tR.", "IndexError"),
    "array as a key": (b"}" + array_of(b"(K\x01t", F4, b"1234")[:-1] + b"K\x01s.", "float32 1 as a dictionary"),
    "large number as a key": (b"}\x8a\x09" + b"\x00" * 8 + b"\x01K\x01s.", "18446744073709551616 as a dict"),
    "list in a set": (b"\x8f(]\x90.", "a value of type list as a dictionary"),
    "list in a frozenset": (b"(]\x91.", "a value of type list as a dictionary"),
    "put into an array": (
        array_of(b"(K\x01t", F4, b"1234")[:-1] + b"K\x00K\x01s.",
        "assignment destination is",
    ),
    "put into an empty array": (EMPTY + b"N]" + b"2\x86" * 60 + b"s.", "assignment destination is"),
    "append to a dict": (b"}K\x01a.", "AttributeError"),
    "key without value": (b"}(K\x01u.", "IndexError"),
    "long number": (b"\x8b\x80\x02\x00\x00" + b"\x7f" * 640 + b".", "a number of 5119 bits"),
    "longer than the file": (b"\x8b\x00\x00\x00\x7f.", "not readable as a pickle"),
    "long decimal": (b"I" + b"1" * 5000 + b"\n.", "Exceeds the limit"),
    "long hexadecimal": (b"I0x" + b"f" * 5000 + b"\n.", "a number of 20000 bits"),
    "long and old": (b"L0x" + b"f" * 5000 + b"L\n.", "a number of 20000 bits"),
    "no number": (b"Ix\n.", "not readable as a pickle of plain data"),
    "no float": (b"Fone\n.", "not readable as a pickle of plain data"),
    "no string": (b"Sx\n.", "UnpicklingError"),
    "bad escape": (b"S'\\x'\n.", "not readable as a pickle of plain data"),
    "not UTF-8": (b"X\x01\x00\x00\x00\xff.", "UnicodeDecodeError: "),
    "never remembered": (b"h\x05.", "Memo value not found at index 5"),
    "negative place": (b"K\x01p-5\n.", "negative PUT argument"),
    "nothing to remember": (b"\x94.", "IndexError"),
    "nothing on the stack": (b"\x86.", "IndexError"),
    "below a mark": (b"K\x01(\x85.", "IndexError"),
    "no mark": (b"t.", "IndexError"),
    "no value": (b".", "IndexError"),
    "open mark": (b"N(.", "IndexError"),
    "more bytes": (b"N.N.", "2 bytes follow its end"),
    "cut short": (b"\x80\x04]", "EOFError"),
    "cut in a number": (b"J\x00\x00", "error: unpack requires a buffer of 4 bytes"),
    "cut in a line": (b"cnumpy", "it asks for 'nump.'"),
    "long text": (b"\x8d" + b"\xff" * 8, "BINUNICODE8 exceeds"),
    "long bytes": (b"\x8e" + b"\x00" * 5 + b"\x01\x00\x00.", "EOFError"),
    "long bytearray": (b"\x96" + b"\x00" * 5 + b"\x01\x00\x00.", "EOFError"),
    "long frame": (b"\x95" + b"\x00" * 5 + b"\x01\x00\x00]", "EOFError"),
    "later protocol": (b"\x80\x06N.", "unsupported pickle protocol: 6"),
    "no instruction": (b"\xfe", "KeyError: 254"),
    "call of a text": (b"S'os'\n)R.", "TypeError"),
    "call of a tuple": (b")K\x01\x85R.", "TypeError"),
    "call without arguments": (DTYPE + b"K\x01R.", "TypeError"),
    "ndarray itself": (NDARRAY + b"(K\x05tR.", "TypeError"),
    "factory called": (b"cbuiltins\nstr\n(]tR.", "TypeError"),
    "name of other type": (b"K\x01K\x02\x93.", "STACK_GLOBAL requires str"),
    "a zip archive": (b"PK\x03\x04", "(a zip archive, such as .npz and PyTorch's files are)"),
    "an array": (b"\x93NUMPY\x01\x00", "(an array, as in .npy files)"),
    "compressed": (b"\x1f\x8b\x08", "(compressed by gzip)"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_pickles(tmp_path, case):
    data, message = DAMAGED[case]
    assert message in refused(tmp_path, data)


@pytest.mark.parametrize("length", range(0, 400, 7))
def test_pickles_cut_short(tmp_path, length):
    data = pickle.dumps({"a": np.arange(40), "b": ["text"] * 3, "c": np.float32(1)}, 4)
    if length < len(data):
        assert refused(tmp_path, data[:length])


def test_the_order_of_axes(tmp_path):
    found = load(tmp_path, ordered(b"(K\x01K\x00t"))
    np.testing.assert_array_equal(found, np.frombuffer(b"12345678", "<f4").reshape(2, 1).T)


def test_a_type_that_is_changed_later_changes_no_array(tmp_path):
    remembered = kind_of(b"U1", b"<", 4) + b"q\x07"
    array = array_of(b"(K\x01t", remembered, b"\x10\x00\x00\x00")[:-1]
    state = b"(K\x03U\x01>NNNJ\x04\x00\x00\x00K\x04K\x00tb"
    found = load(tmp_path, b"](" + array + b"h\x07" + state + b"e.")
    assert found[0].tolist() == ["\x10"] and found[1] == np.dtype(">U1")
