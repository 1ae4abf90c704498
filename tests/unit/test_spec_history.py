"""What a spec says of its history: read, told in words, and mistakes."""

import pytest

from levada.errors import FixThis
from levada.spec.read import read_text
from levada.spec.words import words
from shop import SALES


def read(history, environment=None):
    return read_text(f"{SALES}\nhistory: {history}\n", "shop.yaml", environment or {}, lake="lake")


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ("none", "none"),
        ("{keep: 7d}", "SQLite, in the lake if that is on a disk, else nowhere; rounds are kept for 7d"),
        ("{file: past.sqlite}", "SQLite, past.sqlite; rounds are kept for 90d"),
        (
            '{postgres: "${HISTORY_URL:-${DATABASE_URL}}", keep: 365d}',
            "PostgreSQL, at HISTORY_URL or DATABASE_URL; rounds are kept for 365d",
        ),
    ],
)
def test_where_rounds_are_remembered_is_told(history, said):
    assert f"  History of rounds: {said}." in words(read(history, {"DATABASE_URL": "postgresql://u:p@h/d"}))


def test_nothing_is_told_where_nothing_is_said():
    spec = read_text(SALES, "shop.yaml", {}, lake="lake")
    assert spec.history is None
    assert "History" not in "\n".join(words(spec))


@pytest.mark.parametrize(
    ("history", "what"),
    [
        ("{file: a.sqlite, to: none}", "file stands beside to: there is one history"),
        ("nowhere", 'history: "nowhere"'),
        ("{postgres: postgresql://u:password@h/d}", "postgres: a secret is not written in the spec"),
        ("{keep: long}", 'keep: "long" is no duration'),
        ("{where: here}", "history"),
    ],
)
def test_mistakes(history, what):
    with pytest.raises(FixThis) as refused:
        read(history)
    assert what in str(refused.value)
    assert "shop.yaml:16:" in str(refused.value)
    assert "password" not in str(refused.value)
