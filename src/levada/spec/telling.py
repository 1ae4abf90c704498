"""What a spec says of telling people what came of its runs: reports, notices, logs, history. Frozen; no secrets."""

from dataclasses import dataclass
from typing import Literal

from levada.nouns import Place
from levada.spec.auth import SecretRef
from levada.spec.template import Template
from levada.spec.tree import Plain

__all__ = [
    "Chart",
    "ChartKind",
    "History",
    "Logs",
    "Mail",
    "Notify",
    "Report",
    "Sheet",
    "SheetMode",
    "Webhook",
    "When",
]

ChartKind = Literal["line", "bar"]
#: What a report does with the rows that the sheet has: those with a key that is there stay; they are replaced; all are.
SheetMode = Literal["append", "upsert", "replace"]
#: After which ends of the work people are told.
When = Literal["success", "partial", "failure", "always"]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of a report's rows: PNG or SVG, by the ending of its name."""

    #: Relative to the spec's folder.
    file: Template
    place: Place
    #: The column along the bottom; None: the first.
    x: str | None = None
    #: The columns that are drawn; empty: the others that are numbers.
    y: tuple[str, ...] = ()
    kind: ChartKind = "line"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet of Google Sheets that takes a report's rows."""

    #: The long name within the address of the spreadsheet.
    id: str
    place: Place
    #: "": the report's name.
    worksheet: str = ""
    #: The variable with a service account's JSON, or with the path of its file.
    credentials: SecretRef | None = None
    mode: SheetMode = "upsert"
    #: Columns that tell rows apart.
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A question in SQL, asked for each partition that was worked on, and where its rows go."""

    name: str
    place: Place
    #: What is asked; or the file that holds it, relative to the spec's folder.
    sql: str = ""
    sql_file: str = ""
    #: Values of its own parameters, by name.
    params: tuple[tuple[str, Plain], ...] = ()
    #: What is asked: a PostgreSQL database, a DuckDB file, the lake's Parquet. None of them: what the streams load to.
    postgres: SecretRef | None = None
    duckdb: str = ""
    lake: bool = False
    #: Relative to the spec's folder.
    csv: Template | None = None
    html: Template | None = None
    chart: Chart | None = None
    google_sheet: Sheet | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail after the work."""

    #: The variable with smtps://user:password@host:465, or smtp:// with STARTTLS.
    server: SecretRef
    to: tuple[str, ...]
    place: Place
    #: None: the user of the server.
    sender: str | None = None
    subject: Template | None = None
    when: tuple[When, ...] = ("always",)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST after the work."""

    #: The variable with the URL, which is often a secret as a whole.
    url: SecretRef
    place: Place
    #: The facts as JSON, or a text as Slack and its like read it.
    form: Literal["json", "slack"] = "json"
    when: tuple[When, ...] = ("always",)


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told of the end of the work."""

    place: Place
    mail: Mail | None = None
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Logs:
    """Log files, one a day."""

    place: Place
    #: Relative to the spec's folder.
    folder: str = "logs"
    #: `{date}` is the day on which a line is written.
    file: Template | None = None
    #: Days that files are kept, today's included; None: all of them.
    keep_days: int | None = None
    form: Literal["text", "json"] = "text"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class History:
    """Where the history of runs is kept; SQLite in the lake if nothing else is said."""

    place: Place | None = None
    #: A file, relative to the spec's folder; "": `_levada/history.sqlite` in a lake on disk.
    file: str = ""
    postgres: SecretRef | None = None
    #: Whether there is none.
    off: bool = False
    #: Seconds that entries are kept; None: for good.
    keep: float | None = 90 * 86400.0
