"""The OpenAPI document, held against the answers that the app really gives."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator

from levada.edges import Edges, FixedClock
from levada.errors import ApiRefused, ContractBroken, FixThis, LeaseHeld, TimedOut, TryLater
from levada.lake.memory import MemoryStore
from levada.nouns import Counts, Run
from levada.pipeline import Pipeline
from levada.secret import remember
from levada.serve import openapi
from levada.serve.answers import MEANINGS
from levada.serve.app import LARGEST, make_app
from levada.serve.asked import parameters
from levada.serve.jobs import LAND, STAGE, About
from levada.serve.servers import apps
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from levada.version import __version__
from shop import SALES

ABOUT = About("shop", "shop.yaml", "/data")
GIVEN = {"date": "2022-08-09", "raw_dir": "/data/raw/2022-08-09"}
LATER = datetime.now(UTC) + timedelta(minutes=5)
STAGED = {"raw_dir": "/data/raw/2022-08-09", "stg_dir": "/data/stg/2022-08-09"}
RUN = Run("shop", "sales", "2022-08-09", "r", "no data", None, Counts(), 0, 1, 0, (), False, 0.5, ("the API says: no",))
SPEC = f"lake: /data{SALES}"


def document(kind=LAND):
    """The document as a client gets it."""
    return make_app(kind, lambda **_: None, ABOUT).test_client().get("/openapi.json").json


def closed(node):
    """A schema that takes no member which it does not name."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    shut = {"additionalProperties": False} if "properties" in node else {}
    return {**{name: closed(item) for name, item in node.items()}, **shut}


def check(reply, kind=LAND, method="post", path="/"):
    """Hold an answer against what the document says of its status; its body."""
    whole = document(kind)
    said = whole["paths"][path][method]["responses"][str(reply.status_code)]
    schema = {**said["content"][reply.mimetype]["schema"], "components": closed(whole["components"])}
    Draft202012Validator(schema).validate(reply.json)
    assert ("Retry-After" in said.get("headers", {})) == ("Retry-After" in reply.headers)
    if "Retry-After" in reply.headers:
        header = whole["components"]["headers"]["RetryAfter"]["schema"]
        Draft202012Validator(header).validate(int(reply.headers["Retry-After"]))
    return reply.json


def answered(work, **request):
    return make_app(LAND, work, ABOUT).test_client().post("/", **(request or {"json": GIVEN}))


def raising(error):
    def work(**_):
        raise error

    return work


@pytest.mark.parametrize("kind", [LAND, STAGE])
@pytest.mark.parametrize("about", [ABOUT, None])
def test_the_document_is_openapi(kind, about):
    found = openapi.document(kind, about)
    OpenAPIV31SpecValidator(json.loads(json.dumps(found))).validate()
    assert found["info"]["version"] == __version__
    assert kind.name in found["info"]["title"]


@pytest.mark.parametrize("kind", [LAND, STAGE])
@pytest.mark.parametrize("about", [ABOUT, None])
def test_its_example_is_a_request_that_the_server_takes(kind, about):
    body = openapi.document(kind, about)["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]
    given, ignored = parameters(kind, "application/json", json.dumps(body["example"]).encode())
    assert (given, ignored) == (body["example"], ())
    Draft202012Validator(requests(kind)).validate(body["example"])
    assert about is None or given[kind.parameters[-1]].startswith("/data/")


def requests(kind):
    return {"$ref": "#/components/schemas/Job", "components": document(kind)["components"]}


@pytest.mark.parametrize("kind", [LAND, STAGE])
def test_it_names_the_parameters_of_its_kind_with_a_description_each(kind):
    job = document(kind)["components"]["schemas"]["Job"]
    assert job["required"] == list(kind.parameters)
    assert set(job["properties"]) == set(kind.parameters)
    for parameter in job["properties"].values():
        assert parameter["type"] == "string"
        assert parameter["description"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"date": "2022-08-09"},
        {"raw_dir": "/data/raw"},
        {**GIVEN, "date": "2022-8-9"},
        {**GIVEN, "date": 20220809},
        {**GIVEN, "raw_dir": ""},
        {**GIVEN, "raw_dir": None},
        [],
    ],
)
def test_what_it_calls_no_request_the_server_refuses(body):
    with pytest.raises(ValidationError):
        Draft202012Validator(requests(LAND)).validate(body)
    assert answered(lambda **_: RUN, json=body).status_code == 400


def test_the_schema_of_a_run_is_that_of_the_noun():
    schemas = document()["components"]["schemas"]
    _, nouns = msgspec.json.schema_components([Run], ref_template="#/components/schemas/{name}")
    for name in ("Run", "Counts", "Receipt"):
        assert {member: kind_of(said) for member, said in schemas[name]["properties"].items()} == {
            member: kind_of(said) for member, said in nouns[name]["properties"].items()
        }
        assert set(schemas[name]["required"]) == set(nouns[name]["properties"])  # all of them are written, always


def kind_of(schema):
    """What a member may be: its types, the values it is held to, the schema it leads to."""
    parts = schema.get("anyOf", [schema])
    types = {
        kind
        for part in parts
        for kind in ([part["type"]] if isinstance(part.get("type"), str) else part.get("type", []))
    }
    values = {value for part in parts for value in part.get("enum", [])}
    types |= {"string"} if values else set()
    values |= {None} if values and "null" in types else set()
    return types, values, schema.get("$ref"), schema.get("items")


class Api:
    """An API of pages in memory."""

    def __init__(self, *pages, beyond="no such page"):
        self.pages, self.beyond = pages, beyond

    def __call__(self, call, _):
        number = int(call.url.rpartition("page=")[2])
        if number <= len(self.pages):
            return Reply(answer(200, json.dumps(self.pages[number - 1]).encode()))
        return Reply(answer(404, self.beyond.encode()))


def servers(script):
    """Clients of both job servers of a real pipeline whose lake and network are in memory."""
    edges = Edges(clock=FixedClock(), environment={}, network=lambda: ScriptedWire(script))
    pipeline = Pipeline(read_text(SPEC, "shop.yaml", {}, lake="/data"), MemoryStore(), edges)
    return [app.test_client() for app in apps(pipeline, (LAND, STAGE))]


def test_real_jobs_answer_as_it_says():
    land, stage = servers(Api([{"price": 1}, {"price": 2}], [{"price": 3}]))
    landed = land.post("/", json={**GIVEN, "more": 1})
    assert landed.status_code == 201
    assert check(landed)["ignored"] == ["more"]
    assert landed.json["run"]["level"] == "landed"
    staged = stage.post("/", json=STAGED)
    assert staged.status_code == 201
    assert check(staged, STAGE)["run"]["counts"]["kept"] == 3


def test_real_jobs_that_fail_answer_as_it_says():
    land, stage = servers(Api(beyond="nothing that day"))
    nothing = land.post("/", json=GIVEN)
    assert nothing.status_code == 404
    assert check(nothing)["run"]["outcome"] == "no data"
    early = stage.post("/", json=STAGED)
    assert early.status_code == 400
    assert check(early, STAGE)["todo"]


@pytest.mark.parametrize(
    ("reply", "status"),
    [(Reply(answer(200, b"no JSON")), 502), (Reply(answer(401, b"who?")), 502), (Reply(answer(503, b"")), 503)],
)
def test_real_refusals_of_the_api_answer_as_it_says(reply, status):
    land, _ = servers(lambda *_: reply)
    failed = land.post("/", json=GIVEN)
    assert failed.status_code == status
    assert check(failed)["message"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FixThis("wrong", where="folder", todo="mend it"), 400),
        (FixThis("wrong"), 400),
        (LeaseHeld("held", at=LATER), 409),
        (LeaseHeld("held"), 409),
        (RuntimeError("bug"), 500),
        (ApiRefused("no key"), 502),
        (ContractBroken("bad rows"), 502),
        (TryLater("disk full"), 503),
        (TryLater("busy", at=LATER), 503),
        (TimedOut("silence"), 504),
    ],
)
def test_every_kind_of_failure_answers_as_it_says(error, status):
    reply = answered(raising(error))
    assert reply.status_code == status
    assert set(check(reply)) >= {"message", "kind"}


def test_stand_ins_and_runs_without_data_answer_as_it_says():
    assert check(answered(lambda **_: None)) == {"message": LAND.message}
    assert check(answered(lambda **_: RUN))["message"].startswith("No data for 2022-08-09")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"json": {}}, 400),
        ({"data": b"{"}, 400),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"json": GIVEN, "headers": {"Host": "evil.test"}}, 403),
        ({"data": b"x" * (LARGEST + 1), "content_type": "application/json"}, 413),
    ],
)
def test_what_is_no_job_is_answered_as_it_says(request_, status):
    reply = answered(lambda **_: RUN, **request_)
    assert reply.status_code == status
    assert check(reply)["todo"]


def test_looking_is_answered_as_it_says():
    client = make_app(LAND, lambda **_: None, ABOUT).test_client()
    check(client.get("/openapi.json"), method="get", path="/openapi.json")
    assert client.get("/").mimetype in document()["paths"]["/"]["get"]["responses"]["200"]["content"]
    for path in ("/", "/openapi.json"):
        reply = client.get(path, headers={"Host": "evil.test"})
        assert reply.status_code == 403
        check(reply, method="get", path=path)


def test_all_its_statuses_are_those_that_the_tests_above_have_seen():
    responses = document()["paths"]["/"]["post"]["responses"]
    assert set(responses) == {"201", "400", "403", "404", "409", "413", "500", "502", "503", "504"}
    assert {said["description"] for said in responses.values()} == set(MEANINGS.values())


def test_no_secret_is_in_it():
    remember("openapi-secret-61")
    assert "openapi-secret-61" not in json.dumps(openapi.document(LAND, About("shop", "s", "/openapi-secret-61")))
