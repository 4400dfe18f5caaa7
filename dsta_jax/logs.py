"""What a run says while it trains: a progress bar, JSON lines, TensorBoard."""

import json
import pathlib
import sys
from types import TracebackType

import tensorboardX
import tqdm

# Fits 80 columns with seven digits of samples and an hour left.
_BAR = "{percentage:3.0f}%|{bar}| {desc}, {remaining} left"


class Progress:
    """The bar of a training, on a terminal; a line now and then elsewhere."""

    def __init__(self, first_step: int, steps: int):
        """Shows the bar.

        Args:
          first_step: steps taken before.
          steps: that the training takes in all.
        """
        self._bar = tqdm.tqdm(
            total=steps,
            initial=first_step,
            desc="compiling",
            bar_format=_BAR,
            dynamic_ncols=True,
            file=sys.stderr,
            smoothing=0.1,
            mininterval=0.2 if sys.stderr.isatty() else 20,
        )

    def advance(self) -> None:
        """One step more."""
        self._bar.update()

    def show(self, metrics: str) -> None:
        """What the bar says from now on."""
        self._bar.set_description_str(metrics, refresh=False)

    def say(self, message: str) -> None:
        """Prints a line above the bar."""
        self._bar.write(message, file=sys.stderr)

    def __enter__(self) -> "Progress":
        """For use in `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the bar as it is."""
        self._bar.close()


class Metrics:
    """Metrics of a run, by step, in `metrics.jsonl` and `tensorboard/` of its working directory.

    A resumed run goes on where its checkpoint is: lines of later steps, which will be made again, are dropped.
    """

    def __init__(self, workdir: pathlib.Path, first_step: int):
        """Opens the files.

        Args:
          workdir: of the run.
          first_step: steps taken before.
        """
        self._path = workdir / "metrics.jsonl"
        _drop_after(self._path, first_step)
        self._file = self._path.open("a")
        self._board = tensorboardX.SummaryWriter(str(workdir / "tensorboard"), purge_step=first_step + 1)

    def write(self, step: int, metrics: dict[str, float]) -> None:
        """Adds a line of metrics.

        Args:
          step: steps taken.
          metrics: by name, such as `train/loss/spatial`.
        """
        self._file.write(json.dumps({"step": step, **metrics}) + "\n")
        self._file.flush()
        for name, value in metrics.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Closes the files."""
        self._file.close()
        self._board.close()


def _drop_after(path: pathlib.Path, step: int) -> None:
    """Keeps the whole lines of a metrics file up to a step; a line cut by a crash is dropped too."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["step"] > step:
                break
        except (json.JSONDecodeError, KeyError):
            break
        kept.append(line + "\n")
    temporary = path.with_suffix(".incomplete")
    temporary.write_text("".join(kept))
    temporary.replace(path)
