"""The last jobs of a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

from levada.edges import Edges
from levada.errors import FixThis
from levada.lake.area import area_of_folder
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.lake.work import Fingerprints, begin
from levada.nouns import Counts, Run
from levada.pipeline import Pipeline
from levada.serve.history import History, earlier
from levada.serve.jobs import LAND, STAGE, Told
from levada.serve.servers import apps
from levada.spec.read import read_text

SPEC = """
pipeline: shop
source: {url: "http://api.test"}
streams:
  sales:
    request: {path: /sales}
    paging: {by: page}
    raw: raw/{date}/{page}.json
    contract: {fields: {price: int32}}
    stage: {avro: "stg/{date}/{page}.avro"}
"""
AT = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)


def job(number):
    return Told("land", AT + timedelta(seconds=number), {"raw_dir": f"/data/{number}"}, 201, "done", 1.0)


def running(number):
    return replace(job(number), status=None, seconds=None)


def run(**changes):
    made = Run("shop", "sales", "2022-08-09", "r", "done", "landed", Counts(read=3, kept=3), 1, 2, 0, (), True, 0.5)
    return replace(made, **changes)


def test_the_latest_comes_first():
    history = History()
    for number in range(3):
        history.ended(job(number), job(number))
    assert history.latest() == [job(2), job(1), job(0)]


def test_running_jobs_come_before_ended_ones_until_they_end():
    history = History([job(0)])
    first, second = running(1), running(2)
    history.began(first)
    history.began(second)
    assert history.latest() == [second, first, job(0)]
    history.ended(first, job(1))
    assert history.latest() == [second, job(1), job(0)]


def test_two_equal_jobs_at_once_are_two():
    history = History()
    first, second = running(1), running(1)
    history.began(first)
    history.began(second)
    history.ended(first, job(1))
    assert history.latest() == [second, job(1)]


def test_of_many_earlier_jobs_the_latest_are_kept():
    history = History(job(number) for number in range(1000, 0, -1))
    assert history.latest()[0] == job(1000)
    assert len(history.latest()) == 50


def test_only_so_many_are_kept():
    history = History()
    for number in range(200):
        history.ended(job(number), job(number))
    assert history.latest() == [job(number) for number in range(199, 149, -1)]


def test_many_threads_may_use_it():
    history = History()

    def work():
        for number in range(200):
            began = running(number)
            history.began(began)
            history.latest()
            history.ended(began, job(number))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(history.latest()) == 50
    assert all(told.seconds for told in history.latest())


def filled(store, folder, *, request="GET /sales", pipeline="shop"):
    """A job that has begun to fill a folder."""
    edges = Edges(environment={})
    with hold(area_of_folder(store, pipeline, "sales", folder), edges) as lease:
        return begin(lease, Fingerprints(request, ""), edges, 0.0)


def test_a_land_job_of_the_lake_is_told_with_its_date_and_folder():
    store = MemoryStore()
    filled(store, "raw/sales/2022-08-09").close(run())
    (told,) = earlier(store, "shop", "/data")
    assert told.kind == "land"
    assert told.parameters == {"date": "2022-08-09", "raw_dir": "/data/raw/sales/2022-08-09"}
    assert (told.status, told.message, told.seconds) == (None, "Data retrieved successfully from API", 0.5)
    assert told.run == run()


def test_a_stage_job_of_the_lake_is_told_with_its_folder():
    store = MemoryStore()
    filled(store, "stg/sales/2022-08-09", request="").close(run(level="staged"))
    (told,) = earlier(store, "shop", "/")
    assert (told.kind, told.parameters) == ("stage", {"stg_dir": "/stg/sales/2022-08-09"})
    assert told.message == "Data converted from JSON to Avro successfully"


def test_a_job_without_data_is_told_as_it_was_answered():
    store = MemoryStore()
    filled(store, "raw/x").close(run(outcome="no data", notes=("the API says: nothing",)))
    assert [told.message for told in earlier(store, "shop", "/data")] == [
        "No data for 2022-08-09: the API says: nothing"
    ]


def test_a_failed_job_of_the_lake_is_told_with_its_reason_and_place():
    store = MemoryStore()
    filled(store, "raw/x").failed(FixThis("no such date", where="shop/sales 2022-08-09"))
    (told,) = earlier(store, "shop", "/data")
    assert (told.message, told.parameters) == ("no such date (shop/sales 2022-08-09)", {"raw_dir": "/data/raw/x"})
    assert (told.status, told.run) == (None, None)
    assert told.seconds >= 0


def test_jobs_of_other_pipelines_are_not_told():
    store = MemoryStore()
    filled(store, "raw/x", pipeline="other").close(run())
    assert earlier(store, "shop", "/data") == []


def test_a_lake_that_cannot_be_listed_has_no_earlier_jobs():
    class Refusing(MemoryStore):
        def list(self, prefix):
            raise FixThis(f"no rights to list {prefix}")

    assert earlier(Refusing(), "shop", "/data") == []


def test_a_new_server_tells_of_the_jobs_before_it():
    store = MemoryStore()
    filled(store, "raw/told").close(run())
    filled(store, "raw/foreign", pipeline="other").close(run())
    spec = read_text(SPEC, "shop.yaml", {}, lake="/data")
    for app in apps(Pipeline(spec, store, Edges(environment={})), (LAND, STAGE)):
        page = app.test_client().get("/").text
        assert "/data/raw/told" in page
        assert "/data/raw/foreign" not in page
