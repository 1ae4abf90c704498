"""What is made from a stream that failed is not tried, nor what is made from that."""

from dataclasses import replace

from levada.pipeline.orphans import Orphans
from levada.spec.read import read_text
from shop import HEAD

(SALES,) = read_text(HEAD, "shop.yaml", {}, lake="lake").streams
LINES = replace(SALES, name="lines", pages_of="sales")
PARTS = replace(SALES, name="parts", pages_of="lines")
OTHERS = replace(SALES, name="others")


def test_what_is_made_from_a_failure_is_not_tried_down_to_the_last_child():
    orphans = Orphans("run")
    assert orphans.made_from("2022-08-09", LINES) is None
    orphans.failed("2022-08-09", SALES)
    assert orphans.made_from("2022-08-09", LINES) == "sales"
    assert orphans.made_from("2022-08-09", PARTS) == "lines"
    assert orphans.made_from("2022-08-09", OTHERS) is None


def test_a_failure_is_that_of_its_partition():
    orphans = Orphans("land")
    orphans.failed("2022-08-09", SALES)
    assert orphans.made_from("2022-08-10", LINES) is None


def test_stage_and_replay_take_their_own_pages():
    for verb in ("stage", "replay"):
        orphans = Orphans(verb)
        orphans.failed("2022-08-09", SALES)
        assert orphans.made_from("2022-08-09", LINES) is None
