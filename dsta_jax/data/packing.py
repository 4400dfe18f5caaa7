"""Empty bodies: all bodies that are absent from a batch are the same row of zeros, and one row can stand for them.

The network gives the same answer, the same gradients and the same running statistics when that row has the weight of
all that it stands for (`DSTANet`, `share_BxR`). How many rows a batch needs differs from one to the next, and a
compiled step has a fixed number; but batches are a pure function of the step, so all of their needs are known before
the first one.
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


def rows_needed(body_BxM: np.ndarray) -> int:
    """A row for each body that is there, and one for all that are absent, if any is."""
    return int(body_BxM.sum()) + (not body_BxM.all())


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


def pack(x_NxBxTxVxMxC: np.ndarray, body_BxM: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the bodies that are there, then one for all that are absent, then rows that count for nothing.

    Returns:
      N x R x T x V x C float32 rows, and B x R shares of each row in each sample.

    Raises:
      ValueError: when more rows are needed than R.
    """
    needed = rows_needed(body_BxM)
    if needed > rows:
        raise ValueError(f"the bodies of the batch need {needed} rows, there are {rows}")
    members, batch, frames, joints, bodies, channels = x_NxBxTxVxMxC.shape
    sample_P, body_P = np.nonzero(body_BxM)
    x_NxRxTxVxC = np.zeros((members, rows, frames, joints, channels), np.float32)
    for row, (sample, body) in enumerate(zip(sample_P, body_P, strict=True)):
        x_NxRxTxVxC[:, row] = x_NxBxTxVxMxC[:, sample, :, :, body]
    share_BxR = np.zeros((batch, rows), np.float32)
    share_BxR[sample_P, np.arange(len(sample_P))] = 1 / bodies
    if needed > len(sample_P):
        share_BxR[:, len(sample_P)] = (~body_BxM).sum(axis=1) / bodies
    return x_NxRxTxVxC, share_BxR
