"""Templates: `{date}`, `{date:%Y/%m/%d}`, `{page}` in names, requests and `equals`.

Filled values are percent-encoded for names and URLs by whoever fills them, so a value can never add a folder.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

__all__ = [
    "DIRECTIVES",
    "Hole",
    "Template",
    "Value",
    "encode_name",
    "escape",
    "fill",
    "in_folder",
    "page_pattern",
    "parse",
    "variables",
]

Value = str | int | date


@dataclass(frozen=True, slots=True)
class Hole:
    """A place to fill: variable name and optional format (strftime for dates; `%-m` is ours on every platform)."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literal text and holes in order; `text` is what the spec says."""

    text: str
    parts: tuple[str | Hole, ...]


#: What a date's format may say, and the text that it gives.
DIRECTIVES: Mapping[str, Callable[[date], str]] = {
    "%Y": lambda day: f"{day.year:04}",
    "%m": lambda day: f"{day.month:02}",
    "%d": lambda day: f"{day.day:02}",
    "%j": lambda day: f"{day.timetuple().tm_yday:03}",
    "%-m": lambda day: str(day.month),
    "%-d": lambda day: str(day.day),
    "%-j": lambda day: str(day.timetuple().tm_yday),
    "%%": lambda _: "%",
}
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

    Text between the directives of a format is literal too: the slashes of `{date:%Y/%m/%d}` make folders.

    Raises:
        KeyError: a variable that `values` lacks.
        TypeError: a format for a value that is no date.
    """
    return "".join(
        part if isinstance(part, str) else _filled(part, values[part.name], encode) for part in template.parts
    )


def _filled(hole: Hole, value: Value, encode: Callable[[str], str]) -> str:
    if not hole.format:
        return encode(value.isoformat() if isinstance(value, date) else str(value))
    if not isinstance(value, date):
        raise TypeError(f"{{{hole.name}:{hole.format}}}: only dates have a format")
    return _DIRECTIVE.sub(lambda found: DIRECTIVES[found.group()](value), hole.format)


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


def page_pattern(template: Template, values: Mapping[str, Value]) -> tuple[str, re.Pattern[str]]:
    """Where the files of a template lie and what their names match, `{page}` left open.

    Args:
        template: A name in the lake.
        values: Every variable of the template but `page`.

    Returns:
        The folder all names lie in (without a slash at its end, "" for the lake itself), and a pattern for `fullmatch`
        on whole keys. Its group `page` holds the digits; a template without `{page}` has no such group.
    """
    head, pieces, seen = "", "", False
    for part in template.parts:
        if part == Hole("page"):
            pieces += "(?P=page)" if seen else "(?P<page>[0-9]+)"
            seen = True
            continue
        text = fill(Template("", (part,)), values, encode_name)
        pieces += re.escape(text)
        head += "" if seen else text
    return head.rpartition("/")[0], re.compile(pieces)
