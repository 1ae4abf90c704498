import asyncio
import gzip
import socket
import threading
import zlib
from contextlib import closing

import pytest

from levada.edges import Call, Credential, WireFault
from levada.secret import Secret
from levada.source.fetch import HttpWire
from levada.source.origin import origin
from patience import HELD
from rawserver import CLOSE, RESET, RawServer, http

BODY = b'[{"client": "Michael Wilkerson", "price": 346}]' * 50
PACKED = gzip.compress(BODY, mtime=0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def send(url, *, times=1, **parts):
    """The last of so many answers to a call on one wire."""

    async def go():
        async with HttpWire() as wire:
            for _ in range(times - 1):
                await wire.send(Call("GET", url, **parts))
            return await wire.send(Call("GET", url, **parts))

    return asyncio.run(go())


def fault(url, **parts):
    with pytest.raises(WireFault) as told:
        send(url, **parts)
    return told.value


def says(*parts):
    return RawServer(lambda _: parts)


def chunked(*chunks, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def test_an_answer_comes_whole_with_its_headers_in_lower_case():
    head = {"X-Twice": "1, 2", "ETag": '"a"'}
    with says(http(404, BODY, **head)) as server:
        answer = send(f"{server.url}/a?b=%2F&c=%20", headers=(("X-Ask", "1"), ("User-Agent", "levada/0")))
    assert (answer.status, answer.body) == (404, BODY)
    assert (answer.headers["x-twice"], answer.headers["etag"]) == ("1, 2", '"a"')
    assert answer.url == f"{server.url}/a?b=%2F&c=%20"
    assert server.seen[0].path == "/a?b=%2F&c=%20"
    assert (server.seen[0].headers["x-ask"], server.seen[0].headers["user-agent"]) == ("1", "levada/0")


def test_a_repeated_header_is_joined():
    lines = b"HTTP/1.1 200 OK\r\nLink: a\r\nlink: b\r\nContent-Length: 0\r\n\r\n"
    with says(lines) as server:
        assert send(server.url).headers["link"] == "a, b"


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", PACKED),
        ("gzip", gzip.compress(BODY[:100], mtime=0) + gzip.compress(BODY[100:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("identity", BODY),
    ],
)
def test_content_codings_are_decoded(coding, data):
    with says(http(200, data, Content_Encoding=coding)) as server:
        assert send(server.url).body == BODY
    with says(http(200, chunked(data[:9], data[9:]), Content_Encoding=coding, Transfer_Encoding="chunked")) as server:
        assert send(server.url).body == BODY


def test_a_gzip_body_that_ends_early_is_cut_though_its_length_is_right():
    with says(http(200, PACKED[:-9], Content_Encoding="gzip")) as server:
        told = fault(server.url)
    assert (told.kind, told.text) == ("cut", "the gzip body stops before its end")


@pytest.mark.parametrize(
    "answer",
    [
        (http(200, BODY, Content_Length="5000"), CLOSE),
        (http(200, chunked(BODY, end=b""), Transfer_Encoding="chunked"), CLOSE),
        (http(200, chunked(BODY)[:-9], Transfer_Encoding="chunked"), CLOSE),
        (http(200, b"zz\r\n", Transfer_Encoding="chunked"), CLOSE),
        (b"SSH-2.0-OpenSSH\r\n", CLOSE),
    ],
)
def test_a_body_that_is_not_whole_is_cut(answer):
    with says(*answer) as server:
        assert fault(server.url).kind == "cut"


def test_a_length_that_is_too_small_is_cut_and_told_in_one_line():
    with says(http(200, BODY, Content_Length="10"), CLOSE) as server:
        told = fault(server.url)
    assert told.kind == "cut"
    assert "\n" not in told.text
    assert len(told.text) <= 200


@pytest.mark.parametrize("before", range(60, 200, 20))
def test_a_key_that_comes_back_in_what_is_no_http_is_shown_neither_whole_nor_in_part(before):
    key = Secret("KEY", "2718281828-4590452353").value
    with says(b"HTTP/1.1 200 OK\r\n" + b"x" * before + key.encode() + b"\r\n\r\n", CLOSE) as server:
        told = fault(server.url)
    assert "xxxx" in told.text
    assert "27" not in told.text


@pytest.mark.parametrize(
    "answer",
    [
        (CLOSE,),
        (RESET,),
        (b"HTTP/1.1 200 OK\r\nContent-Le", RESET),
        (http(200, BODY, Content_Length="5000"), 0.05, RESET),
    ],
)
def test_a_connection_that_breaks_off_is_a_fault(answer):
    with says(*answer) as server:
        assert fault(server.url).kind in {"reset", "cut"}
        assert len(server.seen) == 1


def test_a_kept_connection_that_breaks_is_not_asked_again_unseen():
    with RawServer(lambda seen: http(200, BODY) if seen.times == 1 else (CLOSE,)) as server:
        told = fault(server.url, times=2)
        assert (told.kind, len(server.seen), server.connections) == ("reset", 2, 1)


@pytest.mark.parametrize("answer", [(HELD, http(200, BODY)), (http(200, BODY)[:-9], HELD, BODY[-9:])])
def test_the_timeout_is_for_the_whole_exchange(answer):
    with says(*answer) as server:
        told = fault(server.url, timeout=0.2)
        assert (told.kind, told.text) == ("timeout", "0.2 s have passed")


def test_nobody_listens():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # so that nobody else takes the port meanwhile
        port = deaf.getsockname()[1]
        told = fault(f"http://127.0.0.1:{port}")
    assert told.kind == "refused"
    assert str(port) in told.text


@pytest.mark.parametrize("host", ["no-such-host.invalid", "invalid", "API.Invalid."])
def test_invalid_names_are_not_looked_up(host):
    told = fault(f"http://{host}/")
    assert told.kind == "no_such_host"
    assert "RFC 6761" in told.text


@pytest.mark.parametrize("url", ["http://[bad/?key=hidden", "http://host:99999/", "http://host:x/"])
def test_what_is_no_url_is_told(url):
    told = fault(url)
    assert told.kind == "no_such_host"
    assert "is no URL" in told.text
    assert "hidden" not in told.text


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (socket.EAI_NONAME, "no_such_host"),
        (socket.EAI_NODATA, "no_such_host"),
        (socket.EAI_AGAIN, "dns"),
        (socket.EAI_FAIL, "dns"),
    ],
)
def test_a_lookup_that_fails(monkeypatch, code, kind):
    def away(*_args, **_kwargs):
        raise socket.gaierror(code, "the resolver's words")

    # What the resolver says depends on the machine's network, so it is the one thing replaced here.
    monkeypatch.setattr(socket, "getaddrinfo", away)
    told = fault("http://api.example.com/")
    assert told.kind == kind
    assert told.text == "api.example.com (the resolver's words)"


def test_plain_http_on_a_tls_port_is_a_tls_fault():
    def answer_the_greeting():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)  # all of it: closing with something unread resets the connection
            connection.sendall(http(400))

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=answer_the_greeting)
        thread.start()
        assert fault(f"https://127.0.0.1:{listener.getsockname()[1]}").kind == "tls"
        thread.join()


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_body_over_the_limit_is_refused_while_it_comes(coding):
    data = PACKED if coding == "gzip" else BODY
    with says(http(200, data, Content_Encoding=coding)) as server:
        assert send(server.url, size_limit=len(BODY)).body == BODY
        assert fault(server.url, size_limit=len(BODY) - 1).kind == "too_large"


def test_a_bomb_is_refused():
    bomb = gzip.compress(bytes(50 << 20), 9)
    with says(http(200, bomb, Content_Encoding="gzip")) as server:
        assert fault(server.url, size_limit=1 << 20).kind == "too_large"


def test_a_coding_that_was_not_asked_for_is_told():
    with says(http(200, BODY, Content_Encoding="br")) as server:
        assert fault(server.url).kind == "coding"


def test_long_header_fields_are_taken():
    with says(http(200, BODY, Link="x" * 30_000)) as server:
        assert len(send(server.url).headers["link"]) == 30_000


def test_cookies_are_not_kept():
    with says(http(200, BODY, Set_Cookie="session=1")) as server:
        send(server.url, times=2)
        assert [seen.headers.get("cookie") for seen in server.seen] == [None, None]
        assert server.connections == 1


def keyed(url):
    return {
        "credentials": (Credential("header", "Authorization", Secret("TOKEN", "sesame-4711")),),
        "origin": origin(url),
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status):
    with RawServer(
        lambda seen: http(200, BODY) if seen.path == "/b?c=%C3%BC" else http(status, Location="b?c=ü")
    ) as server:
        answer = send(f"{server.url}/a", **keyed(server.url))
    assert (answer.status, answer.body, answer.url) == (200, BODY, f"{server.url}/b?c=%C3%BC")
    assert [seen.headers["authorization"] for seen in server.seen] == ["sesame-4711"] * 2


def test_the_key_goes_to_its_own_origin_only():
    with RawServer(lambda _: http(200, BODY)) as other:
        with RawServer(lambda _: http(302, Location=f"{other.url}/b#part")) as server:
            answer = send(f"{server.url}/a", **keyed(server.url))
        assert answer.url == f"{other.url}/b"
        assert server.seen[0].headers["authorization"] == "sesame-4711"
        assert "sesame-4711" not in str(other.seen)


def test_the_key_comes_back_with_its_origin():
    with RawServer(lambda _: http(302, Location=f"{server.url}/c")) as other:
        with RawServer(lambda seen: http(302, Location=f"{other.url}/b") if seen.path == "/a" else http(200)) as server:
            send(f"{server.url}/a", **keyed(server.url))
            assert [seen.headers.get("authorization") for seen in server.seen] == ["sesame-4711"] * 2
        assert "authorization" not in other.seen[0].headers


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("/a", "/a is redirected to itself"),
        ("ftp://host/x", "ftp://host/x is no http address"),
        ("http://[bad", "is no URL"),
        ("http://host:99999/", "is no URL"),
    ],
)
def test_redirects_that_lead_nowhere_are_told(location, text):
    with says(http(302, Location=location)) as server:
        told = fault(f"{server.url}/a")
    assert told.kind == "redirects"
    assert text in told.text


def test_ten_redirects_are_enough():
    def script(seen):
        number = int(seen.path[1:])
        return http(200, BODY) if number == 10 else http(302, Location=f"/{number + 1}")

    with RawServer(script) as server:
        assert send(f"{server.url}/0").body == BODY
        told = fault(f"{server.url}/-1")
    assert "more than 10" in told.text


def test_a_redirect_without_a_target_is_an_answer():
    with says(http(302, b"[]")) as server:
        assert send(server.url).status == 302


def test_a_proxy_of_the_environment_is_used_and_netrc_is_not(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with says(http(200, BODY)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert send("http://api.example.com/x").body == BODY
        assert proxy.seen[0].path == "http://api.example.com/x"
        assert "authorization" not in proxy.seen[0].headers
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with says(http(200, b"direct")) as server:
            assert send(server.url).body == b"direct"
