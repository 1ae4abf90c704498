"""`levada status SPEC`: the last rounds of a pipeline, what is missing, and a history made again."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from levada.cli.main import levada
from levada.edges import Edges, FixedClock, SystemClock, WireFault
from levada.errors import FixThis, LevadaError
from levada.lake.area import Area
from levada.lake.lease import hold
from levada.lake.work import Fingerprints, begin
from levada.pipeline import Options, load
from levada.pipeline.rounds import begun
from levada.state.home import history_of
from shop import SALES, Shop, prices

START = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)


class Home:
    """A folder with a spec, the API that it asks, and a clock."""

    def __init__(self, folder):
        self.spec, self.lake = folder / "shop.yaml", folder / "lake"
        self.spec.write_text(SALES)
        self.api, self.clock = Shop(prices(1, 2), prices("three")), FixedClock(START)

    @property
    def pipeline(self):
        return load(self.spec, edges=Edges(clock=self.clock, environment={}, network=self.api.wire))

    def run(self, *dates):
        """A round of these dates, as `levada run` does it; a second for each."""
        pipeline = self.pipeline.having(Options())
        with begun(pipeline.course, "run", "command") as ongoing:
            ongoing.meant((date, pipeline.streams()[0]) for date in dates)
            for date in dates:
                self.clock.pause(1)
                try:
                    ongoing.ran(pipeline.work("run", pipeline.streams()[0], date))
                except LevadaError as error:
                    ongoing.failed(error, "sales", date)
                    break
            return ongoing.close()

    def status(self, *arguments):
        done = CliRunner().invoke(levada, ["status", *map(str, arguments)])
        if isinstance(done.exception, FixThis):
            raise done.exception
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    def rows(self):
        return history_of(self.pipeline.spec, self.pipeline.store, {}).read(99)

    @property
    def file(self):
        return self.lake / "_levada" / "history.sqlite"


@pytest.fixture
def home(tmp_path, monkeypatch):
    made = Home(tmp_path)
    monkeypatch.setattr(SystemClock, "now", lambda _: made.clock.now())
    return made


@pytest.fixture
def busy(home):
    """A good round, and one whose second partition failed."""
    home.run("2022-08-08")
    home.clock.pause(60)
    home.run("2022-08-09")
    away, home.api.pages[1] = home.api.pages[1], WireFault("refused", "nobody is there")
    home.run("2022-08-10", "2022-08-11")
    home.api.pages[1] = away
    return home


def cells(text):
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def test_nothing_yet(home):
    assert home.status(home.spec).stdout.splitlines() == [
        f"Pipeline shop, lake {home.lake}",
        f"History: no round of it yet in {home.file}",
        f"There is no partition of it yet; `levada run {home.spec} --date …` makes one.",
    ]
    assert not home.lake.exists()


def test_the_last_rounds_and_the_partitions(busy):
    done = busy.status(busy.spec)
    assert (done.exit_code, done.stderr) == (0, "")
    head, place, empty, *rest = done.stdout.splitlines()
    assert (head, place, empty) == (f"Pipeline shop, lake {busy.lake}", f"History: {busy.file}", "")
    table = cells("\n".join(rest[:4]))
    assert table[0] == [
        "round", "by", "verb", "ending", "seconds", "partitions", "read", "kept", "quarantined", "loaded",
    ]  # fmt: skip
    assert [row[1:4] + row[5:] for row in table[1:]] == [
        ["command", "run", "failure", "2", "0", "0", "0", "0"],
        ["command", "run", "success", "1", "3", "2", "1", "0"],
        ["command", "run", "success", "1", "3", "2", "1", "0"],
    ]
    assert [row[0] for row in table[1:]] == ["2022-08-12 06:01:02", "2022-08-12 06:01:01", "2022-08-12 06:00:00"]
    text = "\n".join(rest[4:])
    assert text.startswith("2022-08-12 06:01:02 sales 2022-08-10: ")
    assert "nobody is there" in text
    assert "\n2022-08-12 06:01:02 1 partition not tried\n" in text
    partitions = cells(text[text.index("\nstream ") :].strip())
    assert [row[:3] for row in partitions[1:4]] == [
        ["shop/sales", "2022-08-08", "done with quarantine"],
        ["shop/sales", "2022-08-09", "done with quarantine"],
        ["shop/sales", "2022-08-10", "failed"],
    ]


def test_only_so_many_rounds(busy):
    assert busy.status(busy.spec, "--runs", 1).stdout.count(" command ") == 1
    none = busy.status(busy.spec, "--runs", 0).stdout.splitlines()
    assert none[:2] == [f"Pipeline shop, lake {busy.lake}", ""]


def test_another_pipeline_of_the_lake_is_left_out(busy):
    other = busy.spec.with_name("other.yaml")
    other.write_text(SALES.replace("pipeline: shop", "pipeline: other"))
    assert "There is no partition of it yet" in busy.status(other).stdout
    assert "no round of it yet" in busy.status(other).stdout


def test_for_machines(busy):
    told = json.loads(busy.status(busy.spec, "--json").stdout)
    assert (told["pipeline"], told["lake"], told["history"]) == ("shop", str(busy.lake), str(busy.file))
    assert told["notes"] == []
    latest = told["rounds"][0]
    assert (latest["verb"], latest["door"], latest["ending"], latest["error"]) == ("run", "command", "failure", None)
    failed, left = latest["runs"]
    assert (failed["partition"], failed["outcome"], failed["error"]["kind"]) == ("2022-08-10", "failed", "TryLater")
    assert failed["error"].keys() == {"kind", "what", "where", "todo"}
    assert (left["partition"], left["outcome"], left["error"]) == ("2022-08-11", "not tried", None)
    good = told["rounds"][1]["runs"][0]
    assert (good["read"], good["kept"], good["quarantined"], good["gaps"], good["changed"]) == (3, 2, 1, 0, True)
    assert [one["partition"] for one in told["partitions"]] == ["2022-08-08", "2022-08-09", "2022-08-10"]


def test_without_a_spec_a_lake_is_told_as_ever(busy):
    told = json.loads(busy.status("--lake", busy.lake, "--json").stdout)
    assert [one["state"] for one in told] == ["done with quarantine", "done with quarantine", "failed"]


def test_what_is_missing(busy):
    done = busy.status(busy.spec, "--missing", "--from", "2022-08-07", "--to", "2022-08-12")
    assert done.exit_code == 0
    *table, last = done.stdout.splitlines()
    assert [row[:4] for row in cells("\n".join(table))] == [
        ["stream", "partition", "state", "does"],
        ["sales", "2022-08-07", "missing", "fetch"],
        ["sales", "2022-08-10", "failed", "fetch"],
        ["sales", "2022-08-11", "missing", "fetch"],
    ]
    assert "the latest run failed: " in table[2]
    assert last == (
        f"3 of 5 partitions to be worked on: levada run {busy.spec} --from 2022-08-07 --to 2022-08-12 --missing"
    )


def test_what_is_missing_for_machines_and_for_schedulers(busy):
    span = ("--from", "2022-08-09", "--to", "2022-08-11")
    told = json.loads(busy.status(busy.spec, "--missing", *span, "--json").stdout)
    assert (told["pipeline"], told["left_out"]) == ("shop", [])
    assert [(one["stream"], one["partition"], one["state"], one["does"]) for one in told["due"]] == [
        ("sales", "2022-08-09", "done with quarantine", "skip"),
        ("sales", "2022-08-10", "failed", "fetch"),
    ]
    assert busy.status(busy.spec, "--missing", *span, "--fail").exit_code == 4
    assert busy.status(busy.spec, "--missing", *span, "--fail", "--json").exit_code == 4
    nothing = busy.status(busy.spec, "--missing", "--date", "2022-08-09", "--fail")
    assert (nothing.exit_code, nothing.stdout) == (0, "Nothing is missing: 1 partition complete.\n")


def test_what_cannot_be_worked_on_is_counted_apart(busy):
    edges = Edges(clock=busy.clock)
    with hold(Area(busy.pipeline.store, "shop", "sales", "2022-08-09"), edges):
        done = busy.status(busy.spec, "--missing", "--from", "2022-08-09", "--to", "2022-08-11", "--fail")
        alone = busy.status(busy.spec, "--missing", "--date", "2022-08-09", "--fail")
    *_, left, cannot = done.stdout.splitlines()
    assert left.startswith("1 of 2 partitions to be worked on: levada run ")
    assert cannot == "1 of 2 partitions cannot be, see above: a run ends at the first of them."
    assert alone.stdout.splitlines()[2:] == ["1 of 1 partition cannot be, see above: a run ends at the first of them."]
    assert (done.exit_code, alone.exit_code) == (4, 4)


def test_the_command_that_is_told_does_what_was_told(busy):
    busy.status(busy.spec, "--missing", "--date", "2022-08-10")
    busy.run("2022-08-10")
    assert busy.status(busy.spec, "--missing", "--date", "2022-08-10", "--fail").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "what", "todo"),
    [
        (("--missing",), "--missing needs a spec.", "name it: levada status SPEC --missing"),
        (("--rebuild",), "--rebuild needs a spec.", "name it: levada status SPEC --rebuild"),
        (("--runs", "3"), "--runs needs a spec.", "name it: levada status SPEC --runs"),
        (
            ("SPEC", "--from", "2022-08-09"),
            "--from goes with --missing.",
            "add --missing, or leave it out: without, all partitions are told",
        ),
        (
            ("SPEC", "--fail"),
            "--fail goes with --missing.",
            "add --missing, or leave it out: without, all partitions are told",
        ),
        (("SPEC", "--missing", "--rebuild"), "--missing only looks, and --rebuild writes.", "give one of them"),
        (
            ("SPEC", "--missing", "--from", "2022-08-09", "--to", "2022-08-09"),
            "from 2022-08-09 to 2022-08-09 holds no day: the end is not included.",
            "for the one day write 2022-08-09 to 2022-08-10",
        ),
        (("SPEC", "--missing", "--stream", "no"), "There is no stream no in this spec.", "choose among: sales"),
    ],
)
def test_options_that_say_nothing_are_refused(home, arguments, what, todo):
    with pytest.raises(FixThis) as refused:
        home.status(*(home.spec if one == "SPEC" else one for one in arguments))
    assert (refused.value.what, refused.value.todo) == (what, todo)


def test_a_history_that_was_lost_is_told_again_by_the_lake(busy):
    before = [run for past in busy.rows() for run in past.runs if run.outcome != "not tried"]
    busy.file.unlink()
    done = busy.status(busy.spec, "--rebuild")
    assert done.stdout == f"3 runs that the lake knew and no round told of: added to {busy.file}\n"
    told = busy.rows()
    assert {past.round.door for past in told} == {"lake"}
    assert [past.round.ending for past in told] == ["failure", "success", "success"]
    # A round does not know the name of a run that failed.
    known = [
        run if run.outcome != "failed" else run.__class__(**{**_facts(run), "run": ""})
        for past in told
        for run in past.runs
    ]
    assert known == before
    again = busy.status(busy.spec, "--rebuild", "--json")
    assert json.loads(again.stdout)["added"] == 0
    assert busy.rows() == told


def _facts(run):
    return {name: getattr(run, name) for name in run.__slots__}


def test_a_history_that_is_whole_gains_nothing(busy):
    before = busy.rows()
    assert busy.status(busy.spec, "--rebuild").stdout == f"Nothing to add: {busy.file} has all that the lake knows.\n"
    assert busy.rows() == before


def test_a_damaged_history_is_told_beside_the_partitions_and_made_again(busy):
    busy.file.write_bytes(b"no database" * 999)
    done = busy.status(busy.spec)
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "levada: The history is damaged, or no SQLite file: file is not a database.",
        f"  where: {busy.file}",
        "  to do: make it again: levada status SPEC --rebuild",
    ]
    assert done.stdout.splitlines()[0] == f"Pipeline shop, lake {busy.lake}"
    assert "shop/sales  2022-08-09" in done.stdout
    told = json.loads(busy.status(busy.spec, "--json").stdout)
    assert (told["history"], told["rounds"], len(told["notes"])) == (None, [], 1)
    lines = busy.status(busy.spec, "--rebuild").stdout.splitlines()
    assert lines[0] == f"The history was damaged; what is left of it lies in {busy.file}.damaged."
    assert len(busy.rows()) == 3


def test_a_run_that_was_killed_left_no_round_and_the_lake_tells_it(home):
    home.run("2022-08-08")
    pipeline = home.pipeline
    with hold(Area(pipeline.store, "shop", "sales", "2022-08-09"), pipeline.edges) as lease:
        begin(lease, Fingerprints("asked", "contract"), pipeline.edges, 3600.0)  # and then it was killed
    text = home.status(home.spec).stdout
    assert text.count(" command ") == 1
    assert "2022-08-09  unfinished" in text
    (told,) = json.loads(home.status(home.spec, "--missing", "--date", "2022-08-09", "--json").stdout)["due"]
    assert (told["state"], told["does"]) == ("unfinished", "fetch")


def test_old_rounds_go_when_new_ones_come(home):
    home.spec.write_text(f"{SALES}\nhistory: {{keep: 7d}}\n")
    home.run("2022-08-08")
    home.clock.pause(timedelta(days=7).total_seconds() + 60)
    home.run("2022-08-09")
    assert [past.runs[0].partition for past in home.rows()] == ["2022-08-09"]
    assert home.status(home.spec, "--rebuild").stdout.startswith("Nothing to add: ")
    with closing(sqlite3.connect(home.file)) as connection:
        assert connection.execute("SELECT count(*) FROM _levada_runs").fetchone() == (1,)


def test_no_history_is_told_where_the_spec_wants_none(home):
    home.spec.write_text(f"{SALES}\nhistory: none\n")
    home.run("2022-08-08")
    assert not home.file.exists()
    assert "History: none: the spec says `history: none`" in home.status(home.spec).stdout
    with pytest.raises(FixThis, match="There is no history"):
        home.status(home.spec, "--rebuild")


def test_a_note_of_the_history_is_no_failure(home):
    home.run("2022-08-08")
    home.file.write_bytes(b"no database" * 999)
    done = home.run("2022-08-09")
    assert done.ending == "success"
    (note,) = done.notes
    assert note == (
        "the history was not written: The history is damaged, or no SQLite file: file is not a database; "
        f"{home.file}; make it again: levada status SPEC --rebuild"
    )
