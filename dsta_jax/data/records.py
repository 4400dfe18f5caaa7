"""Converted data sets: TFRecord files in the layout of TFDS, read and written without TensorFlow.

A set lies in `DATA_DIR/NAME/VERSION/`: `NAME-SPLIT.tfrecord-00000-of-000NN` (the shards), `features.json` and
`dataset_info.json`. A shard is a row of framed payloads, each payload a `tf.train.Example`. Sources of the formats:
https://www.tensorflow.org/tutorials/load_data/tfrecord (framing), https://protobuf.dev/programming-guides/encoding
(wire format), https://www.tensorflow.org/datasets/external_tfrecord (layout).

Reading checks all checksums and the counts: a file cut between two records passes every checksum.
"""

import dataclasses
import json
import os
import pathlib
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import google_crc32c
import numpy as np

from dsta_jax.errors import UserError
from dsta_jax.files import complete_file

_REMEDY = "convert the data set again with --overwrite"

# A frame is: length (8 bytes), checksum of the length (4), payload, checksum of the payload (4); little endian.
_HEADER = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """One recording, cleaned and normalised.

    Attributes:
      name: distinct within its data set; scores of several streams are matched by it.
      label: the finest class its data set has, from 0.
      subject: as the data set numbers it, from 1, or names it; 0 or an empty word where it is not known.
      camera: as `subject`.
      setup: as `subject`.
      frames_TxVxMxC: float32, normalised coordinates; NaN is a joint that was not seen, zeros are an absent body.
    """

    name: str
    label: int
    subject: int | str
    camera: int | str
    setup: int | str
    frames_TxVxMxC: np.ndarray


@dataclasses.dataclass(frozen=True)
class DataSetInfo:
    """What `dataset_info.json` and `features.json` say of a set.

    Attributes:
      name: the set's name; its files' names begin with it.
      version: three numbers with dots.
      split_lengths: for each split the number of records in each of its shards.
      labels: how many labels there are.
      joints: joints of a body (V).
      bodies: bodies of a record (M).
      channels: coordinates of a joint (C).
    """

    name: str
    version: str
    split_lengths: Mapping[str, tuple[int, ...]]
    labels: int
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
    parent = pathlib.Path(data_dir) / name
    found = sorted(parent.iterdir()) if parent.is_dir() else []
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
    directory = pathlib.Path(directory)
    info = _read_json(directory / "dataset_info.json")
    features = _read_json(directory / "features.json")
    try:
        if info["fileFormat"] != "tfrecord":
            raise UserError(f"{directory}: file format {info['fileFormat']!r}, expected 'tfrecord'")
        described = features["featuresDict"]["features"]
        tensor = described["frames"]["tensor"]
        joints, bodies, channels = (int(size) for size in tensor["shape"]["dimensions"][1:])
        if tensor["dtype"] != "float32" or tensor["encoding"] != "bytes":
            raise ValueError("frames are not float32 stored as bytes")
        return DataSetInfo(
            name=info["name"],
            version=info["version"],
            split_lengths={
                split["name"]: tuple(int(length) for length in split["shardLengths"]) for split in info["splits"]
            },
            labels=int(described["label"]["classLabel"]["numClasses"]),
            joints=joints,
            bodies=bodies,
            channels=channels,
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = f"no key {error}" if isinstance(error, KeyError) else error
        raise UserError(
            f"{directory}: dataset_info.json or features.json does not describe skeleton records ({reason}); {_REMEDY}"
        ) from error


def _read_json(path: pathlib.Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, so no complete data set; {_REMEDY}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as JSON ({error}); {_REMEDY}") from error


def total_bytes(directory: str | os.PathLike[str]) -> int:
    """The size of all shards of a set that are there."""
    return sum(path.stat().st_size for path in pathlib.Path(directory).glob("*.tfrecord-*"))


def read_set(directory: str | os.PathLike[str], as_they_are: bool = False) -> Iterator[tuple[str, Record]]:
    """Reads all splits, one after the other: pairs of split name and record.

    Args:
      directory: `DATA_DIR/NAME/VERSION`, as `find_data_set` gives it.
      as_they_are: whether records may hold NaN, infinity, and labels that the set does not know.

    Raises:
      UserError: as `read_split`, and when two splits share a name.
    """
    info = read_info(directory)
    place_of: dict[str, str] = {}
    for split in info.split_lengths:
        for record in _read_split(pathlib.Path(directory), info, split, place_of, as_they_are):
            yield split, record


def read_split(directory: str | os.PathLike[str], split: str) -> Iterator[Record]:
    """Reads one split of a converted set, in the order of its shards.

    Args:
      directory: `DATA_DIR/NAME/VERSION`, as `find_data_set` gives it.
      split: one of `read_info(directory).split_lengths`.

    Raises:
      UserError: when a shard is missing, damaged, cut short or too long, or a record is not as the metadata say.
    """
    return _read_split(pathlib.Path(directory), read_info(directory), split, {})


def _read_split(
    directory: pathlib.Path, info: DataSetInfo, split: str, place_of: dict[str, str], as_they_are: bool = False
) -> Iterator[Record]:
    """Reads a split; `place_of` collects where each name stood."""
    if split not in info.split_lengths:
        raise UserError(f"{directory}: no split {split!r}, expected one of {', '.join(info.split_lengths)}")
    lengths = info.split_lengths[split]
    for shard, expected in enumerate(lengths):
        path = directory / shard_name(info.name, split, shard, len(lengths))
        count = 0
        for offset, payload in read_payloads(path):
            place = f"{path}: record {count} at byte {offset}"
            try:
                record = _to_record(parse_example(payload), info, as_they_are)
            except ValueError as error:
                raise UserError(f"{place}: {error}; {_REMEDY}") from error
            if record.name in place_of:
                raise UserError(f"{place}: the name {record.name!r} is taken by {place_of[record.name]}; {_REMEDY}")
            place_of[record.name] = place
            count += 1
            yield record
        if count != expected:
            raise UserError(f"{path}: {count} records, expected {expected} by dataset_info.json; {_REMEDY}")


def _to_record(
    values: Mapping[str, list[memoryview] | list[int]], info: DataSetInfo, as_they_are: bool = False
) -> Record:
    """Makes a record of an example's values, or raises ValueError with the reason."""
    label = _single(values, "label", "int")
    if not as_they_are and not 0 <= label < info.labels:
        raise ValueError(f"label {label}, expected 0 to {info.labels - 1}")
    origins = {key: _number_or_word(values, key) for key in ("subject", "camera", "setup")}
    name = str(_single(values, "name", "bytes"), "utf-8")
    raw = _single(values, "frames", "bytes")
    frame_shape = (info.joints, info.bodies, info.channels)
    frame_bytes = 4 * info.joints * info.bodies * info.channels
    if not raw or len(raw) % frame_bytes:
        shape = " x ".join(str(size) for size in frame_shape)
        raise ValueError(f"{name}: frames of {len(raw)} bytes, expected a multiple of {frame_bytes} (float32 {shape})")
    # The only copy of the payload: what remains of it is freed, and the copy begins where float32 may.
    frames_TxVxMxC = np.frombuffer(raw, dtype="<f4").reshape(-1, *frame_shape).copy()
    if not as_they_are and np.isinf(frames_TxVxMxC).any():
        raise ValueError(f"{name}: infinity in the frames, expected finite numbers, or NaN for what was not seen")
    return Record(name=name, label=label, frames_TxVxMxC=frames_TxVxMxC, **origins)


def _number_or_word(values: Mapping[str, list[memoryview] | list[int]], key: str) -> int | str:
    is_word = any(not isinstance(value, int) for value in values.get(key, []))
    value = _single(values, key, "bytes" if is_word else "int")
    return str(value, "utf-8") if is_word else value


def _single(values: Mapping[str, list[memoryview] | list[int]], key: str, kind: Literal["int", "bytes"]) -> Any:
    found = values.get(key, [])
    if len(found) != 1 or isinstance(found[0], int) != (kind == "int"):
        raise ValueError(f"key {key!r} holds {len(found)} values, expected one of type {kind}")
    return found[0]


# TFRecord framing.


def _masked_checksum(data: bytes) -> int:
    """CRC-32C, rotated right by 15 bits and moved by a constant, as the TFRecord format has it."""
    checksum: int = google_crc32c.value(data)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def write_shard(path: pathlib.Path, payloads: Iterable[bytes]) -> int:
    """Writes payloads as a TFRecord file, which is there completely or not at all, and waits until it is on disk.

    Returns:
      The sum of the payloads' sizes in bytes.
    """
    size = 0
    with complete_file(path) as file:
        for payload in payloads:
            length = _LENGTH.pack(len(payload))
            file.write(length + _CHECKSUM.pack(_masked_checksum(length)))
            file.write(payload + _CHECKSUM.pack(_masked_checksum(payload)))
            size += len(payload)
    return size


def read_payloads(path: pathlib.Path) -> Iterator[tuple[int, bytes]]:
    """Reads a TFRecord file: pairs of a record's byte offset and its payload.

    Raises:
      UserError: when the file is missing, ends within a record, or a checksum is wrong.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}); {_REMEDY}") from error
    with file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < size:
            place = f"{path}: record at byte {offset}"
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise UserError(f"{place}: the file ends after {len(header)} bytes of its header; {_REMEDY}")
            length, checksum = _HEADER.unpack(header)
            if _masked_checksum(header[: _LENGTH.size]) != checksum:
                raise UserError(f"{place}: wrong checksum of its length, the file is damaged; {_REMEDY}")
            remaining = size - offset - _HEADER.size
            if length + _CHECKSUM.size > remaining:
                raise UserError(
                    f"{place}: {remaining} bytes follow its header, expected {length + _CHECKSUM.size}, "
                    f"the file is cut short; {_REMEDY}"
                )
            payload = file.read(length)
            if _CHECKSUM.pack(_masked_checksum(payload)) != file.read(_CHECKSUM.size):
                raise UserError(f"{place}: wrong checksum of its payload, the file is damaged; {_REMEDY}")
            yield offset, payload
            offset += _HEADER.size + length + _CHECKSUM.size


# Protocol buffers: what a tf.train.Example needs of them.

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_NOTHING = memoryview(b"")
_Field: TypeAlias = tuple[int, int | memoryview]


def parse_example(payload: bytes) -> dict[str, list[memoryview] | list[int]]:
    """Decodes a `tf.train.Example` into its byte strings, which are views of the payload, and its integers by key.

    A key with a list of floats, or of nothing, gives an empty list: skeleton records have none.

    Raises:
      ValueError: when the bytes are not such a message.
    """
    values: dict[str, list[memoryview] | list[int]] = {}
    for features in _messages(_fields(memoryview(payload)), 1):  # Example.features
        for entry in _messages(_fields(features), 1):  # Features.feature, a map: entries of key and value
            key = feature = _NOTHING
            for number, value in _fields(entry):
                if number == 1 and not isinstance(value, int):
                    key = value
                elif number == 2 and not isinstance(value, int):
                    feature = value
            values[str(key, "utf-8")] = _parse_feature(feature)
    return values


def _parse_feature(feature: memoryview) -> list[memoryview] | list[int]:
    """Decodes a `tf.train.Feature`, which is one of BytesList (1), FloatList (2) and Int64List (3)."""
    lists = _fields(feature)
    strings = [string for strings in _messages(lists, 1) for string in _messages(_fields(strings), 1)]
    if strings:
        return strings
    numbers: list[int] = []
    for integers in _messages(lists, 3):
        for number, value in _fields(integers):
            if number == 1:
                numbers.extend([value] if isinstance(value, int) else _packed_varints(value))
    return [value - (1 << 64) if value >> 63 else value for value in numbers]


def _messages(fields: list[_Field], wanted: int) -> list[memoryview]:
    """The byte strings of the fields with the number `wanted`."""
    found = []
    for number, value in fields:
        if number == wanted:
            if isinstance(value, int):
                raise ValueError(f"field {wanted} is a number, expected bytes: not a tf.train.Example")
            found.append(value)
    return found


def _fields(buffer: memoryview) -> list[_Field]:
    """The fields of a message: field number, and the value of a varint or the bytes of anything else."""
    fields: list[_Field] = []
    position = 0
    while position < len(buffer):
        tag, position = _varint(buffer, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(buffer, position)
            fields.append((number, value))
            continue
        if wire_type == _DELIMITED:
            length, position = _varint(buffer, position)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire_type} at byte {position}: not a tf.train.Example")
        if length > len(buffer) - position:
            raise ValueError(f"a field of {length} bytes at byte {position} of {len(buffer)}: not a tf.train.Example")
        fields.append((number, buffer[position : position + length]))
        position += length
    return fields


def _varint(buffer: memoryview, position: int) -> tuple[int, int]:
    """The number that starts at `position`, seven bits a byte from the lowest on, and the position after it."""
    if position < len(buffer) and (byte := buffer[position]) < 0x80:  # as most are
        return byte, position + 1
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(buffer):
            raise ValueError("a number is cut short: not a tf.train.Example")
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), position
    raise ValueError(f"a number of more than 10 bytes before byte {position}: not a tf.train.Example")


def _packed_varints(buffer: memoryview) -> Iterator[int]:
    position = 0
    while position < len(buffer):
        value, position = _varint(buffer, position)
        yield value
