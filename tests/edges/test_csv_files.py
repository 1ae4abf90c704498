"""CSV files as other programs read them: Python's csv module, DuckDB and pyarrow see the rows that were written."""

import csv
from io import BytesIO
from uuid import UUID

import duckdb
import pytest
from pyarrow import csv as arrow_csv

from levada.contract.model import Contract, Field
from levada.staging import rows_of
from staged import kept, written

#: A column of its own that may be null: its type, its values, and their texts.
ALONE = [
    ("int64", {}, [None, 1, None, -2, None], [None, "1", None, "-2", None]),
    ("boolean", {}, [None, None, True], [None, None, "true"]),
    ("uuid", {}, [UUID(int=1), None], [str(UUID(int=1)), None]),
    ("json", {}, [None, '""', "{}"], [None, '""', "{}"]),
    ("string", {"null": "NA"}, [None, "", "NA", "a,b", " ", None], [None, "", "NA", "a,b", " ", None]),
    ("binary", {"null": "NA"}, [None, b"", b"a"], [None, "", "YQ=="]),
]


@pytest.mark.parametrize(("kind", "given", "values", "texts"), ALONE, ids=[kind for kind, *_ in ALONE])
def test_the_nulls_of_a_single_column_are_rows_to_every_reader(tmp_path, kind, given, values, texts):
    data = written("csv", [[{"a": value} for value in values]], Contract((Field("a", kind, nullable=True),)), **given)
    null = given.get("null", "")
    plain = [null if text is None else text for text in texts]
    assert [row["a"] for row in rows_of("csv", BytesIO(data))] == plain
    assert list(csv.reader(data.decode().splitlines())) == [["a"], *([text] for text in plain)]
    path = kept(tmp_path / "a.csv", data)
    # DuckDB takes quoted nulls for nulls unless it is told otherwise, pyarrow never asks where they are.
    quoted = "true" if not null else "false"
    how = f"header = true, all_varchar = true, delim = ',', nullstr = '{null}', allow_quoted_nulls = {quoted}"
    with duckdb.connect() as db:
        assert [row for (row,) in db.sql(f"from read_csv('{path}', {how})").fetchall()] == texts
    options = arrow_csv.ConvertOptions(
        column_types={"a": "string"}, null_values=[null], strings_can_be_null=True, quoted_strings_can_be_null=not null
    )
    assert arrow_csv.read_csv(path, convert_options=options)["a"].to_pylist() == texts


def test_an_empty_text_alone_on_its_line_is_a_row():
    data = written("csv", [[{"a": ""}, {"a": "x"}]], Contract((Field("a", "string"),)))
    assert data == b'a\n""\nx\n'
