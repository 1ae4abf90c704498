"""Cells of the simulated Google Sheets: what is typed or sent becomes a value, and how a value is read back.

Known from the API's reference (valueInputOption, valueRenderOption, dateTimeRenderOption): RAW keeps texts as they are,
USER_ENTERED reads them as if typed; dates are days since 1899-12-30. Guessed: how many digits a number without a
format is shown with, and which of the many ways to write a date the locale en_US knows (here: 2024-10-08 and
10/8/2024, each with or without a time). Formulas are kept, but only sums and products of numbers are worked out;
others read as #ERROR!.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from levada.simulate.sheets_refusal import invalid

__all__ = ["EMPTY", "LONGEST", "Cell", "Scalar", "entered", "raw", "shown", "typed", "value_of"]

Scalar = bool | int | float | str
#: Characters that a cell holds at most.
LONGEST: Final = 50_000
_EPOCH: Final = date(1899, 12, 30).toordinal()
_DAY: Final = 86400
_NUMBER: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d+)?(%?)")
_MOMENT: Final = re.compile(
    r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4}))?[ T]?(?:(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?)?"
)
#: Field masks that name the value, and those that name the number format.
_OF_VALUE: Final = re.compile(r"\*|userEnteredValue")
_OF_FORMAT: Final = re.compile(r"\*|numberFormat|userEnteredFormat(?![.(/])")
_TOKENS: Final = re.compile(r"yyyy|yy|mm?|dd?|hh?|ss?(?:\.0+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what was entered, and how numbers are shown."""

    #: A number, a truth, a text; None: nothing.
    value: Scalar | None = None
    #: With its sign: "=1+1".
    formula: str | None = None
    #: Type and pattern of the number format.
    form: tuple[str, str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing; a format alone is nothing."""
        return self.value is None and self.formula is None


EMPTY: Final = Cell()


def raw(given: Any, before: Cell) -> Cell:
    """The cell after valueInputOption RAW; null leaves it as it is, "" empties it."""
    if given is None:
        return before
    return Cell(None if given == "" else _scalar(given), None, before.form)


def typed(given: Any, before: Cell) -> Cell:
    """The cell after valueInputOption USER_ENTERED; null leaves it as it is, "" empties it."""
    if not isinstance(given, str) or given == "":
        return raw(given, before)
    _scalar(given)
    if given.startswith("'"):
        return Cell(given[1:], None, before.form)
    if given.startswith("=") and len(given) > 1:
        return Cell(None, given, before.form)
    return _meant(given, before)


def _meant(text: str, before: Cell) -> Cell:
    bare = text.strip()
    if bare.upper() in ("TRUE", "FALSE"):
        return Cell(bare.upper() == "TRUE", None, before.form)
    if (found := _NUMBER.fullmatch(bare)) and any(sign.isdigit() for sign in bare):
        number = float(bare.replace(",", "").rstrip("%"))
        percent = bool(found[5])
        return Cell(_whole(number / 100 if percent else number), None, ("PERCENT", "0%") if percent else before.form)
    if moment := _moment(bare):
        return Cell(moment[0], None, moment[1])
    return Cell(text, None, before.form)


def _moment(text: str) -> tuple[float, tuple[str, str]] | None:
    found = _MOMENT.fullmatch(text)
    if not found or not text:
        return None
    year, month, day, other_month, other_day, other_year, hour, minute, second = found.groups()
    ymd = (year, month, day) if year else (other_year, other_month, other_day)
    try:
        days = date(*map(int, ymd)).toordinal() - _EPOCH if ymd[0] else 0
    except ValueError:
        return None
    if hour is None:
        return (days, ("DATE", "yyyy-mm-dd")) if ymd[0] else None
    seconds = int(hour) * 3600 + int(minute) * 60 + float(second or 0)
    kind = ("DATE_TIME", "yyyy-mm-dd hh:mm:ss") if ymd[0] else ("TIME", "hh:mm:ss")
    return (days + seconds / _DAY, kind)


def entered(given: Mapping[str, Any], fields: str, before: Cell) -> Cell:
    """The cell after a CellData of spreadsheets.batchUpdate, as far as `fields` has it: value and number format."""
    value, formula, form = before.value, before.formula, before.form
    if _OF_VALUE.search(fields):
        value, formula = _extended(given.get("userEnteredValue"))
    if _OF_FORMAT.search(fields):
        given_form = (given.get("userEnteredFormat") or {}).get("numberFormat")
        form = (given_form.get("type", ""), given_form.get("pattern", "")) if given_form else None
    return Cell(value, formula, form)


def _extended(given: Mapping[str, Any] | None) -> tuple[Scalar | None, str | None]:
    """Value and formula of an ExtendedValue: its texts are texts, whatever they begin with."""
    if not given:
        return None, None
    if set(given) - {"numberValue", "stringValue", "boolValue", "formulaValue"} or len(given) > 1:
        raise invalid(f"Invalid value at 'user_entered_value': {', '.join(sorted(given))}")
    if "formulaValue" in given:
        return None, str(given["formulaValue"])
    value = _scalar(next(iter(given.values())))
    return (None if value == "" else value), None


def _scalar(given: Any) -> Scalar:
    if not isinstance(given, bool | int | float | str):
        raise invalid("Invalid values: a value is a text, a number or a truth, no list and no struct")
    if isinstance(given, str) and len(given) > LONGEST:
        raise invalid(f"Your input contains more than the maximum of {LONGEST} characters in a single cell.")
    # Every number of a sheet is a double.
    return _whole(float(given)) if isinstance(given, int | float) and not isinstance(given, bool) else given


def _whole(number: float) -> int | float:
    return int(number) if number == int(number) and abs(number) < 1e15 else number  # noqa: PLR2004 - JSON's digits


def shown(cell: Cell, render: str, moments: str) -> Scalar:
    """What a read gives for the cell: "" for an empty one.

    Args:
        cell: The cell.
        render: FORMATTED_VALUE, UNFORMATTED_VALUE or FORMULA.
        moments: SERIAL_NUMBER or FORMATTED_STRING; counts where numbers are not shown formatted.
    """
    if cell.formula is not None and render == "FORMULA":
        return cell.formula
    value = value_of(cell)
    if value is None:
        return ""
    is_moment = cell.form is not None and cell.form[0] in ("DATE", "DATE_TIME", "TIME")
    if render == "FORMATTED_VALUE" or (is_moment and moments == "FORMATTED_STRING"):
        return _formatted(value, cell.form)
    return value


def value_of(cell: Cell) -> Scalar | None:
    """The cell's value, a formula's worked out."""
    if cell.formula is None:
        return cell.value
    try:
        return _whole(float(_worked_out(ast.parse(cell.formula[1:].strip(), mode="eval").body)))
    except ZeroDivisionError:
        return "#DIV/0!"
    except (SyntaxError, ValueError, KeyError, OverflowError, RecursionError, MemoryError):
        return "#ERROR!"


_SIGNS: Final[Mapping[type, Callable[..., float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def _worked_out(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp):
        return _SIGNS[type(node.op)](_worked_out(node.left), _worked_out(node.right))
    if isinstance(node, ast.UnaryOp):
        return _SIGNS[type(node.op)](_worked_out(node.operand))
    raise ValueError(node)


def _formatted(value: Scalar, form: tuple[str, str] | None) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value
    if form is None or form[0] in ("", "TEXT", "NUMBER"):
        return f"{value:.15g}"
    if form[0] == "PERCENT":
        return f"{value:.0%}"
    try:
        day = date.fromordinal(_EPOCH + int(value // 1))
    except (ValueError, OverflowError):
        return f"{value:.15g}"
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(milliseconds=round(value % 1 * _DAY * 1e3))
    return _spelled(moment, form[1])


def _spelled(moment: datetime, pattern: str) -> str:
    """`moment` by a pattern; `m` after hours and before seconds is minutes, else months."""
    spelled, clock = "", False
    last = 0
    for found in _TOKENS.finditer(pattern):
        token = found[0].lower()
        clock = clock or token[0] in "hs"
        spelled += pattern[last : found.start()] + _part(moment, token, clock=clock)
        last = found.end()
    return spelled + pattern[last:]


def _part(moment: datetime, token: str, *, clock: bool) -> str:
    if token.startswith("y"):
        return f"{moment.year:04d}"[-len(token) :]
    if token.startswith("s"):
        whole, _, fraction = token.partition(".")
        return f"{moment.second:0{len(whole)}d}" + (
            f".{moment.microsecond:06d}"[: len(fraction) + 1] if fraction else ""
        )
    number = {"d": moment.day, "h": moment.hour, "m": moment.minute if clock else moment.month}[token[0]]
    return f"{number:0{len(token)}d}"
