"""What a report consists of, and its two forms: Markdown, and one HTML page that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Cells as text; columns from the second on stand right, where `numbers` says so."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = True


@dataclass(frozen=True)
class Plot:
    """A drawing (only on the page)."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Listing:
    """Text to be shown as it is, such as SQL."""

    text: str


Block = str | Table | Plot | Listing


@dataclass(frozen=True)
class Section:
    title: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    title: str
    sections: list[Section]


def as_markdown(document: Document) -> str:
    parts = [f"# {document.title}"]
    for section in document.sections:
        parts.append(f"## {section.title}")
        parts += [text for text in map(_markdown, section.blocks) if text]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Table():
            rule = ["---", *(["---:" if block.numbers else "---"] * (len(block.head) - 1))]
            lines = [block.head, rule, *([cell.replace("|", "\\|") for cell in row] for row in block.rows)]
            return "\n".join(f"| {' | '.join(line)} |" for line in lines)
        case Listing():
            return f"```\n{block.text}\n```"
        case Plot():
            return ""
        case _:
            return block


STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #66707f; --line: #d8dde5; --paper: #fff; --bar: #3b6ea8; --second: #c9772b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --soft: #98a2b1; --line: #39414e; --paper: #171b22; --bar: #6fa3dd; --second: #e0a15e; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8rem 0; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } table.numbers :is(th, td):not(:first-child) { text-align: right; }
pre { background: color-mix(in srgb, var(--line) 35%, transparent); padding: .6rem .8rem; overflow-x: auto; font-size: 13px; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .9rem; }
svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .axis { stroke: var(--line); } svg .bar { fill: var(--bar); } svg .second { fill: var(--second); }
svg .line { stroke: var(--bar); fill: none; stroke-width: 2; } svg .line2 { stroke: var(--second); fill: none; stroke-width: 2; }
svg .span { stroke: var(--ink); stroke-width: 1.5; }
"""  # noqa: E501


def as_page(document: Document) -> str:
    title = html.escape(document.title)
    body = "\n".join(
        f"<section>\n<h2>{html.escape(section.title)}</h2>\n" + "\n".join(map(_html, section.blocks)) + "\n</section>"
        for section in document.sections
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    match block:
        case Table():
            head = "".join(f"<th>{html.escape(cell)}</th>" for cell in block.head)
            rows = "\n".join(
                "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in block.rows
            )
            kind = ' class="numbers"' if block.numbers else ""
            return f'<div class="wide"><table{kind}>\n<tr>{head}</tr>\n{rows}\n</table></div>'
        case Listing():
            return f"<pre>{html.escape(block.text)}</pre>"
        case Plot():
            return f"<figure>{block.svg}<figcaption>{html.escape(block.caption)}</figcaption></figure>"
        case _:
            return f"<p>{html.escape(block)}</p>"
