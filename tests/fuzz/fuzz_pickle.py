r"""Fuzzes the readers of pickles: pyskl's annotations, and the names and labels of the npy pair.

  python -m tests.fuzz.fuzz_pickle --count=100000 --seed=1
  python -m tests.fuzz.fuzz_pickle --count=100000 --engine=hypothesis
  python -m tests.fuzz.fuzz_pickle --count=100000 --engine=atheris

Each input must give what Python's own reader of pickles gives (which is asked only after ours has found the input
harmless), or end with an error of one line, within seconds and little memory. `pip install hypothesis` or `pip install
atheris` for the engines of that name; `random` needs neither.
"""

import collections
import contextlib
import io
import pathlib
import pickle
import tempfile
import warnings
from typing import Any

import numpy as np

with contextlib.suppress(ImportError):  # With atheris, what is fuzzed must be imported under its eyes.
    import atheris

    with atheris.instrument_imports(include=["dsta_jax.formats"]):
        from dsta_jax.formats import npy_pair, pyskl, safe_pickle

from dsta_jax.errors import UserError
from dsta_jax.formats import npy_pair, pyskl, safe_pickle
from tests.fuzz import harness

_TEMPORARY = tempfile.TemporaryDirectory(prefix="fuzz_")
_DIRECTORY = pathlib.Path(_TEMPORARY.name)
np.save(_DIRECTORY / "train_data_joint.npy", np.ones((3, 2, 4, 2, 1), np.float16))
_PICKLE = _DIRECTORY / "train_label.pkl"


def check(data: bytes) -> bool:
    """Whether the input is a pickle that may be read; AssertionError when it is read otherwise than it should be."""
    _PICKLE.write_bytes(data)
    for read in (_read_annotations, _read_pair):
        with contextlib.suppress(UserError):
            read()
    try:
        value = safe_pickle.load(_PICKLE)
    except UserError as error:
        message = str(error)
        assert message.startswith(f"{_PICKLE}: ") and message.isprintable() and len(message) < 600, message
        return False
    _compare(value, data)
    return True


def _read_annotations() -> None:
    collection = pyskl.read(_PICKLE)
    for one in collection.entries.values():
        with contextlib.suppress(UserError):
            collection.read(one).frames_with_score.sum()


def _read_pair() -> None:
    collection = npy_pair.read(_DIRECTORY)
    for one in collection.entries.values():
        collection.read(one)


class _Unpickler(pickle._Unpickler):
    """Python's own reader, for pickles that ours has found harmless."""

    def find_class(self, module: str, name: str) -> Any:
        assert module.partition(".")[0] in ("numpy", "builtins", "__builtin__", "_codecs", "collections"), module
        assert name.rpartition(".")[2] not in ("eval", "exec", "getattr", "open", "__import__"), name
        return super().find_class(module, name)


def _compare(value: Any, data: bytes) -> None:
    """Asserts that Python's own reader finds the same, where it finds anything."""
    try:
        with warnings.catch_warnings(action="ignore"):
            expected = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except AssertionError:
        raise
    except Exception:  # It stumbles over things that ours need not look at, such as the flags of a type.
        return
    _same(value, expected, set())


def _same(found: Any, expected: Any, seen: set[tuple[int, int]]) -> None:
    pair = id(found), id(expected)
    if pair in seen or len(seen) > 200:  # Values may be within themselves, or within each other very often.
        return
    if callable(found) or type(found) is object:  # What stands for a name that nobody called.
        return
    seen.add(pair)
    if isinstance(found, np.ndarray):
        assert found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")  # numpy may turn the bytes.
        np.testing.assert_array_equal(found, expected)
    elif isinstance(found, bytes):
        assert bytes(found) == bytes(expected)
    elif isinstance(found, dict):
        assert isinstance(expected, dict) and len(found) == len(expected)
        for (key, value), (other_key, other) in zip(found.items(), expected.items(), strict=True):
            assert key == other_key or key != key
            _same(value, other, seen)
    elif isinstance(found, list | tuple):
        assert type(found) is type(expected) and len(found) == len(expected)
        for value, other in zip(found[:50], expected[:50], strict=True):
            _same(value, other, seen)
    else:
        assert type(found) is type(expected) and (found == expected or found != found)


def _annotations(two: bool) -> dict[str, Any]:
    """A small pickle of pyskl's."""
    random = np.random.default_rng(0)
    annotations = []
    for number in range(2):
        shape = (1 + number, 3, 2)
        annotation = {"frame_dir": f"recording_{number}", "label": np.int64(number) if two else number}
        annotation["keypoint"] = random.normal(size=(*shape, 2 if two else 3)).astype(np.float16)
        annotation["total_frames"] = 3
        if two:
            annotation |= {"keypoint_score": np.ones(shape, np.float32), "img_shape": (1080, 1920)}
        annotations.append(annotation)
    return {"split": {"train": ["recording_0"], "val": ["recording_0", "recording_1"]}, "annotations": annotations}


def _inputs() -> list[bytes]:
    names = ["a", "b", "c"]
    values = [
        _annotations(True),
        _annotations(False),
        (names, [0, 1, 2]),
        (names, np.arange(3)),
        [np.array(names), np.arange(3)],
        collections.OrderedDict(a={1, 2}, b=b"bytes", c=[None, True, 1.5, -(2**40)], d=np.float32(1), e=np.str_("x")),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(1, 0, 2),
    ]
    inputs = [pickle.dumps(value, protocol) for value in values for protocol in range(6)]
    _PICKLE.write_bytes(inputs[0])
    written = io.BytesIO()
    pyskl.write(written, pyskl.read(_PICKLE))
    return [*inputs, written.getvalue()]


INPUTS = _inputs()
_INSTRUCTIONS = b"()]}tldaesu012hjgqrpRbcioPQ\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94."
HOSTILE = [
    *(bytes([code]) for code in _INSTRUCTIONS),
    # Large numbers: sizes, places in the memo, long ones.
    *(b"\xff" * 4, b"\xff" * 8, b"\x00\x00\x00\x40\x00\x00\x00\x00", b"K\xff", b"J\xff\xff\xff\xff"),
    *(b"r\xff\xff\xff\x7f", b"p999999999\n", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"\x8b\xff\xff\xff\x7f"),
    *(b"I" + b"9" * 5000 + b"\n", b"F1e999\n", b"nan", b"\n", b"\xed\xa0\x80", b"\\ud800"),
    # Names, and types of numpy's.
    *(b"cos\nsystem\n", b"cbuiltins\neval\n", b"\x8c\x08builtins\x8c\x04eval\x93", b"(S'true'\nios\nsystem\n"),
    *(b"cnumpy\ndtype\n", b"cnumpy\nndarray\n", b"cnumpy\nload\n", b"c_codecs\nencode\n"),
    *(b"X\x02\x00\x00\x00O8", b"\x8c\x02V8", b"\x8c\x02f2", b"\x8c\x02M8", b"\x8c\x02U9", b"\x8c\x01>"),
    # Much of something.
    *(b"\x85" * 100, b"2\x86" * 40, b"]" * 200, b"\x94" * 200, b"(" * 200, b"\x8f" * 200, b"2" * 200),
]

if __name__ == "__main__":
    harness.main(__doc__, check, INPUTS, HOSTILE)
