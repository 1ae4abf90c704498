"""What an answer tells the paging: cursors, links, totals, flags, each from the place that the spec names. Pure."""

import re
from collections import UserDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

from levada import jsonpath
from levada.nouns import PageFacts
from levada.secret import redact, shown_url
from levada.source.links import target_of
from levada.source.paginate import Broken, Said, Trail, noted
from levada.spec.model import Paging, Ref

__all__ = ["UNKEPT", "Follow", "Told", "header_names", "kept", "listens", "said", "words"]

#: Stands in the facts of a page for a header that leads on and holds what must not be written down.
UNKEPT = "(holds a secret: not kept)"
_COOKIES = {"set-cookie", "set-cookie2"}
_WHOLE = re.compile(r"\s*([0-9]+)\s*")
#: Characters of a path or query that stay as they are (RFC 3986, 2), escapes among them.
_LEGAL = "%:/?#[]@!$&'()*+,;=~"
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
#: The user's function of `by: class`: (value asked for, body, headers) -> next value, or None at the end.
Follow: TypeAlias = Callable[[int | str | None, Any, Mapping[str, str]], Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, as far as paging may look at it."""

    facts: PageFacts
    #: What it was asked for, and the URL that answered: relative links are relative to it.
    value: int | str | None
    url: str
    #: All of its headers; of a page read back, those that were kept.
    headers: Mapping[str, str]
    #: Every value of the body that a JSONPath matches.
    find: Callable[[str], list[Any]]
    #: The last record, parsed when it is needed; None without records.
    last: Callable[[], Any]


def listens(paging: Paging) -> bool:
    """Whether paging looks into answers at all."""
    refs = (paging.next, paging.total_rows, paging.total_pages, paging.has_more)
    return paging.by in {"link", "class"} or any(refs)


def header_names(paging: Paging) -> set[str]:
    """Names, in lower case, of the headers that paging reads."""
    refs = (paging.next, paging.total_rows, paging.total_pages, paging.has_more)
    return {ref.header.lower() for ref in refs if ref and ref.header} | ({"link"} if paging.by == "link" else set())


def kept(name: str, value: str) -> str:
    """A header that paging reads, as the facts of a page keep it: no signed link, no cookie is written down."""
    if name in _COOKIES:
        return UNKEPT
    links = re.findall(r"<([^>]*)>", value) if name == "link" else [value]
    safe = redact(value) == value and all(shown_url(link) == link for link in links)
    return value if safe else UNKEPT


def said(paging: Paging, told: Told, trail: Trail, follow: Follow | None = None) -> Said | Broken:
    """What an answer says.

    Args:
        paging: Where the spec says that things are.
        told: The answer.
        trail: What came before it: a total must be told once, a flag with every page that has records.
        follow: The function of `by: class`.
    """
    try:
        return Said(
            next=_next(paging, told, follow),
            total_rows=_total(paging.total_rows, "total_rows", told, trail.total_rows),
            total_pages=_total(paging.total_pages, "total_pages", told, trail.total_pages),
            has_more=_flag(paging.has_more, told),
        )
    except _UnclearError as unclear:
        return Broken(unclear.what, unclear.todo)


def words(paging: Paging, facts: PageFacts, found: Said) -> tuple[tuple[str, str], ...]:
    """What each rule of paging saw in an answer, for people: (rule, what it found)."""
    told: list[tuple[str, str]] = []
    if paging.by in {"cursor", "next_url", "link", "class"}:
        told.append(("next", "none" if found.next is None else str(noted(found.next))))
    for key in ("total_rows", "total_pages", "has_more"):
        if getattr(paging, key):
            value = getattr(found, key)
            told.append((key, "not told" if value is None else str(value).lower()))
    if paging.limit is not None:
        told.append(("limit", f"{facts.rows} of {paging.limit} rows"))
    return tuple(told)


class _UnclearError(Exception):
    """An answer that does not say what the spec counts on."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what, todo)
        self.what = what
        self.todo = todo


def _at(ref: Ref, told: Told) -> Any:
    """The value at a place; None where there is none. Of several matches the first counts."""
    if ref.header:
        return _header(ref.header, told)
    found = jsonpath.values(ref.last, told.last()) if ref.last else told.find(ref.body or "$")
    return found[0] if found else None


def _header(name: str, told: Told) -> str | None:
    return _Headers(told.headers).get(name.lower())


class _Headers(UserDict[str, str]):
    """Headers by name in lower case; one that was not kept is not taken for what the API said."""

    def __getitem__(self, name: str) -> str:
        value = super().__getitem__(name)
        if value == UNKEPT:
            raise _UnclearError(f"The header {name} led on and was not kept.", "Read the partition anew.")
        return value


def _next(paging: Paging, told: Told, follow: Follow | None) -> int | str | None:
    if paging.by == "link":
        target = target_of(_header("link", told) or "", paging.rel)
        return None if target is None else _absolute(target, told)
    if paging.by == "class" and follow:
        body = next(iter(told.find("$")), None)
        return _usable(follow(told.value, body, _Headers(told.headers)), "what `class` gives")
    if paging.next is None:
        return None
    found = _usable(_at(paging.next, told), f"the next {'link' if paging.by == 'next_url' else 'cursor'}")
    return _absolute(str(found), told) if paging.by == "next_url" and found is not None else found


def _usable(found: Any, what: str) -> int | str | None:
    """A cursor or link: a text or a number; null, false and an empty text are the end."""
    if found is None or found is False or found == "":
        return None
    if isinstance(found, str):
        return found
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    if isinstance(found, float):
        return str(found)
    todo = "Mend the function" if "`class`" in what else "Name the place of a text or a number with `next`"
    raise _UnclearError(f"{_kind(found)} stands where {what} belongs.", f"{todo}.")


def _kind(found: Any) -> str:
    kinds = {bool: "true", dict: "An object", list: "A list"}
    return kinds.get(type(found), type(found).__name__)


def _absolute(target: str, told: Told) -> str:
    """A link as an absolute URL without its fragment (RFC 3986, 5.2), escapes kept byte for byte.

    What no URL can hold (blanks, quotes, letters of other scripts) is escaped, as browsers do.
    """
    try:
        url = urldefrag(urljoin(told.url, target.strip())).url
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        raise _UnclearError(f"The next link is no http address: {shown_url(target)[:200]}", "Check `next`.")
    return urlunsplit((*parts[:2], *(quote(part, safe=_LEGAL) for part in parts[2:])))


def _total(ref: Ref | None, key: str, told: Told, known: int | None) -> int | None:
    if ref is None:
        return None
    found = _at(ref, told)
    whole = _WHOLE.fullmatch(found) if isinstance(found, str) else None
    if whole:
        return int(whole[1])
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    if isinstance(found, float) and found.is_integer() and found >= 0:
        return int(found)
    if found is None and (known is not None or not told.facts.rows):
        return None
    raise _UnclearError(
        f"`{key}` ({_where(ref)}) {_finding(found)}, and no page before told it.",
        f"Name the place of the total, or leave `{key}` out.",
    )


def _flag(ref: Ref | None, told: Told) -> bool | None:
    if ref is None:
        return None
    found = _at(ref, told)
    if isinstance(found, bool):
        return found
    flag = _FLAGS.get(str(found).strip().lower()) if isinstance(found, str | int) else None
    if flag is not None or (found is None and not told.facts.rows):
        return flag
    raise _UnclearError(
        f"`has_more` ({_where(ref)}) {_finding(found)}: neither true nor false.",
        "Name the place of the flag that says whether more pages follow, or leave `has_more` out.",
    )


def _where(ref: Ref) -> str:
    return f"header {ref.header}" if ref.header else str(ref.body or ref.last)


def _finding(found: Any) -> str:
    return "finds nothing" if found is None else f"finds {redact(str(found))[:100]!r}"
