import re
import sys

import pytest

from levada.cli.demonstration import _command
from levada.cli.door import closing, facts, visible
from levada.cli.progress import _Line, _plain, counted
from levada.cli.report import line
from levada.cli.report import lines as told
from levada.cli.table import lines
from levada.edges import FixedClock
from levada.errors import TryLater
from levada.nouns import Counts, Gap, Run
from levada.secret import Secret
from levada.source.events import Asked, Took, Waiting

NOW = FixedClock().now()


def a_run(**more) -> Run:
    known = {
        "pipeline": "sales",
        "stream": "sales",
        "partition": "2022-08-09",
        "run": "r",
        "outcome": "done",
        "level": "staged",
        "counts": Counts(read=2, kept=1, quarantined=1),
        "pages": 1,
        "requests": 2,
        "resumed": 0,
        "files": ("a",),
        "changed": True,
        "seconds": 0.25,
    }
    return Run(**known | more)


def test_plain_tables_are_as_wide_as_needed_and_end_with_their_last_cell():
    long = "x" * 300
    assert lines(("name", "rows#", "why~"), [["a", "1", long], ["bcdef", "1000", "-"]]) == [
        "name   rows  why",
        f"a         1  {long}",
        "bcdef  1000  -",
    ]


def test_plain_tables_measure_what_a_terminal_shows():
    assert lines(("city", "n#"), [["東京", "1"], ["Lima", "2"]]) == ["city  n", "東京  1", "Lima  2"]


def test_control_characters_of_an_api_do_not_reach_the_terminal():
    assert visible("a\x1b[2J\x07\x9b\r\nb\tc") == "a\\x1b[2J\\x07\\x9b\\x0d\nb\tc"


def test_secrets_are_not_visible():
    Secret("TOKEN", "open-sesame-77")
    assert visible("key open-sesame-77!") == "key [secret]!"


def test_a_run_in_one_line():
    assert line(a_run()) == (
        "sales/sales 2022-08-09: done, 1 page, 2 rows read, 1 kept, 1 quarantined, 1 file, 2 requests, 0.25 s"
    )


def test_values_set_to_null_are_told():
    text = line(a_run(counts=Counts(read=2, kept=2, nullified=1)))
    assert "2 kept, 0 quarantined, 1 value nullified, 1 file" in text
    assert "2 kept, 0 quarantined, 10 values nullified, " in line(a_run(counts=Counts(read=2, kept=2, nullified=10)))


def test_a_run_that_only_landed_does_not_claim_that_rows_were_checked():
    landed = a_run(level="landed", counts=Counts(read=2, kept=2))
    assert line(landed) == "sales/sales 2022-08-09: landed, 1 page, 2 rows read, 1 file, 2 requests, 0.25 s"
    assert "landed (nothing changed), " in line(a_run(level="landed", changed=False))
    assert "no data, " in line(a_run(level="landed", outcome="no data"))


def test_a_run_that_changed_nothing_and_was_resumed_says_so():
    text = line(a_run(changed=False, resumed=3, notes=("the API was slow",)))
    assert "done (nothing changed), " in text
    assert text.endswith("; 3 pages taken over from an interrupted run; the API was slow")


def test_counting():
    assert [counted(number, "page") for number in (0, 1, 2)] == ["0 pages", "1 page", "2 pages"]


def test_the_live_line_counts_pages_and_rows():
    shown = _Line("sales 2022-08-09")
    assert str(shown) == "sales 2022-08-09: asking"
    shown.saw(Took(1, 100, 9000))
    assert str(shown) == "sales 2022-08-09: 1 page, 100 rows"


def test_the_live_line_tells_a_wait_until_the_page_is_asked_for_again():
    from datetime import UTC, datetime, timedelta

    shown = _Line("s")
    until = datetime.now(UTC) + timedelta(hours=40)
    shown.saw(Waiting(3, 144_000.0, "503 [/busy]", until))
    left = int(re.search(r"waiting (\d+) s for page 3: 503 \[/busy\]", str(shown))[1])
    assert 143_000 < left <= 144_000, "what is left, and some seconds may have passed since"
    shown.saw(Asked(5, 1))
    assert "waiting" in str(shown)
    shown.saw(Asked(3, 2))
    assert str(shown) == "s: asking"


def test_the_live_line_tells_what_the_api_allows():
    from datetime import UTC, datetime, timedelta

    shown = _Line("s")
    until = datetime.now(UTC) + timedelta(hours=40)
    shown.saw(Waiting(3, 144_000.0, "the API's limit", until, limit=True))
    assert re.fullmatch(r"s: asking, waiting 14\d{4} s for the API's limit", str(shown))
    shown.saw(Asked(7, 1))
    assert str(shown) == "s: asking", "any request says that it is over"
    shown.saw(Waiting(3, 0.1, "the rate 10/s", until, limit=True))
    assert str(shown) == "s: asking", "too short to be shown"
    shown.saw(Waiting(0, 144_000.0, "503", until))
    assert re.fullmatch(r"s: asking, waiting 14\d{4} s: 503", str(shown)), "a token is no page"
    shown.saw(Took(1, 1, 1))
    assert str(shown) == "s: 1 page, 1 row"


def test_a_log_tells_long_waits_only(capsys):
    show = _plain("s")
    for seconds, limit in ((40.0, True), (4.9, True), (5.0, False)):
        show(Waiting(3, seconds, "the API's limit" if limit else "503", NOW, limit=limit))
    said = capsys.readouterr().err
    assert "s: waiting 40 s for the API's limit\n" in said
    assert "s: waiting 5 s for page 3: 503\n" in said
    assert len(said.splitlines()) == 2


def test_an_error_for_machines_tells_when_to_come_back():
    told = facts(TryLater("away", where="here", todo="wait", at=NOW))
    assert told == {
        "kind": "TryLater",
        "exit": 75,
        "what": "away",
        "where": "here",
        "todo": "wait",
        "at": NOW.isoformat(),
    }


def test_a_bug_is_reported_ready_to_paste_and_without_secrets(capsys, monkeypatch):
    Secret("TOKEN", "open-sesame-78")
    monkeypatch.setattr(sys, "argv", ["levada", "run", "my spec.yaml"])
    with pytest.raises(SystemExit) as left, closing(as_json=False):
        raise RuntimeError("no such thing as open-sesame-78")
    out, err = capsys.readouterr()
    assert left.value.code == 70
    assert out == ""
    assert "this is a bug of Levada" in err
    assert "command: levada run 'my spec.yaml'" in err
    assert "RuntimeError: no such thing as [secret]" in err
    assert "open-sesame" not in err


@pytest.mark.parametrize(
    ("program", "said"), [("/x/levada/__main__.py", f"{sys.executable} -m levada"), ("bin/levada", "bin/levada")]
)
def test_suggested_commands_name_this_program(program, said, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program])
    monkeypatch.setenv("PATH", "/nowhere")
    assert _command() == said


def test_a_partial_run_lists_its_gaps_as_far_as_that_is_bearable():
    gaps = tuple(Gap(f"page {n}", "no\n  way", status=418 if n == 1 else None) for n in range(1, 13))
    first, *rest = told(a_run(outcome="partial", gaps=gaps))
    assert first.startswith("sales/sales 2022-08-09: partial, 12 gaps, 1 page, ")
    assert rest[:2] == ["  gap: page 1: 418: no way", "  gap: page 2: no way"]
    assert len(rest) == 11
    assert rest[-1] == "  and 2 more; --json lists them all"


def test_what_an_api_said_of_a_gap_is_cut():
    (_, gap) = told(a_run(outcome="partial", gaps=(Gap("page 1", "x" * 500),)))
    assert gap == f"  gap: page 1: {'x' * 200}..."
