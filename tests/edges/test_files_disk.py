"""Streams that take files of a disk: landed byte for byte, staged in portions, refused with reasons."""

import errno
import gzip
import io
import json
import os
import random
import shutil
import zipfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from levada.cli.sampling import sample
from levada.errors import ContractBroken, FixThis, TryLater
from levada.pipeline import Options, load
from levada.source import copying, files
from levada.source.events import Took
from levada.source.files import find
from webserver import WebServer

DATE = "2022-08-09"
HEADER = "id|name|year\n"
CONTRACT = """
    contract:
      fields: {id: string, name: string, year: {type: string, nullable: true}}
"""
FORMAT = "{type: csv, delimiter: '|', nulls: ['\\N'], columns: [id, name, year]}"
STAGE = 'stage: {jsonl: "stg/{date}/{file}.jsonl"}'


class Films:
    """A folder with a spec of one stream of files, and the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "in").mkdir()

    def put(self, name: str, body: str | bytes) -> Path:
        path = self.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.encode() if isinstance(body, str) else body)
        return path

    def pipeline(self, files="in/*.csv", form=FORMAT, more=CONTRACT + f"    {STAGE}", others=""):
        spec = self.folder / "films.yaml"
        spec.write_text(
            f"pipeline: films\nstreams:\n  movies:\n    files: {files}\n    format: {form}\n{more}\n{others}"
        )
        return load(spec)

    def run(self, **told):
        (run,) = self.pipeline(**told).run(date=DATE)
        return run

    def shown(self) -> dict[str, bytes]:
        lake = self.folder / "lake"
        files = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.parts)
        return {str(path.relative_to(lake)): path.read_bytes() for path in files}

    def lost(self) -> None:
        """The commit record is lost."""
        (self.folder / "lake" / "_levada" / "films" / "movies" / DATE / "commit.json").unlink()

    def quarantine(self) -> list[dict]:
        found = sorted((self.folder / "lake").rglob("quarantine.jsonl"))
        return [json.loads(line) for line in found[-1].read_text().splitlines()] if found else []


@pytest.fixture
def films(tmp_path) -> Films:
    return Films(tmp_path)


def rows(body: bytes) -> list:
    return [json.loads(line) for line in body.splitlines()]


def test_files_land_as_they_are_each_under_its_own_name(films):
    one = films.put("b.csv", HEADER + "1|a|\\N\n").read_bytes()
    two = films.put("a.csv", HEADER.replace("\n", "\r\n") + "2|b|1900\r\n\r\n").read_bytes()
    run = films.run()
    assert (run.outcome, run.pages, run.counts.kept, run.requests) == ("done", 2, 2, 0)
    shown = films.shown()
    assert shown[f"raw/films/movies/{DATE}/b.csv"] == one
    assert shown[f"raw/films/movies/{DATE}/a.csv"] == two
    assert rows(shown[f"stg/{DATE}/b.csv.jsonl"]) == [{"id": "1", "name": "a", "year": None}]
    assert rows(shown[f"stg/{DATE}/a.csv.jsonl"]) == [{"id": "2", "name": "b", "year": "1900"}]


def test_running_again_changes_nothing_and_a_new_row_does(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    films.run()
    before = films.shown()
    assert films.run().changed is False
    assert films.shown() == before
    films.put("a.csv", HEADER + "1|a|1\n2|b|2\n")
    assert films.run().changed is True
    assert films.shown()[f"raw/films/movies/{DATE}/a.csv"].endswith(b"2|b|2\n")


def test_bad_lines_go_to_quarantine_with_their_lines_and_the_rest_goes_on(films):
    films.put("a.csv", (HEADER + '1|a\n2|b|1\n3|"c|1\n').encode() + b"4|\xff|1\n5||\\N\n")
    run = films.run(more=CONTRACT.replace("name: string", "name: {type: string, pattern: .}") + f"    {STAGE}")
    assert (run.outcome, run.counts.read, run.counts.kept, run.counts.quarantined) == ("done with quarantine", 5, 1, 4)
    found = [(each["line"], each["index"], each["rule"], each["reason"]) for each in films.quarantine()]
    assert found[0] == (2, 0, "line", "expected 3 columns, found 2")
    assert found[1] == (4, 2, "line", "unexpected end of data")
    assert found[2] == (5, 3, "line", "byte 3 of the line is no UTF-8")
    assert found[3][:2] == (6, 4)
    assert films.quarantine()[0]["raw"] == "1|a"


def test_a_bad_line_fails_the_run_where_the_contract_says_so(films):
    films.put("a.csv", HEADER + "1|a|1\n1|a\n")
    with pytest.raises(ContractBroken, match="File 1, line 3: expected 3 columns, found 2"):
        films.run(more=CONTRACT + "      on_bad: fail\n    " + STAGE)
    assert films.shown() == {}


def test_another_header_is_told_and_nothing_is_committed(films):
    films.put("a.csv", "id|name|year|end\n1|a|1|2\n")
    series = "  series: {files: in/s.csv, format: {type: csv, delimiter: '|', columns: [id, name, year, end]}}"
    (films.folder / "in" / "s.csv").write_text("id|name|year|end\n")
    with pytest.raises(ContractBroken) as caught:
        films.pipeline(files="in/a.csv", others=series).having(Options(streams=("movies",))).run(date=DATE)
    assert "`end` is too many" in caught.value.what
    assert "This looks like the header of stream series." in caught.value.what
    assert "a.csv" in caught.value.where
    assert films.shown() == {}
    assert not list((films.folder / "lake").rglob("*.body"))


def test_a_header_that_a_later_spec_says_is_told_when_it_is_replayed(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    films.run()
    with pytest.raises(ContractBroken, match="`year` is too many"):
        films.pipeline(form=FORMAT.replace(", year", "")).replay(date=DATE)


def test_a_replay_needs_no_source_file(films):
    path = films.put("a.csv", HEADER + "1|a|1\n2||2\n")
    films.run()
    path.unlink()
    longer = CONTRACT.replace("name: string", "name: {type: string, pattern: .}") + f"    {STAGE}"
    (run,) = films.pipeline(more=longer).replay(date=DATE)
    assert (run.counts.kept, run.counts.quarantined, run.pages) == (1, 1, 1)
    assert films.quarantine()[0]["line"] == 3


def test_landing_counts_records_and_staging_goes_on_from_there(films):
    films.put("a.csv", HEADER + "1|a|1\n\n2|b\n")
    (landed,) = films.pipeline().land(date=DATE)
    assert (landed.level, landed.counts.read) == ("landed", 2)
    assert list(films.shown()) == [f"raw/films/movies/{DATE}/a.csv"]
    (staged,) = films.pipeline().stage(date=DATE)
    assert (staged.level, staged.counts.kept, staged.counts.quarantined) == ("staged", 1, 1)


def test_templates_choose_the_files_of_a_day(films):
    films.put("2022-08-09.csv", HEADER + "1|a|1\n")
    films.put("2022-08-10.csv", HEADER + "2|b|1\n")
    pipeline = films.pipeline(files='"in/{date}.csv"')
    pipeline.run(date="2022-08-10")
    assert [name for name in films.shown() if name.startswith("raw")] == ["raw/films/movies/2022-08-10/2022-08-10.csv"]


@pytest.mark.parametrize(
    ("files", "what", "todo"),
    [
        ("in/none.csv", "There is no file", "check the path"),
        ("in/*.txt", "No file fits", "check the path"),
        ("in", "is a folder", "name the files in it"),
    ],
)
def test_names_that_lead_to_no_file(films, files, what, todo):
    with pytest.raises(FixThis) as caught:
        films.run(files=files)
    assert what in caught.value.what
    assert todo in caught.value.todo


def test_a_link_to_nowhere_a_pipe_and_a_file_that_may_not_be_read(films):
    (films.folder / "in" / "a.csv").symlink_to("gone")
    with pytest.raises(FixThis, match="a link that leads nowhere"):
        films.run(files="in/a.csv")
    os.mkfifo(films.folder / "in" / "b.csv")
    with pytest.raises(FixThis, match="is no file"):
        films.run(files="in/b.csv")


def test_an_empty_file_is_told_and_one_without_rows_is_not(films):
    films.put("a.csv", "")
    with pytest.raises(ContractBroken, match=r"a\.csv is empty"):
        films.run()
    films.put("a.csv", HEADER)
    assert films.run().counts.read == 0


def test_files_without_records_do_not_replace_rows_unasked(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    films.run()
    films.put("a.csv", HEADER)
    with pytest.raises(ContractBroken, match="The files hold no records"):
        films.run()


def test_a_file_that_changes_while_it_is_read_is_refused(films, monkeypatch):
    path = films.put("a.csv", HEADER + "1|a|1\n" * 1000)
    pipeline = films.pipeline()
    real = copying._pieces  # noqa: SLF001 - the moment between two looks at the file

    def growing(file, stream):
        with path.open("a") as more:
            more.write("2|b|2\n")
        yield from real(file, stream)

    monkeypatch.setattr(copying, "_pieces", growing)
    with pytest.raises(TryLater, match="changed while it was read"):
        pipeline.run(date=DATE)
    assert films.shown() == {}


def test_a_file_that_goes_before_it_is_read_is_waited_for(films):
    path = films.put("a.csv", HEADER)
    (found,) = find(films.pipeline().spec.streams[0].files.names, {}, films.folder, {})
    path.unlink()
    with pytest.raises(TryLater, match="is gone: it was there a moment ago") as told:
        copying.copy(found, lambda: nullcontext(io.BytesIO()))
    assert (told.value.where, told.value.todo) == (str(path), "run again when it is there")


def test_a_disk_that_goes_while_it_is_read_is_waited_for(films, monkeypatch):
    path = films.put("a.csv", HEADER + "1|a|1\n")

    class Gone(io.RawIOBase):
        def read(self, *_: int) -> bytes:
            raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(files, "_opened", lambda _: Gone())
    with pytest.raises(TryLater, match=r"a\.csv cannot be read to its end: Stale file handle") as told:
        films.run()
    assert told.value.where == str(path)
    assert told.value.todo == "see whether its disk is well and still there; run again"
    assert films.shown() == {}


def test_two_files_of_one_name_are_told_unless_their_number_is_named(films):
    films.put("x/a.csv", HEADER + "1|a|1\n")
    films.put("y/a.csv", HEADER + "2|b|2\n")
    with pytest.raises(FixThis, match=r"Two files have the name a\.csv"):
        films.run(files="in/*/a.csv")
    named = CONTRACT + '    raw: "raw/{date}/{page}-{file}"\n    stage: {jsonl: "stg/{date}.jsonl"}'
    films.run(files="in/*/a.csv", more=named)
    assert sorted(films.shown()) == [f"raw/{DATE}/1-a.csv", f"raw/{DATE}/2-a.csv", f"stg/{DATE}.jsonl"]


def test_the_same_file_by_two_names_is_taken_once(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    assert films.run(files="[in/a.csv, in/*.csv]").pages == 1


def test_a_name_with_brackets_is_a_name_where_there_is_such_a_file(films):
    films.put("a[1].csv", HEADER + "1|a|1\n")
    assert films.run(files='"in/a[1].csv"', more='    raw: "raw/{date}/{page}.csv"').pages == 1


def interrupted(films, observe):
    with pytest.raises(KeyboardInterrupt):
        films.pipeline().observed(observe).run(date=DATE)


def test_files_that_were_landed_are_not_taken_again_after_a_crash(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    films.put("b.csv", HEADER + "2|b|2\n")
    interrupted(films, lambda event: stop_at(event, 2))  # the second is written, its facts are not
    run = films.run()
    assert (run.resumed, run.pages, run.counts.kept) == (1, 2, 2)
    undisturbed = films.shown()
    assert not list((films.folder / "lake" / "_levada").rglob("*.part"))
    films.folder.joinpath("other", "in").mkdir(parents=True)
    again = Films.__new__(Films)
    again.folder = films.folder / "other"
    again.put("a.csv", HEADER + "1|a|1\n")
    again.put("b.csv", HEADER + "2|b|2\n")
    again.run()
    assert again.shown() == undisturbed


def test_a_file_that_changed_since_the_crash_is_taken_anew(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    films.put("b.csv", HEADER + "2|b|2\n")
    interrupted(films, lambda event: stop_at(event, 2))
    films.put("a.csv", HEADER + "3|c|3\n")
    run = films.run()
    assert run.resumed == 0
    assert films.shown()[f"raw/films/movies/{DATE}/a.csv"] == (HEADER + "3|c|3\n").encode()


def stop_at(event, number):
    if isinstance(event, Took) and event.number == number:
        raise KeyboardInterrupt


def test_json_json_lines_and_packed_files(films):
    films.put("a.json", '{"data": [{"id": "1", "name": "a"}]}')
    more = CONTRACT + '    records: "$.data[*]"\n    ' + STAGE
    assert films.run(files="in/a.json", form="json", more=more).counts.kept == 1
    films.put("a.jsonl", '{"id": "1", "name": "a"}\nno\n{"id": 2, "name": "b"}\n')
    run = films.run(files="in/a.jsonl", form="json_lines")
    assert (run.counts.kept, run.counts.quarantined) == (1, 2)
    assert [each["line"] for each in films.quarantine()] == [2, 3]
    films.put("a.csv.gz", gzip.compress((HEADER + "1|a|1\n").encode()))
    run = films.run(files="in/a.csv.gz", form=FORMAT.replace("}", ", unpack: gzip}"))
    assert run.counts.kept == 1


def test_a_packed_file_with_another_header_is_told_before_it_is_landed(films):
    films.put("a.csv.gz", gzip.compress(b"id|year|name\n" + b"1|a|1\n" * 100_000))
    with pytest.raises(ContractBroken, match="another order"):
        films.run(files="in/a.csv.gz", form=FORMAT.replace("}", ", unpack: gzip}"))


@pytest.mark.parametrize("unpack", ["gzip", "zip"])
def test_a_large_packed_file_is_looked_at_without_all_of_it(films, unpack):
    rng = random.Random(3)
    body = (HEADER + "".join(f"{rng.getrandbits(60)}|{rng.getrandbits(60)}|1900\n" for _ in range(20_000))).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("movies.csv", body)
    films.put("m.csv", gzip.compress(body) if unpack == "gzip" else packed.getvalue())
    looked = films.pipeline(form=FORMAT.replace("{", f"{{unpack: {unpack}, "))
    seen = sample(looked, looked.spec.streams[0], DATE, 1)
    assert seen.error is None
    first = dict(zip(("id", "name", "year"), body.splitlines()[1].decode().split("|"), strict=True))
    assert json.loads(bytes(seen.all_records[0])) == first


def test_one_list_of_all_files(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    films.put("b.csv", HEADER + "2|b|2\n")
    films.run(more='    raw_joined: "raw/{date}.json"')
    assert [row["id"] for row in json.loads(films.shown()[f"raw/{DATE}.json"])] == ["1", "2"]


def test_a_staged_file_of_a_file_in_many_portions_is_one(films):
    films.put("a.csv", HEADER + "".join(f"{number}|a|1\n" for number in range(200_000)))
    films.put("b.csv", HEADER + "x|b|2\n")
    films.run()
    shown = films.shown()
    assert [row["id"] for row in rows(shown[f"stg/{DATE}/a.csv.jsonl"])] == [str(number) for number in range(200_000)]
    assert len(rows(shown[f"stg/{DATE}/b.csv.jsonl"])) == 1


def test_too_many_bad_lines_fail_the_run_and_stay_readable(films):
    films.put("a.csv", HEADER + "1|a\n" * 10 + "2|b|1\n")
    with pytest.raises(ContractBroken, match="are bad"):
        films.run(more=CONTRACT + "      max_bad: 3\n    " + STAGE)
    assert films.shown() == {}
    assert len(films.quarantine()) == 10


def test_files_that_another_tool_put_there_are_taken_over(films):
    raw = films.folder / "lake" / "raw" / f"{DATE}.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text(HEADER + "1|a|1\n")
    more = CONTRACT + '    raw: "raw/{date}.csv"\n    stage: {jsonl: "stg/{date}.jsonl"}'
    (run,) = films.pipeline(files="in/a.csv", more=more).stage(date=DATE)
    assert run.counts.kept == 1
    assert rows(films.shown()[f"stg/{DATE}.jsonl"])[0]["id"] == "1"


@pytest.mark.parametrize("adopt", [False, True])
def test_files_whose_record_is_gone_are_taken_over_from_where_they_lie(films, adopt):
    films.put("b.csv", HEADER + "2|b|1\n3|c\n")
    films.put("a%2F.csv", HEADER + "1|a|1\n")
    films.put("in/.c.csv", HEADER + "4|d|1\n")
    more = CONTRACT + '    stage: {jsonl: "stg/{date}/{file}.jsonl", csv: "stg/{date}/{page}.csv"}'
    where = ["in/*.csv", "in/in/.c.csv"]
    first = films.pipeline(where, more=more).run(date=DATE)[0]
    before, refused = films.shown(), films.quarantine()
    films.lost()
    (films.folder / "lake/raw/films/movies" / DATE / ".of_another_tool").write_text("x")
    shutil.rmtree(films.folder / "in")
    again = films.pipeline(where, more=more).having(Options(adopt=True)) if adopt else films.pipeline(where, more=more)
    if not adopt:
        with pytest.raises(FixThis, match="--adopt"):  # what is staged is in the way
            again.stage(date=DATE)
        shutil.rmtree(films.folder / "lake" / "stg")
    (run,) = again.stage(date=DATE)
    assert (run.pages, run.counts) == (first.pages, first.counts)
    shown = films.shown()
    assert shown.pop(f"raw/films/movies/{DATE}/.of_another_tool")
    assert {name: body for name, body in shown.items() if name.endswith("jsonl")} == {
        name: body for name, body in before.items() if name.endswith("jsonl")
    }
    assert shown.keys() == before.keys()
    assert f"stg/{DATE}/%2Ec.csv.jsonl" in shown
    assert [each["raw"] for each in films.quarantine()] == [each["raw"] for each in refused] == ["3|c"]


def test_files_that_are_numbered_are_taken_over_by_their_numbers(films):
    names = ["b.csv", "a.csv", *(f"c{number}.csv" for number in range(9))]
    for number, name in enumerate(names):
        films.put(name, HEADER + f"{number}|a|1\n")
    more = CONTRACT + '    raw: "raw/{date}/{page}-{file}"\n    stage: {jsonl: "stg/{date}.jsonl"}'
    where = [f"in/{name}" for name in names]
    films.pipeline(where, more=more).run(date=DATE)
    before = films.shown()
    films.lost()
    films.pipeline(where, more=more).having(Options(adopt=True)).stage(date=DATE)
    assert films.shown() == before
    films.lost()
    (films.folder / "lake" / "raw" / DATE / "3-c0.csv").unlink()
    with pytest.raises(FixThis, match="have a gap: page 3 is not there"):
        films.pipeline(where, more=more).having(Options(adopt=True)).stage(date=DATE)


def test_two_files_that_would_have_one_name_are_not_taken_over(films):
    raw = films.folder / "lake" / "raw" / "films" / "movies" / DATE
    raw.mkdir(parents=True)
    for name in ("%20.csv", "%2520.csv"):
        (raw / name).write_text(HEADER)
    with pytest.raises(FixThis, match=r"are the same page: \S+/%20\.csv and \S+/%2520\.csv"):
        films.pipeline().stage(date=DATE)


def test_a_key_of_the_api_is_not_missed_by_a_stream_of_files(films):
    films.put("a.csv", HEADER + "1|a|1\n")
    others = '  api: {request: {path: /x}}\nsource: {url: https://api.example, auth: {bearer: "${NOT_SET_ANYWHERE}"}}'
    pipeline = films.pipeline(others=others)
    assert pipeline.having(replace(pipeline.options, streams=("movies",))).run(date=DATE)[0].outcome == "done"


def test_a_job_server_refuses_a_stream_of_files(films):
    films.put("a.csv", HEADER)
    for verb in ("land", "stage"):
        with pytest.raises(FixThis, match=f"movies takes files, and a {verb} job is for answers of an API"):
            films.pipeline().job_stream(verb)


def test_rows_of_files_are_asked_for_by(films):
    films.put("a.csv", HEADER + "1|a|1\n2|b\n3|c|1\n")
    with WebServer(lambda asked: {"of": asked.path}) as server:
        others = (
            f'  details:\n    for_each: {{row_of: movies}}\n    request: {{path: "/d/{{row.id}}"}}\n    records: $\n'
            f"source: {{url: {server.url}}}\n"
        )
        _, details = films.pipeline(others=others).run(date=DATE)
    assert sorted(server.targets) == ["/d/1", "/d/3"]
    assert details.pages == 2
