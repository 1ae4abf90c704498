"""A spec's tree walked along the grammar: a frozen Spec, or one error that lists every mistake. Needs no YAML."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from levada.errors import FixThis
from levada.nouns import Place
from levada.spec.defaults import merged
from levada.spec.engine import Given, Reading, Wrong, walk
from levada.spec.grammar import DEFAULTED, SPEC
from levada.spec.model import Partitioning, Source, Spec, Stream
from levada.spec.tree import Keys, Mistake, Node, Word, refusal
from levada.spec.values import folder, is_elsewhere

__all__ = ["build"]

_AS_THEY_ARE = ("resume_within", "keep_replaced", "schedule", "notify", "logs", "history")


def build(
    root: Node, environment: Mapping[str, str], *, lake: str | None = None, mistakes: Iterable[Mistake] = ()
) -> Spec:
    """The spec that a tree says.

    Args:
        root: What the file says; a relative `lake:` is relative to the folder of that file.
        environment: All variables.
        lake: Folder of the lake instead of the spec's own, relative to the working folder.
        mistakes: What was wrong with the file already.

    Raises:
        FixThis: it is no spec; lists every mistake with file:line:column.
    """
    reading = Reading(environment, list(mistakes))
    given = walk(SPEC, merged(root, DEFAULTED) if isinstance(root, Keys) else root, (), reading)
    if reading.mistakes or not isinstance(given, Given):
        raise refusal(reading.mistakes)
    return _spec(given, reading, lake)


def _spec(given: Given, reading: Reading, lake: str | None) -> Spec:
    file = given.place.file
    said = given.get("lake", "lake") if lake is None else _argument(lake)
    # What defaults use is noted for each stream that takes it.
    unused = ("defaults.", *(() if lake is None else ("lake",)))
    missing = [gap for gap in reading.missing if not gap.used_in.startswith(unused)]
    return Spec(
        pipeline=given.values["pipeline"],
        file=file,
        lake=said if is_elsewhere(said) else str((Path(file).parent / said if lake is None else Path(lake)).absolute()),
        partition=given.get("partition", Partitioning()),
        source=given.get("source", Source("", given.place)),
        streams=_streams(given.values["streams"]),
        missing=tuple(missing),
        reports=tuple(given.get("reports", {}).values()),
        **{key: given.values[key] for key in _AS_THEY_ARE if key in given.values},
    )


def _streams(given: Mapping[str, Stream]) -> tuple[Stream, ...]:
    """The streams; one that reads the pages of another reads them in the format of that other."""
    return tuple(
        replace(stream, records=replace(stream.records, format=given[stream.pages_of].records.format))
        if stream.pages_of
        else stream
        for stream in given.values()
    )


def _argument(lake: str) -> str:
    """The lake that the command line names."""
    try:
        return str(folder.parse(Word(lake, Place("--lake", 1, 1))))
    except Wrong as wrong:
        raise FixThis(wrong.what, where="--lake", todo=wrong.todo) from None
