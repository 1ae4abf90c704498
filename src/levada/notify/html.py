"""A letter as HTML that mail clients show alike: tables, inline styles, no pictures, nothing from elsewhere. Pure."""

from collections.abc import Iterator
from html import escape

from levada.notify.letter import Block, Facts, Items, Letter, Link, Table

__all__ = ["html_of"]

_BODY = "font-family:Arial,Helvetica,sans-serif;font-size:14px;color:#222222"
_CELL = "padding:2px 12px 2px 0;vertical-align:top"
_HEAD = f"{_CELL};border-bottom:1px solid #999999"
_TABLE = '<table cellpadding="0" cellspacing="0" style="border-collapse:collapse;font-size:14px">'


def html_of(letter: Letter) -> str:
    """The whole letter as one document."""
    title = escape(letter.subject)
    body = "\n".join("\n".join(_block(block)) for block in letter.blocks)
    return (
        f'<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
        f'<body style="{_BODY}">\n<h2 style="font-size:18px">{title}</h2>\n{body}\n</body>\n</html>\n'
    )


def _block(block: Block) -> Iterator[str]:
    match block:
        case Facts():
            yield _TABLE
            yield from (_row([name, value], "td", frozenset()) for name, value in block.pairs)
            yield "</table>"
        case Items():
            yield _title(block.title)
            yield "<ul>"
            yield from (f"<li>{_broken(item)}</li>" for item in block.items)
            yield "</ul>"
        case Table():
            yield _title(block.title)
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    if table.columns:
        yield _TABLE
        yield _row(table.columns, "th", table.numbers)
        yield from (_row(row, "td", table.numbers) for row in table.rows)
        yield "</table>"
    below = [*map(escape, table.below), *map(_link, table.links)]
    if below:
        yield f"<p>{'<br>'.join(below)}</p>"


def _title(text: str) -> str:
    return f'<h3 style="font-size:15px">{escape(text)}</h3>'


def _row(cells: tuple[str, ...] | list[str], tag: str, numbers: frozenset[int]) -> str:
    style = _HEAD if tag == "th" else _CELL
    told = (
        f'<{tag} align="{"right" if place in numbers else "left"}" style="{style}">{_broken(cell)}</{tag}>'
        for place, cell in enumerate(cells)
    )
    return f"<tr>{''.join(told)}</tr>"


def _broken(text: str) -> str:
    return "<br>".join(map(escape, text.split("\n")))


def _link(link: Link) -> str:
    """An address to follow; one of another scheme is text alone."""
    url = escape(link.url)
    if not link.url.startswith(("https://", "http://")):
        return f"{escape(link.name)}: {url}"
    return f'{escape(link.name)}: <a href="{url}">{url}</a>'
