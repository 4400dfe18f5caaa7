"""Labels and origins as people write them: a class's name or number, numbers or words."""

import itertools
import re
from collections.abc import Mapping, Sequence

from dsta_jax.errors import UserError, shown
from dsta_jax.formats.csv_frames import MISSING

WHOLE = re.compile(r"([0-9]{1,9})(\.0*)?")  # pandas writes 1.0 in a column where a number is missing.


def label_of(place: str, text: str, class_of: Mapping[str, int], first: int = 0) -> int:
    """The number of a class that is called by its name or its number; any number where no names are known.

    Numbers count from `first`.
    """
    if text in class_of:
        return class_of[text]
    number = int(match[1]) - first if (match := WHOLE.fullmatch(text)) else -1
    if not 0 <= number < len(class_of or range(10**9)):
        names = ", ".join(itertools.islice(class_of, 10))
        expected = f" from {first} below {len(class_of) + first}, or one of {names}" if class_of else ""
        raise UserError(f"{place}: label {shown(text)}, expected a number{expected[:200]}")
    return number


def check_names(place: object, labels: Sequence[str], class_of: Mapping[str, int]) -> None:
    """Raises UserError when labels may be numbers as well as names: where a class is called by a number."""
    names = [label for label in labels if label in class_of and WHOLE.fullmatch(label)]
    numbers = [label for label in labels if label not in class_of and WHOLE.fullmatch(label)]
    if names and numbers:
        found = f"label {names[0]} is a class's name, and label {numbers[0]} is none"
        raise UserError(f"{place}: {found}; write names for all of them")


def numbers_or_words(cells: Sequence[str]) -> tuple[list[int | str], str]:
    """A column's values, 0 for an unknown one, and a word among numbers, which are words as well then."""
    known = ["" if cell.lower() in MISSING else cell for cell in cells]
    words = [cell for cell in known if cell and not WHOLE.fullmatch(cell)]
    values = [(cell if words else int(float(cell))) if cell else 0 for cell in known]
    return values, words[0] if words and any(map(WHOLE.fullmatch, known)) else ""
