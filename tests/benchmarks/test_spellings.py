"""Every spelling is the same step: what is compared is how, not what."""

import jax
import numpy as np
import pytest

from benchmarks import ours, spellings
from benchmarks.shapes import Case


def stepped(spelling):
    """The state after a step."""
    with spellings.SPELLINGS[spelling]():
        side = ours.Training(Case("ntu", "tiny", batch=4, single=0.8))
    side.start()
    return jax.device_get(side.state)


@pytest.fixture(scope="module")
def expected():
    return stepped("as it is")


@pytest.mark.parametrize("spelling", sorted(spellings.SPELLINGS.keys() - {"as it is"}))
def test_a_spelling_changes_no_number(spelling, expected):
    state = stepped(spelling)
    assert jax.tree.structure(state) == jax.tree.structure(expected)
    assert np.abs(jax.tree.leaves(state.opt_state)[-1]).max() > 0
    for (path, leaf), wanted in zip(jax.tree_util.tree_leaves_with_path(state), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(leaf, wanted, rtol=2e-4, atol=2e-5, err_msg=jax.tree_util.keystr(path))
