"""Scores by sample name: their files, and what they are worth."""

import dataclasses
import pathlib
import re

import numpy as np

from dsta_jax.errors import UserError
from dsta_jax.files import check_archive, complete_file, readable, regular
from dsta_jax.storage import open_whole


@dataclasses.dataclass(frozen=True)
class Scores:
    """What one network, such as a stream's, said of S samples of K classes."""

    name: str
    sample_S: np.ndarray
    label_S: np.ndarray
    score_SxK: np.ndarray
    class_names: tuple[str, ...]

    def right_S(self, k: int) -> np.ndarray:
        """S booleans: whether the sample's class is among the k best scored.

        A tie counts against the sample's class, and so does a score that is not finite.
        """
        own_Sx1 = np.take_along_axis(self.score_SxK, self.label_S[:, None], axis=1)
        better_S = (~(self.score_SxK < own_Sx1)).sum(axis=1) - 1  # NaN is not below anything.
        return np.asarray((better_S < k) & np.isfinite(own_Sx1[:, 0]))

    def top(self, k: int) -> float:
        """Part of the samples whose class is among the k best scored; see `right_S`."""
        return float(self.right_S(k).mean())

    def mean_class(self) -> float:
        """Mean over the classes (that have samples) of the part of their samples that is answered right."""
        right_S = self.right_S(1)
        return float(np.mean([right_S[self.label_S == label].mean() for label in np.unique(self.label_S)]))

    def metrics(self) -> dict[str, float]:
        """Top-1, top-5 and mean-class accuracy, 0 to 1; of five classes or fewer, the best five are all there are."""
        five = {"top5": self.top(5)} if len(self.class_names) > 5 else {}
        return {"top1": self.top(1), **five, "mean_class": self.mean_class()}

    def confusion_KxK(self) -> np.ndarray:
        """How many samples of each class (row) were taken for each class (column)."""
        score_SxK = self.score_SxK.astype(np.float64)
        wrong = np.flatnonzero(~self.right_S(1))
        score_SxK[wrong, self.label_S[wrong]] = -np.inf  # of a tie the other class
        count_KxK = np.zeros((len(self.class_names),) * 2, np.int64)
        np.add.at(count_KxK, (self.label_S, score_SxK.argmax(1)), 1)
        return count_KxK

    def costliest_confusion(self) -> str:
        """The class most often taken for another, in words."""
        count_KxK = self.confusion_KxK()
        wrong_KxK = count_KxK - np.diag(count_KxK.diagonal())
        if not wrong_KxK.any():
            return "no sample is taken for another class"
        true, taken = np.unravel_index(wrong_KxK.argmax(), wrong_KxK.shape)
        times = f"{wrong_KxK[true, taken]} of {count_KxK[true].sum()} times"
        return f"'{self.class_names[true]}' is taken for '{self.class_names[taken]}' {times}"


def save(scores: Scores, path: pathlib.Path) -> None:
    """Writes a score file: an npz with `samples`, `labels`, `scores` and `class_names`."""
    samples, class_names = scores.sample_S.astype(np.str_), np.array(scores.class_names, np.str_)
    with complete_file(path) as file:
        np.savez(file, samples=samples, labels=scores.label_S, scores=scores.score_SxK, class_names=class_names)


def load(path: pathlib.Path) -> Scores:
    """Reads a score file.

    Raises:
      UserError: when the file is not there or is not a score file.
    """
    if not path.exists():
        raise UserError(f"{path} is not there: evaluate the run first, with --mode=evaluate")
    with readable(path, "a score file", "evaluate the run again"), open_whole(regular(path)) as file:
        check_archive(file)  # Only then it is unpacked.
        file.seek(0)
        with np.load(file, allow_pickle=False) as held:
            samples, labels, scores, classes = (held[key] for key in ("samples", "labels", "scores", "class_names"))
        kinds = "".join(array.dtype.kind for array in (samples, labels, scores, classes))
        if not re.fullmatch("U[iu]fU", kinds) or scores.ndim != 2 or classes.shape != scores.shape[1:]:
            raise ValueError("its arrays are not of samples, labels, scores and class names")
        if samples.shape != scores.shape[:1] or labels.shape != samples.shape or not len(samples):
            raise ValueError(f"{samples.shape} samples, {labels.shape} labels and scores {scores.shape}")
        if labels.min() < 0 or labels.max() >= len(classes):
            raise ValueError(f"labels {labels.min()} to {labels.max()} of {len(classes)} classes")
        return Scores(path.stem, samples, labels, scores, tuple(classes.tolist()))


def table(rows: dict[str, dict[str, float]]) -> str:
    """Accuracies in per cent as a text table, a row a network."""
    width = max(map(len, rows))
    titles = {"top1": "top-1", "top5": "top-5", "mean_class": "mean class"}
    titles = {key: title for key, title in titles.items() if all(key in part for part in rows.values())}
    lines = [" ".join([f"{'':{width}} ", *(f"{title:>{max(7, len(title) + 1)}}" for title in titles.values())])]
    for name, part in rows.items():
        cells = [f"{100 * part[key]:{max(7, len(title) + 1)}.2f}" for key, title in titles.items()]
        lines.append(" ".join([f"{name:{width}} ", *cells]))
    return "\n".join(lines)
