"""What an array of padded recordings has no place for: names, how long each is, how many bodies it has, and more.

Our own writers put it beside the array, as JSON; other programs need not look.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from data_prep.formats.padded import Facts, Shape
from dsta_jax.datasets.recording import Collection, Entry, Recording, entry, integer, two_sizes
from dsta_jax.errors import UserError, shown

_COUNTS, _PEOPLE, _PICTURES = ("frames", "bodies"), ("subject", "camera", "setup"), ("image_shape", "original_shape")


@dataclasses.dataclass(frozen=True)
class Beside:
    """What stands beside the array of a split.

    Attributes:
      split: its name.
      joints: V.
      bodies: M, with the padding.
      channels: C, the confidence included.
      confidence: whether the last channel is one.
      class_names: what the labels mean, where that is known.
      columns: an entry for each recording; 'name', 'frames', 'bodies', 'subject', 'camera', 'setup', 'image_shape' and
        'original_shape'.
    """

    split: str
    joints: int
    bodies: int
    channels: int
    confidence: bool
    class_names: tuple[str, ...] | None
    columns: Mapping[str, Sequence[Any]]

    def entry(self, row: int, entry_without: Entry) -> Entry:
        """An entry with what is known of the row's recording."""
        numbers = {key: self.columns[key][row] for key in _PEOPLE}
        return entry(self.columns["name"][row], entry_without.path, entry_without.label, **numbers)

    def counts(self, row: int) -> tuple[int, int]:
        """Frames and bodies of the row's recording."""
        return self.columns["frames"][row], self.columns["bodies"][row]

    def with_pictures(self, row: int, recording: Recording) -> Recording:
        """The row's recording with the shapes of its pictures."""
        image, original = (two_sizes(self.columns[key][row]) for key in _PICTURES)
        return dataclasses.replace(recording, image_shape=image, original_shape=original)


def to_json(collection: Collection, split: str, facts_of: Mapping[str, Facts], shape: Shape) -> bytes:
    """What the array of a split has no place for."""
    entries = [collection.entries[name] for name in collection.splits[split]]
    columns = {
        "name": [one.name for one in entries],
        **{key: [getattr(facts_of[one.name], key) for one in entries] for key in (*_COUNTS, *_PICTURES)},
        **{key: [getattr(one, key) for one in entries] for key in _PEOPLE},
    }
    sizes = shape.joints, shape.bodies, shape.channels
    beside = Beside(split, *sizes, shape.confidence, collection.class_names, columns)
    return json.dumps(vars(beside)).encode()


def from_json(text: bytes, place: str, recordings: int) -> Beside:
    """Reads what `to_json` wrote, beside an array of so many recordings.

    Raises:
      UserError: when it is something else, or of another number of recordings.
    """
    try:
        values = json.loads(text)
        classes, columns = values["class_names"], values["columns"]
        joints, bodies, channels = (integer(values[key]) or 0 for key in ("joints", "bodies", "channels"))
        if not isinstance(values["split"], str) or min(joints, bodies, channels) < 1:
            raise ValueError("split, joints, bodies or channels")
        if classes is not None and not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
            raise ValueError("class_names")
        for key in ("name", *_COUNTS, *_PEOPLE, *_PICTURES):
            if not isinstance(columns[key], list) or len(columns[key]) != recordings:
                raise ValueError(f"{key}: not {recordings} entries")
            for row, value in enumerate(columns[key]):
                if not _fits(key, value):
                    raise ValueError(f"{key}[{row}]: {shown(value)}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{place}: not what is written beside an array of {recordings} recordings ({str(error)[:80]}); copy it "
            "again, or remove it"
        ) from error
    confidence = values.get("confidence") is True
    class_names = None if classes is None else tuple(classes)
    return Beside(values["split"], joints, bodies, channels, confidence, class_names, columns)


def _fits(key: str, value: Any) -> bool:
    if key == "name":
        return isinstance(value, str)
    if key in _PICTURES:
        return value is None or two_sizes(value) is not None
    number = integer(value)
    return number is not None and (key == "frames") <= number < 1 << 31
