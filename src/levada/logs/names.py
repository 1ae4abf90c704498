"""Names of log files: what the file of a day is called, and which of those that are there are too old. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from levada.spec.template import Hole, Template, encode_name, fill, parse

__all__ = ["DEFAULT", "file_name", "leads_on", "outdated"]

#: What log files are called if the spec does not say.
DEFAULT = parse("{date}.txt")
_ISO = "%Y-%m-%d"
#: What a directive of a day's format leaves in a name.
_DIGITS = {
    "%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%j": "[0-9]{3}", "%-m": "[0-9]{1,2}", "%-d": "[0-9]{1,2}",
    "%-j": "[0-9]{1,3}", "%G": "[0-9]{4}", "%V": "[0-9]{2}",
}  # fmt: skip
_PIECE = re.compile(r"%-?.|[^%]+", re.DOTALL)


def file_name(template: Template, pipeline: str, day: date) -> str:
    """The name of the file for the lines of a day, relative to the folder."""
    return fill(template, {"date": day, "pipeline": pipeline}, encode_name)


def outdated(template: Template, pipeline: str, names: Iterable[str], oldest: date) -> list[str]:
    """Those of `names` that the template gives days before `oldest`; a name that it gives no day is none of them."""
    pattern = re.compile("".join(_pieces(template, pipeline)))
    found = ((name, pattern.fullmatch(name)) for name in names)
    days = ((name, _day(match.groupdict())) for name, match in found if match)
    # Filled in again: what only looks like a name of ours is not touched.
    return [name for name, day in days if day and day < oldest and file_name(template, pipeline, day) == name]


def leads_on(template: Template, pipeline: str, folder: str) -> bool:
    """Whether the files of a day may lie below a folder, by its name relative to that of the log files."""
    # No piece of a pattern has a `/` but that between two folders: neither digits nor the name of a pipeline have one.
    folders = "".join(_pieces(template, pipeline)).split("/")[:-1]
    return bool(re.fullmatch("/".join(folders[: folder.count("/") + 1]), folder)) and folder.count("/") < len(folders)


def _pieces(template: Template, pipeline: str) -> Iterator[str]:
    """A pattern for the names of all days, piece by piece."""
    seen = set[str]()
    for part in template.parts:
        if not isinstance(part, Hole):
            yield re.escape(part)
        elif part.name == "pipeline":
            yield re.escape(encode_name(pipeline))
        else:
            for piece in _PIECE.findall(part.format or _ISO):
                yield _digits(piece, seen)


def _digits(piece: str, seen: set[str]) -> str:
    if piece not in _DIGITS:
        return re.escape("%" if piece == "%%" else piece)
    name = _group(piece)
    again = name in seen
    seen.add(name)
    return f"(?P={name})" if again else f"(?P<{name}>{_DIGITS[piece]})"


def _group(piece: str) -> str:
    return piece[1:].replace("-", "short_")


def _day(told: dict[str, str]) -> date | None:
    """The day that the groups of a name tell, None where there is no such day."""

    def number(*pieces: str) -> int | None:
        return next((int(told[group]) for group in map(_group, pieces) if group in told), None)

    year, month, day, of_year = number("%Y"), number("%m", "%-m"), number("%d", "%-d"), number("%j", "%-j")
    try:
        if year is not None and month is not None and day is not None:
            return date(year, month, day)
        if year is not None and of_year is not None:
            return date.fromordinal(date(year, 1, 1).toordinal() + of_year - 1)
    except (ValueError, OverflowError):
        return None
    return None
