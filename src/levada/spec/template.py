"""Templates: `{date}`, `{start:%Y/%m/%d}`, `{page}` in names, requests and `equals`.

Filled values are percent-encoded for names and URLs by whoever fills them, so a value can never add a folder.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import unquote

__all__ = [
    "DIRECTIVES",
    "OF_MOMENTS",
    "Hole",
    "Template",
    "Value",
    "Written",
    "decode_name",
    "encode_name",
    "escape",
    "fill",
    "in_folder",
    "moment_text",
    "page_pattern",
    "parse",
    "typed",
    "variables",
]


@dataclass(frozen=True, slots=True)
class Written:
    """A moment as somebody wrote it: the text goes into requests as it is, a format takes the moment."""

    text: str
    #: Aware.
    moment: datetime


#: What a hole can be filled with. A datetime is a date, too; several values share one hole with commas between them.
Value: TypeAlias = str | int | float | bool | date | Written | Sequence[str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Hole:
    """A place to fill: variable name and optional format, as of strftime (`%-m` is ours on every platform)."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literal text and holes in order; `text` is what the spec says."""

    text: str
    parts: tuple[str | Hole, ...]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(day: date) -> datetime:
    if isinstance(day, datetime):
        return day
    raise TypeError("a day has no time")


def _offset(moment: datetime) -> str:
    """The offset from UTC as `+01:00`; seconds, which offsets had before clocks were standardised, are left out."""
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


#: What a format may say, and the text that it gives.
DIRECTIVES: Mapping[str, Callable[[date], str]] = {
    "%Y": lambda day: f"{day.year:04}",
    "%m": lambda day: f"{day.month:02}",
    "%d": lambda day: f"{day.day:02}",
    "%j": lambda day: f"{day.timetuple().tm_yday:03}",
    "%-m": lambda day: str(day.month),
    "%-d": lambda day: str(day.day),
    "%-j": lambda day: str(day.timetuple().tm_yday),
    "%G": lambda day: f"{day.isocalendar().year:04}",
    "%V": lambda day: f"{day.isocalendar().week:02}",
    "%H": lambda day: f"{_moment(day).hour:02}",
    "%M": lambda day: f"{_moment(day).minute:02}",
    "%S": lambda day: f"{_moment(day).second:02}",
    "%f": lambda day: f"{_moment(day).microsecond:06}",
    "%s": lambda day: str((_moment(day) - _EPOCH) // timedelta(seconds=1)),
    "%z": lambda day: _offset(_moment(day)),
    "%%": lambda _: "%",
}
#: Those of them that a day has no answer to.
OF_MOMENTS = frozenset({"%H", "%M", "%S", "%f", "%s", "%z"})
_DIRECTIVE = re.compile(r"%-?.?", re.DOTALL)
_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[A-Za-z0-9_]+)*")
_TOKEN = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")


def parse(text: str) -> Template:
    """Parse `text`; `{{` and `}}` are literal braces.

    Raises:
        ValueError: a brace is not closed, a name is empty or malformed, a format is unknown. The text says which.
    """
    parts: list[str | Hole] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts += [text[end : token.start()], _part(token.group())]
        end = token.end()
    parts.append(text[end:])
    return Template(text, _joined(parts))


def _part(piece: str) -> str | Hole:
    if piece in ("{{", "}}"):
        return piece[0]
    if piece == "{":
        raise ValueError("a { is not closed; write {{ for the brace itself")
    if piece == "}":
        raise ValueError("a } was not opened; write }} for the brace itself")
    name, colon, form = piece[1:-1].partition(":")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{piece} names no variable; write one such as {{date}}, or {{{{ and }}}} for the braces themselves"
        )
    if colon and not form:
        raise ValueError(f"{piece} has a colon but no format")
    for directive in _DIRECTIVE.findall(form):
        if directive not in DIRECTIVES:
            raise ValueError(f"{directive} in {piece} is no format known here: use {' '.join(DIRECTIVES)}")
    return Hole(name, form)


def _joined(parts: list[str | Hole]) -> tuple[str | Hole, ...]:
    """Neighbouring literals as one, without empty ones."""
    found: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part:
            found.append(part)
    return tuple(found)


def escape(text: str) -> str:
    """`text` as a template that says just that."""
    return text.replace("{", "{{").replace("}", "}}")


def variables(template: Template) -> frozenset[str]:
    """The names of the holes."""
    return frozenset(part.name for part in template.parts if isinstance(part, Hole))


def fill(template: Template, values: Mapping[str, Value], encode: Callable[[str], str] = str) -> str:
    """The text with each hole filled by `encode(value as text)`; literal parts are left as they are.

    Text between the directives of a format is literal too: the slashes of `{date:%Y/%m/%d}` make folders. Without a
    format a moment is written as RFC 3339 does, `2022-08-09T00:00:00Z`; true and false as JSON does.

    Raises:
        KeyError: a variable that `values` lacks.
        TypeError: a format for a value that is no date, or one of hours for a day.
        ValueError: a value that is null, or no finite number.
    """
    return "".join(
        part if isinstance(part, str) else _filled(part, values[part.name], encode) for part in template.parts
    )


def typed(template: Template, values: Mapping[str, Value]) -> Any:
    """What a JSON body says where it has `template`: the value itself where that is one hole and no more, else text.

    Numbers, true and false stay what they are, several values become a list; days and moments are text, as in `fill`.

    Raises:
        As `fill`.
    """
    if len(template.parts) != 1 or not isinstance(hole := template.parts[0], Hole) or hole.format:
        return fill(template, values)
    value = values[hole.name]
    text = _text_of(hole.name, value)  # refuses what has none
    if isinstance(value, bool | int | float):
        return value
    return [*value] if isinstance(value, Sequence) and not isinstance(value, str) else text


def _filled(hole: Hole, value: Value, encode: Callable[[str], str]) -> str:
    if not hole.format:
        return encode(_text_of(hole.name, value))
    moment = value.moment if isinstance(value, Written) else value
    if not isinstance(moment, date):
        raise TypeError(f"{{{hole.name}:{hole.format}}}: only dates have a format")
    try:
        return _DIRECTIVE.sub(lambda found: DIRECTIVES[found.group()](moment), hole.format)
    except TypeError as error:
        raise TypeError(f"{{{hole.name}:{hole.format}}}: {error}") from None


def _text_of(name: str, value: Any) -> str:
    match value:
        case None:
            raise ValueError(f"{{{name}}} is null here")
        case float() if not math.isfinite(value):
            raise ValueError(f"{{{name}}} is no finite number")
        case bool() | float():
            return json.dumps(value)
        case datetime():
            return moment_text(value)
        case date():
            return value.isoformat()
        case Written():
            return value.text
        case str() | int():
            return str(value)
        case Sequence():
            return ",".join(_text_of(name, each) for each in value)
    raise TypeError(f"{{{name}}} is neither text, number, true, false, date, nor a list of these")


def moment_text(moment: datetime) -> str:
    """A moment as RFC 3339 has it: `2022-08-09T00:00:00Z`, or with the offset from UTC."""
    text, offset = moment.replace(tzinfo=None).isoformat(), _offset(moment)
    return f"{text}Z" if offset == "+00:00" else f"{text}{offset}"


def in_folder(template: Template, folder: str) -> Template:
    """The file name of `template`, in `folder` instead of the folders that it names."""
    file: list[str | Hole] = []
    for part in reversed(template.parts):
        cut = _after_slash(part)
        file.insert(0, cut)
        if cut != part:
            break
    parts = _joined([f"{folder}/", *file])
    return Template("".join(map(_text, parts)), parts)


def _after_slash(part: str | Hole) -> str | Hole:
    if isinstance(part, str):
        return part.rpartition("/")[2]
    _, slash, form = part.format.rpartition("/")
    if slash:
        return Hole(part.name, form) if form else ""
    return part


def _text(part: str | Hole) -> str:
    if isinstance(part, str):
        return escape(part)
    return f"{{{part.name}:{part.format}}}" if part.format else f"{{{part.name}}}"


def encode_name(text: str) -> str:
    """`text` as a part of a file name: what could leave the folder or garble a listing is percent-encoded.

    Different texts give different names. Encoded are slash, backslash, percent sign, control characters, lone
    surrogates and a leading dot (so no `.`, no `..`, no hidden file comes from a value).
    """
    return _UNSAFE.sub(_percent, text)


_UNSAFE = re.compile(r"^\.|[/\\%\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found.group().encode("utf-8", "surrogatepass"))


def decode_name(text: str) -> str:
    """What `encode_name` made `text` of; `text` itself where it is none that `encode_name` makes."""
    try:
        found = unquote(text, errors="surrogatepass")
    except UnicodeDecodeError:
        return text
    return found if encode_name(found) == text else text


#: What may stand in a hole that is left open. No name that is filled in begins with a dot, see `encode_name`.
_OPEN = {"page": "[0-9]+", "file": "[^/.][^/]*"}


def page_pattern(template: Template, values: Mapping[str, Value]) -> tuple[str, re.Pattern[str]]:
    """Where the files of a template lie and what their names match, `{page}` and `{file}` left open.

    Args:
        template: A name in the lake.
        values: Every variable of the template but `page` and `file`.

    Returns:
        The folder all names lie in (without a slash at its end, "" for the lake itself), and a pattern for `fullmatch`
        on whole keys. Its group `page` holds the digits, its group `file` a file's name as `encode_name` writes it; a
        template without `{page}` or `{file}` has no such group.
    """
    head, pieces, seen = "", "", set[str]()
    for part in template.parts:
        if isinstance(part, Hole) and part.name in _OPEN:
            pieces += f"(?P={part.name})" if part.name in seen else f"(?P<{part.name}>{_OPEN[part.name]})"
            seen.add(part.name)
            continue
        text = fill(Template("", (part,)), values, encode_name)
        pieces += re.escape(text)
        head += "" if seen else text
    return head.rpartition("/")[0], re.compile(pieces)
