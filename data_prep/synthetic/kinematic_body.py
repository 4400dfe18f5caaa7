"""A body of 25 joints: from bone lengths and what the trunk, the hands and the feet do to joint positions.

A person's stage is the floor where it stands: the origin between its feet, x to its left, y up, z forwards. Letters in
names: T frames, S = 2 sides, left and right, V joints, C coordinates.
"""

import dataclasses

import numpy as np

from data_prep.synthetic.motion import least_jerk, rotation_about
from dsta_jax.datasets.layouts import NTU_25

SIDES = ("left", "right")
FRAMES_A_SECOND = 30

# +1 to the left, -1 to the right.
_OUTWARDS_S = np.array((1.0, -1.0))
# A leg's cycle in seconds, the part of it in which the foot is in the air, and how high it is then, in metres.
_CYCLE, _SWING, _LIFT = 1.0, 0.45, 0.10
# A step of so many metres lifts the foot all the way.
_FULL_STEP = 0.35
# Where an elbow points in the chest's frame, outwards, up and forwards: hanging down, and held out.
_ELBOW_DOWN_C, _ELBOW_OUT_C = np.array((0.45, -1.0, -0.35)), np.array((1.0, 0.15, -0.15))
_KNEE_C = np.array((0.12, 0.0, 1.0))
# A hand that is raised takes the shoulder with it, by this part of the arm.
_SHRUG = 0.08


@dataclasses.dataclass(frozen=True)
class Body:
    """The lengths of one person, in metres; by default of one about 1.70 m tall.

    Attributes:
      ankle: height of the ankle of a foot on the floor.
      shin, thigh, foot: the leg; the foot from ankle to toe joint.
      hip_width, hip_drop: from the spine's base to a hip, sideways and downwards.
      lower_spine, upper_spine: from the spine's base to its middle, and to the shoulders' height.
      neck, head: from there to the neck, and to the head's centre.
      shoulder_width, shoulder_drop: from the spine to a shoulder, sideways and downwards.
      upper_arm, forearm, hand, tip, thumb: the arm; the last three from the wrist to the hand, and on from it.
    """

    ankle: float = 0.075
    shin: float = 0.38
    thigh: float = 0.39
    foot: float = 0.13
    hip_width: float = 0.08
    hip_drop: float = 0.03
    lower_spine: float = 0.28
    upper_spine: float = 0.21
    neck: float = 0.07
    head: float = 0.13
    shoulder_width: float = 0.155
    shoulder_drop: float = 0.045
    upper_arm: float = 0.26
    forearm: float = 0.235
    hand: float = 0.075
    tip: float = 0.065
    thumb: float = 0.05

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Body":
        """Draws a body: 86% to 112% of the mean size, its bones up to 6% off each."""
        size = rng.uniform(0.86, 1.12)
        return cls(*(size * length * rng.uniform(0.94, 1.06) for length in dataclasses.astuple(cls())))

    @property
    def leg(self) -> float:
        """From hip to ankle, stretched."""
        return self.thigh + self.shin

    @property
    def arm(self) -> float:
        """From shoulder to hand, stretched."""
        return self.upper_arm + self.forearm + self.hand

    @property
    def standing(self) -> float:
        """Height of the spine's base of one who stands at ease."""
        return self.ankle + 0.985 * self.leg + self.hip_drop

    @property
    def shoulder_height(self) -> float:
        """Height of the shoulders of one who stands upright."""
        return self.standing + self.lower_spine + self.upper_spine - self.shoulder_drop


@dataclasses.dataclass(frozen=True)
class Tracks:
    """What a body does, frame by frame.

    Attributes:
      place_Tx2: where it goes, x and z on its stage, in metres; the feet follow by steps.
      turn_T: where it is heading, in radians to the left of z.
      sway_Tx2: how far the spine's base is from above its place, x and z of the heading, in metres.
      drop_T: how far it is lowered, in lengths of the leg.
      jump_T: how far all of the body is above the floor, in metres.
      lean_Tx3: the chest forwards, to the left, and turned to the left, in radians.
      nod_Tx2: the head forwards, and turned to the left, in radians.
      hands_TxSxC: the hands from their shoulders, outwards, up and forwards of the heading, in lengths of the arm.
      elbows_TxS: 0 where an elbow hangs down, 1 where it is held out.
      feet_TxSxC: how far the feet are from where they would stand, as the hands, in lengths of the leg.
    """

    place_Tx2: np.ndarray
    turn_T: np.ndarray
    sway_Tx2: np.ndarray
    drop_T: np.ndarray
    jump_T: np.ndarray
    lean_Tx3: np.ndarray
    nod_Tx2: np.ndarray
    hands_TxSxC: np.ndarray
    elbows_TxS: np.ndarray
    feet_TxSxC: np.ndarray


def joint_positions(body: Body, tracks: Tracks, stance: float = 0.1, phase: float = 0.0) -> np.ndarray:
    """Forward kinematics of the trunk, inverse kinematics of the limbs.

    Args:
      body: the lengths.
      tracks: what the body does.
      stance: from the middle to each foot, in metres.
      phase: where in its cycle the left leg begins, 0 to 1.

    Returns:
      The joints on the stage in the order of `NTU_25`, in metres: T x V x C.
    """
    heading_TxCxC = rotation_about(1, tracks.turn_T)
    ground_TxSxC, toe_turn_TxS = _steps(tracks, stance, phase)
    ankle_TxSxC = ground_TxSxC + body.leg * _outwards(heading_TxCxC, tracks.feet_TxSxC)
    ankle_TxSxC[..., 1] += body.ankle + tracks.jump_T[:, np.newaxis]
    joint = _trunk(body, tracks, heading_TxCxC, ankle_TxSxC)
    knee_TxSxC, ankle_TxSxC = _two_bones(
        joint["hip"], ankle_TxSxC, body.thigh, body.shin, _outwards(heading_TxCxC, np.broadcast_to(_KNEE_C, (2, 3)))
    )
    shin_TxSxC = _unit(ankle_TxSxC - knee_TxSxC)
    joint["knee"], joint["ankle"] = knee_TxSxC, ankle_TxSxC
    joint["foot"] = ankle_TxSxC + body.foot * _toes(shin_TxSxC, toe_turn_TxS, tracks.feet_TxSxC[..., 1])
    stride_T = ((ground_TxSxC[:, 0] - ground_TxSxC[:, 1]) * heading_TxCxC[:, :, 2]).sum(axis=1)
    joint |= _arms(body, tracks, heading_TxCxC, joint, stride_T)
    return _in_order(joint)


def _in_order(joint: dict[str, np.ndarray]) -> np.ndarray:
    """TxVxC of joints by name, where those of two sides are one entry, TxSxC."""
    frames_TxVxC = np.empty((len(joint["head"]), len(NTU_25.joints), 3))
    for number, name in enumerate(NTU_25.joints):
        side, _, of_side = name.partition("_")
        found = joint[of_side][:, SIDES.index(side)] if side in SIDES else joint[name]
        frames_TxVxC[:, number] = found
    return frames_TxVxC


def _outwards(frame_TxCxC: np.ndarray, offset_TxSxC: np.ndarray) -> np.ndarray:
    """Offsets outwards, up and forwards of a frame as vectors of the stage: T x S x C."""
    sided_TxSxC = offset_TxSxC * np.stack((_OUTWARDS_S, np.ones(2), np.ones(2)), axis=1)
    return np.einsum("tij,tsj->tsi", frame_TxCxC, np.broadcast_to(sided_TxSxC, (len(frame_TxCxC), 2, 3)))


def _unit(vectors_TxSxC: np.ndarray) -> np.ndarray:
    unit_TxSxC: np.ndarray = vectors_TxSxC / np.maximum(np.linalg.norm(vectors_TxSxC, axis=-1, keepdims=True), 1e-9)
    return unit_TxSxC


def _two_bones(
    start_TxSxC: np.ndarray, goal_TxSxC: np.ndarray, upper: float, lower: float, bend_TxSxC: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The joint between two bones and the end of the second, as near to the goal as they reach, bent to one side."""
    way_TxSxC = goal_TxSxC - start_TxSxC
    direction_TxSxC = _unit(way_TxSxC)
    length_TxSx1 = np.linalg.norm(way_TxSxC, axis=-1, keepdims=True)
    length_TxSx1 = np.clip(length_TxSx1, abs(upper - lower) + 0.25 * min(upper, lower), 0.999 * (upper + lower))
    along_TxSx1 = (upper**2 - lower**2 + length_TxSx1**2) / (2.0 * length_TxSx1)
    aside_TxSx1 = np.sqrt(np.maximum(upper**2 - along_TxSx1**2, 0.0))
    across_TxSxC = bend_TxSxC - (bend_TxSxC * direction_TxSxC).sum(axis=-1, keepdims=True) * direction_TxSxC
    middle_TxSxC = start_TxSxC + along_TxSx1 * direction_TxSxC + aside_TxSx1 * _unit(across_TxSxC)
    return middle_TxSxC, start_TxSxC + length_TxSx1 * direction_TxSxC


def _steps(tracks: Tracks, stance: float, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the feet are that follow the body: on or above the floor, T x S x C, and where they point, T x S radians.

    A foot stands where the body will pass in the middle of its stay, so it never slides; a body that stays makes no
    steps.
    """
    frames = len(tracks.turn_T)
    time_T = np.arange(frames) / FRAMES_A_SECOND
    path_TxD = np.column_stack((tracks.place_Tx2, tracks.turn_T))
    cycles_TxS = time_T[:, np.newaxis] / _CYCLE + phase + np.array((0.0, 0.5))
    number_TxS = np.floor(cycles_TxS)
    done_TxS = np.minimum((cycles_TxS - number_TxS) / _SWING, 1.0)
    stays_2xTxS = number_TxS + np.array((-1.0, 0.0))[:, np.newaxis, np.newaxis]
    when_2xTxS = (stays_2xTxS + (1.0 + _SWING) / 2.0 - phase - np.array((0.0, 0.5))) * _CYCLE
    x_2xTxS, z_2xTxS, turn_2xTxS = (np.interp(when_2xTxS, time_T, path_T) for path_T in path_TxD.T)
    x_2xTxS = x_2xTxS + stance * _OUTWARDS_S * np.cos(turn_2xTxS)
    z_2xTxS = z_2xTxS - stance * _OUTWARDS_S * np.sin(turn_2xTxS)

    eased_TxS = least_jerk(done_TxS)
    x_TxS, z_TxS, turn_TxS = (old + eased_TxS * (new - old) for old, new in (x_2xTxS, z_2xTxS, turn_2xTxS))
    length_TxS = np.hypot(x_2xTxS[1] - x_2xTxS[0], z_2xTxS[1] - z_2xTxS[0])
    lift_TxS = _LIFT * np.sin(np.pi * done_TxS) * np.minimum(length_TxS / _FULL_STEP, 1.0)
    return np.stack((x_TxS, lift_TxS, z_TxS), axis=-1), turn_TxS


def _trunk(body: Body, tracks: Tracks, heading_TxCxC: np.ndarray, ankle_TxSxC: np.ndarray) -> dict[str, np.ndarray]:
    """The joints from the hips (T x S x C) to the head, and the chest's frame (T x C x C)."""
    forwards_T, aside_T, twist_T = tracks.lean_Tx3.T

    def leaning(part: float, turned: float) -> np.ndarray:
        """The heading, leaning and turned by a part of how the chest does."""
        lean_TxCxC = rotation_about(0, part * forwards_T) @ rotation_about(2, -part * aside_T)
        return heading_TxCxC @ rotation_about(1, turned * twist_T) @ lean_TxCxC

    pelvis_TxCxC, middle_TxCxC, chest_TxCxC = leaning(0.4, 0.3), leaning(0.8, 0.6), leaning(1.0, 1.0)
    sway_TxC = np.column_stack((tracks.sway_Tx2[:, 0], np.zeros(len(twist_T)), tracks.sway_Tx2[:, 1]))
    base_TxC = np.einsum("tij,tj->ti", heading_TxCxC, sway_TxC)
    base_TxC[:, [0, 2]] += tracks.place_Tx2
    # No lower than wanted, no higher than both legs reach.
    hip_TxSxC = (
        base_TxC[:, np.newaxis] + body.hip_width * _OUTWARDS_S[:, np.newaxis] * pelvis_TxCxC[:, np.newaxis, :, 0]
    )
    aside_TxS = np.hypot(hip_TxSxC[..., 0] - ankle_TxSxC[..., 0], hip_TxSxC[..., 2] - ankle_TxSxC[..., 2])
    reach_TxS = np.sqrt(np.maximum((0.998 * body.leg) ** 2 - aside_TxS**2, (0.3 * body.leg) ** 2))
    highest_T = (ankle_TxSxC[..., 1] + reach_TxS).min(axis=1) + body.hip_drop
    base_TxC[:, 1] = np.minimum(body.standing - body.leg * tracks.drop_T + tracks.jump_T, highest_T)
    hip_TxSxC[..., 1] += base_TxC[:, np.newaxis, 1] - body.hip_drop

    middle_TxC = base_TxC + body.lower_spine * middle_TxCxC[:, :, 1]
    shoulders_TxC = middle_TxC + body.upper_spine * chest_TxCxC[:, :, 1]
    neck_TxC = shoulders_TxC + body.neck * chest_TxCxC[:, :, 1]
    nod_T, look_T = tracks.nod_Tx2.T
    face_TxCxC = chest_TxCxC @ rotation_about(1, look_T) @ rotation_about(0, nod_T)
    return {
        "spine_base": base_TxC,
        "spine_middle": middle_TxC,
        "spine_shoulder": shoulders_TxC,
        "neck": neck_TxC,
        "head": neck_TxC + body.head * (0.97 * face_TxCxC[:, :, 1] + 0.24 * face_TxCxC[:, :, 2]),
        "hip": hip_TxSxC,
        "chest": chest_TxCxC,
    }


def _toes(shin_TxSxC: np.ndarray, turn_TxS: np.ndarray, lifted_TxS: np.ndarray) -> np.ndarray:
    """Where toes point: flat on the floor, and across the shin as far as the foot is lifted; T x S x C."""
    flat_TxSxC = np.stack((np.sin(turn_TxS), np.full_like(turn_TxS, -0.25), np.cos(turn_TxS)), axis=-1)
    across_TxSxC = _unit(flat_TxSxC - (flat_TxSxC * shin_TxSxC).sum(axis=-1, keepdims=True) * shin_TxSxC)
    part_TxSx1 = np.clip(5.0 * lifted_TxS, 0.0, 1.0)[..., np.newaxis]
    return _unit(_unit(flat_TxSxC) * (1.0 - part_TxSx1) + (across_TxSxC + 0.3 * shin_TxSxC) * part_TxSx1)


def _arms(
    body: Body, tracks: Tracks, heading_TxCxC: np.ndarray, trunk: dict[str, np.ndarray], stride_T: np.ndarray
) -> dict[str, np.ndarray]:
    """The joints from the shoulders to the hands' tips, T x S x C each; arms swing against the stride (metres)."""
    chest_TxCxC = trunk["chest"]
    raised_TxS = _SHRUG * body.arm * np.clip(tracks.hands_TxSxC[..., 1], -0.2, 1.0)
    places_TxSxC = np.zeros((len(stride_T), 2, 3))
    places_TxSxC[..., 0] = body.shoulder_width
    places_TxSxC[..., 1] = raised_TxS - body.shoulder_drop
    shoulder_TxSxC = trunk["spine_shoulder"][:, np.newaxis] + _outwards(chest_TxCxC, places_TxSxC)
    wanted_TxSxC = body.arm * tracks.hands_TxSxC
    wanted_TxSxC[..., 2] -= 0.35 * stride_T[:, np.newaxis] * _OUTWARDS_S
    goal_TxSxC = shoulder_TxSxC + _outwards(heading_TxCxC, wanted_TxSxC)
    out_TxSx1 = tracks.elbows_TxS[..., np.newaxis]
    bend_TxSxC = _outwards(chest_TxCxC, (1.0 - out_TxSx1) * _ELBOW_DOWN_C + out_TxSx1 * _ELBOW_OUT_C)
    elbow_TxSxC, hand_TxSxC = _two_bones(
        shoulder_TxSxC, goal_TxSxC, body.upper_arm, body.forearm + body.hand, bend_TxSxC
    )
    along_TxSxC = _unit(hand_TxSxC - elbow_TxSxC)
    inwards_TxSxC = _outwards(chest_TxCxC, np.broadcast_to(np.array((-0.8, 0.2, 0.4)), (2, 3)))
    return {
        "shoulder": shoulder_TxSxC,
        "elbow": elbow_TxSxC,
        "wrist": hand_TxSxC - body.hand * along_TxSxC,
        "hand": hand_TxSxC,
        "hand_tip": hand_TxSxC + body.tip * along_TxSxC,
        "thumb": hand_TxSxC + body.thumb * _unit(along_TxSxC + inwards_TxSxC),
    }
