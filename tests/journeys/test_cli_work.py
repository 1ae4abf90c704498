"""What run, land, stage and replay do to a lake, as a user sees it."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from patience import settles
from refusals import HELD_BACK, patient
from simulated import SPEC, TOKEN, Levada, api_of

DAY = "2022-08-09"
DAYS = ("--from", "2022-08-09", "--to", "2022-08-12")
JOINED = SPEC.with_name("pipeline_joined.yaml")


@pytest.fixture(scope="module")
def smaller_api():
    """The same API with 150 rows a date: 2 pages."""
    yield from api_of("--rows", "150")


def public(lake: Path) -> dict[str, str]:
    """Every file outside _levada and its SHA-256."""
    found = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.relative_to(lake).parts)
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def told(done) -> dict:
    """The JSON on stdout, which holds nothing else."""
    return json.loads(done.stdout)


def test_run_lands_and_stages_four_pages_each_asked_once(levada, lake, spec, api):
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    assert (done.returncode, done.stderr) == (0, "")
    assert "done, 4 pages, 338 rows read, 338 kept, 0 quarantined, 8 files" in done.stdout
    asked = Counter(api.pages_asked())
    assert set(asked.values()) == {1}
    assert {1, 2, 3, 4, 5} <= set(asked)
    assert max(asked) <= 8
    raw = [f"raw/sales/{DAY}/sales_{DAY}_{page}.json" for page in (1, 2, 3, 4)]
    staged = [f"stg/sales/{DAY}/sales_{DAY}_{page}.avro" for page in (1, 2, 3, 4)]
    assert sorted(public(lake)) == raw + staged


def test_a_second_run_leaves_every_byte_as_it_is(levada, lake, spec):
    levada("run", spec, "--date", DAY, "--lake", lake)
    before = public(lake)
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    assert "done (nothing changed)" in done.stdout
    assert public(lake) == before


def test_fewer_pages_leave_no_stale_file_and_neighbours_alone(levada, lake, spec, smaller_api):
    levada("run", spec, "--date", DAY, "--lake", lake)
    neighbours = {f"raw/sales/{DAY}/notes.txt": b"mine", "raw/sales/other.json": b"[]", "stg/else.avro": b"x"}
    for name, body in neighbours.items():
        (lake / name).write_bytes(body)
    done = levada("run", spec, "--date", DAY, "--lake", lake, SALES_API_URL=smaller_api.url)
    assert "2 pages, 150 rows read" in done.stdout
    raw = {f"raw/sales/{DAY}/sales_{DAY}_{page}.json" for page in (1, 2)}
    staged = {f"stg/sales/{DAY}/sales_{DAY}_{page}.avro" for page in (1, 2)}
    assert set(public(lake)) == raw | staged | set(neighbours)
    assert {name: (lake / name).read_bytes() for name in neighbours} == neighbours


def test_land_then_stage_equals_run(levada, tmp_path, spec, api):
    levada("run", spec, "--date", DAY, "--lake", tmp_path / "at_once")
    landed = levada("land", spec, "--date", DAY, "--lake", tmp_path / "halves")
    assert "landed, 4 pages, 338 rows read, 4 files" in landed.stdout
    assert not (tmp_path / "halves" / "stg").exists()
    status = levada("status", "--lake", tmp_path / "halves").stdout
    assert re.search(r"done \(landed only\) +4 +338 +- +- ", status)
    api.forget()
    staged = levada("stage", spec, "--date", DAY, "--lake", tmp_path / "halves", AUTH_TOKEN="")
    assert staged.returncode == 0, staged.stderr
    assert api.log() == []
    assert public(tmp_path / "halves") == public(tmp_path / "at_once")


def test_run_makes_one_raw_and_one_avro_file_when_joined(levada, lake):
    done = levada("run", JOINED, "--date", DAY, "--lake", lake)
    assert "4 pages, 338 rows read, 338 kept" in done.stdout
    raw, staged = f"raw/sales/{DAY}/sales_{DAY}.json", f"stg/sales/{DAY}/sales_{DAY}.avro"
    before = public(lake)
    assert sorted(before) == [raw, staged]
    assert len(json.loads((lake / raw).read_bytes())) == 338
    levada("run", JOINED, "--date", DAY, "--lake", lake)
    assert public(lake) == before


@pytest.fixture
def own_spec(tmp_path) -> Path:
    spec = tmp_path / "own.yaml"
    spec.write_text(SPEC.read_text())
    return spec


def test_replay_stages_anew_after_a_change_of_the_contract_without_http(levada, lake, own_spec, api):
    levada("run", own_spec, *DAYS, "--lake", lake)
    raw = {name: sha for name, sha in public(lake).items() if name.startswith("raw/")}
    api.forget()
    own_spec.write_text(own_spec.read_text().replace("min: 0", "min: 1000"))
    done = levada("replay", own_spec, "--lake", lake, "--json", AUTH_TOKEN="")
    assert done.returncode == 0, done.stdout
    runs = told(done)["runs"]
    assert [run["partition"] for run in runs] == ["2022-08-09", "2022-08-10", "2022-08-11"]
    assert all(run["changed"] and run["requests"] == 0 and run["counts"]["quarantined"] > 50 for run in runs)
    assert api.log() == []
    assert {name: sha for name, sha in public(lake).items() if name.startswith("raw/")} == raw
    assert "min" in levada("quarantine", f"sales/sales/{DAY}", "--lake", lake, "--limit", 1).stdout
    again = levada("replay", own_spec, "--date", DAY, "--lake", lake)
    assert "done with quarantine (nothing changed)" in again.stdout


def test_replay_of_an_empty_lake_says_what_to_do(levada, lake, spec):
    done = levada("replay", spec, "--lake", lake)
    assert done.returncode == 2
    assert "There is nothing of pipeline sales in this lake to replay." in done.stderr
    assert f"levada run {spec} --date 2022-08-09" in done.stderr


def test_missing_skips_complete_partitions_without_a_request(levada, lake, spec, api):
    levada("run", spec, "--date", "2022-08-10", "--lake", lake)
    api.forget()
    done = levada("run", spec, *DAYS, "--missing", "--lake", lake)
    assert done.returncode == 0, done.stderr
    assert {entry["date"] for entry in api.log()} == {"2022-08-09", "2022-08-11"}
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == [
        "sales/sales 2022-08-09: done",
        "sales/sales 2022-08-10: done (nothing changed)",
        "sales/sales 2022-08-11: done with quarantine",
    ]
    assert "complete already, skipped" in done.stdout


def test_a_partition_that_breaks_the_contract_does_not_stop_the_others(levada, lake, spec, api):
    api.fail({"match": {"date": "2022-08-10", "page": 2}, "times": None, "fault": {"repeat_page": 1}})
    done = levada("run", spec, *DAYS, "--lake", lake, "--json")
    assert done.returncode == 3
    result = told(done)
    assert [run["partition"] for run in result["runs"]] == ["2022-08-09", "2022-08-11"]
    assert [(error["kind"], error["exit"]) for error in result["errors"]] == [("ContractBroken", 3)]
    assert "2022-08-10" in result["errors"][0]["where"]
    assert result["not_tried"] == []
    assert not (lake / "raw" / "sales" / "2022-08-10").exists()


def test_any_other_error_ends_the_command_and_says_what_was_not_tried(levada, lake, spec):
    done = levada("run", spec, *DAYS, "--lake", lake, AUTH_TOKEN="wrong-token-99")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The API refuses the key with 403" in done.stderr
    assert "levada: ended here; 2 partitions more not tried" in done.stderr
    assert "wrong-token-99" not in done.stderr
    as_json = told(levada("run", spec, *DAYS, "--lake", lake, "--json", AUTH_TOKEN="wrong-token-99"))
    assert [left["partition"] for left in as_json["not_tried"]] == ["2022-08-10", "2022-08-11"]


def test_stream_chooses_and_names_the_choice(levada, lake, own_spec):
    text = own_spec.read_text()
    head, stream = text.split("streams:\n")
    own_spec.write_text(f"{head}streams:\n{stream}{stream.replace('sales:', 'again:').replace('sales_', 'again_')}")
    done = levada("run", own_spec, "--date", DAY, "--stream", "again", "--lake", lake)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sales/again 2022-08-09: done")
    assert not [name for name in public(lake) if "sales_2022" in name]
    wrong = levada("run", own_spec, "--date", DAY, "--stream", "nix", "--lake", lake)
    assert wrong.returncode == 2
    assert "There is no stream nix" in wrong.stderr
    assert "choose among: sales, again" in wrong.stderr


def test_wait_waits_for_a_held_partition_and_without_it_the_run_leaves(levada, lake, tmp_path, api):
    import subprocess
    import sys
    import threading

    spec = patient(tmp_path)
    api.fail({**HELD_BACK, "match": {"page": 1}})
    environment = levada.environment
    first = subprocess.Popen(
        [sys.executable, "-m", "levada", "run", spec, "--date", DAY, "--lake", lake],
        env={**environment, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        assert settles(api.log)
        held = levada("run", spec, "--date", DAY, "--lake", lake)
        assert held.returncode == 75
        assert f"process {first.pid}" in held.stderr
        assert "running" in levada("status", "--lake", lake).stdout
        # When it ends the next one waits already, or nearly so: it says the same in either case.
        ending = threading.Timer(1, api.forget)
        ending.start()
        waited = levada("run", spec, "--date", DAY, "--lake", lake, "--wait", "2m")
        ending.join()
        assert waited.returncode == 0, waited.stderr
        assert "done (nothing changed)" in waited.stdout
        assert "338 kept" in first.stdout.read()
    assert first.returncode == 0


def test_api_token_by_its_other_name(levada, lake, spec):
    done = levada("run", spec, "--date", DAY, "--lake", lake, AUTH_TOKEN="", API_AUTH_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr


def test_no_data_is_told_in_the_words_of_the_api(levada, lake, spec):
    done = levada("run", spec, "--date", "2022-08-01", "--lake", lake)
    assert done.returncode == 0
    assert "no data, 0 pages" in done.stdout
    assert "the API says: " in done.stdout
    assert public(lake) == {}


def test_the_environment_of_a_folder_is_read_from_dotenv(own_spec, tmp_path, lake, api):
    (tmp_path / ".env").write_text(f"SALES_API_URL={api.url}\nAUTH_TOKEN={TOKEN}\n")
    done = Levada({}, tmp_path)("run", own_spec, "--date", DAY, "--lake", lake)
    assert done.returncode == 0, done.stderr
