"""Whether joints come in the order that a layout says: what a whole data set has to say about it.

Bones are short and rigid: in the right order they are nearly the shortest tree that joins the joints, and nearly the
one that changes its lengths least. A single bone does not tell, as a Kinect's hands change as much as the distance of
any two joints. But in the right order no exchange of two joints makes all bones together much more rigid, or shorter,
and in a wrong order some exchange does.
"""

import numpy as np

from dsta_jax.datasets.layouts import LAYOUTS, Layout

# The best exchange of two joints saves this part of all bones' change, plus this part of their length. In the right
# order it is at most 0.03 for UTD-MHAD, NW-UCLA, NTU RGB+D's five recordings and synthetic hands, 0.08 for a hand
# without a palm and 0.11 for a pose whose fingers hang on a restless wrist; in 60 random orders of them all it was 0.25
# or more. Two coordinates do not tell as well: a hand seen from the side comes to 0.21 in its right order.
SAVED, SAVED_FLAT = 0.15, 0.22

# Bones that change by less than this part of their length are rigid up to rounding: a computed skeleton's.
ROUNDING = 0.005

# Another known layout of as many joints fits better when it makes the bones shorter by this part. UTD-MHAD's skeletons
# and NW-UCLA's differ in the order of four joints of the trunk: 24%.
KNOWN_GAIN = 0.15

_FRAMES = 16  # of a recording: enough, and faster than all


def bones(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The joints to which the B bones lead, all but the root, and those from which they start."""
    ends_B = np.array([joint for joint, parent in enumerate(layout.parents) if joint != parent], np.intp)
    return ends_B, np.array(layout.parents, np.intp)[ends_B]


class PairDistances:
    """How far two joints are from each other, and how much that changes; `flat` is of two coordinates."""

    def __init__(self, layout: Layout, flat: bool = False):
        self.layout, self.flat = layout, flat
        self._distance_VxV, self._change_VxV, self._seen_VxV = np.zeros((3, len(layout.joints), len(layout.joints)))

    def add(self, pose_TxVxC: np.ndarray) -> float:
        """Adds a body; returns its bones' mean length over the mean distance of two joints, NaN where that is zero."""
        seen = np.flatnonzero(~np.isnan(pose_TxVxC[..., 0]).all(axis=1))
        pose_TxVxC = pose_TxVxC[seen[np.linspace(0, len(seen) - 1, min(len(seen), _FRAMES)).astype(int)]]
        distance_TxVxV = np.linalg.norm(pose_TxVxC[:, :, None] - pose_TxVxC[:, None], axis=3)
        count_VxV = (~np.isnan(distance_TxVxV)).sum(axis=0)
        times_VxV = np.maximum(count_VxV, 1)
        mean_VxV = np.nansum(distance_TxVxV, axis=0) / times_VxV
        unit = mean_VxV[count_VxV > 0].mean()
        if not unit > 0:
            return np.nan
        self._seen_VxV += count_VxV > 0
        self._distance_VxV += mean_VxV / unit
        self._change_VxV += np.sqrt(np.nansum((distance_TxVxV - mean_VxV) ** 2, axis=0) / times_VxV) / unit
        return float(mean_VxV[bones(self.layout)].mean() / unit)

    @property
    def seen_V(self) -> np.ndarray:
        """V booleans: True where a joint is seen in any recording."""
        return self._seen_VxV.diagonal() > 0

    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """VxV: the mean distance of two joints, and its mean standard deviation within a recording."""
        met_VxV = self._seen_VxV > 0
        means = [sum_VxV / np.maximum(self._seen_VxV, 1) for sum_VxV in (self._distance_VxV, self._change_VxV)]
        for mean_VxV in means:
            mean_VxV[~met_VxV] = mean_VxV[met_VxV].mean() if met_VxV.any() else 0
        return means[0], means[1]


def best_exchange(weight_VxV: np.ndarray, layout: Layout, among_V: np.ndarray) -> tuple[float, int, int]:
    """The part of all bones' weights that the best exchange of two joints `among_V` saves, and these joints.

    `weight_VxV` is the weight of a bone between any two joints.
    """
    among, (ends, starts) = np.flatnonzero(among_V), bones(layout)
    first_K, second_K = among[np.stack(np.triu_indices(len(among), 1))]
    order_KxV = np.tile(np.arange(len(layout.joints)), (len(first_K), 1))
    np.put_along_axis(order_KxV, np.stack([first_K, second_K], 1), np.stack([second_K, first_K], 1), axis=1)
    sum_K = weight_VxV[order_KxV[:, ends], order_KxV[:, starts]].sum(axis=1)
    best, now = int(sum_K.argmin()), weight_VxV[ends, starts].sum()
    return float(1 - sum_K[best] / now) if now else 0.0, int(first_K[best]), int(second_K[best])


def wrong_order(distances: PairDistances) -> str:
    """Why the joints do not seem to come in the layout's order, in words; an empty string where they do."""
    layout, among_V = distances.layout, distances.seen_V
    if among_V.sum() < 3:
        return ""
    distance_VxV, change_VxV = distances.mean()
    alike = [other for other in LAYOUTS.values() if len(other.joints) == len(layout.joints)]
    known = min(alike, key=lambda other: distance_VxV[bones(other)].sum(), default=layout)
    length = distance_VxV[bones(layout)].sum()
    if distance_VxV[bones(known)].sum() < (1 - KNOWN_GAIN) * length:
        return f"the order of layout {known.name} makes the bones much shorter than that of {layout.name}"
    short, rigid = (best_exchange(weight_VxV, layout, among_V) for weight_VxV in (distance_VxV, change_VxV))
    if change_VxV[bones(layout)].sum() < ROUNDING * length:
        rigid = 0.0, *rigid[1:]
    if max(rigid[0], 0) + max(short[0], 0) < (SAVED_FLAT if distances.flat else SAVED):
        return ""
    saved, *joints = max(short, rigid)
    first, second = (layout.joints[joint] for joint in joints)
    less = f"be {saved:.0%} shorter" if short > rigid else f"change their lengths {saved:.0%} less"
    return f"all bones together would {less} if {first} and {second} were exchanged"
