"""Labels and origins as people write them."""

import pytest

from dsta_jax.errors import UserError
from dsta_jax.formats import labels

CLASSES = {"wave": 0, "point": 1, "7": 2}


@pytest.mark.parametrize(
    ("text", "first", "number"), [("wave", 0, 0), ("7", 0, 2), ("1", 0, 1), ("2.0", 0, 2), ("01", 1, 0), ("3", 1, 2)]
)
def test_labels(text, first, number):
    assert labels.label_of("here", text, CLASSES, first) == number


def test_numbers_where_no_classes_are_known():
    assert labels.label_of("here", "123", {}) == 123


@pytest.mark.parametrize(("text", "first"), [("jump", 0), ("3", 0), ("0", 1), ("-1", 0), ("1.5", 0), ("", 0)])
def test_what_is_no_label(text, first):
    with pytest.raises(UserError) as caught:
        labels.label_of("here", text, CLASSES, first)
    expected = f"expected a number from {first} below {3 + first}, or one of wave, point, 7"
    assert str(caught.value) == f"here: label {text!r}, {expected}"


def test_numbers_or_words():
    assert labels.numbers_or_words(["1", "", "2.0", "nan"]) == ([1, 0, 2, 0], "")
    assert labels.numbers_or_words(["1", "anna", ""]) == (["1", "anna", 0], "anna")
    assert labels.numbers_or_words(["ben", "anna"]) == (["ben", "anna"], "")
