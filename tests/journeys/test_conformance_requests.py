"""Requests, retries, authentication and rows of parents, through a spec, on the reference API and on small servers."""

import base64
import json

import pytest

from cases import Settings, attempt, one, run, spec, text_of
from levada.errors import ContractBroken, FixThis, TryLater
from levada.version import __version__
from mockapi import POSTS, comments_of, mock_api
from webserver import Said, WebServer

POST = "id: int64, title: string"
DATA = "records: $.data[*]"
PAGED = f"paging: {{by: page, total_pages: $.total_pages}}\n{DATA}"
FIVE = [f"?page={n}" for n in range(1, 6)]


@pytest.fixture
def api(posts):
    return posts


def failing(*statuses, body=None, headers=()):
    """A server whose first answers have these statuses; then it gives two records."""

    def answer(_):
        place = len(server.seen) - 1
        if place < len(statuses):
            return Said({"message": f"said {statuses[place]}"} if body is None else body, statuses[place], headers)
        return [{"id": 1}, {"id": 2}]

    server = WebServer(answer, truth=[{"id": 1}, {"id": 2}])
    return server


ROWS = "request: {path: /rows}"

# --- D: HTTP and retries ----------------------------------------------------------------------------------------------


def test_d1_five_attempts_with_growing_waits_within_full_jitter():
    with failing(*[500] * 4) as server:
        case = run(one(ROWS), server)
    assert (len(case.requests), case.records()) == (5, server.truth)
    assert len(case.slept) == 4
    assert all(0 <= waited <= longest for waited, longest in zip(case.slept, (1, 2, 4, 8), strict=True))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_d1_statuses_that_are_asked_again(status):
    with failing(status) as server:
        assert run(one(ROWS), server).requests == ["/rows"] * 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_d1_statuses_that_are_not(status):
    with failing(status) as server:
        case = attempt(one(ROWS), server)
    assert isinstance(case.error, FixThis)
    assert case.requests == ["/rows"]
    assert str(status) in str(case.error)
    assert f"said {status}" in str(case.error)


def test_d2_a_503_for_ever_is_five_requests_then_try_later():
    with failing(*[503] * 99) as server:
        case = attempt(one(ROWS), server)
    assert isinstance(case.error, TryLater)
    assert (len(case.requests), case.records()) == (5, [])


def test_d3_two_503_then_200_is_three_requests():
    with failing(503, 503) as server:
        case = run(one(ROWS), server)
    assert (len(case.requests), case.runs[0].requests, case.records()) == (3, 3, server.truth)


@pytest.mark.parametrize("name", ["retry-after", "Retry-After", "RETRY-AFTER"])
def test_d4_retry_after_is_one_wait_of_its_length(name):
    with failing(429, headers=((name, "4"),)) as server:
        case = run(one(ROWS), server)
    assert len(case.requests) == 2
    assert len(case.slept) == 1
    assert 4 <= case.slept[0] <= 5


RETRIED = f"{ROWS}\nresponses: [{{status: 200, text: error, means: retry}}]"


def test_d5_a_text_may_mean_ask_again():
    with failing(200, 200, body="error: come back") as server:
        assert len(run(one(RETRIED), server).requests) == 3
    with failing(*[200] * 99, body="error: come back") as server:
        case = attempt(one(RETRIED), server)
        assert (len(case.requests), type(case.error)) == (5, TryLater)
        assert "error: come back" in str(case.error)


def test_d6_a_503_that_means_empty_is_not_asked_again():
    with failing(503) as server:
        case = run(one(f"{ROWS}\nresponses: [{{status: 503, means: empty}}]"), server)
    assert (case.requests, case.outcome, case.slept) == (["/rows"], "no data", [])


def test_d_attempts_and_waits_of_the_spec():
    with failing(*[500] * 99) as server:
        retry = "retry: {attempts: 4, wait: 10s, factor: 3, cap: 50s, jitter: none}"
        case = attempt(one(ROWS, source=retry), server)
    assert (len(case.requests), case.slept) == (4, [10, 30, 50])


def test_d8_the_user_agent_and_headers_of_the_request_win():
    with failing() as server:
        run(one(ROWS), server)
        source = "headers: {X-One: source, X-Two: source}"
        run(one("request: {path: /rows, headers: {x-one: stream, User-Agent: mine}}", source=source), server)
    first, second = (asked.headers for asked in server.seen)
    assert first["user-agent"] == f"levada/{__version__}"
    assert (second["user-agent"], second["x-one"], second["x-two"]) == ("mine", "stream", "source")


def test_d9_an_absolute_path_goes_to_its_own_host_without_the_key(api):
    with failing() as other:
        text = one(f"request: {{path: '{other.url}/rows'}}", source='auth: {bearer: "${KEY}"}')
        case = attempt(text, api, Settings(environment={"KEY": "sesame-4711"}))
        assert (case.requests, [asked.path for asked in other.seen]) == ([], ["/rows"])
        assert "authorization" not in other.seen[0].headers
        assert case.records() == other.truth


@pytest.mark.parametrize("pair", ["json: {a: 1}, form: {b: 2}", "json: {a: 1}, text: x", "form: {a: b}, text: x"])
def test_d10_two_bodies_are_refused(pair):
    with pytest.raises(FixThis, match=r"body|json|form|text"):
        spec(one(f"request: {{path: /rows, {pair}}}"))


def sent(request):
    """The one request that comes of this `request`."""
    with failing() as server:
        run(one(f"request: {{path: /rows, {request}}}"), server)
    return server.seen[0]


def test_d10_bodies():
    as_json = sent('json: {a: [1, "two", null, true, 1.5], day: "{date}", deep: {n: {}}}')
    assert as_json.json == {"a": [1, "two", None, True, 1.5], "day": "2022-08-09", "deep": {"n": {}}}
    assert (as_json.method, as_json.headers["content-type"]) == ("POST", "application/json")
    as_form = sent('form: {a: "b c", d: [1, 2], e: ""}')
    assert as_form.body == b"a=b+c&d=1&d=2&e="
    assert as_form.headers["content-type"].startswith("application/x-www-form-urlencoded")
    as_text = sent('text: "day={date}"')
    assert as_text.body == b"day=2022-08-09"
    empty = sent("json: {}")
    assert (empty.method, empty.body) == ("POST", b"{}")
    bare = sent("method: POST")
    assert (bare.method, bare.body) == ("POST", b"")
    plain = sent("params: {a: b}")
    assert (plain.method, plain.body, "content-type" in plain.headers) == ("GET", b"", False)


def test_d10_graphql_takes_variables_and_its_braces_stay():
    asked = sent('graphql: {query: "query ($d: Date) { rows(day: $d) { id } }", variables: {d: "{date}", n: 5}}')
    assert asked.json == {
        "query": "query ($d: Date) { rows(day: $d) { id } }",
        "variables": {"d": "2022-08-09", "n": 5},
    }


SECRET = "sesame-4711-open"


@pytest.mark.parametrize(
    "name", ["api_key", "token", "key", "access_token", "Api-Key", "secret", "password", "whatever"]
)
def test_d12_a_key_in_the_query_is_never_shown(name):
    text = one(ROWS, source=f'auth: {{query: {name}, key: "${{KEY}}"}}')
    with failing(418, body=f"no {SECRET} here") as server:
        case = attempt(text, server, Settings(environment={"KEY": SECRET}))
        assert server.seen[0].value(name) == SECRET
    assert SECRET not in str(case.error)
    assert "/rows" in str(case.error)
    for entry in case.store.list(""):
        assert SECRET.encode() not in case.store.read(entry.key)


def test_d13_a_refusal_in_plain_text_is_told_with_its_status(api):
    case = attempt(one(f"request: {{path: /protected/posts/bearer-token-plain-text-error}}\n{DATA}"), api)
    assert isinstance(case.error, FixThis)
    assert "401" in str(case.error)
    assert "Unauthorized" in str(case.error)
    assert len(case.requests) == 1


# --- E: who asks ------------------------------------------------------------------------------------------------------

SIGNED = {
    "basic-auth": ('auth: {basic: {user: "${U}", password: "${P}"}}', {"U": "user", "P": "password"}),
    "bearer-token": ('auth: {bearer: "${T}"}', {"T": "test-token"}),
    "api-key": ('auth: {header: x-api-key, key: "${K}"}', {"K": "test-api-key"}),
}


@pytest.mark.parametrize("door", SIGNED)
def test_e1_protected_endpoints_give_all_posts(api, door):
    source, environment = SIGNED[door]
    below = f"request: {{path: /protected/posts/{door}}}\n{PAGED}"
    case = run(one(below, fields=POST, source=source), api, Settings(environment=environment))
    assert case.requests == [f"/protected/posts/{door}{query}" for query in FIVE]
    assert case.records() == POSTS


def oauth(url, more="", grant="client_credentials"):
    client = 'client_id: "${ID}", client_secret: "${SECRET}"'
    return f"auth: {{oauth2: {{grant: {grant}, token_url: '{url}', {client}{more}}}}}"


CLIENT = {"ID": "test-client-id", "SECRET": "test-client-secret"}
GUARDED = f"request: {{path: /protected/posts/bearer-token}}\n{PAGED}"


def test_e2_one_token_for_all_pages(api):
    text = one(GUARDED, fields=POST, source=oauth(f"{api.url}/oauth/token"), concurrency=4)
    case = run(text, api, Settings(environment=CLIENT))
    assert case.requests.count("/oauth/token") == 1
    assert case.requests[0] == "/oauth/token"
    assert sorted(case.requests[1:]) == [f"/protected/posts/bearer-token{query}" for query in FIVE]
    assert case.records() == POSTS
    assert api.seen[0].form["grant_type"] == "client_credentials"


@pytest.mark.parametrize("wrong", ["ID", "SECRET"])
def test_e2_wrong_credentials_are_told_from_the_token_call(api, wrong):
    text = one(GUARDED, fields=POST, source=oauth(f"{api.url}/oauth/token"))
    case = attempt(text, api, Settings(environment={**CLIENT, wrong: "quite-wrong-value"}))
    assert isinstance(case.error, FixThis)
    assert case.requests == ["/oauth/token"]
    assert "401" in str(case.error)
    assert "quite-wrong-value" not in str(case.error)


def test_e3_a_token_that_ends_at_once_is_fetched_before_each_request(api):
    text = one(GUARDED, fields=POST, source=oauth(f"{api.url}/oauth/token-expires-now"))
    case = run(text, api, Settings(environment=CLIENT))
    pages = [f"/protected/posts/bearer-token{query}" for query in FIVE]
    assert case.requests == [asked for page in pages for asked in ("/oauth/token-expires-now", page)]
    assert case.records() == POSTS


def test_e4_a_token_request_of_ones_own(api):
    more = ", client_in: basic, params: {account_id: test-account-id}"
    source = oauth(f"{api.url}/custom-oauth/token", more, grant="account_credentials")
    text = one(GUARDED, fields=POST, source=source)
    case = run(text, api, Settings(environment={"ID": "test-account-id", "SECRET": "test-client-secret"}))
    assert (case.requests[0], len(case.requests), case.records()) == ("/custom-oauth/token", 6, POSTS)
    token_call = api.seen[0]
    assert token_call.form["grant_type"] == "account_credentials"
    assert "client_secret" not in token_call.form


@pytest.fixture(scope="module")
def private_key():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


def test_e5_a_jwt_is_traded_for_a_token(api, private_key):
    jwt = f"""key: "${{PEM}}", algorithm: RS256, claims: {{iss: me, aud: '{api.url}'}}, scopes: [read, list],
      token_url: '{api.url}/oauth/token'"""
    text = one(GUARDED, fields=POST, source=f"auth: {{jwt: {{{jwt}}}}}")
    case = run(text, api, Settings(environment={"PEM": private_key}))
    assert (case.requests.count("/oauth/token"), case.records()) == (1, POSTS)
    assertion = api.seen[0].form["assertion"].split(".")
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in assertion[:2])
    assert head["alg"] == "RS256"
    assert (claims["iss"], claims["scope"]) == ("me", "read list")


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ("{magic: x}", "magic"),
        ('{bearer: "literal-secret"}', "variable|secret"),
        ("{}", "auth"),
        ("[a]", "auth|mapping"),
    ],
)
def test_e6_auth_that_is_none_is_refused(auth, said):
    with pytest.raises(FixThis, match=said) as caught:
        spec(one(ROWS, source=f"auth: {auth}"))
    assert "literal-secret" not in str(caught.value)


def test_e9_a_missing_secret_is_told_by_its_variable(api):
    case = attempt(one(GUARDED, fields=POST, source='auth: {bearer: "${NOT_SET_ANYWHERE}"}'), api)
    assert isinstance(case.error, FixThis)
    assert "NOT_SET_ANYWHERE" in str(case.error)
    assert case.requests == []


# --- G: requests end to end -------------------------------------------------------------------------------------------

PARENTS = f"""
posts:
  request: {{path: /posts}}
  paging: {{by: page, total_pages: $.total_pages}}
  {DATA}
  contract: {{fields: {{id: int64, title: string}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
"""


def family(request, *, comments="comments", more=""):
    """Posts, and for each its comments (or whatever `request` asks for)."""
    return f"""{PARENTS}
{comments}:
  for_each: {{row_of: posts{more}}}
  request: {request}
  paging: {{by: page, total_pages: $.total_pages}}
  {DATA}
  contract: {{fields: {{id: int64, post_id: int64, body: string}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
"""


EVERY_COMMENT = [comment for post in range(25) for comment in comments_of(post)]
WAYS = {
    "path": ('{path: "/posts/{row.id}/comments"}', "/posts/7/comments"),
    "query": ('{path: /post_comments, params: {post_id: "{row.id}"}}', "/post_comments"),
    "header": ('{path: /post_comments_via_header, headers: {post_id: "{row.id}"}}', "/post_comments_via_header"),
    "json": ('{path: /post_comments_via_json_body, json: {post_id: "{row.id}"}}', "/post_comments_via_json_body"),
    "form": ('{path: /post_comments_via_form_body, form: {post_id: "{row.id}"}}', "/post_comments_via_form_body"),
}


@pytest.mark.parametrize("way", WAYS)
def test_g1_comments_of_every_post(api, way):
    request, path = WAYS[way]
    case = run(text_of(family(request), concurrency=4), api)
    assert len(case.requests) == 5 + 25 * 10
    assert case.records("posts") == POSTS
    assert case.records("comments") == EVERY_COMMENT
    asked = [one for one in api.seen if one.path == path]
    assert len(asked) == (10 if way == "path" else 250)


def test_g1_a_lone_hole_in_a_json_body_keeps_the_type(api):
    run(text_of(family(WAYS["json"][0])), api)
    assert {type(asked.json["post_id"]) for asked in api.seen if asked.method == "POST"} == {int}


def test_g1_one_detail_for_each_post(api):
    text = f"""{PARENTS}
detail:
  for_each: {{row_of: posts}}
  request: {{path: "/posts/{{row.id}}"}}
  records: $
  contract: {{fields: {{id: int64, body: string}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
"""
    case = run(text_of(text), api)
    assert case.requests == [f"/posts{query}" for query in FIVE] + [f"/posts/{n}" for n in range(25)]
    assert case.records("detail") == [{"id": n, "body": f"Post body {n}"} for n in range(25)]


def test_g2_static_parameters_go_with_every_page(api):
    below = f'request: {{path: /posts, params: {{sort: desc, locale: ""}}}}\n{PAGED}'
    case = run(one(below, fields=POST), api)
    assert case.requests == [f"/posts?sort=desc&locale=&page={n}" for n in range(1, 6)]
    assert case.records() == POSTS


def test_g2_a_page_among_the_parameters_is_refused():
    with pytest.raises(FixThis, match="leave page out of params"):
        spec(one(f'request: {{path: /posts, params: {{page: "100"}}}}\n{PAGED}'))


def test_g3_bounds_of_the_partition_go_with_every_page_of_parent_and_child(api):
    text = family('{path: "/posts/{row.id}/comments", params: {since: "{start:%Y-%m-%d}", until: "{end:%Y-%m-%d}"}}')
    text = text.replace("{path: /posts}", '{path: /posts, params: {day: "{date}"}}')
    case = run(text_of(text), api)
    posts = [asked for asked in case.requests if asked.startswith("/posts?")]
    comments = [asked for asked in case.requests if "comments" in asked]
    assert posts == [f"/posts?day=2022-08-09&page={n}" for n in range(1, 6)]
    bounds = "since=2022-08-09&until=2022-08-10"
    assert comments == [f"/posts/{p}/comments?{bounds}&page={n}" for p in range(25) for n in range(1, 11)]


@pytest.mark.parametrize("latency", [0.0, 0.003])
def test_g4_no_child_page_is_lost_or_repeated_whatever_the_interleaving(latency):
    with mock_api(latency) as api:
        api.fail("/posts/3/comments", 4, [503, 500])
        api.fail("/posts", 2, [502])
        case = run(text_of(family(WAYS["path"][0]), concurrency=16), api)
        children = [asked for asked in case.requests if "comments" in asked]
        assert len(children) == 250 + 2
        assert len(set(children)) == 250
        assert case.records("comments") == EVERY_COMMENT
        assert not latency or api.most > 1


def test_g4_fields_of_the_parent(api):
    text = family(WAYS["path"][0], more=", add: {from_post: id, post_title: title}").replace(
        "body: string}}", "from_post: int64, post_title: string}}"
    )
    case = run(text_of(text), api)
    rows = case.records("comments")
    assert len(rows) == 1250
    assert all(row["from_post"] == row["post_id"] for row in rows)
    assert all(row["post_title"] == f"Post {row['post_id']}" for row in rows)


def test_g5_the_first_rows_alone(api):
    case = run(text_of(family(WAYS["path"][0], more=", first: 3")), api)
    assert len([asked for asked in case.requests if "comments" in asked]) == 30
    assert case.records("comments") == EVERY_COMMENT[:150]


def details(name, responses, failing="stop"):
    return text_of(f"""{PARENTS}
detail:
  for_each: {{row_of: posts, failing: {failing}}}
  request: {{path: "/posts/{{row.id}}/{name}"}}
  records: $
  responses: [{responses}]
  contract: {{fields: {{id: int64, body: string}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
""")


NO_404, NO_422 = "{status: 404, means: empty}", "{status: 422, means: empty}"


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("some_details_404", NO_404),
        ("some_details_404_others_422", f"{NO_404}, {NO_422}"),
        ("some_details_404_others_422", f"{NO_422}, {NO_404}"),
        ("some_details_404_others_422", "{status: [404, 422], means: end}"),
        ("some_details_404_others_422", "{status: 4xx, means: empty}"),
        ("some_details_404", '{text: "Post not found", means: empty}'),
        ("some_details_404", "{json: $.detail, means: empty}"),
        ("some_details_204", "{status: 204, means: empty}"),
        ("some_details_204", "{status: 500, means: fail}"),  # a 204 is an empty page by itself
    ],
)
def test_g6_answers_that_are_expected(api, name, rules):
    case = run(details(name, rules), api)
    assert case.requests[5:] == [f"/posts/{n}/{name}" for n in range(25)]
    assert case.records("detail") == [{"id": 0, "body": "Post body 0"}]
    assert case.runs[-1].outcome == "done"


def test_g6_an_error_that_no_rule_fits_still_fails(api):
    case = attempt(details("some_details_404_others_422", NO_404), api)
    assert isinstance(case.error, FixThis)
    assert "422" in str(case.error)
    assert case.requests[5:] == [f"/posts/{n}/some_details_404_others_422" for n in range(3)]


def test_g6_skipped_answers_are_counted_gaps(api):
    case = run(details("some_details_404", "{status: 404, means: skip}"), api)
    detail = case.runs[-1]
    assert (detail.outcome, len(detail.gaps)) == ("partial", 24)
    assert detail.gaps[0].status == 404
    assert case.records("detail") == [{"id": 0, "body": "Post body 0"}]


def test_g6_children_that_fail_for_good_may_be_gaps(api):
    case = run(details("some_details_404_others_422", NO_404, failing="gap"), api)
    detail = case.runs[-1]
    assert (detail.outcome, len(detail.gaps)) == ("partial", 23)
    assert {gap.status for gap in detail.gaps} == {422}


def test_g7_rows_that_the_spec_names(api):
    text = text_of(f"""
comments:
  for_each: {{rows: [{{id: 0}}, {{id: 1}}, {{id: 2}}]}}
  request: {{path: "/posts/{{row.id}}/comments"}}
  {DATA}
  contract: {{fields: {{id: int64, post_id: int64, body: string}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
""")
    case = run(text, api)
    assert case.requests == [f"/posts/{n}/comments" for n in range(3)]
    assert case.records("comments") == [row for n in range(3) for row in comments_of(n)[:5]]


def test_g8_running_again_without_new_data_changes_nothing(api):
    text = text_of(family(WAYS["path"][0], more=", first: 2"))
    settings = Settings()
    first, again = run(text, api, settings), run(text, api, settings)
    assert [done.changed for done in first.runs] == [True, True]
    assert [done.changed for done in again.runs] == [False, False]
    assert again.records("comments") == EVERY_COMMENT[:100]


def test_nested_lists_of_landed_pages_without_a_request(api):
    text = text_of(f"""
posts:
  request: {{path: /posts_with_reactions}}
  {PAGED.replace(chr(10), chr(10) + "  ")}
reactions:
  pages_of: posts
  records: {{path: "$.data[*]", explode: $.reactions, keep: {{post_id: $.id}}}}
  contract: {{fields: {{id: int64, title: string, post_id: int64}}}}
  stage: {{avro: "{{partition}}/{{stream}}.avro"}}
""")
    case = run(text, api)
    assert case.requests == [f"/posts_with_reactions{query}" for query in FIVE]
    assert case.records("reactions") == [
        {"id": n, "title": f"Reaction {n} for post {p}", "post_id": p} for p in range(25) for n in range(5)
    ]


def test_defaults_are_merged_key_by_key(api):
    text = text_of(f"""
plain:
  {PAGED.replace(chr(10), chr(10) + "  ")}
own:
  request: {{params: {{sort: up, lang: null}}}}
  {PAGED.replace(chr(10), chr(10) + "  ")}
""")
    text += "defaults:\n  request: {path: /posts, params: {sort: down, lang: pt}}\n"
    case = run(text, api)
    assert case.requests == [
        *(f"/posts?sort=down&lang=pt&page={n}" for n in range(1, 6)),
        *(f"/posts?sort=up&page={n}" for n in range(1, 6)),
    ]


def test_a_selector_that_is_wrong_for_the_child_fails_the_run(api):
    case = attempt(details("some_details_404", NO_404).replace("records: $\n", "records: $.nowhere[*]\n"), api)
    assert isinstance(case.error, ContractBroken)
    assert "nowhere" in str(case.error)
