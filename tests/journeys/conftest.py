"""What journeys need."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockapi import MockApi, mock_api
from refusals import attempt, public
from simulated import SPEC, Api, Levada, api_of


@pytest.fixture(scope="session")
def _sales_api() -> Iterator[Api]:
    yield from api_of()


@pytest.fixture
def api(_sales_api) -> Api:
    """The sales API: 4 pages, 338 rows a date."""
    _sales_api.forget()
    return _sales_api


@pytest.fixture
def levada(api, tmp_path) -> Levada:
    """Run `levada …` in an empty folder against the simulated API; the result has returncode, stdout, stderr."""
    return Levada(dict(api.environment), tmp_path)  # what a test adds is its own


@pytest.fixture
def shell(tmp_path) -> Levada:
    """Run `levada …` in an empty folder; nothing is in its environment."""
    return Levada({}, tmp_path)


@pytest.fixture(scope="module")
def _posts() -> Iterator[MockApi]:
    with mock_api() as server:
        yield server


@pytest.fixture
def posts(_posts) -> MockApi:
    """The API of 25 posts, its log empty."""
    _posts.forget()
    return _posts


@pytest.fixture
def lake(tmp_path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def spec() -> Path:
    return SPEC


@pytest.fixture
def before(api, lake) -> dict[str, bytes]:
    """A lake with a day in it, and what it shows."""
    assert attempt(SPEC, lake, api).outcome == "done"
    api.forget_requests()
    return public(lake)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: kill -9 spares the page cache, and fsync costs most of the time."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="levada-", dir=memory if memory.is_dir() else None))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def smaller_api() -> Iterator[Api]:
    """The sales API as it was before some rows came: 3 pages of 120 rows."""
    yield from api_of("--rows", "300", "--page-size", "120")
