"""A table as a picture, by matplotlib, which is loaded here alone: SVG or PNG, equal rows give equal bytes.

Nothing is shown on a screen and no font is looked for but the one that comes with matplotlib.
"""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from levada.errors import FixThis
from levada.extras import require
from levada.report.model import Table
from levada.report.text import is_number, number_columns, text

__all__ = ["Drawing", "chart_of"]

#: Points along the bottom that are named at most.
_NAMED = 24
#: No names of shapes by chance, no fonts of this machine, no formulas in texts; and no dates and versions.
_FIXED: Any = {"svg.hashsalt": "levada", "font.family": "DejaVu Sans", "text.parse_math": False}
_FACTS: Mapping[str, Mapping[str, None]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn."""

    title: str
    form: Literal["svg", "png"]
    kind: Literal["line", "bar"] = "line"
    #: The column along the bottom; "": the first.
    x: str = ""
    #: The columns that are drawn; empty: the others that are numbers.
    y: tuple[str, ...] = ()


def chart_of(table: Table, drawing: Drawing, where: str) -> bytes:
    """The bytes of the picture; a table without rows is an empty one.

    Args:
        table: The rows.
        drawing: What is drawn of them.
        where: Where the spec says so, for messages.

    Raises:
        FixThis: a column is not there or holds no numbers; they cannot be drawn; matplotlib is not installed.
    """
    across, drawn = _columns(table, drawing, where)
    require("chart", "Charts", ["matplotlib"])
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells the terminal of fonts
    try:
        with mpl.rc_context(dict(mpl.rcParamsDefault) | _FIXED), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # signs that the font lacks are boxes
            figure = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
            FigureCanvasAgg(figure)
            _draw(figure.add_subplot(), table, drawing, (across, drawn))
            out = io.BytesIO()
            figure.savefig(out, format=drawing.form, metadata=dict(_FACTS[drawing.form]))
    except (ValueError, ArithmeticError, TypeError) as error:
        what, todo = f"The chart cannot be drawn: {error}.", "draw other columns, or numbers that lie closer together"
        raise FixThis(what, where=where, todo=todo) from None
    return out.getvalue()


def _columns(table: Table, drawing: Drawing, where: str) -> tuple[str, tuple[str, ...]]:
    """The column along the bottom, and those that are drawn.

    Raises:
        FixThis: one is not there, or holds no numbers; there is none to draw.
    """
    columns = ", ".join(table.columns)
    for name in (drawing.x, *drawing.y):
        if name and name not in table.columns:
            raise FixThis(f'The chart draws "{name}", which is no column.', where=where, todo=f"columns: {columns}")
    across = drawing.x or table.columns[0]
    numbers = [name for name in number_columns(table.columns, table.rows) if name != across]
    drawn = drawing.y or tuple(numbers) or tuple(name for name in _void(table) if name != across)
    if table.rows and not drawn:
        what = f"The chart has nothing to draw: no column but {across} holds numbers."
        raise FixThis(what, where=where, todo=f"name them, y: [...]; columns: {columns}")
    for name in drawn if table.rows else ():
        values = [row[table.columns.index(name)] for row in table.rows]
        odd = next((value for value in values if value is not None and not is_number(value)), None)
        if odd is not None:
            what = f'The chart draws "{name}", which holds no number: {text(odd)[:40]!r}.'
            raise FixThis(what, where=where, todo="name columns of numbers, or CAST them in the SQL")
    return across, drawn


def _void(table: Table) -> tuple[str, ...]:
    """The columns that hold null alone: the mean of a day without rows is no mistake."""
    return tuple(name for place, name in enumerate(table.columns) if all(row[place] is None for row in table.rows))


def _draw(axes: Any, table: Table, drawing: Drawing, columns: tuple[str, tuple[str, ...]]) -> None:
    across, drawn = columns
    bottom = [row[table.columns.index(across)] for row in table.rows]
    dated = bool(bottom) and all(isinstance(value, date) for value in bottom)
    places: Sequence[Any] = bottom if dated or all(map(is_number, bottom)) else range(len(bottom))
    for number, name in enumerate(drawn if table.rows else ()):
        heights = [_height(row[table.columns.index(name)]) for row in table.rows]
        if drawing.kind == "bar":
            _bars(axes, bottom, heights, (number, len(drawn), name))
        else:
            axes.plot(places, heights, marker="o", markersize=3, label=name)
    if dated or drawing.kind == "bar" or places is not bottom:
        at = places if dated and drawing.kind == "line" else range(len(bottom))
        step = -(-len(bottom) // _NAMED) or 1
        axes.set_xticks(at[::step], [text(value) for value in bottom[::step]])
        axes.tick_params(axis="x", rotation=45)
    axes.set_title(drawing.title)
    axes.set_xlabel(across)
    axes.grid(visible=True, axis="y", alpha=0.3)
    if len(drawn) > 1 and table.rows:
        axes.legend()
    elif drawn:
        axes.set_ylabel(drawn[0])


def _height(value: Any) -> float:
    """A gap where there is no value."""
    return float("nan") if value is None else float(value)


def _bars(axes: Any, bottom: Sequence[Any], heights: Sequence[float], which: tuple[int, int, str]) -> None:
    """The bars of one column, beside those of the others."""
    number, many, name = which
    width = 0.8 / many
    axes.bar([place - 0.4 + width * (number + 0.5) for place in range(len(bottom))], heights, width, label=name)
