"""Names of log files: the file of a day, and which files are too old to stay."""

from datetime import date

import pytest

from levada.logs.names import DEFAULT, file_name, leads_on, outdated
from levada.spec.template import parse

TODAY = date(2024, 10, 8)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{date}.txt", "2024-10-08.txt"),
        ("{pipeline}_{date:%d.%m.%Y}.log", "my%2Fsales_08.10.2024.log"),
        ("{date:%Y/%-m/%-d}.txt", "2024/10/8.txt"),
        ("{date:%Y-%j}.txt", "2024-282.txt"),
    ],
)
def test_the_file_of_a_day(template, name):
    assert file_name(parse(template), "my/sales", TODAY) == name


def test_the_file_is_called_by_its_date_if_nobody_says_otherwise():
    assert file_name(DEFAULT, "sales", TODAY) == "2024-10-08.txt"


@pytest.mark.parametrize(
    "name",
    [
        "2024-13-45.txt",
        "2023-02-29.txt",
        "0000-01-01.txt",
        "2024-10-01.txt.bak",
        "2024-10-01.log",
        "x2024-10-01.txt",
        "2024-10-1.txt",
        "2024-10-01.TXT",
        "2024-10-01.txt\n",
        "".join(chr(ord(each) + 0x630) if each.isdigit() else each for each in "2024-10-01.txt"),  # Arabic digits
        "notes.txt",
        "",
        "2024-10-06.txt",
        "2024-10-08.txt",
        "2031-01-01.txt",
    ],
)
def test_what_is_no_name_of_an_older_day_stays(name):
    assert outdated(DEFAULT, "sales", [name], date(2024, 10, 6)) == []


def test_names_of_older_days_are_found():
    names = ["2024-10-07.txt", "2024-10-05.txt", "1999-12-31.txt", "readme.md", "2024-10-06.txt"]
    assert outdated(DEFAULT, "sales", names, date(2024, 10, 6)) == ["2024-10-05.txt", "1999-12-31.txt"]


@pytest.mark.parametrize(
    ("template", "old", "young"),
    [
        ("{pipeline}-{date}.txt", "sales-2024-10-05.txt", "shop-2024-10-05.txt"),
        ("{date:%Y}/{date:%m-%d}.txt", "2024/10-05.txt", "2024/10-06.txt"),
        ("{date:%Y-%-m-%-d}.txt", "2024-9-1.txt", "2024-09-01.txt"),
        ("{date:%Y.%-j}.txt", "2024.1.txt", "2024.366.txt"),
        ("{date:%Y-%j}.txt", "2024-001.txt", "2024-367.txt"),
        ("{date:%d%%%m%%%Y}.txt", "05%10%2024.txt", "05%10%2025.txt"),
        ("{date:%G-W%V} {date}.txt", "2024-W40 2024-10-05.txt", "2024-W01 2024-10-05.txt"),
        ("{date:%Y%m%d}-{date:%Y}.txt", "20241005-2024.txt", "20241005-2023.txt"),
        ("a.b ({date}).txt", "a.b (2024-10-05).txt", "axb (2024-10-05).txt"),
        ("{{{date}}}.txt", "{2024-10-05}.txt", "2024-10-05.txt"),
    ],
)
def test_any_template_is_read_backwards(template, old, young):
    assert outdated(parse(template), "sales", [old, young], date(2024, 10, 6)) == [old]


def test_a_template_that_tells_no_day_has_no_old_files():
    assert outdated(parse("{date:%Y-%m}.txt"), "sales", ["2023-01.txt"], TODAY) == []


@pytest.mark.parametrize(
    ("template", "folders", "others"),
    [
        ("{date}.txt", [], ["2024-10-08", "2024", "2024-10-08.txt"]),
        ("{date:%Y}/{date:%m-%d}.txt", ["2024"], ["private", "2024/10-08", "24"]),
        ("{pipeline}/{date:%Y/%m}/{date:%Y-%m-%d}", ["my%2Fsales", "my%2Fsales/2024", "my%2Fsales/2024/09"],
         ["sales", "2024", "my%2Fsales/09", "my%2Fsales/2024/09/2024-09-08"]),
    ],
)  # fmt: skip
def test_only_folders_that_may_hold_files_of_a_day_lead_on(template, folders, others):
    assert [name for name in (*folders, *others) if leads_on(parse(template), "my/sales", name)] == folders
