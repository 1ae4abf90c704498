"""Log files as a person meets them: a command, a second one, one that fails; what is told on stderr; a schedule."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from simulated import SPEC, TOKEN
from webserver import WebServer

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})Z (INFO|WARNING|ERROR) ([^:]+): (.+)")
RUN = [
    ("sales", "run began, by a command"),
    ("sales/sales 2022-08-09", "download started"),
    ("sales/sales 2022-08-09", "download finished: 4 pages"),
    ("sales/sales 2022-08-09", "checking finished: 338 rows read, 338 kept, 0 quarantined"),
    ("sales/sales 2022-08-09", "committed: 8 files"),
    ("sales/sales 2022-08-09", "done, 4 pages, 338 rows"),
    ("sales", "run ended: success, 1 done"),
]


@pytest.fixture
def spec(tmp_path):
    """The sales pipeline, with log files."""
    path = tmp_path / "sales.yaml"
    text = SPEC.read_text().replace("\n\nstreams:", "\n  retry: {attempts: 2, wait: 10ms}\n\nstreams:")
    path.write_text(f"{text}\nlogs: {{keep_days: 3}}\n")
    return path


def read(folder):
    """What the log files of today say, line by line: time, level, where, words."""
    text = "".join(path.read_text() for path in sorted((folder / "logs").glob("????-??-??.txt")))
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [match.groups() for match in found if match]


def same(told, expected):
    assert len(told) == len(expected), told
    for (_, level, where, words), (place, begin) in zip(told, expected, strict=True):
        assert (level, where) == ("INFO", place)
        assert words.startswith(begin)


def test_a_run_a_second_one_and_one_that_fails(levada, api, spec, tmp_path):
    old = datetime.now(UTC) - timedelta(days=5)
    (tmp_path / "logs").mkdir()
    for name in (f"{old:%Y-%m-%d}.txt", f"{old:%Y-%m-%d}.txt.bak"):
        (tmp_path / "logs" / name).write_text("of another day\n")
    began = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    done = levada("run", spec, "--date", "2022-08-09")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "logs" / f"{old:%Y-%m-%d}.txt").exists()
    assert (tmp_path / "logs" / f"{old:%Y-%m-%d}.txt.bak").exists()
    told = read(tmp_path)
    same(told, RUN)
    times = [time for time, *_ in told]
    assert times == sorted(times)
    assert times[0] >= began

    assert levada("run", spec, "--date", "2022-08-09").returncode == 0
    assert read(tmp_path)[: len(told)] == told
    again = read(tmp_path)[len(told) :]
    same(again, [*RUN[:4], (RUN[5][0], "done (nothing changed), 4 pages"), RUN[6]])

    api.fail({"match": {"page": "2"}, "times": None, "fault": {"body": {"error": f"no page for {TOKEN}"}}})
    failed = levada("run", spec, "--date", "2022-08-10")
    assert failed.returncode == 3
    lines = (tmp_path / "logs" / f"{datetime.now(UTC):%Y-%m-%d}.txt").read_text()
    error, end = [line for line in read(tmp_path) if line[1] == "ERROR"]
    assert error[2] == "sales/sales 2022-08-10"
    what, where, todo = (part.split(": ", 1)[1] for part in failed.stderr.strip().splitlines()[:3])
    for part in (what, where, todo):
        assert part in error[3]
    assert end[3].startswith("run ended: failure, 1 failed, ")
    assert end[3].endswith(": sales 2022-08-10 (ContractBroken)")
    assert TOKEN not in lines
    assert TOKEN not in failed.stderr


def test_a_folder_that_cannot_be_written_fails_nothing_and_is_told(levada, spec, tmp_path):
    (tmp_path / "logs").write_text("a file, and no folder")
    done = levada("run", spec, "--date", "2022-08-09", "--json")
    (note,) = json.loads(done.stdout)["notes"]
    assert done.returncode == 0
    assert note == f"lines of the log are lost: {tmp_path}/logs/{datetime.now(UTC):%Y-%m-%d}.txt: Not a directory"
    assert done.stderr == f"levada: {note}; the work goes on\n"
    (last,) = json.loads(levada("status", spec, "--json").stdout)["rounds"]
    assert last["notes"] == note


def test_milestones_are_told_on_stderr_when_they_are_asked_for(levada, tmp_path):
    done = levada("-v", "run", SPEC, "--date", "2022-08-09", "--lake", "lake", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["runs"]
    same([LINE.fullmatch(line).groups() for line in done.stderr.splitlines()], RUN)
    (tmp_path / "lake2").write_text("a file")
    failed = levada("-v", "run", SPEC, "--date", "2022-08-10", "--lake", "lake2")
    told = [LINE.fullmatch(line) for line in failed.stderr.splitlines()]
    levels = [match[2] for match in told if match]
    assert levels.count("ERROR") == 2
    assert "failed: " in failed.stderr
    assert "run ended: failure, 1 failed" in failed.stderr
    more = levada("-vv", "run", SPEC, "--date", "2022-08-10", "--lake", "lake")
    assert "sales/sales 2022-08-10: page 1: 100 rows, " in more.stderr
    assert TOKEN not in more.stderr + done.stderr
    assert not list(tmp_path.glob("**/logs"))


def test_the_specs_of_a_schedule_have_files_of_their_own(levada, spec, tmp_path):
    text = spec.read_text().replace("pipeline: sales", "pipeline: NAME", 1) + "schedule: {every: 1h}\n"
    text = text.replace("partition: {by: day}", "partition: {by: day, default: yesterday}")
    text = text.replace("logs: {keep_days: 3}", 'logs: {file: "{pipeline} {date}.txt", form: json}')
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(text.replace("NAME", name))
    levada("schedule", "one.yaml", "two.yaml", "--once", "--lake", "lake")
    for name in ("one", "two"):
        (path,) = (tmp_path / "logs").glob(f"{name} *.txt")
        told = [json.loads(line) for line in path.read_text().splitlines()]
        assert {line["pipeline"] for line in told} == {name}
        assert (told[0]["words"], told[-1]["event"]) == ("run began, by a schedule", "round ended")
        assert len({line["round"] for line in told}) == 1


HOOK = """\
import logging, os
logging.getLogger("levada.mine").warning("imported with %s", os.environ["UNREVEALED_TOKEN"])
raise RuntimeError(os.environ["UNREVEALED_TOKEN"])
"""


@pytest.mark.parametrize("logs", ["", "logs: {}\n"])
def test_what_a_hook_tells_of_its_secrets_is_shown_nowhere(levada, tmp_path, logs):
    (tmp_path / "hook_that_tells.py").write_text(HOOK)
    (tmp_path / "hooked.yaml").write_text(
        "pipeline: hooked\n"
        "source: {url: http://a, auth: {class: 'hook_that_tells:X', secrets: {key: '${UNREVEALED_TOKEN}'}}}\n"
        f"streams: {{one: {{request: {{path: /}}, contract: {{fields: {{x: string}}}}}}}}\n{logs}"
    )
    levada.environment["UNREVEALED_TOKEN"] = "wide-open-0816"
    failed = levada("run", "hooked.yaml", "--date", "2022-08-09", "--lake", "lake")
    history = levada("status", "hooked.yaml", "--lake", "lake", "--json").stdout
    assert failed.returncode == 2
    assert "imported with [secret]\n" in failed.stderr
    assert "RuntimeError: [secret]" in failed.stderr
    written = "".join(path.read_text() for path in tmp_path.glob("logs/*.txt"))
    assert ("imported with [secret]" in written) == bool(logs)
    assert "wide-open" not in f"{failed.stderr}{failed.stdout}{written}{history}"


def test_notices_that_are_sent_later_stand_there_too(levada, spec, tmp_path):
    with spec.open("a") as file:
        file.write("notify: {webhook: {url: '${HOOK_URL}', when: [success]}}\n")
    levada.environment["HOOK_URL"] = "http://127.0.0.1:9/hook-of-nobody-4711"
    assert levada("run", spec, "--date", "2022-08-09").returncode == 0
    with WebServer(lambda _: "ok") as web:
        levada.environment["HOOK_URL"] = f"{web.url}/hook-of-somebody-4711"
        assert levada("notify", spec).returncode == 0
    *_, (_, level, where, words) = read(tmp_path)
    assert (level, where) == ("INFO", "sales")
    assert words == 'The webhook "sales 2022-08-09: success" was sent'
