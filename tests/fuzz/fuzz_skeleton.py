r"""Fuzzes the reader of NTU RGB+D's `.skeleton` files.

  python -m tests.fuzz.fuzz_skeleton --count=100000 --seed=1
  python -m tests.fuzz.fuzz_skeleton --count=100000 --engine=hypothesis
  python -m tests.fuzz.fuzz_skeleton --count=100000 --engine=atheris

Each input must be read as the slow reader in `ntu_line_by_line` reads it, or end with an error of one line, within
seconds. `pip install hypothesis` or `pip install atheris` for the engines of that name; `random` needs neither.
"""

import contextlib
import pathlib
import tempfile

with contextlib.suppress(ImportError):  # With atheris, what is fuzzed must be imported under its eyes.
    import atheris

    with atheris.instrument_imports(include=["dsta_jax.datasets"]):
        pass

from tests.datasets import ntu_line_by_line
from tests.fuzz import harness
from tests.raw_recordings import ntu_body, ntu_text

_TEMPORARY = tempfile.TemporaryDirectory(prefix="fuzz_")
_DIRECTORY = pathlib.Path(_TEMPORARY.name)
_TWO, _ONE = [(72057594037944738, ntu_body(1)), (5, ntu_body(2))], [(5, ntu_body(3))]


def check(data: bytes) -> bool:
    """Whether the input is a whole file; AssertionError when it is read otherwise than it should be."""
    path = _DIRECTORY / "S001C001P001R001A001.skeleton"
    path.write_bytes(data)
    return ntu_line_by_line.check(path)


INPUTS = [ntu_text(frames).encode() for frames in ([_ONE], [_TWO, _ONE], [[], _ONE], [[]], [])]
HOSTILE = [*ntu_line_by_line.HOSTILE, b"\r\n", b"25\r\n", b"-0.1e+3", b"1" * 15 + b".5", b"\t", b"\x1c", b"\xc2\xa0"]

if __name__ == "__main__":
    harness.main(__doc__, check, INPUTS, HOSTILE)
