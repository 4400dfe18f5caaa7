"""What tensorflow-datasets is for: the description of a record, its serialised form, and a set's metadata files.

TensorFlow itself is not needed.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.proto import tf_example_pb2

from dsta_jax.data.records import CHECKSUMS, Record, shard_checksum, shard_name
from dsta_jax.datasets.recording import ORIGINS
from dsta_jax.files import complete_file


def record_features(
    label_names: Sequence[str], frame_shape: tuple[int, int, int], words: Sequence[str] = ()
) -> tfds.features.FeaturesDict:
    """The features of a record: V, M and C, and which of subject, camera and setup are words, not numbers."""
    return tfds.features.FeaturesDict(
        {
            "name": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=list(label_names)),
            **{key: tfds.features.Text() if key in words else np.int64 for key in ORIGINS},
            "frames": tfds.features.Tensor(shape=(None, *frame_shape), dtype=np.float32, encoding="bytes"),
        }
    )


def to_payload(features: tfds.features.FeaturesDict, record: Record) -> bytes:
    """The record as a serialised `tf.train.Example`; the same bytes in every process."""
    values = {key: value for key, value in vars(record).items() if key != "frames_TxVxMxC"}
    serialized = features.serialize_example({**values, "frames": record.frames_TxVxMxC})
    # The order of a map's entries differs from one process to the next unless it is asked to be deterministic.
    return bytes(tf_example_pb2.Example.FromString(serialized).SerializeToString(deterministic=True))


def write_metadata(
    directory: pathlib.Path,
    *,
    name: str,
    features: tfds.features.FeaturesDict,
    splits: Mapping[str, tuple[Sequence[int], int]],
    **described: str,
) -> None:
    """Writes what describes a set beside its shards, which are there; no time stamps, no paths.

    These are `features.json`, `dataset_info.json` and the labels' names; and `checksums.json`, by which our reader
    knows that the shards belong together.

    The splits say the number of records in each shard, and the bytes of all payloads; `described` are the set's version
    (three numbers with dots), description, citation and homepage.
    """
    template = tfds.core.ShardedFileTemplate(epath.Path(directory), dataset_name=name, filetype_suffix="tfrecord")
    split_infos = [
        tfds.core.SplitInfo(
            name=split, shard_lengths=list(lengths), num_bytes=size, filename_template=template.replace(split=split)
        )
        for split, (lengths, size) in splits.items()
    ]
    tfds.folder_dataset.write_metadata(
        data_dir=str(directory), features=features, split_infos=split_infos, check_data=False, **described
    )
    shards = [
        shard_name(name, split, number, len(lengths))
        for split, (lengths, _) in splits.items()
        for number in range(len(lengths))
    ]
    with complete_file(directory / CHECKSUMS) as file:
        checksums = {shard: shard_checksum(directory / shard) for shard in shards}
        file.write(json.dumps(checksums, indent=2).encode() + b"\n")
