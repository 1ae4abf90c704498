"""What learners of an invented school tried: attempts at exercises of a day, made up from a seed, oddities among them.

Each row is odd or bad in one way at most, and how many are is known, so that a test can say what must come of them.
"""

import functools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final

__all__ = ["BAD", "ODD", "Amounts", "Attempt", "attempts"]

_HOST: Final = "lms.example.org"
_COURSES: Final = ("TIDES-1.0+04MAR2024", "ROPES-2.1+17JUN2024", "LAMPS-1.0+02SEP2024", "KITES-3.2+12JAN2024")
_BLOCKS: Final = 25
#: Of a hundred attempts so many are handed in, and of those so many are right; the others are tried out.
_HANDED_IN: Final = 15
_RIGHT: Final = 40
#: One learner for so many attempts of a day, and at least so many learners.
_EACH: Final = 4
_FEWEST: Final = 20
_HOUR: Final = 3_600
_DAY: Final = 24 * _HOUR
#: How busy each hour of the day is.
_BUSY: Final = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 9, 10, 12, 13, 14, 16, 19, 22, 23, 19, 12, 6)
_SECOND: Final = 1_000_000

#: Text that Python's `eval` would run: it would leave a file behind.
_CODE: Final = "__import__('pathlib').Path('levada-was-here').write_text('run')"
_HUGE: Final = repr({"lis_result_sourcedid": "x" * 200_000})
_DEEP: Final = "[" * 40_000 + "]" * 40_000

#: What a bad row says that an ordinary one does not; `--bad` rows a day of each.
BAD: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
    "an attempt of no known type": {"attempt_type": "check", "is_correct": 1},
    "a run that was right": {"attempt_type": "run", "is_correct": 1},
    "handed in, neither right nor wrong": {"attempt_type": "submit", "is_correct": None},
    "handed in, and 2": {"attempt_type": "submit", "is_correct": 2},
    "a user of 31 characters": {"lti_user_id": "0123456789abcdef0123456789abcde"},
    "a time that is none": {"created_at": "2024-02-30 25:61:00"},
    "params that are code": {"passback_params": _CODE},
    "params of 200,000 characters": {"passback_params": _HUGE},
    "params nested 40,000 deep": {"passback_params": _DEEP},
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amounts:
    """Rows of a day, and how many of them are odd and bad in each way.

    `odd` counts once for each of ODD, `no outcome url` ten times; `bad` once for each of BAD. Both are among `rows`.
    """

    rows: int = 1000
    odd: int = 3
    bad: int = 0

    @property
    def fewest(self) -> int:
        """Rows that a day must have for all of these."""
        return self.odd * sum(ODD.values()) + self.bad * len(BAD) + 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row: the moment (UTC) by which the API finds it, and what it says, keys in the API's order."""

    moment: datetime
    record: Mapping[str, Any]


def _without(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


def _without_url(record: Mapping[str, Any]) -> dict[str, Any]:
    before, _, _ = record["passback_params"].partition(", 'lis_outcome_service_url'")
    return {**record, "passback_params": before + "}"}


_CHANGES: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = MappingProxyType({
    "no user": lambda record: {**record, "lti_user_id": None},
    "null params": lambda record: {**record, "passback_params": None},
    "no params": lambda record: _without(record, "passback_params"),
    "params None": lambda record: {**record, "passback_params": "None"},
    "no outcome url": _without_url,
})  # fmt: skip
#: What is odd about rows, and how many there are of each where `odd` is 1. A whole second is written without ".000000",
#: as Python prints it; the first of them is midnight.
ODD: Final[Mapping[str, int]] = MappingProxyType(
    {**dict.fromkeys(_CHANGES, 1), "no outcome url": 10, "a whole second": 1}
)


@functools.lru_cache(maxsize=8)
def attempts(day: date, seed: int, amounts: Amounts) -> tuple[Attempt, ...]:
    """The attempts of a day of UTC, by time; the same ones for the same arguments. The last is in its last microsecond.

    Args:
        day: Which day.
        seed: Other seeds give other learners, exercises and attempts.
        amounts: How many, at least `amounts.fewest`.
    """
    school = _school(seed, max(_FEWEST, amounts.rows // _EACH))
    rng = random.Random(f"{seed} {day}")  # noqa: S311 - made-up data
    whole, others = _moments(rng, amounts)
    said = _outcomes(rng, amounts.rows)
    places = others[:-1]  # the day's last row is as most are
    rng.shuffle(places)
    changes = dict(zip(places, _changes(amounts), strict=False))
    start = datetime.combine(day, time(), UTC)
    made = []
    for offset, outcome in zip(sorted([*whole, *others]), said, strict=True):
        moment = start + timedelta(microseconds=offset)
        record = school.record(rng, moment, outcome)
        made.append(Attempt(moment, changes[offset](record) if offset in changes else record))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _School:
    users: tuple[str, ...]
    #: How eager each user is, summed up.
    eager: tuple[float, ...]
    #: Course and block.
    exercises: tuple[tuple[str, str], ...]

    def record(self, rng: random.Random, moment: datetime, outcome: int | None) -> dict[str, Any]:
        [user] = rng.choices(self.users, cum_weights=self.eager)
        return {
            "lti_user_id": user,
            "passback_params": _params(*rng.choice(self.exercises), user),
            "is_correct": outcome,
            "attempt_type": "run" if outcome is None else "submit",
            "created_at": str(moment.replace(tzinfo=None)),
        }


@functools.lru_cache(maxsize=8)
def _school(seed: int, users: int) -> _School:
    rng = random.Random(seed)  # noqa: S311 - made-up data
    exercises = tuple((course, _hex(rng)) for course in _COURSES for _ in range(_BLOCKS))
    learners = tuple(_hex(rng) for _ in range(users))
    total, eager = 0.0, []
    for place in range(users):
        total += 1 / (place + 3)
        eager.append(total)
    return _School(learners, tuple(eager), exercises)


def _hex(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def _params(course: str, block: str, user: str) -> str:
    """A dict as Python prints it, and no JSON."""
    key, whole = f"course-v1:Levada+{course}", f"block-v1:Levada+{course}+type@lti+block@{block}"
    return repr(
        {
            "oauth_consumer_key": "",
            "lis_result_sourcedid": f"{key}:{_HOST}-{block}:{user}",
            "lis_outcome_service_url": f"https://{_HOST}/courses/{key}/xblock/{whole}/handler_noauth/grade_handler",
        }
    )


def _moments(rng: random.Random, amounts: Amounts) -> tuple[list[int], list[int]]:
    """Microseconds from midnight, no two equal: whole seconds, and others, the day's last one among them."""
    whole = [second * _SECOND for second in (0, *rng.sample(range(1, _DAY), amounts.odd))[: amounts.odd]]
    others = {_DAY * _SECOND - 1}
    while len(others) < amounts.rows - len(whole):
        [hour] = rng.choices(range(24), _BUSY)
        others.add((hour * _HOUR + rng.randrange(_HOUR)) * _SECOND + rng.randint(1, _SECOND - 1))
    return whole, sorted(others)


def _outcomes(rng: random.Random, rows: int) -> list[int | None]:
    """`is_correct` of each row: null for a run; in the shares that are said above, exactly."""
    handed_in = rows * _HANDED_IN // 100
    right = handed_in * _RIGHT // 100
    said = [1] * right + [0] * (handed_in - right) + [None] * (rows - handed_in)
    rng.shuffle(said)
    return said


def _changes(amounts: Amounts) -> list[Callable[[Mapping[str, Any]], dict[str, Any]]]:
    odd = [change for name, change in _CHANGES.items() for _ in range(amounts.odd * ODD[name])]
    return odd + [functools.partial(_says, said=said) for said in BAD.values() for _ in range(amounts.bad)]


def _says(record: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **said}
