"""Whether a network is as sure as it is right: reliability, and the expected calibration error."""

from typing import NamedTuple

import numpy as np

from dsta_jax.scores import Scores

_BINS = 15


class Calibration(NamedTuple):
    """Samples in B bins of equal width, by the probability of the answer; of an empty bin the means are NaN.

    Attributes:
      count_B: samples of each bin.
      probability_B: mean probability of their answers.
      accuracy_B: part of them that is right.
      error: the expected calibration error: how far the two are apart, averaged over the samples, 0 to 1 (Guo et al.,
        On Calibration of Modern Neural Networks, ICML 2017).
    """

    count_B: np.ndarray
    probability_B: np.ndarray
    accuracy_B: np.ndarray
    error: float


def probabilities(scores: Scores) -> np.ndarray:
    """S x K: the softmax of the scores."""
    exp_SxK = np.exp(scores.score_SxK.astype(np.float64) - scores.score_SxK.max(1, keepdims=True))
    return np.asarray(exp_SxK / exp_SxK.sum(1, keepdims=True))


def calibrate(scores: Scores, bins: int = _BINS) -> Calibration:
    """The calibration of the most probable class; a bin takes its upper edge, the first one its lower, too."""
    probability_S = probabilities(scores).max(1)
    bin_S = np.clip(np.ceil(probability_S * bins).astype(int) - 1, 0, bins - 1)
    count_B = np.bincount(bin_S, minlength=bins)
    sure_B = np.bincount(bin_S, probability_S, bins)
    right_B = np.bincount(bin_S, scores.right_S(1), bins)
    probability_B, accuracy_B = (
        np.divide(sum_B, count_B, out=np.full(bins, np.nan), where=count_B > 0) for sum_B in (sure_B, right_B)
    )
    return Calibration(count_B, probability_B, accuracy_B, float(np.abs(sure_B - right_B).sum() / len(bin_S)))
