"""The plan in words says who is told, and no secret."""

import pytest

from levada.cli.asking import lacking_secrets
from levada.spec.read import read_text
from levada.spec.words import words

HEAD = "pipeline: s\nsource: {url: https://a.test}\nstreams: {s: {request: {path: /s}}}\n"


def told(notify, **environment):
    return "\n".join(words(read_text(HEAD + notify, "s.yaml", environment)))


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        (
            'mail: {server: "${SMTP_URL}", to: ops@example.com}',
            "  A mail to ops@example.com, by the server in SMTP_URL, after every end\n",
        ),
        (
            'mail: {server: "${A:-${B}}", to: [a@x.y, b@x.y], from: l@x.y, subject: "{outcome}", when: failure}',
            '  A mail to a@x.y and b@x.y, from l@x.y, by the server in A or B, subject "{outcome}", after failure\n',
        ),
        ('webhook: "${HOOK_URL}"', "  A POST with the facts as JSON to the URL in HOOK_URL, after every end\n"),
        (
            'webhook: {url: "${HOOK_URL}", form: slack, when: [partial, failure]}',
            "  A POST in Slack's form to the URL in HOOK_URL, after partial or failure\n",
        ),
    ],
)
def test_the_plan_says_who_is_told(notify, said):
    text = told(f"notify: {{{notify}}}\n", SMTP_URL="smtps://me:hunter2@x.y", A="smtps://me:hunter2@x.y")
    assert f"\nNotices\n{said}" in text
    assert "it waits in the lake for the next round, or for `levada notify`." in text
    assert "hunter2" not in text


def test_a_spec_that_notifies_nobody_says_nothing_of_it():
    assert "Notices" not in told("")


def test_a_variable_that_is_not_set_is_a_warning_and_stops_no_command():
    text = told('notify: {mail: {server: "${SMTP_URL}", to: "${REPORT_TO}"}}\n')
    assert (
        "Warning: The secret SMTP_URL is not set (notify.mail.server, s.yaml:4:25); notices wait until it is." in text
    )
    assert "Warning: The variable REPORT_TO is not set (notify.mail.to, s.yaml:4:44); notices wait until it is." in text


def test_nobody_is_asked_for_the_servers_of_notices():
    notify = 'notify: {mail: {server: "${SMTP_URL}", to: "${REPORT_TO}"}, webhook: "${HOOK_URL}"}\n'
    key = HEAD.replace("a.test}", 'a.test, auth: {bearer: "${TOKEN}"}}')
    assert lacking_secrets(read_text(HEAD + notify, "s.yaml", {}).missing) == []
    assert lacking_secrets(read_text(key + notify, "s.yaml", {}).missing) == ["TOKEN"]
    plain = key.replace("path: /s", 'path: "/${PLACE}"')
    assert lacking_secrets(read_text(plain + notify, "s.yaml", {}).missing) == []
