"""The check of the sales course against both kinds of servers, and what its students ask of them."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fastavro
import pytest

from levada.edges import Edges
from levada.errors import FixThis
from levada.pipeline import load
from patience import PATIENCE
from serving import environment, serving
from simulated import TOKEN

EXAMPLE = Path(__file__).parents[2] / "examples" / "sales"
CHECK = EXAMPLE / "check_jobs.py"
DATE = "2022-08-09"


@contextmanager
def by_levada(given, base):
    """Both job servers by one command; their ports."""
    with serving(given, base) as server:
        yield server.ports["land"], server.ports["stage"]


@contextmanager
def by_the_course(given, base):
    """job1 and job2, each in a process of its own; their ports."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(job(name, {**given, "BASE_DIR": str(base)})) for name in ("job1", "job2"))


@contextmanager
def job(name, given):
    command = [sys.executable, "-m", f"{name}.main"]
    variables = environment({**given, f"{name.upper()}_PORT": "0"})
    process = subprocess.Popen(
        command, cwd=EXAMPLE, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()


@pytest.fixture(params=[by_levada, by_the_course], ids=["levada serve", "job1 and job2"])
def servers(request):
    return request.param


@pytest.fixture
def base(tmp_path):
    return tmp_path / "file_storage"


def posted(url, given):
    """Status and body of a POST as requests.post(url, json=given) sends it."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(url, json.dumps(given).encode(), headers, method="POST")
    with urllib.request.urlopen(asked, timeout=3 * PATIENCE) as answer:
        return answer.status, json.loads(answer.read())


def checked(*ports, cwd, **variables):
    """check_jobs.py, as a person runs it."""
    named = {f"JOB{number}_PORT": str(port) for number, port in enumerate(ports, start=1)}
    clean = {name: value for name, value in os.environ.items() if name != "BASE_DIR"}
    return subprocess.run(
        [sys.executable, str(CHECK)],
        cwd=cwd,
        env={**clean, **named, **variables},
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )


def avro(folder):
    """Rows by the name of their file, as fastavro's own reader finds them."""
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            found[path.name] = list(fastavro.reader(file))
    return found


def pages(suffix):
    return [f"sales_{DATE}_{page}.{suffix}" for page in (1, 2, 3, 4)]


def test_our_check_passes_from_any_folder(api, servers, base, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with servers(api.environment, base) as ports:
        told = checked(*ports, cwd=elsewhere, BASE_DIR=str(base))
    stg = base / "stg" / "sales" / DATE
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        "job1: Data retrieved successfully from API",
        "job2: Data converted from JSON to Avro successfully",
        f"338 rows in {stg}",
    ]
    assert [*elsewhere.iterdir()] == []
    assert [len(rows) for rows in avro(stg).values()] == [100, 100, 100, 38]


def test_the_steps_of_the_course_s_check_give_what_its_text_shows(api, servers, base):
    """Absolute folders that hold `sales/<date>` already, a slash at the URL's end or not, twice."""
    raw, stg = (base / level / "sales" / DATE for level in ("raw", "stg"))
    with servers(api.environment, base) as (first, second):
        for slash in ("/", ""):
            land = {"date": DATE, "raw_dir": str(raw)}
            assert posted(f"http://localhost:{first}{slash}", land)[0] == 201
            stage = {"raw_dir": str(raw), "stg_dir": str(stg)}
            assert posted(f"http://localhost:{second}{slash}", stage)[0] == 201
    assert sorted(path.name for path in raw.iterdir()) == pages("json")
    landed = [sale for name in pages("json") for sale in json.loads((raw / name).read_text())]
    staged = [{**sale, "purchase_date": str(sale["purchase_date"])} for rows in avro(stg).values() for sale in rows]
    assert len(staged) == 338
    assert staged == landed
    assert sorted(path.name for path in base.iterdir()) == ["_levada", "raw", "stg"]


def test_what_students_ask(api, servers, base):
    """The token under its other name, folders with a slash at their end or two within, a rerun over stale files."""
    given = {"SALES_API_URL": api.url, "API_AUTH_TOKEN": TOKEN}
    raw, stg = (base / level / "sales" / DATE for level in ("raw", "stg"))
    raw.mkdir(parents=True)
    (raw / "2022-08-08_1.json").write_text("[]")
    with servers(given, base) as (first, second):
        land = {"date": DATE, "raw_dir": f"{raw}/"}
        assert posted(f"http://localhost:{first}/", land)[1]["message"] == "Data retrieved successfully from API"
        stage = {"raw_dir": f"{base}//raw/sales/{DATE}/", "stg_dir": f"{stg}//"}
        assert posted(f"http://localhost:{second}/", stage)[0] == 201
    assert sorted(path.name for path in raw.iterdir()) == pages("json")
    assert sorted(path.name for path in stg.iterdir()) == pages("avro")


def test_one_file_a_date_with_the_other_spec(api, base):
    with serving(api.environment, base, spec=EXAMPLE / "pipeline_joined.yaml") as server:
        assert server.land().status == 201
        assert server.stage().status == 201
        raw, stg = server.raw_dir(), server.stg_dir()
    assert [path.name for path in raw.iterdir()] == [f"sales_{DATE}.json"]
    assert len(json.loads((raw / f"sales_{DATE}.json").read_text())) == 338
    assert {name: len(rows) for name, rows in avro(stg).items()} == {f"sales_{DATE}.avro": 338}


def test_raw_files_of_a_student_s_own_job_are_staged(api, base):
    """One list by save_to_disk, under the name that many give it."""
    with by_the_course(api.environment, base) as (_, second):
        script = (
            "import sys; from job1.dal import local_disk, sales_api;"
            f"local_disk.save_to_disk(sales_api.get_sales({DATE!r}), sys.argv[1])"
        )
        path = base / "raw" / "sales" / DATE / f"{DATE}.json"
        variables = environment(api.environment)
        subprocess.run([sys.executable, "-c", script, path], cwd=EXAMPLE, env=variables, check=True, timeout=PATIENCE)
        stg = base / "stg" / "sales" / DATE
        assert posted(f"http://localhost:{second}/", {"raw_dir": str(path.parent), "stg_dir": str(stg)})[0] == 201
    assert sum(map(len, avro(stg).values())) == 338


def test_our_check_says_what_to_set(tmp_path):
    told = checked(cwd=tmp_path)
    assert told.returncode == 1
    assert "export BASE_DIR=/path/to/my_dir" in told.stderr


def test_our_check_says_that_a_server_is_not_running(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = checked(port, port, cwd=tmp_path, BASE_DIR=str(tmp_path))
    assert told.returncode == 1
    assert told.stderr.startswith(f"job1: no server answers at http://localhost:{port}/ (")
    assert "start it in another terminal" in told.stderr
    assert "Traceback" not in told.stderr


def test_our_check_shows_what_a_server_refused(api, base, tmp_path):
    with by_levada(api.environment, base) as ports:
        told = checked(*ports, cwd=tmp_path, BASE_DIR=str(tmp_path / "elsewhere"))
    assert told.returncode == 1
    assert told.stderr.startswith("job1: 400 instead of 201: ")
    assert "does not lie below the root" in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("job1", {"AUTH_TOKEN": TOKEN, "BASE_DIR": ""}, "BASE_DIR environment variable must be set"),
        ("job2", {"BASE_DIR": ""}, "BASE_DIR environment variable must be set"),
        ("job1", {"BASE_DIR": "/tmp/base"}, "Not set: AUTH_TOKEN or API_AUTH_TOKEN"),
    ],
)
def test_a_job_that_could_not_work_does_not_start(name, given, said):
    told = subprocess.run(
        [sys.executable, "-m", f"{name}.main"],
        cwd=EXAMPLE,
        env=environment(given),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith(said)
    assert "to do: export" in told.stderr
    assert told.stdout == ""


def test_a_job_whose_port_is_taken_says_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = subprocess.run(
            [sys.executable, "-m", "job2.main"],
            cwd=EXAMPLE,
            env=environment({"BASE_DIR": str(tmp_path), "JOB2_PORT": str(port)}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert told.returncode == 1
    assert told.stderr.startswith(f"port {port} of this machine is taken")


def test_importing_the_jobs_asks_for_nothing(tmp_path):
    script = "import job1.main, job1.dal.sales_api, job2.main; assert job1.main.app"
    clean = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", script], cwd=EXAMPLE, env=clean, check=True, timeout=PATIENCE)
    assert not (EXAMPLE / "lake").exists()


@pytest.mark.parametrize("spec", ["pipeline.yaml", "pipeline_joined.yaml"])
def test_both_specs_can_do_both_jobs(spec, tmp_path):
    pipeline = load(EXAMPLE / spec, lake=str(tmp_path), edges=Edges(environment={"AUTH_TOKEN": TOKEN}))
    assert {pipeline.job_stream(verb).name for verb in ("land", "stage")} == {"sales"}
    with pytest.raises(FixThis):
        load(EXAMPLE / spec, edges=Edges(environment={})).job_stream("land")
