"""Which classes are taken for which others most often, with an example of each."""

from typing import NamedTuple

import numpy as np

from dsta_jax.report import calibration
from dsta_jax.scores import Scores


class Confusion(NamedTuple):
    """A class that is taken for another one.

    Attributes:
      true: the class.
      taken: what it is taken for.
      times: how often.
      samples: how many samples the class has.
      wrong: the sample for which this is surest.
      like: a sample of the class `taken`, the surest that is right if any is; None where the class has none.
    """

    true: int
    taken: int
    times: int
    samples: int
    wrong: int
    like: int | None


def worst(scores: Scores, most: int) -> list[Confusion]:
    """The most frequent confusions, up to so many; of equally frequent ones first that of the smaller class."""
    count_KxK, probability_SxK = scores.confusion_KxK(), calibration.probabilities(scores)
    right_S, answer_S = scores.right_S(1), answers(scores)
    samples_K = count_KxK.sum(1)
    wrong_KxK = count_KxK - np.diag(count_KxK.diagonal())
    pairs = sorted(np.argwhere(wrong_KxK).tolist(), key=lambda pair: (-wrong_KxK[*pair], samples_K[pair[0]]))
    found = []
    for true, taken in pairs[:most]:
        confused = np.flatnonzero((scores.label_S == true) & (answer_S == taken) & ~right_S)
        of_taken = np.flatnonzero(scores.label_S == taken)
        sure = probability_SxK[of_taken, taken] + right_S[of_taken]
        found.append(
            Confusion(
                true,
                taken,
                int(wrong_KxK[true, taken]),
                int(samples_K[true]),
                int(confused[probability_SxK[confused, taken].argmax()]),
                int(of_taken[sure.argmax()]) if len(of_taken) else None,
            )
        )
    return found


def answers(scores: Scores) -> np.ndarray:
    """S classes: what each sample is taken for; of a tie with its own class the other one."""
    score_SxK = scores.score_SxK.astype(np.float64)
    wrong = np.flatnonzero(~scores.right_S(1))
    score_SxK[wrong, scores.label_S[wrong]] = -np.inf
    return np.asarray(score_SxK.argmax(1))


def typical(scores: Scores) -> int:
    """The sample that is recognised most surely; the first one where none is."""
    return int((calibration.probabilities(scores).max(1) * scores.right_S(1)).argmax())


def per_class(scores: Scores) -> np.ndarray:
    """K: the part of each class's samples that is right; NaN for a class without samples."""
    count_KxK = scores.confusion_KxK()
    samples_K = count_KxK.sum(1)
    return np.divide(count_KxK.diagonal(), samples_K, out=np.full(len(samples_K), np.nan), where=samples_K > 0)
