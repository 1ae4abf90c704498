"""Mails and webhooks by the command line: after a run, after a failure, later, by hand; the lake looks as before."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from levada.cli.main import levada
from mailserver import MailServer, certificates, talking
from simulated import SPEC
from webserver import WebServer

DAY = "2022-08-11"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The sales spec, with a mail and a webhook."""
    notify = """
notify:
  mail: {server: "${SMTP_URL}", from: levada@example.com, to: ops@example.com}
  webhook: {url: "${HOOK_URL}", form: slack, when: [partial, failure]}
"""
    path = tmp_path / "sales.yaml"
    path.write_text(SPEC.read_text() + notify)
    return path


@pytest.fixture
def web():
    with WebServer(lambda _: "ok") as server:
        yield server


@pytest.fixture
def run(api, tmp_path, monkeypatch):
    """Run `levada …` within this process, in an empty folder; the result has exit_code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object, **environment: str) -> Result:
        return CliRunner().invoke(levada, [str(one) for one in arguments], env={**api.environment, **environment})

    return invoke


def test_a_run_ends_with_a_mail_over_tls(run, spec, web, tmp_path):
    with certificates(tmp_path) as (context, trusted), MailServer(context, whole=True) as server:
        done = run("run", spec, "--date", DAY, SMTP_URL=server.url(), HOOK_URL=f"{web.url}/hook", **trusted)
    assert (done.exit_code, done.stderr) == (0, ""), done
    [taken] = server.taken
    assert (taken.secure, taken.mail["Subject"]) == (True, f"sales {DAY}: success")
    text = taken.part("plain")
    assert "\nOutcome       success: 1 done with quarantine\n" in text
    assert "\nsales            1   338   239           99        0 " in text
    assert "\nAsked for by  a command: run\n" in text
    assert "s3cr3t" not in done.stdout + text
    assert web.seen == []


def test_what_could_not_be_told_waits_is_listed_and_sent_by_hand(run, spec, web, lake):
    with talking(lambda _: None) as port:
        pass  # nobody is there
    away = {"SMTP_URL": f"smtp://localhost:{port}?tls=none", "HOOK_URL": f"{web.url}/hook-that-is-secret"}
    failed = run("run", spec, "--date", "2022-08-09", "--stream", "sales", **away, AUTH_TOKEN="wrong-token")
    assert failed.exit_code == 2
    assert "it waits for the next round, or for `levada notify" in failed.stderr
    assert "hook-that-is-secret" not in failed.stdout + failed.stderr
    [asked] = web.seen
    assert asked.json["text"] == "sales 2022-08-09: failure"
    assert "wrong-token" not in asked.body.decode()

    looked = [run(*words, "--lake", lake) for words in (("status",), ("verify",), ("quarantine",))]
    for one in looked:
        assert "notices" not in one.stdout + one.stderr, one
        assert "outbox" not in one.stdout + one.stderr, one

    listed = run("notify", spec, "--list", **away)
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["channel", "mail"]
    assert "sales 2022-08-09: failure" in listed.stdout
    still = run("notify", spec, "--json", **away)
    assert still.exit_code == 75
    told = json.loads(still.stdout)
    assert [(one["channel"], one["state"], one["attempts"]) for one in told["notices"]] == [("mail", "waits", 2)]
    assert (told["waiting"], told["errors"][0]["kind"]) == (1, "TryLater")

    with MailServer() as server:
        sent = run("notify", spec, SMTP_URL=server.url())
    assert (sent.exit_code, sent.stdout) == (0, 'The mail "sales 2022-08-09: failure": sent\n'), sent
    assert "ApiRefused: " in server.taken[0].part("plain")
    assert run("notify", spec, "--list").stdout == "No notice waits.\n"
    assert run("notify", spec).stdout == "No notice waits.\n"


def test_what_is_left_and_who_was_refused_is_told(run, spec, lake):
    folder = lake / "_levada" / "notices.outbox" / "sales"
    with talking(lambda _: None) as port:
        pass  # nobody is there
    hook = {"HOOK_URL": f"http://localhost:{port}/hook"}
    for day in ("2022-08-09", "2022-08-10"):
        run("run", spec, "--date", day, SMTP_URL=f"smtp://localhost:{port}?tls=none", **hook)
    (folder / "20220812T060000.000000Z-0001.mail.json").write_text("{")
    with MailServer() as server:
        server.planned = ["552 too big"]
        spec.write_text(spec.read_text().replace("to: ops@example.com", "to: [ops@example.com, gone@example.com]"))
        server.refused = {"gone@example.com": "550 gone"}
        done = run("notify", spec, SMTP_URL=server.url(), **hook)
        assert done.exit_code == 2
        assert done.stdout.splitlines()[1:] == [
            'The mail "sales 2022-08-09: success": not sent, it waits',
            'The mail "sales 2022-08-10: success": sent',
            "  gone@example.com was refused: 550 gone",
            "2 notices in the outbox.",
        ]
        assert "refuses the mail: 552 too big" in done.stderr
        told = json.loads(run("notify", spec, "--json", SMTP_URL=server.url(), **hook).stdout)
    assert [(one["state"], one["refused"]) for one in told["notices"]] == [
        ("damaged", []),
        ("sent", ["gone@example.com was refused: 550 gone"]),
    ]
    assert told["waiting"] == 1


def test_a_person_tries_the_servers(run, spec, web):
    with MailServer() as server:
        right = run("notify", spec, "--test", SMTP_URL=server.url(), HOOK_URL=f"{web.url}/hook")
    assert (right.exit_code, right.stderr) == (0, ""), right
    assert right.stdout == ('The mail "sales: a test of mail": sent\nThe webhook "sales: a test of webhook": sent\n')
    assert server.taken[0].mail["Subject"] == "sales: a test of mail"
    assert web.seen[0].json["text"] == "sales: a test of webhook"
    wrong = run("notify", spec, "--test", SMTP_URL="smtp://example.com?tls=none")
    assert wrong.exit_code == 2
    assert wrong.stdout.count(": not sent\n") == 2
    assert "says tls=none for another machine" in wrong.stderr
    assert "Not set: HOOK_URL." in wrong.stderr
    both = run("notify", spec, "--test", "--list")
    assert both.exit_code == 2
    assert "--list and --test exclude one another" in both.stderr


def test_a_spec_that_notifies_nobody_says_so(run):
    done = run("notify", SPEC, "--test", "--lake", "lake")
    assert (done.exit_code, done.stdout) == (0, "The spec notifies nobody.\n")


def test_a_notice_that_is_damaged_is_told_with_a_code(run, spec, lake):
    folder = lake / "_levada" / "notices.outbox" / "sales"
    folder.mkdir(parents=True)
    (folder / "20220812T060000.000000Z-0001.mail.json").write_text("{")
    done = run("notify", spec, "--list")
    assert done.exit_code == 2
    assert "A notice that waits cannot be read" in done.stderr
    assert "delete the file" in done.stderr
    told = json.loads(run("notify", spec, "--list", "--json").stdout)
    assert (told["notices"], told["waiting"], told["errors"][0]["kind"]) == ([], 1, "Damaged")


def test_a_check_warns_of_variables_that_are_of_no_use(run, spec):
    wrong = run("check", spec, SMTP_URL="smtps://u:pass/w0rd@smtp.invalid:465", HOOK_URL="http://example.com/hook")
    assert wrong.exit_code == 0
    warned = [line for line in wrong.stdout.splitlines() if line.startswith("Warning: The ")]
    assert [line.split(".")[0] for line in warned] == [
        "Warning: The mail server in SMTP_URL cannot be used: the value holds no server",
        "Warning: The webhook in HOOK_URL cannot be used: the value goes over the network in the clear",
    ]
    assert "write smtps://<user>:<password>@<host>:465 (TLS)" in warned[0]
    assert "w0rd" not in wrong.stdout
    right = run("check", spec, SMTP_URL="smtps://u%40x.y:pass%2Fw0rd@smtp.invalid", HOOK_URL="https://example.com/hook")
    assert "cannot be used" not in right.stdout


def test_a_signal_while_notices_are_sent_ends_these_alone_and_the_result_is_told(run, spec, lake, monkeypatch):
    def interrupted(*_):
        raise SystemExit(143)  # as SIGTERM is within a command

    with MailServer() as server:
        monkeypatch.setattr("levada.notify.mail.Desk.hand_in", interrupted)
        monkeypatch.setattr("levada.notify.channels.within", lambda _, send, *__: send())
        done = run("run", spec, "--date", DAY, "--json", SMTP_URL=server.url())
    assert done.exit_code == 143
    told = json.loads(done.stdout)
    assert [one["outcome"] for one in told["runs"]] == ["done with quarantine"]
    note = "notices were not sent to the end, a signal came: those in the outbox wait for the next round"
    assert told["notes"] == [note]
    assert len(list((lake / "_levada" / "notices.outbox" / "sales").glob("*.json"))) == 1
