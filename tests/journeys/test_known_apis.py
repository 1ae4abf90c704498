"""The specs of docs/recipes.md, as they stand there, bring every record of APIs like ten well-known ones."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from levada.cli.main import levada
from levada.records.split import split
from levada.spec.read import read_text
from lookalikes import DAY, LOOKALIKES, SECRETS, lookalike

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (\w+)\n.*?^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
#: Requests of a whole run, those for tokens included.
REQUESTS = {
    "GitHub": 3, "GitLab": 3, "Stripe": 3, "Slack": 3, "Shopify": 3, "Salesforce": 4, "HubSpot": 3, "Elasticsearch": 4,
    "OData": 4, "WordPress": 3,
}  # fmt: skip
#: Those whose pages are asked for ahead, before the first answer has told how many there are.
AHEAD = {"Elasticsearch", "WordPress"}
ONE_BY_ONE = "source:\n  limits: {concurrency: 1}"


def told(*arguments, **environment):
    """What a command says, which must end well."""
    done = CliRunner().invoke(levada, [str(one) for one in arguments], env={**SECRETS, **environment})
    assert done.exit_code == 0, (arguments, done.output)
    return done.stdout


@pytest.fixture(params=LOOKALIKES)
def name(request):
    return request.param


@pytest.fixture
def api(name):
    with lookalike(name) as server:
        yield server


@pytest.fixture
def file(name, api, tmp_path):
    """The recipe of an API, at the address of its lookalike."""
    path = tmp_path / "spec.yaml"
    path.write_text(re.sub(r"https://[\w.-]+", api.url, RECIPES[name]))
    return path


def landed(folder, file):
    """The records of all landed pages, in order."""
    (stream,) = read_text(file.read_text(), "spec.yaml", SECRETS).streams
    pages = sorted((folder / "lake" / "raw").rglob("*.json"), key=lambda path: int(path.stem))
    return [json.loads(bytes(raw)) for page in pages for raw in split(page.read_bytes(), stream.records)]


def test_every_lookalike_has_a_recipe():
    assert RECIPES.keys() == LOOKALIKES.keys() == REQUESTS.keys()
    assert set(re.findall(r"\]\(#(\w+)\)", PAGE)) == {name.lower() for name in RECIPES}


def test_the_recipe_brings_every_record(api, name, file, tmp_path):
    (run,) = json.loads(told("run", file, "--date", DAY, "--json"))["runs"]
    assert run["counts"]["read"] == len(api.truth)
    assert landed(tmp_path, file) == api.truth
    most = REQUESTS[name] + (2 * 3 if name in AHEAD else 0)  # of four at once, three may be asked for in vain, twice
    assert REQUESTS[name] <= len(api.seen) <= most, api.targets


@pytest.mark.parametrize("name", sorted(AHEAD))
def test_one_by_one_no_page_is_asked_for_in_vain(api, name, file, tmp_path):
    file.write_text(file.read_text().replace("source:\n", f"{ONE_BY_ONE}\n", 1))
    told("run", file, "--date", DAY)
    assert landed(tmp_path, file) == api.truth
    assert len(api.seen) == REQUESTS[name], api.targets


#: What a newcomer types to begin, and what the draft says of paging; a `#` where that is no more than likely.
DRAFTS = {
    "GitHub": ("/repos/octo/rivers/issues", "bearer", "paging: {by: link}"),
    "GitLab": (
        "/api/v4/projects/1/issues?page=1",
        "header --auth-name PRIVATE-TOKEN",
        "paging: {by: cursor, next: {header: x-next-page}, param: page}",
    ),
    "Stripe": ("/v1/charges", "bearer", "# CHECK: $.has_more is true: there are more pages"),
    "Slack": ("/api/users.list", "bearer", "# paging: {by: cursor, next: $.response_metadata.next_cursor, "),
    "Salesforce": ("/services/data/v59.0/query", "bearer", "paging: {by: next_url, next: $.nextRecordsUrl}"),
    "HubSpot": ("/crm/v3/objects/contacts", "bearer", "paging: {by: next_url, next: $.paging.next.link}"),
    "OData": ("/v1.0/users", "bearer", "paging: {by: next_url, next: \"$['@odata.nextLink']\"}"),
    "WordPress": ("/wp-json/wp/v2/posts", "none", "# paging: {by: page, total_pages: {header: x-wp-totalpages}}"),
}  # fmt: skip
KEYS = {
    "GitHub": SECRETS["GITHUB_TOKEN"], "GitLab": SECRETS["GITLAB_TOKEN"], "Stripe": SECRETS["STRIPE_KEY"],
    "Slack": SECRETS["SLACK_TOKEN"], "Salesforce": "00D!token", "HubSpot": SECRETS["HUBSPOT_TOKEN"], "OData": "eyJ0",
    "WordPress": "",
}  # fmt: skip


@pytest.mark.parametrize("name", DRAFTS)
def test_a_draft_passes_check_and_shows_rows(api, name, tmp_path):
    path, auth, paging = DRAFTS[name]
    file = tmp_path / "draft.yaml"
    variable = () if auth == "none" else ("--variable", "KEY")
    told("init", f"{api.url}{path}", "--auth", *auth.split(), *variable, "--yes", "--output", file, KEY=KEYS[name])
    text = file.read_text()
    assert f"    {paging}" in text
    file.write_text(text.replace("    # paging:", "    paging:"))
    told("check", file)
    rows, pages = seen_by(told("preview", file, "--rows", "500", "--json", KEY=KEYS[name]))
    size = {"GitHub": 30, "GitLab": 20, "Slack": 100, "Salesforce": 200, "OData": 100}.get(name, 10)
    assert pages == (1 if name == "Stripe" else 2)
    assert rows == api.truth[: pages * size]


def seen_by(preview):
    """The rows and the number of pages of a preview of one stream."""
    (stream,) = json.loads(preview)["previews"]
    return stream["rows"], len(stream["paging"])


def test_a_recipe_can_be_looked_at_and_gets_a_contract_that_holds(api, name, file):
    rows, _ = seen_by(told("preview", file, "--date", DAY, "--rows", "500", "--json"))
    assert rows == api.truth[: len(rows)]
    assert len(rows) >= 100
    (stream,) = read_text(file.read_text(), "spec.yaml", SECRETS).streams
    told("infer", file, "--stream", stream.name, "--date", DAY, "--write")
    live = told("check", file, "--live", "--date", DAY)
    assert re.search(r"Contract: \d+ rows good, 0 bad, 0 values nullified", live)
