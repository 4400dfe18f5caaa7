"""The pool of worker processes."""

import os
import signal

import pytest

from data_prep import pool
from dsta_jax.errors import UserError


def add(first: int, second: int) -> tuple[int, int]:
    return first + second, os.getpid()


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_call_is_made_once(workers):
    found = dict(pool.run(add, [(i, 10) for i in range(5)], workers))
    assert {index: total for index, (total, _) in found.items()} == {i: i + 10 for i in range(5)}
    processes = {process for _, process in found.values()}
    assert (os.getpid() in processes) == (workers == 1)


def test_no_calls():
    assert list(pool.run(add, [], 2)) == []


def test_a_killed_worker_is_a_user_error():
    with pytest.raises(UserError, match="a worker process was killed"):
        list(pool.run(die, [(1,), (2,)], 2))


def test_interrupts_are_heard_again():
    list(pool.run(add, [(1, 2), (3, 4)], 2))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_processors():
    assert 1 <= pool.processors() <= (os.cpu_count() or 1)
