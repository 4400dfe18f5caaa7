"""What tensorflow-datasets is for: the description of a record, its serialised form, and a set's metadata files.

TensorFlow itself is not needed.
"""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.proto import tf_example_pb2

from dsta_jax.data.records import Record


def record_features(label_names: Sequence[str], frame_shape: tuple[int, int, int]) -> tfds.features.FeaturesDict:
    """The features of a record whose frames are V x M x C; the keys of `dsta_jax.data.records.Record`."""
    return tfds.features.FeaturesDict(
        {
            "name": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=list(label_names)),
            "subject": np.int64,
            "camera": np.int64,
            "setup": np.int64,
            "frames": tfds.features.Tensor(shape=(None, *frame_shape), dtype=np.float32, encoding="bytes"),
        }
    )


def to_payload(features: tfds.features.FeaturesDict, record: Record) -> bytes:
    """The record as a serialised `tf.train.Example`; the same bytes in every process."""
    serialized = features.serialize_example(
        {
            "name": record.name,
            "label": record.label,
            "subject": record.subject,
            "camera": record.camera,
            "setup": record.setup,
            "frames": record.frames_TxVxMxC,
        }
    )
    # The order of a map's entries differs from one process to the next unless it is asked to be deterministic.
    payload: bytes = tf_example_pb2.Example.FromString(serialized).SerializeToString(deterministic=True)
    return payload


def write_metadata(
    directory: pathlib.Path,
    *,
    name: str,
    version: str,
    features: tfds.features.FeaturesDict,
    splits: Mapping[str, tuple[Sequence[int], int]],
    description: str,
    citation: str,
    homepage: str,
) -> None:
    """Writes `features.json`, `dataset_info.json` and the labels' names beside the shards; no time stamps, no paths.

    Args:
      directory: where all shards lie already.
      name: the set's name.
      version: three numbers with dots.
      features: as `record_features` gives them.
      splits: for each split the number of records in each shard, and the bytes of all payloads.
      description: one paragraph.
      citation: a publication.
      homepage: an address.
    """
    split_infos = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=list(lengths),
            num_bytes=size,
            filename_template=tfds.core.ShardedFileTemplate(
                data_dir=epath.Path(directory), dataset_name=name, split=split, filetype_suffix="tfrecord"
            ),
        )
        for split, (lengths, size) in splits.items()
    ]
    tfds.folder_dataset.write_metadata(
        data_dir=str(directory),
        features=features,
        split_infos=split_infos,
        version=version,
        check_data=False,
        description=description,
        citation=citation,
        homepage=homepage,
    )
