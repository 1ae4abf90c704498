"""A line of a log: one record is one line for machines and one paragraph for people, and holds no secret."""

import json
import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from levada.logs.lines import MILESTONES, About, json_line, text_line
from levada.secret import remember

AT = datetime(2024, 10, 8, 7, 1, 2, 345678, tzinfo=UTC)
OF = About("grader", "attempts", "2024-10-07", "20241008T070102")
TOKEN = "s3cr3t/täken+1"


def said(text, *args, level=logging.INFO, error=None, by="levada.own", given=None, **extra):
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.getLogger(by).makeRecord(by, level, "x.py", 1, text, args, trace, extra={**extra, **(given or {})})


def a_milestone(words, **facts):
    of = {"pipeline": "grader", "stream": "attempts", "partition": "2024-10-07"}
    return said("not this", by=MILESTONES, given={"words": words, **of, **facts})


def text(record, *, about=OF, at=AT):
    return text_line(record, about, at)


def facts(record, *, about=OF, at=AT):
    line = json_line(record, about, at)
    assert "\n" not in line
    assert line.splitlines() == [line]
    return json.loads(line)


def raised(error):
    try:
        raise error  # noqa: TRY301 - here, so that it has a traceback
    except Exception as caught:  # noqa: BLE001 - whatever it is
        return caught


def test_a_line_for_people():
    line = "2024-10-08 07:01:02.345Z INFO grader/attempts 2024-10-07: download started"
    assert text(a_milestone("download started", event="download started")) == line


def test_a_line_for_machines():
    record = a_milestone("download finished: 338 rows", event="download finished", rows=338, seconds=1.5)
    assert facts(record) == {
        "at": "2024-10-08T07:01:02.345Z",
        "level": "INFO",
        "pipeline": "grader",
        "stream": "attempts",
        "partition": "2024-10-07",
        "round": "20241008T070102",
        "event": "download finished",
        "words": "download finished: 338 rows",
        "rows": 338,
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Europe/Moscow", "10:01:02.345+03:00"), ("America/New_York", "03:01:02.345-04:00"), ("UTC", "07:01:02.345Z")],
)
def test_times_are_those_of_the_zone_with_their_offset(zone, shown):
    at = AT.astimezone(ZoneInfo(zone))
    assert text(a_milestone("x"), at=at).startswith(f"2024-10-08 {shown} INFO")
    assert facts(a_milestone("x"), at=at)["at"] == f"2024-10-08T{shown}"


def test_the_hour_that_comes_twice_is_told_apart():
    moments = [datetime(2024, 10, 27, hour, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin")) for hour in (0, 1)]
    assert [text(a_milestone("x"), at=at)[11:29] for at in moments] == ["02:30:00.000+02:00", "02:30:00.000+01:00"]


def test_what_others_say_is_of_what_is_worked_on_and_tells_who():
    record = said("took %d rows", 3, level=logging.WARNING, table="x")
    assert text(record) == "2024-10-08 07:01:02.345Z WARNING grader/attempts 2024-10-07: took 3 rows"
    told = facts(record)
    assert (told["from"], told["words"], told["table"], told["stream"]) == (
        "levada.own", "took 3 rows", "x", "attempts",
    )  # fmt: skip
    assert "event" not in told


def test_where_nothing_is_worked_on_the_pipeline_alone_is_told():
    assert text(said("hm"), about=About("grader")) == "2024-10-08 07:01:02.345Z INFO grader: hm"
    assert facts(said("hm"), about=About("grader")).keys() == {"at", "level", "pipeline", "from", "words"}


@pytest.mark.parametrize("words", ["Скачивание данных завершилось", "下载完成", "готово 🎉", "a\ttab"])
def test_texts_of_all_languages_are_as_they_are(words):
    assert text(said(words)).endswith(f": {words}")
    assert facts(said(words))["words"] == words
    assert words.split("\t")[0] in json_line(said(words), OF, AT)


def test_nothing_passes_for_a_line_of_its_own():
    forged = "bad\n2024-10-08 07:01:02.345Z ERROR grader: forged\r\x85\u2028end\x1b[31m"
    first, second = text(said(forged)).split("\n")
    assert first.endswith(": bad")
    assert second == "    2024-10-08 07:01:02.345Z ERROR grader: forged\\x0d\\x85\\u2028end\\x1b[31m"
    assert facts(said(forged))["words"] == forged


@pytest.mark.parametrize("shown", [TOKEN, "s3cr3t%2Ft%C3%A4ken%2B1", "czNjcjN0L3TDpGtlbisx"])
def test_a_secret_is_nowhere(shown):
    remember(TOKEN)
    error = raised(ValueError(f"refused: {shown}"))
    error.add_note(f"sent {shown}")
    record = said(
        "token %s of %r", shown, {"deep": shown}, error=error, plain=shown, nested={shown: [shown, (shown,)]},
        other=type("Own", (), {"__str__": lambda _: shown})(),
    )  # fmt: skip
    for line in (text(record), json_line(record, About(shown, shown, shown, shown), AT)):
        assert shown not in line
        assert TOKEN not in line
        assert "[secret]" in line
    assert "ValueError: refused: [secret]" in facts(record)["error"]


def test_a_secret_of_several_lines_is_redacted_before_they_are_set_in():
    key = "-----BEGIN KEY-----\nabcdef\nghijkl\n-----END KEY-----"
    remember(key)
    assert "abcdef" not in text(said(f"key: {key}"))
    assert "abcdef" not in json_line(said("x", key=key), OF, AT)


def test_a_secret_that_is_a_number_is_redacted():
    remember("73915526")
    assert facts(said("x", pin=73915526, rows=12))["pin"] == "[secret]"
    assert facts(said("x", pin=73915526, rows=12))["rows"] == 12


def test_a_secret_at_the_cut_of_a_long_text_is_redacted_whole():
    remember(TOKEN)
    for around in range(len(TOKEN)):
        line = text(said("x" * (32_000 - around - len("grader/attempts 2024-10-07: ")) + TOKEN + "y" * 64_000))
        assert "s3cr3t" not in line
        assert "+1y" not in line


def test_a_traceback_is_told_with_its_causes():
    try:
        raise raised(KeyError("inner")) from raised(ValueError("outer"))
    except KeyError as error:
        record = said("it broke", level=logging.ERROR, error=error)
    line = text(record)
    assert line.splitlines()[0].endswith("ERROR grader/attempts 2024-10-07: it broke")
    assert all(more.startswith("    ") for more in line.splitlines()[1:])
    assert "ValueError: outer" in line
    assert "KeyError: 'inner'" in facts(record)["error"]


@pytest.mark.parametrize("name", ["level", "at", "words", "error", "from"])
def test_a_given_name_that_a_line_has_already_gets_an_underscore(name):
    told = facts(said("x", given={name: "own"}))
    assert told[f"{name}_"] == "own"
    assert told["level"] == "INFO"


class Broken:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (said("%d rows", "many"), "%d rows ('many',)"),
        (said("%s %s", 1), "%s %s (1,)"),
        (said("%s", Broken()), "%s <tuple>"),
        (said(Broken()), "<Broken>"),
        (said({"a": 1}), "{'a': 1}"),
    ],
)
def test_what_cannot_be_put_together_is_told_as_far_as_it_can(record, told):
    assert text(record).endswith(f": {told} ()" if record.args == () and "Broken" in told else f": {told}")
    assert facts(record)["words"].startswith(told)


def test_what_was_given_becomes_json_whatever_it_is():
    loop: dict = {}
    loop["loop"] = loop
    given = {
        "none": None, "yes": True, "nan": float("nan"), "inf": float("-inf"), "huge": 10**5000, "own": Broken(),
        "bytes": b"\xff", "set": {1}, "when": AT, "loop": loop, "half": "\ud800",
    }  # fmt: skip
    told = facts(said("x", given=given))
    assert (told["none"], told["yes"], told["nan"], told["inf"], told["set"]) == (None, True, "nan", "-inf", [1])
    assert (told["huge"], told["own"], told["bytes"]) == ("<int>", "<Broken>", "b'\\xff'")
    assert told["when"] == str(AT)
    assert "{...}" in json.dumps(told["loop"])


def test_a_long_text_is_cut_in_its_middle():
    line = text(said("begin" + "x" * 1_000_000 + "end"))
    assert len(line) < 70_000
    assert line.endswith("xxend")
    assert " [...] " in line
    assert len(facts(said("x", body="x" * 1_000_000))["body"]) < 70_000


def test_of_what_is_broad_the_beginning_is_told():
    told = facts(said("x", rows=list(range(5_000)), by_name={str(number): number for number in range(5_000)}, last=1))
    assert told["rows"] == [*range(999), "[...]"]
    assert "by_name" not in told
    told = facts(said("x", by_name={str(number): [number] for number in range(5_000)}))
    assert told["by_name"]["498"] == [498]
    assert told["by_name"]["[...]"] > 4_000
    assert len(told["by_name"]) <= 501
    nested = [[[[[list(range(20)) for _ in range(20)] for _ in range(20)] for _ in range(20)] for _ in range(20)]]
    assert len(json.dumps(facts(said("x", deep=nested)))) < 10_000
