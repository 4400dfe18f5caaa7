"""Joint layouts: which joints a skeleton has, in which order, and which bone joins which."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Layout:
    """The joints of one body, counted from 0.

    Attributes:
      name: short name, as in `LAYOUTS`.
      joints: V names, in the order of the data.
      parents: V joint numbers; a joint's bone leads from its parent to it. The root is its own parent.

    Raises:
      ValueError: when the parents are not a tree with exactly one root.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __post_init__(self) -> None:
        count = len(self.joints)
        if len(self.parents) != count or len(set(self.joints)) != count:
            raise ValueError(f"layout {self.name}: {count} joints need distinct names and one parent each")
        roots = [joint for joint, parent in enumerate(self.parents) if joint == parent]
        if len(roots) != 1:
            raise ValueError(f"layout {self.name}: joints {roots} are their own parent, expected exactly one root")
        for joint in range(count):
            walked = joint
            for _ in range(count):
                walked = self.parents[walked]
            if walked != roots[0]:
                raise ValueError(f"layout {self.name}: joint {joint} ({self.joints[joint]}) does not lead to the root")

    @property
    def root(self) -> int:
        """The joint that is its own parent."""
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)


def _from_parent_names(name: str, parent_of: dict[str, str]) -> Layout:
    joints = tuple(parent_of)
    return Layout(name, joints, tuple(joints.index(parent) for parent in parent_of.values()))


def _chain(root: str, *limb: str) -> dict[str, str]:
    """A limb that hangs on `root`: each joint's parent is the one before it."""
    return dict(zip(limb, (root, *limb[:-1]), strict=True))


def _finger(name: str) -> dict[str, str]:
    return _chain("palm", *(f"{name}_{part}" for part in ("base", "first", "second", "tip")))


# SHREC'17 and DHG-14/28, Intel RealSense: wrist, palm, then five fingers from base to tip.
HAND_22 = _from_parent_names(
    "hand_22",
    {
        "wrist": "wrist",
        "palm": "wrist",
        **_finger("thumb"),
        **_finger("index"),
        **_finger("middle"),
        **_finger("ring"),
        **_finger("little"),
    },
)

# NTU RGB+D 60 and 120, Kinect v2. The root is the spine at the shoulders, as in the authors' bone list.
NTU_25 = _from_parent_names(
    "ntu_25",
    {
        "spine_base": "spine_middle",
        "spine_middle": "spine_shoulder",
        "neck": "spine_shoulder",
        "head": "neck",
        **_chain("spine_shoulder", "left_shoulder", "left_elbow", "left_wrist", "left_hand"),
        **_chain("spine_shoulder", "right_shoulder", "right_elbow", "right_wrist", "right_hand"),
        **_chain("spine_base", "left_hip", "left_knee", "left_ankle", "left_foot"),
        **_chain("spine_base", "right_hip", "right_knee", "right_ankle", "right_foot"),
        "spine_shoulder": "spine_shoulder",
        "left_hand_tip": "left_thumb",
        "left_thumb": "left_hand",
        "right_hand_tip": "right_thumb",
        "right_thumb": "right_hand",
    },
)

# UTD-MHAD, Kinect v1 in an order of its own, from head to hip.
UTD_MHAD_20 = _from_parent_names(
    "utd_mhad_20",
    {
        "head": "shoulder_center",
        "shoulder_center": "spine",
        "spine": "hip_center",
        "hip_center": "hip_center",
        **_chain("shoulder_center", "left_shoulder", "left_elbow", "left_wrist", "left_hand"),
        **_chain("shoulder_center", "right_shoulder", "right_elbow", "right_wrist", "right_hand"),
        **_chain("hip_center", "left_hip", "left_knee", "left_ankle", "left_foot"),
        **_chain("hip_center", "right_hip", "right_knee", "right_ankle", "right_foot"),
    },
)

LAYOUTS = {layout.name: layout for layout in (HAND_22, NTU_25, UTD_MHAD_20)}
