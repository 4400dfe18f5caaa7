"""Writes the report of an evaluation."""

import logging
import pathlib

from dsta_jax import processes
from dsta_jax.data import dataset, records
from dsta_jax.data.dataset import DataSet
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, writable
from dsta_jax.report import gather, page
from dsta_jax.report.gather import Evaluated
from dsta_jax.report.sections import Report, heading, sections

_LOGGER = logging.getLogger(__name__)


def write_after_evaluation(directory: pathlib.Path, data: DataSet, anew: bool = True) -> None:
    """Writes the report in the first process; where it cannot be written, a line says why, and nothing else happens.

    One that is there is kept, unless it is to be written `anew`.
    """

    def attempt() -> None:
        try:
            if not anew and (directory / "report.html").exists():
                return
            _LOGGER.info("a report with figures: %s", write(directory, data))
        except Exception as error:  # An evaluation that took hours never fails for its picture.
            said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            _LOGGER.warning(f"{directory / 'report.html'} could not be written ({said}); results and scores are whole")

    processes.on_first(attempt)


def write(
    directory: pathlib.Path, data: DataSet | None = None, path: pathlib.Path | None = None, only: str = ""
) -> pathlib.Path:
    """Writes `report.html`, or another page, from what an evaluation left in a directory; returns its path.

    The directory is a run's, or one of `evaluations/` in it. `data` are the recordings that were evaluated, or more;
    without them, those of a run are looked for where it had them, and left out with a line where they are not. With
    `only`, the page has the section of that name alone, such as `attention`.

    Raises:
      UserError: when there is no evaluation, or the page cannot be written.
    """
    found = gather.read(directory)
    no_data = ""
    if data is None:
        data, no_data = _recordings(found)
    elif missing := sorted(set(found.whole.sample_S.tolist()) - set(data.name_N.tolist())):
        data, no_data = None, f"the recordings given lack {len(missing)} of those evaluated, such as {missing[0]}"
    report = Report(found, data, no_data)
    chosen = [section for section in sections(report) if only in ("", section.anchor)]
    path = path or directory / "report.html"
    with writable(path.parent), complete_file(path) as file:
        file.write(page.whole(*heading(report), chosen).encode())
    return path


def _recordings(found: Evaluated) -> tuple[DataSet | None, str]:
    """The recordings that were evaluated, where they still lie; or why not."""
    if found.of_other_recordings:
        return None, "these are other recordings than the run's, which are known while they are evaluated"
    try:
        records.find_data_set(found.config.data.dir, found.benchmark.source.name)  # A synthetic one is not made again.
        data = dataset.load(found.config.data.dir, found.benchmark)
    except UserError as error:
        return None, str(error)
    if data.fingerprint != found.content["data"]["fingerprint"]:
        return None, f"{found.config.data.dir} now holds other records than those that were evaluated"
    return data, ""
