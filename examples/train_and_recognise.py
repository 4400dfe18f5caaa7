"""From arrays in memory to a network that recognises gestures, in under a minute on a laptop.

Run it as a script, `python examples/train_and_recognise.py`, or cell by cell in an editor that knows `# %%`. It needs
no files, and writes `runs/example`. The hands are made of sines: the accuracy says that all works, and nothing else.
"""

# %% Recordings: each is an array of frames x joints x coordinates, of any length and in any unit.

import numpy as np

import dsta_jax

GESTURES = ("circle", "push", "wave")


def open_hand() -> np.ndarray:
    """21 x 3: the joints of a flat hand in metres, in MediaPipe's order; the wrist, then five fingers."""
    angle_F = np.linspace(-0.6, 0.6, 5)[:, None]
    length_J = np.array([0.08, 0.11, 0.13, 0.15])
    fingers_FxJx3 = np.stack([length_J * np.sin(angle_F), length_J * np.cos(angle_F), np.zeros((5, 4))], axis=-1)
    return np.concatenate([np.zeros((1, 3)), fingers_FxJx3.reshape(20, 3)])


def record(gesture: str, rng: np.random.Generator) -> np.ndarray:
    """Frames x 21 x 3: a hand of some size at some place makes a gesture at some speed."""
    time_T = np.arange(rng.integers(40, 80)) / 30
    phase_T = 2 * np.pi * rng.uniform(0.8, 1.2) * time_T + rng.uniform(0, 2 * np.pi)
    still_T = np.zeros_like(time_T)
    way_Tx3 = {
        "circle": np.stack([np.cos(phase_T), np.sin(phase_T), still_T], axis=-1),
        "push": np.stack([still_T, still_T, np.sin(phase_T)], axis=-1),
        "wave": np.stack([np.sin(phase_T), still_T, still_T], axis=-1),
    }[gesture]
    hand_Vx3 = rng.uniform(0.8, 1.2) * open_hand() + rng.normal(size=3)
    frames_TxVx3 = hand_Vx3 + rng.uniform(0.08, 0.15) * way_Tx3[:, None]
    return frames_TxVx3 + rng.normal(scale=0.002, size=frames_TxVx3.shape)


rng = np.random.default_rng(0)
labels = [gesture for gesture in GESTURES for _ in range(24)]
frames = [record(gesture, rng) for gesture in labels]

# %% A data set: what the joints are, and which recordings test. Real ones should test on people nobody trained on.

split = ["test" if number % 4 == 0 else "train" for number in range(len(frames))]
data = dsta_jax.DataSet.from_arrays(frames, labels, layout="mediapipe_hand_21", split=split)

# %% An experiment: a configuration by name, and what should differ from it; here a tiny network and two streams.

config = dsta_jax.get_config("own:small,spatial_temporal,slow_temporal")
config.data.sampled_frames = config.data.frames = 16
config.model.update({"input_channels": 8, "channels": (16,), "embedding": (4,), "strides": (2,)})  # one layer
config.train.update({"epochs": 30.0, "batch_size": 16})
results = dsta_jax.Experiment(config, data).train("runs/example")
assert results is not None, "interrupted and saved; run it again to go on"
print(f"accuracy on the test part: {results['accuracy']['fused']['top1']:.0%}")

# %% Recognition needs the working directory and nothing else; a recording gives an answer, a list of them a list.

recognizer = dsta_jax.load("runs/example")
answers = recognizer([record(gesture, rng) for gesture in GESTURES])
for gesture, answer in zip(GESTURES, answers, strict=True):
    print(f"{gesture}: {answer.label}, probability {answer.probability:.2f}, then {answer.top(2)[1][0]}")

# %% A joint that was not seen is NaN; each stream has an answer of its own.

wave = record("wave", rng)
wave[:, 4] = np.nan  # the tip of the thumb
answer = recognizer(wave)
each = ", ".join(f"{stream} {one.label}" for stream, one in answer.streams.items())
print(f"wave without a thumb: {answer.label} ({each})")
