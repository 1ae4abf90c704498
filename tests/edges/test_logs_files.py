"""Log files on a disk: whose line goes where, what goes when, and that nothing of it harms the work."""

import errno
import inspect
import json
import logging
import logging.config
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from levada.edges import FixedClock
from levada.errors import FixThis
from levada.lake.apart import apart, side_by_side
from levada.logs.lines import About
from levada.logs.speaking import speaking
from levada.logs.writing import about, note_error, say, troubles, writing
from levada.nouns import Place
from levada.secret import remember
from levada.spec.telling import Logs
from levada.spec.template import parse
from patience import PATIENCE

PLACE = Place("sales.yaml", 1, 1)
NOON = datetime(2024, 10, 8, 12, tzinfo=UTC)
OWN = logging.getLogger("levada.own_code")


@pytest.fixture(autouse=True)
def _as_it_was():
    """Nothing stays of what was set up for log files, whatever a test does."""
    root = logging.getLogger("levada")
    before = (root.level, root.propagate, list(root.handlers))
    yield
    assert (root.level, root.propagate, root.handlers) == before


@pytest.fixture
def opened(tmp_path):
    """Log files of a pipeline, open; `logs.txt()` is what the day's file says."""

    def opened(pipeline="sales", clock=None, **logs):
        return writing(Logs(PLACE, **logs), pipeline, tmp_path, clock or FixedClock(NOON))

    return opened


def lines(folder, name="2024-10-08.txt"):
    return (folder / "logs" / name).read_text(encoding="utf-8").splitlines()


def words(folder, name="2024-10-08.txt"):
    return [line.split(": ", 1)[1] for line in lines(folder, name)]


def test_what_is_said_below_levada_stands_in_the_file_of_the_day(opened, tmp_path):
    with opened():
        say(About("sales", "orders", "2024-10-07"), "download started", "download started")
        OWN.info("looked at %d rows", 3)
        logging.getLogger("levada").warning("hm")
        logging.getLogger("another").warning("not ours")
        logging.getLogger("levadaish").warning("not ours either")
        OWN.debug("too much")
    OWN.warning("too late")
    assert lines(tmp_path) == [
        "2024-10-08 12:00:00.000Z INFO sales/orders 2024-10-07: download started",
        "2024-10-08 12:00:00.000Z INFO sales: looked at 3 rows",
        "2024-10-08 12:00:00.000Z WARNING sales: hm",
    ]


def test_where_nothing_is_said_there_is_no_file(opened, tmp_path):
    with opened(keep_days=3):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_added_to_and_one_that_goes_is_made_again(opened, tmp_path):
    for _ in range(2):
        with opened():
            OWN.info("said")
    assert words(tmp_path) == ["said", "said"]
    with opened():
        OWN.info("gone with it")
        (tmp_path / "logs" / "2024-10-08.txt").unlink()
        (tmp_path / "logs").rmdir()
        OWN.info("again")
    assert words(tmp_path) == ["again"]


def test_names_folders_forms_and_zones_are_those_of_the_spec(opened, tmp_path):
    named = parse("{date:%Y}/{pipeline}-{date:%m-%d}.json")
    late = FixedClock(datetime(2024, 12, 31, 23, 30, tzinfo=UTC))
    with opened(folder="../log", file=named, form="json", timezone="Europe/Moscow", clock=late), about(round="r1"):
        OWN.info("готово 🎉", extra={"rows": 2})
    text = (tmp_path.parent / "log/2025/sales-01-01.json").read_text(encoding="utf-8")
    assert json.loads(text) == {
        "at": "2025-01-01T02:30:00.000+03:00", "level": "INFO", "pipeline": "sales", "round": "r1",
        "from": "levada.own_code", "words": "готово 🎉", "rows": 2,
    }  # fmt: skip
    assert "готово 🎉" in text


def test_what_cannot_be_utf8_is_written_all_the_same(opened, tmp_path):
    with opened():
        OWN.info("half \ud800")
    with opened(form="json"):
        OWN.info("half \ud800")
    assert words(tmp_path)[0] == "half \\ud800"
    assert json.loads(lines(tmp_path)[1])["words"] == "half \ud800"


def test_secrets_do_not_reach_the_file(opened, tmp_path):
    remember("hunter2-hunter2")
    with opened():
        try:
            raise ValueError("hunter2-hunter2")  # noqa: TRY301 - it is to have a traceback
        except ValueError:
            OWN.exception("with %s", "hunter2-hunter2")
    text = "\n".join(lines(tmp_path))
    assert "hunter2" not in text
    assert text.count("[secret]") >= 2
    assert "Traceback" in text


def test_within_one_another_no_line_is_written_twice(opened, tmp_path):
    with opened(), about(round="r"), opened(), about(stream="orders", partition="2024-10-07"), opened():
        OWN.info("inside")
    assert lines(tmp_path) == ["2024-10-08 12:00:00.000Z INFO sales/orders 2024-10-07: inside"]


def test_a_line_is_of_the_pipeline_that_is_at_work(opened, tmp_path):
    named = parse("{pipeline} {date}.txt")
    with opened("a", file=named):
        OWN.info("1")
        with opened("b", file=named):
            OWN.info("2")
        with writing(None, "c", tmp_path, FixedClock(NOON)):
            OWN.info("nowhere")
            say(About("c"), "note", "nowhere", logging.WARNING)
        OWN.info("3")
    assert words(tmp_path, "a 2024-10-08.txt") == ["1", "3"]
    assert words(tmp_path, "b 2024-10-08.txt") == ["2"]


def test_pipelines_on_threads_have_files_of_their_own(opened, tmp_path):
    both, named = threading.Barrier(2), parse("{pipeline}.{date}.txt")

    def work(pipeline):
        with opened(pipeline, file=named), about(stream=pipeline):
            both.wait(PATIENCE)
            OWN.info("mine")
            side_by_side(lambda item: OWN.info("row %s", item), ["1", "2"], 2)
            both.wait(PATIENCE)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for name in ("a", "b"):
        assert sorted(lines(tmp_path, f"{name}.2024-10-08.txt")) == [
            f"2024-10-08 12:00:00.000Z INFO {name}/{name}: {said}" for said in ("mine", "row 1", "row 2")
        ]


def test_what_a_thread_of_somebody_else_says_goes_to_the_only_files_that_are_open(opened, tmp_path):
    thread = threading.Thread(target=lambda: OWN.info("from aside"))
    with opened():
        thread.start()
        thread.join(PATIENCE)
        apart(lambda: OWN.info("from apart"))
    assert words(tmp_path) == ["from aside", "from apart"]


def test_requests_to_a_job_server_are_no_lines_of_a_pipeline(opened, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with opened():
        OWN.info("said")
        logging.getLogger("levada.access").info("GET /")
    assert words(tmp_path) == ["said"]
    assert "GET /" in caplog.text


def test_lines_are_told_to_a_person_and_written_at_once(opened, tmp_path):
    shown = []
    remember("hunter2-hunter2")
    with speaking(shown.append), opened(), about(stream="orders"):
        OWN.info("token hunter2-hunter2")
        OWN.warning("hm")
        OWN.debug("too much")
    OWN.warning("after")
    assert [line[25:] for line in shown] == ["INFO sales/orders: token [secret]", "WARNING sales/orders: hm"]
    assert words(tmp_path) == ["token [secret]", "hm"]


def test_who_asks_for_more_is_told_more_and_a_reader_who_left_harms_nothing():
    shown = []
    with speaking(shown.append, logging.DEBUG):
        OWN.debug("fine")
    assert shown[0].endswith("DEBUG fine")

    def gone(_):
        raise BrokenPipeError

    with speaking(gone):
        OWN.info("nobody reads")


def test_midnight_turns_the_page(opened, tmp_path):
    clock = FixedClock(datetime(2024, 10, 8, 21, 59, 59, 999000, tzinfo=UTC))
    with opened(clock=clock, timezone="Europe/Berlin"):
        OWN.info("before")
        clock.pause(0.001)
        OWN.info("after")
    assert lines(tmp_path) == ["2024-10-08 23:59:59.999+02:00 INFO sales: before"]
    assert lines(tmp_path, "2024-10-09.txt") == ["2024-10-09 00:00:00.000+02:00 INFO sales: after"]


KEPT = (
    "2024-10-06.txt", "2024-10-07.txt", "2024-10-09.txt", "2031-01-01.txt", "2024-13-45.txt", "2024-09-01.txt.bak",
    "2024-09-01.log", "notes.txt", "старый.txt",
)  # fmt: skip


def test_older_days_go_and_nothing_else(opened, tmp_path):
    logs, away = tmp_path / "logs", tmp_path / "away"
    logs.mkdir()
    away.mkdir()
    for name in (*KEPT, "2024-10-05.txt", "2024-09-01.txt", "1999-12-31.txt"):
        (logs / name).write_text(name)
    (logs / "2023-01-01.txt").mkdir()
    (logs / "2023-01-02.txt").symlink_to(away)
    (away / "kept.txt").write_text("kept")
    (logs / "2023-01-03.txt").symlink_to(away / "kept.txt")
    with opened(keep_days=3):
        OWN.info("first of the day")
    there = {path.name for path in logs.iterdir()}
    assert there == {*KEPT, "2024-10-08.txt", "2023-01-01.txt", "2023-01-02.txt", "2023-01-03.txt"}
    assert (away / "kept.txt").read_text() == "kept"


def test_without_a_number_of_days_all_files_stay(opened, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/1999-12-31.txt").write_text("")
    with opened():
        OWN.info("said")
    assert (tmp_path / "logs/1999-12-31.txt").exists()


def test_old_files_go_at_the_change_of_the_day_too(opened, tmp_path):
    clock = FixedClock(NOON)
    with opened(clock=clock, keep_days=1):
        OWN.info("today")
        clock.pause(timedelta(days=1).total_seconds())
        OWN.info("tomorrow")
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["2024-10-09.txt"]


def test_an_old_file_that_cannot_go_is_told_and_keeps_no_other_and_loses_no_line(opened, tmp_path, monkeypatch, caplog):
    logs, real = tmp_path / "logs", Path.unlink
    logs.mkdir()
    for day in range(1, 8):
        (logs / f"2023-01-0{day}.txt").write_text("")

    def refused(path, **how):
        if path.name in ("2023-01-03.txt", "2023-01-05.txt"):
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        if path.name == "2023-01-07.txt":
            real(path)  # another process was first
        real(path, **how)

    monkeypatch.setattr(Path, "unlink", refused)
    with opened(keep_days=3):
        OWN.info("one")
        OWN.info("two")
        (told,) = troubles()
    assert words(tmp_path) == ["one", "two"]
    assert {path.name for path in logs.iterdir()} == {"2023-01-03.txt", "2023-01-05.txt", "2024-10-08.txt"}
    there = f"old log files stay: {logs}/2023-01-0"
    assert told in {f"{there}{number}.txt: Operation not permitted" for number in (3, 5)}
    assert [record.getMessage() for record in caplog.records] == [f"levada: {told}; the work goes on"]


def test_folders_of_others_are_not_looked_into_and_one_that_cannot_be_is_told(opened, tmp_path, monkeypatch):
    for name in ("private", "2022", "2023"):
        (tmp_path / "logs" / name).mkdir(parents=True)
        (tmp_path / "logs" / name / "01-01.txt").write_text("")
    seen, real = [], os.scandir

    def scandir(path):
        seen.append(Path(path).name)
        if Path(path).name == "2022":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with opened(keep_days=3, file=parse("{date:%Y}/{date:%m-%d}.txt")):
        OWN.info("said")
        assert troubles() == (f"old log files stay: {tmp_path}/logs/2022: Permission denied",)
    assert sorted(seen) == ["2022", "2023", "2024", "logs"]
    assert not (tmp_path / "logs/2023/01-01.txt").exists()


def test_files_are_looked_for_once_a_day(opened, tmp_path):
    with opened(keep_days=3):
        OWN.info("one")
        (tmp_path / "logs/2023-01-01.txt").write_text("")
        OWN.info("two")
    assert (tmp_path / "logs/2023-01-01.txt").exists()


def test_why_lines_are_lost_is_told_without_secrets(tmp_path, caplog):
    remember("folder-of-hunter3")
    (tmp_path / "folder-of-hunter3").write_text("a file")
    with writing(Logs(PLACE, folder="folder-of-hunter3"), "sales", tmp_path, FixedClock(NOON)):
        OWN.info("said")
        (told,) = troubles()
    assert "/[secret]/2024-10-08.txt: Not a directory" in told
    assert "hunter3" not in caplog.text


def _switched_off():
    logging.disable(logging.CRITICAL)


def _raised():
    logging.getLogger("levada").setLevel(logging.ERROR)


def _raised_below():
    logging.getLogger("levada.pipeline").setLevel(logging.ERROR)


def _configured():
    logging.config.dictConfig({"version": 1, "loggers": {"levada": {"level": "ERROR", "handlers": []}}})


@pytest.mark.parametrize("meddle", [_switched_off, _raised, _raised_below, _configured])
@pytest.mark.parametrize("first", [True, False])
def test_milestones_are_written_whatever_a_program_does_to_logging(tmp_path, meddle, first):
    script = f"""
import logging.config
{inspect.getsource(meddle)}
shown = []
from levada.logs.speaking import speaking
if {first}: {meddle.__name__}()
with writing(Logs(Place("x", 1, 1)), "sales", folder, clock), speaking(shown.append):
    if not {first}: {meddle.__name__}()
    say(About("sales"), "x", "good")
    say(About("sales"), "x", "odd", logging.WARNING)
    note_error(ValueError("x"), "failed: x", {{}})
for line in shown: print(line[25:])
"""
    done = alone(tmp_path, script)
    assert words(tmp_path) == ["good", "odd", "failed: x"]
    assert done.stdout.splitlines() == ["INFO sales: good", "WARNING sales: odd", "ERROR sales: failed: x"]
    assert done.stderr == ""


def test_what_a_program_sets_meanwhile_stays(opened):
    ours = logging.getLogger("levada")
    try:
        with opened():
            ours.setLevel(logging.ERROR)
        assert ours.level == logging.ERROR
    finally:
        ours.setLevel(logging.NOTSET)


def test_a_thread_of_somebody_else_is_heard_while_all_open_files_are_the_same(opened, tmp_path):
    both = threading.Barrier(2)

    def work(text):
        with opened():
            both.wait(PATIENCE)
            thread = threading.Thread(target=lambda: OWN.info(text))
            thread.start()
            thread.join(PATIENCE)
            both.wait(PATIENCE)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(words(tmp_path)) == ["a", "b"]
    aside = threading.Thread(target=lambda: OWN.info("whose?"))
    with opened("a"), opened("b"):
        aside.start()
        aside.join(PATIENCE)
    assert sorted(words(tmp_path)) == ["a", "b"]


_OWN_HANDLER = """\
logging.getLogger("levada.lake").addHandler(logging.StreamHandler(sys.stdout))
with writing(Logs(Place("x", 1, 1)), "sales", folder, clock):
    logging.getLogger("levada.lake.disk").warning("once")
"""


def test_who_has_a_handler_of_their_own_is_told_once(tmp_path):
    done = alone(tmp_path, _OWN_HANDLER)
    assert (done.stdout, done.stderr) == ("once\n", "")


def test_files_in_folders_of_their_month_go_and_links_to_folders_are_not_followed(opened, tmp_path):
    for folder in ("logs/2024-09", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("logs/2024-09/30.txt", "logs/2024-09/notes.txt", "elsewhere/01.txt", "logs/01.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "logs/2024-08").symlink_to(tmp_path / "elsewhere")
    with opened(keep_days=3, file=parse("{date:%Y-%m}/{date:%d}.txt")):
        OWN.info("said")
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")}
    assert left == {"logs/2024-09/notes.txt", "elsewhere/01.txt", "logs/01.txt", "logs/2024-10/08.txt"}


_HEAD = """\
import logging, sys
from pathlib import Path
from levada.edges import FixedClock
from levada.logs.lines import About
from levada.logs.writing import note_error, say, writing
from levada.nouns import Place
from levada.spec.telling import Logs
from datetime import UTC, datetime

folder = Path(sys.argv[1])
clock = FixedClock(datetime(2024, 10, 8, tzinfo=UTC))
"""


def alone(folder, script):
    """What a process without any logging of its own says."""
    command = [sys.executable, "-c", _HEAD + script, str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)


_MANY = """\
who = sys.argv[2]
with writing(Logs(Place("x", 1, 1), keep_days=1), "sales", folder, clock):
    for number in range(250):
        say(About("sales", who), "x", f"{number} {who * 40 * (1 + number % 50)} end")
"""


def test_lines_of_several_processes_never_mix(tmp_path):
    names = "abcdefgh"
    command = [sys.executable, "-c", _HEAD + _MANY, str(tmp_path)]
    processes = [subprocess.Popen([*command, name]) for name in names]
    assert [process.wait(PATIENCE) for process in processes] == [0] * len(names)
    found = lines(tmp_path)
    expected = {
        f"2024-10-08 00:00:00.000Z INFO sales/{who}: {number} {who * 40 * (1 + number % 50)} end"
        for who in names
        for number in range(250)
    }
    assert len(found) == len(expected)
    assert set(found) == expected
    for who in names:
        mine = [int(line.split(": ")[1].split(" ")[0]) for line in found if f"sales/{who}:" in line]
        assert mine == list(range(250))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_loses_lines_and_is_told_once(opened, tmp_path, caplog):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/2024-10-08.txt").symlink_to("/dev/full")
    with opened():
        OWN.info("one")
        OWN.info("two")
        (told,) = troubles()
    path = tmp_path / "logs/2024-10-08.txt"
    assert told == f"lines of the log are lost: {path}: No space left on device"
    assert [record.getMessage() for record in caplog.records] == [f"levada: {told}; the work goes on"]


def test_a_folder_that_cannot_be_is_told_once_and_is_tried_again(opened, tmp_path, caplog):
    (tmp_path / "logs").write_text("a file")
    with opened(keep_days=3):
        OWN.info("one")
        OWN.warning("two")
        (tmp_path / "logs").unlink()
        OWN.info("three")
    assert words(tmp_path) == ["three"]
    ours = [record.getMessage() for record in caplog.records if record.name == "levada.logs"]
    assert len(ours) == 1
    assert "Not a directory; the work goes on" in ours[0]


def test_a_pipe_that_nobody_reads_holds_nobody(opened, tmp_path):
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs/2024-10-08.txt")
    with opened():
        OWN.info("one")
        assert "2024-10-08.txt: No such device or address" in troubles()[0]


_TORN = """\
import resource
def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
with writing(Logs(Place("x", 1, 1)), "sales", folder, clock):
    say(About("sales"), "x", "whole")
    limit(60)
    say(About("sales"), "x", "torn in the middle")
    say(About("sales"), "x", "lost")
    limit(resource.RLIM_INFINITY)
    say(About("sales"), "x", "whole again")
    say(About("sales"), "x", "and again")
"""


def test_a_line_that_a_full_disk_cut_short_spoils_no_other(tmp_path):
    pytest.importorskip("resource")
    done = alone(tmp_path, _TORN)
    stamp = "2024-10-08 00:00:00.000Z INFO sales: "
    assert [line.removeprefix(stamp) for line in lines(tmp_path)] == [
        "whole", "2024-10-08 00:00:", "whole again", "and again",
    ]  # fmt: skip
    assert done.stderr == (
        f"levada: lines of the log are lost: {tmp_path}/logs/2024-10-08.txt: File too large; the work goes on\n"
    )


def test_a_zone_that_this_machine_lacks_is_told(opened):
    with pytest.raises(FixThis, match="no time zone"), opened(timezone="Moon/Sea"):
        pass


class Heard(logging.Handler):
    """Another handler of the process."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append((record.name, record.levelname))


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        (logging.NOTSET, [("levada.own_code", "WARNING")]),
        (logging.DEBUG, [("levada.own_code", "DEBUG"), ("levada.own_code", "INFO"), ("levada.own_code", "WARNING")]),
        (logging.ERROR, []),
    ],
)
def test_others_hear_what_they_would_hear_without_log_files(opened, tmp_path, monkeypatch, level, heard):
    root, ours, other = logging.getLogger(), logging.getLogger("levada"), Heard()
    monkeypatch.setattr(root, "handlers", [other])
    monkeypatch.setattr(root, "level", logging.WARNING)
    logging.getLogger().manager._clear_cache()  # noqa: SLF001 - as setLevel does
    before = ours.level
    ours.setLevel(level)
    try:
        for number in range(2):
            with opened():
                OWN.debug("d")
                OWN.info("i")
                OWN.warning("w")
            assert other.records == heard * (number + 1)
    finally:
        ours.setLevel(before)
    written = ["i", "w"] if level != logging.DEBUG else ["d", "i", "w"]
    assert words(tmp_path) == written * 2


_LOUD = """\
with writing(Logs(Place("x", 1, 1)), "sales", folder, clock):
    logging.getLogger("levada.lake").info("quiet")
    logging.getLogger("levada.lake").warning("loud")
    note_error(ValueError("x"), "failed: x", {})
logging.getLogger("levada.lake").info("quiet")
logging.getLogger("levada.lake").warning("loud again")
"""


def test_without_logging_set_up_warnings_stay_on_stderr_and_errors_are_told_to_the_file_alone(tmp_path):
    done = alone(tmp_path, _LOUD)
    assert done.stderr == "loud\nloud again\n"
    assert words(tmp_path) == ["quiet", "loud", "failed: x"]


def test_an_error_that_passes_several_is_written_once(opened, tmp_path):
    error, other = ValueError("a"), ValueError("a")
    with opened():
        for one in (error, error, other):
            note_error(one, "failed: a", {"kind": "Bug"}, traced=one is other)
    assert [line for line in words(tmp_path) if line.startswith("failed")] == ["failed: a", "failed: a"]
    assert lines(tmp_path)[-1].strip() == "ValueError: a"
