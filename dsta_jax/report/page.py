"""The page, from its parts: HTML, with the style and the scripts in it, and nothing that needs a network."""

import html
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_HERE = pathlib.Path(__file__).resolve().parent

# Nothing is fetched, whatever a name in the page holds.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"

_PLAY = '<svg class="play" viewBox="0 0 24 24" aria-hidden="true"><path d="M7 4v16l13-8z"/></svg>'
_PAUSE = '<svg class="pause" viewBox="0 0 24 24" aria-hidden="true"><path d="M6 4h4v16H6zm8 0h4v16h-4z"/></svg>'


class Section(NamedTuple):
    """A part of the page: its anchor, its heading, and its HTML."""

    anchor: str
    heading: str
    content: str


class Clip(NamedTuple):
    """A recording for the player: what is said of it, and what `skeletons.clip` gives."""

    title: str
    name: str
    content: Mapping[str, Any]


def text(value: object) -> str:
    """Any text, such as a class's name, as HTML shows it."""
    return html.escape(" ".join(str(value).split()))


def paragraph(said: str, kind: str = "") -> str:
    """A paragraph of text."""
    return f'<p class="{kind}">{text(said)}</p>' if kind else f"<p>{text(said)}</p>"


def data(name: str, content: object) -> str:
    """JSON that the page's scripts find by a name; no text in it can end the element."""
    safe = json.dumps(content, separators=(",", ":"))
    for letter in "<>&":
        safe = safe.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{name}">{safe}</script>'


def figure(svg: str, caption: str, label: str) -> str:
    """A still figure; the label says what is seen to those who do not see it."""
    return (
        f"<figure>{svg.replace('<svg', f'<svg role=img aria-label={chr(34)}{text(label)}{chr(34)}', 1)}"
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def figures(parts: Iterable[str]) -> str:
    """Figures side by side, as many as there is room for."""
    return f'<div class="figures">{"".join(parts)}</div>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], kinds: Sequence[str] = ()) -> str:
    """A table; the cells of the rows are HTML, `kinds` the classes of the rows."""
    head = "".join(f"<th scope=col>{text(one)}</th>" for one in heads)
    lines = []
    for number, (first, *cells) in enumerate(rows):
        kind = f' class="{kinds[number]}"' if kinds and kinds[number] else ""
        lines.append(f'<tr{kind}><td class="name">{first}</td>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def interval(value: float, low: float, high: float) -> str:
    """A line from 0 to 100% with the value and its interval."""
    band = f"left:{100 * low:.2f}%;width:{max(100 * (high - low), 0.5):.2f}%"
    return f'<span class="range"><i style="{band}"></i><b style="left:{100 * value:.2f}%"></b></span>'


def matrix(class_names: Sequence[str], count_KxK: Any) -> str:
    """The confusion matrix, which a script draws."""
    counts = [[row, column, int(count_KxK[row, column])] for row, column in zip(*count_KxK.nonzero(), strict=True)]
    names = [" ".join(name.split()) for name in class_names]
    counts = [[int(row), int(column), times] for row, column, times in counts]
    return (
        '<p><label>Order of the classes: <select id="order"><option value="number">as in the data set</option>'
        '<option value="accuracy">least recognised first</option></select></label></p>'
        '<div><canvas id="matrix" tabindex="0" role="img" aria-label="Confusion matrix; arrow keys choose a cell, '
        'which is told below." aria-describedby="cell"></canvas></div>'
        '<p id="cell" role="status">Point at a cell, tap it, or choose it by the arrow keys.</p>'
        + data("counts", {"names": names, "counts": counts})
    )


def player(number: int, caption: str, clips: Sequence[Clip]) -> str:
    """Recordings side by side that are played together."""
    titles = [f'<p class="of">{text(clip.title)}<br><small>{text(clip.name)}</small></p>' for clip in clips]
    canvases = [
        f'<canvas data-clip="clip-{number}-{place}" role="img" '
        f'aria-label="{text(f"Skeleton of {clip.name}: {clip.title}")}"></canvas>'
        for place, clip in enumerate(clips)
    ]
    contents = [data(f"clip-{number}-{place}", clip.content) for place, clip in enumerate(clips)]
    kind = "player" if len(clips) > 1 else "player alone"
    controls = (
        f'<div class="controls"><button type="button" aria-label="Play">{_PLAY}{_PAUSE}</button>'
        '<input type="range" min="0" max="1000" value="500" aria-label="Time"></div>'
    )
    return (
        f'<figure class="pair"><div class="{kind}" tabindex="0" role="group" aria-label="{text(caption)}">'
        f"{''.join([*titles, *canvases, *contents])}{controls}</div><figcaption>{text(caption)}</figcaption></figure>"
    )


def facts(pairs: Mapping[str, str]) -> str:
    """A list of names and values."""
    return f"<dl>{''.join(f'<dt>{text(name)}</dt><dd>{text(value)}</dd>' for name, value in pairs.items())}</dl>"


def folded(summary: str, content: str) -> str:
    """Something that is shown when its summary is clicked; the content is HTML."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"


def whole(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The page."""
    style, *scripts = ((_HERE / name).read_text("utf-8") for name in ("style.css", "player.js", "matrix.js"))
    links = "".join(f'<a href="#{section.anchor}">{text(section.heading)}</a>' for section in sections)
    body = "".join(
        f'<section id="{section.anchor}"><h2>{text(section.heading)}</h2>{section.content}</section>\n'
        for section in sections
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{text(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{style}</style></head>\n<body><header><h1>{text(title)}</h1>'
        f'{paragraph(lead, "soft")}</header>\n<nav aria-label="Parts of the report">{links}</nav>\n'
        f"<main>{body}</main>\n"
        f"{''.join(f'<script>{script}</script>' for script in scripts)}</body></html>\n"
    )
