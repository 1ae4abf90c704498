"""Log files and the history of runs."""

from collections.abc import Iterator

from levada.spec.engine import Given, Key, Reading, Rule, Section
from levada.spec.names import Naming, misplaced, tells_partitions, vague
from levada.spec.telling import History, Logs
from levada.spec.tree import Mistake
from levada.spec.values import choice, duration, integer, text, zone
from levada.spec.values_template import template
from levada.spec.values_web import secret

__all__ = ["HISTORY", "LOGS"]


_TODO = 'write file: "{date}.txt"'


def _named(given: Given, _: Reading) -> Iterator[Mistake]:
    name, naming = given.get("file"), Naming("pipeline", "")
    if given.get("folder", "").startswith("~"):
        yield given.mistake(
            "folder", "a path that begins with ~ is not understood", "write ${HOME}/..., or the whole path"
        )
    if name is None:
        return
    if misplaced(name, naming):
        yield given.mistake("file", "a log file lies in the folder or below it, under a name of usual length", _TODO)
    elif not tells_partitions(name, naming):
        yield given.mistake("file", "the name of a log file does not tell the day", _TODO)
    elif vague(name, naming):
        yield given.mistake("file", "two days run together in this name: 1 and 11, 11 and 1", 'write "{date:%m%d}"')


LOGS = Section(
    "logs",
    "Log files, one a day; others in the folder are left alone.",
    (
        Key("folder", text(), "the folder, relative to the spec's", "`logs`", example="folder: logs"),
        Key(
            "file",
            template("date", "pipeline"),
            "the file's name; `{date}` is the day on which a line is written",
            "`{date}.txt`",
            example='file: "{date:%Y-%m-%d}.txt"',
        ),
        Key(
            "keep_days",
            integer(1, 36500),
            "older files go; today is the first of these days",
            "none: all are kept",
            example="keep_days: 3",
        ),
        Key(
            "form", choice("text", "json"), "lines for people, or one JSON object a line", "text", example="form: json"
        ),
        Key("timezone", zone, "of the days and times", "UTC", example="timezone: Europe/Lisbon"),
    ),
    lambda given: Logs(place=given.place, **given.values),
    rules=(Rule(("folder", "file"), _named),),
    short="folder",
    around="",
)


def _history(given: Given) -> History:
    found = dict(given.values)
    return History(place=given.place, off=found.pop("to", None) == "none", **found)


def _one_place(given: Given, _: Reading) -> Iterator[Mistake]:
    named = [key for key in ("to", "file", "postgres") if key in given.places]
    for key in named[1:]:
        yield given.mistake(key, f"{key} stands beside {named[0]}: there is one history", f"leave {key} out")


HISTORY = Section(
    "history",
    "Where the history of runs is kept.",
    (
        Key("to", choice("none"), "`none`: there is no history", "none", example="to: none"),
        Key(
            "file",
            text(),
            "an SQLite file, relative to the spec's folder",
            "`_levada/history.sqlite` in a lake on disk",
            example="file: history.sqlite",
        ),
        Key(
            "postgres",
            secret,
            "the variable with the URL of a PostgreSQL database, instead",
            "none",
            example='postgres: "${DATABASE_URL}"',
        ),
        Key("keep", duration(), "older entries go", "`90d`", example="keep: 365d"),
    ),
    _history,
    rules=(Rule((), _one_place),),
    short="to",
    around="",
)
