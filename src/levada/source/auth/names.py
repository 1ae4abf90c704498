"""The variables that a way of authentication uses, for messages: names, never values. Pure."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from levada.spec.auth import Auth, SecretRef

__all__ = ["listed", "refs", "variables"]


def refs(auth: Auth) -> tuple[SecretRef, ...]:
    """Every secret that `auth` names, in the order of its fields."""
    return tuple(_within(auth))


def variables(auth: Auth) -> str:
    """Its variables for a sentence: "CLIENT_ID and CLIENT_SECRET"; empty where it names none."""
    return listed(*refs(auth))


def listed(*secrets: SecretRef | None) -> str:
    """Variables for a sentence: "A, B and C or D", where C and D are tried for the same secret."""
    names = list(dict.fromkeys(" or ".join(each.names) for each in secrets if each is not None))
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _within(value: object) -> Iterator[SecretRef]:
    if isinstance(value, SecretRef):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _within(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _within(item)
