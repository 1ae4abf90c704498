"""What may be made of checked records: one section a format, each of which may be written as the name alone."""

from collections.abc import Callable, Iterator
from typing import get_args

from levada.spec.engine import BROKEN, Given, Key, Reading, Rule, Section, Value
from levada.spec.model import Output, OutputFormat, Stage
from levada.spec.tree import Mistake
from levada.spec.values import choice, field_name, one_character, plain_text, size, text
from levada.spec.values_template import template

__all__ = ["FORMATS", "stage"]

FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)

_ROW_GROUP = Key(
    "row_group",
    size,
    "a row group ends with the rows that bring it to so much memory",
    "32MB",
    example="row_group: 64MB",
)
_PACKED = Key("codec", choice("none", "gzip"), "how the file is compressed", "none", example="codec: gzip")


def _codec(*words: str) -> Key:
    return Key(
        "codec",
        choice(*words, null="null" in words),
        f"how it is compressed: {', '.join(f'`{word}`' for word in words)}",
        words[0],
        example=f"codec: {words[1]}",
    )


def _made(form: OutputFormat, codec: str) -> Callable[[Given], Output]:
    def make(given: Given) -> Output:
        values = {"null" if name == "null_as" else name: value for name, value in given.values.items()}
        return Output(**{"codec": codec, "format": form, "place": given.place, **values})

    return make


def _avro(name: Key) -> Section:
    codec = _codec("deflate", "zstandard", "snappy", "null")
    return Section("avro", "Avro files.", (name, codec), _made("avro", "deflate"), short="name", around=name.example)


def _parquet(name: Key) -> Section:
    keys = (name, _codec("zstd", "snappy", "gzip", "lz4", "none"), _ROW_GROUP)
    return Section("parquet", "Parquet files.", keys, _made("parquet", "zstd"), short="name", around=name.example)


def _jsonl(name: Key) -> Section:
    doc = "JSON lines: one object a line."
    return Section("jsonl", doc, (name, _PACKED), _made("jsonl", "none"), short="name", around=name.example)


def _csv(name: Key) -> Section:
    keys = (
        name,
        _PACKED,
        Key("delimiter", one_character, "what stands between two values", ",", example='delimiter: ";"'),
        Key("null_as", plain_text, "what stands for null; such a text is quoted", '""', example='null_as: "NA"'),
    )
    return Section("csv", "CSV files with a line of names.", keys, _made("csv", "none"), short="name",
                   rules=(Rule(("delimiter", "null_as"), _unclear),), around=name.example)  # fmt: skip


def _unclear(given: Given, _: Reading) -> Iterator[Mistake]:
    delimiter, null = given.get("delimiter", ","), given.get("null_as", "")
    if delimiter in '"\r\n':
        yield given.mistake("delimiter", "the delimiter is what quotes or ends values", 'write another, such as ";"')
    if any(character in null for character in (delimiter, '"', "\r", "\n")):
        yield given.mistake("null_as", "null_as holds what separates values", "write a plain text such as NA")


def _delta() -> Section:
    keys = (
        Key(
            "table",
            template("pipeline", "stream"),
            "folder of the table in the lake; all partitions of the stream are in it",
            required=True,
            example='table: "tables/sales"',
        ),
        Key(
            "column",
            text(),
            "name of the column that tells which partition a row is of",
            "_levada_partition",
            example="column: day",
        ),
        _codec("zstd", "snappy", "gzip", "lz4", "none"),
        _ROW_GROUP,
    )
    return Section("delta", "A Delta table.", keys, _table, short="table", rules=(Rule(("column",), _column),),
                   around='table: "tables/sales"')  # fmt: skip


def _column(given: Given, _: Reading) -> Iterator[Mistake]:
    wrong = field_name(given.get("column", "x"))
    if wrong:
        yield given.mistake("column", wrong)


def _table(given: Given) -> Output:
    values = dict(given.values)
    name = values.pop("table")
    return Output(**{"codec": "zstd", "format": "delta", "name": name, "place": given.place, **values})


def _some_format(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.places:
        todo = f'name one, as in {{parquet: "stg/{{date}}.parquet"}}; known: {", ".join(FORMATS)}'
        yield Mistake(given.place, "stage names no format", todo)


def _all(given: Given) -> Stage:
    return Stage(tuple(output for output in given.values.values() if output is not BROKEN), given.place)


def stage(name: Value) -> Section:
    """The section `stage`; `name` reads the names of files that may be one a page."""

    def named(ending: str) -> Key:
        doc = "name of the files; without {page}, one file a partition"
        return Key("name", name, doc, required=True, example=f'name: "stg/sales/{{date}}.{ending}"')

    sections = (_avro(named("avro")), _parquet(named("parquet")), _jsonl(named("jsonl")), _csv(named("csv")), _delta())
    docs = ("Avro files", "Parquet files", "files of JSON lines", "CSV files", "a Delta table")
    keys = tuple(
        Key(section.noun, section, f"{doc}, by name", "none", example=_example(section.noun))
        for section, doc in zip(sections, docs, strict=True)
    )
    return Section(
        "stage",
        "What is made of the checked records: one format or several.",
        keys,
        _all,
        rules=(Rule((), _some_format),),
    )


def _example(form: str) -> str:
    return 'delta: "tables/sales"' if form == "delta" else f'{form}: "stg/sales/{{date}}.{form}"'
