"""The grader's example at work on a database: the spec of the example, the simulated API, what the table then holds."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from levada.edges import Edges, FixedClock
from levada.lake.quarantine import listing, rows
from levada.nouns import Rejected, Run
from levada.pipeline import Options, load, open_lake
from levada.simulate.grader import DEMO_KEY
from simulated import Api
from warehouse import Warehouse

__all__ = ["COLUMNS", "DAY", "EXAMPLE", "Graded", "as_row"]

EXAMPLE = Path(__file__).parents[1] / "examples" / "grader"
DAY = "2024-10-08"
COLUMNS = (
    "user_id",
    "oauth_consumer_key",
    "lis_result_sourcedid",
    "lis_outcome_service_url",
    "is_correct",
    "attempt_type",
    "created_at",
)
_TOLD = re.compile(r"\n(reports|notify|logs|schedule|history):.*?(?=\n\w|\Z)", re.DOTALL)


def as_row(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row of the table that a good record of the API makes, as Python alone reads it."""
    packed = record.get("passback_params")
    found = ast.literal_eval(packed) if packed is not None else None
    params = [(found or {}).get(name) for name in COLUMNS[1:4]]
    correct = record["is_correct"]
    moment = datetime.fromisoformat(record["created_at"]).replace(tzinfo=UTC)
    return (record["lti_user_id"], *params, None if correct is None else correct == 1, record["attempt_type"], moment)


@dataclass
class Graded:
    """The example's spec in a folder of its own, without reports and what tells of them."""

    api: Api
    warehouse: Warehouse
    folder: Path
    changes: Sequence[tuple[str, str]] = ()
    clock: FixedClock = field(default_factory=FixedClock)

    @property
    def spec(self) -> Path:
        path = self.folder / "pipeline.yaml"
        text = _TOLD.sub("", (EXAMPLE / "pipeline.yaml").read_text())
        if self.warehouse.kind == "duckdb":
            text = text.replace("postgres: ${DATABASE_URL}", f"duckdb: {self.warehouse.where}")
        for old, new in self.changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)
        return path

    @property
    def environment(self) -> dict[str, str]:
        url = {"DATABASE_URL": self.warehouse.where} if self.warehouse.kind == "postgres" else {}
        return {"GRADER_API_URL": f"{self.api.url}/api", "GRADER_CLIENT_KEY": DEMO_KEY, **url}

    def __call__(self, verb: str = "run", day: str = DAY, **options: Any) -> Run:
        edges = Edges(clock=self.clock, environment=self.environment)
        pipeline = load(self.spec, edges=edges).having(Options(**options))
        [run] = getattr(pipeline, verb)(date=day)
        return run

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def rows(self) -> list[tuple[Any, ...]]:
        """What the table holds, by time."""
        return self.warehouse.rows("attempts", "created_at, user_id")

    def refused(self) -> list[Rejected]:
        """What lies in quarantine."""
        store = open_lake(str(self.lake))
        return [one for found in listing(store) for one in rows(store, found.key)]

    def count(self, condition: str) -> int:
        [found] = self.warehouse.ask(f"SELECT count(*) AS n FROM attempts WHERE {condition}")
        return int(found["n"])
