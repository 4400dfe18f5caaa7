"""The PyTorch baseline is the same network: the golden vectors, loaded by name."""

import importlib

import numpy as np
import pytest

from tests.models.test_golden import CHOICES, LAYERS

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch")
torch_baseline = importlib.import_module("benchmarks.torch_baseline")

# Tables and masks that the state dictionaries carry and the network computes itself.
TABLES = ("pes.pe", "pet.pe", "atts", "attt")


@pytest.fixture(params=sorted(LAYERS))
def loaded(request, load_golden):
    golden = dict(load_golden(request.param))
    _, coordinates, frames, joints, bodies = golden["input_NCTVM"].shape
    channels, embedding, strides = LAYERS[request.param]
    network = torch_baseline.DSTANet(
        torch_baseline.Settings(
            classes=golden["logits_eval"].shape[1],
            bodies=bodies,
            frames=frames,
            joints=joints,
            coordinates=coordinates,
            input_channels=16,
            channels=channels,
            embedding=embedding,
            strides=strides,
            **CHOICES.get(request.param, {}),
        )
    )
    state = {key.removeprefix("state/"): torch.from_numpy(golden[key]) for key in golden if key.startswith("state/")}
    network.load_state_dict({name: value for name, value in state.items() if not name.endswith(TABLES)})
    return golden, network


def test_evaluation(loaded):
    golden, network = loaded
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(golden["input_NCTVM"]))
    np.testing.assert_allclose(logits, golden["logits_eval"], atol=1e-5)


def test_a_training_step(loaded):
    golden, network = loaded
    logits = network.train()(torch.from_numpy(golden["input_NCTVM"]))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(golden["labels"]))
    loss.backward()
    np.testing.assert_allclose(logits.detach(), golden["logits_train"], atol=1e-5)
    np.testing.assert_allclose(loss.item(), golden["loss_train"], atol=1e-5)
    for name, parameter in network.named_parameters():
        expected = golden[f"grad/{name}"]
        tolerance = 5e-3 * max(1, np.abs(expected).max())
        np.testing.assert_allclose(parameter.grad, expected, atol=tolerance, err_msg=name)
    for name, buffer in network.named_buffers():
        if f"after/{name}" in golden:
            np.testing.assert_allclose(buffer, golden[f"after/{name}"], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [
        ({"classes": 14, "bodies": 1, "joints": 22}, 3_436_958),
        ({"classes": 60, "bodies": 2, "joints": 25}, 3_452_164),
        ({"classes": 60, "bodies": 2, "joints": 25, "temporal": "conv"}, 3_817_388),
    ],
)
def test_number_of_parameters(sizes, parameters):
    network = torch_baseline.DSTANet(torch_baseline.Settings(frames=128, **sizes))
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
