"""NTU RGB+D's rules once more, number by number in plain Python, to compare with.

A body is 25 joints of three numbers, a track maps the frames in which a body was seen, in order, to bodies.
"""

import math
from collections.abc import Sequence

Joints = Sequence[Sequence[float]]
Track = dict[int, Joints]

ROOT, TOP, ELBOW = 0, 20, 5  # Spine base, spine at the shoulders, left elbow.


def select(frames: int, seen: list[tuple[int, int, Joints]]) -> list[Track]:
    """Of a file's bodies, each a frame, an id and joints, the tracks of at most two people."""
    tracks: dict[int, Track] = {}
    for frame in range(frames):
        ids_here = []
        for frame_here, body_id, joints in seen:
            if frame_here == frame:
                # An id seen twice in one frame counts on to the next free id.
                while body_id in ids_here:
                    body_id += 1
                ids_here.append(body_id)
                tracks.setdefault(body_id, {})[frame] = joints
    if len(tracks) < 2:
        return list(tracks.values())
    by_energy = sorted(tracks.values(), key=energy, reverse=True)
    # Of the tracks below 0.85 of the largest energy, those that are not upright in their first frame are dropped.
    most = energy(by_energy[0])
    kept = [track for track in by_energy if energy(track) >= 0.85 * most or is_upright(first_of(track))]
    return kept[:2]


def first_of(track: Track) -> Joints:
    return track[min(track)]


def energy(track: Track) -> float:
    """The standard deviation of all joints relative to joint 0, of all frames; the sum of that of x, y and z."""
    total = 0.0
    for axis in range(3):
        offsets = [joint[axis] - joints[ROOT][axis] for joints in track.values() for joint in joints]
        mean = sum(offsets) / len(offsets)
        total += math.sqrt(sum((offset - mean) ** 2 for offset in offsets) / len(offsets))
    return total


def is_upright(joints: Joints) -> bool:
    width, height = (max(joint[axis] for joint in joints) - min(joint[axis] for joint in joints) for axis in (0, 1))
    return 0.8 * height > width


def normalize(frames: int, tracks: list[Track]) -> list[list[list[list[float]]]]:
    """The sequence by frame, joint, body (two) and coordinate; zeros where a body was not seen."""
    order = list(range(frames))
    if not any(0 in track for track in tracks):
        # Nobody is seen in frame 0: the seen frames move to the front.
        occupied = [frame for frame in order if any(frame in track for track in tracks)]
        order = occupied + [frame for frame in order if frame not in occupied]
    first = first_of(tracks[0])
    origin = first[ROOT]
    lengths = [math.dist(joints[ROOT], joints[TOP]) for _, joints in sorted(tracks[0].items())]
    unit = next(length for length in lengths if length > 0)
    up = turn_onto(minus(first[TOP], first[ROOT]), (0.0, 0.0, 1.0))
    x, y, _ = times(up, minus(first[ELBOW], first[TOP]))
    side = turn_onto((x, y, 0.0), (1.0, 0.0, 0.0))
    result = []
    for frame in order:
        joints_of_bodies = [[[0.0, 0.0, 0.0] for _ in range(2)] for _ in range(25)]
        for body, track in enumerate(tracks):
            for number, joint in enumerate(track.get(frame, [])):
                moved = [offset / unit for offset in minus(joint, origin)]
                joints_of_bodies[number][body] = times(side, times(up, moved))
        result.append(joints_of_bodies)
    return result


def minus(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(one, other, strict=True)]


def times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def turn_onto(start: Sequence[float], end: Sequence[float]) -> list[list[float]]:
    """The turn about the axis across both that takes the direction of `start` to that of `end`; none without length."""
    (a, b, c), (d, e, f) = start, end
    axis = [b * f - c * e, c * d - a * f, a * e - b * d]
    length = math.hypot(*axis)
    if length == 0:
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    angle = math.atan2(length, a * d + b * e + c * f)
    x, y, z = (part / length for part in axis)
    cos, sin = math.cos(angle), math.sin(angle)
    rest = 1 - cos
    return [
        [cos + x * x * rest, x * y * rest - z * sin, x * z * rest + y * sin],
        [y * x * rest + z * sin, cos + y * y * rest, y * z * rest - x * sin],
        [z * x * rest - y * sin, z * y * rest + x * sin, cos + z * z * rest],
    ]
