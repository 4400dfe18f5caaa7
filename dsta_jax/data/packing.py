"""Empty bodies: all bodies that are absent from a batch are the same row of zeros, and one row can stand for them.

The network gives the same answer, the same gradients and the same running statistics when that row has the weight of
all that it stands for (`DSTANet`, `share_BxR`). How many rows a batch needs differs from one to the next, and a
compiled step has a fixed number. Where statistics are not taken from the batch, as in an evaluation, a row of zeros may
come to something that is known beforehand: then absent bodies need no row at all (`absent_row=False`).
"""

from typing import NamedTuple

import numpy as np

# Packing is not worth its trouble when it saves less than an eighth of the rows.
_WORTH = 7 / 8


class RowCounts(NamedTuple):
    """The numbers of rows R for which a step is compiled: enough for most batches, and enough for all of them."""

    usual: int
    most: int

    def of(self, needed: int) -> int:
        """The number of rows for a batch that needs so many."""
        return self.usual if needed <= self.usual else self.most


class Rows(NamedTuple):
    """Which body each row of a batch is.

    Attributes:
      sample_R: the sample of each row, counted in the batch.
      body_R: the body of each row; -1 for a row that is nobody, which is all zeros.
      share_BxR: the part of each row in each sample, see `DSTANet`; None where the rows are the M bodies of each sample
        in order.
    """

    sample_R: np.ndarray
    body_R: np.ndarray
    share_BxR: np.ndarray | None


def rows_needed(body_SxBxM: np.ndarray, absent_row: bool = True) -> np.ndarray:
    """How many rows S batches need: one for each body that is there, and one for all that are absent, if any is."""
    needed_S: np.ndarray = body_SxBxM.sum((1, 2))
    return needed_S + ~body_SxBxM.all((1, 2)) if absent_row else needed_S


def choose(needed_S: np.ndarray, rows: int, multiple: int) -> RowCounts | None:
    """The two numbers of rows with which S batches take the fewest rows together; None when that saves too little.

    Both are multiples of `multiple`, as devices divide the rows. A batch has `rows` when every body has its row.
    """
    candidates = np.unique(-(-needed_S // multiple) * multiple)
    most = int(candidates[-1])
    part_that_fits = np.searchsorted(np.sort(needed_S), candidates, side="right") / len(needed_S)
    mean_rows = part_that_fits * candidates + (1 - part_that_fits) * most
    if mean_rows.min() > _WORTH * rows:
        return None
    return RowCounts(int(candidates[mean_rows.argmin()]), most)


def every_body(body_BxM: np.ndarray) -> Rows:
    """A row for each body of each sample, whether it is there or not."""
    batch, bodies = body_BxM.shape
    body_BxM = np.where(body_BxM, np.arange(bodies), -1)
    return Rows(np.repeat(np.arange(batch), bodies), body_BxM.ravel(), None)


def pack(body_BxM: np.ndarray, rows: int, absent_row: bool = True) -> Rows:
    """R rows of the bodies that are there, then one for all that are absent, then rows that count for nothing.

    Without a row of the absent ones, the shares of a sample add up to the part that is there.

    Raises:
      ValueError: when more rows are needed than R.
    """
    (needed,) = rows_needed(body_BxM[None], absent_row).tolist()
    if needed > rows:
        raise ValueError(f"the bodies of the batch need {needed} rows, there are {rows}")
    batch, bodies = body_BxM.shape
    sample_P, body_P = np.nonzero(body_BxM)
    there = len(sample_P)
    share_BxR = np.zeros((batch, rows), np.float32)
    share_BxR[sample_P, np.arange(there)] = 1 / bodies
    if needed > there:
        share_BxR[:, there] = (~body_BxM).sum(axis=1) / bodies
    empty = (0, rows - there)
    return Rows(np.pad(sample_P, empty), np.pad(body_P, empty, constant_values=-1), share_BxR)
