"""Notices: when people are told, when a notice is given up, and how it is written down."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from levada.errors import FixThis, TryLater
from levada.notify.notice import (
    Notice,
    failed,
    from_json,
    is_due,
    is_over,
    mail_notice,
    to_json,
    trial_notice,
    webhook_notice,
)
from levada.nouns import Place
from levada.round import Ending, Failure, Round
from levada.spec.auth import SecretRef
from levada.spec.telling import Mail, Webhook

AT = datetime(2024, 10, 9, 7, 1, tzinfo=UTC)
PLACE = Place("s.yaml", 1, 1)
REF = SecretRef(("SMTP_URL",), PLACE)
DONE = Round("grader", "20241009T070100.000000Z-4f2a", "run", "command", AT, AT, failures=(Failure("FixThis", 2, "x"),))


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (("always",), {"success", "partial", "failure"}),
        (("success",), {"success"}),
        (("partial",), {"partial"}),
        (("failure",), {"failure"}),
        (("success", "failure"), {"success", "failure"}),
        (("partial", "failure"), {"partial", "failure"}),
        ((), set()),
    ],
)
def test_when_people_are_told(when, told):
    assert {ending for ending in get_args(Ending) if is_due(when, ending)} == told


def test_the_same_round_has_the_same_name_whenever_it_is_told():
    mail = Mail(REF, ("ops@example.com",), PLACE)
    first, again = mail_notice(DONE, mail), mail_notice(DONE, mail)
    assert first.id == again.id == "20241009T070100.000000Z-4f2a.mail"
    assert webhook_notice(DONE, Webhook(REF, PLACE)).id == "20241009T070100.000000Z-4f2a.webhook"


def test_a_mail_has_text_and_html_and_a_webhook_json():
    mail = mail_notice(DONE, Mail(REF, ("ops@example.com",), PLACE))
    assert (mail.kind, mail.made, mail.subject) == ("mail", AT, "grader: failure")
    assert mail.text.startswith("grader: failure\n")
    assert mail.html.startswith("<!DOCTYPE html>")
    assert json.loads(webhook_notice(DONE, Webhook(REF, PLACE)).body)["kind"] == "levada.round"
    slack = webhook_notice(DONE, Webhook(REF, PLACE, form="slack"))
    assert json.loads(slack.body)["text"] == slack.subject == "grader: failure"


def test_a_trial_says_that_it_is_one():
    mail = trial_notice("mail", "grader", "trial-1", AT)
    assert (mail.id, mail.subject) == ("trial-1.mail", "grader: a test of mail")
    assert "a test: no round was made" in mail.text
    assert "a test: no round was made" in mail.html
    facts = json.loads(trial_notice("webhook", "grader", "trial-1", AT).body)
    assert facts == {"version": 1, "kind": "levada.test", "id": "trial-1", "pipeline": "grader"}
    assert (
        json.loads(trial_notice("webhook", "grader", "trial-1", AT, "slack").body)["text"]
        == "grader: a test of webhook"
    )


@pytest.mark.parametrize(
    ("age", "attempts", "over"),
    [
        (timedelta(days=6, hours=23), 19, False),
        (timedelta(days=7), 0, True),
        (timedelta(hours=23), 500, False),
        (timedelta(days=1), 20, True),
        (timedelta(days=1), 19, False),
        (timedelta(days=-1), 500, False),
    ],
)
def test_when_a_notice_is_given_up(age, attempts, over):
    assert is_over(Notice("r.mail", "mail", AT - age, "s", attempts=attempts), AT) is over


def test_a_failed_try_is_counted_and_told_and_settled_recipients_add_up():
    notice = failed(Notice("r.mail", "mail", AT, "s"), TryLater("away\nnow"), ("a@x.y",), AT + timedelta(hours=1))
    assert (notice.attempts, notice.tried, notice.error) == (1, AT + timedelta(hours=1), "away now")
    notice = failed(notice, FixThis("wrong", todo="mend it"), ("a@x.y", "b@x.y"), AT)
    assert (notice.attempts, notice.error, notice.settled) == (2, "wrong; mend it", ("a@x.y", "b@x.y"))


def test_a_notice_is_the_same_when_it_is_read_again():
    notice = Notice("r.mail", "mail", AT, "Ü", "t", "h", "{}", 2, AT, "why", ("a@x.y",))
    assert from_json(to_json(notice)) == notice
    assert from_json(to_json(replace(notice, tried=None, settled=()))).tried is None
    assert json.loads(to_json(notice))["version"] == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"[]", "no notice"),
        (b"null", "no notice"),
        (b"\xff", "decode"),
        (b"{}", "no notice: 'version'"),
        (to_json(Notice("r", "mail", AT, "s")).replace(b'"version": 1', b'"version": 2'), "version 2"),
        (to_json(Notice("r", "mail", AT, "s")).replace(b'"text"', b'"txt"'), "no notice"),
        (to_json(Notice("r", "mail", AT, "s")).replace(b"2024-10-09", b"yesterday!"), "yesterday"),
    ],
)
def test_what_is_no_notice_is_told(data, why):
    with pytest.raises(ValueError, match=why):
        from_json(data)
