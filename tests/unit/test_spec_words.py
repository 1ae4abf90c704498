"""The plan in words says what will happen, and no secret."""

import pytest

from levada.spec.read import read_text
from levada.spec.words import words

TEXT = """\
pipeline: sales
lake: /data
source:
  url: https://api.example.com/v1
  auth: {header: X-Key, key: "${TOKEN:-${OTHER}}"}
  headers: {X-Team: "${TEAM}"}
  params: {lang: en}
  timeout: 90s
  retry: {attempts: 3, cap: 2m}
  limits: {concurrency: 2, page_size: 512KB}
streams:
  orders:
    request: {path: /orders, params: {day: "{date}"}, headers: {Accept: a/b}}
    paging: {by: page, param: p, start: 0, max_pages: 9, ahead: off}
    responses:
      - {status: 404, text: no such page, means: end}
      - {text: nothing here, means: no_data}
      - {status: 500, means: fail}
    raw: none
    raw_joined: raw/{date}.json
    contract:
      unknown: refuse
      on_bad: fail
      max_bad: 2.5%
      fields:
        id: {type: int64, min: 1, max: 9}
        kind: {type: string, enum: [a, b], pattern: ^x, nullable: true}
        day: {type: date, equals: "{date}"}
    stage: {avro: {name: "stg/{date}.avro", codec: null}, delta: tables/x, csv: "{date}.csv"}
  list:
    request: {path: /list}
    records: $
"""


@pytest.fixture(scope="module")
def plan():
    return "\n".join(words(read_text(TEXT, "orders.yaml", {"TEAM": "red", "TOKEN": "hunter2secret"})))


@pytest.mark.parametrize(
    "line",
    [
        "Pipeline sales: one run is one day.",
        "Lake: /data",
        "API: https://api.example.com/v1",
        "the header X-Key, from TOKEN or OTHER",
        "Headers of every request: X-Team",
        "A request may take 90s.",
        "3 times in all, 2m apart at most",
        "A Retry-After above 5m ends the run",
        "At most 2 requests at once; a page over 512KB",
        "Stream orders",
        "GET https://api.example.com/v1/orders?lang=en&day={date}&p=N",
        "with headers Accept",
        "N = 0, 1, ... until an empty page or a rule below ends them or after 9 pages; one after the other",
        'status 404 with "no such page" in the body: that is the end',
        'any status with "nothing here" in the body: there is no data',
        "status 500: the run fails at once",
        "pages under _levada/ only",
        "raw/{date}.json (all pages as one list)",
        "id: int64, at least 1, at most 9",
        "kind: string, may be null or missing, one of a, b, matches ^x",
        "day: date, equals {date}",
        "A record that breaks a rule fails the run",
        "A record with keys that the contract does not name is bad.",
        "more than 2.5 % bad records fails",
        "Stages stg/{date}.avro (Avro, codec null, one file a partition)\n",
        "tables/x (Delta table, codec zstd, partitions told by _levada_partition)\n",
        "{date}.csv (CSV, codec none, one file a partition)",
        "Stream list",
        "A snapshot: the request does not mention its partition",
        "one page",
        "the body as one record",
        "raw/{pipeline}/{stream}/{partition}/{page}.json",
        "Checks nothing: there is no contract",
        "Stages nothing",
    ],
)
def test_the_plan_says(plan, line):
    assert line in plan


def test_the_plan_shows_no_secret_and_no_value_of_a_header(plan):
    assert "hunter2" not in plan
    assert "red" not in plan.replace("prepared", "").split()


def test_only_the_snapshot_is_called_one(plan):
    assert plan.count("A snapshot") == 1


def test_missing_variables_are_warnings_at_the_end():
    lines = words(read_text(TEXT, "orders.yaml", {}))
    assert [line for line in lines if line.startswith("Warning")] == lines[-2:]
    assert "The secret TOKEN or OTHER is not set (source.auth.key, orders.yaml:5:30)" in lines[-2]
    assert "The variable TEAM is not set (source.headers.X-Team, orders.yaml:6:21)" in lines[-1]


@pytest.mark.parametrize(
    ("value", "said"),
    [("0", "0ms"), ("500ms", "500ms"), ("1.5s", "1.5s"), ("60s", "1m"), ("90m", "90m"), ("36h", "36h"), ("7d", "7d")],
)
def test_durations_are_said_in_the_largest_unit_that_fits(value, said):
    text = TEXT + f"keep_replaced: {value}\n"
    assert f"stay readable for {said}." in "\n".join(words(read_text(text, "x", {})))


def test_what_is_left_out_is_said_too():
    text = TEXT.replace("max_bad: 2.5%", "max_bad: 12").replace("512KB", "100B")
    lines = "\n".join(words(read_text(text, "x", {})))
    assert "more than 12 bad records fails" in lines
    assert "a page over 100B is refused" in lines
    lines = "\n".join(words(read_text(text.replace("      max_bad: 12\n", ""), "x", {})))
    assert "fails only when every one of its records is bad" in lines


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ('query: k, key: "${A}"', "the query parameter k, from A"),
        ('cookie: k, key: "${A}"', "the cookie k, from A"),
        ('bearer: "${A:-${B}}"', "a bearer token, from A or B"),
        ('basic: {user: "${U}", password: "${P}"}', "user and password, from U and P"),
        (
            'oauth2: {grant: refresh_token, token_url: https://i.example/t, refresh_token: "${R}", scopes: [a, b]}',
            "an access token for a and b from https://i.example/t (OAuth 2, refresh_token), given for R",
        ),
        (
            'login: {path: /l, json: {who: me, password: "${P}"}, token: $.t, lives: 30m, query: s}',
            "the query parameter s, from the log-in POST /l, given for P, good for 30m",
        ),
        ('jwt: {key: "${K}", algorithm: RS256}', "a token signed with K (RS256), good for 5m"),
        (
            'jwt: {key: "${K}", algorithm: RS256, token_url: https://i.example/t}',
            "an access token from https://i.example/t, given for a token signed with K",
        ),
        (
            'sigv4: {service: s3, region: eu-west-1, access_key: "${A}", secret_key: "${S}"}',
            "an AWS signature for s3 in eu-west-1, from A and S",
        ),
        ("class: 'm:Signer', secrets: {k: '${K}'}", "by your own m:Signer, from K"),
    ],
)
def test_the_plan_tells_how_the_api_knows_who_asks(scheme, said):
    text = TEXT.replace('header: X-Key, key: "${TOKEN:-${OTHER}}"', scheme)
    assert f"Credential: {said}" in "\n".join(words(read_text(text, "x", {})))


@pytest.mark.parametrize(
    ("paging", "said"),
    [
        ("{by: offset, limit: 50, total_rows: $.n}", "N = 0, 50, ... until an empty page or the total of rows at $.n"),
        (
            "{by: cursor, next: {last: $.id}}",
            "the cursor at $.id of the last record, sent as cursor, until there is none",
        ),
        ("{by: next_url, keep_origin: true}", "the next URL at $.next, until there is none"),
        ("{by: link}", "the Link header's next, until there is none"),
        ("{by: class, class: 'a:b'}", "as a:b says, until there is none"),
        ("{by: page, in: header, param: X-P, last: 9}", "N is 9"),
        ("{by: page, limit: 5, stop_when_short: true}", "a page of fewer than 5 records"),
        ("{by: page, has_more: {header: X-More}}", "the value in the header X-More says no"),
    ],
)
def test_the_plan_tells_how_pages_follow_one_another(paging, said):
    text = TEXT.replace("{by: page, param: p, start: 0, max_pages: 9, ahead: off}", paging)
    assert said in "\n".join(words(read_text(text, "x", {})))
