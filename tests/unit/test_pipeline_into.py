"""Jobs that fill a folder, in memory: what they take, what they leave, and what they say."""

import contextlib
import dataclasses
import json
import threading
from datetime import date
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import ApiRefused, ContractBroken, FixThis, LeaseHeld, TryLater
from levada.lake.area import area_of_folder
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.nouns import Counts
from levada.pipeline import Options, Pipeline
from levada.pipeline.into import folder_in
from levada.source.fake import answer
from levada.spec.read import read_text
from levada.spec.template import fill, in_folder, parse
from shop import SALES, Shop, prices, public

DATE, OTHER = "2022-08-09", "2022-08-10"
SPEC = f"lake: /lake{SALES}".replace("raw/{date}/{page}", "raw/sales/{date}/sales_{date}_{page}").replace(
    "stg/{date}/{page}", "stg/sales/{date}/sales_{date}_{page}"
)
JOINED = SPEC.replace(
    "raw: raw/sales/{date}/sales_{date}_{page}.json", "raw: none\n    raw_joined: raw/{date}/{date}.json"
)
RAW, STG = "/lake/raw/sales/2022-08-09", "/lake/stg/sales/2022-08-09"
X, Y = "raw/sales/2022-08-09", "stg/sales/2022-08-09"


def pipeline(store, api, spec=SPEC, **options):
    read = read_text(spec, "/specs/shop.yaml", {})
    edges = Edges(clock=FixedClock(), environment={}, network=api.wire)
    return Pipeline(read, store, edges, Options(**options))


def land(store, api, raw=RAW, date=DATE, spec=SPEC, **options):
    return pipeline(store, api, spec, **options).land_into(raw, date=date)


def stage(store, api, stg=STG, raw=RAW, spec=SPEC, **options):
    return pipeline(store, api, spec, **options).stage_into(stg, raw_dir=raw)


def area(store, folder):
    return area_of_folder(store, "shop", "sales", folder)


def record(store, folder):
    return read_record(area(store, folder))[0]


def names(store, folder):
    return [entry.key[len(folder) + 1 :] for entry in store.list(folder)]


def everything(store):
    return {entry.key: (entry.tag, entry.changed) for entry in store.list("") if "/runs/" not in entry.key}


def unshown(store, folder):
    """The commit as a job leaves it that dies before it is shown."""
    with hold(area(store, folder), Edges(clock=FixedClock(), environment={})) as lease:
        store.replace(area(store, folder).commit, as_json(dataclasses.replace(lease.record, shown=False)), lease.tag)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def api():
    return Shop(prices(1, 2), prices(3, 4), prices(5))


@pytest.mark.parametrize("verb", ["land", "stage"])
@pytest.mark.parametrize(
    ("partition", "kind"),
    [
        ("partition: {by: week}", "week"),
        ("partition: {by: list, names: [pt]}", "list"),
        ("partition: {by: tick, every: 1h}", "tick"),
        ("partition: {by: day, timezone: Europe/Lisbon}", "day of Europe/Lisbon"),
        ("incremental", "interval"),
    ],
)
def test_streams_that_have_no_days_of_utc_are_refused_before_anything_is_asked(store, api, verb, partition, kind):
    spec = SPEC.replace("{date}", "{partition}")
    if partition == "incremental":
        spec = spec.replace("    paging", "    incremental: {cursor: $.at}\n    paging")
    else:
        spec = f"{partition}\n{spec}"
    with pytest.raises(FixThis) as refused:
        pipeline(store, api, spec).job_stream(verb)
    assert refused.value.what == (
        f"A job fills a folder with a day of UTC, and a partition of stream sales is one {kind}."
    )
    assert "levada run" in refused.value.todo
    assert api.urls == []


# -- landing


def test_a_land_job_fills_its_folder_with_the_spec_s_file_names(store, api):
    done = land(store, api)
    assert (done.outcome, done.level, done.counts, done.changed) == ("done", "landed", Counts(read=5, kept=5), True)
    assert names(store, X) == [f"sales_{DATE}_{n}.json" for n in (1, 2, 3)]
    assert list(done.files) == list(public(store))
    assert store.read(f"{X}/sales_{DATE}_2.json") == b'[{"price": 3}, {"price": 4}]'


def test_all_else_in_the_folder_goes_and_nothing_outside_it(store, api):
    for key in (f"{X}/old.csv", f"{X}/sales_{DATE}_9.json", f"{X}x/beside", "raw/sales/beside"):
        store.create(key, b"")
    land(store, api)
    assert names(store, X) == [f"sales_{DATE}_{n}.json" for n in (1, 2, 3)]
    assert {f"{X}x/beside", "raw/sales/beside"} < public(store).keys()


def test_a_rerun_changes_nothing(store, api):
    land(store, api)
    before = everything(store)
    again = land(store, api)
    assert (again.changed, again.notes, everything(store)) == (False, (), before)


def test_a_rerun_mends_what_somebody_did_and_says_so(store, api):
    land(store, api)
    before = public(store)
    store.delete(f"{X}/sales_{DATE}_1.json")
    store.create(f"{X}/stale", b"")
    again = land(store, api)
    assert (again.changed, public(store)) == (True, before)
    assert again.notes == (f"{X} held other files than those of its commit; its content was replaced",)


def test_without_data_the_folder_and_its_commit_are_left_and_the_api_is_quoted(store, api):
    store.create(f"{X}/mine", b"mine")
    done = land(store, Shop())
    assert (done.outcome, done.changed, done.files, done.level) == ("no data", False, (), None)
    assert done.notes == ("the API says: nothing for that day",)
    assert public(store) == {f"{X}/mine": b"mine"}
    land(store, api)
    before = everything(store)
    done = land(store, Shop(), date=OTHER)
    assert (done.outcome, done.partition, done.level) == ("no data", OTHER, "landed")
    assert everything(store) == before


def test_another_date_into_the_same_folder_takes_the_first_one_s_place(store, api):
    land(store, api)
    done = land(store, api, date=OTHER)
    assert done.partition == record(store, X).partition == OTHER
    assert names(store, X) == [f"sales_{OTHER}_{n}.json" for n in (1, 2, 3)]


def test_one_date_into_two_folders_stands_in_both(store, api):
    land(store, api)
    land(store, api, "/lake/another/place")
    assert names(store, X) == names(store, "another/place") == [f"sales_{DATE}_{n}.json" for n in (1, 2, 3)]
    assert record(store, X).folder == X
    assert record(store, "another/place").folder == "another/place"
    before = everything(store)
    assert not land(store, api).changed
    assert not land(store, api, "/lake/another/place").changed
    assert everything(store) == before


def test_jobs_and_runs_of_the_same_date_do_not_know_each_other(store, api):
    one = pipeline(store, api)
    one.work("run", one.streams()[0], DATE)
    before = public(store)
    land(store, api, "/lake/elsewhere")
    stage(store, api, "/lake/staged", "/lake/elsewhere")
    assert before.items() < public(store).items()
    assert one.landed() == [DATE]


@pytest.mark.parametrize("date", [DATE, OTHER])
def test_a_commit_that_was_not_shown_is_finished_by_the_next_job(store, api, date):
    land(store, api)
    before = public(store)
    unshown(store, X)
    store.delete(f"{X}/sales_{DATE}_1.json")
    store.create(f"{X}/stale", b"")
    asked = len(api.urls)
    if date == OTHER:
        api.pages[2] = WireFault("reset", "gone")
        with pytest.raises(TryLater):
            land(store, api, date=date)
    else:
        done = land(store, api, date=date)
        assert "nothing was fetched" in done.notes[0]
        assert len(api.urls) == asked
    assert public(store) == before
    assert record(store, X).shown


def test_a_land_job_after_an_unshown_stage_job_in_its_folder_lands(store, api):
    land(store, api)
    stage(store, api)
    unshown(store, Y)
    assert land(store, api, STG).level == "landed"
    assert names(store, Y) == names(store, X)


def test_a_commit_that_was_damaged_before_it_was_shown_is_fetched_anew(store, api):
    land(store, api)
    before = public(store)
    unshown(store, X)
    key = record(store, X).files[0].key
    store.delete(key)
    store.create(key, b"something else")
    assert land(store, api).requests
    assert public(store) == before


def test_a_failed_job_leaves_the_folder(store, api):
    land(store, api)
    before = everything(store)
    for fault, kind in ((WireFault("reset", "gone"), TryLater), (answer(403, b"no"), ApiRefused)):
        api.pages[2] = fault
        with pytest.raises(kind):
            land(store, api, date=OTHER)
        assert everything(store).items() >= before.items()


def test_pages_of_an_interrupted_job_are_taken_over_for_the_same_date_only(store, api):
    whole, api.pages[3] = api.pages[3], WireFault("reset", "gone")
    with pytest.raises(TryLater):
        land(store, api)
    api.pages[3] = whole
    assert land(store, api, date=OTHER).resumed == 0
    api.pages[3] = WireFault("reset", "gone")
    with pytest.raises(TryLater):
        land(store, api)
    api.pages[3] = whole
    assert land(store, api).resumed == 2


def test_one_file_of_all_pages(store, api):
    done = land(store, api, "/lake/a/b", spec=JOINED)
    assert names(store, "a/b") == [f"{DATE}.json"]
    assert json.loads(store.read(f"a/b/{DATE}.json")) == prices(1, 2, 3, 4, 5)
    assert done.pages == 3
    staged = stage(store, api, "/lake/c", "/lake/a/b", spec=JOINED)
    assert (staged.counts.kept, staged.partition, staged.pages) == (5, DATE, 3)
    assert len(names(store, "c")) == 3
    store.delete(f"a/b/{DATE}.json")
    with pytest.raises(FixThis, match=f"a/b/{DATE}.json is missing"):
        stage(store, api, "/lake/c", "/lake/a/b", spec=JOINED)
    store.create(f"a/b/{DATE}.json", json.dumps(prices(7)).encode())
    with pytest.raises(FixThis, match=f"a/b/{DATE}.json was changed"):
        stage(store, api, "/lake/c", "/lake/a/b", spec=JOINED)


# -- staging what a job landed


def test_stage_takes_date_and_pages_from_the_commit_whatever_the_folder_s_name(store, api):
    land(store, api, "/lake/in")
    asked = len(api.urls)
    done = stage(store, api, "/lake/out", "/lake/in")
    assert (done.partition, done.level, done.counts) == (DATE, "staged", Counts(read=5, kept=5))
    assert names(store, "out") == [f"sales_{DATE}_{n}.avro" for n in (1, 2, 3)]
    assert len(api.urls) == asked
    assert record(store, "in").level == "landed"
    before = everything(store)
    assert stage(store, api, "/lake/out", "/lake/in").changed is False
    assert everything(store) == before


def test_a_job_stages_every_format_into_its_folder(store, api):
    both = SPEC.replace("stage: {", 'stage: {parquet: "pq/{date}.parquet", csv: "csv/{date}/{page}.csv", ')
    land(store, api)
    stage(store, api, spec=both)
    files = [f"{n}.csv" for n in (1, 2, 3)] + [f"{DATE}.parquet"] + [f"sales_{DATE}_{n}.avro" for n in (1, 2, 3)]
    assert names(store, Y) == sorted(files)


def test_a_job_stages_no_table(store, api):
    land(store, api)
    with pytest.raises(FixThis, match="stages a Delta table, and a stage job fills folders with files") as refused:
        stage(store, api, spec=SPEC.replace("stage: {", "stage: {delta: tables/sales, "))
    assert "without a server" in refused.value.todo


def test_a_job_loads_no_table(store, api):
    land(store, api)
    with pytest.raises(FixThis, match="loads a table, and a stage job fills folders with files") as refused:
        stage(store, api, spec=SPEC.replace("    stage: {", "    load: duckdb\n    stage: {"))
    assert "without a server" in refused.value.todo


def test_staged_bytes_are_those_of_a_run(store, api):
    land(store, api)
    stage(store, api)
    whole = MemoryStore()
    one = pipeline(whole, api)
    one.work("run", one.streams()[0], DATE)
    assert public(store) == public(whole)


def test_another_raw_folder_takes_the_first_one_s_place(store, api):
    land(store, api)
    stage(store, api)
    land(store, Shop(prices(9)), "/lake/raw/other", OTHER)
    done = stage(store, api, STG, "/lake/raw/other")
    assert (done.partition, done.counts.kept) == (OTHER, 1)
    assert names(store, Y) == [f"sales_{OTHER}_1.avro"]


def test_an_unshown_raw_commit_is_finished_before_it_is_staged(store, api):
    land(store, api)
    before = public(store)
    unshown(store, X)
    store.delete(f"{X}/sales_{DATE}_1.json")
    assert stage(store, api).counts.kept == 5
    assert before.items() < public(store).items()
    assert record(store, X).shown


def test_an_unshown_staged_commit_is_finished_even_if_the_next_job_fails(store, api):
    land(store, api)
    stage(store, api)
    before = public(store)
    unshown(store, Y)
    store.delete(f"{Y}/sales_{DATE}_1.avro")
    store.create("raw/bad/2022-08-11/1.json", b'[{"price": "x"}]')
    with pytest.raises(ContractBroken):
        stage(store, api, STG, "/lake/raw/bad/2022-08-11")
    assert {name: data for name, data in public(store).items() if "bad" not in name} == before


def test_a_staged_commit_that_was_damaged_before_it_was_shown_is_made_anew(store, api):
    land(store, api)
    stage(store, api)
    before = public(store)
    unshown(store, Y)
    for file in record(store, Y).files:
        store.delete(file.key)
    assert stage(store, api).counts.kept == 5
    assert public(store) == before


@pytest.mark.parametrize("public_too", [True, False])
@pytest.mark.parametrize("changed", [True, False])
def test_raw_pages_changed_or_removed_by_hand_are_told_with_what_restores_them(store, api, changed, public_too):
    land(store, api)
    stage(store, api)
    before = public(store)
    file = record(store, X).files[1]
    key = file.public if public_too else file.key
    store.delete(key)
    if changed:
        store.create(key, b'[{"price": 300}]')
    with pytest.raises(FixThis) as told:
        stage(store, api)
    assert f"{key} {'was changed since it was committed' if changed else 'is missing'}" in told.value.what
    assert X in told.value.what.partition(" are not ")[0]
    assert told.value.todo == "fetch and write them again: run the land job for that folder again"
    assert {name: data for name, data in public(store).items() if name.startswith("stg")} == {
        name: data for name, data in before.items() if name.startswith("stg")
    }
    land(store, api)
    assert public(store) == before
    assert not stage(store, api).changed


def test_other_files_in_a_raw_folder_are_told(store, api):
    land(store, api)
    for name in ("notes.txt", "new\nline", "\udcff", "a", "b"):
        store._kept[f"{X}/{name}"] = store._kept[f"{X}/sales_{DATE}_1.json"]  # noqa: SLF001 - no store takes all of these
    done = stage(store, api)
    assert done.counts.kept == 5
    (note,) = done.notes
    assert note.startswith("not staged, because not raw files of the commit")
    assert note.endswith(r"a, b, new\nline and 2 more")
    note.encode()


def test_a_folder_of_staged_files_is_no_raw_folder(store, api):
    land(store, api)
    stage(store, api)
    with pytest.raises(FixThis, match="holds staged files, which a job made") as told:
        stage(store, api, "/lake/other", STG)
    assert (told.value.where, told.value.todo) == (Y, "name the folder of their raw files")
    assert names(store, "other") == []


# -- staging what another tool wrote


def foreign(store, folder=X, **files):
    for name, page in files.items():
        store.create(f"{folder}/{name}", page if isinstance(page, bytes) else json.dumps(page).encode())


FORMS = {
    "the spec's names": ("sales_2022-08-09_1.json", "sales_2022-08-09_2.json", "sales_2022-08-09_3.json"),
    "without the prefix": ("2022-08-09_1.json", "2022-08-09_2.json", "2022-08-09_3.json"),
    "numbers from 0": ("sales_2022-08-09_0.json", "sales_2022-08-09_1.json", "sales_2022-08-09_2.json"),
    "numbers alone": ("1.json", "02.json", "3.json"),
    "a compact date": ("20220809-1.json", "20220809-2.json", "20220809-3.json"),
    "a loose date": ("2022-8-9 page 1.json", "2022-8-9 page 2.json", "2022-8-9 page 3.json"),
    "a date behind": ("1_2022-08-09.json", "2_2022-08-09.json", "3_2022-08-09.json"),
    "no date": ("page1.json", "page2.json", "page3.json"),
    "one joined file": ("sales_2022-08-09.json",),
    "one file with a compact date": ("sales20220809.json",),
    "one file without a number": ("all.json",),
    "one page": ("sales_2022-08-09_1.json",),
    "one page from 0": ("2022-08-09_0.json",),
}


@pytest.mark.parametrize("folder", [DATE, f"date={DATE}", f"sales_{DATE}_v"])
@pytest.mark.parametrize("form", FORMS)
def test_names_of_other_tools(store, api, form, folder):
    raw = f"raw/{folder}"
    pages = {name: prices(*range(10 * n, 10 * n + 10)) for n, name in enumerate(FORMS[form])}
    foreign(store, raw, **dict(reversed(pages.items())), **{"_SUCCESS": b"", ".hidden.json": b"x", "a.csv": b""})
    before = public(store)
    done = stage(store, api, STG, f"/lake/{raw}")
    assert (done.partition, done.counts.kept, done.pages) == (DATE, 10 * len(pages), len(pages))
    assert names(store, Y) == [f"sales_{DATE}_{n}.avro" for n in range(1, len(pages) + 1)]
    assert before.items() < public(store).items(), "the raw folder is left as it was"
    assert "_SUCCESS" in done.notes[0]
    assert record(store, Y).adopted
    assert record(store, raw) is None
    order = [file.sha256 for file in record(store, Y).files if file.kind == "page"]
    assert order == [store.head(f"{raw}/{name}").tag for name in FORMS[form]]
    assert not stage(store, api, STG, f"/lake/{raw}").changed


def test_more_than_nine_pages_are_in_the_order_of_their_numbers(store, api):
    foreign(store, **{f"2022-08-09_{n}.json": prices(n) for n in range(1, 13)})
    stage(store, api)
    order = [file.sha256 for file in record(store, Y).files if file.kind == "page"]
    assert order == [store.head(f"{X}/2022-08-09_{n}.json").tag for n in range(1, 13)]


def test_a_name_that_ends_in_a_date_has_no_suffix(store, api):
    spec = SPEC.replace("raw/sales/{date}/sales_{date}_{page}.json", "raw/{page}-{date:%Y.%m.%d}")
    foreign(store, **{"1-2022.08.09": prices(1), "2-2022.08.09": prices(2)})
    assert stage(store, api, spec=spec).counts.kept == 2


IN_FOLDER = {
    "raw/sales/{date}/sales_{date}_{page}.json": "x/y/sales_2022-08-09_7.json",
    "{page}.json": "x/y/7.json",
    "raw/{date:%Y/%m/%d}_{page}.json": "x/y/09_7.json",
    "raw/{date:%Y/%m/}{page}.json": "x/y/7.json",
    "raw/{page}/{date}/all.json": "x/y/all.json",
    "raw/{{a}}/{{b}}{page}": "x/y/{b}7",
}


@pytest.mark.parametrize("text", IN_FOLDER)
def test_the_file_name_of_a_template_in_another_folder(text):
    values = {"date": date(2022, 8, 9), "page": 7}
    made = in_folder(parse(text), "x/y")
    assert fill(made, values) == IN_FOLDER[text]
    assert parse(made.text) == made
    assert fill(in_folder(made, "{page}"), values).startswith("{page}/"), "the folder is no template"


TOLD = {
    "a gap": ({"a_1.json": prices(1), "a_3.json": prices(1)}, "have a gap: page 2 is not there"),
    "a first page lacking": ({"2022-08-09_3.json": prices(1)}, "have a gap: page 1, 2 is not there"),
    "a huge number": ({"a_1.json": prices(1), "99999999999999.json": prices(1)}, "page 2, 3, 4, 5, 6 and more is not"),
    "twins": ({"a_1.json": prices(1), "a_01.json": prices(1)}, f"are the same page: {X}/a_01.json and {X}/a_1.json"),
    "pages and all": (
        {"2022-08-09.json": prices(1), "2022-08-09_1.json": prices(1)},
        f"which page {X}/2022-08-09.json is cannot be told: its name has no number",
    ),
    "another date": (
        {"2022-08-09_1.json": prices(1), "sales_2022-08-10_2.json": prices(1)},
        f"{X}/sales_2022-08-10_2.json is of another date by its name than the raw files of {DATE}",
    ),
    "another date alone": ({"2022-08-10.json": prices(1)}, f"{X}/2022-08-10.json is of another date by its name"),
    "a saved 404": (
        {"a_1.json": prices(1), "a_2.json": {"message": "You've requested page that doesn't exist"}},
        f"{X}/a_2.json is no page of records",
    ),
    "a quoted text": ({"a_1.json": "No data found"}, f"{X}/a_1.json is no page of records"),
    "single quotes": ({"a_1.json": b"[{'price': 1}]"}, f"{X}/a_1.json is no page of records: The body is no JSON"),
    "a cut file": ({"a_1.json": b'[{"price": 1}, {"pri'}, f"{X}/a_1.json is no page of records: The body is no JSON"),
    "an empty file": ({"a_1.json": b""}, f"{X}/a_1.json is no page of records"),
    "json lines": ({"a_1.json": b'{"price": 1}\n{"price": 2}\n'}, f"{X}/a_1.json is no page of records"),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_is_wrong_with_files_of_other_tools_is_told_by_name(store, api, what):
    files, said = TOLD[what]
    foreign(store, **files)
    store.create(f"{Y}/old", b"")
    before = public(store)
    with pytest.raises(FixThis) as told:
        stage(store, api)
    assert said in told.value.what
    assert told.value.todo
    assert told.value.where.startswith("memory")
    assert STG not in str(told.value)
    assert Y not in str(told.value), "the raw files are at fault"
    assert public(store) == before


def test_rows_of_another_date_than_the_folder_s_go_to_quarantine(store, api):
    spec = SPEC.replace("{price: int32}", '{price: int32, day: {type: date, equals: "{date}"}}')
    rows = [{"price": 1, "day": DATE}, {"price": 2, "day": OTHER}]
    foreign(store, **{"1.json": rows})
    assert stage(store, api, spec=spec).counts == Counts(read=2, kept=1, quarantined=1)


def test_raw_files_without_rows_empty_the_folder_and_say_so(store, api):
    foreign(store, **{"1.json": prices(1)})
    assert stage(store, api).notes == ()
    store.delete(f"{X}/1.json")
    foreign(store, **{"1.json": []})
    done = stage(store, api)
    assert (done.outcome, done.counts.read, names(store, Y)) == ("done", 0, [])
    assert done.notes == ("the raw files hold no rows, and so does the folder now",)


@pytest.mark.parametrize("raw", ["raw/sales", "raw/2022-13-09", "raw/2022-08-09_2022-08-10", "raw/12022-08-091"])
def test_a_folder_without_a_date_in_its_name(store, api, raw):
    foreign(store, raw, **{"1.json": prices(1)})
    with pytest.raises(FixThis, match="which date the raw files are of is not known") as told:
        stage(store, api, STG, f"/lake/{raw}")
    assert told.value.where == raw
    assert "ends in their date" in told.value.todo
    assert names(store, Y) == []


@pytest.mark.parametrize("files", [{}, {"a.csv": b"", "_1.json": b"[]", ".1.json": b"[]"}])
def test_a_raw_folder_that_is_missing_or_has_none(store, api, files):
    foreign(store, **files)
    store.create(f"{Y}/old", b"")
    with pytest.raises(FixThis, match="there are no raw files") as told:
        stage(store, api)
    assert told.value.where == f"memory/{X}"
    assert told.value.todo == "land them first: run the land job for that folder"
    assert names(store, Y) == ["old"]


def test_a_raw_folder_that_is_not_there_leaves_no_trace(store, api):
    with pytest.raises(FixThis):
        stage(store, api)
    assert list(store.list("")) == []


# -- folders that do not go together


@pytest.mark.parametrize(
    ("raw", "stg"),
    [("/lake/a", "/lake/a"), ("/lake/a", "/lake/a/b"), ("/lake/a/b", "/lake/a"), ("/lake/a/b/c", "/lake/a")],
)
@pytest.mark.parametrize("landed", [True, False])
def test_raw_and_staged_folders_that_lie_in_each_other(store, api, raw, stg, landed):
    if landed:
        land(store, api, raw)
    before = everything(store)
    with pytest.raises(FixThis, match="cannot lie one within the other") as told:
        stage(store, api, stg, raw)
    assert told.value.where == folder_in("/lake", stg)
    assert "beside" in told.value.todo
    assert everything(store) == before


@pytest.mark.parametrize("below", ["a/b", "a/b/c"])
def test_a_folder_within_one_that_a_job_filled(store, api, below):
    land(store, api, "/lake/a")
    foreign(store, f"raw/{DATE}", **{"1.json": prices(1)})
    before = everything(store)
    asked = len(api.urls)
    for job in (
        lambda: land(store, api, f"/lake/{below}"),
        lambda: stage(store, api, f"/lake/{below}", f"/lake/raw/{DATE}"),
    ):
        with pytest.raises(FixThis, match="the folder lies in a, which a job has filled") as told:
            job()
        assert (told.value.where, told.value.todo) == (below, "name a folder beside it")
    assert everything(store) == before
    assert len(api.urls) == asked


def test_a_folder_with_folders_is_refused_before_anything_is_asked(store, api):
    store.create(f"{X}/sub/mine", b"")
    with pytest.raises(FixThis, match="where only files can be: sub"):
        land(store, api)
    assert api.urls == []
    assert list(everything(store)) == [f"{X}/sub/mine"]


@pytest.mark.parametrize("own", ["_levada", "_levada/shop/sales/x", "_LEVADA/x"])
def test_levada_s_own_folder_is_neither_filled_nor_read(store, api, own):
    for job in (
        lambda: land(store, api, f"/lake/{own}"),
        lambda: stage(store, api, f"/lake/{own}"),
        lambda: stage(store, api, STG, f"/lake/{own}"),
    ):
        with pytest.raises(FixThis, match="_levada/ is Levada's own folder"):
            job()
    assert (api.urls, list(store.list(""))) == ([], [])


NAMES = [
    "données/été 2022-08-09",
    "продажи/2022-08-09",
    "x" * 200 + "/2022-08-09",
    "a/" * 120 + DATE,
    "%2F/2022-08-09/b {page}",
]


@pytest.mark.parametrize("name", NAMES)
def test_long_and_foreign_folder_names(store, api, name):
    done = land(store, api, f"/lake/{name}", OTHER)
    assert all(file.startswith(f"{name}/sales_{OTHER}_") for file in done.files)
    assert record(store, name).folder == name
    control = area(store, name).folder.split("/")
    assert all(len(part) <= 255 for part in control)
    assert stage(store, api, f"/lake/stg/{name}", f"/lake/{name}").counts.kept == 5
    assert not land(store, api, f"/lake/{name}", OTHER).changed


# -- jobs at once


def test_raw_files_that_a_job_may_be_landing_are_waited_for(store, api):
    with hold(area(store, X), Edges(environment={})), pytest.raises(LeaseHeld):
        stage(store, api)
    with pytest.raises(FixThis, match="there are no raw files"):
        stage(store, api)


def test_a_job_waits_for_its_folder_and_then_gives_up(store, api):
    land(store, api)
    foreign(store, f"raw/{OTHER}", **{"1.json": prices(1)})
    before = public(store)
    for busy, job in (
        (X, lambda one: one.land_into(RAW, date=DATE)),
        (X, lambda one: one.stage_into(STG, raw_dir=RAW)),
        (Y, lambda one: one.stage_into(STG, raw_dir=RAW)),
    ):
        one = pipeline(store, api, wait=30.0)
        with hold(area(store, busy), Edges(clock=FixedClock(), environment={})), pytest.raises(LeaseHeld) as told:
            job(one)
        assert f"another run holds shop/sales {busy}/: process" in told.value.what
        assert sum(one.edges.clock.slept) == pytest.approx(30.0)
        assert store.held(area(store, X).lock) is store.held(area(store, Y).lock) is None
    assert public(store) == before


class Leaving(FixedClock):
    """A clock that lets somebody leave after 20 seconds."""

    def __init__(self, leave):
        super().__init__()
        self.leave = [leave]

    def pause(self, seconds):
        super().pause(seconds)
        while self.leave and self.monotonic() >= 20:
            self.leave.pop()()


def test_a_stage_job_waits_once_for_both_folders(store, api):
    land(store, api)
    others = Edges(clock=FixedClock(), environment={})
    with contextlib.ExitStack() as first, hold(area(store, Y), others):
        first.enter_context(hold(area(store, X), others))
        clock = Leaving(first.close)
        one = pipeline(store, api, wait=30.0)
        one = dataclasses.replace(one, edges=dataclasses.replace(one.edges, clock=clock))
        with pytest.raises(LeaseHeld, match=f"holds shop/sales {Y}/"):
            one.stage_into(STG, raw_dir=RAW)
    assert sum(clock.slept) == pytest.approx(30.0)


def test_stage_jobs_that_name_each_other_s_folders_do_not_wait_for_each_other(store, api):
    land(store, api, "/lake/a")
    land(store, api, "/lake/b")
    ended = []

    def job(stg, raw):
        for _ in range(20):
            try:
                done = Pipeline(pipeline(store, api).spec, store, Edges(environment={}), Options(wait=60.0))
                ended.append(done.stage_into(stg, raw_dir=raw).outcome)
            except (FixThis, LeaseHeld) as error:
                ended.append(type(error))

    threads = [threading.Thread(target=job, args=pair) for pair in (("/lake/a", "/lake/b"), ("/lake/b", "/lake/a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(ended) == 40
    assert set(ended) == {"done", FixThis}, "one became the folder of staged files, which the other cannot read"


# -- folders as they are named


GOOD = {
    "/lake/a": "a",
    "/lake/a/b/": "a/b",
    "//lake//a///b//": "a/b",
    "/lake/./a/./b": "a/b",
    "/lake/a b/é/...": "a b/é/...",
    "/lake/~/$HOME/*": "~/$HOME/*",
    "/lake/..a/b..": "..a/b..",
    "/lake/_levada/x": "_levada/x",  # for the store to refuse
    "/lake/a\\..\\b": "a\\..\\b",
    "/lake/%2e%2e/x": "%2e%2e/x",
}
BAD = {
    "": "is no absolute path",
    "a/b": "is no absolute path",
    "./lake/a": "is no absolute path",
    "~/lake": "is no absolute path",
    "file:///lake/a": "is no absolute path",
    "/lake": "is the root itself",
    "/lake/": "is the root itself",
    "//lake/.": "is the root itself",
    "/": "does not lie below the root",
    "/etc/passwd": "does not lie below the root",
    "/lakeside/a": "does not lie below the root",
    "/Lake/a": "does not lie below the root",
    "/a/lake/b": "does not lie below the root",
    "/lake/../etc": "steps up with `..`",
    "/lake/a/../b": "steps up with `..`",
    "/lake/..": "steps up with `..`",
    "/other/../lake/a": "steps up with `..`",
    "/lake/a\0b": "holds a control character",
    "/lake/a\nb": "holds a control character",
    "/lake/\x7f": "holds a control character",
    "/lake/\x85": "holds a control character",
    "/lake/\u2028": "holds a control character",
    "/lake/\ud800": "holds a control character",
}


@pytest.mark.parametrize("path", GOOD)
def test_good_folders(path):
    assert folder_in("/lake", path) == GOOD[path]


@pytest.mark.parametrize("path", BAD)
def test_bad_folders(path):
    with pytest.raises(FixThis) as told:
        folder_in("/lake", path)
    assert told.value.what.startswith(f"the folder {BAD[path]}")
    assert told.value.todo == "name a folder below the root, such as /lake/raw/sales"
    str(told.value).encode()
    assert told.value.where.isprintable()


def test_a_long_bad_folder_is_cut_in_the_message():
    with pytest.raises(FixThis) as told:
        folder_in("/lake", "/" + "x" * 100_000)
    assert len(told.value.where) < 300


STEPS = st.sampled_from(["a", "b", "lake", "..", ".", "", "...", "_levada", "~", "é", " ", "\\", "x\0", "c:"])
LAKES = st.sampled_from(["/", "/lake", "/lake/a", "/a/../lake", "//lake"])


@given(lake=LAKES, start=st.sampled_from(["/", "//", "", "/lake/", "/lake/a/", "/a/../lake/"]), steps=st.lists(STEPS))
def test_no_folder_leaves_the_lake(lake, start, steps):
    try:
        folder = folder_in(lake, start + "/".join(steps))
    except FixThis:
        return
    parts = folder.split("/")
    assert parts
    assert not {"", ".", ".."} & set(parts)
    assert PurePosixPath(lake, folder).is_relative_to(PurePosixPath(lake))


@given(lake=LAKES, path=st.text())
def test_no_text_leaves_the_lake(lake, path):
    try:
        folder = folder_in(lake, path)
    except FixThis as error:
        str(error).encode()
        return
    assert not {"", ".", ".."} & set(folder.split("/"))
