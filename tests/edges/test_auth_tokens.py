"""Token endpoints that refuse, rotate and fail; the file of rotated tokens, under two processes at once."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from levada.errors import ApiRefused, FixThis, TryLater
from levada.source.auth.kept import held
from levada.source.auth.token import forget
from levada.spec.auth import Login, OAuth2
from patience import PATIENCE
from signing import PLACE, Client, apart, ref
from webserver import Said, WebServer

ENVIRONMENT = {"ID": "my-client", "SECRET": "hidden-secret", "FIRST": "refresh-0"}
STORE = ".levada-tokens.json"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    apart(monkeypatch)


class Rotating:
    """A token endpoint that takes each refresh token once and gives the next; reuse is refused and counted."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = self.refused = 0

    def __call__(self, asked):
        with self.lock:
            if asked.form.get("refresh_token") != f"refresh-{self.given}":
                self.refused += 1
                return Said({"error": "invalid_grant", "error_description": "reused"}, 400)
            self.given += 1
            return {"access_token": f"opaque-{self.given}", "refresh_token": f"refresh-{self.given}", "expires_in": 0}


def client_of(server, tmp_path, environment=ENVIRONMENT, **parts):
    parts = {"client_secret": ref("SECRET"), "refresh_token": ref("FIRST")} | parts
    auth = OAuth2("refresh_token", f"{server.url}/token", PLACE, ref("ID"), **parts)
    return Client(server.url, auth, environment, str(tmp_path / "api.yaml"))


def kept(path):
    return [entry["refresh_token"] for entry in json.loads(path.read_text())["tokens"].values()]


def test_a_rotated_token_is_kept_beside_the_spec_and_used_by_the_next_process(tmp_path):
    with WebServer(Rotating()) as server:
        client_of(server, tmp_path).sign()
        forget()  # as a new process
        client = client_of(server, tmp_path)
        client.sign()
    assert [asked.form["refresh_token"] for asked in server.seen] == ["refresh-0", "refresh-1"]
    assert server.seen[0].form == {
        "grant_type": "refresh_token",
        "client_id": "my-client",
        "client_secret": "hidden-secret",
        "refresh_token": "refresh-0",
    }
    assert kept(tmp_path / STORE) == ["refresh-2"]
    assert (tmp_path / STORE).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [STORE, f"{STORE}.lock"]
    assert "opaque" not in (tmp_path / STORE).read_text()


def test_a_new_first_token_wins_over_what_the_old_one_became(tmp_path):
    rotating = Rotating()
    with WebServer(rotating) as server:
        client_of(server, tmp_path).sign()
        rotating.given = 7
        client_of(server, tmp_path, ENVIRONMENT | {"FIRST": "refresh-7"}).sign()
    assert kept(tmp_path / STORE) == ["refresh-1", "refresh-8"]


def test_an_endpoint_that_does_not_rotate_leaves_no_tokens_behind(tmp_path):
    with WebServer(lambda _: {"access_token": "opaque-1", "refresh_token": "refresh-0"}) as server:
        client_of(server, tmp_path).sign()
    assert not (tmp_path / STORE).exists()


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from signing import PLACE, Client, ask, ref
from levada.spec.auth import OAuth2
url, store, times = sys.argv[2], sys.argv[3], int(sys.argv[4])
auth = OAuth2("refresh_token", url + "/token", PLACE, ref("ID"), refresh_token=ref("FIRST"), store=store)
client = Client(url, auth, {"ID": "my-client", "FIRST": "refresh-0"})
ask(client.call("/start"))  # answered when both have asked
for _ in range(times):
    client.sign()
"""


def test_two_processes_that_refresh_at_once_lose_no_token(tmp_path):
    rotating, times, together = Rotating(), 4, threading.Barrier(2)
    store = tmp_path / "tokens.json"

    def answer(asked):
        if asked.path == "/start":
            together.wait(PATIENCE)
            return {}
        return rotating(asked)

    with WebServer(answer) as server:
        server.latency = 0.05  # so that without a lock both would ask with the same token
        script = [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1]), server.url, str(store), str(times)]
        both = [subprocess.Popen(script, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [process.communicate(timeout=PATIENCE)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert (rotating.refused, rotating.given) == (0, 2 * times)
    assert kept(store) == [f"refresh-{2 * times}"]


def test_reads_at_once_in_one_process_fetch_one_token(tmp_path):
    together = threading.Barrier(4)

    def answer(_):
        return {"access_token": "opaque-1", "refresh_token": "refresh-1", "expires_in": 3600}

    def read(_):
        client = client_of(server, tmp_path)
        together.wait(PATIENCE)
        return client.sign().credentials[0].secret.value

    with WebServer(answer) as server, ThreadPoolExecutor(4) as pool:
        assert set(pool.map(read, range(4))) == {"Bearer opaque-1"}
        assert len(server.seen) == 1


def test_a_file_that_others_may_read_is_mended(tmp_path):
    (tmp_path / STORE).write_text('{"tokens": {}}')
    (tmp_path / STORE).chmod(0o644)
    with held(tmp_path / STORE, "here") as file:
        assert file.newest("key") is None
        assert (tmp_path / STORE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"tokens": []}', "\xff", '{"tokens": {"a": "refresh-0"}'])
def test_a_file_that_is_none_is_told_and_no_token_is_spent(tmp_path, text):
    (tmp_path / STORE).write_text(text, encoding="latin-1")
    with WebServer(Rotating()) as server:
        with pytest.raises(FixThis) as told:
            client_of(server, tmp_path).sign()
        assert server.seen == []
    assert str(tmp_path / STORE) in told.value.what
    assert "no file of refresh tokens" in told.value.what
    assert "refresh-0" not in str(told.value)


def a_link(path):
    (path.parent / "elsewhere").write_text('{"tokens": {}}')
    path.symlink_to(path.parent / "elsewhere")


def a_lock_that_is_a_folder(path):
    path.with_name(f"{path.name}.lock").mkdir()


def an_aside_that_is_a_folder(path):
    path.with_name(f"{path.name}.new").mkdir()


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (a_link, "Too many levels of symbolic links"),
        (a_lock_that_is_a_folder, "Is a directory"),
        (an_aside_that_is_a_folder, "Is a directory"),
        (Path.mkdir, "is no file of the user that runs this"),
        (os.mkfifo, "is no file of the user that runs this"),
        (lambda path: path.parent.rmdir(), "No such file or directory"),
    ],
)
def test_a_place_that_cannot_keep_tokens_is_told_before_one_is_spent(tmp_path, place, what):
    folder = tmp_path / "specs"
    folder.mkdir()
    place(folder / STORE)
    with WebServer(Rotating()) as server:
        with pytest.raises(FixThis) as told:
            client_of(server, folder).sign()
        assert server.seen == []
    assert what in told.value.what
    assert "store" in told.value.todo
    assert told.value.where == "api.yaml:3:9"


def test_what_a_crash_left_aside_is_in_nobody_s_way(tmp_path):
    (tmp_path / f"{STORE}.new").write_text("half a tok")
    with WebServer(Rotating()) as server:
        client_of(server, tmp_path).sign()
    assert kept(tmp_path / STORE) == ["refresh-1"]
    assert not (tmp_path / f"{STORE}.new").exists()


def test_a_token_that_cannot_be_kept_is_told(tmp_path):
    def answer(asked):
        (tmp_path / f"{STORE}.new").unlink()
        return rotating(asked)

    rotating = Rotating()
    with WebServer(answer) as server, pytest.raises(FixThis) as told:
        client_of(server, tmp_path).sign()
    assert f"cannot be kept in {tmp_path / STORE}" in told.value.what
    assert "refresh-" not in str(told.value)


@pytest.mark.parametrize(
    ("said", "kind", "what", "todo"),
    [
        (
            Said({"error": "invalid_client", "error_description": "who is\nmy-client?"}, 401),
            ApiRefused,
            "answers 401 Unauthorized invalid_client: who is [secret]?",
            "Check ID and SECRET.",
        ),
        (Said({"error": "invalid_grant"}, 400), ApiRefused, "400 Bad Request invalid_grant.", "Check FIRST: it may be"),
        (Said({"error": "invalid_scope"}, 400), ApiRefused, "invalid_scope", "Check `scopes` (api.yaml:3:9)."),
        (Said({"error": "unauthorized_client"}, 400), ApiRefused, "unauthorized_client", "ID and SECRET may use it"),
        (
            Said({"error": "bad_verification_code"}, 200),
            ApiRefused,
            "200 OK bad_verif",
            "Check ID and SECRET and FIRST",
        ),
        (
            Said("<h1>hidden-secret refresh-0</h1>" * 40, 403),
            ApiRefused,
            "403 Forbidden: <h1>[secret] [secret]",
            "Check",
        ),
        (Said({"error": {"code": 5}}, 418), ApiRefused, '418 I\'m a Teapot: {"error": {"code": 5}}', "Check ID"),
        (Said("a page", 200), ApiRefused, "answers 200, but with no JSON object", "Check its URL"),
        (Said({"token": "new-value"}, 200), ApiRefused, "gives no access_token that can be sent (it gives token)", ""),
        (Said({"access_token": "new-value\r\nX: y"}, 200), ApiRefused, "(it gives access_token)", "Check `grant`"),
        (Said({"access_token": ["new-value"]}, 200), ApiRefused, "(it gives access_token)", "Check `grant`"),
        (Said({}, 200), ApiRefused, "(it gives nothing)", "Check `grant`"),
        (Said("busy", 503), TryLater, "503 Service Unavailable: busy", "Try again later"),
        (Said({"error": "temporarily_unavailable"}, 400), TryLater, "temporarily_unavailable", "Try again later"),
    ],
)
def test_what_an_endpoint_says_is_told_without_a_secret(tmp_path, said, kind, what, todo):
    with WebServer(lambda _: said) as server, pytest.raises(kind) as told:
        client_of(server, tmp_path).sign()
    text = str(told.value)
    assert type(told.value) is kind
    assert f"The token endpoint {server.url}/token" in text
    assert what in told.value.what
    assert todo in told.value.todo
    assert told.value.where == "api.yaml:3:9"
    assert not [value for value in (*ENVIRONMENT.values(), "new-value") if value in text]
    assert len(text) < 600


def test_a_rotated_token_is_kept_though_the_access_token_is_none(tmp_path):
    with WebServer(lambda _: {"refresh_token": "refresh-1"}) as server, pytest.raises(ApiRefused):
        client_of(server, tmp_path).sign()
    assert kept(tmp_path / STORE) == ["refresh-1"]


def test_a_client_in_a_header_is_encoded_as_the_rfc_says(tmp_path):
    environment = {"ID": "a:b", "SECRET": "c d+e", "FIRST": "refresh-0"}
    with WebServer(Rotating()) as server:
        client_of(server, tmp_path, environment, client_in="basic").sign()
    assert server.seen[0].headers["authorization"] == "Basic YSUzQWI6YytkJTJCZQ=="
    assert server.seen[0].form == {"grant_type": "refresh_token", "refresh_token": "refresh-0"}


@pytest.mark.parametrize(
    ("said", "kind", "what"),
    [
        (Said({"message": "wrong password hidden-secret"}, 401), ApiRefused, "answers 401 Unauthorized: "),
        (Said({"token": ""}, 200), ApiRefused, "answers 200, but with no token at $.token that can be sent"),
        (Said("no json", 200), ApiRefused, "answers 200, but with no token at $.token"),
        (Said("busy", 429), TryLater, "answers 429 Too Many Requests: busy"),
    ],
)
def test_what_a_log_in_says_is_told_without_a_secret(said, kind, what):
    auth = Login("/login", PLACE, send=(("u", ref("ID")), ("p", ref("SECRET"))), token="$.token")
    with WebServer(lambda _: said) as server, pytest.raises(kind) as told:
        Client(server.url, auth, ENVIRONMENT).sign()
    assert f"The log-in {server.url}/login {what}" in told.value.what
    assert kind is TryLater or "ID and SECRET" in told.value.todo
    assert "hidden-secret" not in str(told.value)


def test_a_session_that_no_cookie_can_carry_is_told():
    with WebServer(lambda _: {"token": "a; b"}) as server, pytest.raises(FixThis) as told:
        Client(server.url, Login("/login", PLACE, token="$.token", carrier="cookie", name="s", prefix=""), {}).sign()
    assert "the session token" in told.value.what
    assert "a; b" not in str(told.value)


def test_a_log_in_without_its_header_is_told():
    with WebServer(lambda _: {}) as server, pytest.raises(ApiRefused) as told:
        Client(server.url, Login("/login", PLACE, token_header="X-Token"), {}).sign()
    assert "with no header X-Token that can be sent" in told.value.what
