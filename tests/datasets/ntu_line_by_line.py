"""NTU RGB+D's format read once more, slowly and line by line, to compare with; and damaged files to compare on."""

import contextlib
import pathlib
import re

import numpy as np

from dsta_jax.datasets import ntu_skeleton
from dsta_jax.errors import UserError

HOSTILE = (
    *(
        b"nan",
        b"-inf",
        b"1e39",
        b"3e38",
        b"-1e-38",
        b"1e-5",
        b"1_0",
        b"+5",
        b"0x10",
        b"1000000000000",
        b"-1",
        b"0",
        b"1",
        b"2",
        b"26",
    ),
    *(b".", b"-", b"..", b"5.", b".5", b"\0", b"\xff", b"\x0b", b"", b" ", b"\n", b"\r", b"9" * 40, b"1" + b"0" * 400),
)


def read(text: bytes) -> tuple[int, list[tuple[int, int, list[list[np.float32]]]]]:
    """Frames, and each body's frame, id and joints; ValueError or IndexError when the text is not of the format."""
    if b"\0" in text:
        raise ValueError("NUL")
    lines = [re.findall(rb"[^\x00-\x20]+", line) for line in text.rstrip(b" \t\r\n").split(b"\n")]
    position = 0

    def take(count: int) -> list[bytes]:
        nonlocal position
        words = lines[position]
        position += 1
        if len(words) != count:
            raise ValueError(f"{len(words)} words")
        return words

    def whole(word: bytes, least: int, most: int) -> int:
        if not re.fullmatch(rb"[0-9]{1,20}", word) or not least <= int(word) <= most:
            raise ValueError(word)
        return int(word)

    def coordinate(word: bytes) -> np.float32:
        with np.errstate(over="ignore"):
            number = np.float32(float(word))
        if b"_" in word or not np.isfinite(number):
            raise ValueError(word)
        return number

    bodies = []
    frames = whole(take(1)[0], 0, 10_000)
    for frame in range(frames):
        for _ in range(whole(take(1)[0], 0, 1_000)):
            body_id = whole(take(10)[0], 0, 2**64 - 1)
            whole(take(1)[0], 25, 25)
            bodies.append((frame, body_id, [[coordinate(word) for word in take(12)[:3]] for _ in range(25)]))
    if position != len(lines):
        raise ValueError("more lines")
    return frames, bodies


def check(path: pathlib.Path) -> bool:
    """Asserts that both readers find the same, or both that the file is broken; returns whether it is whole."""
    expected = None
    with contextlib.suppress(ValueError, IndexError):
        expected = read(path.read_bytes())
    try:
        found = ntu_skeleton.read_skeletons(path)
    except UserError as error:
        assert expected is None, f"{error}, but line by line it can be read"
        assert str(error).startswith(f"{path}:") and "\n" not in str(error)
        return False
    assert expected is not None, "line by line it is broken"
    frames, bodies = expected
    assert (found.frames, found.frame_K.tolist(), found.id_K) == (
        frames,
        [frame for frame, _, _ in bodies],
        tuple(body_id for _, body_id, _ in bodies),
    )
    expected_KxVxC = np.array([joints for _, _, joints in bodies], np.float32).reshape(-1, 25, 3)
    np.testing.assert_array_equal(found.joints_KxVxC, expected_KxVxC)
    return True


def damage(text: bytes, random: np.random.Generator) -> bytes:
    """The text with one to three things wrong, or only different."""
    for _ in range(random.integers(1, 4)):
        text = _damage_once(text, random)
    return text


def _damage_once(text: bytes, random: np.random.Generator) -> bytes:
    start, stop = sorted(random.integers(0, len(text) + 1, 2).tolist())
    hostile = HOSTILE[random.integers(len(HOSTILE))]
    words = list(re.finditer(rb"[^ \t\r\n]+", text)) or [re.match(b"", text)]
    # The first of all words and those alone on their lines are counts: damage them more often than their share.
    counts = list(re.finditer(rb"(?m)^[0-9]+\r?$", text)) or words
    kind = random.integers(9)
    if kind == 0:
        return text[:start]
    if kind == 1:
        return text[:start] + bytes([random.integers(256)]) + text[start + 1 :]
    if kind == 2:
        return text[:start] + text[min(stop, start + int(random.integers(1, 300))) :]
    if kind == 3:
        return text[:start] + text[start : start + int(random.integers(1, 300))] + text[start:]
    if kind == 4:
        return text[:start] + hostile + text[start:]
    if kind == 5:
        lines = text.split(b"\n")
        line = int(random.integers(len(lines)))
        return b"\n".join(lines[:line] + [lines[line]] * int(random.integers(0, 3)) + lines[line + 1 :])
    word = (counts if kind == 6 else words)[random.integers(len(counts if kind == 6 else words))]
    assert word is not None
    if kind == 8:
        hostile = b"%.*f" % (int(random.integers(0, 18)), random.normal(scale=10.0 ** random.integers(-6, 12)))
    return text[: word.start()] + hostile + text[word.end() :]
