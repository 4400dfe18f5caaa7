"""Converted data sets: records in TFRecord files, in the layout of TFDS, read without TensorFlow.

A set lies in `DATA_DIR/NAME/VERSION/`: `NAME-SPLIT.tfrecord-00000-of-000NN` (the shards), `features.json`,
`dataset_info.json` and `label.labels.txt` (https://www.tensorflow.org/datasets/external_tfrecord). Each payload of a
shard is a `tf.train.Example`. Reading checks all checksums and the counts: a file cut between two records passes every
checksum. And it checks that the shards are those that were written together: `checksums.json` beside them says so.
"""

import dataclasses
import hashlib
import math
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from dsta_jax import storage
from dsta_jax.data import tfrecord
from dsta_jax.data.messages import Example
from dsta_jax.datasets.recording import MOST_CLASSES, ORIGINS
from dsta_jax.errors import UserError, shown
from dsta_jax.files import MOST_TEXT, read_json, regular

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_LABELS = "label.labels.txt"
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)  # It is a part of files' names.
_MOST_SIZE = 10_000  # Joints, bodies or channels.
CHECKSUMS = "checksums.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """One recording, cleaned and normalised.

    Attributes:
      name: distinct within its data set; scores of several streams are matched by it.
      label: the finest class its data set has, from 0.
      subject: as the data set numbers it, from 1, or calls it; 0 or an empty word where it does not.
      camera: as `subject`; and `setup`.
      frames_TxVxMxC: float32, normalised; a joint that was not seen is NaN in all channels, an absent body is zeros.
    """

    name: str
    label: int
    subject: int | str
    camera: int | str
    setup: int | str
    frames_TxVxMxC: np.ndarray


@dataclasses.dataclass(frozen=True)
class DataSetInfo:
    """What `dataset_info.json` and `features.json` say of a set: the lengths of each split's shards, what labels mean.

    A record has M bodies, each of V joints, each of C channels.
    """

    name: str
    version: str
    split_lengths: Mapping[str, tuple[int, ...]]
    label_names: tuple[str, ...]
    joints: int
    bodies: int
    channels: int


def shard_name(name: str, split: str, shard: int, shards: int) -> str:
    """A shard's file name as TFDS has it; shards count from 0."""
    return f"{name}-{split}.tfrecord-{shard:05d}-of-{shards:05d}"


def find_data_set(data_dir: str | os.PathLike[str], name: str) -> pathlib.Path:
    """The directory `DATA_DIR/NAME/VERSION` of the set's highest version; an unfinished conversion does not count.

    Raises:
      UserError: when there is none.
    """
    parent = storage.place(data_dir) / name
    try:
        found = sorted(parent.iterdir()) if parent.is_dir() else []
    except OSError as error:
        raise UserError(f"{str(parent)[:80]}: cannot be read ({error.strerror})") from error
    versions = [path for path in found if path.is_dir() and _VERSION.fullmatch(path.name)]
    if not versions:
        present = ", ".join(path.name for path in found) or ("nothing" if parent.is_dir() else "no such directory")
        raise UserError(f"no data set {name} in {data_dir}: looked for {parent}/VERSION (as 1.0.0), found {present}")
    return max(versions, key=lambda path: tuple(int(number) for number in path.name.split(".")))


def read_info(directory: str | os.PathLike[str]) -> DataSetInfo:
    """Reads the two metadata files of a converted set.

    Raises:
      UserError: when one is missing, is not JSON, or does not describe a set of skeleton records.
    """
    directory = storage.place(directory)
    info = _read_json(directory / "dataset_info.json")
    features = _read_json(directory / "features.json")
    try:
        if info["fileFormat"] != "tfrecord":
            raise UserError(f"{directory}: file format {info['fileFormat']!r}, expected 'tfrecord'")
        described = features["featuresDict"]["features"]
        tensor = described["frames"]["tensor"]

        if tensor["dtype"] != "float32" or tensor["encoding"] != "bytes":
            raise ValueError("frames are not float32 stored as bytes")
        shape = [int(size) for size in tensor["shape"]["dimensions"][1:]]
        if min(shape) < 1 or max(shape) > _MOST_SIZE:
            raise ValueError(f"frames of shape {shape}, expected joints, bodies and channels from 1 to {_MOST_SIZE}")
        lengths = {split["name"]: tuple(int(length) for length in split["shardLengths"]) for split in info["splits"]}
        for name in (info["name"], *lengths):
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueError(f"{shown(name)} as a name, expected letters, digits, _, - and points")
        if any(min(counts, default=0) < 0 for counts in lengths.values()):
            raise ValueError("a shard of fewer than no records")
        return DataSetInfo(
            name=info["name"],
            version=info["version"],
            split_lengths=lengths,
            label_names=_label_names(directory / _LABELS, int(described["label"]["classLabel"]["numClasses"])),
            **dict(zip(("joints", "bodies", "channels"), shape, strict=True)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"no key {error}" if isinstance(error, KeyError) else error
        raise UserError(
            f"{directory}: dataset_info.json or features.json does not describe skeleton records ({reason}); "
            f"{tfrecord.REMEDY}"
        ) from error


def _read_json(path: pathlib.Path) -> Any:
    if not path.exists():
        raise UserError(f"{path}: no such file, so no complete data set; {tfrecord.REMEDY}")
    return read_json(path, tfrecord.REMEDY)


def _label_names(path: pathlib.Path, count: int) -> tuple[str, ...]:
    try:
        names = tuple(regular(path, MOST_TEXT).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable text file ({error}); {tfrecord.REMEDY}") from error
    if count > MOST_CLASSES:
        raise UserError(f"{path}: {count} labels, expected at most {MOST_CLASSES}; {tfrecord.REMEDY}")
    if len(names) != count:
        raise UserError(f"{path}: {len(names)} names, but {count} labels; {tfrecord.REMEDY}")
    return names


def total_bytes(directory: str | os.PathLike[str]) -> int:
    """The size of all shards of a set that are there."""
    return sum(map(storage.size, storage.place(directory).glob("*.tfrecord-*")))


def shard_checksum(path: pathlib.Path) -> str:
    """A digest of the checksums of a shard's records; UserError as by `tfrecord.read_file`."""
    found = _shard_digest()
    for payload in tfrecord.read_file(path):
        found.update(payload.checksum)
    return found.hexdigest()


def _shard_digest() -> Any:
    return hashlib.blake2b(digest_size=16)


def _checksums(directory: pathlib.Path) -> dict[str, str]:
    """The checksum of each shard by its file's name."""
    path = directory / CHECKSUMS
    found = _read_json(path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: expected the checksum of each shard; {tfrecord.REMEDY}")
    return found


def read_set(
    directory: str | os.PathLike[str], as_they_are: bool = False, digest: Any = None
) -> Iterator[tuple[str, Record]]:
    """Reads all splits of `DATA_DIR/NAME/VERSION`, one after the other: pairs of split name and record.

    With `as_they_are`, records may hold infinity, and unknown labels. The digest is given each record's checksum.

    Raises:
      UserError: when a shard is missing, damaged, cut short, too long or not one of this set's, a record is not as the
        metadata say, a name is taken twice, or the set was replaced while it was read.
    """
    directory = storage.place(directory)
    info, checksums = read_info(directory), _checksums(directory)
    try:
        yield from _read_shards(directory, info, checksums, as_they_are, digest)
    except UserError:
        _check_not_replaced(directory, checksums)
        raise
    _check_not_replaced(directory, checksums)


def _check_not_replaced(directory: pathlib.Path, checksums: dict[str, str]) -> None:
    try:
        if _checksums(directory) == checksums:
            return
    except UserError:  # Between the old set and the new one there is none.
        pass
    raise UserError(f"{directory}: was replaced while it was read; give the same command again")


def _read_shards(
    directory: pathlib.Path, info: DataSetInfo, checksums: Mapping[str, str], as_they_are: bool, digest: Any
) -> Iterator[tuple[str, Record]]:
    place_of: dict[str, str] = {}
    for split, lengths in info.split_lengths.items():
        for shard, expected in enumerate(lengths):
            path = directory / shard_name(info.name, split, shard, len(lengths))
            count, of_shard = 0, _shard_digest()
            for count, payload in enumerate(tfrecord.read_file(path), 1):
                place = f"{path}: record {count - 1} at byte {payload.offset}"
                record = _to_record(place, payload.content, info, as_they_are)
                if (taken := place_of.setdefault(record.name, place)) is not place:
                    raise UserError(f"{place}: the name {record.name!r} is taken by {taken}; {tfrecord.REMEDY}")
                of_shard.update(payload.checksum)
                if digest is not None:
                    digest.update(payload.checksum)
                yield split, record
            if count != expected:
                raise UserError(f"{path}: {count} records, expected {expected} by dataset_info.json; {tfrecord.REMEDY}")
            if of_shard.hexdigest() != checksums.get(path.name):
                raise UserError(f"{path}: not the shard that was written with the others; {tfrecord.REMEDY}")


def _to_record(place: str, payload: bytes, info: DataSetInfo, as_they_are: bool) -> Record:
    try:
        values = Example.FromString(payload).features.feature
    except DecodeError:
        raise UserError(f"{place}: not a tf.train.Example; {tfrecord.REMEDY}") from None
    try:
        label = int(_single(values, "label", "int64_list"))
        name = _single(values, "name", "bytes_list").decode("utf-8")
        raw = _single(values, "frames", "bytes_list")
        origins = {key: _integer_or_text(values, key) for key in ORIGINS}
        if not as_they_are and not 0 <= label < len(info.label_names):
            raise ValueError(f"label {label}, expected 0 to {len(info.label_names) - 1}")
        frame_shape = (info.joints, info.bodies, info.channels)
        frame_bytes = 4 * math.prod(frame_shape)
        if not raw or len(raw) % frame_bytes:
            shape = " x ".join(map(str, frame_shape))
            raise ValueError(f"{name}: frames of {len(raw)} bytes, expected a multiple of {frame_bytes} ({shape})")
        frames_TxVxMxC = np.frombuffer(raw, "<f4").reshape(-1, *frame_shape)
        if not as_they_are:
            _check_values(name, frames_TxVxMxC)
    except ValueError as error:
        raise UserError(f"{place}: {error}; {tfrecord.REMEDY}") from error
    return Record(name=name, label=label, **origins, frames_TxVxMxC=frames_TxVxMxC)


def _check_values(name: str, frames_TxVxMxC: np.ndarray) -> None:
    if np.isfinite(frames_TxVxMxC).all():
        return
    if np.isinf(frames_TxVxMxC).any():
        raise ValueError(f"{name}: infinity in the frames, expected finite numbers, or NaN for a joint not seen")
    unseen_TxVxMxC = np.isnan(frames_TxVxMxC)
    if (unseen_TxVxMxC.any(axis=-1) != unseen_TxVxMxC.all(axis=-1)).any():
        raise ValueError(f"{name}: NaN in some channels of a joint, expected it in all of them for a joint not seen")


def _integer_or_text(values: Any, key: str) -> int | str:
    if key in values and values[key].bytes_list.value:
        return str(_single(values, key, "bytes_list").decode("utf-8"))
    return int(_single(values, key, "int64_list"))


def _single(values: Any, key: str, kind: str) -> Any:
    found = getattr(values[key], kind).value if key in values else []  # A key that is asked for would be made.
    if len(found) != 1:
        raise ValueError(f"key {shown(key)} holds {len(found)} values of its type, expected one")
    return found[0]
