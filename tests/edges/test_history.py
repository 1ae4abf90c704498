"""Histories in SQLite and in PostgreSQL: the same tests for both."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from levada.errors import FixThis
from levada.state.history import History
from levada.state.model import OF_THE_LAKE, Past, RoundRow, RunRow, past_of
from levada.state.postgres import PostgresArchive
from levada.state.sqlite import SqliteArchive
from pasts import NOW, a_round, a_run, failure


@pytest.fixture(params=["sqlite", "postgres"])
def archive(request, tmp_path):
    if request.param == "sqlite":
        return SqliteArchive(tmp_path / "a folder" / "history.sqlite", wait=60.0)
    return PostgresArchive(request.getfixturevalue("postgres").database())


@pytest.fixture
def history(archive):
    return History(archive, "shop")


def lake_told(minute=0, partition="2022-08-09", outcome="done", run="20220812T060000.000000Z-sales"):
    at = NOW + timedelta(minutes=minute)
    row = RoundRow(f"{at:%Y%m%dT%H%M%S.%fZ}-{partition}", "", OF_THE_LAKE, "success", at, at)
    return Past(row, (RunRow("sales", partition, outcome, run, changed=outcome != "failed"),))


def test_nothing_is_read_where_nothing_was_written(history):
    assert history.read(5) == []


def test_what_is_written_is_read_again_the_latest_first(history):
    rounds = [
        a_round(0, a_run(), a_run("2022-08-10"), failures=(failure(),), notes=("täglich\n'; --",)),
        a_round(1, a_run(gaps=(), loads=())),
        a_round(2, failures=(failure("A bug.", "", ""),)),
    ]
    for one in rounds:
        history.write(past_of(one))
    assert history.read(2) == [past_of(rounds[2]), past_of(rounds[1])]
    assert history.read(9) == [past_of(one) for one in reversed(rounds)]
    assert history.read(0) == []


def test_pipelines_and_lakes_do_not_see_one_another(archive):
    for owner in (("shop", ""), ("shop", "/other"), ("other", "")):
        History(archive, *owner).write(past_of(a_round()))
    assert len(History(archive, "shop").read(9)) == 1
    assert History(archive, "nobody").read(9) == []


def test_old_rounds_go_with_their_partitions_a_hundred_at_a_time(history, archive):
    with archive.writing() as rows:
        rows.add(("", "shop"), [past_of(a_round(0, number=number)) for number in range(120)])
    other = History(archive, "other")
    other.write(past_of(a_round()))
    history.write(past_of(a_round(60)), NOW + timedelta(seconds=4))
    assert len(history.read(999)) == 21
    history.write(past_of(a_round(61)), NOW + timedelta(seconds=4))
    left = history.read(999)
    assert [len(past.runs) for past in left] == [1, 1]
    assert len(other.read(9)) == 1  # whose spec may keep more
    with archive.reading() as rows:
        assert len(rows.ask("read_runs", "", "shop", 999)) == 2


def test_rounds_are_kept_to_the_very_moment(history):
    history.write(past_of(a_round()))
    end = NOW + timedelta(seconds=3)
    history.write(past_of(a_round(1)), end)
    assert len(history.read(9)) == 2
    history.write(past_of(a_round(2)), end + timedelta(microseconds=1))
    assert len(history.read(9)) == 2


def test_a_round_that_cannot_be_written_leaves_nothing(history):
    history.write(past_of(a_round()))
    with pytest.raises(FixThis):
        history.write(past_of(a_round()))  # its name is taken
    assert len(history.read(9)) == 1


def test_what_the_lake_tells_is_added_once(history):
    known = [lake_told(0), lake_told(5, "2022-08-10", run="20220812T060500.000000Z-0001")]
    assert history.again(known) == 2
    assert history.read(9) == list(reversed(known))
    assert history.again(known) == 0
    assert history.read(9) == list(reversed(known))


def test_what_was_told_once_stays_and_is_added_to(history):
    first, second = lake_told(0), lake_told(5, "2022-08-10", run="20220812T060500.000000Z-0001")
    assert history.again([first]) == 1
    assert history.again([second]) == 1
    assert history.again([]) == 0
    assert history.read(9) == [second, first]


def test_a_round_that_found_a_commit_there_does_not_account_for_it(history):
    told = lake_told(0)
    history.again([told])
    skipped = past_of(a_round(9, a_run(changed=False)))
    history.write(skipped)
    assert history.again([told]) == 0
    assert history.read(9) == [skipped, told]


def test_a_commit_whose_round_was_lost_is_told_though_later_rounds_skipped_it(history):
    skipped = past_of(a_round(9, a_run(changed=False)))
    history.write(skipped)
    assert history.again([lake_told(0)]) == 1
    assert history.read(9) == [skipped, lake_told(0)]


def test_what_a_round_told_is_not_told_by_the_lake_again(history):
    written = past_of(a_round(0, failures=(failure(),)))
    history.write(written)
    same = lake_told(0)
    failed = lake_told(0, "2022-08-10", "failed", "20220812T060000.000000Z-0001")
    elsewhen = lake_told(1, "2022-08-10", "failed", "20220812T060100.000000Z-0001")
    assert history.again([same, failed, elsewhen]) == 1
    assert history.read(9) == [elsewhen, written]


def test_a_newer_history_is_left_alone(history, archive):
    history.write(past_of(a_round()))
    with archive.writing() as rows:
        if isinstance(archive, SqliteArchive):
            rows._connection.execute("UPDATE _levada_history SET version = 2")  # noqa: SLF001 - no newer Levada is here
        else:
            rows._database.run("UPDATE _levada_history SET version = 2")  # noqa: SLF001 - as above
    for act in (lambda: history.write(past_of(a_round(1))), lambda: history.read(1)):
        with pytest.raises(FixThis) as refused:
            act()
        assert str(refused.value).splitlines() == [
            "The history has version 2, and this Levada knows version 1.",
            f"  where: {archive.place}",
            "  to do: use the newer Levada that made it, or name another place with `history`",
        ]


def test_several_write_at_once_from_the_first_moment_on(history):
    errors = []
    start = threading.Barrier(6)

    def write(number):
        start.wait()
        try:
            for turn in range(2):
                history.write(past_of(a_round(turn, number=number)), NOW - timedelta(days=1))
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(history.read(999)) == 12


def test_a_year_of_partitions_in_one_round(history):
    done = a_round(0, *(a_run(f"day {number}") for number in range(365)))
    history.write(past_of(done))
    assert history.read(1) == [past_of(replace(done))]
