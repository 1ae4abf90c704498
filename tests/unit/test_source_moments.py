from datetime import UTC, datetime

import pytest

from levada.source.moments import reset_after, retry_after

NOW = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("4", 4),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("1e3", 0),
        ("3600", 3600),
        ("Fri, 12 Aug 2022 06:01:30 GMT", 90),
        ("Friday, 12-Aug-22 06:01:30 GMT", 90),
        ("Fri Aug 12 06:01:30 2022", 90),
        ("Fri, 12 Aug 2022 08:01:30 +0200", 90),
        ("Fri, 12 Aug 2022 06:01:30 -0000", 90),
        ("2022-08-12T06:01:30Z", 90),
        ("Fri, 12 Aug 2022 05:00:00 GMT", 0),
        ("Fri, 99 Aug 2022 05:00:00 GMT", 0),
        (str(EPOCH + 90), 90),
        (str(EPOCH - 90), 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("1.25", 1.25),
        ("86400", 86_400),
        ("31536000", 31_536_000),
        (str(EPOCH + 40), 40),
        (f"{EPOCH + 40}.5", 40.5),
        (str(EPOCH - 40), 0),
        (str((EPOCH + 40) * 1000), 40),
        ("1507651200000", 0),
        ("Fri, 12 Aug 2022 06:00:40 GMT", 40),
        ("2022-08-12T06:00:40Z", 40),
        ("2022-08-12T08:00:40+02:00", 40),
        ("2022-08-12 06:00:40", 40),
        ("2022-08-12T05:00:00Z", 0),
        (str(EPOCH * 10**9), None),
        ("9" * 400, None),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_a_reset_is_told_apart_by_its_size(value, seconds):
    assert reset_after(value, NOW) == seconds


def test_a_clock_that_stands_at_1970_does_not_take_seconds_for_moments():
    assert reset_after("30", datetime(1970, 1, 1, tzinfo=UTC)) == 30
