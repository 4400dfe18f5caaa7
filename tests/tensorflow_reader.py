"""Reads a converted set with TensorFlow and compares it with an .npz file; run by a Python that has TensorFlow.

python tests/tensorflow_reader.py DIRECTORY EXPECTED.npz

The .npz file holds, for each split, SPLIT/name, SPLIT/label, SPLIT/subject, SPLIT/camera, SPLIT/setup (N each),
SPLIT/lengths (N) and SPLIT/frames (all frames one after the other).
"""

import sys

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

NUMBERS = ("label", "subject", "camera", "setup")


def compare(found: list[dict], expected, split: str) -> None:
    """Ends the program unless all records and all their values are the expected ones."""
    by_name = {example["name"].decode(): example for example in found}
    names = expected[f"{split}/name"].tolist()
    assert len(found) == len(names) and set(by_name) == set(names), (len(found), len(names))
    ends = np.cumsum(expected[f"{split}/lengths"])
    for index, name in enumerate(names):
        for key in NUMBERS:
            assert by_name[name][key] == expected[f"{split}/{key}"][index], (name, key)
        frames = expected[f"{split}/frames"][ends[index] - expected[f"{split}/lengths"][index] : ends[index]]
        assert by_name[name]["frames"].dtype == np.float32
        np.testing.assert_array_equal(by_name[name]["frames"], frames, err_msg=name)


def main(directory: str, expected_file: str) -> None:
    """Reads all splits in both ways."""
    builder = tfds.builder_from_directory(directory)
    expected = np.load(expected_file)
    splits = sorted({key.split("/")[0] for key in expected.files})
    assert sorted(builder.info.splits) == splits, list(builder.info.splits)
    for split in splits:
        compare(list(tfds.as_numpy(builder.as_dataset(split=split))), expected, split)
        info = builder.info.splits[split]
        files = tf.data.TFRecordDataset([str(path) for path in info.filepaths])
        parsed = files.map(builder.info.features.deserialize_example)
        compare(list(parsed.as_numpy_iterator()), expected, split)
        print(f"{split}: {info.num_examples} records in {info.num_shards} shards are the expected ones")
    print("labels:", builder.info.features["label"].names[:2])


if __name__ == "__main__":
    main(*sys.argv[1:])
