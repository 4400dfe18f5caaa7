"""Pickles written piece by piece: what Python reads of them."""

import io
import pickle
import pickletools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_prep.formats import pickle_writer

leaves = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.booleans(), st.none(), st.integers(-(2**63), 2**63 - 1)
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text("abc"), inner)),
    max_leaves=10,
)
dtypes = st.one_of(
    hnp.floating_dtypes(sizes=(16, 32, 64)), hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes()
)


def dumped(value) -> bytes:
    file = io.BytesIO()
    pickle_writer.dump(value, file)
    return file.getvalue()


@settings(max_examples=40, deadline=None)
@given(values)
def test_python_reads_the_same(value):
    assert pickle.loads(dumped(value)) == value


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)), st.booleans())
def test_arrays(array, transposed):
    array = array.T if transposed else array
    with warnings.catch_warnings(action="error"):
        found = pickle.loads(dumped([array, 1]))[0]
    assert found.dtype == array.dtype.newbyteorder("=") and found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("length", [0, 1, 999, 1000, 1001, 2500])
def test_an_iterator_is_written_as_it_comes(length):
    data = dumped({"list": iter(range(length))})
    assert pickle.loads(data) == {"list": list(range(length))}
    appended = [opcode.name for opcode, _, _ in pickletools.genops(data)].count("APPENDS")
    assert appended == length // 1000 + 1


def test_arrays_have_the_older_names_that_numpy_1_knows():
    assert b"numpy.core.multiarray" in dumped(np.arange(2)) and b"numpy._core" not in dumped(np.arange(2))


@pytest.mark.parametrize("value", [1.5, b"bytes", {1, 2}, np.int64(1), [object()]])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match="not one of the types that are written"):
        dumped(value)
