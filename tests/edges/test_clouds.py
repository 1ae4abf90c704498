"""GCS and Azure as far as they differ from S3: sources in them, what is told of them, what the doctor finds."""

import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from cloudstores import BUCKET, CloudStore, Kind, cloud_store
from levada.errors import FixThis, TryLater
from levada.lake.checkup import checkup
from levada.lake.objects import PART
from levada.lake.opening import open_store
from levada.lake.store import Conflict, Store
from levada.source.copying import copy
from levada.source.files import Found, find
from levada.spec.template import parse


class Cloud:
    """A bucket, and the way to it."""

    def __init__(self, kind: Kind, server: CloudStore, environment: dict[str, str]) -> None:
        self.url, self.server, self.environment = f"{kind}://{BUCKET}", server, environment

    def lake(self, name: str = "") -> Store:
        return open_store(f"{self.url}/{name}" if name else self.url, self.environment)

    def put(self, key: str, body: bytes) -> None:
        with self.lake().writer(key) as out:
            out.write(body)

    def find(self, name: str) -> list[Found]:
        return find([parse(f"{self.url}/{name}")], {}, Path("/nowhere"), self.environment)


class Sink(io.BytesIO):
    """A sink before whose first bytes something may happen to the object."""

    def __init__(self, meddle: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._meddle = meddle

    def begin(self, headers, /) -> None:
        pass

    def write(self, data, /) -> int:
        if not self.tell():
            self._meddle()
        return super().write(data)


@pytest.fixture(params=["gs", "az"])
def cloud(request) -> Iterator[Cloud]:
    with cloud_store(request.param) as (server, environment):
        yield Cloud(request.param, server, dict(environment))


@pytest.mark.parametrize("name", ["in/*.csv", "in/m.csv"])
def test_files_are_taken_whole(cloud, name):
    body = b"id,name\n" + b"1,a\n" * (PART // 2)
    cloud.put("in/m.csv", body)
    (file,) = cloud.find(name)
    sink = Sink()
    copy(file, lambda: nullcontext(sink))
    assert sink.getvalue() == body


@pytest.mark.parametrize("size", [10, PART + 10])
@pytest.mark.parametrize("what", ["replaced", "deleted"])
def test_two_versions_are_never_mixed(cloud, size, what):
    cloud.put("in/m.csv", b"a" * size)
    (file,) = cloud.find("in/*.csv")

    def meddle() -> None:
        cloud.lake().delete("in/m.csv")
        if what == "replaced":
            cloud.put("in/m.csv", b"b" * size)

    sink = Sink(meddle)
    with pytest.raises(TryLater, match=r"m\.csv changed while it was read"):
        copy(file, lambda: nullcontext(sink))
    assert b"b" not in sink.getvalue()


def test_what_was_replaced_is_not_replaced_again(cloud):
    lake = cloud.lake("lake")
    first = lake.replace("commit.json", b"1", None)
    lake.replace("commit.json", b"2", first)
    for stale in (None, first):
        with pytest.raises(Conflict):
            lake.replace("commit.json", b"3", stale)
    (listed,) = lake.list("")
    assert listed == lake.head("commit.json")
    assert lake.replace("commit.json", b"4", listed.tag)


def test_the_doctor_finds_nothing_wrong_and_leaves_nothing(cloud):
    checks = list(checkup(cloud.lake("lake")))
    assert [check.error for check in checks] == [None] * 5
    assert cloud.server.kept == {}


def test_a_bucket_that_is_not_there_is_told(cloud):
    with pytest.raises(FixThis, match="there is no such bucket"):
        open_store(cloud.url.replace(BUCKET, "nothing"), cloud.environment).read("a")


@pytest.mark.parametrize(("condition", "said"), [("create", "If-None-Match"), ("replace", "If-Match")])
def test_a_server_that_ignores_a_condition_is_found_out(cloud, condition, said):
    cloud.server.ignored.add(condition)
    with (
        pytest.raises(FixThis, match=rf"ignores conditional puts \({said}\)"),
        cloud.lake().lock("_levada/lock", b"me"),
    ):
        pass
    assert cloud.server.kept == {}
