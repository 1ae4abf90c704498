"""Errors travel between processes whole."""

import pickle
from datetime import UTC, datetime

import pytest

from levada.errors import ApiRefused, ContractBroken, FixThis, LeaseHeld, LevadaError, TimedOut, TryLater

LATER = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", [FixThis, ApiRefused, ContractBroken, TryLater, TimedOut, LeaseHeld])
def test_an_error_comes_out_of_a_pickle_as_it_went_in(kind):
    told = pickle.loads(pickle.dumps(kind("what", where="where", todo="todo")))
    assert (type(told), str(told)) == (kind, "what\n  where: where\n  to do: todo")
    assert told.args == ("what", "where", "todo")


def test_when_to_try_again_and_the_cause_travel_too():
    error = TryLater("away", at=LATER)
    error.__cause__ = OSError("no route")
    told = pickle.loads(pickle.dumps(error))
    assert (told.at, str(told.__cause__)) == (LATER, "no route")


def test_an_error_without_a_cause_gets_none():
    assert pickle.loads(pickle.dumps(LevadaError("what"))).__cause__ is None
