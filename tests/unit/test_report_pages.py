"""Tables as CSV, HTML and text: the same bytes for the same rows, and nothing that a value could break."""

import csv
import io
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from levada.report.csv import csv_of
from levada.report.html import html_of
from levada.report.model import Table
from levada.report.text import number_columns, text

ODD = "a \"b\", 'c'\r\n<script>alert(1)</script> & =1+1 ü"
TABLE = Table(("day", "name", "n"), ((date(2024, 1, 2), ODD, 1), (None, "", Decimal("0.10"))))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        (math.nan, "nan"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.50"), "0.50"),
        (date(2024, 1, 2), "2024-01-02"),
        (time(10, 30), "10:30:00"),
        (datetime(2024, 1, 2, 3, tzinfo=UTC), "2024-01-02T03:00:00Z"),
        (datetime(2024, 1, 2, 3, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))), "2024-01-02T01:00:00.000005Z"),
        (datetime(2024, 1, 2, 3), "2024-01-02T03:00:00"),  # noqa: DTZ001 - bare
        ("x", "x"),
    ],
)
def test_a_value_as_text(value, said):
    assert text(value) == said


def test_columns_of_numbers_are_known():
    rows = ((1, "a", None, True), (Decimal(2), None, None, False), (None, "b", None, True))
    assert number_columns(("a", "b", "c", "d"), rows) == ("a",)


def test_csv_is_read_again_by_every_reader():
    made = csv_of(TABLE)
    assert list(csv.reader(io.StringIO(made.decode(), newline=""))) == [
        ["day", "name", "n"],
        ["2024-01-02", ODD, "1"],
        ["", "", "0.10"],
    ]
    assert made.endswith(b'\r\n,"",0.10\r\n')


def test_csv_leaves_formulas_as_they_are():
    assert csv_of(Table(("a",), (("=1+1",), ("-5",), (None,)))) == b'a\r\n=1+1\r\n-5\r\n""\r\n'


def test_csv_of_no_rows_is_its_names():
    assert csv_of(Table(("a", "b,c"), ())) == b'a,"b,c"\r\n'


class Page(HTMLParser):
    """What a page holds: its tags, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.said = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said.append(data)


def test_html_shows_texts_and_runs_none_of_them():
    page = Page(html_of(TABLE, "daily <b>").decode())
    tags = [tag for tag, _ in page.tags]
    assert "script" not in tags
    assert "b" not in tags
    assert ODD.replace("\r", "\ufffd") in "".join(page.said)
    assert tags.count("td") == 6
    assert [attrs for tag, attrs in page.tags if tag == "th"] == [{"scope": "col"}, {"scope": "col"},
                                                                  {"scope": "col", "class": "n"}]  # fmt: skip
    assert "caption" in tags
    assert ("html", {"lang": "en"}) in page.tags


def test_html_fetches_nothing():
    page = Page(html_of(TABLE, "daily").decode())
    assert not {name for _, attrs in page.tags for name in attrs} & {"src", "href", "action", "onclick"}
    assert "http" not in "".join(page.said)


def test_html_of_no_rows_says_so():
    assert b"There are no rows." in html_of(Table(("a",), ()), "daily")
    assert b"There are no rows." not in html_of(TABLE, "daily")


def test_equal_rows_give_equal_bytes():
    again = Table(TABLE.columns, tuple(TABLE.rows))
    assert csv_of(again) == csv_of(TABLE)
    assert html_of(again, "daily") == html_of(TABLE, "daily")
