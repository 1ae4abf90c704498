"""Object stores that do not keep the promises of conditional puts are found out before anything is written."""

import pytest

from badstore import Conditions, bad_store
from levada.errors import FixThis, TryLater
from levada.lake.opening import open_store
from levada.lake.patience import Patience
from webserver import Said, WebServer

LAKE = "s3://levada/lakes/sales"


def refused(conditions: Conditions) -> str:
    """What is said when a lock is asked for; nothing may be left behind."""
    with bad_store(conditions) as (store, environment):
        lake = open_store(LAKE, environment)
        with pytest.raises(FixThis) as told, lake.lock("_levada/shop/sales/2022-08-09/lock", b"me"):
            pass
        assert store.kept == {}
    assert told.value.exit_code == 2
    return str(told.value)


def test_a_store_that_keeps_its_promises_is_taken():
    with bad_store("kept") as (store, environment):
        lake = open_store(LAKE, environment)
        with lake.lock("_levada/lock", b"me"):
            lake.create("raw/1.json", b"[]")
        assert lake.read("raw/1.json") == b"[]"
        assert sorted(store.kept) == ["lakes/sales/_levada/lock", "lakes/sales/raw/1.json"]


@pytest.mark.parametrize(
    ("conditions", "header"),
    [("ignored", "If-None-Match"), ("no If-None-Match", "If-None-Match"), ("no If-Match", "If-Match")],
)
def test_a_store_that_ignores_conditions_is_refused_with_the_reason(conditions, header):
    text = refused(conditions)
    assert f"ignores conditional puts ({header})" in text
    assert "two runs of one partition could both commit" in text
    assert LAKE in text
    assert "docs/stores.md" in text


def test_a_store_that_knows_no_conditions_is_refused_with_the_reason():
    text = refused("refused")
    assert "NotImplemented" in text
    assert "conditional puts" in text
    assert LAKE in text


@pytest.mark.parametrize("name", ["metadata", "credential", "169.254.1"])
def test_what_a_bucket_is_called_decides_nothing(name):
    keys = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "any-secret-at-all"}
    with WebServer(lambda _: Said(f"{name} is away", 503)) as server:
        busy = reached(f"s3://{name}/{name}", {**keys, "AWS_ENDPOINT_URL": server.url})
        with pytest.raises(TryLater, match=r"does not do what it was asked to, to look at it.*\(HTTP 503\)"):
            busy.head(f"{name}/x")
    nobody = reached(f"s3://{name}/{name}", {**keys, "AWS_ENDPOINT_URL": server.url})
    with pytest.raises(TryLater, match="cannot be reached after several tries") as told:
        nobody.create(f"{name}/x", b"")
    assert told.value.where == f"s3://{name}/{name}/{name}/x"


def reached(lake: str, environment: dict[str, str]):
    store = open_store(lake, environment)
    store._patience = Patience(lambda _: None, told=lambda _: None)  # noqa: SLF001 - no other way to it
    return store
