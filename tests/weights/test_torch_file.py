"""PyTorch's files: plain, wrapped, from a training, and such as could run anything."""

import argparse
import collections
import pickle

import numpy as np
import pytest

from dsta_jax.errors import UserError
from dsta_jax.weights import torch_file

torch = pytest.importorskip("torch", reason="needs PyTorch: launch/requirements/torch.txt")


def saved(tmp_path, content, zipped=True):
    path = tmp_path / "weights.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def state():
    return collections.OrderedDict([("a.weight", torch.arange(6.0).reshape(2, 3)), ("count", torch.tensor(3))])


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
@pytest.mark.parametrize("names", [(), ("state_dict",), ("model_state_dict",), ("net",), ("model", "state_dict")])
def test_a_state_dictionary_is_found(tmp_path, names, zipped):
    content = state()
    for name in reversed(names):
        content = {"epoch": 3, "optimizer": {"lr": 0.1}, name: content}
    found = torch_file.read(saved(tmp_path, content, zipped))
    np.testing.assert_array_equal(found["a.weight"], [[0, 1, 2], [3, 4, 5]])
    assert found["a.weight"].dtype == np.float32 and list(found) == ["a.weight", "count"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions_become_float32(tmp_path, dtype):
    found = torch_file.read(saved(tmp_path, {"a": torch.ones(2, dtype=getattr(torch, dtype))}))
    assert found["a"].dtype == np.float32


def test_written_and_read_again(tmp_path):
    path, value = tmp_path / "new" / "a.pt", np.float32([[1, 2], [3, np.pi]])
    path.parent.mkdir()
    torch_file.write({"a": value, "turned": value.T}, path)
    found = torch_file.read(path)
    np.testing.assert_array_equal(found["a"], value)
    np.testing.assert_array_equal(found["turned"], value.T)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (argparse.Namespace(rate=0.1), "argparse.Namespace"),
        (np.float64(0.97), "numpy._core.multiarray.scalar"),
        (print, "print"),
        (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
    ],
    ids=["namespace", "numpy", "function", "network"],
)
def test_classes_are_refused_and_named(tmp_path, extra, name, zipped):
    path = saved(tmp_path, {"state_dict": state(), "best": extra}, zipped)
    with pytest.raises(UserError) as error:
        torch_file.read(path)
    said = str(error.value)
    assert name in said and "\n" not in said and said.startswith(f"{path}: needs ")
    assert "torch.save(model.state_dict(), 'plain.pt')" in said
    assert said.index("weights_only=False") < said.index("only if you made it, or trust whoever did")


def test_nothing_is_run(tmp_path):
    class Runs:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    with pytest.raises(UserError, match="exec"):
        torch_file.read(saved(tmp_path, {"state_dict": state(), "x": Runs()}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"epoch": 3, "best": 0.9}, "found a dictionary of 'epoch', 'best'; expected tensors by name"),
        ({}, "found an empty dictionary"),
        ([torch.ones(1)], "found a value of type list"),
        ({"state_dict": {"a": 3}}, "found a dictionary of 'state_dict'"),
    ],
)
def test_no_state_dictionary(tmp_path, content, found):
    with pytest.raises(UserError, match=f"no state dictionary in it: {found}"):
        torch_file.read(saved(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"hello there", b"PK\x03\x04aaaa", pickle.dumps([1, 2])], ids=range(4))
def test_what_is_no_file_of_weights(tmp_path, content):
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"weights.pt: (not readable as a PyTorch file|no state dictionary)"):
        torch_file.read(tmp_path / "weights.pt")


def test_a_file_that_claims_more_numbers_than_it_holds(tmp_path):
    path = saved(tmp_path, {"a": torch.zeros(1).expand(1 << 40)})
    with pytest.raises(UserError, match="a is of 1099511627776 numbers, of which the file holds 1"):
        torch_file.read(path)


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match="weights.pt: no such file"):
        torch_file.read(tmp_path / "weights.pt")
