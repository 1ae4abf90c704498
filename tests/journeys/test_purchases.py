"""The example that collects purchases every minute, against the simulated API: S3, Parquet, signals, nulls."""

import io
import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from faultproxy import fault_proxy
from levada.edges import Edges, FixedClock
from levada.errors import ContractBroken, TryLater
from levada.lake.area import Area
from levada.lake.memory import MemoryStore
from levada.lake.opening import open_store
from levada.pipeline import Pipeline
from levada.simulate.purchases import make_app
from levada.simulate.purchases_made import purchases
from levada.simulate.server import running
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read
from patience import HELD, PATIENCE, settles
from simulated import Api, Levada, scheduled

EXAMPLE = Path(__file__).parents[2] / "examples" / "purchases"
SEED = 5
KEY = re.compile(r"api/api-reponse-compra(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.parquet")
COLUMNS = pa.schema([("ean", pa.int64()), ("price", pa.float64()), ("store", pa.int64()), ("dateTime", pa.string())])
KEPT = tuple(COLUMNS.names)


@pytest.fixture(scope="module")
def _api():
    with running(make_app(seed=SEED)) as server:
        yield Api(server.url)


@pytest.fixture
def api(_api):
    _api.forget()
    return _api


@pytest.fixture
def levada(api, tmp_path):
    """The command line beside a copy of the example whose minutes last two seconds."""
    text = (EXAMPLE / "pipeline.yaml").read_text()
    assert text.count("every: 1m") == 2
    (tmp_path / "pipeline.yaml").write_text(text.replace("every: 1m", "every: 2s"))
    return Levada({"PURCHASES_API_URL": api.url}, tmp_path)


def ran(process):
    """The next tick that was worked."""
    for line in process.stdout:
        told = json.loads(line)
        if told.get("event") == "ran":
            return told
    raise AssertionError(process.stderr.read())


def rows(body):
    """The rows of a Parquet file, its columns and types looked at."""
    table = parquet.read_table(io.BytesIO(body))
    assert table.schema.remove_metadata() == COLUMNS
    return table.to_pylist()


def four(records):
    return [{name: record[name] for name in KEPT} for record in records]


def public(lake):
    return {
        str(path.relative_to(lake)): path.read_bytes()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and "_levada" not in path.parts
    }


def test_every_tick_is_a_file_in_s3_until_a_signal(levada, api, s3, tmp_path):
    lake = s3.lake("purchases")
    store = {**s3.environment, "S3_BUCKET_NAME": lake.removeprefix("s3://")}
    with scheduled(levada, "pipeline.yaml", "--json", **store) as process:
        ticks = [ran(process), ran(process)]
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, err
    last = [json.loads(line) for line in out.splitlines()]
    assert last[-2]["event"] == "ended"
    ticks += [told for told in last if told.get("event") == "ran"]

    found = open_store(lake, s3.environment)
    bodies = {entry.key: found.read(entry.key) for entry in found.list("") if not entry.key.startswith("_levada/")}
    assert sorted(bodies) == sorted(name for told in ticks for name in told["run"]["files"])
    for told in ticks:
        assert (told["run"]["outcome"], told["run"]["counts"]["kept"]) == ("done", 50)
        moment = datetime.fromisoformat(told["tick"])
        staged, raw = (
            f"{moment:api/api-reponse-compra%Y-%m-%dT%H:%M:%S}.parquet",
            f"{moment:raw/purchases/%Y-%m-%d/purchases-%H%M%S}.json",
        )
        assert told["run"]["files"] == [staged, raw]
        assert KEY.fullmatch(staged)
        assert rows(bodies[staged]) == four(json.loads(bodies[raw]))
        as_duckdb_has_it(bodies[staged], tmp_path / "one.parquet")
    assert json.loads(bodies[ticks[0]["run"]["files"][1]]) in answers(api)


def as_duckdb_has_it(body, path):
    path.write_bytes(body)
    told = duckdb.sql(f"describe select * from '{path}'").fetchall()
    assert [(name, kind) for name, kind, *_ in told] == [
        ("ean", "BIGINT"),
        ("price", "DOUBLE"),
        ("store", "BIGINT"),
        ("dateTime", "VARCHAR"),
    ]
    assert duckdb.sql(f"select * from '{path}'").fetchall() == [tuple(row.values()) for row in rows(body)]


def answers(api):
    """What the API may have said to the first request: the clock may have gone on since it was written down."""
    asked = datetime.fromisoformat(api.log()[0]["time"])
    return (purchases(50, SEED, asked + timedelta(seconds=seconds)) for seconds in range(int(PATIENCE)))


def test_an_answer_that_is_under_way_is_committed_before_the_end(levada, api):
    api.fail({"times": None, "fault": {"delay": 1}})
    with scheduled(levada, "pipeline.yaml", "--json", "--lake", "lake") as process:
        assert json.loads(process.stdout.readline())["event"] == "began"
        assert settles(api.log)
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    events = [json.loads(line).get("event") for line in out.splitlines()]
    asked = len(api.log())  # more than one where the signal came late
    assert (process.returncode, events) == (143, [*["ran"] * asked, "ended", None]), err
    assert len(public(levada.folder / "lake")) == 2 * asked


def test_an_answer_that_does_not_come_leaves_the_partition_in_s3_to_the_next_run(levada, api, s3):
    store = {**s3.environment, "S3_BUCKET_NAME": s3.lake("left").removeprefix("s3://")}
    api.fail({"times": None, "fault": {"delay": HELD}})
    with scheduled(levada, "pipeline.yaml", "--json", answer=0.5, **store) as process:
        assert settles(api.log)
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    told = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 143, err
    assert [one.get("event") for one in told] == ["began", "handed_back", "ended", None], err
    api.forget()
    done = levada(*told[1]["words"].partition("go on with ")[2].split()[1:], **store)
    assert (done.returncode, done.stderr) == (0, "")  # whoever finds a lease held is told so, and fails
    assert "50 rows read, 50 kept" in done.stdout


def test_a_commit_that_is_under_way_is_finished(levada, api, s3):
    lake = s3.lake("committing")
    with fault_proxy(s3.port, {("copy", 1): "stall"}, stall=2.0) as proxy:
        store = {**s3.by(proxy.endpoint), "S3_BUCKET_NAME": lake.removeprefix("s3://")}
        with scheduled(levada, "pipeline.yaml", "--json", answer=0.5, **store) as process:
            assert settles(lambda: proxy.failed)
            process.terminate()
            out, err = process.communicate(timeout=PATIENCE)
    told = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 143, err
    assert [one.get("event") for one in told] == ["began", "ran", "ended", None], err
    found = open_store(lake, s3.environment)
    shown = [entry.key for entry in found.list("") if not entry.key.startswith("_levada/")]
    assert shown == sorted(told[1]["run"]["files"])
    lock = Area(found, "purchases", "purchases", told[1]["partition"]).lock
    assert (found.head(lock) is not None, found.held(lock)) == (True, None)


def test_values_of_other_types_become_null_and_no_row_is_dropped(levada, api):
    good = purchases(1, SEED, datetime(2026, 1, 2).astimezone())[0]
    odd = [
        {"ean": 1.0, "price": 12, "store": True, "dateTime": 5},
        {"ean": "86588606636", "price": "1.5", "store": 11.0, "dateTime": None},
        {"price": False, "client": "nobody"},
    ]
    api.fail({"times": 1, "fault": {"body": [*odd, good]}})
    done = levada("schedule", "pipeline.yaml", "--once", "--lake", "lake")
    assert done.returncode == 0, done.stderr
    assert "4 rows read, 4 kept, 0 quarantined" in done.stdout
    assert "12 values nullified" in done.stdout
    (staged,) = (body for name, body in public(levada.folder / "lake").items() if name.startswith("api/"))
    assert rows(staged) == [*[dict.fromkeys(KEPT)] * 3, *four([good])]


def test_purchases_that_failed_are_kept_as_the_api_tells_them(levada):
    with running(make_app(seed=SEED, errors=10)) as server:
        done = levada("schedule", "pipeline.yaml", "--once", "--lake", "lake", PURCHASES_API_URL=server.url)
    assert done.returncode == 0, done.stderr
    (staged,) = (body for name, body in public(levada.folder / "lake").items() if name.startswith("api/"))
    failed = [place for place, row in enumerate(rows(staged), start=1) if (row["ean"], row["price"]) == (0, 0.0)]
    assert failed == [10, 20, 30, 40, 50]


def test_one_at_a_time(levada, api):
    done = levada("schedule", "pipeline.yaml", "--once", "--lake", "lake", PURCHASES_PATH="/gerar_compra")
    assert "1 row read, 1 kept" in done.stdout, done.stderr
    assert [entry["path"] for entry in api.log()] == ["/gerar_compra"]


def test_a_wrong_number_is_a_failure_in_the_words_of_the_api_although_it_comes_with_200(levada, api):
    done = levada("schedule", "pipeline.yaml", "--once", "--lake", "lake", PURCHASES_PATH="/gerar_compras/0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "O número deve ser maior que 1" in done.stderr
    assert len(api.log()) == 1
    assert public(levada.folder / "lake") == {}


def test_what_is_missing_is_named(levada, api):
    done = levada("schedule", "pipeline.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Not set: S3_BUCKET_NAME." in done.stderr
    assert api.log() == []
    assert [path.name for path in levada.folder.iterdir()] == ["pipeline.yaml"]
    checked = levada("check", "pipeline.yaml")
    assert checked.returncode == 0, checked.stderr
    assert "Lake: not known yet" in checked.stdout
    assert "The variable S3_BUCKET_NAME is not set (lake" in checked.stdout


NOBODY = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"), "")
NOBODY |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_CONFIG_FILE": "none"}
KEYS = "There are no credentials for the object store: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set."


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"S3_BUCKET_NAME": "a-bucket"}, f"levada: {KEYS[0].lower()}{KEYS[1:-1]}\n"),
        ({}, f"levada: Not set: S3_BUCKET_NAME. {KEYS}\n"),
        (
            {"S3_BUCKET_NAME": "", "AWS_ACCESS_KEY_ID": "half"},
            f"levada: Not set: S3_BUCKET_NAME. {KEYS.replace('AWS_ACCESS_KEY_ID and ', '')}\n",
        ),
        (
            {"S3_BUCKET_NAME": "a-bucket", "AWS_SECRET_ACCESS_KEY": "half"},
            f"levada: {KEYS[0].lower()}{KEYS[1:-1]}\n",
        ),
    ],
    ids=["no keys", "nothing", "empty and half a pair", "the other half"],
)
def test_all_that_is_missing_is_named_at_once_before_the_first_minute(levada, api, environment, said):
    done = levada("schedule", "pipeline.yaml", **{**NOBODY, **environment})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert api.log() == []


def test_of_several_specs_all_is_named_at_once(levada, api):
    text = (levada.folder / "pipeline.yaml").read_text()
    (levada.folder / "other.yaml").write_text(text.replace("${S3_BUCKET_NAME}", "none_.such/${OTHER}"))
    (levada.folder / "third.yaml").write_text(text.replace("strict: true", "strickt: true"))
    done = levada("schedule", "pipeline.yaml", "third.yaml", "other.yaml", **NOBODY)
    assert (done.returncode, done.stdout) == (2, "")
    for what in ('unknown key "strickt"', "Not set: S3_BUCKET_NAME.", "Not set: OTHER.", KEYS):
        assert what in done.stderr.replace("Unknown", "unknown").splitlines()[0]
    assert api.log() == []


def test_a_bucket_that_is_not_there_is_told_before_the_first_minute(levada, api, s3):
    done = levada("schedule", "pipeline.yaml", **s3.environment, S3_BUCKET_NAME="no-such-bucket")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no such bucket" in done.stderr
    assert "`levada doctor SPEC --create-bucket` makes it" in done.stderr
    assert api.log() == []


def test_a_broken_answer_is_asked_for_again_after_1_2_4_and_8_seconds():
    spec = read(EXAMPLE / "pipeline.yaml", {"S3_BUCKET_NAME": "bucket"})
    clock = FixedClock()
    for reply in (answer(503), answer(200, b"<html>")):
        edges = Edges(clock=clock, environment={}, network=lambda reply=reply: ScriptedWire(lambda *_: Reply(reply)))
        pipeline, began = Pipeline(spec, MemoryStore(), edges), len(clock.slept)
        with pytest.raises((TryLater, ContractBroken)):
            pipeline.work("run", pipeline.streams()[0], "2022-08-12T060000Z")
        assert clock.slept[began:] == [1, 2, 4, 8]


def test_the_variables_of_the_example_are_those_of_its_sample(tmp_path):
    shutil.copy(EXAMPLE / ".env.example", tmp_path / ".env")
    shutil.copy(EXAMPLE / "pipeline.yaml", tmp_path)
    named = re.findall(r"^#? ?([A-Z0-9_]+)=", (tmp_path / ".env").read_text(), re.MULTILINE)
    assert set(named) >= {"S3_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}
    spec = read(tmp_path / "pipeline.yaml", {})
    assert [gap.names for gap in spec.missing] == [("S3_BUCKET_NAME",)]
