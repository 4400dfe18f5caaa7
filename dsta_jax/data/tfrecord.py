"""TFRecord files: a row of framed payloads, with checksums (https://www.tensorflow.org/tutorials/load_data/tfrecord)."""

import os
import pathlib
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import google_crc32c

from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, regular
from dsta_jax.storage import open_whole

REMEDY = "convert the data set again with --overwrite"

# A frame is: length (8 bytes), checksum of the length (4), payload, checksum of the payload (4); little endian.
_LENGTH, _CHECKSUM, _HEADER = struct.Struct("<Q"), struct.Struct("<I"), struct.Struct("<QI")


class Payload(NamedTuple):
    """One payload of a file: the byte at which its frame begins, the payload itself, and its checksum's four bytes."""

    offset: int
    content: bytes
    checksum: bytes


def frame(payload: bytes) -> bytes:
    """A payload with its length and checksums around it."""
    length = _LENGTH.pack(len(payload))
    return b"".join((length, _masked_checksum(length), payload, _masked_checksum(payload)))


def write_file(path: pathlib.Path, payloads: Iterable[bytes]) -> int:
    """Writes payloads as a TFRecord file, there completely or not at all; returns the sum of their sizes in bytes."""
    size = 0
    with complete_file(path) as file:
        for payload in payloads:
            file.write(frame(payload))
            size += len(payload)
    return size


def read_file(path: pathlib.Path) -> Iterator[Payload]:
    """Reads a TFRecord file.

    Raises:
      UserError: when the file is missing, ends within a record, or a checksum is wrong.
    """
    try:
        file = open_whole(regular(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}); {REMEDY}") from error
    with file:
        size, offset = file.seek(0, os.SEEK_END), file.seek(0)
        while offset < size:
            place = f"{path}: record at byte {offset}"
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise UserError(f"{place}: the file ends after {len(header)} bytes of its header; {REMEDY}")
            length = _LENGTH.unpack_from(header)[0]
            if _masked_checksum(header[: _LENGTH.size]) != header[_LENGTH.size :]:
                raise UserError(f"{place}: wrong checksum of its length, the file is damaged; {REMEDY}")
            remaining = size - offset - _HEADER.size
            if length + _CHECKSUM.size > remaining:
                raise UserError(
                    f"{place}: {remaining} bytes follow its header, expected {length + _CHECKSUM.size}, "
                    f"the file is cut short; {REMEDY}"
                )
            content, checksum = file.read(length), file.read(_CHECKSUM.size)
            if _masked_checksum(content) != checksum:
                raise UserError(f"{place}: wrong checksum of its payload, the file is damaged; {REMEDY}")
            yield Payload(offset, content, checksum)
            offset += _HEADER.size + length + _CHECKSUM.size


def _masked_checksum(data: bytes) -> bytes:
    """CRC-32C, rotated right by 15 bits and moved by a constant, as the format has it."""
    checksum: int = google_crc32c.value(data)
    return _CHECKSUM.pack(((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF)
