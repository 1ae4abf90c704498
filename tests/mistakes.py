"""What a wrong spec is told."""

import pytest

from levada.errors import FixThis
from levada.spec.read import read_text

__all__ = ["refused", "told"]


def refused(text: str) -> FixThis:
    """The error of a spec that is read as `s.yaml`."""
    with pytest.raises(FixThis) as caught:
        read_text(text, "s.yaml", {})
    return caught.value


def told(text: str, at: str, what: str, todo: str) -> None:
    """Fail unless the spec has one mistake, at this place, told like that."""
    error = refused(text)
    assert f"s.yaml:{at}" in error.where, error
    assert what in error.what, error
    assert todo in error.todo, error
    assert "\n" not in error.what, "one mistake, told once"
