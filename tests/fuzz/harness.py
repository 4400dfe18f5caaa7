"""What the fuzzers share: ways to damage bytes, engines that do it many times, limits of time and memory."""

import argparse
import contextlib
import pathlib
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

Check = Callable[[bytes], bool]  # Whether an input is a whole one; any exception is a finding.

SECONDS = 5  # of processor time that an input may take
_MEMORY = 2 << 30  # bytes of address space more than at the start


class Hang(BaseException):
    """An input takes longer than it may."""


def damage(data: bytes, hostile: Sequence[bytes], others: Sequence[bytes], dice: random.Random) -> bytes:
    """The data with one to four things changed.

    Args:
      data: what is damaged.
      hostile: pieces that readers may stumble over.
      others: whole inputs, of which pieces are taken.
      dice: what is random.
    """
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        place = dice.randrange(len(data) + 1)
        end = min(len(data), place + dice.choice((1, 1, 2, 4, 8, 40, 300)))
        other = dice.choice(others)
        start = dice.randrange(len(other) + 1)
        piece = dice.choice(
            (
                b"",
                bytes([dice.randrange(256)]),
                dice.choice(hostile),
                data[place:end] * dice.choice((2, 3, 50)),
                other[start : start + dice.choice((1, 4, 40, 400))],
                dice.randbytes(dice.randint(1, 9)),
            )
        )
        keep = dice.random() < 0.5  # Insert, or replace.
        data = data[:place] + piece + data[place if keep else end :]
        if dice.random() < 0.05:
            data = data[:place]
    return data


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises Hang when the block takes longer, in processor time."""

    def stop(*_: object) -> None:
        raise Hang

    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1)  # And again, should the first be lost in a destructor.
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def run_random(check: Check, inputs: Sequence[bytes], hostile: Sequence[bytes], count: int, seed: int) -> int:
    """Checks `count` damaged inputs, the same for the same seed; returns how many of them were whole."""
    dice = random.Random(seed)
    whole = 0
    for number in range(count):
        data = damage(dice.choice(inputs), hostile, inputs, dice)
        with _reported(data, number), time_limit(SECONDS):
            whole += check(data)
    return whole


def run_hypothesis(check: Check, inputs: Sequence[bytes], hostile: Sequence[bytes], count: int, seed: int) -> int:
    """The same with inputs that Hypothesis chooses, and makes smaller when it finds something."""
    import hypothesis
    from hypothesis import strategies as st

    whole = 0
    edit = st.tuples(st.floats(0, 1), st.integers(0, 300), st.one_of(st.sampled_from(hostile), st.binary(max_size=9)))

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(st.sampled_from(inputs), st.lists(edit, max_size=6))
    def run(data: bytes, edits: list[tuple[float, int, bytes]]) -> None:
        nonlocal whole
        for place, length, piece in edits:
            start = int(place * len(data))
            data = data[:start] + piece + data[start + length :]
        with time_limit(SECONDS):
            whole += check(data)

    run()
    return whole


def run_atheris(check: Check, inputs: Sequence[bytes], hostile: Sequence[bytes], count: int, seed: int) -> None:
    """The same with inputs that atheris finds by the code that they reach. Ends the program."""
    import atheris

    def limited(data: bytes) -> None:
        with time_limit(SECONDS):
            check(data)

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(inputs):
            (pathlib.Path(corpus) / str(number)).write_bytes(data)
        words = pathlib.Path(corpus) / "words"
        words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in hostile if word))
        options = [f"-runs={count}", f"-seed={seed % (1 << 31) or 1}", f"-dict={words}", "-rss_limit_mb=3000"]
        atheris.Setup([sys.argv[0], *options, "-max_len=8192", corpus], limited)
        atheris.Fuzz()


@contextlib.contextmanager
def _reported(data: bytes, number: int) -> Iterator[None]:
    """Keeps an input that finds something."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            with tempfile.NamedTemporaryFile(prefix="fuzz_", suffix=".bin", delete=False) as file:
                file.write(data)
            print(f"input {number}: {type(error).__name__}, kept as {file.name}", file=sys.stderr)
        raise


_ENGINES = {"random": run_random, "hypothesis": run_hypothesis, "atheris": run_atheris}


def main(description: str | None, check: Check, inputs: Sequence[bytes], hostile: Sequence[bytes]) -> None:
    """A fuzzer's command line; ends with an error at the first finding."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="inputs to try")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other inputs")
    parser.add_argument("--engine", choices=_ENGINES, default="random", help="what chooses the inputs")
    options = parser.parse_args()
    if options.engine != "atheris":  # It has a limit of its own.
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, resource.RLIM_INFINITY))
    started = time.monotonic()
    whole = _ENGINES[options.engine](check, inputs, hostile, options.count, options.seed)
    seconds = time.monotonic() - started
    print(f"{options.count} inputs in {seconds:.0f} s, {whole} of them whole: nothing found")
