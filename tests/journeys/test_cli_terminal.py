"""The command line on a terminal (a pty), and in a pipe."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from patience import HELD, PATIENCE, settles
from simulated import TOKEN
from terminals import Terminal

DAY = "2022-08-09"
#: What breaks Levada from within, below the command line.
BUG = """
import sys
from levada.cli.main import main
from levada.source import fetch

async def send(self, call):
    raise RuntimeError(f"the wire broke with {call.credentials[0].secret.value}")

fetch.HttpWire.send = send
sys.argv = ["levada", *sys.argv[1:]]
main()
"""


def test_a_missing_secret_is_asked_for_without_echo_and_not_kept(levada, lake, spec):
    terminal = Terminal(levada, "run", spec, "--date", DAY, "--lake", lake, AUTH_TOKEN="")
    terminal.asked("AUTH_TOKEN: ")
    terminal.type(f"{TOKEN}\n")
    assert terminal.end() == 0, terminal.raw
    assert "Not set: AUTH_TOKEN" in terminal.text
    assert "338 rows read" in terminal.text
    assert TOKEN not in terminal.raw
    kept = [path for path in levada.folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == []


def test_nobody_is_asked_in_a_pipe(levada, lake, spec):
    done = levada("run", spec, "--date", DAY, "--lake", lake, AUTH_TOKEN="")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Not set: AUTH_TOKEN or API_AUTH_TOKEN." in done.stderr
    assert "export AUTH_TOKEN=" in done.stderr
    assert not lake.exists()


def test_nobody_is_asked_for_what_needs_no_secret(levada, lake, spec):
    levada("land", spec, "--date", DAY, "--lake", lake)
    terminal = Terminal(levada, "stage", spec, "--date", DAY, "--lake", lake, AUTH_TOKEN="")
    assert terminal.end() == 0
    assert "Not set" not in terminal.text


def test_the_question_can_be_left_with_ctrl_c(levada, lake, spec):
    terminal = Terminal(levada, "run", spec, "--date", DAY, "--lake", lake, AUTH_TOKEN="")
    terminal.asked("AUTH_TOKEN: ")
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    assert not lake.exists()


def test_the_live_line_shows_pages_rows_and_waits(levada, lake, spec, api):
    api.fail({"match": {"page": 3}, "times": 1, "fault": {"status": 429, "retry_after": 5}})
    terminal = Terminal(levada, "run", spec, "--date", DAY, "--lake", lake)
    assert terminal.end() == 0, terminal.raw
    shown = re.findall(rf"sales/sales {DAY}: 2 pages, 200 rows, waiting (\d) s for page 3: ", terminal.text)
    assert set(shown) <= set("543210")
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) > 1, "the wait is counted down; a starved machine does not draw each second of it"
    assert terminal.text.rstrip().endswith(" s")
    assert f"{DAY}: done, 4 pages, 338 rows read" in terminal.text


def test_a_long_wait_is_one_plain_line_in_a_log(levada, lake, spec, api):
    api.fail({"match": {"page": 1}, "times": 1, "fault": {"status": 503, "retry_after": 5}})
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    assert done.returncode == 0
    assert re.fullmatch(rf"sales/sales {DAY}: waiting 5 s for page 1: .*503.*\n", done.stderr)
    assert done.stdout.count("\n") == 1


def test_tables_fit_a_terminal_and_are_whole_in_a_pipe(levada, lake, spec):
    levada("run", spec, "--date", "2022-08-11", "--lake", lake)
    for arguments in (("status", "--lake", lake), ("quarantine", "sales/sales/2022-08-11", "--lake", lake)):
        terminal = Terminal(levada, *arguments)
        assert terminal.end() == 0
        assert max(map(len, terminal.text.splitlines())) <= 80
        piped = levada(*arguments)
        assert "\x1b" not in piped.stdout
        assert piped.stderr == ""
    assert '"purchase_date": "2022-08-09", "product":' in piped.stdout
    assert max(map(len, piped.stdout.splitlines())) > 120


def durable(lake: Path) -> int:
    """Pages that a run has landed."""
    return len(list(lake.glob("_levada/sales/sales/*/runs/*/pages/*.json")))


#: Nobody gets page 4, however long it takes to stop a run before it.
WITHOUT_END = {"match": {"page": 4}, "times": None, "fault": {"delay": HELD}}


def test_ctrl_c_stops_a_run_that_goes_on_later(levada, lake, spec, api):
    api.fail(WITHOUT_END)
    terminal = Terminal(levada, "run", spec, "--date", DAY, "--lake", lake)
    # The live line counts a page in hand, a moment before it is durable.
    terminal.until(lambda: "300 rows" in terminal.raw and durable(lake) == 3)
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "levada: stopped; what had arrived is kept, and the same command goes on from there" in terminal.text
    assert "Traceback" not in terminal.text
    kept = durable(lake)
    assert kept == 3
    status = levada("status", "--lake", lake)
    assert "unfinished" in status.stdout
    assert re.search(rf"{kept} answers? of an interrupted run (is|are) kept for the next one", status.stdout)
    api.forget()
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    assert re.search(rf"{kept} pages? taken over from an interrupted run", done.stdout)
    assert min(api.pages_asked()) == kept + 1


def test_sigterm_leaves_with_143_and_json(levada, lake, spec, api):
    api.fail(WITHOUT_END)
    command = [sys.executable, "-m", "levada", "run", spec, "--date", DAY, "--lake", lake, "--json"]
    environment = {**os.environ, **levada.environment}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        # Not before: a signal that came while libraries were still being imported has been seen to get lost.
        assert settles(lambda: durable(lake))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert json.loads(out)["errors"][0]["exit"] == 143
    assert err == "levada: stopped; what had arrived is kept, and the same command goes on from there\n"


def test_a_bug_leaves_with_70_a_report_and_no_secret(levada, lake, spec):
    def broken(*more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", BUG, "run", str(spec), "--date", DAY, "--lake", str(lake), *more]
        environment = {**os.environ, **levada.environment, "AUTH_TOKEN": "open-sesame-123"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False)

    done = broken()
    assert done.returncode == 70
    assert done.stdout == ""
    assert "levada: this is a bug of Levada, not of your spec; what had arrived is kept." in done.stderr
    assert f"command: levada run {spec} --date {DAY}" in done.stderr
    assert "RuntimeError: the wire broke with [secret]" in done.stderr
    as_json = broken("--json")
    assert as_json.returncode == 70
    assert json.loads(as_json.stdout)["errors"][0]["kind"] == "Bug"
    assert "open-sesame" not in done.stderr + as_json.stdout + as_json.stderr
    kept = [path for path in Path(lake).rglob("*") if path.is_file() and b"open-sesame" in path.read_bytes()]
    assert kept == []


def test_a_reader_that_goes_away_is_left_without_a_word(levada, lake, spec):
    levada("run", spec, "--date", DAY, "--lake", lake)
    for arguments in (("status", "--lake", lake), ("status", "--lake", lake, "--json"), ("--help",), ("check", spec)):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "levada", *map(str, arguments)]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, b"")


def test_head_of_a_pipe(levada, lake, spec):
    levada("run", spec, "--date", DAY, "--lake", lake)
    command = f'"{sys.executable}" -m levada status --lake "{lake}" | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.startswith("stream ")
    assert done.stderr == ""
