"""What people are told of a round: every part of it, bounded, without secrets, and harmless whatever an API said."""

import json
import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from levada.notify.facts import WHOLE, body_of, facts_of
from levada.notify.html import html_of
from levada.notify.letter import Facts, Items, Letter, Table, cell, line, said, table
from levada.notify.message import letter, period, subject_of, took
from levada.notify.slack import slack_of
from levada.notify.text import text_of
from levada.nouns import Counts, Gap, Receipt, Run
from levada.round import Failure, Reported, Round
from levada.secret import remember
from levada.spec.template import parse

AT = datetime(2024, 10, 9, 7, 1, tzinfo=UTC)
SHEET = "https://docs.google.com/spreadsheets/d/x#gid=0"


def a_run(stream="attempts", partition="2024-10-08", outcome="done", **facts):
    counts = facts.pop("counts", Counts(100, 90, 6, 4))
    return Run("grader", stream, partition, "r", outcome, "staged", counts, 1, 1, 0, (), True, 34.21, **facts)


def a_round(*runs, **facts):
    given = {"started": AT, "ended": AT + timedelta(seconds=74)} | facts
    return Round("grader", "20241009T070100.000000Z-4f2a", "run", "schedule", runs=runs, **given)


def receipt(**facts):
    return Receipt("postgres", "public.attempts", "db", "merge", 90, **facts)


class Shown(HTMLParser):
    """The tags of a document, and its text as a reader sees it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src", "background")]

    def handle_data(self, data):
        self.text.append(data)


def everything():
    gaps = (Gap("page 3", "HTTP 500: busy"),)
    return a_round(
        a_run(loads=(receipt(inserted=70, updated=15, unchanged=5),)),
        a_run("users", "2024-10-08", "partial", gaps=gaps, notes=("2 pages were taken over",)),
        failures=(
            Failure("ContractBroken", 3, "The key `data` is gone.", "page 1", "mend records", "items", "2024-10-07"),
        ),
        not_tried=(("items", "2024-10-06"),),
        reports=(
            Reported(
                "daily", "2024-10-08", ("day", "attempts"), ((date(2024, 10, 8), 90),), ("/r/daily.csv",), SHEET, 1
            ),
            Reported("weekly", "2024-10-08", error=Failure("FixThis", 2, "no table", "s.yaml:9:1", "run the load")),
        ),
        notes=("the history could not be written",),
    )


def test_a_mail_says_all_of_it_in_aligned_text():
    assert (
        text_of(letter(everything()))
        == """\
grader 2024-10-06, 2024-10-07, 2024-10-08: failure

Pipeline      grader
Partitions    2024-10-06, 2024-10-07, 2024-10-08
Outcome       failure: 1 done, 1 partial, 1 failed, 1 not tried, 1 report failed
Began         2024-10-09 07:01:00 UTC
Took          1 min 14 s
Asked for by  a schedule: run
Round         20241009T070100.000000Z-4f2a

Rows
----
stream    partitions  read  kept  quarantined  dropped  inserted  updated  unchanged  seconds
attempts           1   100    90            6        4        70       15          5     34.2
users              1   100    90            6        4         0        0          0     34.2
all                2   200   180           12        8        70       15          5     68.4

Errors
------
- items 2024-10-07: ContractBroken: The key `data` is gone.
    where: page 1
    to do: mend records
- report weekly 2024-10-08: FixThis: no table
    where: s.yaml:9:1
    to do: run the load

Not tried
---------
- items 2024-10-06

Gaps (1): what was left out
---------------------------
- users 2024-10-08, page 3: HTTP 500: busy

Report daily 2024-10-08
-----------------------
day         attempts
2024-10-08        90
file: /r/daily.csv
sheet: https://docs.google.com/spreadsheets/d/x#gid=0

Notes
-----
- the history could not be written
- users 2024-10-08: 2 pages were taken over
"""
    )


def test_the_html_says_the_same_plainly():
    page = html_of(letter(everything()))
    shown = Shown(page)
    assert set(shown.tags) <= {*"html head meta title body h2 h3 table tr th td ul li p br a".split()}  # noqa: SIM905
    assert shown.links == [SHEET]
    text = " ".join(" ".join(shown.text).split())
    for word in re.findall(r"[\w.:/#`-]+", text_of(letter(everything()))):
        assert word in text or set(word) == {"-"}, word
    assert "style=" in page
    assert "<style" not in page


def test_a_round_without_loads_or_several_streams_says_no_more_than_it_has():
    text = text_of(letter(a_round(a_run())))
    assert "stream    partitions  read  kept  quarantined  dropped  seconds\n" in text
    assert "all " not in text
    assert "Notes" not in text
    assert "Partitions\n---" not in text
    assert text.startswith("grader 2024-10-08: success\n")
    assert "\nPartition     2024-10-08\nOutcome       success: 1 done\n" in text


def test_a_round_that_came_to_nothing_is_told():
    done = a_round(failures=(Failure("TryLater", 75, "the API is away"),))
    text = text_of(letter(done))
    assert text.startswith(
        "grader: failure\n\nPipeline      grader\nPartitions    none\nOutcome       failure: 1 failed\n"
    )
    assert "- TryLater: the API is away\n" in text
    assert "Rows" not in text


def test_a_table_that_had_all_rows_already_is_told_as_unchanged():
    text = text_of(letter(a_round(a_run(loads=(receipt(before=True),)))))
    assert re.search(r"inserted +updated +unchanged +seconds\nattempts .* 0 +0 +90 +34.2", text)


def test_values_that_were_nullified_have_a_column():
    text = text_of(letter(a_round(a_run(counts=Counts(9, 9, nullified=3)))))
    assert re.search(r"dropped  nullified  seconds\nattempts +1 +9 +9 +0 +0 +3 +34.2", text)


def test_several_partitions_have_a_table_of_their_own():
    done = a_round(a_run(), a_run(partition="2024-10-09", outcome="done with quarantine"))
    assert """
Partitions
----------
stream    partition   outcome               read  kept  quarantined  dropped  seconds
attempts  2024-10-08  done                   100    90            6        4     34.2
attempts  2024-10-09  done with quarantine   100    90            6        4     34.2
""" in text_of(letter(done))


def test_reports_of_several_partitions_stand_in_one_table():
    reports = [Reported("daily", f"2024-10-0{day}", ("n",), ((day,),), sheet=SHEET) for day in (1, 2)]
    text = text_of(letter(a_round(a_run(), reports=tuple(reports))))
    assert "Report daily\n------------\npartition   n\n2024-10-01  1\n2024-10-02  2\nsheet: https" in text
    assert text.count("sheet:") == 1


def test_a_report_without_rows_says_so():
    text = text_of(letter(a_round(a_run(), reports=(Reported("daily", "2024-10-08", ("n", "m")),))))
    assert text.endswith("Report daily 2024-10-08\n-----------------------\nn  m\nno rows\n")


def test_a_year_of_partitions_stays_short():
    days = [(date(2023, 1, 1) + timedelta(days=number)).isoformat() for number in range(365)]
    gaps = (Gap("page 1", "w" * 999),) * 3
    runs = [a_run(partition=day, outcome="partial" if day > "2023-12-01" else "done", gaps=gaps) for day in days]
    runs = [replace(run, files=("f" * 100,) * 50, notes=("n" * 1000,)) for run in runs]
    failures = tuple(Failure("FixThis", 2, "w" * 5000, "x" * 5000, "t" * 5000, "s", day) for day in days)
    reports = tuple(Reported("daily", day, ("n", "t"), ((1, "c" * 999),) * 2, ("/f",) * 9, SHEET) for day in days)
    reports += tuple(Reported(f"r{number}", days[0], ("n",), ((1,),)) for number in range(40))
    done = a_round(*runs, failures=failures, reports=reports, not_tried=tuple(("s", day) for day in days))
    said = letter(done)
    text = text_of(said)
    assert said.subject == "grader 2023-01-01 to 2023-12-31 (365 partitions): failure"
    assert len(text) < 200_000
    assert len(html_of(said)) < 300_000
    for more in ("… and 315 more\n", "… and 345 more\n", "… and 1075 more\n", "… and 680 more rows\n"):
        assert more in text, more
    # Those that somebody has to look at come first.
    assert text.index("2023-12-02  partial") < text.index("2023-01-01  done")
    assert "More reports\n------------\nr19\n" in text
    body = body_of(done)
    assert len(body) <= WHOLE
    facts = json.loads(body)
    assert facts["left_out"] == {
        "runs": 345, "files": 20 * 30, "failures": 345, "not_tried": 345, "reports": 385,
    }  # fmt: skip
    assert facts["rows"]["read"] == 36500
    assert len(facts["partitions"]) == 365
    assert max(len(failure["what"]) for failure in facts["failures"]) == 1000


def test_a_usual_month_is_told_whole():
    runs = [a_run(partition=f"2024-01-{day:02}") for day in range(1, 32)]
    facts = json.loads(body_of(a_round(*runs)))
    assert facts["left_out"] == {}
    assert len(facts["runs"]) == 31


def test_a_report_of_many_columns_is_cut_and_says_so():
    columns = tuple(f"c{number}" for number in range(45))
    text = text_of(letter(a_round(a_run(), reports=(Reported("wide", "d", columns, (tuple(range(45)),)),))))
    assert "… and 15 more columns" in text
    assert "c30" not in text


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'\r\nBcc: x@y.z\x1b[31m\u202e<!channel>```*_"


def test_what_an_api_says_is_text_and_nothing_else():
    failure = Failure(EVIL, 2, EVIL, EVIL, EVIL, EVIL, EVIL)
    reports = (Reported(EVIL, EVIL, (EVIL,), ((EVIL,),), (EVIL,), f"javascript:{EVIL}"),)
    runs = (a_run(EVIL, EVIL, "partial", gaps=(Gap(EVIL, EVIL),), notes=(EVIL,)),)
    done = a_round(*runs, failures=(failure,), reports=reports, not_tried=((EVIL, EVIL),), notes=(EVIL,))
    said = letter(replace(done, pipeline=EVIL))
    shown = Shown(html_of(said))
    assert not {"script", "img", "a"} & set(shown.tags)
    assert shown.links == []
    assert "<script>alert(1)</script>" in " ".join(shown.text)
    for text in (text_of(said), html_of(said), said.subject):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "\n" not in said.subject
    assert "Bcc" not in [row.split(":")[0] for row in text_of(said).splitlines()]
    for block in slack_of(said)["blocks"][1:]:
        text = block["text"]["text"]
        assert "<" not in text
        assert text.count("```") in (0, 2) or not text.startswith(("```", f"*Report {EVIL[:3]}"))
    assert "&lt;!channel&gt;" in json.dumps(slack_of(said))


def test_halves_of_characters_can_be_written():
    said = letter(a_round(a_run("\ud800"), notes=("half \udfff",)))
    text_of(said).encode()
    html_of(said).encode()
    json.dumps(slack_of(said)).encode()
    assert "half \\udfff" in text_of(said)


def test_nothing_secret_is_told():
    remember("hunter2-hunter2")
    word = "token hunter2-hunter2 and postgresql://me:pw1234@db/x"
    failure = Failure("FixThis", 2, word, word, word, word, word)
    runs = (a_run(word, word, "partial", gaps=(Gap(word, word),), notes=(word,)),)
    reports = (Reported(word, word, (word,), ((word,),), (word,), word),)
    done = a_round(*runs, failures=(failure,), reports=reports, not_tried=((word, word),), notes=(word,))
    told = letter(replace(done, pipeline=word), parse(f"{word} {{outcome}}"))
    for text in (text_of(told), html_of(told), json.dumps(slack_of(told)), json.dumps(facts_of(done)), told.subject):
        assert "[secret]" in text
        assert "hunter2" not in text
        assert "pw1234" not in text


def test_a_secret_is_blacked_out_before_a_text_is_cut():
    remember("hunter2-hunter2")
    assert "hunter2" not in said("x" * 190 + "hunter2-hunter2", 200)
    assert cell("x" * 195 + "hunter2-hunter2").endswith("x[sec…")


@pytest.mark.parametrize(
    ("template", "subject"),
    [
        (None, "grader 2024-10-08: success"),
        ("Grader {partition}: {outcome}", "Grader 2024-10-08: success"),
        ("[{pipeline}] {outcome}", "[grader] success"),
        ("no holes", "no holes"),
    ],
)
def test_subjects(template, subject):
    assert subject_of(a_round(a_run()), parse(template) if template else None) == subject


def test_a_subject_has_one_line_and_an_end():
    subject = subject_of(a_round(a_run(partition="a\r\nBcc: x")), parse("{partition} " + "long " * 99))
    assert subject.startswith("a Bcc: x long long")
    assert 145 < len(subject) <= 150
    assert subject.endswith("…")


@pytest.mark.parametrize(
    ("partitions", "said"),
    [
        ((), ""),
        (("a",), "a"),
        (("b", "a"), "a, b"),
        (("c", "b", "a"), "a, b, c"),
        (("d", "c", "b", "a"), "a to d (4 partitions)"),
    ],
)
def test_periods(partitions, said):
    assert period(partitions) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (34.21, "34.2 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (90061, "25 h 01 min"),
    ],
)
def test_times(seconds, said):
    assert took(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (0, "0"),
        (True, "True"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.50"),
        (AT, "2024-10-09 07:01:00+00:00"),
        (date(2024, 10, 8), "2024-10-08"),
        (b"\x00\xff", "00ff"),
        ("two\nlines\tand  more", "two lines and more"),
        ([1, "a"], "[1, 'a']"),
    ],
)
def test_cells(value, said):
    assert cell(value) == said


def test_columns_of_numbers_are_set_to_the_right_and_wide_characters_count_twice():
    found = table(
        "T", ("name", "n", "mixed", "none"), [("日本", 1, 1, None), ("é", None, "a", None), ("e\u0301x", 100, 2, None)]
    )
    assert found.numbers == {1}
    assert text_of(Letter("s", (found,))).splitlines()[4:] == [
        "name    n  mixed  none",
        "日本    1  1",
        "é          a",
        "e\u0301x    100  2",
    ]


def test_one_line_takes_all_kinds_of_breaks():
    assert line("a\r\nb\vc\fd\x85e\u2028f\u2029g\th") == "a b c d e f g h"


def test_slack_stays_within_its_limits():
    rows = tuple((f"row {number}", "<&>" * 60) for number in range(500))
    blocks = (
        *(Table(f"T{number}" + "t" * 400, ("a", "b"), rows, below=("b" * 5000,)) for number in range(30)),
        *(Items(f"I{number}", ("x\n" * 3000,)) for number in range(30)),
        Facts((("a", "<" * 5000),)),
    )
    told = slack_of(Letter("s<" * 300, blocks))
    assert len(told["blocks"]) == 50
    assert told["blocks"][0] == {"type": "header", "text": {"type": "plain_text", "text": ("s<" * 300)[:150]}}
    for block in told["blocks"][1:]:
        text = block["text"]["text"]
        assert 1 <= len(text) <= 3000
        assert text.count("```") in (0, 2)
        assert not re.search(r"&(?!amp;|lt;|gt;)", text), text[-50:]
    assert told["blocks"][1]["text"]["text"].count("… cut") == 2
    assert told["blocks"][-1]["text"]["text"] == "… and 13 more parts"
    assert told["text"].startswith("s&lt;s&lt;")


def test_slack_shows_tables_in_fences_and_links_outside():
    blocks = slack_of(letter(everything()))["blocks"]
    texts = [block["text"]["text"] for block in blocks[1:]]
    assert texts[0].startswith("```\nPipeline      grader\n")
    assert texts[1].startswith("*Rows*\n```\nstream ")
    many = tuple(Reported(f"r{number}", "d", ("n",), ((1,),)) for number in range(21))
    assert slack_of(letter(a_round(a_run(), reports=many)))["blocks"][-1]["text"]["text"] == "*More reports*\nr20"
    report = next(text for text in texts if text.startswith("*Report daily"))
    assert report.endswith("\n```\nfile: /r/daily.csv\nsheet: https://docs.google.com/spreadsheets/d/x#gid=0")


def test_the_json_of_a_round_is_versioned_and_whole():
    facts = json.loads(json.dumps(facts_of(everything())))
    assert (facts["version"], facts["kind"], facts["pipeline"], facts["outcome"]) == (
        1,
        "levada.round",
        "grader",
        "failure",
    )
    assert (facts["id"], facts["verb"], facts["door"]) == ("20241009T070100.000000Z-4f2a", "run", "schedule")
    assert (facts["started"], facts["seconds"]) == ("2024-10-09T07:01:00+00:00", 74.0)
    assert facts["partitions"] == ["2024-10-08"]
    assert facts["rows"] == {
        "read": 200, "kept": 180, "quarantined": 12, "dropped": 8, "nullified": 0,
        "inserted": 70, "updated": 15, "unchanged": 5, "partitions": 2, "seconds": 68.42,
    }  # fmt: skip
    assert [(one["stream"], one["read"]) for one in facts["streams"]] == [("attempts", 100), ("users", 100)]
    assert facts["runs"][1]["gaps"][0]["why"] == "HTTP 500: busy"
    assert facts["runs"][0]["loads"][0]["inserted"] == 70
    assert facts["failures"][0]["todo"] == "mend records"
    assert facts["not_tried"] == [{"stream": "items", "partition": "2024-10-06"}]
    assert facts["reports"][0]["rows"] == [["2024-10-08", 90]]
    assert facts["reports"][0]["count"] == 1
    assert facts["reports"][1]["error"]["what"] == "no table"
    assert facts["notes"] == ["the history could not be written"]
    assert facts["left_out"] == {}


def test_the_json_takes_whatever_a_database_gives():
    row = (None, True, 1, 1.5, math.nan, math.inf, Decimal("1.5"), AT, b"\xff", object, [1], {"a": 1}, timedelta(1))
    columns = tuple(f"c{number}" for number in range(len(row)))
    facts = facts_of(a_round(a_run(), reports=(Reported("odd", "d", columns, (row,)),)))
    told = json.loads(json.dumps(facts, allow_nan=False))["reports"][0]["rows"][0]
    assert told[:4] == [None, True, 1, 1.5]
    assert told[4:9] == ["nan", "inf", "1.5", "2024-10-09 07:01:00+00:00", "ff"]
    assert all(isinstance(value, str) for value in told[4:])


def test_in_slack_what_an_api_says_is_text():
    said = "status 400: @channel *bold* `x` ```y``` ![p](https://evil.test/p.png) _a_"
    blocks = slack_of(letter(a_round(failures=(Failure("ApiRefused", 2, said),))))["blocks"]
    [text] = [one["text"]["text"] for one in blocks if "*Errors*" in one["text"]["text"]]
    assert text.startswith("*Errors*\n```\n- ApiRefused: status 400: @channel *bold*")
    assert text.endswith("\n```")
    assert text.count("```") == 2
