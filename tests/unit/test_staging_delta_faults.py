"""What the library of Delta tables says, sorted by what a person does next."""

import pytest

from levada.errors import FixThis, TryLater
from levada.staging.delta_faults import explained, is_conflict

S3 = "Kernel error -> Generic S3 error \x1b[31m↳\x1b[0m Error performing GET http://x/_last_checkpoint in 3ms - "
CASES = [
    (OSError(f"{S3}HTTP error ↳ error sending request"), TryLater, "error Error performing GET", "run again"),
    (OSError(f"{S3}Server returned non-2xx status code: 503 Service Unavailable"), TryLater, "503", "run again"),
    (Exception("Log storage error: Generic S3 error: SlowDown"), TryLater, "SlowDown", "run again"),
    (OSError("No space left on device (os error 28)"), TryLater, "No space left", "run again"),
    (OSError(f"{S3}status code: 403 Forbidden: <Code>AccessDenied</Code>"), FixThis, "may not be", "credentials"),
    (PermissionError("Permission denied (os error 13)"), FixThis, "may not be", "this user"),
    (Exception("Kernel error: Unsupported minimum reader version 9"), FixThis, "cannot do", "newer deltalake"),
    (Exception("Unsupported table features required: [Unknown]"), FixThis, "cannot do", "take the feature"),
    (Exception("Kernel error: Json error: Short\n   0: <unknown>\n   1: start\n"), FixThis, "damaged", "replay"),
    (Exception("Kernel error: No table metadata or protocol found in delta log."), FixThis, "damaged", "from a copy"),
    (FileNotFoundError("Object at location /t/a.parquet not found"), FixThis, "damaged", "move it away"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "says", "todo"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_what_goes_by_itself_is_for_later_and_all_else_for_a_person(error, kind, says, todo):
    made = explained(error, "tables/sales", "/lake/tables/sales")
    assert type(made) is kind
    assert says in made.what
    assert todo in made.todo
    assert made.where == "/lake/tables/sales"
    assert "tables/sales" in made.what
    assert not {"\x1b", "\n", "unknown"} & {*made.what, *made.what.split()}


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("Tried committing existing table version: 7", True),
        ("Failed to commit transaction: Commit failed: a concurrent transaction deleted data.", True),
        ("Failed to commit transaction: Metadata changed since last commit.", True),
        ("Failed to commit transaction: Concurrent transaction failed.", True),
        ('Unsupported table features required: [Unknown("madeUp")]', False),
        ("The transaction includes Remove action with data change but Delta table is append-only", False),
        ("Log storage error: Generic S3 error", False),
    ],
)  # fmt: skip
def test_only_who_was_overtaken_tries_again(text, so):
    assert is_conflict(text) is so


def test_a_long_answer_is_cut():
    assert len(explained(OSError("x" * 5000), "t", "w").what) < 400
