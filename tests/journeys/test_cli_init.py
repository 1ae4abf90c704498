"""`levada init`: one request, a spec that passes `check`, guesses as comments."""

import json
from pathlib import Path

import pytest

from simulated import Levada
from terminals import Terminal
from webserver import Said, WebServer


def lines(path):
    return [line.strip() for line in path.read_text().splitlines()]


def rows_of(levada, file):
    """What a run by a spec brings."""
    done = levada("run", file, "--json")
    (run,) = json.loads(done.stdout)["runs"]
    return run["counts"]["read"], run["pages"]


@pytest.mark.parametrize(
    ("path", "paging"),
    [
        ("/posts", "{by: next_url, next: $.next_page}"),
        ("/posts_relative_next_url", "{by: next_url, next: $.next_page}"),
        ("/posts_header_link", "{by: link}"),
        ("/posts_under_a_different_key", "{by: next_url, next: $.next_page}"),
        ("/posts_offset_limit?offset=0&limit=5", "{by: offset, param: offset, limit: 5, limit_param: limit}"),
    ],
)
def test_what_is_certain_is_written_and_brings_every_post(shell, posts, tmp_path, path, paging):
    done = shell("init", f"{posts.url}{path}", "--output", "p.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert posts.targets == [path]
    assert f"paging: {paging}" in lines(tmp_path / "p.yaml")
    assert shell("check", "p.yaml").returncode == 0
    (tmp_path / "p.yaml").write_text((tmp_path / "p.yaml").read_text().replace("{by: day}", "{by: day, default: last}"))
    assert rows_of(shell, "p.yaml") == (25, 5)


def test_what_is_a_guess_is_a_comment_and_works_once_it_is_none(shell, posts, tmp_path):
    done = shell("init", f"{posts.url}/posts_cursor")
    file = tmp_path / "posts_cursor.yaml"
    assert done.returncode == 0
    assert "guess: $.next_cursor holds a number that leads on" in done.stdout
    guess = "# paging: {by: cursor, next: $.next_cursor, param: cursor}"
    assert guess in lines(file)
    assert "# Without `paging` one page is all that is read. Once you are sure, take the # away:" in lines(file)
    text = file.read_text().replace("{by: day}", "{by: day, default: last}")
    file.write_text(text)
    assert rows_of(shell, file.name) == (5, 1)
    file.write_text(text.replace(guess, guess[2:]))
    assert rows_of(shell, file.name) == (25, 5)


def test_a_one_based_api_is_read_from_its_first_page_to_its_last(shell, tmp_path):
    pages = {number: {"items": [{"id": number}], "total_pages": 5} for number in range(1, 6)}
    with WebServer(lambda asked: pages[asked.number("page", 1)]) as api:
        assert shell("init", f"{api.url}/v1/things?page=1").returncode == 0
        text = (tmp_path / "things.yaml").read_text()
        assert "paging: {by: page, total_pages: $.total_pages}" in text
        assert "url: " + api.url + "/v1" in text
        api.forget()
        (tmp_path / "things.yaml").write_text(text.replace("{by: day}", "{by: day, default: last}"))
        assert rows_of(shell, "things.yaml") == (5, 5)
        assert sorted(api.targets) == [f"/v1/things?page={number}" for number in range(1, 6)]


def test_a_date_that_looks_like_a_cursor_is_none(shell, tmp_path):
    with WebServer(lambda _: {"items": [{"id": 1}], "next_update": "2026-01-01"}) as api:
        assert shell("init", f"{api.url}/things").returncode == 0
        text = (tmp_path / "things.yaml").read_text()
        assert "paging:" not in text
        assert "# CHECK: no way to a next page was recognised" in text


def test_credentials_come_from_variables_and_are_not_written(shell, posts, tmp_path):
    url = f"{posts.url}/protected/posts/api-key"
    options = ("--auth", "header", "--auth-name", "x-api-key", "--variable", "POSTS_KEY")
    done = shell("init", url, *options, POSTS_KEY="test-api-key")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "api-key.yaml").read_text()
    assert 'auth: {header: x-api-key, key: "${POSTS_KEY}"}' in text
    assert "test-api-key" not in text + done.stdout
    basic = shell(
        *("init", f"{posts.url}/protected/posts/basic-auth", "--auth", "basic", "-o", "b.yaml"),
        API_USER="user",
        API_PASSWORD="password",
    )
    assert basic.returncode == 0, basic.stderr
    assert 'auth: {basic: {user: "${API_USER}", password: "${API_PASSWORD}"}}' in lines(tmp_path / "b.yaml")
    (tmp_path / ".env").write_text("API_TOKEN=test-token\n")
    assert (
        shell("init", f"{posts.url}/protected/posts/bearer-token", "--auth", "bearer", "-o", "c.yaml").returncode == 0
    )
    assert 'auth: {bearer: "${API_TOKEN}"}' in lines(tmp_path / "c.yaml")


def test_a_refused_key_writes_no_file(shell, posts, tmp_path):
    done = shell("init", f"{posts.url}/protected/posts/bearer-token", "--auth", "bearer", API_TOKEN="wrong-token")
    assert done.returncode == 2
    assert "401" in done.stderr
    assert "wrong-token" not in done.stderr
    missing = shell("init", f"{posts.url}/protected/posts/bearer-token", "--auth", "bearer")
    assert (missing.returncode, "Not set: API_TOKEN." in missing.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_touched_and_nothing_is_asked(shell, posts, tmp_path):
    (tmp_path / "posts.yaml").write_text("mine")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    for name in ("posts.yaml", "link.yaml"):
        done = shell("init", f"{posts.url}/posts", "--output", name)
        assert done.returncode == 2
        assert f"{name} is there already, and is not overwritten." in done.stderr
    assert (tmp_path / "posts.yaml").read_text() == "mine"
    assert (tmp_path / "link.yaml").readlink() == Path("nowhere")
    assert posts.seen == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["posts"], "posts is no http or https URL."),
        (["ftp://h/x"], "is no http or https URL."),
        (["http://user:open-sesame-5@127.0.0.1/x"], "The URL holds a user or a password"),
        (["http://127.0.0.1/x?api_key=open-sesame-5"], "The parameter api_key looks like a secret"),
        (["http://127.0.0.1/x", "--param", "token=open-sesame-5"], "The parameter token looks like a secret"),
        (["http://127.0.0.1/x/{id}"], "The path holds braces"),
        (["http://127.0.0.1/x", "--param", "a"], '"a" is no parameter.'),
        (["http://127.0.0.1/x", "--auth", "basic", "--variable", "A"], "--auth basic takes 2 variables."),
        (["http://127.0.0.1/x", "--output", "no/such/x.yaml"], "There is no folder"),
        (["http://127.0.0.1/x", "--stream", "a b"], "a b"),
    ],
)
def test_mistakes_are_told_before_anything_is_asked(shell, tmp_path, arguments, said):
    done = shell("init", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "open-sesame" not in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Said({"message": "gone fishing"}, 404), 2, "gone fishing"),
        (Said({"message": "busy"}, 503), 75, "busy"),
        (Said("<!doctype html><html>log in</html>"), 3, "HTML"),
    ],
)
def test_an_answer_that_is_no_data_ends_with_its_own_code_and_no_file(shell, tmp_path, answer, code, said):
    with WebServer(lambda _: answer) as api:
        done = shell("init", f"{api.url}/things")
        assert done.returncode == code
        assert said in done.stderr
        assert len(api.seen) == 1
    assert list(tmp_path.iterdir()) == []


def test_parameters_reach_the_api_as_they_reach_the_spec(shell, tmp_path):
    with WebServer(lambda _: [{"id": 1}]) as api:
        url = f"{api.url}/a%20b/things?tag=x&tag=y&empty=&day=2022-08-09"
        done = shell("init", url, "--param", "odd={a}${B}: #", "--param", "n=007")
        assert done.returncode == 0, done.stderr
        assert shell("preview", "things.yaml").returncode == 0
        first, second = api.seen
    assert first.query == second.query
    assert first.path == second.path == "/a%20b/things"
    assert dict(first.query) == {"tag": "y", "empty": "", "day": "2022-08-09", "odd": "{a}${B}: #", "n": "007"}
    assert '# CHECK: "{date}" asks for the day of the run' in (tmp_path / "things.yaml").read_text()


def test_other_formats_are_recognised(shell, tmp_path):
    with WebServer(lambda _: Said("a,b\n1,2\n", headers=(("Content-Type", "text/csv"),))) as api:
        assert shell("init", f"{api.url}/things.csv").returncode == 0
        assert "format: csv" in lines(tmp_path / "things.yaml")
        assert "a  b" in shell("preview", "things.yaml").stdout


def test_for_machines(shell, posts, tmp_path):
    done = shell("init", f"{posts.url}/posts", "--json", "--pipeline", "blog", "--stream", "entries")
    told = json.loads(done.stdout)
    assert (told["file"], told["pipeline"], told["stream"], told["rows"]) == ("blog.yaml", "blog", "entries", 5)
    assert [(one["key"], one["certainty"]) for one in told["suggestions"]] == [
        ("records", "certain"),
        ("paging", "certain"),
    ]
    assert "  entries:" in (tmp_path / "blog.yaml").read_text()


def test_on_a_terminal_it_asks_for_what_is_open(posts, tmp_path):
    terminal = Terminal(Levada({}, tmp_path), "init", f"{posts.url}/protected/posts/bearer-token")
    for question, answer in (
        ("Stream", "entries"),
        ("Pipeline", "blog"),
        ("Authentication", "bearer"),
        ("Variable that holds it", "BLOG_TOKEN"),
    ):
        terminal.until(lambda wanted=question: f"{wanted} " in terminal.raw)
        terminal.type(f"{answer}\n")
    terminal.asked("BLOG_TOKEN: ")
    terminal.type("test-token\n")
    assert terminal.end() == 0, terminal.raw
    assert "test-token" not in terminal.raw + (tmp_path / "blog.yaml").read_text()
    assert 'auth: {bearer: "${BLOG_TOKEN}"}' in lines(tmp_path / "blog.yaml")
    assert "entries:" in lines(tmp_path / "blog.yaml")


def test_yes_asks_nothing(posts, tmp_path):
    terminal = Terminal(Levada({}, tmp_path), "init", f"{posts.url}/posts", "--yes")
    assert terminal.end() == 0
    assert (tmp_path / "posts.yaml").exists()
