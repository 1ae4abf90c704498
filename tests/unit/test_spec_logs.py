"""`logs:` in a spec: what is read, what is refused, and what `levada check` says of it."""

import pytest

from levada.spec.read import read_text
from levada.spec.words import words
from mistakes import told

SPEC = """\
pipeline: shop
source: {url: https://api.example.com}
streams: {orders: {request: {path: /orders}}}
"""


def logs_of(written):
    return read_text(f"{SPEC}logs: {written}\n", "shop.yaml", {}).logs


def test_without_logs_there_are_none():
    assert read_text(SPEC, "shop.yaml", {}).logs is None


@pytest.mark.parametrize("written", ["logs", "{folder: logs}", "{}"])
def test_a_folder_is_enough(written):
    logs = logs_of(written)
    assert (logs.folder, logs.file, logs.keep_days, logs.form, logs.timezone) == ("logs", None, None, "text", "UTC")


def test_all_keys():
    logs = logs_of('{folder: ../l, file: "{pipeline}/{date}.log", keep_days: 3, form: json, timezone: Europe/Moscow}')
    assert (logs.folder, logs.file.text, logs.keep_days) == ("../l", "{pipeline}/{date}.log", 3)
    assert (logs.form, logs.timezone) == ("json", "Europe/Moscow")


@pytest.mark.parametrize(
    ("written", "column", "what", "todo"),
    [
        ("{file: app.log}", 14, "does not tell the day", '"{date}.txt"'),
        ('{file: "{date:%Y-%m}.txt"}', 14, "does not tell the day", '"{date}.txt"'),
        ('{file: "{date:%G-W%V}.txt"}', 14, "does not tell the day", '"{date}.txt"'),
        ('{file: "{date:%Y%-m%-d}.txt"}', 14, "two days run together", "{date:%m%d}"),
        ('{file: "../{date}.txt"}', 14, "lies in the folder or below it", '"{date}.txt"'),
        ('{file: "/var/log/{date}.txt"}', 14, "lies in the folder or below it", '"{date}.txt"'),
        ('{file: "{date}/"}', 14, "lies in the folder or below it", '"{date}.txt"'),
        ('{file: "{date:%H}.txt"}', 14, "a date has no %H", ""),
        ('{file: "{stream}-{date}.txt"}', 14, "{stream} is no variable here", "known here: {date}, {pipeline}"),
        ("{folder: ~/logs}", 16, "begins with ~", "${HOME}"),
        ("{keep_days: 0}", 19, "0", "1"),
        ("{keep_days: 3d}", 19, "3d", ""),
        ("{form: xml}", 14, "xml", "text"),
        ("{timezone: Moscow}", 18, "is no time zone", "IANA"),
        ("{keep: 3}", 8, "keep", "keep_days"),
    ],
)
def test_mistakes_are_told_at_their_place(written, column, what, todo):
    told(f"{SPEC}logs: {written}\n", f"4:{column}", what, todo)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("logs", "  Log files: logs/{date}.txt (text, days of UTC); all are kept."),
        ("{keep_days: 1}", "  Log files: logs/{date}.txt (text, days of UTC); today's is kept."),
        (
            '{folder: l, file: "{date}.json", keep_days: 3, form: json, timezone: Asia/Tokyo}',
            "  Log files: l/{date}.json (JSON lines, days of Asia/Tokyo); those of 3 days are kept, today included.",
        ),
    ],
)
def test_the_plan_says_where_they_are(written, line):
    assert line in words(read_text(f"{SPEC}logs: {written}\n", "shop.yaml", {}))
