"""Peak memory of one side, in a process of its own: `python -m benchmarks.memory SPEC`, SPEC as JSON.

On a GPU it is what the framework's allocator says: PyTorch's of the steps after the first, JAX's of the whole process
(it cannot be set back). On a CPU it is the largest resident set of the process during three steps after the first,
libraries included; `before` is what they take alone.
"""

import importlib
import json
import pathlib
import re
import sys
from typing import Any

from benchmarks.sides import Spec


def measure(spec: Spec) -> dict[str, Any]:
    """Bytes at the peak, and bytes before the side was built where that is known; and whose memory it is."""
    allocator: Any = importlib.import_module("benchmarks.ours" if spec.framework == "jax" else "benchmarks.torch_sides")
    before = _resident("VmRSS")
    side = spec.build()
    side.start()
    side.wait()
    if spec.framework == "torch":
        allocator.forget_peak()
    _forget_resident_peak()
    for _ in range(3):
        side.start()
    side.wait()
    on_device = allocator.peak_bytes()
    if on_device is not None:
        return {"peak_bytes": on_device, "memory_of": "device"}
    return {"peak_bytes": _resident("VmHWM"), "before_bytes": before, "memory_of": "process"}


def _resident(field: str) -> int:
    """Bytes of a line such as `VmHWM:    81420 kB`."""
    status = pathlib.Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def _forget_resident_peak() -> None:
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("the peak includes compilation: /proc/self/clear_refs cannot be written", file=sys.stderr)


if __name__ == "__main__":
    print(json.dumps(measure(Spec.from_json(sys.argv[1]))))
