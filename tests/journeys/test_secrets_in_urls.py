"""Secrets within URLs are shown by no command and kept in no file: signed URLs, users and passwords of endpoints."""

import json
from pathlib import Path

import pytest

from simulated import Levada
from webserver import Asked, Said, WebServer

DATE = "2022-08-09"
#: Of a signed URL as S3, Azure and CloudFront make them, and of a user in an address.
HIDDEN = ("0f1e2d3c4b5a69788796a5b4c3d2e1f0", "AKIAIOSFODNN7EXAMPLE", "aB/cD+eF==", "Tok3nOfASession", "hunter2pass")
QUERY = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20220809%2Feu-west-1%2Fs3%2Faws4_request"
    "&X-Amz-Security-Token=Tok3nOfASession&X-Amz-Signature=0f1e2d3c4b5a69788796a5b4c3d2e1f0&sig=aB%2FcD%2BeF%3D%3D"
)
SPEC = """
pipeline: films
lake: {lake}
source: {{url: "http://127.0.0.1:9", retry: {{attempts: 1}}}}
streams:
  movies:
    files: "{files}"
    format: {{type: csv, columns: [id, name]}}
    raw: "raw/{{date}}/{{file}}"
    contract: {{fields: {{id: string, name: string}}}}
    stage: {{jsonl: "stg/{{date}}.jsonl"}}
"""


def forms(value: str) -> set[str]:
    return {value, value.replace("/", "%2F"), value.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")}


def clean(text: str) -> str:
    found = [form for value in HIDDEN for form in forms(value) if form in text]
    assert found == [], text
    return text


def all_of(done) -> str:
    return clean(f"{done.stdout}\n{done.stderr}")


def kept_clean(folder: Path) -> None:
    """Nothing secret in the names or the bytes of the lake's files."""
    for path in folder.rglob("*"):
        clean(f"{path.relative_to(folder)}\n{path.read_bytes().decode(errors='replace') if path.is_file() else ''}")


def answer(asked: Asked) -> Said:
    """What servers say of a signed URL that they do not take holds it, in the path and in fields of its own."""
    if asked.path.endswith("movies.csv"):
        return Said(b"id,name\n1,a\n", 200, (("Content-Type", "text/csv"),))
    inside = f"<SignatureProvided>{asked.value('X-Amz-Signature')}</SignatureProvided>{asked.raw}"
    words = f"<Error><Code>SignatureDoesNotMatch</Code>{inside}</Error>"
    return Said(words, 503 if "busy" in asked.path else 403)


@pytest.fixture
def server():
    with WebServer(answer) as web:
        yield web


@pytest.fixture
def films(shell, tmp_path):
    def write(files: str, lake: str = "./lake") -> Levada:
        (tmp_path / "films.yaml").write_text(SPEC.format(files=files, lake=lake))
        return shell

    return write


def test_a_signed_url_is_shown_by_no_command(films, server, tmp_path):
    shell = films(f"{server.url}/movies.csv?{QUERY}")
    told = [
        shell("check", "films.yaml"),
        shell("preview", "films.yaml", "--date", DATE),
        shell("run", "films.yaml", "--date", DATE, "--json"),
        shell("replay", "films.yaml", "--date", DATE),
        shell("status", "--json"),
    ]
    assert [done.returncode for done in told] == [0] * len(told), [done.stderr for done in told]
    for done in told:
        all_of(done)
    assert f"{server.url}/movies.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[secret]" in told[0].stdout
    assert server.seen[-1].value("sig") == "aB/cD+eF==", "it is sent as it is"
    kept_clean(tmp_path / "lake")
    assert list((tmp_path / "lake").rglob("commit.json")), "where a lake is looked through"


@pytest.mark.parametrize("name", ["denied.csv", "busy.csv"])
def test_a_signed_url_that_a_server_repeats_is_kept_nowhere(films, server, tmp_path, name):
    shell = films(f"{server.url}/{name}?{QUERY}")
    as_json = ["--json"] if name == "busy.csv" else []
    done = shell("run", "films.yaml", "--date", DATE, *as_json)
    assert done.returncode in (2, 75)
    assert "SignatureDoesNotMatch" in all_of(done)
    assert "[secret]" in (json.loads(done.stdout)["errors"][0]["what"] if as_json else done.stderr)
    kept_clean(tmp_path / "lake")
    assert list((tmp_path / "lake").rglob("failed.json"))


@pytest.mark.parametrize(
    "files",
    [
        f"http://[::1/movies.csv?{QUERY}",
        f"http://127.0.0.1:99999/movies.csv?{QUERY}",
        f"http://127.0.0.1:1/movies.csv?{QUERY}",
        f"https://host/{{nothing}}.csv?{QUERY}",
        "s3://me:hunter2pass@bucket/movies.csv",
    ],
)
def test_a_url_that_cannot_be_is_told_without_its_secrets(films, tmp_path, files):
    done = films(files)("land", "films.yaml", "--date", DATE)
    assert done.returncode in (2, 75), done.stderr
    all_of(done)
    kept_clean(tmp_path / "lake")


@pytest.mark.parametrize(
    ("lake", "said"),
    [
        ("s3://me:hunter2pass@bucket/lake", "a user or password in the URL of a lake is a secret in the open"),
        ("s3://bucket/lake?X-Amz-Security-Token=Tok3nOfASession", "the URL of a lake takes no parameters"),
    ],
)
def test_the_url_of_a_lake_has_no_secrets(films, lake, said):
    shell = films("movies.csv", lake)
    all_of(shell("check", "films.yaml"))
    for command in (["doctor", "--lake", lake], ["status", "--lake", lake, "--json"]):
        done = shell(*command)
        assert (done.returncode, said in all_of(done)) == (2, True)
    done = shell("run", "films.yaml", "--date", DATE)
    assert done.returncode == 2
    all_of(done)


@pytest.mark.parametrize("url", ["http://me:hunter2pass@127.0.0.1:9", "no URL of me:hunter2pass@host"])
def test_an_endpoint_has_no_user(films, url):
    known = {"AWS_ACCESS_KEY_ID": "AKIA-one", "AWS_SECRET_ACCESS_KEY": "a-secret", "AWS_ENDPOINT_URL": url}
    shell = films("movies.csv", "s3://bucket/lake")
    for command in (["doctor", "--lake", "s3://bucket/lake", "--json"], ["run", "films.yaml", "--date", DATE]):
        done = shell(*command, **known)
        assert done.returncode == 2, done.stderr
        assert "AWS_ENDPOINT_URL" in all_of(done)
