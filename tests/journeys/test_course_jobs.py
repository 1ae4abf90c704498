"""The jobs of the sales course under tests as its students write them, and the pieces that they import."""

import ast
import json
import sys
from importlib import import_module
from pathlib import Path
from unittest import TestCase, mock

import fastavro
import pytest

from levada.errors import FixThis
from levada.spec.read import read

EXAMPLE = Path(__file__).parents[2] / "examples" / "sales"
PACKAGES = {"job1", "job2", "sales_pipeline"}


@pytest.fixture(autouse=True)
def _in_the_folder_of_the_example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        del sys.modules[name]


@pytest.fixture
def on_this_api(api, monkeypatch, tmp_path):
    """Variables as a student sets them; the folder that BASE_DIR names."""
    for name, value in {**api.environment, "BASE_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


class Job1Test(TestCase):
    def setUp(self):
        self.client = import_module("job1.main").app.test_client()

    @mock.patch("job1.main.save_sales_to_local_disk")
    def test_400_without_date(self, save):
        answer = self.client.post("/", json={"raw_dir": "/foo/bar/"})
        assert answer.status_code == 400
        assert answer.json["message"] == "date parameter missed"
        save.assert_not_called()

    @mock.patch("job1.main.save_sales_to_local_disk")
    def test_400_without_raw_dir(self, save):
        answer = self.client.post("/", json={"date": "1970-01-01"})
        assert answer.status_code == 400
        assert answer.json["message"] == "raw_dir parameter missed"
        save.assert_not_called()

    @mock.patch("job1.main.save_sales_to_local_disk")
    def test_called_by_keywords_with_what_was_sent(self, save):
        self.client.post("/", json={"date": "1970-01-01", "raw_dir": "/foo/bar/"})
        save.assert_called_with(date="1970-01-01", raw_dir="/foo/bar/")

    @mock.patch("job1.main.save_sales_to_local_disk")
    def test_201_when_all_is_well(self, save):
        answer = self.client.post("/", json={"date": "1970-01-01", "raw_dir": "/foo/bar/"})
        assert answer.status_code == 201
        assert answer.json == {"message": "Data retrieved successfully from API"}
        save.assert_called_once()


class Job2Test(TestCase):
    def setUp(self):
        self.client = import_module("job2.main").app.test_client()

    @mock.patch("job2.main.save_sales_to_local_disk")
    def test_400_without_raw_dir(self, save):
        answer = self.client.post("/", json={"stg_dir": "/foo/stg/"})
        assert answer.status_code == 400
        assert answer.json["message"] == "raw_dir parameter missed"
        save.assert_not_called()

    @mock.patch("job2.main.save_sales_to_local_disk")
    def test_400_without_stg_dir(self, save):
        answer = self.client.post("/", json={"raw_dir": "/foo/bar/"})
        assert answer.status_code == 400
        assert answer.json["message"] == "stg_dir parameter missed"
        save.assert_not_called()

    @mock.patch("job2.main.save_sales_to_local_disk")
    def test_called_by_keywords_and_201(self, save):
        answer = self.client.post("/", json={"raw_dir": "/foo/bar/", "stg_dir": "/foo/stg/"})
        save.assert_called_with(raw_dir="/foo/bar/", stg_dir="/foo/stg/")
        assert answer.status_code == 201


def test_what_fails_below_main_is_answered_with_its_reason(monkeypatch):
    from job1 import main

    monkeypatch.delenv("BASE_DIR", raising=False)
    answer = main.app.test_client().post("/", json={"date": "1970-01-01", "raw_dir": "/foo/bar/"})
    assert answer.status_code == 400
    assert answer.json["message"] == "BASE_DIR environment variable must be set"
    assert answer.json["todo"].startswith("export BASE_DIR=")


def test_the_names_and_types_of_the_course_are_kept():
    kept = {
        "job1.bll.sales_api": "save_sales_to_local_disk(date: str, raw_dir: str)",
        "job1.dal.sales_api": "get_sales(date: str)",
        "job1.dal.local_disk": "save_to_disk(json_content: list[dict[str, Any]], path: str)",
        "job2.bll.sales_api": "save_sales_to_local_disk(raw_dir: str, stg_dir: str)",
        "job2.dal.local_disk": "save_to_disk(json_content: list[dict[str, Any]], path: str)",
    }
    for module, signature in kept.items():
        tree = ast.parse(Path(import_module(module).__file__).read_text())
        found = [f"{node.name}({ast.unparse(node.args)})" for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert found == [signature]


def test_the_address_of_the_api_is_that_of_both_specs():
    from job1.dal.sales_api import API_URL

    for name in ("pipeline.yaml", "pipeline_joined.yaml"):
        assert f"{read(str(EXAMPLE / name), {}).source.url}/" == API_URL


def test_get_sales_gives_all_sales_of_a_date_in_the_order_of_the_api(on_this_api):
    from job1.bll.sales_api import save_sales_to_local_disk
    from job1.dal.sales_api import get_sales

    raw = on_this_api / "raw" / "sales" / "2022-08-09"
    save_sales_to_local_disk(date="2022-08-09", raw_dir=str(raw))
    pages = [json.loads((raw / f"sales_2022-08-09_{page}.json").read_text()) for page in (1, 2, 3, 4)]
    assert get_sales("2022-08-09") == [sale for page in pages for sale in page]
    assert len(get_sales("2022-08-09")) == 338


def test_get_sales_of_a_date_without_sales_is_empty_and_asks_the_address_of_its_module(api, monkeypatch):
    from job1.dal import sales_api

    monkeypatch.setenv("AUTH_TOKEN", api.environment["AUTH_TOKEN"])
    monkeypatch.delenv("SALES_API_URL", raising=False)
    monkeypatch.setattr(sales_api, "API_URL", f"{api.url}/")
    assert sales_api.get_sales("2022-08-08") == []
    assert {asked["date"] for asked in api.log()} == {"2022-08-08"}


def test_get_sales_needs_a_token(on_this_api, monkeypatch):
    from job1.dal.sales_api import get_sales

    monkeypatch.delenv("AUTH_TOKEN")
    monkeypatch.delenv("API_AUTH_TOKEN", raising=False)
    with pytest.raises(FixThis, match="AUTH_TOKEN or API_AUTH_TOKEN"):
        get_sales("2022-08-09")


def test_save_to_disk_makes_the_folder_and_writes_a_list_that_json_reads(tmp_path):
    from job1.dal.local_disk import save_to_disk

    path = tmp_path / "raw" / "sales" / "sales_2022-08-09.json"
    save_to_disk([{"client": "Zoë O'Neill", "price": 1}], str(path))
    assert json.loads(path.read_text(encoding="utf-8")) == [{"client": "Zoë O'Neill", "price": 1}]
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("bad", [[{"price": float("nan")}], [{"day": Path()}], [{"client": "\ud800"}]])
def test_save_to_disk_that_fails_leaves_what_was_there(tmp_path, bad):
    from job1.dal.local_disk import save_to_disk

    path = tmp_path / "sales.json"
    path.write_text("[1]")
    with pytest.raises((ValueError, TypeError)):
        save_to_disk(bad, str(path))
    assert path.read_text() == "[1]"
    assert [*tmp_path.iterdir()] == [path]


def test_save_to_disk_refuses_the_body_of_an_error(tmp_path):
    from job1.dal.local_disk import save_to_disk

    with pytest.raises(FixThis) as told:
        save_to_disk({"message": "No data found for date 2022-08-08"}, str(tmp_path / "sales.json"))
    assert "a list of records is needed, not dict" in str(told.value)
    assert "save what get_sales returns" in str(told.value)
    assert [*tmp_path.iterdir()] == []


def test_save_to_disk_of_job2_writes_avro_that_its_own_job_would(on_this_api):
    from job1.bll.sales_api import save_sales_to_local_disk as land
    from job1.dal.sales_api import get_sales
    from job2.bll.sales_api import save_sales_to_local_disk as stage
    from job2.dal.local_disk import save_to_disk

    raw, stg = on_this_api / "raw" / "2022-08-09", on_this_api / "stg"
    land(date="2022-08-09", raw_dir=str(raw))
    stage(raw_dir=str(raw), stg_dir=str(stg))
    save_to_disk(get_sales("2022-08-09"), str(on_this_api / "own" / "sales.avro"))
    by_job = [sale for path in sorted(stg.iterdir()) for sale in avro(path)]
    assert avro(on_this_api / "own" / "sales.avro") == by_job
    assert len(by_job) == 338
    assert len(list((on_this_api / "own").iterdir())) == 1


def avro(path):
    with path.open("rb") as file:
        return list(fastavro.reader(file))


@pytest.mark.parametrize(
    "bad",
    [{"message": "No data"}, [{"client": "Ana"}], [{"client": "A", "purchase_date": "x", "product": "TV", "price": 1}]],
)
def test_save_to_disk_of_job2_refuses_what_is_no_list_of_sales(tmp_path, bad):
    from job2.dal.local_disk import save_to_disk

    path = tmp_path / "sales.avro"
    path.write_bytes(b"old")
    with pytest.raises((FixThis, ValueError, TypeError)):
        save_to_disk(bad, str(path))
    assert (path.read_bytes(), [*tmp_path.iterdir()]) == (b"old", [path])
