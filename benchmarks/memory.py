"""Peak memory of one side, in a process of its own: `python -m benchmarks.memory SPEC`, SPEC as JSON.

On a GPU it is what the framework's allocator says: PyTorch's of the steps after the first, JAX's of the whole process
(it cannot be set back). On a CPU it is the largest resident set of the process during three steps after the first,
libraries included; `before` is what they take alone.
"""

import importlib
import json
import sys
from typing import Any

from benchmarks import resident
from benchmarks.sides import Spec


def measure(spec: Spec) -> dict[str, Any]:
    """Bytes at the peak, and bytes before the side was built where that is known; and whose memory it is."""
    allocator: Any = importlib.import_module("benchmarks.ours" if spec.framework == "jax" else "benchmarks.torch_sides")
    before = resident.now_bytes()
    side = spec.build()
    side.start()
    side.wait()
    if spec.framework == "torch":
        allocator.forget_peak()
    resident.forget_peak()
    for _ in range(3):
        side.start()
    side.wait()
    on_device = allocator.peak_bytes()
    if on_device is not None:
        return {"peak_bytes": on_device, "memory_of": "device"}
    return {"peak_bytes": resident.peak_bytes(), "before_bytes": before, "memory_of": "process"}


if __name__ == "__main__":
    print(json.dumps(measure(Spec.from_json(sys.argv[1]))))
