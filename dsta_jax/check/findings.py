"""What is wrong with a data set, or looks as if it was: rules over all recordings' facts.

An error makes training refuse the set, or learn something else than the benchmark says: NaN or infinity, a recording in
which nobody is seen, an unknown label, an empty part, a class that is tested on but never trained on. Everything else
is a warning, which a set may well live with.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dsta_jax.check import faults, joint_order
from dsta_jax.check.survey import Survey
from dsta_jax.data import duplicates

# The median over a recording's bones of how much they change their length. Of 3,353 recordings (UTD-MHAD, NW-UCLA,
# synthetic hands) none has more than 0.23. Two coordinates see a bone shorter when it points to the camera: no limit.
BONE_CHANGE = 0.35

# Left and right bones may differ by this factor. They do by 1.4 at most (five recordings of NTU RGB+D; 1.04 in larger
# sets), joints in a random order by 2.3 or more. Again, two coordinates have no such limit.
ASYMMETRY = 1.6

# A recording whose bones are so many times longer than those of most, compared with how far apart its joints are, may
# have its joints in another order: UTD-MHAD 1.2, NW-UCLA 1.6 at most, and joints in a random order 2 to 3.5 times.
OTHER_ORDER = 1.75

# Fewer recordings than these do not say what is usual.
_FEW = 10


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something wrong.

    Attributes:
      said: what, in a sentence.
      cases: where, one line each, worst first.
      error: whether training is wrong with it.
    """

    said: str
    cases: tuple[str, ...] = ()
    error: bool = False


def find(survey: Survey) -> list[Finding]:
    """All findings of a survey, errors first."""
    found = [finding for rule in RULES for finding in rule(survey)]
    return sorted(found, key=lambda finding: not finding.error)


def values(survey: Survey) -> Iterable[Finding]:
    """NaN and infinity, recordings in which nobody is seen, unknown labels."""
    of_N = f"of {len(survey.facts)} recordings"
    bad = [f"{facts.name}: {facts.not_finite}" for facts in survey.facts if facts.not_finite]
    if bad:
        yield Finding(f"NaN or infinity in {len(bad)} {of_N}", tuple(bad), error=True)
    unseen = [f"{facts.name}: {facts.frames} frames" for facts in survey.facts if not facts.seen]
    if unseen:
        yield Finding(f"nobody is seen in {len(unseen)} {of_N}", tuple(unseen), error=True)
    strange = [f"{survey.facts[n].name}: {survey.facts[n].record.label}" for n in np.flatnonzero(survey.class_N < 0)]
    if strange:
        last = len(survey.benchmark.class_of_label) - 1
        yield Finding(f"{len(strange)} {of_N} have a label outside 0 to {last}", tuple(strange), error=True)


def parts(survey: Survey) -> Iterable[Finding]:
    """Empty parts, and classes that a part lacks."""
    names = survey.benchmark.class_names
    count_K = np.bincount(survey.class_N[survey.class_N >= 0], minlength=len(names))
    if absent := [names[k] for k in np.flatnonzero(count_K == 0)]:
        yield Finding(f"{len(absent)} of {len(names)} classes have no recordings", tuple(absent))
    column = survey.benchmark.left_out
    if column:
        value_N = survey.columns[column]
        if len(set(value_N)) < 2:
            yield Finding(f"all recordings have the same {column}: none is left to train on", error=True)
            return
        values_K = [set(value_N[survey.class_N == k]) for k in range(len(names))]
        only = [names[k] for k, values_of in enumerate(values_K) if len(values_of) == 1]
        if only:
            said = f"{len(only)} of {len(names)} classes have recordings of one {column} only"
            yield Finding(f"{said}: without it, there are none to learn from", tuple(only), error=True)
        return
    for part, mask_N in (("training", ~survey.is_test_N), ("testing", survey.is_test_N)):
        if not mask_N.any():
            yield Finding(f"no recording is for {part}", error=True)
            continue
        lacking_K = (count_K > 0) & ~np.isin(np.arange(len(names)), survey.class_N[mask_N])
        if lacking := [names[k] for k in np.flatnonzero(lacking_K)]:
            said = f"{len(lacking)} of {len(names)} classes have no recordings for {part}"
            yield Finding(said, tuple(lacking), error=part == "training")


def twin_recordings(survey: Survey) -> Iterable[Finding]:
    """The very same frames under two names: across the parts, within one, and with two labels."""
    known = np.flatnonzero([bool(facts.fingerprint) for facts in survey.facts])
    fingerprint_N = np.array([survey.facts[n].fingerprint for n in known])
    groups = [known[group] for group in duplicates.groups(fingerprint_N)]
    column = survey.benchmark.left_out
    side_N = survey.columns[column] if column else survey.is_test_N
    across = [group for group in groups if len(set(side_N[group])) > 1]
    within = [group for group in groups if len(set(side_N[group])) == 1]

    def cases(of: Sequence[np.ndarray], note: Callable[[int], str]) -> tuple[str, ...]:
        return tuple(" = ".join(f"{survey.facts[n].name} ({note(n)})" for n in group) for group in of)

    def part(n: int) -> str:
        return f"{column} {side_N[n]}" if column else "test" if side_N[n] else "train"

    if across and column:
        said = (
            f"{sum(map(len, across))} recordings are identical to one of another {column}: tested on what was learned"
        )
        yield Finding(said, cases(across, part))
    elif across:
        leaked = int(duplicates.leaked(fingerprint_N, side_N[known]).sum())
        said = f"{leaked} of {side_N.sum()} recordings for testing are identical to one for training"
        yield Finding(said, cases(across, part))
    if within:
        said = f"{sum(map(len, within))} recordings are identical to another one of the same part"
        yield Finding(said, cases(within, part))
    if torn := [group for group in groups if len(set(survey.class_N[group])) > 1]:
        said = f"{sum(map(len, torn))} recordings are identical to one of another class"
        yield Finding(said, cases(torn, lambda n: f"label {survey.facts[n].record.label}"))


def subjects(survey: Survey) -> Iterable[Finding]:
    """A division by subjects that a few of them cross; where most do, it is no division by subjects."""
    subject_N, is_test_N = survey.columns["subject"], survey.is_test_N
    shared = sorted(set(subject_N[is_test_N]) & set(subject_N[~is_test_N]) - {0})
    tested = set(subject_N[is_test_N]) - {0}
    if 0 < len(shared) <= len(tested) / 2:
        cases = tuple(
            f"subject {number}: {np.sum((subject_N == number) & ~is_test_N)} recordings for training, "
            f"{np.sum((subject_N == number) & is_test_N)} for testing"
            for number in shared
        )
        yield Finding(f"{len(shared)} of the {len(tested)} subjects that are tested on are trained on as well", cases)


def still(survey: Survey) -> Iterable[Finding]:
    """Joints that stay exactly where they are, recordings in which nothing moves, joints that are never seen."""
    layout = survey.benchmark.layout
    still_NxV = np.array([facts.still_V for facts in survey.facts])
    frozen = [facts.name for facts in survey.facts if facts.still_V.all()]
    if frozen:
        yield Finding(f"nothing moves in {len(frozen)} of {len(survey.facts)} recordings", tuple(frozen))
    lone_NxV = still_NxV & ~still_NxV.all(axis=1, keepdims=True)
    count_V = lone_NxV.sum(axis=0)
    joints = [int(joint) for joint in np.argsort(-count_V, kind="stable") if count_V[joint]]
    if joints:
        first = [survey.facts[int(lone_NxV[:, joint].argmax())].name for joint in joints]
        cases = (
            f"{layout.joints[joint]}: in {count_V[joint]} of {len(survey.facts)} recordings, first {name}"
            for joint, name in zip(joints, first, strict=True)
        )
        yield Finding(
            f"{len(joints)} of {len(layout.joints)} joints stand exactly still while others move", tuple(cases)
        )
    if survey.distances.seen_V.any() and not survey.distances.seen_V.all():
        never = tuple(layout.joints[joint] for joint in np.flatnonzero(~survey.distances.seen_V))
        yield Finding(f"{len(never)} of {len(layout.joints)} joints are never seen", never)


def jumps(survey: Survey) -> Iterable[Finding]:
    """Joints, and whole bodies, that are suddenly elsewhere."""
    joints = survey.benchmark.layout.joints
    jumping = sorted((facts for facts in survey.facts if facts.jumps), key=lambda facts: -facts.jumps[0].distance)
    cases = []
    for facts in jumping:
        worst, more = facts.jumps[0], len(facts.jumps) - 1
        who = "the whole body" if worst.joint < 0 else joints[worst.joint]
        also = f", and {more} more jump{'s' if more > 1 else ''}" if more else ""
        cases.append(f"{facts.name}: frame {worst.frame}, {who} by {worst.distance:.1f} x the body's size{also}")
    if cases:
        yield Finding(f"joints jump between two frames in {len(cases)} of {len(survey.facts)} recordings", tuple(cases))


def bones(survey: Survey) -> Iterable[Finding]:
    """Signs that the joints are in another order than the layout's, in all recordings or in some."""
    order = "are the joints in the order of the data?"
    if reason := joint_order.wrong_order(survey.distances):
        yield Finding(f"{reason}: {order}")
    if not survey.distances.flat:
        yield from _lengths(survey, order)
    ratio_N = np.array([facts.bone_ratio for facts in survey.facts])
    known_N = ~np.isnan(ratio_N)
    if known_N.sum() >= _FEW:
        times_N = np.nan_to_num(ratio_N / np.median(ratio_N[known_N]))
        other = [n for n in np.argsort(-times_N, kind="stable") if times_N[n] > OTHER_ORDER]
        cases = tuple(f"{survey.facts[n].name}: {times_N[n]:.1f} x as long" for n in other)
        if cases:
            said = f"the bones of {len(cases)} of {len(survey.facts)} recordings are long"
            yield Finding(f"{said}: are their joints in another order?", cases)


def _lengths(survey: Survey, order: str) -> Iterable[Finding]:
    """Bones of three coordinates: left and right are alike, and lengths stay."""
    uneven = [case for ratio, case in asymmetries(survey) if ratio > ASYMMETRY]
    if uneven:
        yield Finding(f"bones of the left and the right side differ in length: {order}", tuple(uneven))
    change_NxB = np.array([facts.change_B for facts in survey.facts])
    known_N = ~np.isnan(change_NxB).all(axis=1)
    change_N = np.zeros(len(change_NxB))
    change_N[known_N] = np.nanmedian(change_NxB[known_N], axis=1)
    wild = [n for n in np.argsort(-change_N, kind="stable") if change_N[n] > BONE_CHANGE]
    if wild:
        said = (
            f"bones change their lengths by more than {100 * BONE_CHANGE:.0f}% (median over the bones) in {len(wild)}"
        )
        cases = tuple(f"{survey.facts[n].name}: {100 * change_N[n]:.0f}%" for n in wild)
        yield Finding(f"{said} of {len(survey.facts)} recordings: joints mixed up, or lost", cases)


def asymmetries(survey: Survey) -> list[tuple[float, str]]:
    """How many times longer a bone is than its mirror image, the median over the recordings, most first; in words."""
    layout = survey.benchmark.layout
    length_NxB = np.array([facts.length_B for facts in survey.facts])
    length_NxB = length_NxB[~np.isnan(length_NxB).any(axis=1)]
    place = {int(joint): place for place, joint in enumerate(faults.bones(layout))}
    if not len(length_NxB) or not layout.right_of_left:
        return []
    length_B = np.median(length_NxB / length_NxB.mean(axis=1, keepdims=True), axis=0)
    found = []
    for left, right in layout.right_of_left.items():
        if left in place and right in place:
            lengths = {joint: length_B[place[joint]] for joint in (left, right)}
            long, short = sorted(lengths, key=lambda joint: -lengths[joint])
            ratio = float(lengths[long] / lengths[short]) if lengths[short] else np.inf
            found.append((ratio, f"{layout.joints[long]} is {ratio:.2f} x as long as {layout.joints[short]}"))
    return sorted(found, reverse=True)


Rule = Callable[[Survey], Iterable[Finding]]
RULES: tuple[Rule, ...] = (values, parts, twin_recordings, subjects, bones, jumps, still)
