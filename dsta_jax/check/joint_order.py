"""Whether joints come in the order that a layout says: what a whole data set has to say on it.

Bones are short and rigid, so that in the right order they are about the shortest tree that joins the joints, and the
one that changes its lengths least. How much a single bone changes does not tell: a Kinect's hands change as much as
bones between any two joints do. But in the right order no exchange of two joints makes all bones together much more
rigid, or shorter, and in a wrong order some exchange does.
"""

import dataclasses

import numpy as np

from dsta_jax.check.faults import Track, bones
from dsta_jax.datasets.layouts import LAYOUTS, Layout

# Part of all bones' change that the best exchange of two joints may save, plus part of their length. In the right order
# it is 0.03 at most of UTD-MHAD, NW-UCLA, NTU RGB+D's five recordings and synthetic hands, 0.08 of a hand without a
# palm and 0.11 of a pose whose fingers hang on a restless wrist; in 60 random orders of them all it was 0.25 or more.
# Two coordinates do not tell as well: a hand that is seen from the side comes to 0.21 in its right order.
SAVED, SAVED_FLAT = 0.15, 0.22

# Bones that change by less than this part of their length are rigid, up to rounding: a computed skeleton's.
ROUNDING = 0.005

# Another known layout of as many joints fits better when it makes the bones shorter by this part. UTD-MHAD's skeletons
# and NW-UCLA's differ in the order of four joints of the trunk: 24%.
KNOWN_GAIN = 0.15

_FRAMES = 16  # so many of a recording are enough, and take less time than all


class PairDistances:
    """How far two joints are from each other, and how much that changes; the mean over all recordings."""

    def __init__(self, layout: Layout, flat: bool = False):
        """No recordings yet.

        Args:
          layout: the joints.
          flat: whether there are two coordinates only.
        """
        self.layout, self.flat = layout, flat
        count = len(layout.joints)
        self._distance_VxV, self._change_VxV, self._seen_VxV = (np.zeros((count, count)) for _ in range(3))

    def add(self, track: Track) -> float:
        """Adds one body of a recording.

        Returns:
          The mean length of its bones as a part of the mean distance of two joints; NaN where that is zero.
        """
        seen = np.flatnonzero(track.seen_T)
        chosen = seen[np.linspace(0, len(seen) - 1, min(len(seen), _FRAMES)).astype(int)]
        positions_TxVxC, seen_TxV = track.positions_TxVxC[chosen], track.seen_TxV[chosen]
        offsets_TxVxVxC = positions_TxVxC[:, :, None] - positions_TxVxC[:, None]
        squared_TxVxV = np.einsum("tuvc,tuvc->tuv", offsets_TxVxVxC, offsets_TxVxVxC)
        squared_TxVxV *= seen_TxV[:, :, None] & seen_TxV[:, None]
        count_VxV = seen_TxV.T.astype(np.int64) @ seen_TxV
        times_VxV = np.maximum(count_VxV, 1)
        mean_VxV = np.sqrt(squared_TxVxV).sum(axis=0) / times_VxV
        unit = mean_VxV[count_VxV > 0].mean()
        if not unit > 0:
            return np.nan
        self._seen_VxV += count_VxV > 0
        self._distance_VxV += mean_VxV / unit
        self._change_VxV += np.sqrt(np.maximum(squared_TxVxV.sum(axis=0) / times_VxV - mean_VxV**2, 0)) / unit
        return float(_tree(mean_VxV / unit, self.layout).mean())

    @property
    def seen_V(self) -> np.ndarray:
        """V booleans: True where a joint is seen in any recording."""
        return self._seen_VxV.diagonal() > 0

    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean VxV distance of two joints and its mean standard deviation within a recording."""
        met_VxV = self._seen_VxV > 0
        means = []
        for sum_VxV in (self._distance_VxV, self._change_VxV):
            mean_VxV = sum_VxV / np.maximum(self._seen_VxV, 1)
            mean_VxV[~met_VxV] = mean_VxV[met_VxV].mean() if met_VxV.any() else 0
            means.append(mean_VxV)
        return means[0], means[1]


@dataclasses.dataclass(frozen=True)
class Exchange:
    """Two joints whose exchange saves the largest part of something that is summed up over the bones."""

    first: int
    second: int
    saved: float


def best_exchange(weight_VxV: np.ndarray, layout: Layout, among_V: np.ndarray) -> Exchange:
    """The exchange of two joints that makes the sum of the bones' weights smallest.

    Args:
      weight_VxV: of a bone between any two joints, symmetric.
      layout: the bones.
      among_V: booleans, which joints may be exchanged; two or more.
    """
    first_K, second_K = (side.astype(np.intp) for side in np.triu_indices(len(layout.joints), 1))
    allowed_K = among_V[first_K] & among_V[second_K]
    first_K, second_K = first_K[allowed_K], second_K[allowed_K]
    order_KxV = np.tile(np.arange(len(layout.joints)), (len(first_K), 1))
    rows_K = np.arange(len(first_K))
    order_KxV[rows_K, first_K], order_KxV[rows_K, second_K] = second_K, first_K
    ends, starts = bones(layout), np.array(layout.parents)[bones(layout)]
    sum_K = weight_VxV[order_KxV[:, ends], order_KxV[:, starts]].sum(axis=1)
    best, now = int(sum_K.argmin()), _tree(weight_VxV, layout).sum()
    return Exchange(int(first_K[best]), int(second_K[best]), float(1 - sum_K[best] / now) if now else 0.0)


def wrong_order(distances: PairDistances) -> str:
    """Why the joints do not seem to come in the layout's order, in words; an empty string where they do."""
    layout, among_V = distances.layout, distances.seen_V
    if among_V.sum() < 3:
        return ""
    distance_VxV, change_VxV = distances.mean()
    if known := _known_order(distance_VxV, layout):
        return f"the order of layout {known} makes the bones much shorter than that of {layout.name}"
    rigid, short = (best_exchange(weight_VxV, layout, among_V) for weight_VxV in (change_VxV, distance_VxV))
    if _tree(change_VxV, layout).sum() < ROUNDING * _tree(distance_VxV, layout).sum():
        rigid = dataclasses.replace(rigid, saved=0.0)
    if max(rigid.saved, 0) + max(short.saved, 0) < (SAVED_FLAT if distances.flat else SAVED):
        return ""
    best, less = (rigid, "change their lengths {:.0f}% less")
    if short.saved > rigid.saved:
        best, less = (short, "be {:.0f}% shorter")
    first, second = (layout.joints[joint] for joint in (best.first, best.second))
    return f"all bones together would {less.format(100 * best.saved)} if {first} and {second} were exchanged"


def _known_order(distance_VxV: np.ndarray, layout: Layout) -> str:
    """The known layout of as many joints that makes the bones much shorter; an empty string for none."""
    total = {
        other.name: _tree(distance_VxV, other).sum()
        for other in LAYOUTS.values()
        if len(other.joints) == len(layout.joints)
    }
    name = min(total, key=lambda name: total[name], default="")
    shorter = name and total[name] < (1 - KNOWN_GAIN) * _tree(distance_VxV, layout).sum()
    return name if shorter else ""


def _tree(weight_VxV: np.ndarray, layout: Layout) -> np.ndarray:
    """The weights of the B bones."""
    weight_B: np.ndarray = weight_VxV[bones(layout), np.array(layout.parents)[bones(layout)]]
    return weight_B
