"""The notebook of the grader example, worked from top to bottom on DuckDB and on PostgreSQL: it says what it shows."""

import re

import nbformat
import pytest
from adbc_driver_postgresql import dbapi

from graded import EXAMPLE
from notebooks import executed

NOTEBOOK = EXAMPLE / "grader.ipynb"


def said(book):
    """The texts that each cell of code printed; pictures as their kind."""
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    return [
        [one["text"] if one.output_type == "stream" else sorted(one["data"]) for one in cell.outputs] for cell in cells
    ]


@pytest.fixture(params=["duckdb", "postgres"])
def database(request):
    return "" if request.param == "duckdb" else request.getfixturevalue("postgres").database()


def test_it_says_what_it_shows(tmp_path, database):
    book = executed(NOTEBOOK, tmp_path, {"DATABASE_URL": database})
    kept = nbformat.read(NOTEBOOK, as_version=4)
    assert said(book) == said(kept)
    _, _, week, again, refused, daily, chart, _ = said(book)
    assert week[0].count("1000   988           12     988") == 7
    assert again == [
        "2024-10-07  changed: False, loaded before: True\n2024-10-08  changed: False, loaded before: True\n"
    ]
    assert "a file that code made: False" in refused[0]
    assert re.search(r"2024-10-08 +988 +\d\d +\d{3}\n", daily[0])
    assert chart == [["image/png", "text/plain"]]
    assert {path.name for path in tmp_path.iterdir()} == {"kernels", "home"}
    assert not database or left(database) == []  # so that it says the same the next time


def left(database):
    """What it left in the database of somebody's."""
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'grader%' "
            "UNION ALL SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
        return [name for (name,) in cursor.fetchall()]


def test_its_contract_is_that_of_the_example():
    code = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
    [block] = re.findall(r"^    contract:\n(?:     .*\n)+", (EXAMPLE / "pipeline.yaml").read_text(), re.MULTILINE)
    assert block in code
