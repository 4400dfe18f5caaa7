"""NTU RGB+D, 60 and 120 actions of one or two people (Shahroudy et al., CVPR 2016; Liu et al., TPAMI 2020).

A recording is a file `SsssCcccPpppRrrrAaaa.skeleton`, named by setup, camera, subject, replication and action, of what
a Kinect v2 saw; `ntu_skeleton` reads it and chooses the bodies. A set is converted once; the protocols divide it.
"""

import functools
import pathlib

from dsta_jax.datasets import ntu_skeleton
from dsta_jax.datasets.benchmark import Benchmark, Protocol, Source, names
from dsta_jax.datasets.layouts import NTU_25
from dsta_jax.datasets.recording import NTU_NAME, Collection, Entry, in_files, read_lines
from dsta_jax.errors import UserError

FILE_PATTERN = "*.skeleton"
SETUPS, CAMERAS, SUBJECTS = 32, 3, 106

# Actions 1 to 120 as the authors number them; the first 60 are those of NTU RGB+D 60.
ACTIONS = names("""
    drink water, eat a meal or snack, brush teeth, brush hair, drop, pick up, throw, sit down, stand up, clap, read,
    write, tear up paper, put on a jacket, take off a jacket, put on a shoe, take off a shoe, put on glasses,
    take off glasses, put on a hat or cap, take off a hat or cap, cheer up, wave a hand, kick something,
    reach into a pocket, hop on one foot, jump up, make or answer a phone call, play with a phone or tablet,
    type on a keyboard, point to something, take a selfie, check the time on a watch, rub two hands, nod or bow,
    shake head, wipe face, salute, put palms together, cross hands in front (stop), sneeze or cough, stagger,
    fall down, touch head (headache), touch chest (chest pain), touch back (back pain), touch neck (neck pain),
    nausea or vomiting, fan oneself (feeling warm), punch or slap somebody, kick somebody, push somebody,
    pat somebody on the back, point a finger at somebody, hug somebody, give something to somebody,
    touch somebody's pocket, shake hands, walk towards each other, walk apart, put on headphones,
    take off headphones, shoot at a basket, bounce a ball, swing a tennis bat, juggle a table tennis ball,
    hush (quiet), flick hair, thumb up, thumb down, make an OK sign, make a victory sign, staple a book, count money,
    cut nails, cut paper with scissors, snap fingers, open a bottle, sniff (smell), squat down, toss a coin,
    fold paper, ball up paper, play with a magic cube, apply cream on face, apply cream on the back of a hand,
    put on a bag, take off a bag, put something into a bag, take something out of a bag, open a box,
    move heavy objects, shake a fist, throw up a cap or hat, raise both hands, cross arms, circle arms, swing arms,
    run on the spot, kick backward, cross toe touch, side kick, yawn, stretch oneself, blow nose,
    hit somebody with something, wield a knife towards somebody, knock over somebody, grab somebody's things,
    shoot at somebody with a gun, step on somebody's foot, high-five, cheers and drink, carry something together,
    take a photo of somebody, follow somebody, whisper in somebody's ear, exchange things, support somebody,
    rock-paper-scissors
""")


def find(raw_dir: pathlib.Path, actions: int, setups: int) -> Collection:
    """The recordings of the first actions and setups, at any depth; UserError when there are none, or a name is odd."""
    entry_of = functools.partial(_entry, actions=actions, setups=setups)
    return in_files(raw_dir, FILE_PATTERN, entry_of, ntu_skeleton.read, ACTIONS[:actions])


def _entry(path: pathlib.Path, actions: int, setups: int) -> Entry | None:
    match = NTU_NAME.fullmatch(path.stem)
    if match is None or "000" in match.groups():
        raise UserError(f"{path}: name {path.stem!r}, expected SsssCcccPpppRrrrAaaa, numbers of three digits from 1")
    setup, camera, subject, _, action = map(int, match.groups())
    for what, found, most in (("setup", setup, SETUPS), ("camera", camera, CAMERAS), ("action", action, len(ACTIONS))):
        if found > most:
            raise UserError(f"{path}: {what} {found} in the name, expected 1 to {most}")
    if action > actions or setup > setups:
        return None
    return Entry(path.stem, path, action - 1, subject, camera, setup)


def read_names(path: pathlib.Path) -> list[str]:
    """Reads lines of text, then a recording's name on each line; UserError when there are none, or others between."""
    lines = [line.strip() for line in read_lines(path)]
    found = [line for line in lines if NTU_NAME.fullmatch(line)]
    if not found:
        raise UserError(f"{path}: none of its {len(lines)} lines is a recording's name SsssCcccPpppRrrrAaaa")
    for number, line in enumerate(lines[lines.index(found[0]) :], start=lines.index(found[0]) + 1):
        if line and not NTU_NAME.fullmatch(line):
            raise UserError(f"{path}:{number}: {line[:40]!r}, expected a recording's name SsssCcccPpppRrrrAaaa")
    return found


def _source(actions: int, setups: int, published: int, citation: str) -> Source:
    return Source(
        name=f"ntu{actions}",
        layout=NTU_25,
        label_names=ACTIONS[:actions],
        bodies=2,
        find=functools.partial(find, actions=actions, setups=setups),
        description=f"{actions} actions of one or two people seen by Kinect v2: skeletons of 25 joints, bodies chosen.",
        citation=citation,
        homepage="https://rose1.ntu.edu.sg/dataset/actionRecognition/",
        published=published,  # Those that are not on the authors' list of missing skeletons.
        prepare=(
            f"python -m data_prep.convert --from=ntu{actions} --in=DIRECTORY_OF_SKELETON_FILES --out={{data_dir}}",
        ),
    )


NTU60 = _source(
    *(60, 17, 56_578),
    "A. Shahroudy, J. Liu, T.-T. Ng, G. Wang. NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis. "
    "CVPR 2016.",
)
NTU120 = _source(
    *(120, SETUPS, 113_945),
    "J. Liu, A. Shahroudy, M. Perez, G. Wang, L.-Y. Duan, A. C. Kot. NTU RGB+D 120: A Large-Scale Benchmark for 3D "
    "Human Activity Understanding. TPAMI 2020.",
)
SYNTHETIC = NTU60.imitation("synthetic_ntu", "--layout=ntu ")

_SUBJECTS_60 = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
_SUBJECTS_120 = (
    *_SUBJECTS_60,
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94),
    *(95, 97, 98, 100, 103),
)
_CROSS_SUBJECT_60 = Protocol("subject", train=_SUBJECTS_60)
_CROSS_SUBJECT_120 = Protocol("subject", train=_SUBJECTS_120)
_CROSS_VIEW = Protocol("camera", test=(1,))

BENCHMARKS = (
    Benchmark.of_labels("ntu60_cs", NTU60, _CROSS_SUBJECT_60),
    Benchmark.of_labels("ntu60_cv", NTU60, _CROSS_VIEW),
    Benchmark.of_labels("synthetic_ntu_cs", SYNTHETIC, _CROSS_SUBJECT_60),
    Benchmark.of_labels("synthetic_ntu_cv", SYNTHETIC, _CROSS_VIEW),
    Benchmark.of_labels("ntu120_cs", NTU120, _CROSS_SUBJECT_120),
    # DSTA-Net's paper trains on the odd setups; the data set's own protocol, and everybody else, on the even ones.
    Benchmark.of_labels("ntu120_ce", NTU120, Protocol("setup", test=tuple(range(2, SETUPS + 1, 2)))),
    Benchmark.of_labels("ntu120_xset", NTU120, Protocol("setup", test=tuple(range(1, SETUPS + 1, 2)))),
)
