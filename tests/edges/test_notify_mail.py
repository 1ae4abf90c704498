"""Mail to real SMTP servers: over TLS or not at all, read back as it came; every refusal by who has to act."""

import base64
import hmac
import ssl
import threading
import time
from datetime import UTC, datetime

import pytest
import trustme

from levada.errors import FixThis, TryLater
from levada.notify.mail import Desk, Envelope, Words, composed, unsettled
from levada.notify.sent import within
from levada.notify.server import Server, server_of
from levada.secret import Secret, redact
from mailserver import PASSWORD, USER, MailServer, certificates, talking
from patience import PATIENCE

AT = datetime(2024, 10, 9, 7, 1, 2, tzinfo=UTC)
WORDS = Words(
    "20241009T070100.000000Z-4f2a.mail", AT, "grader 2024-10-08: success", "All well.\n", "<p>All well.</p>\n"
)
ENVELOPE = Envelope(USER, ("ops@example.com",))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with certificates(tmp_path_factory.mktemp("tls")) as made:
        yield made


@pytest.fixture
def server(tls):
    with MailServer(tls[0], whole=True) as found:
        yield found


def send(server, tls, envelope=ENVELOPE, words=WORDS, **given):
    named = server_of(Secret("SMTP_URL", given.pop("url", "") or server.url()))
    return handed_in(named, composed(words, envelope), tls[1], **given)


def handed_in(server, message, environment, **given):
    desk = Desk(environment, **given)
    try:
        return desk.hand_in(server, message)
    finally:
        desk.leave()


def refused(sent, kind, *said, todo=""):
    assert type(sent.error) is kind, sent.error
    for each in said:
        assert each in sent.error.what
    assert todo in sent.error.todo
    text = str(sent.error)
    assert PASSWORD not in text
    assert "s3cr3t" not in text


@pytest.mark.parametrize("whole", [True, False], ids=["smtps", "starttls"])
def test_a_mail_goes_over_tls_with_a_log_in_and_is_read_back(tls, whole):
    with MailServer(tls[0], whole=whole) as server:
        sent = send(server, tls)
    assert (sent.error, sent.settled, sent.notes) == (None, ("ops@example.com",), ())
    [taken] = server.taken
    assert (taken.sender, taken.to, taken.secure, taken.user) == (USER, ("ops@example.com",), True, USER)
    assert taken.mail["From"] == USER
    assert taken.mail["To"] == "ops@example.com"
    assert taken.mail["Subject"] == "grader 2024-10-08: success"
    assert taken.mail["Date"].datetime == AT
    assert taken.mail["Message-ID"] == "<20241009T070100.000000Z-4f2a.mail@notices.levada>"
    assert taken.mail["Auto-Submitted"] == "auto-generated"
    assert taken.part("plain") == "All well.\n"
    assert taken.part("html") == "<p>All well.</p>\n"
    assert list(taken.mail.iter_attachments()) == []


def test_the_password_is_decoded_and_known_as_a_secret(server, tls):
    send(server, tls)
    assert server.log_ins == [(USER, PASSWORD)]
    assert redact(f"the password is {PASSWORD}, they said") == "the password is [secret], they said"
    assert redact(f"as in {server.url()}") == "as in [secret]"


def test_an_ascii_password_is_known(server, tls):
    server.known = ("levada", "plain-words")
    assert send(server, tls, url=server.url("levada:plain-words@")).error is None
    assert server.taken[0].user == "levada"


def test_an_ascii_password_goes_by_what_the_server_offers(server, tls):
    url = server.url("levada%40example.com:plain-words@")
    refused(send(server, tls, url=url), FixThis, "refuses the log-in: 535", todo="app password")
    assert server.log_ins[0] == (USER, "plain-words")
    assert server.taken == []


def test_without_tls_a_mail_goes_within_this_machine_alone():
    with MailServer() as server:
        assert send(server, (None, {}), url=server.url()).error is None
    assert [(taken.secure, taken.user) for taken in server.taken] == [(False, None)]


def test_a_server_without_starttls_gets_neither_password_nor_mail(tls):
    with MailServer() as server:
        sent = send(server, tls, url=f"smtp://levada%40example.com:s3cr3t-word@localhost:{server.port}")
    refused(sent, FixThis, "offers no TLS (STARTTLS), and nothing is sent in the clear", todo="smtps://")
    assert (server.taken, server.log_ins) == ([], [])


def test_a_starttls_that_is_refused_ends_it(tls):
    said = []

    def answer(line):
        said.append(line.split()[0])
        return b"250-mail\r\n250 STARTTLS\r\n" if line.startswith(b"ehlo") else b"454 no TLS now\r\n"

    with talking(answer) as port:
        sent = send(None, tls, url=f"smtp://levada%40example.com:s3cr3t-word@localhost:{port}")
    refused(sent, TryLater, "454 no TLS now")
    assert said == [b"ehlo", b"STARTTLS", b"quit"]


def test_tls_and_starttls_that_are_mixed_up_are_told(server, tls):
    with MailServer() as plain:
        sent = send(None, tls, url=f"smtps://u%40x.y:s3cr3t-word@localhost:{plain.port}")
    refused(sent, FixThis, "speaks no TLS as it was asked", todo="smtps:// where TLS begins at once (465)")


def test_a_certificate_of_nobody_is_refused(server, tls, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    sent = send(server, (None, {"SSL_CERT_FILE": str(tmp_path / "other.pem")}))
    refused(sent, FixThis, "The certificate of the mail server localhost:", "is not good", todo="SSL_CERT_FILE")
    assert (server.taken, server.log_ins) == ([], [])


def test_a_certificate_of_another_name_is_refused(tls, tmp_path):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mail.example.com").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with MailServer(context) as server:
        sent = send(server, (None, {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}))
    refused(sent, FixThis, "is not good", "localhost")
    assert server.taken == []


def test_certificates_that_are_not_there_are_told(server, tmp_path):
    sent = send(server, (None, {"SSL_CERT_FILE": str(tmp_path / "none.pem")}))
    refused(sent, FixThis, "SSL_CERT_FILE names no certificates", todo="let SSL_CERT_FILE name a PEM file")


def test_a_refused_log_in_is_for_a_person(server, tls):
    server.log_in = "535 5.7.8 Username and Password not accepted"
    sent = send(server, tls)
    refused(sent, FixThis, "refuses the log-in: 535 5.7.8 Username and Password not accepted", todo="app password")
    assert not sent.alone


def test_a_log_in_that_the_server_cannot_check_now_is_for_later(server, tls):
    server.log_in = "454 4.7.0 Temporary authentication failure"
    refused(send(server, tls), TryLater, "asks to try later: 454 4.7.0 Temporary")


def test_a_server_that_knows_no_log_in_is_told(tls):
    with talking(lambda _: b"250 mail\r\n", tls=tls[0]) as port:
        sent = send(None, tls, url=f"smtps://levada%40example.com:s3cr3t-word@localhost:{port}")
    refused(sent, FixThis, "knows no log-in", todo="leave user and password out")


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ("451 4.3.0 try again", TryLater, "asks to try later: 451 4.3.0 try again"),
        ("552 5.3.4 too big", FixThis, "refuses the mail: 552 5.3.4 too big"),
        ("554 5.7.1 spam", FixThis, "refuses the mail: 554 5.7.1 spam"),
    ],
)
def test_an_answer_to_the_mail_is_of_this_mail_alone(server, tls, answer, kind, said):
    server.planned = [answer]
    sent = send(server, tls)
    refused(sent, kind, said)
    assert sent.alone
    assert send(server, tls).error is None
    assert len(server.taken) == 1


def test_one_recipient_who_is_refused_is_told_and_the_others_get_it(server, tls):
    server.refused = {"gone@example.com": "550 5.1.1 no such user <b>"}
    sent = send(server, tls, Envelope(USER, ("a@example.com", "gone@example.com", "b@example.com")))
    assert sent.error is None
    assert sent.notes == ("gone@example.com was refused: 550 5.1.1 no such user <b>",)
    assert [taken.to for taken in server.taken] == [("a@example.com", "b@example.com")]


def test_one_recipient_who_is_put_off_is_tried_again_alone(server, tls):
    server.refused = {"slow@example.com": "451 greylisted", "gone@example.com": "550 gone"}
    to = ("a@example.com", "slow@example.com", "gone@example.com")
    sent = send(server, tls, Envelope(USER, to))
    refused(sent, TryLater, "takes the mail later for slow@example.com: 451 greylisted")
    assert sent.alone
    assert sent.settled == ("a@example.com", "gone@example.com")
    assert sent.notes == ("gone@example.com was refused: 550 gone",)
    server.refused = {}
    again = send(server, tls, Envelope(USER, unsettled(to, sent.settled)))
    assert again.error is None
    assert [taken.to for taken in server.taken] == [("a@example.com",), ("slow@example.com",)]


def test_recipients_who_are_all_refused_are_for_a_person(server, tls):
    server.refused = {"gone@example.com": "550 no such user"}
    sent = send(server, tls, Envelope(USER, ("gone@example.com",)))
    refused(sent, FixThis, "takes none of the recipients: gone@example.com was refused: 550", todo="mend the addresses")
    assert server.taken == []


def test_recipients_who_are_all_put_off_are_tried_again(server, tls):
    server.refused = {"slow@example.com": "450 busy"}
    sent = send(server, tls, Envelope(USER, ("slow@example.com",)))
    refused(sent, TryLater, "takes the mail later for slow@example.com: 450 busy")
    assert sent.settled == ()


def test_a_sender_who_is_refused_is_told(tls):
    def answer(line):
        return b"550 not you\r\n" if line.startswith(b"mail") else b"250 mail\r\n"

    with talking(answer, tls=tls[0]) as port:
        sent = send(None, tls, url=f"smtps://localhost:{port}")
    refused(sent, FixThis, f"refuses the sender {USER}: 550 not you", todo="as `from`")
    assert not sent.alone


def test_a_server_that_does_not_want_to_talk_is_told():
    with talking(lambda _: None, b"554 go away\r\n") as port:
        sent = send(None, (None, {}), url=f"smtp://localhost:{port}?tls=none")
    refused(sent, FixThis, "refuses to talk: 554 go away")


def test_a_server_that_has_no_time_is_for_later():
    with talking(lambda _: None, b"421 too busy\r\n") as port:
        sent = send(None, (None, {}), url=f"smtp://localhost:{port}?tls=none")
    refused(sent, TryLater, "asks to try later: 421 too busy")
    assert not sent.alone


def test_a_connection_that_ends_while_tls_begins_is_for_later(tls):
    with talking(lambda _: None, b"") as port:
        sent = send(None, tls, url=f"smtps://localhost:{port}")
    assert type(sent.error) is TryLater, sent.error


def test_certificates_may_lie_in_a_folder(server, tmp_path):
    sent = send(server, (None, {"SSL_CERT_FILE": str(tmp_path)}))
    refused(sent, FixThis, "The certificate of the mail server localhost:", "is not good")


def test_a_server_that_accepts_and_then_hangs_is_given_up_for_now():
    with talking(lambda _: b"", b"") as port:
        sent = send(None, (None, {}), url=f"smtp://localhost:{port}?tls=none", patience=0.1)
    refused(sent, TryLater, f"The mail server localhost:{port} gave no answer: ", "timed out")
    assert not sent.alone


def test_what_never_ends_is_given_up_as_a_whole():
    over = threading.Event()
    try:
        sent = within(0.05, over.wait, "The mail server localhost:1")
    finally:
        over.set()
    refused(sent, TryLater, "The mail server localhost:1 came to no end within 0.05 s.")


def test_a_bug_in_sending_is_not_swallowed():
    def send():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within(60, send, "somebody")


def test_a_server_that_cuts_the_connection_in_the_middle_of_a_mail_is_for_later():
    said = [b""]

    def answer(line):
        said.append(line)
        if line.startswith(b"data"):
            return b"354 go on\r\n"
        return None if said[-2].startswith(b"data") else b"250 OK\r\n"

    with talking(answer) as port:
        sent = send(None, (None, {}), url=f"smtp://localhost:{port}?tls=none")
    refused(sent, TryLater, "gave no answer: ")
    assert said[-1].startswith(b"From:")


def test_nobody_listening_is_for_later():
    with talking(lambda _: None) as port:
        pass  # and gone
    sent = send(None, (None, {}), url=f"smtp://localhost:{port}?tls=none")
    refused(sent, TryLater, f"localhost:{port} gave no answer: Connection refused")


def test_a_host_that_is_not_there_is_for_a_person():
    sent = handed_in(Server("mail.levada.invalid", 465, "whole"), composed(WORDS, ENVELOPE), {})
    assert sent.error
    assert "mail.levada.invalid" in sent.error.what
    # A machine without a resolver cannot say that there is no such host.
    assert isinstance(sent.error, FixThis) or "Temporary failure" in sent.error.what


def test_a_host_that_is_no_name_is_for_a_person():
    sent = handed_in(Server("a" * 70 + ".example", 465, "whole"), composed(WORDS, ENVELOPE), {})
    refused(sent, FixThis, "There is no mail server aaa", todo="mend the host")


def test_names_and_subjects_that_are_not_ascii_arrive(server, tls):
    text = "Zeile — 日本語\n" + "x" * 3000 + "\n.\n..\nFrom me\n"
    words = Words("r.mail", AT, "Größe 日本: success " + "lang " * 40, text, f"<p>Ärger {'y' * 3000}</p>\n")
    envelope = Envelope("Jürgen Groß <levada@example.com>", ('"Ops, 東京" <ops@example.com>', "b@bücher.example"))
    assert send(server, tls, envelope, words).error is None
    [taken] = server.taken
    assert taken.to == ("ops@example.com", "b@xn--bcher-kva.example")
    assert taken.mail["Subject"] == words.subject.strip()
    assert taken.mail["From"].addresses[0].display_name == "Jürgen Groß"
    assert taken.mail["To"].addresses[0].display_name == "Ops, 東京"
    assert taken.part("plain") == text
    assert taken.part("html") == words.html
    assert max(map(len, taken.raw.split(b"\r\n"))) <= 998
    assert taken.raw.isascii()


def test_an_address_that_is_not_ascii_goes_to_a_server_that_takes_it(tls):
    envelope = Envelope(USER, ("jürgen@example.com",))
    with MailServer(tls[0], whole=True, utf8=True) as server:
        assert send(server, tls, envelope).error is None
    assert server.taken[0].to == ("jürgen@example.com",)
    with MailServer(tls[0], whole=True) as server:
        sent = send(server, tls, envelope)
    refused(sent, FixThis, "takes ASCII alone before the @", todo="without accents")
    assert sent.alone


@pytest.mark.parametrize(
    "odd", ["x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\x0bBcc: evil@example.com"]
)
def test_no_line_break_begins_a_header(server, tls, odd):
    words = Words("r.mail", AT, odd, "text", "html")
    assert (
        send(
            server, tls, Envelope(f"{odd.replace('@', ' at ')} <levada@example.com>", ("ops@example.com",)), words
        ).error
        is None
    )
    [taken] = server.taken
    assert taken.to == ("ops@example.com",)
    assert taken.mail["Bcc"] is None
    assert b"\nBcc:" not in taken.raw
    assert taken.mail["Subject"] == "x Bcc: evil@example.com"


@pytest.mark.parametrize("address", ["nobody", "@example.com", "a b@example.com", "", "a@", "a@b..ü"])
def test_what_is_no_address_is_told(address):
    with pytest.raises(FixThis, match="is no address of a mail") as caught:
        composed(WORDS, Envelope(USER, (address,)))
    assert caught.value.todo == "write it as name@example.com"


def quoting(ways, said):
    """Answers of a server that knows these ways to log in, and quotes what it does not understand."""

    def answer(line):
        said.append(line.strip())
        if line.startswith(b"ehlo"):
            return b"250-mail\r\n250 AUTH " + ways + b"\r\n"
        if line.startswith(b"AUTH CRAM-MD5"):
            return b"334 " + base64.b64encode(b"<1896.697170952@mail>") + b"\r\n"
        if line.startswith(b"AUTH LOGIN") or (b"LOGIN" in ways and len(said) == 3):
            return b"334 VXNlcm5hbWU6\r\n"
        return b"501 5.5.2 I do not understand: " + line.strip() + b"\r\n"

    return answer


@pytest.mark.parametrize("ways", [b"PLAIN", b"LOGIN", b"CRAM-MD5", b"XOAUTH2 PLAIN", b"CRAM-MD5 LOGIN"])
def test_a_server_that_quotes_the_log_in_makes_nothing_of_it_known(tls, ways):
    said = []
    with talking(quoting(ways, said), tls=tls[0]) as port:
        sent = send(None, tls, url=f"smtps://apikey-user:Tr0ub4dor-and-3-horses@localhost:{port}")
    refused(sent, FixThis, "refuses the log-in: 501 5.5.2 I do not understand: ", "[secret]")
    last = said[-2].removeprefix(b"AUTH PLAIN ").decode()
    assert len(last) > 20
    assert last not in str(sent.error)
    assert redact(f"they said {last}") == "they said [secret]"


def test_parts_of_a_log_in_are_secrets_before_they_are_said():
    token = base64.b64encode(b"\0somebody\0an-old-password").decode()
    assert token in redact(token)
    server_of(Secret("SMTP_URL", "smtps://somebody:an-old-password@mail.test"))
    for text in (token, base64.b64encode(b"somebody").decode(), base64.b64encode(b"an-old-password").decode()):
        assert redact(f"x {text} y") == "x [secret] y"
    assert redact("somebody asked") == "somebody asked"  # a word; the id of a key is none
    server_of(Secret("SMTP_URL", "smtps://AKIAIOSFODNN7EXAMPLE:an-old-password@mail.test"))
    assert redact("AKIAIOSFODNN7EXAMPLE is no user") == "[secret] is no user"


def test_a_server_that_takes_tokens_alone_is_for_a_person(tls):
    with talking(lambda _: b"250-mail\r\n250 AUTH XOAUTH2 OAUTHBEARER\r\n", tls=tls[0]) as port:
        sent = send(None, tls, url=f"smtps://levada%40example.com:s3cr3t-word@localhost:{port}")
    refused(sent, FixThis, "takes no password: it offers XOAUTH2 OAUTHBEARER alone", todo="PLAIN, LOGIN")


@pytest.mark.parametrize("way", ["CRAM-MD5", "LOGIN"])
def test_other_ways_log_in_too(tls, way):
    said = []

    def answer(line):
        said.append(line.strip())
        if line.startswith(b"ehlo"):
            return b"250-mail\r\n250 AUTH " + way.encode() + b"\r\n"
        if line.startswith(b"AUTH") or (way == "LOGIN" and len(said) == 3):
            return b"334 " + base64.b64encode(b"<1@mail>") + b"\r\n"
        return b"235 in\r\n" if len(said) == (3 if way == "CRAM-MD5" else 4) else b"554 no\r\n"

    with talking(answer, tls=tls[0]) as port:
        sent = send(None, tls, url=f"smtps://me:plain-words@localhost:{port}")
    refused(sent, FixThis, "refuses the sender")
    spoken = [base64.b64decode(line) for line in said[2 : 3 if way == "CRAM-MD5" else 4]]
    digest = hmac.new(b"plain-words", b"<1@mail>", "md5").hexdigest().encode()
    assert spoken == ([b"me " + digest] if way == "CRAM-MD5" else [b"me", b"plain-words"])


def test_a_goodbye_that_nobody_answers_takes_nothing_back():
    over = threading.Event()

    def answer(line):
        if line.startswith(b"quit"):
            over.wait(PATIENCE)
            return b""
        return b"354 go on\r\n" if line.startswith(b"data") else b"" if said_more(line) else b"250 OK\r\n"

    def said_more(line):
        known = (b"ehlo", b"mail", b"rcpt", b"rset")
        return not line.startswith(known) and line != b".\r\n"

    with talking(answer) as port:
        began = time.monotonic()
        sent = send(None, (None, {}), url=f"smtp://localhost:{port}?tls=none")
        took = time.monotonic() - began
        over.set()
    assert sent.error is None
    assert took < PATIENCE / 2


def test_the_variable_in_force_is_the_one_to_name_an_authority_in(server, tls, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    sent = send(server, (None, {**tls[1], "REQUESTS_CA_BUNDLE": str(tmp_path / "other.pem")}))
    refused(sent, FixThis, "is not good", todo="let REQUESTS_CA_BUNDLE name the authority")
