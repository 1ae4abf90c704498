"""Bad input on the command line and in the spec: each mistake is told with its place, and costs nothing."""

import re
import socket

import pytest

from levada.errors import FixThis
from refusals import DAY, Careful, attempt, place, public, quick, state, told, told_as_json
from simulated import SPEC, TOKEN, Api

ONE_DAY = ("--date", DAY)
KEY = place(SPEC, '"${AUTH_TOKEN')


@pytest.fixture
def levada(levada):
    return Careful(levada.environment, levada.folder)


# -- keys


def test_a_wrong_token(levada, api, lake, before):
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake, AUTH_TOKEN="not-the-token-at-all")
    told(done, 2, what="403 Forbidden", where=f"stream sales, {DAY}, page 1, {api.url}", todo="Check AUTH_TOKEN")
    assert "used: AUTH_TOKEN" in done.stderr
    assert public(lake) == before
    assert set(api.pages_asked()) <= {1, 2, 3, 4}
    assert api.pages_asked().count(1) == 1, "a refusal is not asked again"


def test_a_wrong_token_stops_the_days_that_follow(levada, lake):
    days = ("--from", "2022-08-09", "--to", "2022-08-12")
    done = levada("run", SPEC, *days, "--lake", lake, AUTH_TOKEN="not-the-token-at-all")
    assert done.returncode == 2
    assert done.stderr.count("403 Forbidden") == 1
    assert "2 partitions more not tried" in done.stderr
    assert public(lake) == {}
    assert "failed" in levada("status", "--lake", lake).stdout


def test_401(levada, api, lake):
    api.fail({"times": None, "fault": {"status": 401}})
    told(levada("run", SPEC, *ONE_DAY, "--lake", lake), 2, what="401", where="page 1", todo="Check AUTH_TOKEN")
    assert public(lake) == {}


def test_an_api_that_repeats_the_token_in_its_refusal(levada, api, lake):
    api.fail({"times": None, "fault": {"status": 403, "body": {"message": "who is levada-demo"}}})
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake)
    told(done, 2, what="who is [secret]", where="page 1", todo="Check AUTH_TOKEN")


def test_no_token_and_nobody_to_ask(levada, api, lake, before):
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake, AUTH_TOKEN="")
    told(done, 2, what="Not set: AUTH_TOKEN or API_AUTH_TOKEN", where=KEY, todo="export AUTH_TOKEN=...")
    assert api.pages_asked() == []
    assert public(lake) == before
    assert state(lake) == "done"


def test_a_token_with_a_line_break(levada, api, lake):
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake, AUTH_TOKEN="levada-demo\n")
    told(done, 2, what="AUTH_TOKEN holds a line break", where=KEY, todo="the bare value")
    assert api.pages_asked() == []


# -- hosts


def test_an_unknown_host(levada, lake, before):
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake, SALES_API_URL="http://no-such-host.invalid")
    todo = f"Check `source.url` ({SPEC}:"
    told(
        done,
        2,
        what="The host name does not exist: no-such-host.invalid",
        where=f"{DAY}, page 1, http://no-such",
        todo=todo,
    )
    assert public(lake) == before


def test_a_port_where_nobody_listens(levada, tmp_path, lake):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = "http://{}:{}".format(*deaf.getsockname())
        done = levada("run", quick(tmp_path), *ONE_DAY, "--lake", lake, SALES_API_URL=url)
    told(done, 75, what="(Connection refused)", where=f"page 1, {url}", todo="names the right port")
    assert "asked 3 times" in done.stderr
    assert public(lake) == {}


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://example.com", "http://", "http://127.0.0.1:99999"])
def test_a_url_that_is_none(lake, url):
    with pytest.raises(FixThis, match="the value of SALES_API_URL is no") as refused:
        attempt(SPEC, lake, Api(url, {"SALES_API_URL": url, "AUTH_TOKEN": TOKEN}))
    assert refused.value.exit_code == 2
    assert refused.value.where == place(SPEC, "${SALES_API_URL")
    assert "https://api.example.com" in refused.value.todo


# -- the spec


def test_typos_in_keys(levada, api, tmp_path, lake, before):
    spec = quick(tmp_path, ("{path: /sales", "{pth: /sales"), ("paging:", "pagging:"))
    done = levada("run", spec, *ONE_DAY, "--lake", lake)
    told(done, 2, what=f"2 mistakes in {spec}", where=place(spec, "pth"), todo="mend each line")
    for wrong, right in (("pth", "path"), ("pagging", "paging")):
        line = rf'^  {re.escape(place(spec, wrong))}: unknown key "{wrong}" in .*\n    to do: .*\b{right}\b'
        assert re.search(line, done.stderr, re.MULTILINE), done.stderr
    assert api.pages_asked() == []
    assert public(lake) == before


def test_yaml_that_does_not_parse(levada, api, tmp_path, lake):
    spec = tmp_path / "broken.yaml"
    spec.write_text("pipeline: sales\n  source: [1\n")
    for command in (("run", spec, *ONE_DAY), ("check", spec)):
        told(
            levada(*command, "--lake", lake),
            2,
            what="not YAML",
            where=f"{spec}:2:3",
            todo="indent it as the line above",
        )
    assert not lake.exists()


def test_a_spec_that_is_not_there(levada):
    told(levada("run", "no.yaml", *ONE_DAY), 2, what="There is no file no.yaml", where="no.yaml", todo="check the path")


# -- dates, streams, commands


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--date", "2022-13-45"), ('"2022-13-45" is no day of the calendar', "--date", "a day that there is")),
        (("--date", "2022-8-9"), ('"2022-8-9" is no date', "--date", "write 2022-08-09")),
        (("--date", "yesterday"), ('"yesterday" is no date', "--date", "write it as 2022-08-09")),
        (("--date", ""), ('"" is no date', "--date", "write it as 2022-08-09")),
        (
            ("--from", "2022-08-11", "--to", "2022-08-09"),
            ("runs backwards", "--from, --to", "2022-08-09 to 2022-08-11"),
        ),
        (("--from", "2022-08-09", "--to", "2022-08-09"), ("holds no day", "--from, --to", "2022-08-09 to 2022-08-10")),
        (("--from", "2022-08-09", "--to", ""), ('"" is no date', "--to", "write it as 2022-08-09")),
        (("--from", "2022-08-09"), ("this is neither", "--date, --from, --to", "--from 2022-08-09 --to 2022-08-12")),
        ((), ("not told which partition", "--date, --from, --to", "give either --date 2022-08-09")),
    ],
)
def test_dates_that_are_none(levada, api, lake, given, says):
    what, where, todo = says
    told(levada("run", SPEC, *given, "--lake", lake), 2, what=what, where=where, todo=todo)
    assert api.pages_asked() == []
    assert not lake.exists()


def test_an_empty_date_does_not_replay_everything(levada, lake, before):
    done = levada("replay", SPEC, "--date", "", "--lake", lake)
    told(done, 2, what='"" is no date', where="--date", todo="write it as 2022-08-09")
    assert done.stdout == ""


def test_a_stream_that_is_not_there(levada, lake):
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake, "--stream", "sale")
    told(done, 2, what="no stream sale", where=str(SPEC), todo="choose among: sales")


def test_a_wait_that_is_no_time(levada, lake):
    done = levada("run", SPEC, *ONE_DAY, "--lake", lake, "--wait", "soon")
    told(done, 2, what='"soon" is no duration', where="--wait", todo="500ms, 1s, 5m")


def test_a_command_that_is_not_there(levada):
    done = levada("rum")
    assert done.returncode == 2
    assert "No such command 'rum'. Did you mean 'run'?" in done.stderr
    assert "levada --help" in done.stderr


# -- looking at a lake


def test_quarantine_of_a_partition_that_has_none(levada, lake, before):
    done = levada("quarantine", "NOPE", "--lake", lake)
    told(done, 2, what="NOPE has no row in quarantine", where=str(lake), todo="levada status")


def test_status_of_a_folder_that_is_not_there_and_of_an_empty_one(levada, lake):
    done = levada("status", "--lake", lake)
    told(done, 2, what=f"There is no folder {lake}", where="--lake", todo="levada check SPEC")
    assert not lake.exists()
    lake.mkdir()
    empty = levada("status", "--lake", lake)
    assert (empty.returncode, empty.stderr) == (0, "")
    assert "There is no partition in" in empty.stdout


# -- for machines


def test_errors_as_json(levada, api, tmp_path, lake):
    run = ("run", SPEC, "--lake", lake, "--json")
    assert told_as_json(levada(*run, "--date", "nope"), 2, "FixThis")["where"] == "--date"
    assert "AUTH_TOKEN" in told_as_json(levada(*run, *ONE_DAY, AUTH_TOKEN=""), 2, "FixThis")["what"]
    assert told_as_json(levada("rum", "--json"), 2, "FixThis")["where"] == "command line"
    assert told_as_json(levada("status", "--lake", "no", "--json"), 2, "FixThis")["where"] == "--lake"
    spec = quick(tmp_path, ("paging:", "pagging:"))
    assert told_as_json(levada("run", spec, *ONE_DAY, "--json"), 2, "FixThis")["where"] == place(spec, "pagging")
    api.fail({"times": None, "fault": {"status": 429, "retry_after": 3600}})
    later = told_as_json(levada(*run, *ONE_DAY), 75, "TryLater")
    assert str(later["at"])[:10] in str(later["todo"])
    assert api.pages_asked().count(1) == 1
