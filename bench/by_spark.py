"""What PySpark makes of staged files: the rows of each format beside those that DuckDB reads from Parquet.

    python bench/by_spark.py PYTHON [FOLDER]

PYTHON is the interpreter of an environment of its own that has pyspark and Java, and need not have Levada. A real run
brings two days of an API on a loopback port into every format; Spark then reads the Parquet files by their Hive keys,
the files that the log of the Delta table leaves standing, the JSON lines and the CSV, and counts the values that
differ. A value is compared as its text, so that neither side's types decide.
"""

import json
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DAYS = ("2022-08-09", "2022-08-10")
#: A text that no row has.
EMPTY = "(empty)"
FIELDS = """
        id: int64
        s: {type: string, nullable: true}
        i: {type: int32, nullable: true}
        f: {type: float64, nullable: true}
        d: {type: "decimal(10,2)", nullable: true}
        wide: {type: "decimal(38,10)", nullable: true}
        b: {type: boolean, nullable: true}
        on: {type: date, nullable: true}
        at: {type: timestamp, nullable: true}
        t: {type: time, nullable: true}
        raw: {type: binary, nullable: true}
        u: {type: uuid, nullable: true}
        j: {type: json, nullable: true}
        tags: {type: list, nullable: true, items: {type: string, nullable: true}}
        times: {type: list, nullable: true, items: time}
        of: {type: struct, nullable: true, fields: {n: {type: int64, nullable: true}, t: {type: time, nullable: true}}}
"""
SPEC = """
pipeline: shop
source: {{url: "http://127.0.0.1:{port}"}}
streams:
  sales:
    request: {{path: /sales, params: {{date: "{{date}}"}}}}
    contract:
      fields: {fields}
    stage:
      parquet: "parquet/day={{date}}/a.parquet"
      delta: table
      avro: "avro/{{date}}.avro"
      jsonl: "jsonl/{{date}}.jsonl"
      csv: "csv/{{date}}.csv"
"""
FULL = {
    "s": 'ç "x", \\ é', "i": -(2**31), "f": 0.1, "d": "12.30", "wide": "9999999999999999999999999999.9999999999",
    "b": True, "on": "2022-08-09", "at": "2022-08-09T12:30:15.000001Z", "t": "23:59:59.000001", "raw": "AP8=",
    "u": "12345678-1234-5678-1234-567812345678", "j": {"a": [1, None]}, "tags": ["x", None, ""],
    "times": ["01:02:03"], "of": {"n": 7, "t": "01:02:03"},
}  # fmt: skip
ROWS = [
    {"id": 1, **FULL},
    {"id": 2, **dict.fromkeys(FULL)},
    {"id": 3, **FULL, "on": "0001-01-01", "at": "0001-01-01T00:00:00Z", "t": "00:00:00",
     "tags": [], "of": {"n": None, "t": None}},
    {"id": 4, **FULL, "on": "9999-12-31", "at": "9999-12-31T23:59:59.999999Z",
     "wide": "-0.0000000001", "s": "", "f": 1e300},
    {"id": 5, **FULL, "on": "1582-10-10", "at": "1900-01-01T00:00:00Z", "s": "NA", "times": []},
]  # fmt: skip


def main() -> None:
    """Stage, and compare."""
    python, *given = sys.argv[1:]
    folder = Path(given[0] if given else tempfile.mkdtemp())
    staged(folder)
    wanted = by_duckdb(folder / "lake")
    assert [len(rows) for rows in wanted.values()] == [2 * len(ROWS)] * 2
    (folder / "wanted.json").write_text(json.dumps(wanted))
    libraries = ("pyarrow", "duckdb", "deltalake", "fastavro")
    print(json.dumps({name: _version(name) for name in libraries} | {"python": platform.python_version()}))
    done = subprocess.run([python, __file__, "--spark", str(folder)], check=False, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    sys.exit(done.returncode)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def staged(folder: Path) -> None:
    """A lake with two days of every format."""
    import levada

    with api() as port:
        folder.mkdir(parents=True, exist_ok=True)
        spec = folder / "shop.yaml"
        spec.write_text(SPEC.format(port=port, fields=FIELDS))
        for day in DAYS:
            (done,) = levada.load(spec).run(date=day)
            assert done.counts.kept == len(ROWS), done


@contextmanager
def api() -> Iterator[int]:
    """An API of the rows; its port."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first = parse_qs(urlsplit(self.path).query).get("page", ["1"]) == ["1"]
            body = json.dumps(ROWS if first else []).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def by_duckdb(lake: Path) -> dict[str, list[dict[str, str | None]]]:
    """The rows of the Parquet files, and those of the CSV files, as texts, `day` among them."""
    import duckdb

    with duckdb.connect() as db:
        db.sql("set timezone = 'UTC'")
        files = f"'{lake}/parquet/**/*.parquet', hive_partitioning = true, hive_types_autocast = false"
        parquet = db.sql(f"""select * replace ("at"::timestamp as "at") from read_parquet({files})""")
        how = "header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = false, filename = true"
        day = "regexp_extract(filename, '(.{10}).csv$', 1) as day"
        csv = db.sql(f"select * exclude (filename), {day} from read_csv('{lake}/csv/*.csv', {how})")
        return {name: _sorted([_plain(dict(zip(found.columns, row, strict=True))) for row in found.fetchall()])
                for name, found in (("typed", parquet), ("csv", csv))}  # fmt: skip


def _plain(row: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | bytes | bytearray):
        return str(value).lower() if isinstance(value, bool) else bytes(value).hex()
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return json.dumps({name: _text(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return json.dumps([_text(each) for each in value])
    if hasattr(value, "isoformat"):
        return str(value.isoformat().replace("+00:00", ""))
    # Spark's pickles give decimals zeros at their end that no column has.
    return f"{value.normalize():f}" if type(value).__name__ == "Decimal" else str(value)


def _sorted(rows: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    return sorted(rows, key=lambda row: (str(row["day"]), int(row["id"] or 0)))


def spark(folder: Path) -> int:
    """Read each format by Spark; how many values differ."""
    import pyspark
    from pyspark.sql import SparkSession

    made = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    made = made.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
    session = made.config("spark.sql.sources.partitionColumnTypeInference.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    print(json.dumps({"pyspark": pyspark.__version__}))
    wanted, lake = json.loads((folder / "wanted.json").read_text()), folder / "lake"
    wrong = 0
    for name, frame in frames(session, lake):
        try:
            types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
            rows = _sorted([_plain(row.asDict()) for row in as_texts(frame).collect()])
        except Exception as error:  # noqa: BLE001 - what a reader says is what is asked
            print(json.dumps({"format": name, "error": str(error).splitlines()[0][:400]}))
            wrong += 1
            continue
        differ = [[each["day"], each["id"], key, value, each.get(key)]
                  for each, want in zip(rows, wanted["csv" if name == "csv" else "typed"], strict=True)
                  for key, value in want.items() if each.get(key) != value]  # fmt: skip
        wrong += len(differ)
        print(json.dumps({"format": name, "rows": len(rows), "differ": differ, "types": types}))
    session.stop()
    return int(wrong > 0)


def as_texts(frame: Any) -> Any:
    """Dates and instants as texts of Spark's: Python's own know only the zone of the machine."""
    from pyspark.sql import functions as f

    for field in frame.schema.fields:
        kind = field.dataType.simpleString()
        if kind == "date":
            frame = frame.withColumn(field.name, f.date_format(field.name, "yyyy-MM-dd"))
        elif kind.startswith("timestamp"):
            full = f.date_format(field.name, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
            frame = frame.withColumn(field.name, f.regexp_replace(full, r"\.000000$", ""))
    return frame


def frames(session: Any, lake: Path) -> Iterator[tuple[str, Any]]:
    """Each format as Spark reads it."""
    from pyspark.sql import functions as f

    parquet = session.read.parquet(str(lake / "parquet"))
    yield "parquet", parquet
    parts = []
    for path, values in standing(lake / "table"):
        one = session.read.parquet(str(lake / "table" / unquote(path)))
        parts.append(one.withColumn("day", f.lit(values["_levada_partition"])))
    both = parts[0]
    for part in parts[1:]:
        both = both.unionByName(part)
    yield "delta, by the log", both
    # Text has no types: they are those of the Parquet file; a time of day is a text to those who have no such type.
    says = [f"`{field.name}` {field.dataType.simpleString()}" for field in both.schema.fields if field.name != "day"]
    day = f.regexp_extract(f.input_file_name(), r"(\d{4}-\d\d-\d\d)\.\w+$", 1)
    lines = session.read.schema(", ".join(says)).json(str(lake / "jsonl"))
    yield "jsonl", lines.withColumn("day", day)
    # An empty text is null to Spark unless it is told what else it should be.
    texts = (
        session.read.option("header", True).option("emptyValue", EMPTY).option("multiLine", True).option("escape", '"')
    )
    flat = texts.schema(", ".join(f"`{field.name}` string" for field in both.schema.fields if field.name != "day"))
    yield "csv", flat.csv(str(lake / "csv")).replace(EMPTY, "").withColumn("day", day)


def standing(table: Path) -> list[tuple[str, dict[str, str]]]:
    """The files that the log of a Delta table leaves, with the values of their partition."""
    files: dict[str, dict[str, str]] = {}
    for entry in sorted((table / "_delta_log").glob("*.json")):
        for action in map(json.loads, entry.read_text().splitlines()):
            if "add" in action:
                files[action["add"]["path"]] = action["add"]["partitionValues"]
            elif "remove" in action:
                del files[action["remove"]["path"]]
    return sorted(files.items())


if __name__ == "__main__":
    if sys.argv[1] == "--spark":
        sys.exit(spark(Path(sys.argv[2])))
    main()
