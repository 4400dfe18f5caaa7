"""How much accuracies depend on which recordings happen to test: bootstrap intervals.

Recordings are drawn again, with replacement, as many as there are. Only how many of each class are right counts, so
these numbers are drawn, from the multinomial distribution that they have then, instead of the recordings.
"""

import numpy as np

from dsta_jax.scores import Scores

LEVEL = 0.95
_REPEATS = 2000


def intervals(scores: Scores, level: float = LEVEL, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Where the middle part `level` of the redrawn accuracies lies: lowest and highest, by the name of the metric.

    The names are those of `Scores.metrics`. A class without a redrawn recording is left out of that mean over classes.
    """
    classes, samples = len(scores.class_names), len(scores.label_S)
    worse_S = 2 - scores.right_S(1).astype(int) - scores.right_S(5)  # 0 for the first place, 1 up to the fifth, 2
    count_3xK = np.stack([np.bincount(scores.label_S[worse_S == worse], minlength=classes) for worse in range(3)])
    drawn = np.random.default_rng(seed).multinomial(samples, count_3xK.ravel() / samples, _REPEATS)
    drawn_Rx3xK = drawn.reshape(_REPEATS, 3, classes)
    first_RxK, all_RxK = drawn_Rx3xK[:, 0], drawn_Rx3xK.sum(1)
    values = {
        "top1": first_RxK.sum(1) / samples,
        "top5": drawn_Rx3xK[:, :2].sum((1, 2)) / samples,
        "mean_class": (first_RxK / np.maximum(all_RxK, 1)).sum(1) / (all_RxK > 0).sum(1),
    }
    tails = (1 - level) / 2, (1 + level) / 2
    return {name: tuple(np.quantile(value_R, tails).tolist()) for name, value_R in values.items()}
