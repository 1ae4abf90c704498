"""What comes next, decided from what the answers said."""

from datetime import UTC, datetime

import pytest

from levada.nouns import PageFacts
from levada.source.paginate import (
    Broken,
    End,
    Next,
    Position,
    Said,
    Trail,
    advance,
    first,
    guess,
    meaning,
    noted,
    window,
)
from levada.spec.model import Paging, Ref

BY_PAGE = Paging(by="page")
BY_CURSOR = Paging(by="cursor", param="cursor", stop_when_empty=False, next=Ref(body="$.next"))
NOTHING = Said()


def facts(number, means="page", sha=None, rows=None, text=None):
    return PageFacts(
        number=number,
        position=number,
        means=means,
        url="http://api.test",
        status=200,
        headers={},
        rows=int(means == "page") if rows is None else rows,
        size=2,
        sha256=sha or f"sha{number}",
        at=datetime(2022, 8, 12, tzinfo=UTC),
        text=text,
    )


def follow(paging, *pages):
    """The steps after pages of so many rows, each with what it said; stops at the first that is no Next."""
    trail, position, steps = Trail(), first(paging), []
    for number, page in enumerate(pages, start=1):
        rows, said = page if isinstance(page, tuple) else (page, NOTHING)
        answer = facts(number, "page" if rows else "empty", rows=rows)
        steps.append(advance(paging, position, answer, said, trail))
        trail.add(position, answer, said)
        if not isinstance(steps[-1], Next):
            break
        position = steps[-1].position
    return steps


def values(steps):
    return [step.position.value if isinstance(step, Next) else step for step in steps]


def test_pages_are_counted_from_start():
    assert first(BY_PAGE) == Position(1, 1)
    assert first(Paging(by="page", start=0)) == Position(1, 0)
    assert values(follow(Paging(by="page", start=0), 5, 5, 0)) == [1, 2, End()]


def test_an_offset_steps_by_the_rows_that_came():
    paging = Paging(by="offset", param="offset", start=0, limit=100)
    assert values(follow(paging, 2, 2, 2, 1, 0)) == [2, 4, 6, 7, End()]


@pytest.mark.parametrize("means", ["end", "empty", "no_data"])
def test_an_answer_without_records_ends_paging(means):
    assert advance(BY_PAGE, Position(1, 1), facts(1, means), NOTHING, Trail()) == End()


def test_an_empty_page_does_not_end_a_cursor():
    assert values(follow(BY_CURSOR, (0, Said(next="b")), (5, Said(next=None)))) == ["b", End()]


def test_an_empty_page_ends_a_cursor_where_the_spec_says_so():
    paging = Paging(by="cursor", next=Ref(body="$.next"), stop_when_empty=True)
    assert follow(paging, (0, Said(next="b"))) == [End()]


def test_a_short_page_ends_where_the_spec_says_so():
    paging = Paging(by="page", limit=5, stop_when_short=True)
    assert values(follow(paging, 5, 5, 3)) == [2, 3, End()]


def test_max_pages_and_last_are_inclusive():
    assert values(follow(Paging(by="page", start=0, max_pages=3), 5, 5, 5)) == [1, 2, End()]
    assert values(follow(Paging(by="page", last=3), 5, 5, 5)) == [2, 3, End()]
    assert values(follow(Paging(by="offset", start=0, limit=50, last=100), 50, 50, 50)) == [50, 100, End()]


def test_without_paging_there_is_one_page():
    assert follow(Paging(), 5) == [End()]
    assert first(Paging()) == Position(1, None)


def test_a_total_of_rows_ends_and_is_remembered():
    paging = Paging(by="offset", start=0, limit=5, total_rows=Ref(body="$.total"))
    assert values(follow(paging, (5, Said(total_rows=12)), 5, 2)) == [5, 10, End()]


def test_a_total_of_pages_ends_from_any_base():
    one, zero = Paging(by="page"), Paging(by="page", start=0)
    told = Said(total_pages=3)
    assert values(follow(one, (5, told), (5, told), (5, told))) == [2, 3, End()]
    assert values(follow(zero, (5, told), (5, told), (5, told))) == [1, 2, End()]
    assert values(follow(Paging(by="page", start=2), (5, told), (5, told))) == [3, End()]


@pytest.mark.parametrize(
    ("paging", "pages", "told"),
    [
        (BY_PAGE, [(5, Said(total_rows=20)), (5, NOTHING), (0, NOTHING)], "20 rows, and 10 came"),
        (BY_PAGE, [(5, Said(total_rows=7)), (5, NOTHING)], "7 rows, and 10 came"),
        (BY_PAGE, [(5, Said(total_pages=5)), (5, NOTHING), (0, NOTHING)], "5 pages, and 2 came"),
        (BY_CURSOR, [(5, Said(next="b", total_rows=12)), (5, NOTHING)], "12 rows, and 10 came"),
        (Paging(), [(5, Said(total_rows=6))], "6 rows, and 5 came"),
        (Paging(by="offset", start=10, limit=5), [(5, Said(total_rows=30)), (0, NOTHING)], "20 rows, and 5 came"),
    ],
)
def test_a_total_that_does_not_add_up_is_broken(paging, pages, told):
    step = follow(paging, *pages)[-1]
    assert isinstance(step, Broken)
    assert told in step.what
    assert "tolerance" in step.todo


@pytest.mark.parametrize(("tolerance", "fine"), [(0, False), (1, False), (2, True), (0.05, False), (0.1, True)])
def test_a_tolerance_is_a_count_or_a_share(tolerance, fine):
    paging = Paging(by="page", tolerance=tolerance)
    last = follow(paging, (9, Said(total_rows=20)), 9, 0)[-1]
    assert isinstance(last, End) == fine


def test_a_cut_by_the_spec_is_no_mismatch():
    assert follow(Paging(by="page", max_pages=1), (5, Said(total_rows=20)))[-1] == End()
    assert follow(Paging(by="page", last=1), (5, Said(total_pages=20)))[-1] == End()


def test_more_to_come_never_passes_a_maximum_or_a_total():
    more = Said(has_more=True)
    assert follow(Paging(by="page", max_pages=1), (5, more))[-1] == End()
    assert follow(BY_PAGE, (5, Said(has_more=True, total_rows=5)))[-1] == End()
    assert values(follow(BY_PAGE, (5, more), (5, Said(has_more=False)))) == [2, End()]


def test_no_data_after_records_is_broken():
    trail = Trail()
    trail.add(Position(1, 1), facts(1), NOTHING)
    step = advance(BY_PAGE, Position(2, 2), facts(2, "no_data", text="No data found"), NOTHING, trail)
    assert isinstance(step, Broken)
    assert step.what == "The API says that there is no data, but 1 page(s) with records came before."
    assert "No data found" in step.todo
    assert "`means: end`" in step.todo


def test_a_page_that_came_before_is_broken():
    trail = Trail()
    for number in (1, 2):
        trail.add(Position(number, number), facts(number), NOTHING)
    step = advance(BY_PAGE, Position(3, 3), facts(3, sha="sha2"), NOTHING, trail)
    assert isinstance(step, Broken)
    assert step.what.startswith("Page 3 is byte for byte page 2: the API repeats itself")
    assert "`page`" in step.todo
    assert "leave `paging` out" in step.todo


def test_a_cursor_that_stands_still_is_broken():
    step = follow(BY_CURSOR, (5, Said(next="b")), (5, Said(next="b")))[-1]
    assert isinstance(step, Broken)
    assert step.what == "The cursor did not advance: page 2 was asked for with b and leads to it again."
    assert "`cursor`" in step.todo


def test_a_cursor_that_goes_back_is_broken():
    step = follow(BY_CURSOR, (5, Said(next="b")), (5, Said(next="c")), (5, Said(next="b")))[-1]
    assert isinstance(step, Broken)
    assert step.what == "The cursor goes back: page 3 leads to b, which page 2 was."


def test_a_link_that_stands_still_is_broken_and_shows_no_secret():
    paging = Paging(by="next_url", next=Ref(body="$.next"), stop_when_empty=False)
    link = "https://api.test/a?token=sesame&page=2"
    step = follow(paging, (0, Said(next=link)), (0, Said(next=link)))[-1]
    assert isinstance(step, Broken)
    assert "The link did not advance" in step.what
    assert "sesame" not in step.what


def test_pages_without_end_and_without_records_are_broken():
    paging = Paging(by="page", stop_when_empty=False, has_more=Ref(body="$.more"))
    step = follow(paging, *[(0, Said(has_more=True))] * 1001)[-1]
    assert isinstance(step, Broken)
    assert "1000 pages in a row had no records" in step.what


def test_behind_a_skipped_page_the_next_is_asked_for_where_it_can_be_known():
    trail = Trail()
    assert advance(BY_PAGE, Position(3, 3), facts(3, "skip"), NOTHING, trail) == Next(Position(4, 4))
    offset = Paging(by="offset", start=0, limit=50)
    assert advance(offset, Position(3, 100), facts(3, "skip"), NOTHING, trail) == Next(Position(4, 150))
    assert advance(BY_CURSOR, Position(3, "c"), facts(3, "skip"), NOTHING, trail) == End()
    assert advance(Paging(by="page", max_pages=3), Position(3, 3), facts(3, "skip"), NOTHING, trail) == End()


def test_skipping_without_end_is_broken():
    trail, position = Trail(), first(BY_PAGE)
    for number in range(1, 30):
        step = advance(BY_PAGE, position, facts(number, "skip"), NOTHING, trail)
        trail.add(position, facts(number, "skip"), NOTHING)
        if isinstance(step, Broken):
            break
        position = step.position
    assert isinstance(step, Broken)
    assert step.what == "20 pages in a row were skipped by rule."


def test_a_run_with_a_gap_is_not_held_to_totals():
    trail = Trail()
    trail.add(Position(1, 1), facts(1, rows=5), Said(total_rows=15))
    trail.add(Position(2, 2), facts(2, "skip"), NOTHING)
    trail.add(Position(3, 3), facts(3, rows=5), NOTHING)
    assert advance(BY_PAGE, Position(4, 4), facts(4, "empty"), NOTHING, trail) == End()


def test_guessing_ahead_stops_where_paging_must():
    assert guess(BY_PAGE, Position(2, 5), 3, Trail()) == Position(5, 8)
    assert guess(Paging(by="page", max_pages=4), Position(2, 2), 2, Trail()) == Position(4, 4)
    assert guess(Paging(by="page", max_pages=4), Position(2, 2), 3, Trail()) is None
    assert guess(Paging(by="page", last=4), Position(2, 2), 3, Trail()) is None
    assert guess(Paging(by="offset", limit=50), Position(1, 0), 2, Trail()) == Position(3, 100)
    assert guess(BY_CURSOR, Position(1, None), 1, Trail()) is None
    assert guess(Paging(), Position(1, None), 0, Trail()) == Position(1, None)
    assert guess(Paging(), Position(1, None), 1, Trail()) is None


def test_guessing_ahead_keeps_to_known_totals_and_to_what_the_server_gives_at_once():
    trail = Trail()
    trail.add(Position(1, 1), facts(1, rows=5), Said(total_pages=3))
    assert guess(BY_PAGE, Position(2, 2), 1, trail) == Position(3, 3)
    assert guess(BY_PAGE, Position(2, 2), 2, trail) is None
    rows = Trail()
    rows.add(Position(1, 0), facts(1, rows=5), Said(total_rows=12))
    capped = Paging(by="offset", start=0, limit=100)
    assert guess(capped, Position(2, 5), 1, rows) == Position(3, 10)
    assert guess(capped, Position(2, 5), 2, rows) is None


def test_an_end_in_the_first_place_is_no_data_unless_there_are_other_slices():
    assert meaning(Position(1, 0), "end", alone=True) == "no_data"
    assert meaning(Position(1, 0), "empty", alone=True) == "no_data"
    assert meaning(Position(1, 0), "page", alone=True) == "page"
    assert meaning(Position(2, 1), "end", alone=True) == "end"
    assert meaning(Position(1, 0), "end", alone=False) == "end"
    assert meaning(Position(1, 0), "no_data", alone=False) == "empty"


def test_what_is_noted_of_a_position_holds_no_secret():
    assert noted(3) == 3
    assert noted(None) == ""
    assert noted("abc=") == "abc="
    assert "sesame" not in str(noted("https://api.test/x?api_key=sesame"))


@pytest.mark.parametrize(
    ("concurrency", "received", "expected"),
    [
        (4, 0, 4),
        (1, 0, 1),
        (2, 100, 2),
        (16, 0, 4),
        (16, 1, 4),
        (16, 2, 8),
        (16, 3, 12),
        (16, 9, 16),
        (16, 99, 16),
        (0, 0, 1),
    ],
)
def test_the_window_grows_with_the_pages_received(concurrency, received, expected):
    assert window(concurrency, received) == expected
