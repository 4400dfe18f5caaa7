"""Empty bodies: all bodies that are absent from a batch are the same row of zeros, and one row can stand for them.

The network gives the same answer, the same gradients and the same running statistics when that row has the weight of
all that it stands for (`DSTANet`, `share_BxR`). How many rows a batch needs differs from one to the next, and a
compiled step has a fixed number; but batches are a pure function of the step, so all of their needs are known before
the first one.

Where statistics are not taken from the batch, as in an evaluation, a row of zeros may come to something that is known
beforehand: then absent bodies need no row at all (`absent_row=False`).
"""

import dataclasses

import numpy as np

# Packing is not worth its trouble when it saves less than an eighth of the rows.
_WORTH = 7 / 8


@dataclasses.dataclass(frozen=True)
class RowCounts:
    """The numbers of rows R for which a step is compiled.

    Attributes:
      usual: enough for most batches.
      most: enough for all of them.
    """

    usual: int
    most: int

    def of(self, needed: int) -> int:
        """The number of rows for a batch that needs so many."""
        return self.usual if needed <= self.usual else self.most


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
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
    """How many rows S batches need: one for each body that is there, and one for all that are absent, if any is.

    Args:
      body_SxBxM: which bodies are there.
      absent_row: False where absent bodies need none.
    """
    needed_S: np.ndarray = body_SxBxM.sum((1, 2))
    return needed_S + ~body_SxBxM.all((1, 2)) if absent_row else needed_S


def choose(needed_S: np.ndarray, rows: int, multiple: int) -> RowCounts | None:
    """The two numbers of rows with which S batches take the fewest rows together.

    Args:
      needed_S: what each batch needs.
      rows: B M, that a batch has when every body has its row.
      multiple: both numbers are multiples of it, as devices divide the rows.

    Returns:
      None when packing would save too little.
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
    """Rows of the bodies that are there, then one for all that are absent, then rows that count for nothing.

    Args:
      body_BxM: which bodies are there.
      rows: R.
      absent_row: False for no row of the absent ones: the shares of a sample add up to the part that is there.

    Raises:
      ValueError: when more rows are needed than R.
    """
    (needed,) = rows_needed(body_BxM[None], absent_row).tolist()
    if needed > rows:
        raise ValueError(f"the bodies of the batch need {needed} rows, there are {rows}")
    batch, bodies = body_BxM.shape
    sample_P, body_P = np.nonzero(body_BxM)
    there = len(sample_P)
    sample_R, body_R = np.zeros(rows, int), np.full(rows, -1)
    sample_R[:there], body_R[:there] = sample_P, body_P
    share_BxR = np.zeros((batch, rows), np.float32)
    share_BxR[sample_P, np.arange(there)] = 1 / bodies
    if needed > there:
        share_BxR[:, there] = (~body_BxM).sum(axis=1) / bodies
    return Rows(sample_R, body_R, share_BxR)
