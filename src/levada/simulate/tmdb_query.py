"""What `discover/tv` makes of a question: filters, order, pages. Pure."""

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from levada.simulate.tmdb_shows import Show, shows

__all__ = ["MOST_PAGES", "Found", "discover", "page_number"]

#: Pages beyond this one are refused, however many there are.
MOST_PAGES: Final = 500
_PAGE_SIZE: Final = 20
#: No orders and filters beyond this many are kept.
_KEPT: Final = 32

_Test = Callable[[Show], bool]

_SORTED_BY: Final[Mapping[str, Callable[[Show], Any]]] = {
    "first_air_date": lambda show: show.first_air_date,
    "name": lambda show: show.name.english,
    "original_name": lambda show: show.original_name,
    "popularity": lambda show: show.popularity,
    "vote_average": lambda show: show.score,
    "vote_count": lambda show: show.vote_count,
}
#: Parameters that take several values -> what of a show they are about, as texts.
_CHOICES: Final[Mapping[str, Callable[[Show], set[str]]]] = {
    "with_genres": lambda show: set(map(str, show.genres)),
    "with_origin_country": lambda show: {show.country},
    "with_original_language": lambda show: {show.language},
}
#: Parameters with .gte and .lte -> what of a show they are about, and how a bound is read.
_BOUNDS: Final[Mapping[str, tuple[Callable[[Show], Any], Callable[[str], Any]]]] = {
    "first_air_date": (lambda show: show.first_air_date, date.fromisoformat),
    "vote_average": (lambda show: show.vote_average, float),
    "vote_count": (lambda show: show.vote_count, float),
}


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found, and how much there is."""

    shows: Sequence[Show]
    pages: int
    results: int


def page_number(text: str) -> int | None:
    """The page that a request names; None for what is none from 1 to 500."""
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    return number if 1 <= number <= MOST_PAGES else None


def discover(count: int, asked: Mapping[str, str], page: int) -> Found:
    """A page of those among `count` shows that meet all that was asked for; parameters not known change nothing."""
    pairs = tuple((name, text) for name, text in asked.items() if name == "sort_by" or _test(name, text))
    found = _found(count, pairs)
    first = (page - 1) * _PAGE_SIZE
    return Found(found[first : first + _PAGE_SIZE], math.ceil(len(found) / _PAGE_SIZE), len(found))


@functools.lru_cache(maxsize=_KEPT)
def _found(count: int, pairs: tuple[tuple[str, str], ...]) -> Sequence[Show]:
    """All of them in order: 15 ms, which nobody should wait for at each of 500 pages."""
    tests = [test for name, text in pairs if (test := _test(name, text))]
    column, _, way = dict(pairs).get("sort_by", "").partition(".")
    found = [show for show in shows(count) if all(test(show) for test in tests)]
    # Equal ones keep the order of their ids, so that each is on one page alone.
    return sorted(found, key=_SORTED_BY.get(column, _SORTED_BY["popularity"]), reverse=way != "asc")


def _test(name: str, text: str) -> _Test | None:
    column, _, side = name.rpartition(".")
    if name in _CHOICES and text:
        return _chosen(_CHOICES[name], text)
    if column in _BOUNDS and side in {"gte", "lte"}:
        return _bounded(column, side, text)
    return None


def _chosen(told: Callable[[Show], set[str]], text: str) -> _Test:
    """`a,b` wants both, `a|b` one of them."""
    wanted = set(re.split("[|,]", text))
    if "|" in text:
        return lambda show: bool(wanted & told(show))
    return lambda show: wanted <= told(show)


def _bounded(column: str, side: str, text: str) -> _Test | None:
    value, read = _BOUNDS[column]
    try:
        bound = read(text)
    except ValueError:
        return None
    if side == "gte":
        return lambda show: bool(value(show) >= bound)
    return lambda show: bool(value(show) <= bound)
