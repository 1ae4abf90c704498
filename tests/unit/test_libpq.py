"""Time limits of a connection, and what a server's refusal means: which passes, and what to do."""

import pytest

from levada.db.libpq import STATES, patient, unconnected

URL = "postgresql://ana:p%40ss@db.example:5432/shop"


def test_a_url_without_limits_gets_them():
    found = patient(URL)
    assert found.startswith(f"{URL}?connect_timeout=10&keepalives_idle=60")
    assert "tcp_user_timeout=120000" in found
    assert "fallback_application_name=levada" in found


def test_what_a_url_says_itself_stands():
    found = patient(f"{URL}?connect_timeout=99&options=-csearch_path%3Dx&keepalives_idle=")
    assert found.startswith(
        f"{URL}?connect_timeout=99&options=-csearch_path%3Dx&keepalives_idle=&keepalives_interval=10"
    )
    assert found.count("connect_timeout") == 1
    assert patient(patient(URL)) == patient(URL)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("FATAL:  sorry, too many clients already", "53300"),
        ('FATAL:  too many connections for role "weak"', "53300"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "53300"),
        ("FATAL:  the database system is starting up", "57P03"),
        ("FATAL:  the database system is in recovery mode", "57P03"),
        ("FATAL:  the database system is not yet accepting connections", "57P03"),
        ("connection refused", None),
    ],
)
def test_a_server_that_gives_no_connection_now(said, state):
    assert unconnected(f"could not connect: {said}") == state
    assert state is None or all(STATES[state])
