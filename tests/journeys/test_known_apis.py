"""The specs of docs/recipes.md, as they stand there, bring every record of APIs like ten well-known ones."""

import json
import re
from pathlib import Path

import pytest

from levada.records.split import split
from levada.spec.read import read_text
from lookalikes import DAY, LOOKALIKES, SECRETS, lookalike
from simulated import Levada

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


@pytest.fixture
def shell(tmp_path):
    return Levada(SECRETS, tmp_path)


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


def test_the_recipe_brings_every_record(shell, api, name, file, tmp_path):
    done = shell("run", file, "--date", DAY, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = json.loads(done.stdout)["runs"]
    assert run["counts"]["read"] == len(api.truth)
    assert landed(tmp_path, file) == api.truth
    most = REQUESTS[name] + (2 * 3 if name in AHEAD else 0)  # of four at once, three may be asked for in vain, twice
    assert REQUESTS[name] <= len(api.seen) <= most, api.targets


@pytest.mark.parametrize("name", sorted(AHEAD))
def test_one_by_one_no_page_is_asked_for_in_vain(shell, api, name, file, tmp_path):
    file.write_text(file.read_text().replace("source:\n", f"{ONE_BY_ONE}\n", 1))
    assert shell("run", file, "--date", DAY).returncode == 0
    assert landed(tmp_path, file) == api.truth
    assert len(api.seen) == REQUESTS[name], api.targets
