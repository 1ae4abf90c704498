"""A page for people that shows what is in a spreadsheet of the simulated Google Sheets; not Google's."""

from html import escape

from levada.simulate.sheets_book import Book, Sheet
from levada.simulate.sheets_cells import EMPTY, shown

__all__ = ["page"]

_STYLE = "body{font:14px sans-serif;margin:2em}td{border:1px solid #ccc;padding:2px 8px}table{border-collapse:collapse}"


def page(book: Book) -> str:
    """HTML with a table for each worksheet, as its values are shown."""
    tables = "".join(f"<h2>{escape(sheet.title)}</h2>{_table(sheet)}" for sheet in book.sheets)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(book.title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(book.title)}</h1>{tables}"
    )


def _table(sheet: Sheet) -> str:
    rows, columns = sheet.used()
    lines = ("".join(_cell(sheet, row, column) for column in range(columns)) for row in range(rows))
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(sheet: Sheet, row: int, column: int) -> str:
    text = str(shown(sheet.cells.get((row, column), EMPTY), "FORMATTED_VALUE", "SERIAL_NUMBER"))
    return f"<td>{escape(text)}</td>"
