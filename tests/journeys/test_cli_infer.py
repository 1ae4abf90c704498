"""`levada infer`: a contract from an API's pages or from files, printed or put into the spec."""

import json

import pytest

from simulated import SPEC

DAY = "2022-08-09"
TEXT = SPEC.read_text()
BARE = TEXT[: TEXT.index("    contract:")]
FIELDS = """contract:
  fields:
    client: string      # text in 200 rows
    purchase_date: date # days as YYYY-MM-DD in 200 rows
"""
HEAD = """pipeline: p
source: {{url: '{url}', auth: {{header: Authorization, key: '${{AUTH_TOKEN}}'}}}}
streams:
"""


@pytest.fixture
def bare(tmp_path):
    """The sales spec without contract and stage."""
    path = tmp_path / "sales.yaml"
    path.write_text(BARE)
    return path


def test_infer_prints_a_contract_and_writes_nothing(levada, api, tmp_path):
    done = levada("infer", SPEC, "--date", DAY, "--pages", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# Guessed from 200 rows. What none of them broke, up to 1.5 % of all rows\n")
    assert FIELDS in done.stdout
    assert api.pages_asked() == [1, 2]
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_into_a_spec_takes_the_whole_day(levada, bare):
    done = levada("infer", bare, "--stream", "sales", "--date", DAY, "--write")
    assert done.returncode == 0
    assert "contract of sales written" in done.stderr
    assert bare.read_text().startswith(BARE)
    bare.write_text(bare.read_text() + "    stage: {avro: 'stg/{date}_{page}.avro'}\n")
    run = levada("run", bare, "--date", DAY, "--json")
    (told,) = json.loads(run.stdout)["runs"]
    assert (told["outcome"], told["counts"]["kept"]) == ("done", 338)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  sales:\n    request: {path: /sales, params: {date: '{date}'}}", ""),
        ("  sales:\n      request:\n        path: /sales\n        params: {date: '{date}'}", "\n\n# the end\n"),
        ("  sales:\n    request: {path: /sales, params: {date: '{date}'}}\n", "  other:\n    request: {path: /o}\n"),
        (
            "  # comment\n  'sales': # more\n\n    # and more\n    request: {path: /sales, params: {date: '{date}'}}\n",
            "",
        ),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_only_the_contract_is_added_wherever_the_stream_stands(levada, api, before, after, line_end):
    spec = levada.folder / "p.yaml"
    old = (HEAD.format(url=api.url) + before + after).replace("\n", line_end)
    spec.write_bytes(old.encode())
    spec.chmod(0o640)
    done = levada("infer", spec, "--stream", "sales", "--date", DAY, "--write")
    assert done.returncode == 0, done.stderr
    new = spec.read_bytes().decode()
    added = [line for line in new.split(line_end) if line not in old.split(line_end)]
    assert [line for line in new.split(line_end) if line not in added] == old.split(line_end)
    assert sum("price: int32" in line for line in added) == 1
    assert spec.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in levada.folder.iterdir()] == ["p.yaml"]
    assert "price: int32" in levada("check", spec).stdout


def test_a_contract_that_is_there_stays(levada, api, tmp_path):
    spec = tmp_path / "sales.yaml"
    spec.write_text(TEXT)
    done = levada("infer", spec, "--date", DAY, "--write")
    assert done.returncode == 2
    assert "Stream sales has a contract already." in done.stderr
    assert spec.read_text() == TEXT
    assert api.log() == []


def test_a_stream_in_one_line_is_left_alone(levada, api, tmp_path):
    spec = tmp_path / "p.yaml"
    one_line = "streams: {s: {request: {path: /sales, params: {date: '{date}'}}}}\n"
    text = HEAD.format(url=api.url).replace("streams:\n", one_line)
    spec.write_text(text)
    done = levada("infer", spec, "--date", DAY, "--write")
    assert done.returncode == 2
    assert "cannot be put into" in done.stderr
    assert "price: int32" in done.stdout
    assert spec.read_text() == text


def test_nothing_is_written_where_nothing_was_seen(levada, bare):
    done = levada("infer", bare, "--date", "2021-01-01", "--write")
    assert done.returncode == 2
    assert "cannot be put into" in done.stderr or "no rows" in done.stderr
    assert bare.read_text() == BARE


def test_an_error_of_the_api_is_the_command_s(levada, bare):
    done = levada("infer", bare, "--date", DAY, AUTH_TOKEN="wrong-token")
    assert done.returncode == 2
    assert "403" in done.stderr
    assert done.stdout == ""


def test_files_of_pages_of_every_shape(levada, tmp_path):
    (tmp_path / "list.json").write_text('[{"id": 1, "name": "x"}, {"id": 2}]')
    (tmp_path / "object.json").write_text('{"data": [{"id": 3.5, "name": null}]}')
    (tmp_path / "lines.jsonl").write_text('{"id": 4}\n{"id": 5}\n')
    done = levada("infer", "list.json", "object.json", "lines.jsonl", "--json")
    told = json.loads(done.stdout)
    fields = {field["name"]: (field["type"], field["nullable"], field["filled"]) for field in told["fields"]}
    assert (told["rows"], fields) == (5, {"id": ("float64", False, 5), "name": ("string", True, 1)})
    assert "object.json: records taken from $.data[*]" in done.stderr


def test_where_the_records_of_a_file_are_can_be_said(levada, tmp_path):
    (tmp_path / "a.json").write_text('{"data": [{"id": 1}], "more": [{"x": true}]}')
    done = levada("infer", "a.json", "--records", "$.more[*]")
    assert "x: boolean # true or false in 1 row" in done.stdout
    assert "id" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.json"], "none.json cannot be read: No such file or directory."),
        (["broken.json"], "where: broken.json"),
        (["broken.json", "--write"], "--write goes with a spec, and broken.json is none"),
        (["broken.json", "--stream", "s"], "--stream goes with a spec"),
        (["sales.yaml", "more.yaml"], "infer takes one spec at a time."),
        (["sales.yaml", "--stream", "other"], "There is no stream other in this spec."),
        ([], "Missing argument"),
    ],
)
def test_mistakes_are_told(levada, bare, tmp_path, arguments, said):
    (tmp_path / "broken.json").write_text("[{]")
    done = levada("infer", *arguments)
    assert done.returncode in {2, 3}
    assert said in done.stderr


def test_several_streams_need_a_choice(levada, bare):
    bare.write_text(BARE + "  other:\n    request: {path: /o}\n")
    done = levada("infer", bare)
    assert done.returncode == 2
    assert "This spec has 2 streams." in done.stderr
    assert "choose one with --stream: sales, other" in done.stderr
