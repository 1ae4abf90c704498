"""Pictures and files of reports, on a real disk and by the real library."""

import errno
import logging
import os
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from levada import extras
from levada.errors import FixThis, TryLater
from levada.report.chart import Drawing, chart_of
from levada.report.files import write
from levada.report.model import Table

DAYS = Table(
    ("day", "attempts", "users", "name"),
    tuple((date(2024, 1, day), day * 10, Decimal(day) if day != 3 else None, "x") for day in range(1, 6)),
)


def texts(picture):
    """What an SVG says: matplotlib writes each text as a comment beside its shapes."""
    return picture.decode().split("<!-- ")


@pytest.mark.parametrize("kind", ["line", "bar"])
def test_a_picture_is_the_same_each_time(kind):
    first = chart_of(DAYS, Drawing("daily", "svg", kind), "")
    assert chart_of(DAYS, Drawing("daily", "svg", kind), "") == first
    assert ET.fromstring(first).tag.endswith("svg")
    said = [text.split(" -->")[0] for text in texts(first)[1:]]
    assert {"daily", "day", "2024-01-01", "2024-01-05", "attempts", "users"} <= {*said}
    assert "name" not in said
    assert b"<dc:date>" not in first


def test_a_png_has_the_size_of_a_slide():
    made = chart_of(DAYS, Drawing("daily", "png", y=("attempts",)), "")
    assert made[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", made[16:24]) == (800, 450)
    assert chart_of(DAYS, Drawing("daily", "png", y=("attempts",)), "") == made


def test_other_rows_give_another_picture():
    other = Table(DAYS.columns, DAYS.rows[:-1])
    assert chart_of(other, Drawing("daily", "svg"), "") != chart_of(DAYS, Drawing("daily", "svg"), "")


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ((1, 2),),
        ((datetime(2024, 1, 1, tzinfo=UTC), 5), (datetime(2024, 1, 2, tzinfo=UTC), 6)),
        (("Lisbon", 5), ("Porto", None)),
        tuple((f"city {number}", number) for number in range(100)),
    ],
)
@pytest.mark.parametrize("kind", ["line", "bar"])
def test_whatever_stands_along_the_bottom_is_drawn(rows, kind):
    made = chart_of(Table(("at", "n"), rows), Drawing("daily", "svg", kind), "")
    assert b"</svg>" in made


@pytest.mark.parametrize(
    ("drawing", "what"),
    [
        (Drawing("d", "svg", x="hour"), 'The chart draws "hour", which is no column.'),
        (Drawing("d", "svg", y=("attempt",)), 'The chart draws "attempt", which is no column.'),
        (Drawing("d", "svg", y=("name",)), "The chart draws \"name\", which holds no number: 'x'."),
    ],
)
def test_a_column_that_cannot_be_drawn_is_told(drawing, what):
    with pytest.raises(FixThis) as told:
        chart_of(DAYS, drawing, "shop.yaml:9:5")
    assert what in str(told.value)
    assert "where: shop.yaml:9:5" in str(told.value)


def test_a_table_without_numbers_is_told():
    with pytest.raises(FixThis, match="nothing to draw: no column but a holds numbers"):
        chart_of(Table(("a", "b"), (("x", "y"),)), Drawing("d", "svg"), "")


def test_a_day_without_numbers_is_an_empty_picture():
    void = Table(("day", "mean"), ((date(2024, 1, 1), None),))
    for kind in ("line", "bar"):
        assert any(text.startswith("mean -->") for text in texts(chart_of(void, Drawing("daily", "svg", kind), "")))


def test_what_the_library_cannot_draw_is_told():
    for rows in (((1, 1e308), (2, -1e308)), ((1, 10**400), (2, 1))):
        with pytest.raises(FixThis) as told:
            chart_of(Table(("a", "b"), rows), Drawing("daily", "svg"), "shop.yaml:9:5")
        assert "The chart cannot be drawn: " in str(told.value)
        assert "to do: draw other columns" in str(told.value)


def test_the_library_says_nothing_to_the_terminal(capfd):
    # DejaVu Sans has no such signs, and warnings are errors here.
    chart_of(Table(("city", "n"), (("東京", 3),)), Drawing("daily", "svg"), "")
    logging.getLogger("matplotlib.font_manager").warning("fonts")
    assert capfd.readouterr() == ("", "")


def test_a_file_keeps_its_mode(tmp_path):
    path = write(tmp_path, "a.csv", b"one")
    path.chmod(0o600)
    write(tmp_path, "a.csv", b"two")
    assert path.stat().st_mode & 0o777 == 0o600
    assert write(tmp_path, "b.csv", b"one").stat().st_mode & 0o777 == 0o644


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_text_is_no_formula_to_the_library():
    table = Table(("$a_{", "n$"), (("$x", 1), ("y$^{", 2)))
    picture = chart_of(table, Drawing("$x$ and $y$", "svg"), "")
    assert b"Oblique" not in picture, "formulas are set in italics"


def test_a_file_is_written_whole_and_left_alone_when_it_is_the_same(tmp_path):
    path = write(tmp_path, "reports/2024/a.csv", b"one")
    assert path == tmp_path / "reports/2024/a.csv"
    assert path.read_bytes() == b"one"
    before = path.stat()
    write(tmp_path, "reports/2024/a.csv", b"one")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write(tmp_path, "reports/2024/a.csv", b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["a.csv"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.csv").symlink_to(theirs)
    write(root, "a.csv", b"ours")
    assert theirs.read_bytes() == b"theirs"
    assert (root / "a.csv").read_bytes() == b"ours"


def test_a_folder_that_leads_out_is_refused(tmp_path):
    root, out = tmp_path / "root", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    (root / "reports").symlink_to(out)
    with pytest.raises(FixThis) as told:
        write(root, "reports/deep/a.csv", b"ours")
    assert "leads out of the spec's folder" in str(told.value)
    assert names(out) == []


def test_a_full_disk_is_for_later(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)  # no disk of this machine is full
    with pytest.raises(TryLater) as told:
        write(tmp_path, "a.csv", b"x")
    assert "The report could not be written: No space left on device." in str(told.value)
    assert "to do: make room, and run again" in str(told.value)
    assert names(tmp_path) == []


def test_what_the_disk_refuses_is_told(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(FixThis) as told:
        write(tmp_path, "a.csv", b"x")
    assert "The report could not be written: Is a directory" in str(told.value)
    (tmp_path / "b").write_text("")
    with pytest.raises(FixThis, match="could not be written"):
        write(tmp_path, "b/a.csv", b"x")
    assert names(tmp_path) == ["a.csv", "b"]


def test_a_chart_without_its_library_is_told(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(FixThis) as told:
        chart_of(DAYS, Drawing("daily", "svg"), "")
    assert "Charts need matplotlib, which this Python does not have." in str(told.value)
    assert "pip install 'levada[chart]'" in str(told.value)
