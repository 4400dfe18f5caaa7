"""Damaged pickles: whatever is wrong with one, it is said in one line."""

import pickle

import numpy as np
import pytest

from tests.data_prep.formats.pickles import DTYPE, EMPTY, F4, array_of, kind_of, load, ordered, refused

DAMAGED = {
    "empty array": (array_of(b"(K\x00t", F4, b"1234"), "4 bytes for an array of float32 (0,), which has 0"),
    "too few": (array_of(b"(K\x02t", F4, b"1234"), "4 bytes for an array of float32 (2,), which has 8"),
    "huge": (array_of(b"(\x8a\x06\x00\x00\x00\x00\x00\x01t", F4, b""), "4398046511104"),
    "huge and empty": (array_of(b"(K\x00" + b"J\xff\xff\xff\x7f" * 4 + b"t", F4, b""), "an array of shape (0, 21474"),
    "many axes": (array_of(b"(" + b"K\x01" * 9 + b"t", F4, b"1234"), "an array of shape (1, 1, 1"),
    "negative": (array_of(b"(J\xff\xff\xff\xfft", F4, b"1234"), "an array of shape (-1)"),
    "truth as a size": (array_of(b"(\x88t", F4, b"1234"), "an array of shape (True)"),
    "text as a size": (array_of(b"(S'1'\nt", F4, b"1234"), "an array of shape ('1')"),
    "unfinished type": (array_of(b"(K\x01t", DTYPE + b"(S'f4'\n\x89\x88tR", b"1234"), "an array of an unfinished type"),
    "an axis twice": (ordered(b"(K\x00K\x00t"), "an array with an odd order of axes"),
    "an axis less": (ordered(b"(K\x00t"), "an array with an odd order of axes"),
    "no axis": (ordered(b"(NNt"), "an array with an odd order of axes"),
    "no truth": (array_of(b"(K\x02t", kind_of(b"b1", b"|"), b"\x01\x02"), "a truth value other than 0 and 1"),
    "no character": (array_of(b"(K\x01t", kind_of(b"U1", b"<", 4), b"\xff" * 4), "text that is none"),
    "half a character": (array_of(b"(K\x01t", kind_of(b"U1", b"<", 4), b"\x00\xd8\x00\x00"), "text that is none"),
    "other size": (array_of(b"(K\x01t", kind_of(b"f4", b"<", 8), b"1234"), "a numpy type 'f4' of 8 bytes"),
    "part in a list": (b"]" + EMPTY + b"a.", "a part of an array where a value is expected"),
    "part in a tuple in a list": (b"]" + F4 + b"\x85a.", "a part of an array where a value is expected"),
    "part at the end": (F4 + b".", "a part of an array where a value is expected"),
    "tuple as a key": (b"})K\x01s.", "a value of type tuple as a dictionary's key"),
    "array as a key": (b"}" + array_of(b"(K\x01t", F4, b"1234")[:-1] + b"K\x01s.", "as a dictionary's key"),
    "large number as a key": (b"}\x8a\x09" + b"\x00" * 8 + b"\x01K\x01s.", "18446744073709551616 as a dict"),
    "list in a set": (b"\x8f(]\x90.", "a value of type list as a dictionary's key"),
    "append to a dict": (b"}K\x01a.", "a value of type dict, into which something is to be put"),
    "key without value": (b"}(K\x01u.", "a dictionary's key without a value"),
    "long number": (b"\x8b\x00\x00\x00\x7f.", "a number of 2130706432 bytes"),
    "long decimal": (b"I" + b"1" * 5000 + b"\n.", "a number of 5000 characters"),
    "no number": (b"Ix\n.", "b'x' as a number"),
    "no float": (b"Fone\n.", "b'one' as a number"),
    "no string": (b"Sx\n.", "b'x' as a string"),
    "bad escape": (b"S'\\x'\n.", "as a string"),
    "not UTF-8": (b"X\x01\x00\x00\x00\xff.", "text that is not UTF-8"),
    "half a pair": (b"X\x03\x00\x00\x00\xed\xa0\x80.", "text that is not UTF-8"),
    "half a pair, escaped": (b"V\\ud800\n.", "text that is not UTF-8"),
    "never remembered": (b"h\x05.", "a value that was never remembered"),
    "negative place": (b"K\x01p-5\n.", "a negative place to remember"),
    "nothing to remember": (b"\x94.", "an instruction that has no value to work on"),
    "nothing on the stack": (b"\x86.", "an instruction that has no values to work on"),
    "below a mark": (b"K\x01(\x85.", "an instruction that has no values to work on"),
    "no mark": (b"t.", "an instruction that has no mark to go back to"),
    "two values": (b"NN.", "the end, with 2 values instead of one"),
    "no value": (b".", "the end, with 0 values"),
    "open mark": (b"(N.", "the end, with 1 values"),
    "more bytes": (b"N.N.", "the end, but 2 bytes follow it"),
    "cut short": (b"\x80\x04]", "the end of the file"),
    "cut in a number": (b"J\x00\x00", "the end of the file"),
    "cut in a line": (b"cnumpy", "the end of the file"),
    "long text": (b"\x8d" + b"\xff" * 8, "the end of the file"),
    "long bytes": (b"\x8e" + b"\x00" * 5 + b"\x01\x00\x00.", "the end of the file"),
    "later protocol": (b"\x80\x06N.", "a protocol after 5"),
    "no instruction": (b"\xfe", "no instruction of a pickle (0xfe)"),
    "a zip archive": (b"PK\x03\x04", "a zip archive, such as .npz and PyTorch's files are, expected a pickle"),
    "an array": (b"\x93NUMPY\x01\x00", "an array, as in .npy files, expected a pickle"),
    "compressed": (b"\x1f\x8b\x08", "compressed by gzip, expected a pickle"),
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
