"""The commands around a run: demo, simulate, check, status, quarantine, version, and wrong arguments."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from patience import PATIENCE
from simulated import SPEC, TOKEN, Levada

DAY = "2022-08-09"
BAD_DAY = "2022-08-11"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A folder in which the demonstration ran twice, and what it said each time."""
    folder = tmp_path_factory.mktemp("a folder")
    levada = Levada({}, folder)
    return levada, levada("demo", "--folder", "my demo"), levada("demo", "--folder", "my demo")


def table(text: str) -> list[list[str]]:
    """The lines of the table of runs, cell by cell."""
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines() if re.match(r"date |2022", line)]


def test_demo_shows_a_table_rows_and_the_mistake_that_was_caught(demo):
    _, first, _ = demo
    assert (first.returncode, first.stderr) == (0, "")
    head, *days = table(first.stdout)
    assert head == ["date", "pages", "rows read", "kept", "quarantined", "files", "seconds", "outcome"]
    assert [[*day[:6], day[7]] for day in days] == [
        ["2022-08-09", "4", "338", "338", "0", "8", "done"],
        ["2022-08-10", "4", "338", "338", "0", "8", "done"],
        ["2022-08-11", "4", "338", "239", "99", "8", "done with quarantine"],
    ]
    assert "The first rows of stg/sales/2022-08-09/sales_2022-08-09_1.avro:\nclient " in first.stdout
    assert "page 1 holds 99 rows of another day" in first.stdout


def test_demo_again_changes_nothing(demo):
    _, _, second = demo
    assert second.returncode == 0
    assert [day[7] for day in table(second.stdout)[1:]] == [
        "done (nothing changed)",
        "done (nothing changed)",
        "done with quarantine (nothing changed)",
    ]


def test_what_demo_suggests_works_when_it_is_copied(demo, api):
    levada, first, _ = demo
    advice = first.stdout.split("What to try next:\n")[1].splitlines()
    commands = [line.strip() for line in advice if re.match(r"  \S", line)]
    assert len(commands) == 6
    for suggested in commands:
        # The server does not end by itself; `api` is one, on a port of its own.
        command = suggested.replace("sales --port 8000", "sales --help").replace("http://127.0.0.1:8000", api.url)
        done = subprocess.run(
            command, shell=True, cwd=levada.folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout


def test_an_edited_spec_of_the_demo_stays(tmp_path):
    levada = Levada({}, tmp_path)
    levada("demo")
    spec = tmp_path / "sales-demo" / "pipeline.yaml"
    text = spec.read_text()
    edited = text[: text.index("    stage:")].replace("min: 0", "min: 1000")
    spec.write_text(edited)
    done = levada("demo")
    assert done.returncode == 0, done.stderr
    assert spec.read_text() == edited
    assert "The first rows" not in done.stdout


def test_demo_in_a_place_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    done = Levada({}, tmp_path)("demo", "--folder", "file/below")
    assert done.returncode == 2
    assert "The demonstration cannot be written: Not a directory." in done.stderr
    assert "where: file/below/pipeline.yaml" in done.stderr
    assert "--folder" in done.stderr


def test_simulate_on_a_busy_port_says_what_to_do(levada):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = levada("simulate", "sales", "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The port is in use by another program." in done.stderr
    assert f"where: 127.0.0.1:{port}" in done.stderr
    assert "--port, or 0 for any free one" in done.stderr


def test_check_lists_missing_variables_as_warnings(levada, tmp_path, spec):
    own = tmp_path / "own.yaml"
    own.write_text(spec.read_text().replace("${SALES_API_URL:-https://fake-api-vycpfa6oca-uc.a.run.app}", "${NO_URL}"))
    done = levada("check", own, AUTH_TOKEN="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Warning: The variable NO_URL is not set" in done.stdout
    assert "Warning: The secret AUTH_TOKEN or API_AUTH_TOKEN is not set" in done.stdout


def test_check_tells_every_mistake_at_once(levada, tmp_path, spec):
    own = tmp_path / "own.yaml"
    own.write_text(spec.read_text().replace("paging:", "pagin:").replace("int32", "int33"))
    done = levada("check", own)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(r"own\.yaml:16:\d+", done.stderr)
    assert "paging" in done.stderr
    assert "int32" in done.stderr


def test_status_for_people_and_for_machines(levada, lake, spec):
    levada("run", spec, "--date", BAD_DAY, "--lake", lake)
    head, row = levada("status", "--lake", lake).stdout.splitlines()
    assert head.split() == ["stream", "partition", "state", "pages", "read", "kept", "quarantined", "committed"]
    assert re.split(r" {2,}", row)[:7] == ["sales/sales", BAD_DAY, "done with quarantine", "4", "338", "239", "99"]
    (told,) = json.loads(levada("status", "--lake", lake, "--json").stdout)
    assert told["state"] == "done with quarantine"
    assert told["counts"] == {"read": 338, "kept": 239, "quarantined": 99, "dropped": 0, "nullified": 0}


def test_values_set_to_null_are_seen_in_the_run_the_status_and_the_demo(levada, lake, tmp_path):
    spec = tmp_path / "sales-demo" / "pipeline.yaml"
    spec.parent.mkdir()
    spec.write_text(SPEC.read_text().replace("    contract:\n", "    contract:\n      on_bad: nullify\n"))
    done = levada("run", spec, "--date", BAD_DAY, "--lake", lake)
    assert "338 kept, 0 quarantined, 99 values nullified, 8 files" in done.stdout
    head, row = levada("status", "--lake", lake).stdout.splitlines()
    assert dict(zip(head.split(), re.split(r" {2,}", row), strict=True))["nullified"] == "99"
    head, *_, last = table(levada("demo").stdout)
    assert (head[4:6], last[4:6]) == (["quarantined", "nullified"], ["0", "99"])


def test_status_tells_why_a_partition_failed(levada, lake, spec):
    levada("run", spec, "--date", DAY, "--lake", lake, AUTH_TOKEN="wrong-token")
    done = levada("status", "--lake", lake)
    assert done.returncode == 0
    assert re.search(r"2022-08-09 +failed", done.stdout)
    assert "The API refuses the key with 403" in done.stdout
    assert "to do: Check AUTH_TOKEN" in done.stdout


@pytest.mark.parametrize("command", ["status", "quarantine"])
def test_a_lake_that_is_not_there_is_no_empty_lake(command, levada, lake):
    done = levada(command, "--lake", lake)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"There is no folder {lake}." in done.stderr
    assert "levada check SPEC" in done.stderr
    lake.mkdir()
    assert levada(command, "--lake", lake).returncode == 0


@pytest.mark.parametrize("command", ["status", "quarantine"])
def test_a_lake_that_cannot_be_looked_at_is_no_bug(command, levada, tmp_path):
    lake = tmp_path / ("a" * 300)
    done = levada(command, "--lake", lake)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"The folder {lake} cannot be looked at: File name too long." in done.stderr
    assert "  where: --lake\n" in done.stderr
    assert "check the path, and that this user may enter the folders above the lake" in done.stderr


def test_a_spec_in_a_folder_that_cannot_be_is_no_bug(levada, tmp_path):
    spec = tmp_path / ("a" * 300) / "pipeline.yaml"
    done = levada("check", spec)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be looked for: File name too long." in done.stderr
    assert f"  where: {spec.parent}" in done.stderr
    assert f"check the path {spec}" in done.stderr


def test_quarantine_lists_partitions_then_rows(levada, lake, spec):
    levada("run", spec, "--date", BAD_DAY, "--lake", lake)
    listed = levada("quarantine", "--lake", lake)
    name = f"sales/sales/{BAD_DAY}"
    assert re.search(rf"^{name} +99  the commit$", listed.stdout, re.MULTILINE)
    assert f"levada quarantine {name} --lake {lake}" in listed.stdout
    shown = levada("quarantine", name, "--lake", lake, "--limit", 2)
    assert shown.stdout.count(f'expected "{BAD_DAY}", found "2022-08-09"') == 2
    assert "2 of 99 rows; --limit 99 shows all." in shown.stdout
    rows = json.loads(levada("quarantine", name, "--lake", lake, "--limit", 99, "--json").stdout)
    assert len(rows) == 99
    assert json.loads(rows[0]["raw"])["purchase_date"] == "2022-08-09"
    assert rows[0]["violations"][0]["rule"] == "equals"
    wrong = levada("quarantine", "sales/sales/2022-08-10", "--lake", lake)
    assert wrong.returncode == 2
    assert f"choose among: {name}" in wrong.stderr


@pytest.mark.parametrize("others", [True, False])
def test_a_partition_that_cannot_be_read_is_none_without_rows_in_quarantine(levada, lake, spec, others):
    levada("run", spec, "--date", BAD_DAY, "--lake", lake)
    stream = lake / "_levada/sales/sales"
    if others:
        shutil.copytree(stream / BAD_DAY, stream / "2022-08-09")
    record = stream / BAD_DAY / "commit.json"
    record.unlink()
    record.write_text("{")
    done = levada("quarantine", "--lake", lake)
    assert done.returncode == 2
    assert str(record.relative_to(lake)) in done.stderr
    assert "the commit record is damaged" in done.stderr
    if others:
        assert re.search(r"^sales/sales/2022-08-09 +99  the commit$", done.stdout, re.MULTILINE)
    else:
        assert done.stdout == f"No row of {lake} is in quarantine in the partitions that can be read.\n"
    told = levada("quarantine", "--lake", lake, "--json")
    assert (told.returncode, len(json.loads(told.stdout))) == (2, int(others))
    assert "the commit record is damaged" in told.stderr
    named = levada("quarantine", f"sales/sales/{BAD_DAY}", "--lake", lake)
    assert (named.returncode, named.stdout) == (2, "")
    assert "the commit record is damaged" in named.stderr


def test_version_names_python_and_libraries(levada):
    from levada.version import __version__

    lines = levada("version").stdout.splitlines()
    assert lines[0] == f"levada {__version__}"
    assert [line.split()[0] for line in lines[1:]] == ["python", "aiohttp", "fastavro", "msgspec"]
    assert levada("--version").stdout == f"levada, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "where", "todo"),
    [
        ((), "--date, --from, --to", "give either --date 2022-08-09"),
        (("--date", "2022-8-9"), "--date", "write 2022-08-09"),
        (("--date", "2022-02-30"), "--date", "give a day that there is"),
        (("--from", "9.8.2022", "--to", "2022-08-12"), "--from", "write it as 2022-08-09"),
        (("--from", "2022-08-09", "--to", "soon"), "--to", "write it as 2022-08-09"),
        (("--from", "2022-08-09"), "--date, --from, --to", "give either --date 2022-08-09"),
        (("--date", DAY, "--to", DAY), "--date, --from, --to", "give either --date 2022-08-09"),
        (("--from", DAY, "--to", DAY), "--from, --to", "write 2022-08-09 to 2022-08-10"),
        (("--date", ""), "--date", "write it as 2022-08-09"),
        (("--date", DAY, "--wait", "5"), "--wait", "write a number with its unit"),
    ],
)
def test_a_wrong_option_is_named(arguments, where, todo, levada, lake):
    done = levada("run", SPEC, *arguments, "--lake", lake)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"  where: {where}\n" in done.stderr
    assert todo in done.stderr
    assert not lake.exists()


def test_a_command_line_that_is_none_is_told_as_json_too(levada, spec):
    done = levada("run", spec, "--dat", DAY, "--json")
    assert (done.returncode, done.stderr) == (2, "")
    (error,) = json.loads(done.stdout)["errors"]
    assert "--dat" in error["what"]
    assert error["todo"] == "see `levada run --help`"


def test_help_loads_no_library_but_click():
    code = "import sys; from levada.cli import main; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ}, timeout=PATIENCE)
    heavy = {"aiohttp", "dotenv", "fastapi", "fastavro", "msgspec", "re2", "rich", "uvicorn", "yaml", "asyncio"}
    assert heavy.isdisjoint(done.stdout.split())
    assert "click" in done.stdout.split()


def test_the_token_of_the_simulator_is_not_the_users(demo):
    levada, first, _ = demo
    assert f"AUTH_TOKEN={TOKEN}" in first.stdout
    assert not any(TOKEN in path.read_text(errors="replace") for path in levada.folder.rglob("*") if path.is_file())
