"""The resident set of this process, as Linux has it: unlike `getrusage`, it does not begin with its parent's peak."""

import pathlib
import re
import sys


def now_bytes() -> int:
    """The resident set at present; 0 on other systems."""
    return _status("VmRSS")


def peak_bytes() -> int:
    """The largest one yet, or since `forget_peak`; 0 on other systems."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Counts the peak from now on; a line says so where that cannot be."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("the peak includes all that was before: /proc/self/clear_refs cannot be written", file=sys.stderr)


def _status(field: str) -> int:
    """Bytes of a line such as `VmHWM:    81420 kB`."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
