"""Where collectors lose records, loop, leak or stop: what happens here instead, each on a server made for it."""

from datetime import timedelta

import pytest

import troubled
from cases import DAY, Settings, attempt, one, rows_in, run, spec, text_of
from levada.errors import ContractBroken, FixThis, TryLater
from levada.lake.disk import DiskStore
from levada.lake.memory import MemoryStore
from troubled import ids
from webserver import Said, WebServer

ITEMS = "records: $.items[*]"
ALWAYS_EMPTY = "records: {path: '$.items[*]', optional: true}"


def pages(below, server, *, concurrency=1, **settings):
    """What comes of a spec of this one stream."""
    with server:
        return attempt(one(below, concurrency=concurrency, **settings), server)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_z1_pages_that_begin_at_one(concurrency):
    server = troubled.pages_from_one()
    below = f"request: {{path: /items}}\npaging: {{by: page, total_pages: $.total_pages}}\n{ITEMS}"
    case = pages(below, server, concurrency=concurrency)
    assert sorted(case.requests) == [f"/items?page={n}" for n in range(1, 6)]
    assert (case.outcome, case.records()) == ("done", server.truth)


def test_z2_what_only_looks_like_a_cursor_is_not_followed():
    server = troubled.one_page_and_a_decoy()
    case = pages(f"request: {{path: /items}}\n{ITEMS}", server)
    assert (case.requests, case.records()) == (["/items"], server.truth)


def test_z3_a_cursor_that_stands_still_is_an_error():
    server = troubled.cursor_stands_still()
    case = pages(f"request: {{path: /items}}\npaging: {{by: cursor, next: $.next}}\n{ITEMS}", server)
    assert isinstance(case.error, ContractBroken)
    assert "cursor" in str(case.error)
    assert "c2" in str(case.error)
    assert case.requests == ["/items", "/items?cursor=c2"]
    assert case.records() == []


def test_z3_a_cursor_that_goes_round_is_an_error():
    def answer(_):
        n = len(server.seen)
        return {"items": ids(n, n), "next": "abc"[n % 3]}

    with WebServer(answer) as server:
        case = attempt(one(f"request: {{path: /items}}\npaging: {{by: cursor, next: $.next}}\n{ITEMS}"), server)
    assert isinstance(case.error, ContractBroken)
    assert case.requests == ["/items", *(f"/items?cursor={c}" for c in "bca")]


def test_z3_a_next_url_that_comes_again_is_an_error():
    def answer(asked):
        n = len(server.seen)
        return {"items": ids(n, n), "next": "/items?page=2"}

    with WebServer(answer) as server:
        case = attempt(one(f"request: {{path: /items}}\npaging: {{by: next_url}}\n{ITEMS}"), server)
    assert isinstance(case.error, ContractBroken)
    assert case.requests == ["/items", "/items?page=2"]


@pytest.mark.parametrize("paging", ["by: page", "by: offset, limit: 2"])
def test_z3_a_page_that_comes_again_byte_for_byte_is_an_error(paging):
    with WebServer(lambda _: {"items": ids(1, 2)}) as server:
        case = attempt(one(f"request: {{path: /items}}\npaging: {{{paging}}}\n{ITEMS}"), server)
    assert isinstance(case.error, ContractBroken)
    assert len(case.requests) == 2
    assert "byte for byte" in str(case.error)


def test_z4_an_empty_cursor_in_a_header_ends_paging():
    server = troubled.empty_header_cursor()
    case = pages("request: {path: /items}\npaging: {by: cursor, param: page, next: {header: X-Next-Page}}", server)
    assert case.requests == ["/items", "/items?page=2", "/items?page=3"]
    assert (case.outcome, case.records()) == ("done", server.truth)


def test_z5_a_limit_of_nothing_is_refused_before_anything_is_asked():
    with pytest.raises(FixThis, match="limit"):
        spec(one(f"request: {{path: /items}}\npaging: {{by: offset, limit: 0, total_rows: $.total}}\n{ITEMS}"))


@pytest.mark.parametrize("last", ["", False, None])
def test_z6_a_next_url_that_is_none_ends_paging(last):
    server = troubled.empty_next(last)
    case = pages(f"request: {{path: /items}}\npaging: {{by: next_url}}\n{ITEMS}", server)
    assert case.requests == ["/items", "/items?page=2", "/items?page=3"]
    assert (case.outcome, case.records()) == ("done", server.truth)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_z7_a_limit_that_the_server_caps_loses_nothing(concurrency):
    server = troubled.capped_limit()
    below = f"request: {{path: /items}}\npaging: {{by: offset, limit: 100, total_rows: $.total}}\n{ITEMS}"
    case = pages(below, server, concurrency=concurrency)
    assert (case.outcome, case.records()) == ("done", server.truth)
    offsets = [f"/items?limit=100&offset={n}" for n in (0, 2, 4, 6)]
    assert set(offsets) <= set(case.requests)
    assert concurrency > 1 or case.requests == offsets


def test_z7_a_capped_limit_without_a_total_loses_nothing_either():
    server = troubled.capped_limit()
    case = pages(f"request: {{path: /items}}\npaging: {{by: offset, limit: 100}}\n{ALWAYS_EMPTY}", server)
    assert case.records() == server.truth
    assert case.requests == [f"/items?limit=100&offset={n}" for n in (0, 2, 4, 6, 7)]


@pytest.mark.parametrize(("total", "tolerance", "fails"), [(8, "", True), (6, "", True), (8, ", tolerance: 1", False)])
def test_z7_what_was_read_is_held_to_the_total(total, tolerance, fails):
    def answer(asked):
        first = 4 * (asked.number("page", 1) - 1)
        return {"items": ids(1, 7)[first : first + 4], "total": total}

    with WebServer(answer, truth=ids(1, 7)) as server:
        paging = f"{{by: page, total_rows: $.total{tolerance}}}"
        case = attempt(one(f"request: {{path: /items}}\npaging: {paging}\n{ALWAYS_EMPTY}"), server)
    assert isinstance(case.error, ContractBroken) == fails
    assert not fails or (str(total) in str(case.error) and "7" in str(case.error))
    assert case.records() == ([] if fails else server.truth)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_z8_a_total_that_was_told_once_is_remembered(concurrency):
    server = troubled.total_once()
    below = f"request: {{path: /items}}\npaging: {{by: offset, limit: 3, total_rows: $.total}}\n{ITEMS}"
    case = pages(below, server, concurrency=concurrency)
    assert (case.outcome, case.records()) == ("done", server.truth)
    assert concurrency > 1 or case.requests == [f"/items?limit=3&offset={n}" for n in (0, 3, 6)]


def test_z9_a_selector_that_matches_nothing_is_an_error_unless_the_spec_allows_it():
    below = "request: {path: /items}\nrecords: "
    case = pages(f"{below}$.data[*]", troubled.nothing_selected())
    assert isinstance(case.error, ContractBroken)
    assert "$.data[*]" in str(case.error)
    assert case.records() == []
    allowed = pages(f"{below}{{path: '$.data[*]', optional: true}}", troubled.nothing_selected())
    assert (allowed.outcome, allowed.records()) == ("no data", [])
    server = troubled.nothing_selected()
    assert pages(f"{below}$.result.posts", server).records() == server.truth


@pytest.mark.parametrize("path", ["$.a[*].x", "$.a[*].x[*]"])
def test_z10_one_match_or_many_give_records_of_one_shape(path):
    server = troubled.nested_lists()
    below = f"request: {{path: /items}}\npaging: {{by: page, total_pages: $.pages}}\nrecords: {path}"
    case = pages(below, server)
    assert case.requests == ["/items?page=1", "/items?page=2"]
    assert (case.outcome, case.records()) == ("done", server.truth)


KEY = "sesame-4711"


def elsewhere(paging, source='auth: {bearer: "${KEY}"}'):
    """A run whose second page is on another origin: the case, and both servers' requests."""
    with WebServer(lambda _: {"items": ids(3, 4), "next": None}) as stranger, troubled.next_elsewhere(stranger) as home:
        text = one(f"request: {{path: /items}}\npaging: {{{paging}}}\n{ITEMS}", source=source)
        return attempt(text, home, Settings(environment={"KEY": KEY})), home, stranger


@pytest.mark.parametrize(
    "source", ['auth: {bearer: "${KEY}"}', 'auth: {query: api_key, key: "${KEY}"}', 'auth: {cookie: c, key: "${KEY}"}']
)
def test_z11_a_key_never_goes_to_another_origin(source):
    case, home, stranger = elsewhere("by: next_url", source)
    assert (len(home.seen), stranger.targets, case.records()) == (1, ["/items?page=2"], home.truth)
    everything = [asked.raw + str(dict(asked.headers)) for asked in stranger.seen]
    assert not [text for text in everything if KEY in text]
    assert KEY in home.seen[0].raw + str(dict(home.seen[0].headers))


def test_z11_a_next_url_may_be_held_to_its_own_origin():
    case, home, stranger = elsewhere("by: next_url, keep_origin: true")
    assert (home.targets, stranger.targets) == (["/items", "/items?page=2"], [])
    assert case.records() == home.truth
    assert home.seen[1].headers["authorization"] == f"Bearer {KEY}"


LIMITED = "request: {path: /items}"


def test_z12_a_retry_after_within_what_the_run_may_wait_is_waited_for_in_full():
    server = troubled.retry_after("3600")
    case = pages(LIMITED, server, source="retry: {max_wait: 2h}")
    assert (case.outcome, case.records(), len(case.requests)) == ("done", server.truth, 2)
    assert sum(case.slept) >= 3600


def test_z12_a_longer_retry_after_ends_the_run_at_once_with_the_moment():
    settings = Settings()
    with troubled.retry_after("3600") as server:
        case = attempt(one(LIMITED), server, settings)
    assert isinstance(case.error, TryLater)
    assert (len(case.requests), case.slept) == (1, [])
    assert case.error.at == settings.clock.start + timedelta(hours=1)


def test_z12_a_date_in_the_past_does_not_mean_at_once():
    server = troubled.retry_after("Wed, 01 Jan 2020 00:00:00 GMT", times=3)
    case = pages(LIMITED, server)
    assert (case.outcome, len(case.requests)) == ("done", 4)
    assert len(case.slept) == 3
    assert all(waited > 0 for waited in case.slept)


def test_z13_a_post_is_asked_again_only_where_the_spec_says_that_it_may():
    unsafe = "request: {path: /items, json: {q: 1}}"
    case = pages(unsafe, troubled.unsafe_post())
    assert (len(case.requests), type(case.error)) == (1, TryLater)
    assert "repeatable" in str(case.error)
    safe = pages(unsafe.replace("}}", "}, repeatable: true}"), troubled.unsafe_post())
    assert (len(safe.requests), safe.records()) == (2, ids(1, 2))
    query = 'request: {path: /items, graphql: {query: "{ items { id } }"}}'
    assert len(pages(query, troubled.unsafe_post()).requests) == 2


def test_z14_a_key_in_a_cookie():
    with troubled.cookie_only("session", KEY) as server:
        text = one("request: {path: /items}", source='auth: {cookie: session, key: "${KEY}"}')
        case = attempt(text, server, Settings(environment={"KEY": KEY}))
    assert (case.outcome, case.records()) == ("done", server.truth)


def kids(server, **settings):
    text = text_of("""
parents: {request: {path: /parents}}
kids:
  for_each: {row_of: parents}
  request: {path: "/p/{row.id}/kids"}
  contract: {fields: {kid: string}}
  stage: {avro: "{partition}/{stream}.avro"}
""")
    with server:
        return run(text, server, **settings)


def test_z15_what_separates_parts_of_a_url_is_escaped_in_a_value():
    server = troubled.strange_parent()
    case = kids(server)
    assert [asked.raw for asked in server.seen] == ["/parents", "/p/a%2Fb%3Fc%3D1%23z/kids"]
    assert case.runs[-1].counts.read == 1


def test_z16_a_parent_without_an_id_is_left_out_and_counted():
    server = troubled.null_parent()
    case = kids(server)
    assert case.requests == ["/parents", "/p/1/kids", "/p/2/kids"]
    assert case.runs[-1].counts.read == 2
    assert case.runs[-1].notes == ("2 rows of parents lack id: not asked for",)


def test_z17_a_meaning_that_is_none_is_refused():
    with pytest.raises(FixThis, match="means") as caught:
        spec(one("request: {path: /items}\nresponses: [{status: 404, means: explode}]"))
    assert "skip" in str(caught.value)


SKIPPED = "paging: {by: page}\nresponses: [{status: 422, means: skip}]"


@pytest.mark.parametrize("concurrency", [1, 4])
def test_z18_a_page_that_is_skipped_loses_only_itself_and_is_counted(concurrency):
    server = troubled.newest_first()
    case = pages(f"request: {{path: /items}}\n{SKIPPED}", server, concurrency=concurrency)
    assert {f"/items?page={n}" for n in range(1, 7)} <= set(case.requests)
    assert case.records() == [{"id": n} for n in (*range(50, 30, -1), *range(20, 0, -1))]
    only = case.runs[0]
    assert (only.outcome, len(only.gaps)) == ("partial", 1)
    assert (only.gaps[0].status, "page 3" in only.gaps[0].where) == (422, True)
    assert "cannot be read" in only.gaps[0].why


def test_z18_a_skipped_offset_loses_one_page():
    def answer(asked):
        offset = asked.number("offset", 0)
        return Said({}, 422) if offset == 2 else {"items": ids(1, 7)[offset : offset + 2], "total": 7}

    below = "request: {path: /items}\npaging: {by: offset, limit: 2, total_rows: $.total}\nrecords: $.items[*]"
    case = pages(f"{below}\nresponses: [{{status: 422, means: skip}}]", WebServer(answer))
    assert (case.outcome, [gap.where for gap in case.runs[0].gaps]) == ("partial", ["offset 2"])
    assert case.records() == [*ids(1, 2), *ids(5, 7)]


def test_z18_behind_a_skipped_cursor_nothing_is_known_and_the_run_is_partial():
    def answer(asked):
        first = asked.value("cursor") is None
        return {"items": ids(1, 2), "next": "b"} if first else Said({}, 422)

    below = "request: {path: /items}\npaging: {by: cursor, next: $.next}\nrecords: $.items[*]"
    case = pages(f"{below}\nresponses: [{{status: 422, means: skip}}]", WebServer(answer))
    assert (case.outcome, len(case.runs[0].gaps), case.records()) == ("partial", 1, ids(1, 2))


def test_z18_a_partial_run_replaces_no_complete_commit():
    settings = Settings()
    text = one(f"request: {{path: /items}}\n{SKIPPED}")
    with troubled.newest_first() as server:
        server.broken.clear()
        assert run(text, server, settings).outcome == "done"
        server.broken.add(3)
        partial = attempt(text, server, settings)
    assert "--accept-partial" in str(partial.error)
    assert [row["id"] for row in rows_in(settings.store)] == list(range(50, 0, -1))


INCREMENTAL = """
request: {path: /items, params: {since: "{start}"}}
incremental: {cursor: $.at, start: "2022-01-01T00:00:00Z"}
"""


def cursored(more=""):
    """A spec without partitions; the stage has a name for each interval."""
    return one(f"{INCREMENTAL}{more}", fields="id: int64, at: string")


def staged(store):
    """Ids of every staged file of a lake, in order of the names."""
    import io

    import fastavro

    keys = sorted(
        entry.key for entry in store.list("") if entry.key.endswith(".avro") and not entry.key.startswith("_")
    )
    return [row["id"] for key in keys for row in fastavro.reader(io.BytesIO(store.read(key)))]


def test_z18_a_cursor_never_passes_a_gap():
    settings = Settings(date=None)
    with troubled.newest_first() as server:
        text = cursored(SKIPPED)
        first = attempt(text, server, settings)
        assert (first.error, first.outcome) == (None, "partial")
        server.broken.clear()
        settings.clock.pause(60)
        again = attempt(text, server, settings)
    assert again.requests == first.requests
    assert again.outcome == "done"
    # The partial interval is read again as a whole, so its rows are there once.
    assert staged(settings.store) == list(range(50, 0, -1))


def test_z19_cursors_are_compared_as_instants_whatever_their_offsets():
    settings = Settings(date=None)
    with troubled.offsets_of_zones() as server:
        first = run(cursored(), server, settings)
        assert first.runs[0].counts.read == 3
        server.truth.append({"id": 4, "at": "2022-01-01T15:30:00+01:00"})  # 14:30Z, after all others
        again = run(cursored(), server, settings)
    # As texts, 13:00 with +05:00 and 12:30Z are later than the latest, which is 14:00Z.
    assert again.requests == ["/items?since=2022-01-01T09:00:00-05:00"]
    assert (again.runs[0].counts.kept, again.runs[0].counts.dropped) == (1, 3)
    assert staged(settings.store) == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", [MemoryStore, DiskStore])
def test_z20_after_a_failure_only_what_is_missing_is_asked_for(kind, tmp_path):
    settings = Settings(store=kind() if kind is MemoryStore else kind(str(tmp_path / "lake")))
    text = one(f"request: {{path: /items}}\npaging: {{by: page, total_pages: $.pages}}\n{ITEMS}")
    with troubled.cut_short() as server:
        first = attempt(text, server, settings)
        assert isinstance(first.error, TryLater)
        assert first.requests == [*(f"/items?page={n}" for n in range(1, 9)), *["/items?page=9"] * 5]
        assert rows_in(settings.store) == []
        server.broken.clear()
        again = run(text, server, settings)
    assert again.requests == ["/items?page=9", "/items?page=10"]
    assert (again.outcome, again.records(), again.runs[0].resumed) == ("done", server.truth, 8)


def test_z27_secrets_are_in_no_file_of_the_lake_and_in_no_log(caplog):
    caplog.set_level("DEBUG")
    source = 'auth: {query: sig, key: "${KEY}"}'
    server = troubled.newest_first()
    with server:
        text = one(f"request: {{path: /items}}\n{SKIPPED}", source=source)
        case = attempt(text, server, Settings(environment={"KEY": KEY}))
    assert server.seen[0].value("sig") == KEY
    assert KEY not in caplog.text
    assert not [entry.key for entry in case.store.list("") if KEY.encode() in case.store.read(entry.key)]


def test_z29_a_known_total_is_asked_for_side_by_side():
    server = troubled.known_total(pages=20, latency=0.05)
    below = f"request: {{path: /items}}\npaging: {{by: page, total_pages: $.pages}}\n{ITEMS}"
    case = pages(below, server, concurrency=5)
    assert (len(case.requests), case.records()) == (20, server.truth)
    assert server.most == 5
    alone = troubled.known_total(pages=4, latency=0.01)
    assert pages(below.replace("by: page", "by: page, ahead: off"), alone, concurrency=5).records() == alone.truth
    assert alone.most == 1


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("paging", ["by: page", "by: page, max_pages: 3"])
def test_z30_an_empty_body_is_an_empty_page(status, paging):
    server = troubled.empty_answers(status)
    case = pages(f"request: {{path: /items}}\npaging: {{{paging}}}", server)
    assert case.requests == [f"/items?page={n}" for n in (1, 2, 3)]
    assert (case.outcome, case.records()) == ("done", server.truth)


@pytest.mark.parametrize("form", troubled.LINK_FORMS)
def test_z31_links_in_every_form_of_rfc_8288(form):
    server = troubled.link_rel_lists(form)
    case = pages("request: {path: /items}\npaging: {by: link}", server)
    assert len(case.requests) == 3
    assert (case.outcome, case.records()) == ("done", server.truth)


def test_z31_links_in_two_headers_are_one_list():
    def answer(asked):
        page = asked.number("page", 1)
        links = (("Link", '</items?page=1>; rel="first"'), ("Link", f'</items?page={page + 1}>; rel="next"'))
        return Said(ids(page, page), headers=links if page < 3 else ())

    case = pages("request: {path: /items}\npaging: {by: link}", WebServer(answer))
    assert (len(case.requests), case.records()) == (3, ids(1, 3))


def test_z32_a_short_page_may_be_the_last_one():
    server = troubled.short_last_page()
    case = pages("request: {path: /items}\npaging: {by: page, limit: 3, stop_when_short: true}", server)
    assert case.requests == ["/items?page=1", "/items?page=2", "/items?page=3"]
    assert case.records() == server.truth
    longer = pages("request: {path: /items}\npaging: {by: page}", troubled.short_last_page())
    assert longer.requests == [f"/items?page={n}" for n in range(1, 5)]
    assert longer.records() == server.truth


# --- What else must not be lost ---------------------------------------------------------------------------------------


def test_no_data_after_rows_is_an_error():
    def answer(asked):
        page = asked.number("page", 1)
        return ids(page, page) if page < 3 else Said({"message": "no data"}, 404)

    with WebServer(answer) as server:
        below = "request: {path: /items}\npaging: {by: page}\nresponses: [{status: 404, means: no_data}]"
        case = attempt(one(below), server)
    assert isinstance(case.error, ContractBroken)
    assert rows_in(case.store, date=DAY) == []


def test_an_error_status_that_no_rule_names_never_ends_paging():
    def answer(asked):
        page = asked.number("page", 1)
        return ids(page, page) if page < 3 else Said({"message": "token expired"}, 403)

    with WebServer(answer) as server:
        case = attempt(one("request: {path: /items}\npaging: {by: page}"), server)
    assert isinstance(case.error, FixThis)
    assert "token expired" in str(case.error)
    assert case.records() == []
