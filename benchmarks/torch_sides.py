"""PyTorch's sides: the same network, the same optimiser, in the precisions that its users take."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import shapes, torch_baseline
from benchmarks.shapes import Case


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _fast_settings() -> None:
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True


# Of the variants, eager is float32, on a GPU with TF32; bf16 is autocast; compile is torch.compile and autocast; graphs
# is compile in the mode `reduce-overhead`, which takes CUDA graphs.


def _precision(variant: str) -> Callable[[], contextlib.AbstractContextManager]:
    if variant == "eager":
        return contextlib.nullcontext
    return lambda: torch.autocast(_device().type, dtype=torch.bfloat16)


def _network(case: Case, variant: str) -> tuple[torch.nn.Module, Any]:
    """The network, and what is called: itself, or compiled."""
    run = shapes.runs_of(case)[0]
    frames, joints, coordinates = run.input_shape(case.batch).shape[1:]
    network = torch_baseline.DSTANet(torch_baseline.settings_like(run.network, frames, joints, coordinates))
    network = network.to(_device())
    if variant in ("eager", "bf16"):
        return network, network
    return network, torch.compile(network, mode="reduce-overhead" if variant == "graphs" else None)


def _input_NxCxTxVxM(case: Case) -> np.ndarray:
    run = shapes.runs_of(case)[0]
    _, frames, joints, coordinates = run.input_shape(case.batch).shape
    shape = (case.batch, coordinates, frames, joints, run.benchmark.bodies)
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _synchronize() -> None:
    if _device().type == "cuda":
        torch.cuda.synchronize()


class Training:
    """Steps of training on one batch that lies on the device; the members are networks stepped one after the other."""

    def __init__(self, case: Case, variant: str):
        """Makes the networks and their optimisers."""
        _fast_settings()
        self._before = torch.cuda.memory_allocated() if _device().type == "cuda" else 0
        train = shapes.config_of(case).train
        self._precision = _precision(variant)
        self._networks = [_network(case, variant) for _ in range(case.members)]
        self._optimizers = [
            torch.optim.SGD(
                network.parameters(),
                lr=train.learning_rate / 100,
                momentum=train.momentum,
                nesterov=True,
                weight_decay=train.weight_decay,
            )
            for network, _ in self._networks
        ]
        self._x = torch.from_numpy(_input_NxCxTxVxM(case)).to(_device())
        classes = len(shapes.benchmark_of(case).class_names)
        self._label = torch.arange(case.batch, device=_device()) % classes

    def start(self) -> None:
        """A step of every member."""
        for (_, call), optimizer in zip(self._networks, self._optimizers, strict=True):
            optimizer.zero_grad(set_to_none=True)
            with self._precision():
                loss = torch.nn.functional.cross_entropy(call(self._x), self._label)
            loss.backward()
            optimizer.step()

    def wait(self) -> None:
        """Waits for the device."""
        _synchronize()

    def planned_bytes(self) -> int | None:
        """Memory that tensors take on the GPU in a step, beyond what was there before; None without a GPU."""
        forget_peak()
        self.start()
        self.wait()
        peak = peak_bytes()
        return None if peak is None else peak - self._before


class Inference:
    """Scores of one batch: from the host's memory and back (latency), or of a batch that lies on the device."""

    def __init__(self, case: Case, variant: str, from_host: bool):
        """Makes the network."""
        _fast_settings()
        network, self._call = _network(case, variant)
        network.eval()
        self._precision, self._from_host = _precision(variant), from_host
        self._host = torch.from_numpy(_input_NxCxTxVxM(case))
        self._x = self._host.to(_device())

    def start(self) -> None:
        """A batch."""
        with torch.inference_mode(), self._precision():
            scores = self._call(self._host.to(_device()) if self._from_host else self._x)
        if self._from_host:
            scores.float().cpu().numpy()

    def wait(self) -> None:
        """Waits for the device."""
        _synchronize()


def forget_peak() -> None:
    """The peak of memory begins anew."""
    if _device().type == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_bytes() -> int | None:
    """The most memory that tensors took on the GPU; None without one."""
    return int(torch.cuda.max_memory_allocated()) if _device().type == "cuda" else None
