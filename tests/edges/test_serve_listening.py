"""Where job servers listen, what they say when they cannot, how they end; clients that leave, or never speak."""

import errno
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPException

import pytest

from levada.serve import listening
from patience import PATIENCE, settles
from refusals import patient, place
from serving import DAY, READY, Answer, Server, command, environment, serving
from simulated import SPEC, TOKEN, Api, api_of

#: Nothing is asked of an API in most of these tests.
GIVEN = {"AUTH_TOKEN": TOKEN, "SALES_API_URL": "http://127.0.0.1:9"}
#: A machine on which `what` of a socket does not work for some addresses.
BROKEN = """
import os, socket
class Broken(socket.socket):
    def {what}(self, *given, **more):
        family = given[0] if {what!r} == "__init__" else self.family
        if family == socket.{family}:
            raise OSError({number}, os.strerror({number}))
        super().{what}(*given, **more)
socket.socket = Broken
"""
WITHOUT_FLASK = """
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "flask" else real(name, *more)
"""


@pytest.fixture(scope="module")
def _api() -> Iterator[Api]:
    yield from api_of()


@pytest.fixture
def api(_api) -> Api:
    _api.forget()
    return _api


def failed(given: list[str], environment_: dict[str, str] | None = None) -> str:
    """What a command says that exits with 2 before it takes a request."""
    done = subprocess.run(
        given,
        env=environment(GIVEN if environment_ is None else environment_),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def asked(address: str, port: int) -> int:
    """The status of GET / at an address."""
    connection = HTTPConnection(address, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as tried:
        tried.bind(("::1", 0))
        return True
    return False


def addresses() -> set[str]:
    """Other addresses of this machine: Linux has all of 127.0.0.0/8; and the one that a packet would leave from."""
    found = {"127.0.0.2"}
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent (RFC 5737: an address of nobody)
        found.add(probe.getsockname()[0])
    return found - {"127.0.0.1"}


# -- where


def test_each_kind_of_job_answers_on_its_port_at_both_addresses_of_localhost_and_no_other(tmp_path):
    with serving(GIVEN, tmp_path / "lake") as server:
        assert set(server.ports) == {"land", "stage"}
        assert len(set(server.ports.values())) == 2
        for kind, missing in (("land", "date parameter missed"), ("stage", "raw_dir parameter missed")):
            assert server.post(kind, {}).message == missing
        for port in server.ports.values():
            assert asked("127.0.0.1", port) == 200
            if has_ipv6():
                assert asked("::1", port) == 200
            for other in addresses():
                with pytest.raises(OSError, match=r"refused|unreachable|assign|timed out"):
                    socket.create_connection((other, port), timeout=5).close()
        assert f"Below {tmp_path / 'lake'}, and nowhere else." in server.out.read_text()
        assert not server.root.exists()


@pytest.mark.parametrize("kind", ["land", "stage"])
def test_one_kind_of_job_alone(tmp_path, kind):
    with serving(GIVEN, tmp_path / "lake", "--job", kind) as server:
        assert list(server.ports) == [kind]


def test_stage_jobs_need_no_token(tmp_path):
    with serving({}, tmp_path / "lake", "--job", "stage") as server:
        assert server.stage().status == 400


@pytest.mark.parametrize(
    ("what", "number"),
    [("__init__", errno.EAFNOSUPPORT), ("bind", errno.EADDRNOTAVAIL)],
    ids=["no such sockets", "no such addresses"],
)
def test_a_machine_without_ipv6_serves_by_ipv4(tmp_path, what, number):
    code = BROKEN.format(what=what, family="AF_INET6", number=int(number))
    with serving(GIVEN, tmp_path / "lake", first=code) as server:
        for port in server.ports.values():
            assert asked("127.0.0.1", port) == 200
            with pytest.raises(OSError, match=r"refused|unreachable|assign|support"):
                socket.create_connection(("::1", port), timeout=5).close()


# -- what is told at the start


def taken(family: socket.AddressFamily, address: str, port: int = 0) -> socket.socket:
    held = socket.socket(family)
    held.bind((address, port))
    held.listen()
    return held


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_that_is_taken_is_told(tmp_path, family, address):
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with taken(family, address) as held:
        port = held.getsockname()[1]
        said = failed(command(tmp_path / "lake", "--job", "stage", "--port", port))
        assert said == (
            f"levada: port {port} of this machine is taken\n"
            f"  where: localhost:{port}\n"
            "  to do: stop what listens there, or choose another --port\n"
            f"  cause: {OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))}\n"
        )


def test_the_second_kind_of_job_takes_the_next_port(tmp_path):
    for _ in range(20):  # the port before it may be somebody's, too
        with taken(socket.AF_INET, "127.0.0.1") as held:
            port = held.getsockname()[1]
            said = failed(command(tmp_path / "lake", "--port", port - 1))
        if f"port {port - 1} of" not in said:
            break
    assert f"port {port} of this machine is taken" in said


def test_the_ports_of_the_course_are_taken_when_none_is_named(tmp_path):
    """Others may use them on this machine, so they are not really tried."""
    code = BROKEN.format(what="bind", family="AF_INET", number=int(errno.EADDRINUSE))
    for kind, port in (("land", 8081), ("stage", 8082)):
        given = command(tmp_path / "lake", "--job", kind, first=code)
        assert f"port {port} of this machine is taken" in failed(
            [part for part in given if part not in ("--port", "0")]
        )


def test_a_port_that_one_may_not_use_is_told(tmp_path):
    """Root may, and some systems let all, so the refusal is made up."""
    code = BROKEN.format(what="bind", family="AF_INET", number=errno.EACCES)
    said = failed(command(tmp_path / "lake", "--port", "80", first=code))
    assert "levada: port 80 of this machine cannot be used (Permission denied)\n  where: localhost:80\n" in said
    assert "to do: choose another --port, above 1023" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--port", "-1"), "Invalid value for '--port': -1 is not in the range 0<=x<=65535."),
        (("--port", "65536"), "Invalid value for '--port': 65536 is not in the range 0<=x<=65535."),
        (("--port", "http"), "Invalid value for '--port'"),
        (("--port", "65535"), "2 kinds of jobs need as many ports, and there is none after 65535\n  where: --port\n"),
        (("--job", "both"), "Invalid value for '--job': 'both' is not one of 'land', 'stage'."),
        (("--stream", "nope"), "There is no stream nope in this spec."),
        (("--host", "0.0.0.0"), "No such option '--host'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be(tmp_path, options, said):
    assert said in failed(command(tmp_path / "lake", *options))


def test_a_root_must_be_named():
    said = failed([sys.executable, "-m", "levada", "serve", str(SPEC)])
    assert "Missing option '--root'." in said
    assert "levada serve --help" in said


@pytest.mark.parametrize(
    ("root", "what", "todo"),
    [
        ("/", "the root of the file system is no lake", "name a folder that is there for data alone"),
        ("FILE", "FILE is no folder", "name one; it need not exist"),
        ("FILE/lake", "FILE is no folder", "name one; it need not exist"),
        ("", "the text is empty", ""),
        (
            "s3://bucket/lake",
            "a job replaces the whole content of a folder in one step, which no object store can",
            "keep the lake of job servers on a disk",
        ),
    ],
)
def test_a_root_that_can_be_no_lake_is_told(tmp_path, root, what, todo):
    (tmp_path / "file").write_text("")
    root, what = (text.replace("FILE", str(tmp_path / "file")) for text in (root, what))
    said = failed(command(root))
    assert f"levada: {what}" in said
    assert "  where: --root\n" in said
    assert f"  to do: {todo}" in said


def test_mistakes_of_the_spec_are_told(tmp_path):
    spec = tmp_path / "wrong.yaml"
    spec.write_text(
        SPEC.read_text().replace("pipeline: sales", "pipelin: sales").replace("price:", "price: {a: b}\n  #")
    )
    said = failed(command(tmp_path / "lake", spec=spec))
    assert "pipelin" in said
    assert f"{spec}:" in said
    assert "There is no file" in failed(command(tmp_path / "lake", spec=tmp_path / "no.yaml"))


def test_a_token_that_is_not_set_is_told(tmp_path):
    said = failed(command(tmp_path / "lake"), {})
    assert "levada: Not set: AUTH_TOKEN or API_AUTH_TOKEN.\n" in said
    assert "  to do: export AUTH_TOKEN=" in said


def test_of_several_streams_one_must_be_named(tmp_path):
    text = SPEC.read_text()
    head, streams = text.split("streams:\n")
    spec = tmp_path / "two.yaml"
    more = (
        streams.replace("  sales:", "  refunds:", 1).replace("raw/sales", "raw/refunds").replace("stg/sales", "stg/r")
    )
    spec.write_text(f"{head}streams:\n{streams}{more}")
    said = failed(command(tmp_path / "lake", spec=spec))
    assert "levada: A job fills a folder from one stream, and this spec has 2." in said
    assert "  to do: choose one with --stream: sales, refunds" in said
    assert "this spec has 2" in failed(
        command(tmp_path / "lake", "--stream", "sales", "--stream", "refunds", spec=spec)
    )
    with serving(GIVEN, tmp_path / "lake", "--stream", "refunds", spec=spec) as server:
        assert set(server.ports) == {"land", "stage"}


def test_a_spec_that_shows_no_raw_files_has_no_land_jobs(tmp_path):
    spec = tmp_path / "hidden.yaml"
    raw = "    raw: raw/sales/{date}/sales_{date}_{page}.json\n"
    assert raw in SPEC.read_text()
    spec.write_text(SPEC.read_text().replace(raw, "    raw: none\n"))
    said = failed(command(tmp_path / "lake", spec=spec))
    assert "stream sales shows no raw files, so a land job would leave its folder empty" in said
    assert f"  where: {place(spec, 'request:')}" in said


def test_without_its_libraries_the_line_that_installs_them_is_told(tmp_path):
    said = failed(command(tmp_path / "lake", first=WITHOUT_FLASK))
    assert "levada: The job servers need flask, which this Python does not have.\n" in said
    assert "  to do: pip install 'levada[serve]'\n" in said


def test_a_token_that_is_not_set_is_asked_for_on_a_terminal(api, tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(tmp_path / "lake", "--job", "land"),
        env=environment({"SALES_API_URL": api.url, "COLUMNS": "200"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = [""]

    def read() -> None:
        with suppress(OSError):  # the other end is closed
            while came := os.read(ours, 65536):
                shown[0] += came.decode()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert settles(lambda: "AUTH_TOKEN: " in shown[0]), shown
        os.write(ours, f"{TOKEN}\n".encode())
        assert settles(lambda: "Ctrl-C" in shown[0]), shown
        port = int(READY.search(shown[0].replace("\r", ""))[2])
        server = Server(process, tmp_path / "lake", tmp_path, tmp_path, {"land": port})
        assert server.land().status == 201
        assert server.stop() == 143
    finally:
        process.kill()
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        os.close(ours)
    assert TOKEN not in shown[0]


# -- how it ends


class Asking(threading.Thread):
    """A land job that somebody waits for."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.answer: Answer | None = None
        self.start()

    def run(self) -> None:
        with suppress(OSError, HTTPException):  # nobody answers any more
            self.answer = self.server.land()


def durable(server: Server) -> int:
    """Pages that jobs have landed."""
    return len(list(server.root.glob("_levada/sales/sales/*/runs/*/pages/*.json")))


#: Page 4 does not come until faults are forgotten; whoever has patience asks for it again and again.
HELD_BACK = {"match": {"page": 4}, "times": None, "fault": {"status": 503}}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_idle_server_leaves_at_once(tmp_path, number, code):
    with serving(GIVEN, tmp_path / "lake") as server:
        assert server.stop(number) == code
        assert server.out.read_text().splitlines()[-1].startswith("Stopped.")
        assert server.err.read_text().strip() == ""  # click ends the line of Ctrl-C


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_server_at_work_leaves_at_once_and_the_next_one_goes_on(api, tmp_path, number, code):
    api.fail(HELD_BACK)
    spec = patient(tmp_path)
    with serving(api.environment, tmp_path / "lake", spec=spec) as server:
        asking = Asking(server)
        assert settles(lambda: durable(server) == 3)
        assert server.stop(number) == code
        asking.join(PATIENCE)
        assert asking.answer is None
        assert "Traceback" not in server.err.read_text()
        assert "goes on from the pages that had arrived" in server.out.read_text().splitlines()[-1]
        assert not server.raw_dir().exists()
    api.forget()
    with serving(api.environment, tmp_path / "lake", spec=spec) as server:
        done = server.land()
        assert (done.status, done.json["run"]["resumed"], done.json["run"]["pages"]) == (201, 3, 4)
        assert min(api.pages_asked()) == 4
        assert len(list(server.raw_dir().iterdir())) == 4


def test_a_server_that_ends_by_itself_is_a_bug_and_no_success(monkeypatch):
    class Ending:
        def run(self) -> None:
            raise OSError("the loop broke")

    monkeypatch.setattr(listening, "create_server", lambda *_, **__: Ending())
    with pytest.raises(RuntimeError, match="the server ended, although nobody stopped it") as caught:
        listening.serve([(None, 0)], lambda _: None)
    assert str(caught.value.__cause__) == "the loop broke"


# -- clients


#: A request up to the end of its headers.
BEGUN = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_client_that_goes_away_does_not_harm_its_job(api, tmp_path, reset):
    api.fail(HELD_BACK)
    with serving(api.environment, tmp_path / "lake", spec=patient(tmp_path)) as server:
        body = json.dumps({"date": DAY, "raw_dir": str(server.raw_dir())}).encode()
        with server.connected("land") as connection:
            connection.sendall(BEGUN % len(body) + b"\r\n" + body)
            assert settles(lambda: durable(server) == 3)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        api.forget()
        line = server.logged(method="POST", status=201)
        assert (line["rows"], line["raw_dir"]) == (338, str(server.raw_dir()))
        assert len(list(server.raw_dir().iterdir())) == 4
        assert server.stage().status == 201
        assert "Traceback" not in server.err.read_text()
        assert server.log(), "each line is JSON, also those of libraries"


def test_clients_that_are_silent_or_slow_block_nobody(api, tmp_path):
    """More of them than there are threads, and than connections that waitress takes if it is not told how many."""
    begun = BEGUN % 2
    with serving(api.environment, tmp_path / "lake") as server, ExitStack() as stack:
        slow = [stack.enter_context(server.connected("land")) for _ in range(180)]
        for number, connection in enumerate(slow):
            connection.sendall((b"", begun[:30], begun, begun + b"\r\n{")[number % 4])
        assert server.land().status == 201
        assert server.ask("land", "GET", "/").status == 200
        for connection in slow[3::40]:
            connection.sendall(b"}")
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 BAD REQUEST")


def test_the_log_is_json_whoever_writes_it(tmp_path):
    code = (
        "import logging, warnings; from levada.serve import lines; lines.start();"
        "logging.getLogger('x.y').warning('two\\nlines %s', 7);"
        "logging.getLogger('x').debug('not shown');"
        "logging.getLogger('levada.pipeline.milestones').info('for log files');"
        "warnings.warn('old');"
        "\ntry: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('z').exception('it broke')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    said, warned, broke = map(json.loads, done.stderr.splitlines())
    assert (said["from"], said["message"]) == ("x.y", "two\nlines 7")
    assert said["at"].endswith("+00:00")
    assert "bug" not in said
    assert "old" in warned["message"]
    assert broke["bug"].splitlines()[0].startswith("Traceback")
    assert broke["bug"].endswith("ZeroDivisionError: division by zero")
