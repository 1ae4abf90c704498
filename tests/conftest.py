"""For every test: a slow machine is no failure, and what one test keeps secret is no secret of the next."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from levada import secret
from objectstore import ObjectServer, object_server
from postgres import SomePostgres, postgres_server
from warehouse import Warehouse

# Hypothesis measures time, which tells more of the machine than of the code; pytest's own timeout catches what hangs.
settings.register_profile(
    "patient",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _secrets_of_the_test(monkeypatch):
    """The secrets of one test are forgotten after it: "password" as a secret would be redacted in every later text."""
    monkeypatch.setattr(secret, "_known", dict(secret._known))  # noqa: SLF001 - no other way to it
    monkeypatch.setattr(secret, "_lately", dict(secret._lately))  # noqa: SLF001 - nor to this


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[ObjectServer]:
    """A real S3 server; `s3.lake()` is the URL of an empty lake, `s3.environment` the variables that lead to it."""
    with object_server(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[SomePostgres]:
    """A real PostgreSQL; `postgres.database()` is the URL of a database that nothing lies in."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request, tmp_path) -> Warehouse:
    """A database that nothing lies in, of each kind."""
    if request.param == "duckdb":
        return Warehouse("duckdb", str(tmp_path / "warehouse.duckdb"))
    return Warehouse("postgres", request.getfixturevalue("postgres").database())
