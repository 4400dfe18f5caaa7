"""Joint layouts: which joints a skeleton has, in which order, which bone joins which, and by what it is measured."""

import dataclasses
from typing import Literal

# A point of a body: a joint, or the middle of several, by name.
Point = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Reference:
    """By which joints a skeleton's own place, size and direction are known; what is None is left as recorded.

    Attributes:
      center: becomes the origin.
      scale: the distance of these two points becomes the unit ...
      scale_by: ... as it is in the first frame in which it is not zero, or its median over the frames.
      up: the direction from the first point to the second becomes +z (+y for two coordinates).
      side: then the direction from the first point to the second, as seen along z, becomes +x.
      fallback: taken for recordings in which the points above are never all seen; None refuses such recordings.
    """

    center: Point | None = None
    scale: tuple[Point, Point] | None = None
    scale_by: Literal["first", "median"] = "first"
    up: tuple[Point, Point] | None = None
    side: tuple[Point, Point] | None = None
    fallback: "Reference | None" = None

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

    Attributes:
      name: short name, as in `LAYOUTS`.
      joints: V names, in the order of the data.
      parents: V joint numbers; a joint's bone leads from its parent to it. The root is its own parent.
      reference: how its recordings are normalised, unless a data set has its own way.

    Raises:
      ValueError: when the parents are not a tree with exactly one root, or the reference names another joint.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    reference: Reference = Reference()

    def __post_init__(self) -> None:
        for name in (name for reference in self.reference.choices for name in reference.joints):
            if name not in self.joints:
                raise ValueError(f"layout {self.name}: its reference names the joint {name!r}, which it has not")
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

    @property
    def right_of_left(self) -> dict[int, int]:
        """For each joint with `left` in its name, the one that is called `right` instead, where there is one."""
        number = {name.lower(): joint for joint, name in enumerate(self.joints)}
        mirrored = {joint: name.replace("left", "right") for name, joint in number.items() if "left" in name}
        return {joint: number[name] for joint, name in mirrored.items() if name in number}


def _layout(name: str, parent_of: dict[str, str], reference: Reference) -> Layout:
    joints = tuple(parent_of)
    return Layout(name, joints, tuple(joints.index(parent) for parent in parent_of.values()), reference)


def _chain(root: str, *limb: str) -> dict[str, str]:
    """A limb that hangs on `root`: each joint's parent is the one before it."""
    return dict(zip(limb, (root, *limb[:-1]), strict=True))


def _finger(palm: str, name: str, *parts: str) -> dict[str, str]:
    return _chain(palm, *(f"{name}_{part}" for part in parts))


def _kinect_limbs(shoulders: str, hips: str) -> dict[str, str]:
    """Left arm, right arm, left leg, right leg."""
    arm, leg = ("shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle", "foot")
    limbs: dict[str, str] = {}
    for trunk, parts in ((shoulders, arm), (hips, leg)):
        for side in ("left", "right"):
            limbs |= _chain(trunk, *(f"{side}_{part}" for part in parts))
    return limbs


def _both(part: str) -> Point:
    """The middle between left and right."""
    return f"left_{part}", f"right_{part}"


# SHREC'17 and DHG-14/28, Intel RealSense: wrist, palm, then five fingers from base to tip.
_REALSENSE = ("base", "first", "second", "tip")
HAND_22 = _layout(
    "hand_22",
    {
        "wrist": "wrist",
        "palm": "wrist",
        **_finger("palm", "thumb", *_REALSENSE),
        **_finger("palm", "index", *_REALSENSE),
        **_finger("palm", "middle", *_REALSENSE),
        **_finger("palm", "ring", *_REALSENSE),
        **_finger("palm", "little", *_REALSENSE),
    },
    # Shi et al., ACCV 2020, the authors' preparation of SHREC'17.
    Reference(center=("wrist",), scale=(("wrist",), ("middle_base",))),
)

# MediaPipe's hand landmarks (https://ai.google.dev/edge/mediapipe/solutions/vision/hand_landmarker).
_MEDIAPIPE = ("mcp", "pip", "dip", "tip")
MEDIAPIPE_HAND_21 = _layout(
    "mediapipe_hand_21",
    {
        "wrist": "wrist",
        **_finger("wrist", "thumb", "cmc", "mcp", "ip", "tip"),
        **_finger("wrist", "index", *_MEDIAPIPE),
        **_finger("wrist", "middle", *_MEDIAPIPE),
        **_finger("wrist", "ring", *_MEDIAPIPE),
        **_finger("wrist", "pinky", *_MEDIAPIPE),
    },
    Reference(center=("wrist",), scale=(("wrist",), ("middle_mcp",))),
)

# NTU RGB+D 60 and 120, Kinect v2. The root is the spine at the shoulders, as in the authors' bone list.
NTU_25 = _layout(
    "ntu_25",
    {
        "spine_base": "spine_middle",
        "spine_middle": "spine_shoulder",
        "neck": "spine_shoulder",
        "head": "neck",
        **_kinect_limbs("spine_shoulder", "spine_base"),
        "spine_shoulder": "spine_shoulder",
        "left_hand_tip": "left_thumb",
        "left_thumb": "left_hand",
        "right_hand_tip": "right_thumb",
        "right_thumb": "right_hand",
    },
    # Shi et al., ACCV 2020, the authors' preparation of NTU RGB+D.
    Reference(
        center=("spine_base",),
        scale=(("spine_base",), ("spine_shoulder",)),
        up=(("spine_base",), ("spine_shoulder",)),
        side=(("spine_shoulder",), ("left_elbow",)),
    ),
)

# Kinect v1 in the order of its SDK and of NW-UCLA.
KINECT_20 = _layout(
    "kinect_20",
    {
        "hip_center": "hip_center",
        "spine": "hip_center",
        "shoulder_center": "spine",
        "head": "shoulder_center",
        **_kinect_limbs("shoulder_center", "hip_center"),
    },
    Reference(
        center=("hip_center",),
        scale=(("hip_center",), ("shoulder_center",)),
        scale_by="median",
        up=(("hip_center",), ("shoulder_center",)),
        side=(("right_shoulder",), ("left_shoulder",)),
    ),
)

# UTD-MHAD, Kinect v1 in an order of its own, from head to hip.
UTD_MHAD_20 = _layout(
    "utd_mhad_20",
    {
        "head": "shoulder_center",
        "shoulder_center": "spine",
        "spine": "hip_center",
        "hip_center": "hip_center",
        **_kinect_limbs("shoulder_center", "hip_center"),
    },
    # This project's own choice: the trunk is the longest bone that the gestures leave in sight. The median over the
    # frames, because Kinect v1 sees a sitting person's trunk up to 23% shorter or longer in the first frame.
    Reference(center=("hip_center",), scale=(("hip_center",), ("shoulder_center",)), scale_by="median"),
)

# Poses in pictures: the trunk is the unit, or the shoulders' width where the picture ends above the hips.
_SHOULDERS = Reference(center=_both("shoulder"), scale=(("left_shoulder",), ("right_shoulder",)), scale_by="median")
_TRUNK = Reference(_both("hip"), (_both("hip"), _both("shoulder")), scale_by="median", fallback=_SHOULDERS)

# COCO's key points (https://cocodataset.org/#keypoints-eval), as many pose estimators give them.
COCO_17 = _layout(
    "coco_17",
    {
        "nose": "nose",
        "left_eye": "nose",
        "right_eye": "nose",
        "left_ear": "left_eye",
        "right_ear": "right_eye",
        "left_shoulder": "nose",
        "right_shoulder": "nose",
        "left_elbow": "left_shoulder",
        "right_elbow": "right_shoulder",
        "left_wrist": "left_elbow",
        "right_wrist": "right_elbow",
        "left_hip": "left_shoulder",
        "right_hip": "right_shoulder",
        "left_knee": "left_hip",
        "right_knee": "right_hip",
        "left_ankle": "left_knee",
        "right_ankle": "right_knee",
    },
    _TRUNK,
)

# OpenPose's models COCO and BODY_25 (OpenPose's document on its output). The first is that of Kinetics-Skeleton.
OPENPOSE_18 = _layout(
    "openpose_18",
    {
        "nose": "neck",
        "neck": "neck",
        **_chain("neck", "right_shoulder", "right_elbow", "right_wrist"),
        **_chain("neck", "left_shoulder", "left_elbow", "left_wrist"),
        **_chain("neck", "right_hip", "right_knee", "right_ankle"),
        **_chain("neck", "left_hip", "left_knee", "left_ankle"),
        "right_eye": "nose",
        "left_eye": "nose",
        "right_ear": "right_eye",
        "left_ear": "left_eye",
    },
    _TRUNK,
)
OPENPOSE_25 = _layout(
    "openpose_25",
    {
        "nose": "neck",
        "neck": "neck",
        **_chain("neck", "right_shoulder", "right_elbow", "right_wrist"),
        **_chain("neck", "left_shoulder", "left_elbow", "left_wrist"),
        "hip_center": "neck",
        **_chain("hip_center", "right_hip", "right_knee", "right_ankle"),
        **_chain("hip_center", "left_hip", "left_knee", "left_ankle"),
        "right_eye": "nose",
        "left_eye": "nose",
        "right_ear": "right_eye",
        "left_ear": "left_eye",
        "left_big_toe": "left_ankle",
        "left_small_toe": "left_big_toe",
        "left_heel": "left_ankle",
        "right_big_toe": "right_ankle",
        "right_small_toe": "right_big_toe",
        "right_heel": "right_ankle",
    },
    _TRUNK,
)

# MediaPipe's pose landmarks (https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker).
MEDIAPIPE_POSE_33 = _layout(
    "mediapipe_pose_33",
    {
        "nose": "nose",
        **_chain("nose", "left_eye_inner", "left_eye", "left_eye_outer"),
        **_chain("nose", "right_eye_inner", "right_eye", "right_eye_outer"),
        "left_ear": "left_eye_outer",
        "right_ear": "right_eye_outer",
        "mouth_left": "nose",
        "mouth_right": "nose",
        "left_shoulder": "nose",
        "right_shoulder": "nose",
        "left_elbow": "left_shoulder",
        "right_elbow": "right_shoulder",
        "left_wrist": "left_elbow",
        "right_wrist": "right_elbow",
        "left_pinky": "left_wrist",
        "right_pinky": "right_wrist",
        "left_index": "left_wrist",
        "right_index": "right_wrist",
        "left_thumb": "left_wrist",
        "right_thumb": "right_wrist",
        "left_hip": "left_shoulder",
        "right_hip": "right_shoulder",
        "left_knee": "left_hip",
        "right_knee": "right_hip",
        "left_ankle": "left_knee",
        "right_ankle": "right_knee",
        "left_heel": "left_ankle",
        "right_heel": "right_ankle",
        "left_foot_index": "left_heel",
        "right_foot_index": "right_heel",
    },
    _TRUNK,
)

LAYOUTS = {
    layout.name: layout
    for layout in (
        HAND_22,
        MEDIAPIPE_HAND_21,
        NTU_25,
        KINECT_20,
        UTD_MHAD_20,
        COCO_17,
        OPENPOSE_18,
        OPENPOSE_25,
        MEDIAPIPE_POSE_33,
    )
}
