"""An object store that gives other bytes than it was given: told, never staged."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from faultproxy import FaultProxy, fault_proxy
from levada.edges import Edges
from levada.errors import FixThis, TryLater
from levada.lake.opening import open_store
from levada.pipeline import load

DATE = "2022-08-09"
BODY = b"id|name\n" + b"".join(b"%d|name %d\n" % (number, number) for number in range(1000))
SPEC = """
pipeline: films
lake: {lake}
streams:
  movies:
    files: in/movies
    format: {{type: csv, delimiter: "|", columns: [id, name]{unpack}}}
    raw: "raw/{{date}}/{{file}}"
    contract: {{on_bad: {on_bad}, fields: {{id: string, name: string}}}}
    stage: {{jsonl: "stg/{{date}}.jsonl"}}
"""


def zipped(body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("movies.csv", body)
    return packed.getvalue()


@dataclass(frozen=True)
class Case:
    """A raw file, and what the spec says of it."""

    body: bytes = BODY
    unpack: str = ""
    on_bad: str = "quarantine"


@contextmanager
def flipping(s3, at: float) -> Iterator[FaultProxy]:
    """A way to the store on which one bit of a raw file changes, at this share of it, whenever it is read."""
    with fault_proxy(s3.port, {}) as proxy:
        hand_on = proxy.ask

        def ask(method, path, headers, body):
            answer = hand_on(method, path, headers, body)
            if method != "GET" or not path.split("?")[0].endswith(".body"):
                return answer
            place = min(int(at * len(answer.body)), len(answer.body) - 1)
            changed = bytes([answer.body[place] ^ 1])
            return replace(answer, body=answer.body[:place] + changed + answer.body[place + 1 :])

        proxy.ask = ask
        yield proxy


def pipeline(folder: Path, environment: dict[str, str], lake: str, case: Case = Case()):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "movies").write_bytes(case.body)
    spec = folder / "films.yaml"
    spec.write_text(SPEC.format(lake=lake, unpack=case.unpack, on_bad=case.on_bad))
    return load(spec, edges=Edges(environment=environment))


def kept(lake: str, s3) -> list[str]:
    keys = [entry.key for entry in open_store(lake, s3.environment).list("")]
    return [key for key in keys if not key.startswith("_levada/") or key.endswith("commit.json")]


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(), id="plain"),
        pytest.param(Case(on_bad="fail"), id="no bad rows"),
        pytest.param(Case(gzip.compress(BODY, mtime=0), ", unpack: gzip"), id="gzip"),
        pytest.param(Case(zipped(BODY), ", unpack: zip"), id="zip"),
    ],
)
def test_a_bit_that_changes_on_the_way_back_is_told_and_nothing_is_committed(s3, tmp_path, case, at):
    lake = s3.lake()
    with flipping(s3, at) as proxy:
        for verb in ("run", "land"):
            with pytest.raises(TryLater) as caught:
                getattr(pipeline(tmp_path, s3.by(proxy.endpoint), lake, case), verb)(date=DATE)
            assert "what was read is not what was written (its SHA-256 is another)" in caught.value.what
            assert caught.value.where.endswith("/pages/1.body")
            assert "run again" in caught.value.todo
    assert kept(lake, s3) == []
    (run,) = pipeline(tmp_path, s3.environment, lake, case).run(date=DATE)
    assert (run.outcome, run.counts.kept) == ("done", 1000)


def test_a_raw_file_that_comes_back_changed_is_not_staged_again(s3, tmp_path):
    lake = s3.lake()
    pipeline(tmp_path, s3.environment, lake).land(date=DATE)
    with flipping(s3, 0.5) as proxy:
        for verb in ("stage", "replay"):
            with pytest.raises(FixThis, match="Raw files of films/movies 2022-08-09 are not what was landed"):
                getattr(pipeline(tmp_path, s3.by(proxy.endpoint), lake), verb)(date=DATE)
    assert not [key for key in kept(lake, s3) if key.startswith("stg/")]
