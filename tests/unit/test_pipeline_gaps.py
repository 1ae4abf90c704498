"""What was left out: as a person is told of it, and in the folders of jobs."""

from datetime import UTC, datetime

import pytest

from forum import DATE, Forum, pipeline
from levada.errors import ContractBroken, FixThis
from levada.lake.area import area_of_folder
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.nouns import Gap, PageFacts
from levada.pipeline.gaps import gaps_of, inherited, told
from levada.secret import remember
from levada.source.fake import answer
from levada.source.slices import Slice
from levada.spec.model import Paging

SECRET = "open-sesame-4711"
ROW = Slice(0, label="row 7 (id=12)")
SPEC = """
pipeline: forum
lake: /lake
source: {url: "http://api.test", retry: {attempts: 2, wait: 1ms}}
streams:
  posts:
    request: {path: /posts}
    paging: {by: page, ahead: off}
    responses: [{status: 418, means: skip}]
    raw: "raw/posts/{date}/{page}.json"
    contract: {fields: {id: int64}}
    stage: {avro: "stg/posts/{date}/{page}.avro"}
"""
RAW, STG = f"/lake/raw/posts/{DATE}", f"/lake/stg/posts/{DATE}"
TEAPOT = answer(418, b"I am a teapot")


def skipped(position, number=3, text="why", status=404):
    at = datetime(2022, 8, 9, tzinfo=UTC)
    return PageFacts(number, position, "skip", "http://api.test/x", status, {}, 0, 0, "", at, text=text)


@pytest.mark.parametrize(
    ("by", "position", "label", "where"),
    [
        ("page", 5, "", "page 5"),
        ("offset", 200, "", "offset 200"),
        ("cursor", "abc", "", "answer 3"),
        ("none", 1, "", "the only page"),
        ("page", 5, ROW.label, "row 7 (id=12), page 5"),
        ("none", 1, ROW.label, "row 7 (id=12)"),
    ],
)
def test_a_gap_says_where_it_is(by, position, label, where):
    (gap,) = gaps_of(Paging(by=by), [Slice(0, label=label)], [skipped(position)])
    assert gap == Gap(where, "why", "http://api.test/x", 404)


def test_a_gap_without_an_answer_has_no_status_and_one_without_words_says_so():
    (gap,) = gaps_of(Paging(by="page"), [Slice()], [skipped(1, text=None, status=0)])
    assert (gap.status, gap.why) == (None, "(no text)")


def test_what_the_api_said_is_cut():
    (gap,) = gaps_of(Paging(by="page"), [Slice()], [skipped(1, text="x" * 8000)])
    assert gap.why == "x" * 500 + "..."


def test_no_secret_is_in_a_gap():
    remember(SECRET)
    (gap,) = gaps_of(Paging(by="none"), [Slice(0, label=f"row 1 (id={SECRET})")], [skipped(1, text=f"no {SECRET}")])
    assert SECRET not in str(gap)


def test_gaps_are_told_in_a_sentence_that_ends():
    gaps = [Gap(f"page {number}", "") for number in range(1, 6)]
    assert told(gaps[:1]) == "1 gap: page 1"
    assert told(gaps) == "5 gaps: page 1, page 2, page 3 and 2 more"


def test_what_a_parent_lacks_its_children_lack():
    assert inherited("posts", ()) == ()
    assert inherited("posts", [Gap("page 1", "x")]) == (Gap("rows of posts", "posts is partial itself, 1 gap: page 1"),)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def api():
    return Forum({"/posts": [{"id": number} for number in range(12)]})


def record(store, folder):
    return read_record(area_of_folder(store, "forum", "posts", folder.removeprefix("/lake/")))[0]


def job(store, api):
    return pipeline(SPEC, store, api, lake="/lake")


def test_pages_that_a_rule_skips_leave_a_hole_in_no_name(store, api):
    api.wrong["/posts?page=2"] = TEAPOT
    done = job(store, api).land_into(RAW, date=DATE)
    assert (done.outcome, done.counts.read, done.gaps[0].where) == ("partial", 7, "page 2")
    assert [name.rpartition("/")[2] for name in done.files] == ["1.json", "2.json"]
    assert record(store, RAW).gaps == done.gaps


def test_staging_a_partial_folder_is_partial(store, api):
    api.wrong["/posts?page=2"] = TEAPOT
    landed = job(store, api).land_into(RAW, date=DATE)
    staged = job(store, api).stage_into(STG, raw_dir=RAW)
    assert (staged.outcome, staged.gaps, staged.counts.kept) == ("partial", landed.gaps, 7)


def test_a_partial_job_does_not_replace_what_is_complete_of_the_same_date(store, api):
    job(store, api).land_into(RAW, date=DATE)
    api.wrong["/posts?page=2"] = TEAPOT
    with pytest.raises(ContractBroken) as refused:
        job(store, api).land_into(RAW, date=DATE)
    assert "came with 1 gap: page 2" in refused.value.what
    assert refused.value.todo == "run again when the API gives what is missing; or fill another folder"
    assert record(store, RAW).gaps == ()
    assert job(store, api).land_into(RAW, date="2022-08-10").outcome == "partial"


def test_raw_files_of_another_tool_tell_no_rows(store, api):
    asked = '    for_each: {rows: [{id: 1}]}\n    request: {path: "/{row.id}"}'
    rows = SPEC.replace("    request: {path: /posts}", asked).replace("{date}/{page}", "{date}/{row.id}-{page}")
    store.create(f"raw/posts/{DATE}/1-1.json", b'[{"id": 1}]')
    with pytest.raises(FixThis, match="which rows the raw files are of is not known"):
        pipeline(rows, store, api, lake="/lake").stage_into(STG, raw_dir=RAW)
    with pytest.raises(FixThis, match="There are no raw files of forum/posts 2022-08-09 to stage"):
        pipeline(rows, store, api, lake="/lake").stage(date=DATE)
