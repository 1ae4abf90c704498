from datetime import UTC, datetime

import pytest

from levada.nouns import PageFacts
from levada.source.paginate import Broken, End, Next, Position, advance, first, guess, meaning, replay, window
from levada.spec.model import Paging

BY_PAGE = Paging(by="page")


def facts(number, means="page", sha=None, position=None, text=None):
    return PageFacts(
        number=number,
        position=number if position is None else position,
        means=means,
        url="http://api.test",
        status=200,
        headers={},
        rows=int(means == "page"),
        size=2,
        sha256=sha or f"sha{number}",
        at=datetime(2022, 8, 12, tzinfo=UTC),
        text=text,
    )


def test_pages_are_counted_from_start():
    assert first(BY_PAGE) == Position(1, 1)
    assert first(Paging(by="page", start=0)) == Position(1, 0)
    assert advance(Paging(by="page", start=0), Position(1, 0), facts(1), {}) == Next(Position(2, 1))


@pytest.mark.parametrize("means", ["end", "empty", "no_data"])
def test_an_answer_without_records_ends_paging(means):
    assert advance(BY_PAGE, Position(1, 1), facts(1, means), {}) == End()


def test_end_and_empty_end_after_pages_too():
    assert advance(BY_PAGE, Position(3, 3), facts(3, "end"), {"sha1": 1}) == End()
    assert advance(BY_PAGE, Position(3, 3), facts(3, "empty"), {"sha1": 1}) == End()


def test_max_pages_is_inclusive():
    paging = Paging(by="page", start=0, max_pages=3)
    assert advance(paging, Position(2, 1), facts(2), {}) == Next(Position(3, 2))
    assert advance(paging, Position(3, 2), facts(3), {}) == End()


def test_without_paging_there_is_one_page():
    assert advance(Paging(), Position(1, 1), facts(1), {}) == End()


def test_no_data_after_records_is_broken():
    step = advance(BY_PAGE, Position(2, 2), facts(2, "no_data", text="No data found"), {"sha1": 1})
    assert isinstance(step, Broken)
    assert step.what == "The API says that there is no data, but 1 page(s) with records came before."
    assert "No data found" in step.todo
    assert "`means: end`" in step.todo


def test_a_page_that_came_before_is_broken():
    step = advance(BY_PAGE, Position(3, 3), facts(3, sha="sha2"), {"sha1": 1, "sha2": 2})
    assert isinstance(step, Broken)
    assert step.what == "Page 3 is byte for byte page 2: the API repeats itself."
    assert "`page`" in step.todo
    assert "leave `paging` out" in step.todo


def test_guessing_ahead_stops_where_paging_must():
    assert guess(BY_PAGE, Position(2, 5), 3) == Position(5, 8)
    assert guess(Paging(by="page", max_pages=4), Position(2, 2), 2) == Position(4, 4)
    assert guess(Paging(by="page", max_pages=4), Position(2, 2), 3) is None
    assert guess(Paging(), Position(1, 1), 0) == Position(1, 1)
    assert guess(Paging(), Position(1, 1), 1) is None


def test_replay_finds_the_place_again():
    assert replay(BY_PAGE, []) == (Next(Position(1, 1)), {})
    assert replay(BY_PAGE, [facts(1), facts(2)]) == (Next(Position(3, 3)), {"sha1": 1, "sha2": 2})
    assert replay(BY_PAGE, [facts(1), facts(2, "end")]) == (End(), {"sha1": 1})
    assert replay(BY_PAGE, [facts(1, "no_data")]) == (End(), {})
    assert replay(Paging(by="page", max_pages=2), [facts(1), facts(2)])[0] == End()
    assert isinstance(replay(BY_PAGE, [facts(1), facts(2, sha="sha1")])[0], Broken)


def test_replay_refuses_pages_out_of_order():
    step, _ = replay(BY_PAGE, [facts(1), facts(3)])
    assert isinstance(step, Broken)
    assert "page 3 (asked as 3) stands where page 2 (asked as 2) belongs" in step.what
    assert isinstance(replay(Paging(by="page", start=0), [facts(1)])[0], Broken)


def test_an_end_in_the_first_place_is_no_data():
    assert meaning(Position(1, 0), "end") == "no_data"
    assert meaning(Position(1, 0), "empty") == "no_data"
    assert meaning(Position(1, 0), "page") == "page"
    assert meaning(Position(2, 1), "end") == "end"
    assert meaning(Position(2, 1), "empty") == "empty"


@pytest.mark.parametrize(
    ("concurrency", "received", "expected"),
    [(4, 0, 4), (1, 0, 1), (2, 100, 2), (16, 0, 4), (16, 4, 4), (16, 9, 9), (16, 99, 16), (0, 0, 1)],
)
def test_the_window_grows_with_the_pages_received(concurrency, received, expected):
    assert window(concurrency, received) == expected
