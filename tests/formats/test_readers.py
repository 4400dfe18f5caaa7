"""The readers by name."""

from dsta_jax.formats import pyskl
from dsta_jax.formats.readers import READERS
from tests.formats import made


def test_readers_are_called_alike(tmp_path):
    path = made.write_pickle(tmp_path / "data.pkl", made.annotations())
    for source in (None, made.source()):
        made.assert_same(READERS["pyskl"](path, source), pyskl.read(path))
