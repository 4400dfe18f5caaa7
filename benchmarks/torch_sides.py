"""PyTorch's sides: the same network, the same optimiser, in the precisions that its users take.

Of the variants, `eager` is float32, on a GPU with TF32; `bf16` is autocast; `compile` is torch.compile and autocast;
`graphs` is compile in the mode `reduce-overhead`, which takes CUDA graphs.
"""

import contextlib
from typing import Any

import numpy as np
import torch

from benchmarks import floors, shapes, torch_baseline
from benchmarks.shapes import Case


class _Side:
    """What training and evaluation have in common."""

    def __init__(self, case: Case, variant: str):
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._members, self._variant = shapes.members_of(case), variant
        self._rows, *self._frame_shape = self._members.input_shape(case.batch).shape
        frames, joints, coordinates = self._frame_shape
        shape = (case.batch, coordinates, frames, joints, self._rows // case.batch)
        self.host_NxCxTxVxM = torch.from_numpy(np.random.default_rng(0).standard_normal(shape, np.float32))
        self.x_NxCxTxVxM = self.host_NxCxTxVxM.to(self.device)

    def network(self) -> tuple[torch.nn.Module, Any]:
        """A network, and what is called: itself, or compiled."""
        settings = torch_baseline.settings_like(self._members.network, *self._frame_shape)
        network = torch_baseline.DSTANet(settings).to(self.device)
        if self._variant in ("eager", "bf16"):
            return network, network
        return network, torch.compile(network, mode="reduce-overhead" if self._variant == "graphs" else None)

    def precision(self) -> contextlib.AbstractContextManager:
        """In which the network is called."""
        if self._variant == "eager":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def wait(self) -> None:
        """Waits for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


class Training(_Side):
    """Steps of training on one batch that lies on the device; the members are networks stepped one after the other.

    Attributes:
      flops: operations of a step; every body has its row.
    """

    def __init__(self, case: Case, variant: str):
        before = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
        super().__init__(case, variant)
        self._before = before
        train = self._members.config.train
        self._networks = [self.network() for _ in range(case.members)]
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
        self._label_N = torch.arange(case.batch, device=self.device) % self._members.network.classes
        frames, joints, _ = self._frame_shape
        self.flops = floors.step_flops(self._members.network, case.members * self._rows, frames, joints)

    def start(self) -> None:
        """A step of every member."""
        for (_, call), optimizer in zip(self._networks, self._optimizers, strict=True):
            optimizer.zero_grad(set_to_none=True)
            with self.precision():
                loss = torch.nn.functional.cross_entropy(call(self.x_NxCxTxVxM), self._label_N)
            loss.backward()
            optimizer.step()

    def planned_bytes(self) -> int | None:
        """Memory that tensors take on the GPU in a step, beyond what was there before; None without a GPU."""
        forget_peak()
        self.start()
        self.wait()
        peak = peak_bytes()
        return None if peak is None else peak - self._before


class Inference(_Side):
    """Scores of one batch: from the host's memory and back (latency), or of a batch that lies on the device."""

    def __init__(self, case: Case, variant: str, task: str):
        super().__init__(case, variant)
        network, self._call = self.network()
        network.eval()
        self._from_host = task == "latency"

    def start(self) -> None:
        """A batch."""
        with torch.inference_mode(), self.precision():
            scores = self._call(self.host_NxCxTxVxM.to(self.device) if self._from_host else self.x_NxCxTxVxM)
        if self._from_host:
            scores.float().cpu().numpy()


def forget_peak() -> None:
    """The peak of memory begins anew."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_bytes() -> int | None:
    """The most memory that tensors took on the GPU; None without one."""
    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else None
