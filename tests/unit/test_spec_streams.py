"""What streams, partitions and defaults demand of one another: what is said, where, and what to do."""

import pytest

from levada.nouns import Format
from levada.spec.read import read_text
from levada.spec.words import words
from mistakes import refused, told

HEAD = "pipeline: p\nsource: {url: https://a.example}\n"


def spec(text):
    return read_text(HEAD + text, "s.yaml", {})


POSTS = "streams:\n  posts: {request: {path: /posts}}\n"
#: A stream of rows: line 5, the mapping of for_each from column 38.
CHILD = '  child: {{request: {{path: "/{{row.id}}"}}, for_each: {{{each}}}{more}}}\n'


def child(each, more=""):
    return POSTS + CHILD.format(each=each, more=more)


ROWS = [
    (child("first: 1"), "5:", "for_each says no rows", "row_of: STREAM"),
    (child("row_of: posts, rows: [{id: 1}]"), "5:", "two sources of rows", "one"),
    (child("row_of: []"), "5:", "row_of is empty", "at least one"),
    (child("row_of: post"), "5:", 'there is no stream "post"', "did you mean posts?"),
    (child("row_of: [posts, posts]"), "5:", "names posts twice", "one"),
    (child("row_of: child"), "5:", "made from itself: child <- child", "circle"),
    (child("row_of: posts, batch: 5, add: {a: id}"), "5:", "from which row of a batch", ""),
    (child("row_of: posts, first: 0"), "5:", "out of range", ""),
    (child("rows: [{nr: 1}]"), "5:27", "no row has the field id", "{row.nr}"),
    (child("rows: [{id: 1}], add: {a: nr}"), "5:", "no row has the field nr", "id"),
    (child("row_of: posts", ', raw: "raw/c/{partition}/{page}.json"'), "5:", "raw lacks {row}", "{row.id}"),
    (child("row_of: posts", ', raw: "raw/c/{partition}/{row.id}{page}.json"'), "5:", "runs values together", "slash"),
    (child("row_of: posts, batch: 2", ', raw: "raw/c/{partition}/{row.id}_{page}"'), "5:", "a field of a row", "{row}"),
    (child("row_of: posts", ', paging: {by: page}, raw: "raw/c/{partition}/{row}"'), "5:", "raw lacks {page}", ""),
    (child("row_of: posts", ', raw_joined: "all/{partition}/{row}"'), "5:", "{row} is no variable here", ""),
    (child("row_of: posts", ", pages_of: posts").replace('request: {path: "/{row.id}"}, ', ""), "5:",
     "for_each has no meaning with pages_of", "leave"),
    (child("row_of: posts").replace("{row.id}", "x"), "5:", "mentions no row", "{row.id}"),
    (POSTS.replace("/posts", "'/{row.id}'"), "4:27", "a stream without for_each has no row", "row_of"),
    (POSTS + "  b: {pages_of: posts, request: {path: /}}\n", "5:", "request has no meaning with pages_of", ""),
    (POSTS + "  b: {pages_of: post}\n", "5:17", 'there is no stream "post"', "did you mean posts?"),
    (POSTS + "  b: {pages_of: posts}\n  c: {pages_of: b}\n", "6:17", "b has no pages of its own", "that b reads"),
    (POSTS + "  b: {}\n", "5:6", "a stream lacks the key request", "pages_of"),
    (POSTS + "  b: {request: {path: /b}, window: 6h}\n", "5:36", "mentions no slice", "{start}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "what", "todo"), ROWS, ids=[case[2] for case in ROWS])
def test_a_mistake_between_streams_is_told(text, at, what, todo):
    told(HEAD + text, at, what, todo)


def test_a_circle_of_streams_is_shown_whole_and_once():
    line = '  {}: {{request: {{path: "/{{row.id}}"}}, for_each: {{row_of: {}}}}}\n'
    text = "streams:\n" + line.format("a", "b") + line.format("b", "c") + line.format("c", "a")
    told(HEAD + text, "4:", "the stream is made from itself: a <- b <- c <- a", "circle")


def test_children_may_have_children_and_several_parents():
    text = child("row_of: posts").replace("posts: {", "users: {request: {path: /users}}\n  posts: {")
    text = text.replace("row_of: posts", "row_of: [posts, users], distinct: true, first: 5")
    found = spec(text + '  deep: {request: {path: "/{row.id}/{row.a.b}"}, for_each: {row_of: child}}\n').streams
    assert [stream.raw.text.rpartition("/")[2] for stream in found] == ["{page}.json"] * 2 + ["{row}-{page}.json"] * 2
    assert found[2].for_each.row_of == ("posts", "users")


def test_pages_read_again_are_of_the_format_of_their_stream_and_have_no_public_names():
    found = spec("streams:\n  a: {request: {path: /}, format: csv}\n  b: {pages_of: a, records: '$[*]'}\n").streams[1]
    assert (found.request, found.raw, found.records.format) == (None, None, Format("csv"))


PARTITIONS = [
    ("{by: tick}", "3:12", "partition by tick lacks the key every", "15m"),
    ("{by: list}", "3:12", "partition by list lacks the key names", "[a, b]"),
    ("{by: day, every: 1m}", "3:29", "every has no meaning with by: day", "tick"),
    ("{by: list, names: []}", "3:30", "names is empty", ""),
    ("{by: list, names: [a, a]}", "3:30", 'the partition "a" stands here twice', ""),
    ("{by: list, names: [a], default: this}", "3:44", "default has no meaning with by: list", ""),
    ("{by: hour, default: yesterday}", "3:32", "yesterday has no meaning with by: hour", "this or last"),
    ("{by: day, timezone: Lisbon}", "3:32", "no time zone", "Europe/Lisbon"),
    ("{by: day, timezone: ../UTC}", "3:32", "no time zone", ""),
]  # fmt: skip


@pytest.mark.parametrize(("partition", "at", "what", "todo"), PARTITIONS)
def test_a_mistake_of_partitions_is_told(partition, at, what, todo):
    told(HEAD + f"partition: {partition}\n{POSTS}", at, what, todo)


@pytest.mark.parametrize(
    ("partition", "name", "what"),
    [
        ("{by: hour}", "{date}/{page}", "does not tell hours apart"),
        ("{by: hour, timezone: Europe/Lisbon}", "{start:%Y%m%d%H}/{page}", "does not tell hours apart"),
        ("{by: tick, every: 1m}", "{date}/{page}", "does not tell ticks apart"),
        ("{by: list, names: [a]}", "x/{page}", "does not tell partitions apart"),
        (
            "{by: list, names: [a]}",
            "{date}/{partition}/{page}",
            "{date} is unknown to a stream with partitions by list",
        ),
        ("{by: month}", "{date:%m}/{page}", "does not tell months apart"),
    ],
)
def test_names_tell_partitions_of_every_kind_apart(partition, name, what):
    assert (
        what
        in refused(HEAD + f'partition: {partition}\nstreams: {{s: {{request: {{path: /}}, raw: "raw/{name}"}}}}\n').what
    )


@pytest.mark.parametrize("by", ["hour", "week", "month", "tick, every: 5m", "list, names: [a, b]"])
def test_the_default_names_hold_for_every_kind(by):
    assert spec(f"partition: {{by: {by}}}\n{POSTS}").partition.by == by.partition(",")[0]


CURSORS = [
    ("{cursor: id}", "they begin with $", "$.id"),
    ("{cursor: $.id, type: number, start: x}", '"x" in start is no number', "without quotes"),
    ("{cursor: $.id, start: soon}", '"soon" in start is no timestamp', "2022-01-01"),
    ("{cursor: $.id, lookback: 5}", '"5" in lookback is no duration', "1h"),
    ("{cursor: $.id, type: number, lookback: -1}", '"-1" in lookback is no number', ""),
    ("{cursor: $.id, type: text, lookback: 1h}", "lookback has no meaning for text", "leave it out"),
    ("{cursor: $.id, order: up}", '"up" is not known here', "asc, desc"),
]  # fmt: skip


@pytest.mark.parametrize(("incremental", "what", "todo"), CURSORS)
def test_a_mistake_of_an_incremental_stream_is_told(incremental, what, todo):
    told(HEAD + f"streams: {{s: {{request: {{path: /}}, incremental: {incremental}}}}}\n", "3:", what, todo)


@pytest.mark.parametrize("kind", ["number, start: 0", 'text, start: "a"'])
@pytest.mark.parametrize(
    ("key", "what"),
    [("window: 6h", "its intervals have no windows"), ("for_each: {rows: [{id: 1}]}", "share one cursor")],
)
def test_what_needs_time_is_refused_beside_other_cursors(kind, key, what):
    how = 'request: {path: "/ROW", params: {since: "{start}"}}, incremental: {cursor: $.n, type: KIND}'
    text = f"streams: {{s: {{KEY, {how}}}}}\n"
    row = "{row.id}" if "row" in key else "x"
    told(HEAD + text.replace("KEY", key).replace("KIND", kind).replace("ROW", row), "3:", what, "")
    spec(text.replace("KEY", key).replace("type: KIND", 'start: "2022-01-01"').replace("ROW", row))


def test_incremental_never_stands_beside_partition():
    text = "partition: {by: day}\nstreams:\n  s:\n    request: {path: /}\n    incremental: {cursor: $.id}\n"
    told(HEAD + text, "7:18", "never stands beside partition (line 3)", "two specs")


def test_an_incremental_stream_knows_its_interval_alone():
    text = 'streams: {s: {request: {path: "/{date}"}, incremental: {cursor: $.id}}}\n'
    told(HEAD + text, "3:", "{date} is unknown to an incremental stream", "{start}")
    told(HEAD + text.replace("{date}", "{start}"), "3:", "lacks the key start", "add start")
    good = text.replace("{date}", "{start:%Y}").replace("$.id", "$.id, start: 2022-01-01")
    assert spec(good).streams[0].incremental.start == "2022-01-01"
    numbers = good.replace("start: 2022-01-01", "type: number, start: 5")
    told(HEAD + numbers, "3:", "{start:%Y}: a number takes no format", "{start}")


def test_a_stream_of_an_incremental_one_is_not_built_yet():
    text = child("row_of: posts").replace("path: /posts}", "path: /posts}, incremental: {cursor: $.id}")
    told(HEAD + text, "5:", "not built yet (they share no partitions)", "partitions")


DEFAULTS = """\
defaults:
  request: {params: {lang: en, n: 5}, headers: {X-A: a}, json: {size: 1, who: me}}
  paging: {by: page, max_pages: 3}
  raw: none
streams:
  a: {request: {path: /a, params: {n: ~, day: x}, json: {who: you}}}
  b: {request: {path: /b, json: ~}, paging: {by: link}, raw: "raw/{date}/{page}"}
  c: {request: {path: /c, form: {x: y}, params: ~}, paging: ~}
  d: {pages_of: a}
"""


def pairs(found):
    return [(name, template.text) for name, template in found]


def test_defaults_are_merged_name_by_name_and_the_stream_wins():
    a, b, c, d = spec(DEFAULTS).streams
    assert pairs(a.request.params) == [("lang", "en"), ("day", "x")]
    assert {name: getattr(value, "text", value) for name, value in a.request.body.content.items()} == {
        "size": 1,
        "who": "you",
    }
    assert (a.paging.max_pages, a.raw) == (3, None)
    assert pairs(b.request.params) == [("lang", "en"), ("n", "5")]
    assert (b.request.body, b.request.method, b.paging.by, b.paging.max_pages) == (None, "GET", "link", None)
    assert b.raw.text == "raw/{date}/{page}"
    assert (c.request.body.kind, c.request.params, c.paging.by) == ("form", (), "none")
    assert pairs(c.request.headers) == [("X-A", "a")]
    assert (d.request, d.paging.by, d.pages_of) == (None, "none", "a")


@pytest.mark.parametrize(
    ("old", "new", "at", "what", "todo"),
    [
        ("max_pages: 3", "max_pages: x", "5:33", "max_pages: ", "number"),
        ("max_pages: 3", "limit_param: x", "5:35", "limit_param needs limit", "add limit"),
        ("  raw: none", "  rw: none", "6:3", 'unknown key "rw" in defaults', "did you mean raw?"),
        ("lang: en", 'lang: "{dat}"', "4:28", "{dat} is no variable", "{date}"),
        ("lang: en", 'lang: "{row.id}"', "4:28", "without for_each", "for_each"),
        ("  raw: none", "  pages_of: a", "6:3", 'unknown key "pages_of" in defaults', ""),
        ("  raw: none", "  decode: {}", "6:3", "decode in defaults is not built yet", ""),
    ],
)
def test_a_mistake_in_defaults_is_told_at_its_line(old, new, at, what, todo):
    streams = "streams: {a: {request: {path: /a}}, c: {request: {path: /c, json: ~}, paging: ~}}\n"
    text = DEFAULTS[: DEFAULTS.index("streams:")] + streams
    assert text.count(old) == 1
    told(HEAD + text.replace(old, new), at, what, todo)


def test_what_defaults_lack_is_noted_for_each_stream_and_not_for_them():
    text = 'defaults: {request: {params: {a: "${A}"}}}\nstreams: {a: {request: {path: /}}, b: {request: {path: /b}}}\n'
    assert [gap.used_in for gap in spec(text).missing] == ["streams.a.request.params.a", "streams.b.request.params.a"]


def test_the_plan_tells_parts_rows_and_cursors():
    text = child("row_of: posts, first: 3, distinct: true, batch: 2, failing: gap")
    plan = "\n".join(words(spec(text)))
    assert "once for each of the first 3 different rows of posts, 2 rows a request" in plan
    assert "is left out: a counted gap" in plan
    plan = "\n".join(words(spec("streams: {s: {request: {path: '/{start}'}, window: 6h}}\n")))
    assert "once for each 6h of the partition" in plan
    assert "A snapshot" not in plan
    text = "streams: {s: {request: {path: /}, incremental: {cursor: $.id, type: number, lookback: 5, end: 9}}}\n"
    plan = "\n".join(words(spec(text)))
    for said in (
        "what came since the last one",
        "goes on from the highest $.id",
        "reaches back 5",
        "later than 9",
        "all is read",
    ):
        assert said in plan
    plan = "\n".join(words(spec("partition: {by: tick, every: 15m, timezone: Europe/Lisbon, default: last}\n" + POSTS)))
    assert "one run is one tick, every 15m of Europe/Lisbon." in plan
    assert "Without a date: last tick." in plan
