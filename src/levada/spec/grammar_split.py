"""The part of the language that cuts the records of all pages into files of limited length."""

from collections.abc import Iterator

from levada.spec.engine import Given, Key, Reading, Rule, Section
from levada.spec.model import Split
from levada.spec.template import Template, variables
from levada.spec.tree import Mistake
from levada.spec.values import integer, size
from levada.spec.values_template import template

__all__ = ["SPLIT"]


def _limited(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.places.keys() & {"records", "size"}:
        yield Mistake(given.place, "raw_split says no limit", "add records: 100, size: 10MB, or both")


def _numbered(given: Given, _: Reading) -> Iterator[Mistake]:
    name = given.get("name")
    if isinstance(name, Template) and "part" not in variables(name):
        yield given.mistake("name", "name lacks {part}: two files would share one name", "put {part} into it")


SPLIT = Section(
    "raw_split",
    "The records of all pages again, as JSON lists of limited length, each record as the API wrote it.",
    (
        Key(
            "name",
            template("pipeline", "stream", "partition", "date", "start", "end", "tick", "part"),
            "name of each file; {part} counts them from 1",
            required=True,
            example='name: "raw/{date}/part-{part}.json", records: 100',
        ),
        Key("records", integer(1, 10**9), "most records of one file", "any", example="records: 100"),
        Key("size", size, "most bytes of one file", "any", example="size: 10MB"),
    ),
    lambda given: Split(**given.values, place=given.place),
    rules=(Rule((), _limited), Rule(("name",), _numbered)),
    around='name: "raw/{date}/part-{part}.json", records: 100',
)
