"""Ctrl-C and requests to end, so that a training saves before it leaves."""

import signal
import sys
import threading
from typing import Any


class Interrupts:
    """Notes SIGINT and SIGTERM, so that the loop can save and leave; a second one ends the program at once."""

    def __init__(self) -> None:
        """Has seen none."""
        self.seen = False
        self._before: dict[int, Any] = {}

    def _note(self, number: int, frame: Any) -> None:
        del frame
        if self.seen:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.seen = True
        print("\nstopping after this step; once more ends at once, unsaved", file=sys.stderr)

    def __enter__(self) -> "Interrupts":
        """Listens from now on, in the main thread; elsewhere there are no signals."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        """Listens no more."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
