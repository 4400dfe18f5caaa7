"""What is wrong with a data set, or looks wrong: rules over the facts of all recordings.

With an error, training refuses the set, fails, or learns something else than the benchmark says. Everything else is a
warning, which a set may well live with.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from dsta_jax.check import joint_order
from dsta_jax.check.survey import Survey
from dsta_jax.data import duplicates
from dsta_jax.data.streams import MOTION

# The median over a recording's bones of how much they change their length. Of 3,353 recordings (UTD-MHAD, NW-UCLA,
# synthetic hands) none has more than 0.23. Two coordinates see a bone shorter when it points to the camera: no limit.
BONE_CHANGE = 0.35

# Left and right bones may differ by this factor. They do by 1.4 at most (five recordings of NTU RGB+D; 1.04 in larger
# sets), joints in a random order by 2.3 or more. Again, two coordinates have no such limit.
ASYMMETRY = 1.6

# A recording whose bones are so many times as long as those of most, compared with how far apart its joints are, may
# have its joints in another order: UTD-MHAD 1.2, NW-UCLA 1.6 at most, and joints in a random order 2 to 3.5 times.
OTHER_ORDER = 1.75
_FEW = 10  # fewer recordings do not say what is usual


class Finding(NamedTuple):
    """Something wrong: what, in a sentence; where, one line each, worst first; whether training is wrong with it."""

    said: str
    cases: tuple[str, ...] = ()
    error: bool = False


def find(survey: Survey) -> list[Finding]:
    """All findings of a survey, errors first."""
    rules = (values, parts, twin_recordings, subjects, bones, jumps, still, unseen)
    return sorted((finding for rule in rules for finding in rule(survey)), key=lambda finding: not finding.error)


def _any(said: str, cases: Iterable[str], error: bool = False) -> Iterable[Finding]:
    """A finding, if there are cases; {} in what is said is their number."""
    if cases := tuple(cases):
        yield Finding(said.format(len(cases)), cases, error)


def values(survey: Survey) -> Iterable[Finding]:
    """Infinity, recordings in which nobody is seen, unknown labels."""
    facts, of_N = survey.facts, f"of {len(survey.facts)} recordings"
    last = len(survey.benchmark.class_of_label) - 1
    infinite = (f"{each['name']}: {each['infinite']}" for each in facts if each["infinite"])
    nobody = (f"{each['name']}: {each['frames']} frames" for each in facts if not each["seen"])
    strange = (f"{each['name']}: {each['label']}" for each in facts if each["class"] < 0)
    yield from _any(f"infinity in {{}} {of_N}", infinite, error=True)
    yield from _any(f"nobody is seen in {{}} {of_N}", nobody, error=True)
    yield from _any(f"{{}} {of_N} have a label outside 0 to {last}", strange, error=True)


def parts(survey: Survey) -> Iterable[Finding]:
    """Empty parts, and classes that a part lacks."""
    names, column, class_N = survey.benchmark.class_names, survey.benchmark.left_out, survey["class"]
    of_K, there, is_test_N = f"of {len(names)} classes have", set(class_N), survey["is_test"]
    yield from _any(f"{{}} {of_K} no recordings", (name for k, name in enumerate(names) if k not in there))
    if column:
        value_N = survey[column]
        if len(set(value_N)) < 2:
            yield Finding(f"all recordings have the same {column}: none is left to train on", error=True)
            return
        said = f"{{}} {of_K} recordings of one {column} only: without it, there are none to learn from"
        lone = (name for k, name in enumerate(names) if len(set(value_N[class_N == k])) == 1)
        yield from _any(said, lone, error=True)
        return
    for part, mask_N in (("training", ~is_test_N), ("testing", is_test_N)):
        if not mask_N.any():
            yield Finding(f"no recording is for {part}", error=True)
            continue
        lacking = (name for k, name in enumerate(names) if k in there - set(class_N[mask_N]))
        yield from _any(f"{{}} {of_K} no recordings for {part}", lacking, error=part == "training")


def twin_recordings(survey: Survey) -> Iterable[Finding]:
    """The very same frames under two names: across the parts, within one, and with two labels."""
    name_N, fingerprint_N, column = survey["name"], survey["fingerprint"], survey.benchmark.left_out
    is_test_N, class_N = survey["is_test"], survey["class"]
    side_N = survey[column] if column else np.where(is_test_N, "test", "train")
    groups = [group for group in duplicates.groups(fingerprint_N) if fingerprint_N[group[0]]]
    across, within = ([group for group in groups if (len(set(side_N[group])) > 1) == apart] for apart in (True, False))
    torn = [group for group in groups if len(set(class_N[group])) > 1]
    said = f"{sum(map(len, across))} recordings are identical to one of another {column}: tests repeat what was learned"
    if not column:
        leaked = sum(is_test_N[group].sum() for group in across)
        said = f"{leaked} of {is_test_N.sum()} recordings for testing are identical to one for training"
    in_one = f"{sum(map(len, within))} recordings are identical to another one of the same part"
    in_two = f"{sum(map(len, torn))} recordings are identical to one of another class"
    sides = [f"{column} {side}" if column else side for side in side_N]
    labels = [f"label {label}" for label in survey["label"]]
    for sentence, chosen, note in ((said, across, sides), (in_one, within, sides), (in_two, torn, labels)):
        yield from _any(sentence, (" = ".join(f"{name_N[n]} ({note[n]})" for n in group) for group in chosen))


def subjects(survey: Survey) -> Iterable[Finding]:
    """A division by subjects that a few of them cross; where most do, it is no division by subjects."""
    tested, trained = (survey["subject"][mask_N].tolist() for mask_N in (survey["is_test"], ~survey["is_test"]))
    known = {subject for subject in tested if subject}
    shared = sorted(known & set(trained))
    if len(shared) <= len(known) / 2:
        said = "subject {0}: {1} recordings for training, {2} for testing"
        cases = (said.format(subject, trained.count(subject), tested.count(subject)) for subject in shared)
        yield from _any(f"{{}} of the {len(known)} subjects that are tested on are trained on as well", cases)


def still(survey: Survey) -> Iterable[Finding]:
    """Recordings in which nothing moves, and joints that do not move while others do."""
    name_N, names, total = survey["name"], survey.layout.joints, len(survey.facts)
    motion = " and ".join(stream for stream in survey.streams if stream in MOTION)
    still_N, trained_N = survey["still"], survey["still"][~survey["is_test"]]
    said = f"nothing moves in {{}} of {total} recordings"
    if motion and 2 * trained_N.sum() > len(trained_N):
        said += (
            f", {trained_N.sum()} of {len(trained_N)} for training: {motion} cannot learn from them; "
            "train :spatial_temporal or :spatial instead (behind the name of the configuration)"
        )
    yield from _any(said, name_N[still_N], error=bool(motion) and trained_N.size > 0 and bool(trained_N.all()))
    lone_NxV = survey["still_V"] & ~survey["still_V"].all(axis=1, keepdims=True)
    count_V = lone_NxV.sum(axis=0)
    cases = (
        f"{names[joint]}: in {count_V[joint]} of {total} recordings, first {name_N[lone_NxV[:, joint].argmax()]}"
        for joint in np.argsort(-count_V, kind="stable")
        if count_V[joint]
    )
    yield from _any(f"{{}} of {len(names)} joints stand exactly still while others move", cases)


def unseen(survey: Survey) -> Iterable[Finding]:
    """Joints that are mostly not seen, and recordings without the joints that say where and how large a body is."""
    names, unseen_V = survey.layout.joints, survey.unseen_V
    worst = np.argsort(-unseen_V, kind="stable")
    mostly = (f"{names[joint]}: in {unseen_V[joint]:.0%} of the frames" for joint in worst if unseen_V[joint] > 0.5)
    yield from _any(f"{{}} of {len(names)} joints are mostly not seen", mostly)
    needed_V = np.isin(names, survey.benchmark.source.normalized_by.joints)
    lacking = ((each["name"], np.flatnonzero(each["never_V"] & needed_V)) for each in survey.facts)
    cases = (f"{name}: {', '.join(names[joint] for joint in joints)}" for name, joints in lacking if len(joints))
    said = f"joints that recordings are normalised by are never seen in {{}} of {len(survey.facts)} recordings"
    yield from _any(f"{said}: name others in the [normalize] table of the benchmark's TOML file", cases)


def jumps(survey: Survey) -> Iterable[Finding]:
    """Joints, and whole bodies, that are suddenly elsewhere."""
    cases = []
    for facts in sorted((facts for facts in survey.facts if facts["jumps"]), key=lambda facts: -facts["jumps"][0][0]):
        (distance, frame, joint), *more = facts["jumps"]
        who = "the whole body" if joint < 0 else survey.layout.joints[joint]
        also = f", and {len(more)} more jump{'s' * (len(more) > 1)}" if more else ""
        cases.append(f"{facts['name']}: frame {frame}, {who} by {distance:.1f} x the body's size{also}")
    yield from _any(f"joints jump between two frames in {{}} of {len(survey.facts)} recordings", cases)


def bones(survey: Survey) -> Iterable[Finding]:
    """Signs that the joints are in another order than the layout's, in all recordings or in some."""
    order, of_N = "are the joints in the order of the data?", f"of {len(survey.facts)} recordings"

    def beyond(limit: float, value_N: np.ndarray, unit: str) -> Iterable[str]:
        name_N = survey["name"]
        return (f"{name_N[n]}: {value_N[n]:{unit}}" for n in np.argsort(-value_N) if value_N[n] > limit)

    if reason := joint_order.wrong_order(survey.distances):
        yield Finding(f"{reason}: {order}")
    if not survey.distances.flat:
        uneven = (case for ratio, case in asymmetries(survey) if ratio > ASYMMETRY)
        yield from _any(f"bones of the left and the right side differ in length: {order}", uneven)
        known = (change_B[change_B >= 0] for change_B in survey["change_B"])  # of the bones that are known
        change_N = np.array([np.median(change_B) if len(change_B) else 0.0 for change_B in known])
        said = f"bones change their lengths by more than {BONE_CHANGE:.0%} (median over the bones) in {{}} {of_N}"
        yield from _any(f"{said}: joints mixed up, or lost", beyond(BONE_CHANGE, change_N, ".0%"))
    ratio_N = survey["bone_ratio"]
    if np.isfinite(ratio_N).sum() >= _FEW:
        times_N = np.nan_to_num(ratio_N / np.nanmedian(ratio_N))
        other = (f"{case} x as long" for case in beyond(OTHER_ORDER, times_N, ".1f"))
        yield from _any(f"the bones of {{}} {of_N} are long: are their joints in another order?", other)


def asymmetries(survey: Survey) -> list[tuple[float, str]]:
    """How many times longer a bone is than its mirror image, the median over the recordings, most first; in words."""
    joints, length_NxB = survey.layout.joints, survey["length_B"]
    length_NxB = length_NxB[~np.isnan(length_NxB).any(axis=1)]
    if not len(length_NxB):
        return []
    median_B = np.median(length_NxB / length_NxB.mean(axis=1, keepdims=True), axis=0)
    length = dict(zip(joint_order.bones(survey.layout)[0].tolist(), median_B.tolist(), strict=True))
    found = []
    for pair in survey.layout.right_of_left.items():
        if length.keys() >= set(pair):
            short, long = sorted(pair, key=lambda joint: length[joint])
            ratio = length[long] / length[short] if length[short] else np.inf
            found.append((ratio, f"{joints[long]} is {ratio:.2f} x as long as {joints[short]}"))
    return sorted(found, reverse=True)
