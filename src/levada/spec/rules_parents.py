"""Rules between streams, and of the variables that each may use: rows, slices and partitions. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from levada.nouns import Place
from levada.spec.engine import BROKEN, Given, Path, Reading, Rule
from levada.spec.meant import nearest
from levada.spec.rules_names import streams
from levada.spec.template import Hole, Template, parse, variables
from levada.spec.tree import Mistake, Word
from levada.spec.values_template import shown

__all__ = ["PARENT_RULES"]

_SPANS = ("hour", "day", "week", "month")


def _parents(path: Path, reading: Reading) -> tuple[tuple[str, Given, str], ...]:
    """The streams that a stream is made from, each with the section and the key that name it."""
    stream, each = reading.sections[path], reading.sections.get((*path, "for_each"))
    found = [(name, each, "row_of") for name in _listed(each, "row_of")] if each else []
    pages_of = stream.get("pages_of")
    return (*found, *([(pages_of, stream, "pages_of")] if isinstance(pages_of, str) else []))


def _listed(given: Given, key: str) -> tuple[str, ...]:
    found = given.get(key, ())
    return () if found is BROKEN else found


def _there(_: Given, reading: Reading) -> Iterator[Mistake]:
    """Parents are streams of this file, of the same partitions, each named once."""
    known = [path[1] for path in streams(reading)]
    for path in streams(reading):
        found = _parents(path, reading)
        for number, (name, given, key) in enumerate(found):
            if name not in known:
                others = [other for other in known if other != path[1]]
                near = nearest(name, others)
                listed = (
                    f"known here: {', '.join(others)}" if others else "add that stream, or name the rows: rows: [...]"
                )
                todo = f"did you mean {near}?" if near else listed
                yield given.mistake(key, f'{key}: there is no stream "{name}"', todo)
            elif (name, key) in [(other, named) for other, _, named in found[:number]]:
                yield given.mistake(key, f"{key} names {name} twice", "leave one of them out")
            else:
                yield from _fits(path, (name, given, key), reading)


def _fits(path: Path, parent: tuple[str, Given, str], reading: Reading) -> Iterator[Mistake]:
    name, given, key = parent
    stream, other = reading.sections[path], reading.sections[("streams", name)]
    if key == "pages_of" and "pages_of" in other.places:
        yield given.mistake(key, f"{name} has no pages of its own", f"name the stream that {name} reads")
    if key == "pages_of" and "files" in other.places:
        yield given.mistake(key, f"{name} takes files, which have no pages", f"write the files of {name} here, too")
    if "incremental" in other.places or ("incremental" in stream.places and key == "row_of"):
        what = f"{key} with an incremental stream is not built yet (they share no partitions)"
        yield given.mistake(key, what, "give both streams partitions")


def _circles(_: Given, reading: Reading) -> Iterator[Mistake]:
    """No stream is made from itself."""
    parents = {path[1]: [name for name, _, _ in _parents(path, reading)] for path in streams(reading)}
    told: set[frozenset[str]] = set()
    for path in streams(reading):
        circle = _circle(path[1], parents)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            section, key = next(parent for parent in _parents(path, reading) if parent[0] == circle[1])[1:]
            what = f"{key}: the stream is made from itself: {' <- '.join(circle)}"
            yield section.mistake(key, what, "take one of these streams out of the circle")


def _circle(start: str, parents: Mapping[str, list[str]]) -> list[str]:
    """The way from a stream over its parents back to itself, or nothing."""
    todo, seen = [[start]], set[str]()
    while todo:
        way = todo.pop()
        for name in parents.get(way[-1], ()):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                todo.append([*way, name])
    return []


def _variables(_: Given, reading: Reading) -> Iterator[Mistake]:
    """A template uses what its stream has."""
    partition = reading.sections.get(("partition",))
    by = partition.get("by", "day") if partition else "day"
    if by is BROKEN:
        return
    asking = [path for path in streams(reading) if not {"files", "pages_of"} & reading.sections[path].places.keys()]
    for path, template, place in reading.templates:
        users = asking if path[0] == "source" else [path[:2]] if path[:2] in streams(reading) else []
        for user in users:
            yield from _unknown(template, user, by, reading, place=place)
    for path, given in reading.sections.items():
        word = given.get("equals")
        if isinstance(word, Word) and path[:2] in streams(reading):
            yield from _unknown(parse(word.literal), path[:2], by, reading, place=word.place)


def _unknown(template: Template, path: Path, by: str, reading: Reading, *, place: Place) -> Iterator[Mistake]:
    stream = reading.sections[path]
    roots = _roots(stream, by, reading)
    kind = (reading.sections.get((*path, "incremental")) or stream).get("type", "timestamp")
    for hole in sorted({part for part in template.parts if isinstance(part, Hole)}, key=lambda hole: hole.name):
        if hole.name.partition(".")[0] not in roots:
            yield Mistake(place, *_hint(hole.name, stream, by, roots))
        elif hole.format and kind != "timestamp":
            yield Mistake(place, f"{{{hole.name}:{hole.format}}}: a {kind} takes no format", f"write {{{hole.name}}}")


def _roots(stream: Given, by: str, reading: Reading) -> set[str]:
    """The variables that the templates of a stream may use."""
    found = {"pipeline", "stream", "partition", "page", "part"}
    if "incremental" in stream.places:
        found |= {"start"} if _open(stream, reading) else {"start", "end"}
    elif by in _SPANS:
        found |= {"date", "start", "end"}
    elif by == "tick":
        found |= {"date", "start", "end", "tick"}
    origin = stream.get("pages_of")
    rows = reading.sections.get(("streams", origin), stream) if isinstance(origin, str) else stream
    found |= {"file"} if "files" in rows.places else set()
    return found | ({"row"} if "for_each" in rows.places else set())


def _open(stream: Given, reading: Reading) -> bool:
    """Whether the intervals of an incremental stream have no end: only time has a present."""
    how = reading.sections.get((*stream.path, "incremental"))
    return how is not None and how.get("type", "timestamp") != "timestamp" and how.get("end") is None


def _hint(name: str, stream: Given, by: str, roots: Iterable[str]) -> tuple[str, str]:
    root = name.partition(".")[0]
    if root == "row":
        todo = "add for_each: {row_of: STREAM}, or leave it out"
        return f"{{{name}}}: a stream without for_each has no row", todo
    if root == "file":
        return "{file}: a stream without files has none", "name pages by {page}"
    of = "an incremental stream" if "incremental" in stream.places else f"a stream with partitions by {by}"
    known = ", ".join(f"{{{one}}}" for one in shown(sorted(set(roots) - {"page", "part", "pipeline", "stream"})))
    return f"{{{name}}} is unknown to {of}", f"known here: {known}"


def _said(path: Path, reading: Reading) -> set[str]:
    """The variables that the request of a stream, the source's part included, mentions."""
    mine = ((*path, "request"), ("source",))
    return {
        name
        for at, template, _ in reading.templates
        if at[: len(path) + 1] == mine[0] or at[:1] == mine[1]
        for name in variables(template)
    }


def _used(_: Given, reading: Reading) -> Iterator[Mistake]:
    """What a stream is asked for by must stand in its request."""
    for path in streams(reading):
        stream, each = reading.sections[path], reading.sections.get((*path, "for_each"))
        if stream.get("request") in (None, BROKEN):
            continue
        said = _said(path, reading)
        if each and not any(name == "row" or name.startswith("row.") for name in said):
            todo = "put a field of the row, such as {row.id}, into its path, params, headers or body"
            yield stream.mistake("for_each", "the request mentions no row: every row asks for the same", todo)
        if stream.get("window") is not None and not {"start", "end"} & said:
            todo = "put {start} and {end} into its params, or leave window out"
            yield stream.mistake("window", "the request mentions no slice: every slice asks for the same", todo)
        begin = reading.sections.get((*path, "incremental"))
        if begin and "start" in said and "start" not in begin.places:
            todo = "add start: where the first run begins"
            yield Mistake(begin.place, "incremental lacks the key start, which the request asks for", todo)


def _fields_there(_: Given, reading: Reading) -> Iterator[Mistake]:
    """Rows that the spec names have every field that is asked for."""
    for path in streams(reading):
        each = reading.sections.get((*path, "for_each"))
        rows = each.get("rows") if each else None
        if not each or rows in (None, BROKEN):
            continue
        for at, template, place in reading.templates:
            if at[:2] != path:
                continue
            for name in sorted(variables(template)):
                field = name.split(".")[1] if name.startswith("row.") else None
                if field and not any(field in row for row in rows):
                    known = ", ".join(f"{{row.{one}}}" for one in rows[0]) or "none"
                    yield Mistake(place, f"{{{name}}}: no row has the field {field}", f"known here: {known}")


PARENT_RULES = (
    Rule((), _there),
    Rule((), _circles),
    Rule((), _variables),
    Rule((), _used),
    Rule((), _fields_there),
)
