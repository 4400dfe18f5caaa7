"""What the report says, section by section; where something is missing, a line says what and why."""

import functools
import html
import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dsta_jax import evaluate, parallel, processes, workdir
from dsta_jax.data.dataset import DataSet
from dsta_jax.errors import UserError
from dsta_jax.members import Members
from dsta_jax.report import attention, bootstrap, calibration, confusions, figures, page, skeletons
from dsta_jax.report.attention import Attended
from dsta_jax.report.gather import Evaluated
from dsta_jax.report.page import Section

_TITLES = {
    "spatial_temporal": "joints",
    "spatial": "bones",
    "slow_temporal": "slow motion",
    "fast_temporal": "fast motion",
    "fused": "fused",
}
_PAIRS = 6  # of confusions with skeletons
_LISTED = 20  # confusions in the table
_HEADS = 6  # of a layer whose maps are drawn
_NO_MATPLOTLIB = (
    "Left out, as matplotlib is not installed: {}. With pip install 'dsta_jax[draw]' and another evaluation they are "
    "here."
)


class Report(NamedTuple):
    """What the sections are made from.

    Attributes:
      found: the evaluation.
      data: the recordings that were evaluated, or more; None where they are not there.
      no_data: why not.
    """

    found: Evaluated
    data: DataSet | None
    no_data: str

    def title(self, stream: str) -> str:
        """A stream's name in words."""
        return _TITLES.get(stream, stream)


def sections(report: Report) -> list[Section]:
    """All sections, in their order."""
    return [
        Section("accuracy", "Accuracy", _accuracy(report)),
        Section("training", "Training", _training(report)),
        Section("confusions", "Confusions", _confusions(report)),
        Section("classes", "Classes", _classes(report)),
        Section("reliability", "Reliability", _reliability(report)),
        Section("attention", "Attention", _attention(report)),
        Section("run", "Run", _run(report)),
    ]


def heading(report: Report) -> tuple[str, str]:
    """The page's title, and the line below it."""
    results, whole = report.found.results, report.found.whole
    top1 = f"{100 * whole.top(1):.1f}% of {len(whole.label_S)} recordings right"
    by = "all streams fused" if whole.name == "fused" else f"by {report.title(whole.name)} alone"
    folds = f", {len(results['folds'])} folds together" if "folds" in results else ""
    return f"{results['benchmark']}: {top1}", f"{by}{folds}; {len(whole.class_names)} classes; run {report.found.run}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _accuracy(report: Report) -> str:
    parts = report.found.parts
    five = len(report.found.whole.class_names) > 5
    heads = ["", "top-1, %", "", *(["top-5, %"] if five else []), "mean class, %", "calibration error, %"]
    rows = []
    for name, part in parts.items():
        metrics, between = part.metrics(), bootstrap.intervals(part)
        cells = {
            key: f"{_percent(metrics[key])} <small>{_percent(low)} to {_percent(high)}</small>"
            for key, (low, high) in between.items()
            if key in metrics
        }
        row = [page.text(report.title(name)), cells["top1"], page.interval(metrics["top1"], *between["top1"])]
        error = _percent(calibration.calibrate(part).error)
        rows.append([*row, *([cells["top5"]] if five else []), cells["mean_class"], error])
    said = (
        f"Behind each figure, its {bootstrap.LEVEL:.0%} bootstrap interval: what it could as well have been with other "
        f"test recordings of the same kind. It says nothing about other people, or about another training."
    )
    content = page.table(heads, rows, list(parts)) + page.paragraph(said, "soft")
    return content + (_folds(report) if "folds" in report.found.results else "")


def _folds(report: Report) -> str:
    results = report.found.results
    streams = list(results["mean"])
    rows = [[page.text(fold), *(_percent(one[name]) for name in streams)] for fold, one in results["folds"].items()]
    rows += [[key, *(_percent(results[key][name]) for name in streams)] for key in ("mean", "deviation")]
    kinds = ["" for _ in results["folds"]] + ["fused", ""]
    heads = [results["left_out"], *(f"{report.title(name)}, %" for name in streams)]
    heading = f"<h3>Top-1 by the {page.text(results['left_out'])} that was left out of training</h3>"
    return heading + page.table(heads, rows, kinds)


def _training(report: Report) -> str:
    curves = report.found.curves
    if not curves:
        return page.paragraph("Left out: metrics.jsonl of the training is not there, or has no line yet.", "note")
    colors, parts = figures.color_of(list(report.found.parts)), []
    said = {"loss": "Loss of the training batches", "accuracy": "Accuracy on the training batches"}
    for kind, caption in said.items():
        if kind == "accuracy" and any(name.startswith("validation/") for name in curves):
            caption += ", and on the recordings held out (dashed)"
        draw = functools.partial(figures.curves, curves, kind, _TITLES, colors)
        parts.append((draw, f"{caption}, by epoch.", caption))
    several = ", the mean over the folds" if "folds" in report.found.results else ""
    return page.paragraph(f"Means over the steps between two lines of metrics.jsonl{several}.", "soft") + _figures(
        "the training curves", parts
    )


def _figures(what: str, parts: Sequence[tuple[Callable[[], str], str, str]]) -> str:
    """Figures: how to draw each, a caption, and what is said to those who do not see it; or that they are left out."""
    try:
        return page.figures(page.figure(draw(), caption, label) for draw, caption, label in parts)
    except ImportError:
        return page.paragraph(_NO_MATPLOTLIB.format(what), "note")


def _confusions(report: Report) -> str:
    whole = report.found.whole
    count_KxK, worst = whole.confusion_KxK(), confusions.worst(whole, _LISTED)
    said = (
        "A row is a class, a column what it is taken for. Blue is right, orange wrong; the stronger, the larger a part."
    )
    content = [page.paragraph(said, "soft"), page.matrix(whole.class_names, count_KxK)]
    if not worst:
        return "".join([*content, page.paragraph("No recording is taken for another class.")])
    names = [page.text(name) for name in whole.class_names]
    rows = [
        [f"“{names[one.true]}” taken for “{names[one.taken]}”", str(one.times), f"{100 * one.times / one.samples:.1f}"]
        for one in worst
    ]
    listed = page.table(("the most frequent confusions", "times", "% of the class"), rows)
    return "".join([*content, page.folded("The most frequent confusions as a table", listed), _pairs(report)])


def _pairs(report: Report) -> str:
    """The worst confusions as skeletons."""
    heading = "<h3>The worst confusions</h3>"
    if report.data is None:
        return heading + page.paragraph(f"Skeletons are left out: {report.no_data}.", "note")
    whole, data, row_of = report.found.whole, report.data, _rows(report.data)
    names, probability_SxK = whole.class_names, calibration.probabilities(whole)

    def clip(sample: int, title: str) -> page.Clip:
        name = str(whole.sample_S[sample])
        return page.Clip(title, name, skeletons.clip(data, row_of[name]))

    parts = []
    for number, one in enumerate(confusions.worst(whole, _PAIRS)):
        sure = f"{probability_SxK[one.wrong, one.taken]:.0%}"
        clips = [clip(one.wrong, f"“{names[one.true]}”, taken for “{names[one.taken]}” (probability {sure})")]
        if one.like is not None:
            clips.append(clip(one.like, f"“{names[one.taken]}”"))
        caption = f"“{names[one.true]}” is taken for “{names[one.taken]}” {one.times} of {one.samples} times"
        parts.append(page.player(number, caption, clips))
    said = (
        "Left the recording for which a confusion is surest, right one of the class that it was taken for. The view "
        "follows the body; drag to turn it (or a, d, w, s). Space plays, the arrow keys go from frame to frame. A "
        "second body is dashed. Time is as at 30 frames a second."
    )
    drawing = page.data("drawing", skeletons.drawing(data.benchmark.source))
    return heading + page.paragraph(said, "soft") + drawing + page.figures(parts)


def _rows(data: DataSet) -> dict[str, int]:
    return {name: number for number, name in enumerate(data.name_N.tolist())}


def _classes(report: Report) -> str:
    parts, whole = report.found.parts, report.found.whole
    accuracy = {name: confusions.per_class(part) for name, part in parts.items()}
    samples_K = np.bincount(whole.label_S, minlength=len(whole.class_names))
    order = [k for k in np.argsort(accuracy[whole.name], kind="stable") if samples_K[k]]
    names = [whole.class_names[k] for k in order]
    ordered = {name: accuracy_K[order] for name, accuracy_K in accuracy.items()}
    said = "Accuracy of each class in each stream, least recognised first."
    drawn = [(functools.partial(figures.per_class, ordered, names, _TITLES), said, said)]
    if len(parts) > 1:
        first = next(iter(parts))
        said = (
            f"The same as differences: right of zero a class is recognised better than by {report.title(first)} alone."
        )
        drawn.append((functools.partial(figures.per_class, ordered, names, _TITLES, first), said, said))
    rows = [
        [page.text(name), str(samples_K[k]), *(f"{100 * accuracy_K[k]:.1f}" for accuracy_K in accuracy.values())]
        for k, name in zip(order, names, strict=True)
    ]
    heads = ("class", "recordings", *(f"{report.title(name)}, %" for name in parts))
    return _figures("accuracy by class", drawn) + page.folded("The numbers as a table", page.table(heads, rows))


def _reliability(report: Report) -> str:
    found = calibration.calibrate(report.found.whole)
    said = (
        "Answers by their probability: how many of those of one column are right. On the dashed line, answers are as "
        "sure as they are right; below it they are too sure."
    )
    label = f"Reliability diagram; the expected calibration error is {100 * found.error:.1f}%"
    return _figures("the reliability diagram", [(functools.partial(figures.reliability, found), said, label)])


def _attention(report: Report) -> str:
    if report.data is None:
        return page.paragraph(f"Left out: {report.no_data}.", "note")
    if processes.count() > 1:
        said = "Left out, as several processes evaluated: evaluate the run in one, with --processes=1, to have it."
        return page.paragraph(said, "note")
    whole = report.found.whole
    sample = confusions.typical(whole)
    name = str(whole.sample_S[sample])
    recording = report.data.select(np.array([_rows(report.data)[name]]))
    stream = report.found.config.streams[0]
    try:
        attended = _attend(report, recording)
    except UserError as error:
        return page.paragraph(f"Left out: {error}.", "note")
    said = (
        f"What the network of the stream “{report.title(stream)}” attends to in {name}, “"
        f"{whole.class_names[whole.label_S[sample]]}”, the recording that is recognised most surely. A map says how "
        f"much each joint or frame (row) enters each one of the result (column): orange adds, violet subtracts. On the "
        f"skeleton, the larger joints give more on average, and lines join the strongest pairs; frames that "
        f"give more are drawn stronger."
    )
    return page.paragraph(said, "soft") + _figures("the attention maps", list(_maps(report, attended)))


def _attend(report: Report, recording: DataSet) -> Attended:
    config, benchmark, run = report.found.config, report.found.benchmark, report.found.run
    if left_out := benchmark.left_out:
        run = workdir.of_fold(run, benchmark, recording.columns[left_out][0].item())
    members = Members(config, benchmark, ())
    model, _ = evaluate.restore(members, run, parallel.one_device_mesh())
    return attention.attend(members, model, config.streams[0], recording)


def _maps(report: Report, attended: Attended) -> Iterator[tuple[Callable[[], str], str, str]]:
    layout, pose_TxVxC = report.found.benchmark.source.layout, attended.pose_TxVxC
    for maps in attended.maps:
        for head, map_PxP in enumerate(maps.map_SxPxP[:_HEADS]):
            caption = f"Layer {maps.layer}, {maps.axis}, head {head + 1} of {len(maps.map_SxPxP)}"
            largest = f"the strongest weight is {map_PxP.flat[np.abs(map_PxP).argmax()]:.2g}"
            if maps.axis == "spatial":
                pose_VxC = pose_TxVxC[len(pose_TxVxC) // 2]
                given_V, names = np.abs(map_PxP).mean(1), layout.joints
                most = ", ".join(names[joint] for joint in np.argsort(-given_V, kind="stable")[:3])
                yield (
                    functools.partial(figures.spatial_head, map_PxP, pose_VxC, layout),
                    f"{caption}; {largest}. Most is given by {most}.",
                    caption,
                )
            else:
                draw = functools.partial(figures.temporal_head, map_PxP, pose_TxVxC, layout)
                yield draw, f"{caption}; {largest}.", caption


def _run(report: Report) -> str:
    found, results = report.found, report.found.results
    content, benchmark = found.content, found.benchmark
    step = f"step {results['step']}" if "step" in results else "of each fold"
    versions = dict(content["versions"])
    facts = {
        "run": str(found.run),
        "trained for": _duration(found.seconds),
        "checkpoint": f"{results['checkpoint']}, {step}",
        "benchmark": f"{results['benchmark']}, {len(benchmark.class_names)} classes",
        "data set": f"{benchmark.source.name}, {content['data']['recordings']} recordings in {found.config.data.dir}",
        "fingerprint": content["data"]["fingerprint"],
        "tested on": f"{len(found.whole.label_S)} recordings",
        "commit": versions.pop("commit", "not a checkout"),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    if found.of_other_recordings:
        facts["tested on"] += ", others than those that it was trained for"
    lines = "\n".join(evaluate.unfinished({"trained": 0, "steps": 0, **results}))
    said = page.paragraph(lines, "note") if lines else ""
    config = html.escape(json.dumps(content["config"], indent=2))
    return said + page.facts(facts) + page.folded("Configuration", f"<pre>{config}</pre>")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 2:
        return f"{hours:.1f} h"
    return f"{minutes:.1f} min" if minutes >= 2 else f"{seconds:.0f} s"
