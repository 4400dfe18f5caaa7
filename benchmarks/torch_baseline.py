"""DSTA-Net as PyTorch users would write it: the baseline that the library is measured against.

The same mathematics as `dsta_jax.models`, number by number (tests/benchmarks/test_torch_baseline.py), in PyTorch's own
layout: N x C x T x V features, 1x1 convolutions, BatchNorm2d, einsum for attention. The names of parameters are those
of the published state dictionaries, which load.
"""

import dataclasses
import math
from typing import Any, Literal

import torch
from torch import nn

from dsta_jax.models.position import sinusoid_PxC


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the network is: the fields of `dsta_jax.models.dsta.DSTANet` of the same names, and the input's shape.

    Attributes:
      frames: T of the input, for the tables of positions and the temporal map.
      joints: V of the input.
    """

    classes: int
    bodies: int
    frames: int
    joints: int
    coordinates: int = 3
    input_channels: int = 64
    channels: tuple[int, ...] = (64, 64, 128, 128, 256, 256, 256, 256)
    embedding: tuple[int, ...] = (16, 16, 32, 32, 64, 64, 64, 64)
    strides: tuple[int, ...] = (1, 1, 2, 1, 2, 1, 1, 1)
    heads: int = 3
    regularization: Literal["none", "spatial", "spatial_temporal"] = "spatial"
    temporal: Literal["attention", "conv"] = "attention"


def _leaky_relu(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.leaky_relu(x, 0.1)


def _conv_norm(inputs: int, outputs: int, stride: int = 1, kernel: int = 1) -> nn.Sequential:
    """A convolution over time (of one frame: a linear map over channels), then BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, (kernel, 1), stride=(stride, 1), padding=(kernel // 2, 0))
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class _Axis(nn.Module):
    """Tables of the sine and cosine of positions, 1 x C x T x 1 or 1 x C x 1 x V; not part of the state."""

    def __init__(self, positions: int, channels: int, temporal: bool):
        super().__init__()
        table_CxP = torch.from_numpy(sinusoid_PxC(positions, channels)).float().T
        table = table_CxP[None, :, :, None] if temporal else table_CxP[None, :, None, :]
        self.register_buffer("table", table, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table


class Layer(nn.Module):
    """A spatial and a temporal module; the parameters of the one end in `s`, of the other in `t`."""

    def __init__(self, settings: Settings, inputs: int, outputs: int, embedding: int, stride: int, frames: int):
        """A layer from so many channels to so many others, with T = frames at its input."""
        super().__init__()
        self.heads, self.embedding, self.conv = settings.heads, embedding, settings.temporal == "conv"
        project = inputs != outputs or stride != 1
        spatial_map = settings.regularization != "none"
        self._add("s", inputs, outputs, project, 1, settings.joints if spatial_map else 0)
        self.positions_s = _Axis(settings.joints, inputs, temporal=False)
        if self.conv:
            self.out_nett = _conv_norm(outputs, outputs, stride, kernel=7)
            self.downt2 = _conv_norm(outputs, outputs, stride) if project else nn.Identity()
            return
        temporal_map = settings.regularization == "spatial_temporal"
        self._add("t", outputs, outputs, project, stride, frames if temporal_map else 0)
        self.positions_t = _Axis(frames, outputs, temporal=True)

    def _add(self, axis: str, inputs: int, outputs: int, project: bool, stride: int, map_size: int) -> None:
        """The parts of an attention module; a global map of map_size x map_size, none for 0."""
        parts: dict[str, nn.Module] = {
            f"in_net{axis}": nn.Conv2d(inputs, 2 * self.heads * self.embedding, 1),
            f"out_net{axis}": _conv_norm(self.heads * inputs, outputs),
            f"ff_net{axis}": _conv_norm(outputs, outputs, stride),
            f"down{axis}1": _conv_norm(inputs, outputs) if project else nn.Identity(),
            f"down{axis}2": _conv_norm(inputs, outputs, stride) if project else nn.Identity(),
        }
        for name, part in parts.items():
            self.add_module(name, part)
        self.register_parameter(f"alpha{axis}", nn.Parameter(torch.ones(1, self.heads, 1, 1)))
        if map_size:
            start = torch.full((map_size, map_size), 1 / map_size) if axis == "s" else torch.eye(map_size)
            self.register_parameter(f"attention0{axis}", nn.Parameter(start.expand(1, self.heads, -1, -1).clone()))

    def forward(self, x_NxCxTxV: torch.Tensor) -> torch.Tensor:
        """N x C_in x T x V to N x C_out x ceil(T / stride) x V."""
        x = self._spatial(x_NxCxTxV)
        if self.conv:
            return _leaky_relu(self.downt2(x) + self.out_nett(x))
        return self._temporal(x)

    def _queries_keys(self, projected: torch.Tensor) -> tuple[torch.Tensor, ...]:
        n, _, frames, joints = projected.shape
        return projected.view(n, 2 * self.heads, self.embedding, frames, joints).chunk(2, dim=1)

    def _spatial(self, x: torch.Tensor) -> torch.Tensor:
        n, channels, frames, joints = x.shape
        query, key = self._queries_keys(self.in_nets(self.positions_s(x)))
        scores = torch.einsum("nsctu,nsctv->nsuv", query, key) / (self.embedding * frames)
        attention = torch.tanh(scores) * self.alphas
        if hasattr(self, "attention0s"):
            attention = attention + self.attention0s
        y = torch.einsum("nctu,nsuv->nsctv", x, attention).reshape(n, self.heads * channels, frames, joints)
        y = _leaky_relu(self.downs1(x) + self.out_nets(y))
        return _leaky_relu(self.downs2(x) + self.ff_nets(y))

    def _temporal(self, x: torch.Tensor) -> torch.Tensor:
        n, channels, frames, joints = x.shape
        query, key = self._queries_keys(self.in_nett(self.positions_t(x)))
        scores = torch.einsum("nsctv,nscqv->nstq", query, key) / (self.embedding * joints)
        attention = torch.tanh(scores) * self.alphat
        if hasattr(self, "attention0t"):
            attention = attention + self.attention0t
        y = torch.einsum("nctv,nstq->nscqv", x, attention).reshape(n, self.heads * channels, frames, joints)
        y = _leaky_relu(self.downt1(x) + self.out_nett(y))
        return _leaky_relu(self.downt2(x) + self.ff_nett(y))


class DSTANet(nn.Module):
    """The network: input map, layers, mean over bodies, frames and joints, classifier."""

    def __init__(self, settings: Settings):
        """A network with fresh parameters."""
        super().__init__()
        self.input_map = nn.Sequential(*_conv_norm(settings.coordinates, settings.input_channels), nn.LeakyReLU(0.1))
        layers, inputs, frames = [], settings.input_channels, settings.frames
        for outputs, embedding, stride in zip(settings.channels, settings.embedding, settings.strides, strict=True):
            layers.append(Layer(settings, inputs, outputs, embedding, stride, frames))
            inputs, frames = outputs, math.ceil(frames / stride)
        self.graph_layers = nn.ModuleList(layers)
        self.fc = nn.Linear(inputs, settings.classes)
        self.apply(_initialize)

    def forward(self, x_NxCxTxVxM: torch.Tensor) -> torch.Tensor:
        """N x C x T x V x M coordinates to N x K scores."""
        n, coordinates, frames, joints, bodies = x_NxCxTxVxM.shape
        x = x_NxCxTxVxM.permute(0, 4, 1, 2, 3).reshape(n * bodies, coordinates, frames, joints)
        x = self.input_map(x)
        for layer in self.graph_layers:
            x = layer(x)
        return self.fc(x.view(n, bodies, x.shape[1], -1).mean((1, 3)))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_normal_(module.weight)
        nn.init.zeros_(module.bias)


def settings_like(network: Any, frames: int, joints: int, coordinates: int = 3) -> Settings:
    """The settings of a `dsta_jax.models.dsta.DSTANet`, for an input of T frames and V joints.

    Raises:
      ValueError: when the network has a choice of the ablations that is not written here.
    """
    if (network.attention, network.position, network.activation) != ("shared", "decoupled", "tanh"):
        raise ValueError("the PyTorch baseline has the paper's attention only: shared, decoupled, tanh")
    names = {field.name for field in dataclasses.fields(Settings)} - {"frames", "joints", "coordinates"}
    same = {name: getattr(network, name) for name in names}
    return Settings(frames=frames, joints=joints, coordinates=coordinates, **same)
