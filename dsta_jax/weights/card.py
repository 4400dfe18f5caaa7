"""The card of a model on the Hugging Face hub: what it recognises, in which units, how well, and how it is used."""

import json
import pathlib
from typing import Any

from dsta_jax import evaluate, scores
from dsta_jax.datasets.layouts import Point, Reference
from dsta_jax.weights.trained import Trained

_TAGS = ("skeleton-based-action-recognition", "action-recognition", "gesture-recognition", "dsta-net", "jax", "flax")

_UNITS = {"xyz": "x, y, z", "xy": "x, y", "xyzc": "x, y, z, confidence", "xyc": "x, y, confidence"}

_METHOD = (
    "The method is that of Shi, Zhang, Cheng, Lu: *Decoupled Spatial-Temporal Attention Network for Skeleton-Based "
    "Action-Gesture Recognition*, ACCV 2020."
)


def text(found: Trained, name: str, fold: int | str | None) -> str:
    """The card in Markdown, with the metadata that the hub reads at its head.

    Accuracies are those of the run's evaluations, if there are any.
    """
    results = _results(found.place)
    of_weights = _head(found, name, results), _what(found, fold), _input(found), _accuracy(results)
    return "\n\n".join([*of_weights, _use(name), _METHOD]) + "\n"


def _results(place: pathlib.Path) -> list[dict[str, Any]]:
    """The run's own results and those of other recordings, which have accuracies of one test part."""
    directories = (place, *sorted(place.glob("evaluations/*")))
    return [found for found in map(evaluate.read_results, directories) if "accuracy" in found]


def _head(found: Trained, name: str, results: list[dict[str, Any]]) -> str:
    """The metadata: JSON's words, lists and texts are YAML's."""
    lines = ["---", "license: unknown  # say under which licence you give it away", "library_name: dsta_jax"]
    lines += [f"tags: {json.dumps(_TAGS)}", f"datasets: {json.dumps([found.benchmark.source.name])}"]
    if results:
        lines.append(f"model-index: {json.dumps([{'name': name, 'results': [_indexed(one) for one in results]}])}")
    return "\n".join([*lines, "---"])


def _indexed(results: dict[str, Any]) -> dict[str, Any]:
    top1 = {network: part["top1"] for network, part in results["accuracy"].items()}
    metrics = [{"type": "accuracy", "name": f"top-1, {network}", "value": value} for network, value in top1.items()]
    benchmark = results["benchmark"]
    task = {"type": "skeleton-based-action-recognition"}
    return {"task": task, "dataset": {"type": benchmark, "name": benchmark}, "metrics": metrics}


def _what(found: Trained, fold: int | str | None) -> str:
    benchmark = found.benchmark
    of_fold = "" if fold is None else f" The {benchmark.left_out} that was left out of training: {fold}."
    return (
        f"# {benchmark.name}\n\nDSTA-Net for skeletons of {benchmark.source.name}: a network for each of "
        f"{_listed(found.config.streams)}, whose scores are averaged.{of_fold}\n\n"
        f"**{len(benchmark.class_names)} classes**: {_listed(benchmark.class_names)}."
    )


def _input(found: Trained) -> str:
    source = found.benchmark.source
    joints, bodies, _ = source.frame_shape
    return (
        f"**Input**: frames x {joints} joints x ({_UNITS[source.channels]})"
        f"{f', of up to {bodies} bodies' if bodies > 1 else ''}; as many frames as there are, which are brought to "
        f"{found.config.data.frames}. Coordinates may be in any unit: {_normalized(source.normalized_by)}.\n\n"
        f"**Joints**, in this order: {_listed(source.layout.joints)}."
    )


def _normalized(reference: Reference) -> str:
    """How recordings are normalised, in words."""
    done = [f"{_point(reference.center)} becomes the origin"] if reference.center else []
    if reference.scale:
        done.append(f"the distance of {_between(reference.scale)} becomes the unit")
    done += [f"the direction of {_between(line)} is turned" for line in (reference.up, reference.side) if line]
    return "the recogniser normalises them" + (f" ({', '.join(done)})" if done else "")


def _between(line: tuple[Point, Point]) -> str:
    return " and ".join(map(_point, line))


def _point(point: Point) -> str:
    return point[0] if len(point) == 1 else f"the middle of {', '.join(point)}"


def _accuracy(results: list[dict[str, Any]]) -> str:
    if not results:
        return "**Accuracy**: not evaluated."
    tables = (
        f"**Accuracy** in % on {one['samples']} test recordings of {one['benchmark']}:\n\n```\n"
        f"{scores.table(one['accuracy'])}\n```"
        for one in results
    )
    return "\n\n".join(tables)


def _use(name: str) -> str:
    return (
        "## How to use\n\n```\npip install 'dsta_jax[safetensors]' huggingface_hub\n```\n\n```python\n"
        "import dsta_jax\nfrom huggingface_hub import snapshot_download\n\n"
        f'recognizer = dsta_jax.load(snapshot_download("OWNER/{name}"))\n'
        "answer = recognizer(frames)  # a numpy array of raw joints; NaN is a joint that was not seen\n"
        "print(answer.label, answer.probability, answer.top(5))\n```"
    )


def _listed(names: Any) -> str:
    return ", ".join(names)
