"""How answers are written: a table to read, a line of JSON or of CSV for each recording."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dsta_jax.answer import Answer
from dsta_jax.errors import UserError
from dsta_jax.windows import Segment

Said = Answer | Sequence[Segment] | UserError  # of one recording

_NAME = 36  # columns of a table of 80

Writer = Callable[[str, Said], Iterator[str]]


def table(top: int, fps: float | None) -> Writer:
    """Lines for people; those of a broken recording come later, from whoever calls."""

    def lines(name: str, said: Said) -> Iterator[str]:
        shown = name if len(name) <= _NAME else f"...{name[3 - _NAME :]}"
        if isinstance(said, Answer):
            yield f"{shown:{_NAME}}  " + ", ".join(f"{label} {part:.3f}" for label, part in said.top(top))
        elif not isinstance(said, UserError):
            yield shown if said else f"{shown:{_NAME}}  nobody is in view for long enough"
            for one in said:
                yield f"  {_when(one, fps):>20}  {one.label} {one.probability:.3f}"

    return lines


def _when(segment: Segment, fps: float | None) -> str:
    if fps is None:
        return f"frames {segment.first} to {segment.end - 1}"
    begin, end = segment.seconds(fps)
    return f"{begin:.2f} s to {end:.2f} s"


def json_lines(top: int, fps: float | None) -> Writer:
    """An object for each recording: `recording`, and `top` with `label`, `probability`; or `segments`; or `error`."""

    def lines(name: str, said: Said) -> Iterator[str]:
        yield json.dumps({"recording": name, **_content(said, top, fps)}, ensure_ascii=False)

    return lines


def _content(said: Said, top: int, fps: float | None) -> dict[str, Any]:
    if isinstance(said, UserError):
        return {"error": str(said)}
    if isinstance(said, Answer):
        best = [{"label": label, "probability": round(part, 6)} for label, part in said.top(top)]
        streams = {stream: answer.label for stream, answer in said.streams.items()}
        return {"label": said.label, "probability": round(said.probability, 6), "top": best, "streams": streams}
    return {"segments": [_segment(one, fps) for one in said]}


def _segment(segment: Segment, fps: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"first_frame": segment.first, "last_frame": segment.end - 1}
    if fps is not None:
        found["begin_s"], found["end_s"] = (round(when, 3) for when in segment.seconds(fps))
    return {**found, "label": segment.label, "probability": round(segment.probability, 6)}


def csv_lines(top: int, fps: float | None, windows: bool) -> Writer:
    """A row for each recording, or for each segment of it; the first one is preceded by the header."""
    columns = ["first_frame", "last_frame", *(["begin_s", "end_s"] if fps is not None else [])] if windows else []
    best = 1 if windows else top
    columns += [f"{key}{'' if place == 1 else f'_{place}'}" for place in range(1, best + 1) for key in _BEST]
    header = [_row("recording", *columns, "error")]

    def lines(name: str, said: Said) -> Iterator[str]:
        while header:
            yield header.pop()
        if isinstance(said, UserError):
            yield _row(name, *[""] * len(columns), str(said))
        elif isinstance(said, Answer):
            found = [word for label, part in said.top(top) for word in (label, f"{part:.6f}")]
            yield _row(name, *found, *[""] * (len(columns) - len(found)), "")
        else:
            yield from (_row(name, *_segment(one, fps).values(), "") for one in said)

    return lines


_BEST = ("label", "probability")


def _row(*cells: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
