"""The page of a job server: what it tells, and that nothing of what it tells can harm its reader."""

import base64
import re
import shlex
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from levada.nouns import Counts, Run
from levada.secret import remember
from levada.serve import page
from levada.serve.app import make_app
from levada.serve.asked import parameters
from levada.serve.history import History
from levada.serve.jobs import LAND, STAGE, About, Told

ABOUT = About("shop", "/specs/shop.yaml", "/data")
AT = datetime(2022, 8, 12, 6, 0, 7, tzinfo=UTC)
RUN = Run(
    "shop",
    "sales",
    "2022-08-09",
    "r",
    "done",
    "landed",
    Counts(read=338, kept=301, quarantined=37),
    4,
    6,
    0,
    tuple("abcd"),
    True,
    0.5,
)
TOLD = Told("land", AT, {"date": "2022-08-09", "raw_dir": "/data/raw"}, 201, "Data retrieved", 1.26, RUN)
URL = "http://localhost:8081/"
SECRET = "page-'secret\"-61"
VOID = {"meta", "link", "br", "hr", "img", "input"}
HEAD = {"html", "head", "meta", "title", "style", "body", "main"}
TEXT = {"h1", "h2", "p", "dl", "div", "dt", "dd", "code", "pre", "a", "time", "span"}
TAGS = HEAD | TEXT | {"table", "caption", "thead", "tbody", "tr", "th", "td"}


class Parsed(HTMLParser):
    """A page as a browser reads it; refuses what does not close in order, and what the template has not."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, f"<{tag}> is not of the template"
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def unknown_decl(self, data):
        raise AssertionError(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


def parsed(latest=(), about=ABOUT, kind=LAND, url=URL):
    return Parsed(page.html(kind, about, latest, url))


def call_on(html):
    """The command line of a page, as a shell takes it apart."""
    return shlex.split(html.text[html.text.index("curl ") : html.text.index("The answer comes")].replace("\\ ", ""))


@pytest.mark.parametrize("kind", [LAND, STAGE])
@pytest.mark.parametrize("about", [None, ABOUT])
@pytest.mark.parametrize("latest", [(), (TOLD,)])
def test_every_page_is_well_formed_and_says_what_a_reader_and_a_screen_reader_need(kind, about, latest):
    html = parsed(latest, about, kind)
    assert html.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in html.all("meta")
    assert len(html.all("title")) == len(html.all("h1")) == 1
    assert len(html.all("caption")) == len(html.all("table"))
    assert {attributes.get("scope") for attributes in html.all("th")} == {"col", "row"}
    assert kind.does in html.text
    assert "a job that fails before that step leaves the folder as it was" in html.text


def test_it_says_of_which_spec_and_root_it_is():
    text = parsed().text
    assert text.startswith(" Land jobs of shop · Levada")
    for fact in ("Pipeline shop".replace(" ", ""), "Spec/specs/shop.yaml", "Root/data"):
        assert fact in text


def test_without_a_spec_it_still_makes_sense():
    text = parsed(about=None).text
    assert "Land jobs · Levada" in text
    assert "None" not in text.replace("None yet.", "")
    assert "Root" not in text


@pytest.mark.parametrize("kind", [LAND, STAGE])
@pytest.mark.parametrize("root", ["/data", "/", '/it\'s $(here) "now"/ü;', "/-d/@x"])
def test_the_command_line_is_a_request_that_the_server_takes(kind, root):
    curl, url, _, header, _, body = call_on(parsed(about=replace(ABOUT, root=root), kind=kind))
    assert (curl, url, header) == ("curl", URL, "Content-Type: application/json")
    given, ignored = parameters(kind, header.split(": ")[1], body.encode())
    assert given[kind.parameters[-1]].startswith(root.rstrip("/") + "/")
    assert ignored == ()


def test_the_command_line_calls_the_address_that_the_reader_called():
    client = make_app(LAND, lambda **_: None, ABOUT).test_client()
    for host in ("localhost:18081", "127.0.0.1", "[::1]:9"):
        assert call_on(Parsed(client.get("/", headers={"Host": host}).text))[1] == f"http://{host}/"


def test_all_statuses_of_jobs_are_explained():
    text = parsed().text
    for status in (201, 400, 403, 404, 409, 413, 500, 502, 503, 504):
        assert f" {status}" in text
    assert "/openapi.json" in [link["href"] for link in parsed().all("a")]


def test_no_jobs_yet():
    html = parsed()
    assert "None yet." in html.text
    assert len(html.all("table")) == 1


@pytest.fixture
def _elsewhere(monkeypatch):
    """This machine's clock shows the time of another place."""
    monkeypatch.setenv("TZ", "XYZ-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_elsewhere")
def test_a_job_is_told_with_its_figures():
    html = parsed([replace(TOLD, at=AT.astimezone(timezone(timedelta(hours=-5))))])
    row = html.text[html.text.index("2022-08-12") :]
    assert " ".join(row.split()) == (
        "2022-08-12 06:00:07 land date2022-08-09 raw_dir/data/raw 201 done Data retrieved 338 301 37 4 1.3"
    )
    assert html.all("time") == [{"datetime": "2022-08-12T06:00:07.000+00:00"}]
    assert [cell["data-name"] for cell in html.all("td") if "data-name" in cell] == [
        "Read",
        "Kept",
        "Quarantined",
        "Files",
        "Seconds",
    ]


@pytest.mark.parametrize(
    ("changes", "outcome", "mood"),
    [
        ({"status": None, "seconds": None, "run": None, "message": "at work"}, "at work", "care"),
        ({"status": None}, "done", "good"),
        ({"status": None, "run": None}, "failed", "bad"),
        ({"status": 201, "run": None}, "201 done", "good"),
        ({"status": 400, "run": None}, "400 failed", "bad"),
        ({"status": 404, "run": replace(RUN, outcome="no data")}, "404 no data", "care"),
        ({"run": replace(RUN, outcome="done with quarantine")}, "201 done with quarantine", "care"),
    ],
)
def test_how_a_job_ended_is_told_in_words(changes, outcome, mood):
    html = parsed([replace(TOLD, **changes)])
    assert f" {outcome} " in html.text
    assert html.all("span") == [{"class": mood}]
    assert html.text.count("at work ") == (1 if outcome == "at work" else 0) + 1  # once in the table of statuses


def test_a_job_that_runs_has_no_figures():
    text = parsed([Told("land", AT, {}, None, "at work")]).text
    assert text.endswith(" at work ")


def test_notes_and_dropped_rows_are_told():
    run = replace(RUN, counts=Counts(read=5, kept=2, dropped=3), notes=("finished now", "Data retri"))
    text = parsed([replace(TOLD, run=run)]).text
    assert "Data retrieved finished now 3 dropped, as the contract says" in text
    assert text.count("Data retri") == 1  # said by the message already


EVIL = "</code></table><script>alert(1)</script><img src=x onerror=alert(1)>\"'><!--{{ 7 * 7 }}{% raw %}"


def test_what_requests_the_api_and_the_lake_say_is_text_and_nothing_else():
    run = replace(RUN, notes=(EVIL,))
    told = Told(EVIL, AT, {EVIL: EVIL}, 400, EVIL[::-1], 1.0, run)
    html = parsed([told], About(EVIL, EVIL, f"/{EVIL}"))
    assert html.text.count(EVIL) >= 6
    assert "49" not in html.text


@pytest.mark.parametrize(
    "unfit", ["\x00", "\x1b", "\n", "\x7f", "\x9b", "\u2028", "\u202e", "\u200b", "\ud800", "\uffff"]
)
def test_characters_that_mislead_or_have_no_bytes_are_written_out(unfit):
    told = Told("land", AT, {"raw_dir": f"/data/a{unfit}b"}, 400, f"bad {unfit}", 1.0)
    text = page.html(LAND, ABOUT, [told], URL)
    assert f"/data/a\\u{ord(unfit):04x}b" in text
    assert text.encode()
    assert unfit == "\n" or unfit not in text


def test_secrets_are_not_shown_not_even_in_part():
    remember(SECRET)
    told = Told("land", AT, {"raw_dir": "x" * 490 + SECRET + "y" * 90}, 502, f"refused {SECRET}", 1.0)
    told = replace(told, run=replace(RUN, notes=(f"said {SECRET}",)))
    html = parsed([told], About("shop", f"/specs/{SECRET}.yaml", f"/data/{SECRET}"))
    assert "page-" not in html.text
    assert "refused [secret]" in html.text


def test_long_texts_are_cut():
    told = Told("land", AT, {"raw_dir": "x" * 60_000}, 400, "y" * 60_000, 1.0)
    assert len(page.html(LAND, ABOUT, [told], URL)) < 12_000


def test_the_page_asks_the_network_for_nothing():
    html = parsed([TOLD])
    assert not [tag for tag, _ in html.seen if tag in {"script", "link", "img", "iframe", "object", "form"}]
    addresses = [value for _, attributes in html.seen for name, value in attributes.items() if name in {"src", "href"}]
    assert addresses == ["/openapi.json"]
    assert not [name for _, attributes in html.seen for name in attributes if name.startswith("on") or name == "style"]
    assert "url(" not in page.html(LAND, ABOUT, [], URL)
    assert "@import" not in page.html(LAND, ABOUT, [], URL)


def test_its_headers_let_the_browser_use_its_own_style_and_nothing_else():
    answer = make_app(LAND, lambda **_: None, ABOUT).test_client().get("/")
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    style = re.search("<style>(.*?)</style>", answer.text, re.DOTALL)[1]
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_style_is_for_dark_rooms_and_small_screens_too():
    style = files("levada.serve").joinpath("page.html").read_text()
    assert "prefers-color-scheme: dark" in style
    assert "color-scheme: light dark" in style
    assert "max-width: 60rem" in style


def test_the_jobs_of_a_server_are_on_its_page():
    earlier = replace(TOLD, status=None, message="from the lake")
    app = make_app(LAND, lambda **_: RUN, ABOUT, History([earlier])).test_client()
    app.post("/", json={"date": "2022-08-09", "raw_dir": "/data/raw/<b>"})
    text = Parsed(app.get("/").text).text
    assert text.index("/data/raw/<b>") < text.index("from the lake")
    assert "201 done" in text


def test_a_folder_that_has_no_utf8_does_not_take_the_page_away():
    app = make_app(LAND, lambda **_: None, ABOUT).test_client()
    body = b'{"date": "2022-08-09", "raw_dir": "/data/\\ud800"}'
    assert app.post("/", data=body, content_type="application/json").status_code == 201
    assert app.get("/").status_code == 200
    assert "/data/\\ud800" in app.get("/").text


def test_a_job_is_shown_while_it_is_at_work():
    seen = []
    app = make_app(LAND, lambda **_: seen.append(app.test_client().get("/").text), ABOUT)
    app.test_client().post("/", json={"date": "2022-08-09", "raw_dir": "/data/raw/now"})
    (text,) = seen
    assert " at work " in Parsed(text).text[Parsed(text).text.index("/data/raw/now") :]
