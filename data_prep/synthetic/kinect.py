"""An invented Kinect v2: where it stands, what it sees of bodies, and how wrong it is about them.

In the world the floor is y = 0. In a camera's coordinates it is the origin, x to its left, y up and z forwards, metres.
Letters in names: B bodies, T frames, V joints, C coordinates, K bodies of all frames, S segments of a body.
"""

import dataclasses
import math

import numpy as np

from data_prep.synthetic.motion import generator
from dsta_jax.datasets.layouts import NTU_25

# Where the three stand, in radians about the scene, by their numbers: one before it, the others at its sides.
ANGLES = {1: 0.0, 2: -math.pi / 4, 3: math.pi / 4}
DEPTH_SIZE = (512, 424)
_MOST_PIXELS = 9_999.0
# Key of draws, beside those of people and scenes.
_CAMERAS = 2
# Of one that is further behind than that, in metres, a body's segments hide what lies behind them.
_BEHIND = 0.1


def _joints(*names: str) -> list[int]:
    return [NTU_25.joints.index(name) for name in names]


def _sides(*names: str) -> list[int]:
    return _joints(*(f"{side}_{name}" for side in ("left", "right") for name in names))


# What hides other joints: from joint, to joint, radius in metres.
_SEGMENTS = (
    (*_joints("spine_base", "spine_shoulder"), 0.14),
    (*_joints("neck", "head"), 0.1),
)
_LEGS = tuple((*_joints(f"{side}_hip", f"{side}_knee"), 0.08) for side in ("left", "right"))
_ON_TRUNK = _joints("spine_base", "spine_middle", "spine_shoulder", "neck", "head") + _sides("shoulder", "hip")
_LIMBS = [joint for joint in range(len(NTU_25.joints)) if joint not in _ON_TRUNK]

# Metres: how far a joint flickers from frame to frame, and how far it drifts.
_FLICKER_V, _DRIFT_V = np.full(len(NTU_25.joints), 0.0012), np.full(len(NTU_25.joints), 0.004)
for _names, _flicker, _drift in (
    (("elbow", "knee"), 0.002, 0.009),
    (("wrist", "hand", "ankle"), 0.004, 0.013),
    (("hand_tip", "thumb", "foot"), 0.008, 0.018),
):
    _FLICKER_V[_sides(*_names)], _DRIFT_V[_sides(*_names)] = _flicker, _drift
_HIDDEN_FLICKER, _HIDDEN_DRIFT = 0.006, 0.06
# Frames over which a drift changes, and over which a joint that is hidden is lost.
_DRIFT_FRAMES, _LOST_FRAMES = 8, 5
# A body of which less than this part is seen is not found.
_SEEN = 0.4


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera at its place.

    Attributes:
      place_C: in the world, in metres.
      axes_CxC: its x, y and z in the world, a row each.
      depth_2xF, color_2xF: of its two images, for x and y, focal length and centre in pixels.
    """

    place_C: np.ndarray
    axes_CxC: np.ndarray
    depth_2xF: np.ndarray
    color_2xF: np.ndarray

    @classmethod
    def of(cls, seed: int, setup: int, number: int) -> "Camera":
        """Camera 1, 2 or 3 of a setup; the three are equally high and equally far from the scene."""
        rng = generator(seed, _CAMERAS, setup)
        height, distance, aim = rng.uniform(1.1, 2.2), rng.uniform(2.9, 4.0), rng.uniform(0.75, 0.95)
        rng = generator(seed, _CAMERAS, setup, number)
        angle = ANGLES[number] + rng.normal(0.0, 0.04)
        place_C = np.array((distance * math.sin(angle), height, distance * math.cos(angle)))
        forwards_C = np.array((rng.normal(0.0, 0.05), aim, rng.normal(0.0, 0.05))) - place_C
        forwards_C /= np.linalg.norm(forwards_C)
        left_C = np.cross((0.0, 1.0, 0.0), forwards_C)
        left_C /= np.linalg.norm(left_C)
        axes_CxC = np.stack((left_C, np.cross(forwards_C, left_C), forwards_C))
        depth_2xF = np.array(((366.0, 256.0), (-366.0, 209.0))) + rng.normal(0.0, ((1.0, 3.0), (1.0, 1.0)))
        color_2xF = np.array(((1055.0, 976.0), (-1058.0, 553.0))) + rng.normal(0.0, ((9.0, 3.0), (3.0, 12.0)))
        return cls(place_C, axes_CxC, depth_2xF, color_2xF)

    def coordinates(self, world_XxC: np.ndarray) -> np.ndarray:
        """Points of the world, any number of axes before C, in the camera's coordinates."""
        return np.asarray((world_XxC - self.place_C) @ self.axes_CxC.T)

    def pixels(self, joints_KxVxC: np.ndarray) -> np.ndarray:
        """Where joints are on the depth and on the color image, x y and x y: K x V x 4."""
        slopes_KxVx2 = joints_KxVxC[..., :2] / np.maximum(joints_KxVxC[..., 2:], 0.1)
        pixels_KxVx4 = np.concatenate((slopes_KxVx2, slopes_KxVx2), axis=-1)
        pixels_KxVx4 *= np.concatenate((self.depth_2xF[:, 0], self.color_2xF[:, 0]))
        pixels_KxVx4 += np.concatenate((self.depth_2xF[:, 1], self.color_2xF[:, 1]))
        return np.clip(pixels_KxVx4, -_MOST_PIXELS, _MOST_PIXELS, out=pixels_KxVx4)


@dataclasses.dataclass(frozen=True, eq=False)
class Sight:
    """What a camera says of bodies.

    Attributes:
      joints_BxTxVxC: where it says that the joints are, in its coordinates.
      tracked_BxTxV: False where it cannot see a joint and guesses.
      found_BxT: False where it does not find a body.
    """

    joints_BxTxVxC: np.ndarray
    tracked_BxTxV: np.ndarray
    found_BxT: np.ndarray


def look(camera: Camera, world_BxTxVxC: np.ndarray, rng: np.random.Generator) -> Sight:
    """Sees bodies that hide themselves and each other, and guesses at what is hidden."""
    joints_BxTxVxC = camera.coordinates(world_BxTxVxC)
    hidden_BxTxV = _hidden(joints_BxTxVxC) | _out_of_sight(camera, joints_BxTxVxC)
    _lose_a_joint(hidden_BxTxV, rng)
    lost_BxTxV = _smoothed(hidden_BxTxV)
    seen_BxTxVxC = joints_BxTxVxC + _errors(lost_BxTxV, joints_BxTxVxC[:, :, :1, 2], rng)
    found_BxT = lost_BxTxV.mean(axis=2) < 1.0 - _SEEN
    return Sight(seen_BxTxVxC, lost_BxTxV < 0.5, found_BxT)


def _hidden(joints_BxTxVxC: np.ndarray) -> np.ndarray:
    """BxTxV booleans: joints behind the body's own trunk, or behind another body."""
    hidden_BxTxV = np.zeros(joints_BxTxVxC.shape[:-1], np.bool_)
    for body, joints_TxVxC in enumerate(joints_BxTxVxC):
        for start, end, radius in _SEGMENTS:
            own_TxL = _behind(joints_TxVxC[:, _LIMBS], joints_TxVxC[:, start], joints_TxVxC[:, end], radius)
            hidden_BxTxV[body][:, _LIMBS] |= own_TxL
        for other, other_TxVxC in enumerate(joints_BxTxVxC):
            if other != body:
                for start, end, radius in _SEGMENTS + _LEGS:
                    hidden_BxTxV[body] |= _behind(joints_TxVxC, other_TxVxC[:, start], other_TxVxC[:, end], radius)
    return hidden_BxTxV


def _behind(points_TxVxC: np.ndarray, start_TxC: np.ndarray, end_TxC: np.ndarray, radius: float) -> np.ndarray:
    """TxV booleans: points that a thick segment covers in the camera's image."""
    (x_TxV, y_TxV), z_TxV = _image(points_TxVxC), points_TxVxC[..., 2]
    (x_Tx1, y_Tx1), (end_x_Tx1, end_y_Tx1) = _image(start_TxC[:, np.newaxis]), _image(end_TxC[:, np.newaxis])
    x_TxV, y_TxV, way_x_Tx1, way_y_Tx1 = x_TxV - x_Tx1, y_TxV - y_Tx1, end_x_Tx1 - x_Tx1, end_y_Tx1 - y_Tx1
    length_Tx1 = np.maximum(way_x_Tx1**2 + way_y_Tx1**2, 1e-9)
    part_TxV = np.clip((x_TxV * way_x_Tx1 + y_TxV * way_y_Tx1) / length_Tx1, 0.0, 1.0)
    depth_TxV = start_TxC[:, 2:] + part_TxV * (end_TxC - start_TxC)[:, 2:]
    aside_TxV = (x_TxV - part_TxV * way_x_Tx1) ** 2 + (y_TxV - part_TxV * way_y_Tx1) ** 2
    return np.asarray((aside_TxV * depth_TxV**2 < radius**2) & (z_TxV > depth_TxV + _BEHIND))


def _image(points_TxVxC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points are in an image of focal length 1: TxV each."""
    return points_TxVxC[..., 0] / points_TxVxC[..., 2], points_TxVxC[..., 1] / points_TxVxC[..., 2]


def _out_of_sight(camera: Camera, joints_BxTxVxC: np.ndarray) -> np.ndarray:
    """BxTxV booleans: joints beside the depth image."""
    beside_BxTxV = np.zeros(joints_BxTxVxC.shape[:-1], np.bool_)
    for slope_BxTxV, (focal, centre), size in zip(_image(joints_BxTxVxC), camera.depth_2xF, DEPTH_SIZE, strict=True):
        pixel_BxTxV = focal * slope_BxTxV + centre
        beside_BxTxV |= (pixel_BxTxV < 0) | (pixel_BxTxV > size)
    return beside_BxTxV


def _lose_a_joint(hidden_BxTxV: np.ndarray, rng: np.random.Generator) -> None:
    """At times a limb's joint is lost for a while for no reason."""
    for hidden_TxV in hidden_BxTxV:
        if rng.uniform() < 0.3:
            first = int(rng.integers(len(hidden_TxV)))
            hidden_TxV[first : first + int(rng.integers(5, 25)), rng.choice(_LIMBS)] = True


def _smoothed(is_so_BxTxV: np.ndarray) -> np.ndarray:
    """The part of so many frames around each in which it is so."""
    ends = _LOST_FRAMES // 2
    padded_BxTxV = np.pad(is_so_BxTxV, ((0, 0), (ends + 1, ends), (0, 0)), mode="edge").cumsum(axis=1)
    return np.asarray((padded_BxTxV[:, _LOST_FRAMES:] - padded_BxTxV[:, :-_LOST_FRAMES]) / _LOST_FRAMES)


def _errors(lost_BxTxV: np.ndarray, depth_BxTx1: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How wrong the camera is, in metres: more about hands and feet, at a distance, and where it guesses."""
    bodies, frames, joints = lost_BxTxV.shape
    knots = frames // _DRIFT_FRAMES + 2
    knot_BxNxVxC = rng.standard_normal((bodies, knots, joints, 3), np.float32)
    at_T = np.arange(frames) / _DRIFT_FRAMES
    left_T = at_T.astype(np.int64)
    part_Tx1x1 = (at_T - left_T)[:, np.newaxis, np.newaxis].astype(np.float32)
    part_Tx1x1 = part_Tx1x1 * part_Tx1x1 * (3.0 - 2.0 * part_Tx1x1)
    drift_BxTxVxC = knot_BxNxVxC[:, left_T] * (1.0 - part_Tx1x1) + knot_BxNxVxC[:, left_T + 1] * part_Tx1x1
    flicker_BxTxVxC = rng.standard_normal((bodies, frames, joints, 3), np.float32)
    far_BxTx1 = (np.maximum(depth_BxTx1, 0.5) / 3.0) ** 1.5
    drift_BxTxV = _DRIFT_V * far_BxTx1 + _HIDDEN_DRIFT * lost_BxTxV
    flicker_BxTxV = _FLICKER_V * far_BxTx1 + _HIDDEN_FLICKER * lost_BxTxV
    return np.asarray(drift_BxTxV[..., np.newaxis] * drift_BxTxVxC + flicker_BxTxV[..., np.newaxis] * flicker_BxTxVxC)
