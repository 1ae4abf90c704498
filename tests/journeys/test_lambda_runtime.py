"""The packed function under the runtime's own client and the emulator of the service, with nothing else to import."""

import json
import subprocess
import sys
import zipfile

import pytest

from faultproxy import fault_proxy
from lambdas import emulator, function, runtime, unpacked
from levada.edges import Edges
from levada.pipeline import load
from patience import HELD
from simulated import SPEC, TOKEN, Levada

DAY = "2022-08-09"
QUICK = "  retry: {attempts: 2, wait: 10ms, cap: 20ms}\n\nstreams:"
LAKE = "lake: ${LAKE}\npipeline: "

pytestmark = pytest.mark.skipif(emulator() is None, reason="the emulator comes with aws-sam-cli: python3 tasks.py test")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spec")
    text = SPEC.read_text().replace("\nstreams:", QUICK, 1).replace("pipeline: ", LAKE, 1)
    file = folder / "sales.yaml"
    file.write_text(text.replace("{by: day}", "{by: day, default: yesterday}"))
    (folder / ".env").write_text("AUTH_TOKEN=the-secret-of-the-packer\nLAKE=/nowhere\n")
    return file


@pytest.fixture(scope="module")
def package(spec):
    """The zip, and what the command told of it."""
    done = Levada({}, spec.parent)("package", spec.name, "--out", "land.zip", "--json")
    assert done.returncode == 0, done.stderr
    return spec.parent / "land.zip", json.loads(done.stdout)


@pytest.fixture(scope="module")
def task(package, tmp_path_factory):
    return unpacked(package[0], tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return runtime(tmp_path_factory.mktemp("function") / "runtime")


@pytest.fixture
def running(task, client, api, tmp_path):
    def start(seconds=60, **environment):
        return function(
            task, client, {**api.environment, "LAKE": str(tmp_path / "lake"), **environment}, seconds=seconds
        )

    return start


def queued(*bodies):
    arn = "arn:aws:sqs:us-east-1:123456789012:levada"
    numbered = enumerate(bodies, start=1)
    return {
        "Records": [
            {"messageId": str(number), "body": json.dumps(body), "eventSource": "aws:sqs", "eventSourceARN": arn}
            for number, body in numbered
        ]
    }


def test_the_package_is_small_and_says_what_it_holds(package):
    file, told = package
    assert told["size"] == file.stat().st_size < 20 * 1024 * 1024
    assert told["unpacked"] < 60 * 1024 * 1024
    assert told["handler"] == "levada.lambda_handler.handler"
    assert told["pipelines"] == [
        {"pipeline": "sales", "streams": ["sales"], "variables": ["LAKE", "AUTH_TOKEN or API_AUTH_TOKEN"]}
    ]
    assert {"levada", "aiohttp", "msgspec", "obstore"} <= told["libraries"].keys()
    names = zipfile.ZipFile(file).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops.isdisjoint({"yaml", "pyarrow", "fastavro", "flask", "click", "rich", "deltalake", "numpy", "dotenv"})
    assert not [name for name in names if name.startswith(("levada/cli/", "levada/serve/", "levada/simulate/"))]


def test_nothing_of_the_environment_is_packed(package, spec):
    archive = zipfile.ZipFile(package[0])
    assert not [name for name in archive.namelist() if b"the-secret-of-the-packer" in archive.read(name)]
    assert not [name for name in archive.namelist() if str(spec.parent).encode() in archive.read(name)]


def test_the_same_again_gives_the_same_bytes(package, spec):
    done = Levada({"PYTHONHASHSEED": "7"}, spec.parent)("package", spec.name, "--out", "again.zip")
    assert done.returncode == 0, done.stderr
    assert (spec.parent / "again.zip").read_bytes() == package[0].read_bytes()


def test_a_date_lands_and_no_module_comes_from_elsewhere(task, api, tmp_path):
    code = """import json, sys
task = sys.argv[1]
sys.path.insert(0, task)
from levada.lambda_handler import handler
answer = handler({"date": "2022-08-09"}, None)
here = [getattr(module, "__file__", None) for name, module in sys.modules.items() if name != "__main__"]
library = sys.modules["json"].__file__.removesuffix("json/__init__.py")
others = [file for file in here if file and not file.startswith((task, library))]
print(json.dumps([answer["statusCode"], others, sorted(name for name in sys.modules if "." not in name)]))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-B", "-c", code, str(task)],
        env={**api.environment, "LAKE": str(tmp_path / "lake")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    status, elsewhere, modules = json.loads(done.stdout.splitlines()[-1])
    assert (status, elsewhere) == (200, [])
    assert "aiohttp" in modules
    assert {"yaml", "pyarrow", "fastavro", "flask"}.isdisjoint(modules)


def test_it_lands_what_the_command_lands(running, api, levada, tmp_path):
    with running() as land:
        answer = land({"pipeline": "sales", "date": DAY})
    assert answer["statusCode"] == 200, answer
    (run,) = json.loads(answer["body"])["runs"]
    assert (run["outcome"], run["level"], run["counts"]["read"]) == ("done", "landed", 338)
    assert levada("land", SPEC, "--date", DAY, "--lake", "by_hand").returncode == 0
    raw = sorted((tmp_path / "lake" / "raw").rglob("*.json"))
    assert [file.read_bytes() for file in raw] == [
        file.read_bytes() for file in sorted((tmp_path / "by_hand" / "raw").rglob("*.json"))
    ]
    assert len(raw) == 4


def test_what_it_landed_is_staged_elsewhere(running, levada, tmp_path):
    with running() as land:
        assert land({"date": DAY})["statusCode"] == 200
    done = levada("stage", SPEC, "--date", DAY, "--lake", "lake")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "lake" / "stg").rglob("*.avro"))) == 4


def test_a_scheduled_event_and_a_second_one_in_the_same_process(running):
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "time": "2022-08-10T06:00:00Z", "detail": {}}
    with running() as land:
        found = [json.loads(land(event)["body"])["runs"][0] for _ in range(2)]
    assert [(run["partition"], run["changed"]) for run in found] == [(DAY, True), (DAY, False)]


def test_a_batch_of_messages(running):
    with running() as land:
        answer = land(queued({"date": DAY}, {"date": "never"}, {"date": "2022-08-10"}))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_a_wrong_key_is_told_without_it(running):
    with running(AUTH_TOKEN="quite-the-wrong-token") as land:
        answer = land({"date": DAY})
        assert answer["statusCode"] == 502
        assert "quite-the-wrong-token" not in land.said + json.dumps(answer)
        assert '"kind": "ApiRefused"' in land.said


def test_an_api_that_is_away_is_an_error_of_the_function(running, api):
    api.fail({"match": {"page": 2}, "times": None, "fault": {"status": 503, "body": {"token": TOKEN}}})
    with running() as land:
        answer = land({"date": DAY})
        assert (answer["errorType"], TOKEN in land.said + json.dumps(answer)) == ("TryLater", False)
        api.fail()
        assert json.loads(land({"date": DAY})["body"])["runs"][0]["resumed"] == 1


def test_it_stops_before_its_time_is_up_and_the_next_try_goes_on(running, api):
    assert any(_goes_on(running, api, seconds, day) for seconds, day in ENOUGH.items())
    assert {1, 2}.isdisjoint(api.pages_asked())


#: Seconds for a function that a page is kept from: which are enough on this machine to come so far, and to leave? Each
#: with a day of its own.
ENOUGH = {6: "2022-08-09", 30: "2022-08-10", 120: "2022-08-11"}


def _goes_on(running, api, seconds, day, **more):
    """Whether a function with so much time stopped before it was up, two pages in hand, and the next try went on."""
    api.forget()
    api.fail({"match": {"page": 3}, "times": 1, "fault": {"delay": HELD}})
    with running(seconds=seconds, **more) as land:
        answer = land({"date": day})
        if "timed out" in land.said or 3 not in api.pages_asked():
            return False
        assert answer["errorType"] == "TryLater", answer
        assert f"nearly up; sales/sales {day} is not done" in answer["errorMessage"]
        api.fail()
        api.forget_requests()
        answer = land({"date": day})
        assert "errorType" not in answer, answer
        (run,) = json.loads(answer["body"])["runs"]
    return (run["outcome"], run["resumed"]) == ("done", 2)


def test_it_lands_on_s3(running, s3, tmp_path):
    lake = s3.lake("function")
    with running(LAKE=lake, **s3.environment) as land:
        answer = land({"date": DAY})
        assert answer["statusCode"] == 200, land.said
        assert s3.secret not in land.said
    assert not (tmp_path / "lake").exists()
    environment = {**s3.environment, "AUTH_TOKEN": "x", "LAKE": lake}
    store = load(SPEC, lake=lake, edges=Edges(environment=environment)).store
    assert [entry.key for entry in store.list("raw")] == [
        f"raw/sales/{DAY}/sales_{DAY}_{page}.json" for page in (1, 2, 3, 4)
    ]


def test_stopped_on_s3_it_gives_the_partition_back(running, api, s3):
    store = {"LAKE": s3.lake("stopped"), **s3.environment}
    assert any(_goes_on(running, api, seconds, day, **store) for seconds, day in ENOUGH.items())


def test_a_store_that_stalls_does_not_outlast_the_time(running, s3):
    plan, lake = {("create", 5): "stall"}, s3.lake("stalled")
    with (
        fault_proxy(s3.port, plan, stall=HELD) as proxy,
        running(seconds=12, LAKE=lake, **s3.by(proxy.endpoint)) as land,
    ):
        told = land({"date": DAY})
        assert proxy.failed == [("create", 5, "stall")]
        assert (told.get("errorType"), "timed out" in land.said) == ("TryLater", False), told
        assert "nearly up" in told["errorMessage"]
        answer = land({"date": DAY})
    assert answer.get("statusCode") == 200, answer
