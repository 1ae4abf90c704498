"""Webhooks on real HTTP servers: what is posted, where it may go, what each answer means; the URL is never shown."""

import json

import pytest
import trustme

from levada.errors import FixThis, TryLater
from levada.notify.webhook import post
from levada.secret import Secret, redact
from mailserver import certificates, talking
from rawserver import CLOSE, RESET, RawServer
from webserver import Said, WebServer

PATH = "/services/T0000/B0000/xyzsecret1"
BODY = json.dumps({"version": 1, "text": "Größe"}).encode()


@pytest.fixture
def web():
    with WebServer(lambda _: "ok") as server:
        yield server


def send(url, environment=None, patience=20.0):
    return post(Secret("HOOK_URL", url), BODY, environment or {}, patience)


def refused(sent, kind, what, todo=""):
    assert type(sent.error) is kind, sent.error
    assert what in sent.error.what
    assert todo in sent.error.todo
    assert "xyzsecret" not in str(sent.error)
    assert "B0000" not in str(sent.error)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_json_is_posted_and_read_back(web, status):
    web.fail(PATH, None, [Said(None if status == 204 else "ok", status)])
    assert send(f"{web.url}{PATH}?thread=1").error is None
    [asked] = web.seen
    assert (asked.method, asked.target, asked.body) == ("POST", f"{PATH}?thread=1", BODY)
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert asked.headers["user-agent"].startswith("levada/")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_what_may_work_later(web, status):
    web.fail(PATH, None, [Said(f"busy with {PATH}", status)])
    sent = send(web.url + PATH)
    refused(sent, TryLater, f"The webhook of HOOK_URL asks to try later: status {status} (busy with [secret]).")
    assert not sent.alone


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_is_closed_is_for_a_person(web, status):
    web.fail(PATH, None, [Said("no_service <b>", status)])
    sent = send(web.url + PATH)
    refused(sent, FixThis, f"refuses the notice: status {status} (no_service <b>).", "let HOOK_URL hold its URL")
    assert not sent.alone


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_notice_that_is_refused_stops_no_other(web, status):
    web.fail(PATH, None, [Said("invalid_blocks", status)])
    sent = send(web.url + PATH)
    refused(sent, FixThis, f"status {status} (invalid_blocks)", "do as the server says")
    assert sent.alone


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_to_another_origin(web, status):
    with WebServer(lambda _: "ok") as other:
        web.fail(PATH, None, [Said("moved", status, (("Location", f"{other.url}/xyzsecret"),))])
        sent = send(web.url + PATH)
        assert other.seen == []
    refused(sent, FixThis, f"redirects elsewhere (status {status})", "the address that answers itself")


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_to_the_same_origin_is_followed_as_a_post(web, status):
    web.fail(PATH, None, [Said("moved", status, (("Location", "/new"),))])
    assert send(web.url + PATH).error is None
    assert [(asked.method, asked.target, asked.body) for asked in web.seen][1:] == [("POST", "/new", BODY)]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_turn_the_post_into_a_get_is_told(web, status):
    web.fail(PATH, None, [Said("moved", status, (("Location", "/new"),))])
    refused(send(web.url + PATH), FixThis, f"redirects elsewhere (status {status})")
    assert len(web.seen) == 1


def test_redirects_in_a_circle_come_to_an_end(web):
    web.answer = lambda _: Said("round", 307, (("Location", PATH),))
    refused(send(web.url + PATH), FixThis, "redirects elsewhere (status 307)")
    assert len(web.seen) < 20


def test_a_server_that_hangs_is_given_up_for_now():
    with talking(lambda _: b"", b"") as port:
        sent = send(f"http://127.0.0.1:{port}{PATH}", patience=0.1)
    refused(sent, TryLater, "There was no answer from the webhook of HOOK_URL: ")


@pytest.mark.parametrize("script", [[CLOSE], [RESET], [b"nonsense\r\n\r\n", CLOSE]])
def test_no_answer_is_for_later(script):
    with RawServer(lambda _: script) as server:
        refused(send(server.url + PATH), TryLater, "There was no answer from the webhook of HOOK_URL: ")


def heading(said):
    """Says this as soon as the headers of a request are there, and then nothing."""
    return lambda line: said if line == b"\r\n" else b""


def test_half_an_answer_is_for_later():
    with talking(heading(b"HTTP/1.1 200 OK\r\nContent-Len"), b"") as port:
        sent = send(f"http://127.0.0.1:{port}{PATH}", patience=0.1)
    refused(sent, TryLater, "There was no answer from the webhook of HOOK_URL: timed out.")


def test_half_an_error_is_told_by_its_status():
    with talking(heading(b"HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\nbad"), b"") as port:
        refused(send(f"http://127.0.0.1:{port}{PATH}"), FixThis, "refuses the notice: status 400 (bad).")


def test_an_error_whose_words_do_not_come_is_told_by_its_status():
    with talking(heading(b"HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\n"), b"") as port:
        sent = send(f"http://127.0.0.1:{port}{PATH}", patience=0.1)
    refused(sent, FixThis, "refuses the notice: status 400.")


def test_nobody_listening_is_for_later():
    with talking(lambda _: None) as port:
        pass  # and gone
    sent = send(f"http://127.0.0.1:{port}{PATH}")
    refused(sent, TryLater, "There was no answer from the webhook of HOOK_URL: Connection refused.")


def test_a_proxy_of_the_environment_is_asked_and_knows_the_host_alone(monkeypatch):
    heard = []

    def refuse(line):
        heard.append(line)
        return None if line == b"\r\n" else b""

    with talking(refuse, b"") as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("https_proxy", raising=False)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.delenv("no_proxy", raising=False)
        sent = send(f"https://hooks.test{PATH}")
    refused(sent, TryLater, "There was no answer from the webhook of HOOK_URL: ")
    assert heard[0].startswith(b"CONNECT hooks.test:443 HTTP/1.")
    assert b"xyzsecret" not in b"".join(heard)


def test_https_is_checked(tmp_path):
    with certificates(tmp_path) as (context, environment):
        answered = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        with talking(heading(answered), b"", context) as port:
            url = f"https://localhost:{port}{PATH}"
            assert send(url, environment).error is None
            trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
            other = send(url, {"SSL_CERT_FILE": str(tmp_path / "other.pem")})
    refused(other, FixThis, "The certificate of the webhook of HOOK_URL is not good", "SSL_CERT_FILE")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://example.com/xyzsecret", "goes over the network in the clear"),
        ("http://10.0.0.1/xyzsecret", "goes over the network in the clear"),
        ("http://localhost.example.com/xyzsecret", "goes over the network in the clear"),
        ("ftp://localhost/xyzsecret", "is no URL"),
        ("file:///xyzsecret", "is no URL"),
        ("xyzsecret", "is no URL"),
        ("https:///xyzsecret", "is no URL"),
        ("https://[xyzsecret", "is no URL"),
        ("https://example.com:xyzsecret/", "is no URL"),
        ("https://example.com/xyz secret", "is no URL"),
        ("https://example.com/ü/xyzsecret", "is no URL"),
        ("https://hooks..test/xyzsecret", "is no URL"),
        ("https://me:xyzsecret@example.com/", "has a user or a password, which webhooks do not take"),
    ],
)
def test_where_no_notice_goes(url, what):
    refused(send(url), FixThis, f"The webhook in HOOK_URL cannot be used: the value {what}.", "hold an https:// URL")


def test_the_url_is_a_secret_as_a_whole(web):
    send(web.url + PATH)
    assert redact(f"posted to {web.url}{PATH} today") == "posted to [secret] today"
    assert redact(f"no {PATH} here, nor xyzsecret1") == "no [secret] here, nor [secret]"


def test_a_path_that_is_a_word_stays_in_other_texts(web):
    send(f"{web.url}/notifications")
    assert redact("all notifications, and /notifications") == "all notifications, and /notifications"
    assert redact(f"to {web.url}/notifications") == "to [secret]"


SPACES = "/v1/spaces/AAAA/messages?key=AIzaSyDdI0hCZtE6vySjMm&token=pQ7xLk92%2BhVbT3mZr81wN%3D"


@pytest.mark.parametrize(
    ("target", "quoted"),
    [
        (SPACES, "AIzaSyDdI0hCZtE6vySjMm"),
        (SPACES, "pQ7xLk92+hVbT3mZr81wN="),
        (SPACES, "pQ7xLk92%2BhVbT3mZr81wN%3D"),
        ("/hooks/9f8e7d6c5b4a39281706/post", "9f8e7d6c5b4a39281706"),
        ("/hooks/a%20b7d6c5b%2F4a/post?x=1", "a b7d6c5b/4a"),
    ],
)
def test_a_part_of_the_url_that_a_server_quotes_is_shown_nowhere(web, target, quoted):
    web.answer = lambda _: Said(f"no such thing: {quoted}.", 400)
    sent = send(web.url + target)
    assert "status 400 (no such thing: [secret].)" in sent.error.what


def test_a_part_of_the_address_that_is_redirected_to_is_a_secret_too(web):
    moved = Said("", 307, (("Location", f"{web.url}/elsewhere/77aa88bb99cc00dd11ee/post"),))
    web.fail(PATH, None, [moved])
    web.answer = lambda _: Said("no hook 77aa88bb99cc00dd11ee here", 400)
    sent = send(web.url + PATH)
    assert "(no hook [secret] here)" in sent.error.what
