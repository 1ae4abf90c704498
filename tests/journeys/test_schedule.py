"""`levada schedule` as a process of its own: lines, signals, exit codes."""

import json
import signal
from datetime import UTC, datetime, timedelta

import pytest

from levada.cli import schedule
from levada.scheduler import stop
from levada.simulate.sales import make_app
from levada.simulate.server import running
from patience import HELD, PATIENCE, settles
from simulated import Api, Levada, scheduled

TOKEN = "a-token-of-this-test"
SPEC = """\
pipeline: sales
partition: {by: day, default: yesterday}
source: {url: "${SALES_API_URL}", auth: {header: Authorization, key: "${AUTH_TOKEN}"}}
streams:
  sales:
    request: {path: /sales, params: {date: "{date}"}}
    paging: {by: page, ahead: off}
    responses: [{status: 404, text: page that doesn't exist, means: end}]
    raw: raw/{date}/{page}.json
schedule: {every: 1s}
"""


@pytest.fixture(scope="module")
def _sales():
    with running(make_app(token=TOKEN, rows=250, every_date=True)) as server:
        yield Api(server.url)


@pytest.fixture
def sales(_sales):
    """The sales API, with data for each day: 3 pages."""
    _sales.forget()
    return _sales


@pytest.fixture
def levada(sales, tmp_path):
    (tmp_path / "sales.yaml").write_text(SPEC)
    return Levada({"SALES_API_URL": sales.url, "AUTH_TOKEN": TOKEN}, tmp_path)


def events(process):
    """Each line of JSON as it comes."""
    for line in process.stdout:
        yield json.loads(line)


def until(process, event):
    """What is told up to the first `event`."""
    found = []
    for told in events(process):
        found.append(told)
        if told.get("event") == event:
            return found
    raise AssertionError(f"no {event}: {found}, {process.stderr.read()}")


def ended(process):
    """The rest of what is told, and the exit code."""
    out, err = process.communicate(timeout=PATIENCE)
    return [json.loads(line) for line in out.splitlines()], err, process.returncode


def yesterday():
    """What may be yesterday while a test runs."""
    now = datetime.now(UTC)
    return {str((now - timedelta(days=days)).date()) for days in (1, 2)}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_works_tick_after_tick_until_a_signal(levada, number, code):
    with scheduled(levada, "sales.yaml", "--json") as process:
        began, first = until(process, "ran")
        assert (began["event"], began["pipeline"]) == ("began", "sales")
        assert began["words"].startswith("every 1s, first at 20")
        until(process, "ran")
        process.send_signal(number)
        rest, err, returned = ended(process)
    assert returned == code, err
    assert first["run"]["outcome"] == "done"
    assert first["run"]["counts"]["read"] == 250
    assert first["partition"] in yesterday()
    assert rest[-2]["event"] == "ended"
    assert rest[-1]["errors"][0]["kind"] == "Interrupted"
    assert "the same command again works the next tick" in rest[-1]["errors"][0]["todo"]
    assert f"levada: ending as soon as each run is at the end of a page, in {HELD:g} s at most" in err


def test_there_is_time_to_hand_back_after_an_answer_was_given_up_and_before_docker_kills():
    assert stop.ANSWER + 3 <= schedule.GRACE <= 9


def test_lines_for_people(levada):
    with scheduled(levada, "sales.yaml") as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
        process.communicate(timeout=PATIENCE)
    stamp = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d "
    day = lines[1].split()[3].rstrip(":")
    assert day in yesterday()
    for line, said in zip(
        lines,
        [
            "sales: every 1s, first at ",
            f"sales/sales {day}: done, 3 pages, 250 rows read",
            f"sales/sales {day}: done (nothing changed), 3 pages",
        ],
        strict=True,
    ):
        assert line[20:].startswith(said), lines
        assert datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC), stamp


def test_a_run_that_fails_is_told_and_the_next_tick_is_worked(levada, sales):
    sales.fail({"times": 1, "fault": {"status": 403}})
    with scheduled(levada, "sales.yaml", "--json") as process:
        failed = until(process, "failed")[-1]
        ran = until(process, "ran")[-1]
        process.terminate()
        assert ended(process)[2] == 143
    assert failed["error"]["kind"] == "ApiRefused"
    assert failed["error"]["exit"] == 2
    assert failed["partition"] == ran["partition"]
    assert failed["tick"] < ran["tick"]
    assert TOKEN not in json.dumps(failed)


def test_a_failure_for_people_is_one_line_on_stderr(levada, sales):
    sales.fail({"times": 1, "fault": {"status": 403}})
    done = levada("schedule", "sales.yaml", "--once")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "sales/sales 20" in line
    assert ": failed: " in line
    assert "; to do: " in line


def test_once_works_the_tick_of_this_moment(levada):
    done = levada("schedule", "sales.yaml", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert "done, 3 pages, 250 rows read" in line


def test_a_second_signal_ends_it_at_once_and_the_pages_are_kept(levada, sales):
    sales.fail({"match": {"page": 3}, "times": None, "fault": {"delay": HELD}})
    with scheduled(levada, "sales.yaml", "--json") as process:
        assert settles(lambda: 3 in sales.pages_asked())
        process.terminate()
        assert "once more ends it now" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert ended(process)[2] == 143
    goes_on(levada, sales)


def test_a_run_that_does_not_come_to_the_end_of_a_page_is_not_waited_for(levada, sales):
    sales.fail({"match": {"page": 3}, "times": None, "fault": {"delay": HELD}})
    with scheduled(levada, "sales.yaml", "--json", grace=0.2) as process:
        assert settles(lambda: 3 in sales.pages_asked())
        process.terminate()
        assert ended(process)[2] == 143
    goes_on(levada, sales)


def goes_on(levada, sales):
    """The partition goes on from the two pages that had come."""
    sales.forget()
    (area,) = (levada.folder / "lake" / "_levada" / "sales" / "sales").iterdir()
    done = levada("run", "sales.yaml", "--date", area.name)
    assert "2 pages taken over from an interrupted run" in done.stdout, done.stderr
    assert sales.pages_asked() == [3, 4]


def test_a_stop_hands_the_partition_back_between_two_pages(levada):
    with running(make_app(token=TOKEN, rows=8000, every_date=True)) as server:
        api = Api(server.url)
        levada.environment["SALES_API_URL"] = server.url
        api.fail({"times": None, "fault": {"delay": 0.3}})
        with scheduled(levada, "sales.yaml", "--json") as process:
            assert settles(lambda: 2 in api.pages_asked())
            process.terminate()
            told, err, code = ended(process)
        assert code == 143, err
        assert [one.get("event") for one in told] == ["began", "handed_back", "ended", None], told
        (stopped,) = told[-1]["errors"]
        assert (stopped["kind"], stopped["exit"]) == ("Interrupted", 143)
        assert stopped["todo"].startswith("run the command of each `handed_back` to go on with its partition")
        came = len(api.pages_asked())
        assert 2 <= came < 80
        api.forget()
        done = levada(*told[1]["words"].partition("go on with ")[2].split()[1:])
        assert f"{came} pages taken over from an interrupted run" in done.stdout, done.stderr
        assert api.pages_asked() == list(range(came + 1, 82))


def test_an_answer_that_does_not_come_is_given_up_and_the_partition_handed_back(levada, sales):
    sales.fail({"match": {"page": 3}, "times": None, "fault": {"delay": HELD}})
    with scheduled(levada, "sales.yaml", "--json", answer=0.5) as process:
        assert settles(lambda: 3 in sales.pages_asked())
        process.terminate()
        told, err, code = ended(process)
    assert code == 143, err
    assert [one.get("event") for one in told] == ["began", "handed_back", "ended", None], told
    assert "not done, because this is to end; go on with levada run sales.yaml --date" in told[1]["words"]
    goes_on(levada, sales)


def test_what_is_missing_is_named_before_the_first_tick(levada, sales):
    done = Levada({}, levada.folder)("schedule", "sales.yaml")
    assert done.returncode == 2
    assert "Not set: SALES_API_URL and AUTH_TOKEN." in done.stderr
    assert done.stdout == ""
    assert sales.log() == []


def test_two_specs_wait_for_nobody(levada, sales):
    other = SPEC.replace("pipeline: sales", "pipeline: other").replace("raw/", "other/").replace("/sales,", "//sales,")
    (levada.folder / "other.yaml").write_text(other)
    sales.fail({"match": {"path": "/sales", "page": 1}, "times": 1, "fault": {"delay": HELD}})
    with scheduled(levada, "sales.yaml", "other.yaml", "--json", grace=0.2) as process:
        told = until(process, "ran") + until(process, "ran")
        process.terminate()
        assert ended(process)[2] == 143
    assert len({one["pipeline"] for one in told if one["event"] == "ran"}) == 1


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        (("schedule: {every: 1s}\n", ""), ["sales.yaml"], "sales.yaml has no schedule."),
        (("every: 1s", 'cron: "@daily"'), ["sales.yaml"], 'write "0 0 * * *"'),
        (("", ""), ["sales.yaml", "sales.yaml"], "are both pipeline sales of the lake"),
        (("", ""), ["none.yaml"], "none.yaml"),
    ],
    ids=["no schedule", "no line of cron", "twice", "no file"],
)
def test_what_a_wrong_command_is_told(levada, change, arguments, said):
    (levada.folder / "sales.yaml").write_text(SPEC.replace(*change))
    done = levada("schedule", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    told = levada("schedule", *arguments, "--json")
    (line,) = told.stdout.splitlines()
    assert json.loads(line)["errors"][0]["exit"] == 2
