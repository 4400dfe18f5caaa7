"""Joint layouts: which joints a skeleton has, in which order, which bone joins which, and by what it is measured."""

import dataclasses
from typing import Literal

from dsta_jax.errors import UserError

# A point of a body: a joint, or the middle of several, by name.
Point = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Reference:
    """By which joints a skeleton's own place, size and direction are known; what is None is left as recorded."""

    center: Point | None = None  # Becomes the origin.
    scale: tuple[Point, Point] | None = None  # The distance of these two points becomes the unit ...
    scale_by: Literal["first", "median"] = "first"  # ... of the first frame where it is not zero, or of all frames.
    up: tuple[Point, Point] | None = None  # The direction from one to the other becomes +z (+y in two coordinates).
    side: tuple[Point, Point] | None = None  # Then the direction between these, as seen along z, becomes +x.
    fallback: "Reference | None" = None  # For recordings that never show all these points; None refuses them.

    @property
    def measured(self) -> tuple[tuple[Point, ...], ...]:
        """The points that are measured together: the centre's alone, two of the others each."""
        center = (self.center,) if self.center else None
        return tuple(points for points in (center, self.scale, self.up, self.side) if points)

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints of all points, each once."""
        return tuple(dict.fromkeys(joint for points in self.measured for point in points for joint in point))

    @property
    def choices(self) -> tuple["Reference", ...]:
        """This one, its fallback, that one's, and so on."""
        return self, *(self.fallback.choices if self.fallback else ())


@dataclasses.dataclass(frozen=True)
class Layout:
    """The joints of one body, counted from 0.

    Raises UserError when the names are not distinct texts, the parents are not a tree with exactly one root, or the
    reference names another joint.
    """

    name: str  # As in `LAYOUTS`.
    joints: tuple[str, ...]  # V names, in the order of the data.
    parents: tuple[int, ...]  # V joint numbers; a joint's bone leads from its parent to it. The root is its own parent.
    reference: Reference = Reference()  # How recordings are normalised, unless a data set has its own way.

    def __post_init__(self) -> None:
        object.__setattr__(self, "joints", tuple(self.joints))
        object.__setattr__(self, "parents", tuple(self.parents))
        names, count = set(map(str, self.joints)), len(self.joints)
        if not all(isinstance(joint, str) and joint.isprintable() for joint in self.joints) or "" in names:
            raise UserError(f"layout {self.name}: joints {str(self.joints)[:60]}, expected names, printable text each")
        if len(self.parents) != count or len(names) != count:
            raise UserError(f"layout {self.name}: {count} joints need distinct names and one parent each")
        for child, parent in zip(self.joints, self.parents, strict=True):
            if not isinstance(parent, int) or not 0 <= parent < count:
                found = f"the parent of {child} is {parent!r}, expected a joint's number, 0 to {count - 1}"
                raise UserError(f"layout {self.name}: {found}")
        for name in (name for reference in self.reference.choices for name in reference.joints):
            if name not in self.joints:
                raise UserError(f"layout {self.name}: its reference names the joint {name!r}, which it has not")
        roots = [joint for joint, parent in enumerate(self.parents) if joint == parent]
        if len(roots) != 1:
            raise UserError(f"layout {self.name}: joints {roots} are their own parent, expected exactly one root")
        for joint in range(count):
            walked = joint
            for _ in range(count):
                walked = self.parents[walked]
            if walked != roots[0]:
                raise UserError(f"layout {self.name}: joint {joint} ({self.joints[joint]}) does not lead to the root")

    @property
    def root(self) -> int:
        """The joint that is its own parent."""
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)

    @property
    def right_of_left(self) -> dict[int, int]:
        """For each joint with `left` in its name, the one that is called `right` instead, where there is one."""
        number = {name.lower(): joint for joint, name in enumerate(self.joints)}
        mirrored = {joint: name.replace("left", "right") for name, joint in number.items() if "left" in name}
        return {joint: number[name] for joint, name in mirrored.items() if name in number}


def _layout(name: str, tree: str, reference: Reference) -> Layout:
    """The layout of a list of joints, each with its parent behind it, unless that is the joint before it."""
    pairs = [joint.split() for joint in tree.split(",")]
    joints = tuple(pair[0] for pair in pairs)
    parents = (joints.index(pair[1]) if pair[1:] else max(number - 1, 0) for number, pair in enumerate(pairs))
    return Layout(name, joints, tuple(parents), reference)


# SHREC'17 and DHG-14/28, Intel RealSense. The reference is that of Shi et al., ACCV 2020, in the authors' preparation
# of SHREC'17.
HAND_22 = _layout(
    "hand_22",
    "wrist, palm, thumb_base, thumb_first, thumb_second, thumb_tip, index_base palm, index_first, index_second, "
    "index_tip, middle_base palm, middle_first, middle_second, middle_tip, ring_base palm, ring_first, ring_second, "
    "ring_tip, little_base palm, little_first, little_second, little_tip",
    Reference(center=("wrist",), scale=(("wrist",), ("middle_base",))),
)

# MediaPipe's hand landmarks (https://ai.google.dev/edge/mediapipe/solutions/vision/hand_landmarker).
MEDIAPIPE_HAND_21 = _layout(
    "mediapipe_hand_21",
    "wrist, thumb_cmc, thumb_mcp, thumb_ip, thumb_tip, index_mcp wrist, index_pip, index_dip, index_tip, "
    "middle_mcp wrist, middle_pip, middle_dip, middle_tip, ring_mcp wrist, ring_pip, ring_dip, ring_tip, "
    "pinky_mcp wrist, pinky_pip, pinky_dip, pinky_tip",
    Reference(center=("wrist",), scale=(("wrist",), ("middle_mcp",))),
)

# NTU RGB+D 60 and 120, Kinect v2. The root is the spine at the shoulders, as in the authors' bone list; the reference
# is that of their preparation (Shi et al., ACCV 2020).
_SPINE = ("spine_base",), ("spine_shoulder",)
NTU_25 = _layout(
    "ntu_25",
    "spine_base spine_middle, spine_middle spine_shoulder, neck spine_shoulder, head, left_shoulder spine_shoulder, "
    "left_elbow, left_wrist, left_hand, right_shoulder spine_shoulder, right_elbow, right_wrist, right_hand, "
    "left_hip spine_base, left_knee, left_ankle, left_foot, right_hip spine_base, right_knee, right_ankle, "
    "right_foot, spine_shoulder spine_shoulder, left_hand_tip left_thumb, left_thumb left_hand, "
    "right_hand_tip right_thumb, right_thumb right_hand",
    Reference(center=("spine_base",), scale=_SPINE, up=_SPINE, side=(("spine_shoulder",), ("left_elbow",))),
)

# The last 16 joints of Kinect v1, in all orders.
_KINECT_LIMBS = (
    "left_shoulder shoulder_center, left_elbow, left_wrist, left_hand, right_shoulder shoulder_center, right_elbow, "
    "right_wrist, right_hand, left_hip hip_center, left_knee, left_ankle, left_foot, right_hip hip_center, "
    "right_knee, right_ankle, right_foot"
)

# Kinect v1 in the order of its SDK and of NW-UCLA. The median of the trunk's length over the frames, because Kinect v1
# sees a sitting person's trunk up to 23% shorter or longer in the first frame.
_KINECT_TRUNK = Reference(("hip_center",), (("hip_center",), ("shoulder_center",)), "median")
KINECT_20 = _layout(
    "kinect_20",
    f"hip_center, spine, shoulder_center, head, {_KINECT_LIMBS}",
    dataclasses.replace(_KINECT_TRUNK, up=_KINECT_TRUNK.scale, side=(("right_shoulder",), ("left_shoulder",))),
)

# UTD-MHAD, Kinect v1 in an order of its own, from head to hip. The reference is this project's own choice: the trunk is
# the longest bone that the gestures leave in sight.
UTD_MHAD_20 = _layout(
    "utd_mhad_20",
    f"head shoulder_center, shoulder_center spine, spine hip_center, hip_center hip_center, {_KINECT_LIMBS}",
    _KINECT_TRUNK,
)

# Poses in pictures: the trunk is the unit, or the shoulders' width where the picture ends above the hips.
_HIPS, _SHOULDERS = ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")
_WIDTH = Reference(center=_SHOULDERS, scale=(_SHOULDERS[:1], _SHOULDERS[1:]), scale_by="median")
_TRUNK = Reference(center=_HIPS, scale=(_HIPS, _SHOULDERS), scale_by="median", fallback=_WIDTH)

# COCO's key points (https://cocodataset.org/#keypoints-eval), as many pose estimators give them.
COCO_17 = _layout(
    "coco_17",
    "nose, left_eye, right_eye nose, left_ear left_eye, right_ear right_eye, left_shoulder nose, "
    "right_shoulder nose, left_elbow left_shoulder, right_elbow right_shoulder, left_wrist left_elbow, "
    "right_wrist right_elbow, left_hip left_shoulder, right_hip right_shoulder, left_knee left_hip, "
    "right_knee right_hip, left_ankle left_knee, right_ankle right_knee",
    _TRUNK,
)

# OpenPose's models COCO and BODY_25 (OpenPose's document on its output). The first is that of Kinetics-Skeleton.
OPENPOSE_18 = _layout(
    "openpose_18",
    "nose neck, neck neck, right_shoulder, right_elbow, right_wrist, left_shoulder neck, left_elbow, left_wrist, "
    "right_hip neck, right_knee, right_ankle, left_hip neck, left_knee, left_ankle, right_eye nose, left_eye nose, "
    "right_ear right_eye, left_ear left_eye",
    _TRUNK,
)
OPENPOSE_25 = _layout(
    "openpose_25",
    "nose neck, neck neck, right_shoulder, right_elbow, right_wrist, left_shoulder neck, left_elbow, left_wrist, "
    "hip_center neck, right_hip, right_knee, right_ankle, left_hip hip_center, left_knee, left_ankle, "
    "right_eye nose, left_eye nose, right_ear right_eye, left_ear left_eye, left_big_toe left_ankle, "
    "left_small_toe, left_heel left_ankle, right_big_toe right_ankle, right_small_toe, right_heel right_ankle",
    _TRUNK,
)

# MediaPipe's pose landmarks (https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker).
MEDIAPIPE_POSE_33 = _layout(
    "mediapipe_pose_33",
    "nose, left_eye_inner, left_eye, left_eye_outer, right_eye_inner nose, right_eye, right_eye_outer, "
    "left_ear left_eye_outer, right_ear right_eye_outer, mouth_left nose, mouth_right nose, left_shoulder nose, "
    "right_shoulder nose, left_elbow left_shoulder, right_elbow right_shoulder, left_wrist left_elbow, "
    "right_wrist right_elbow, left_pinky left_wrist, right_pinky right_wrist, left_index left_wrist, "
    "right_index right_wrist, left_thumb left_wrist, right_thumb right_wrist, left_hip left_shoulder, "
    "right_hip right_shoulder, left_knee left_hip, right_knee right_hip, left_ankle left_knee, "
    "right_ankle right_knee, left_heel left_ankle, right_heel right_ankle, left_foot_index left_heel, "
    "right_foot_index right_heel",
    _TRUNK,
)

_ALL = HAND_22, MEDIAPIPE_HAND_21, NTU_25, KINECT_20, UTD_MHAD_20, COCO_17, OPENPOSE_18, OPENPOSE_25, MEDIAPIPE_POSE_33
LAYOUTS = {layout.name: layout for layout in _ALL}
