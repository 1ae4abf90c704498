"""A table as an HTML page of its own: no script, nothing fetched, read well by screen readers and in the dark. Pure."""

from collections.abc import Sequence
from html import escape
from typing import Any

from levada.report.model import Table
from levada.report.text import number_columns, text

__all__ = ["html_of"]

_STYLE = (
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
    "body{margin:2rem auto;padding:0 1rem;max-width:70rem}"
    "div{overflow-x:auto}table{border-collapse:collapse}"
    "caption{font-size:1.25rem;font-weight:600;text-align:left;padding:0 0 .75rem}"
    "th,td{padding:.35rem .75rem;border-bottom:1px solid color-mix(in srgb,currentColor 25%,transparent);"
    "text-align:left;vertical-align:top}"
    "thead th{border-bottom-width:2px}.n{text-align:right;font-variant-numeric:tabular-nums}"
    "p{color:color-mix(in srgb,currentColor 70%,transparent)}"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<div role="region" tabindex="0" aria-label="{title}">
<table>
<caption>{title}</caption>
<thead>
<tr>{head}</tr>
</thead>
<tbody>
{body}</tbody>
</table>
</div>
{none}</main>
</body>
</html>
"""


def html_of(table: Table, title: str) -> bytes:
    """The bytes of the page; equal rows give equal bytes.

    Args:
        table: The rows.
        title: Of the page, and the caption of the table.
    """
    numbers = number_columns(table.columns, table.rows)
    right = [' class="n"' if name in numbers else "" for name in table.columns]
    names = zip(table.columns, right, strict=True)
    head = "".join(f'<th scope="col"{at}>{_shown(name)}</th>' for name, at in names)
    body = "".join(f"<tr>{_cells(row, right)}</tr>\n" for row in table.rows)
    none = "" if table.rows else "<p>There are no rows.</p>\n"
    page = _PAGE.format(title=_shown(title), style=_STYLE, head=head, body=body, none=none)
    return page.encode("utf-8", "replace")


def _cells(row: Sequence[Any], right: Sequence[str]) -> str:
    return "".join(f"<td{at}>{_shown(text(value))}</td>" for value, at in zip(row, right, strict=True))


def _shown(value: str) -> str:
    """Escaped; HTML has no place for control characters."""
    return escape("".join("\ufffd" if ord(one) < 32 and one not in "\t\n" else one for one in value))  # noqa: PLR2004 - C0
