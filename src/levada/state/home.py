"""Where the history of a spec is kept. Nothing is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from levada.errors import FixThis
from levada.extras import require
from levada.lake.store import CONTROL, Store
from levada.spec.bind import require as require_set
from levada.spec.bind import secret
from levada.spec.model import Spec
from levada.state.history import Archive, History

__all__ = ["FILE", "WAIT", "Home", "history_of", "home_of"]

#: In a lake on disk.
FILE = f"{CONTROL}/history.sqlite"
#: Seconds that a round waits for other processes that write to the file.
WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Home:
    """Where it is, or why there is none."""

    file: Path | None = None
    postgres: bool = False
    #: Whether the file is the lake's own, so that it moves with it.
    inside: bool = False
    #: Why there is none.
    without: str = ""


def home_of(spec: Spec, store: Store) -> Home:
    """Where the history of this spec's rounds is kept."""
    said = spec.history
    if said is not None and said.off:
        return Home(without="the spec says `history: none`")
    if said is not None and said.postgres:
        return Home(postgres=True)
    if said is not None and said.file:
        return Home(Path(spec.file).parent.absolute() / said.file)
    lake = store.describe()
    if lake.startswith("/"):
        return Home(Path(lake) / FILE, inside=True)
    return Home(without=f"the lake {lake} is no folder; name a file or a database with `history`")


def history_of(spec: Spec, store: Store, environment: Mapping[str, str]) -> History | None:
    """The history of this spec's rounds; None where none is kept.

    Raises:
        FixThis: a variable is not set, a library is not installed.
    """
    home = home_of(spec, store)
    archive = _archive(spec, home, environment)
    return History(archive, spec.pipeline, "" if home.inside else store.describe()) if archive else None


def _archive(spec: Spec, home: Home, environment: Mapping[str, str]) -> Archive | None:
    if home.without:
        return None
    require_set(spec, ("history",))
    if home.file:
        if find_spec("_sqlite3") is None:
            what, todo = "This Python was built without SQLite.", "use another one, or keep the history in PostgreSQL"
            raise FixThis(what, where=str(home.file), todo=todo)
        from levada.state.sqlite import SqliteArchive

        return SqliteArchive(home.file, WAIT)
    require("postgres", "Histories in PostgreSQL", ["adbc_driver_postgresql", "pyarrow"])
    from levada.state.postgres import PostgresArchive

    assert spec.history and spec.history.postgres  # noqa: S101, PT018 - so it is
    return PostgresArchive(secret(spec.history.postgres, environment).value, str(spec.history.place or spec.file))
