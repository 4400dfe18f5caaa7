"""The position encoding: Eq. 5, scalar by scalar, and the tables of the authors' network."""

import math

import numpy as np
import pytest

from dsta_jax.models import position

FRAMES, JOINTS, CHANNELS = 6, 5, 8


def literal(place, channel, channels):
    """Eq. 5: PE(p, 2i) = sin(p / 10000^(2i / C)), PE(p, 2i + 1) = cos(p / 10000^(2i / C))."""
    i = channel // 2
    angle = place / 10000 ** (2 * i / channels)
    return math.sin(angle) if channel == 2 * i else math.cos(angle)


@pytest.mark.parametrize("channels", [2, 7, 8, 64])
def test_equation_5(channels):
    table_PxC = position.sinusoid_PxC(130, channels)
    expected = [[literal(p, c, channels) for c in range(channels)] for p in range(130)]
    assert table_PxC.dtype == np.float64
    np.testing.assert_allclose(table_PxC, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["dsta_hand", "dsta_body", "dsta_body_temporal_conv", "dsta_hand_stgr"])
def test_tables_of_the_authors_network(load_golden, name):
    golden = load_golden(name)
    tables = [key for key in golden.files if key.endswith((".pes.pe", ".pet.pe"))]
    assert tables
    for key in tables:
        axis = "spatial" if key.endswith(".pes.pe") else "temporal"
        table_1xCxTxV = golden[key]
        _, channels, frames, joints = table_1xCxTxV.shape
        ours = position.encoding("decoupled", axis, frames, joints, channels)
        ours_TxVxC = np.broadcast_to(ours, (frames, joints, channels))
        # theirs is computed in float32
        np.testing.assert_allclose(ours_TxVxC, table_1xCxTxV[0].transpose(1, 2, 0), rtol=0, atol=1e-5, err_msg=key)


def test_shapes():
    def shape(kind, axis):
        return position.encoding(kind, axis, FRAMES, JOINTS, CHANNELS).shape

    assert shape("decoupled", "spatial") == (1, JOINTS, CHANNELS)
    assert shape("decoupled", "temporal") == (FRAMES, 1, CHANNELS)
    assert shape("unified", "spatial") == shape("unified", "temporal") == (FRAMES, JOINTS, CHANNELS)
    for axis in ("spatial", "temporal"):
        assert position.encoding("none", axis, FRAMES, JOINTS, CHANNELS) is None


def test_decoupled_counts_joints_or_frames():
    for axis, count in (("spatial", JOINTS), ("temporal", FRAMES)):
        encoding = position.encoding("decoupled", axis, FRAMES, JOINTS, CHANNELS).reshape(count, CHANNELS)
        np.testing.assert_array_equal(encoding, position.sinusoid_PxC(count, CHANNELS))


@pytest.mark.parametrize("axis", ["spatial", "temporal"])
def test_unified_counts_on_through_the_frames(axis):
    encoding_TxVxC = position.encoding("unified", axis, FRAMES, JOINTS, CHANNELS)
    for t in range(FRAMES):
        for v in range(JOINTS):
            expected = [literal(t * JOINTS + v, c, CHANNELS) for c in range(CHANNELS)]
            np.testing.assert_allclose(encoding_TxVxC[t, v], expected, rtol=0, atol=1e-12)
