"""A spec's stream -> the plan of a read: who signs, what limits, the user's own code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levada.edges import Edges
from levada.errors import ContractBroken, LevadaError
from levada.secret import redact
from levada.source.auth.make import signer_for
from levada.source.auth.names import variables
from levada.source.limits import limiter_for
from levada.source.own import named
from levada.source.request import Plan
from levada.source.signals import Follow
from levada.spec.model import Spec, Stream
from levada.spec.template import Value

__all__ = ["plan_of"]


def plan_of(spec: Spec, stream: Stream, values: Mapping[str, Value], edges: Edges) -> Plan:
    """What to ask for: the stream's requests for one partition, all at once.

    Raises:
        FixThis: a secret is not set, a library is missing, the user's own code cannot be imported.
    """
    source = spec.source
    account = variables(source.auth) if source.auth else ""
    return Plan(
        source=source,
        stream=stream,
        values=values,
        signer=signer_for(source, spec.file, edges.environment),
        limiter=limiter_for(source, account, edges.clock),
        follow=_follow(spec, stream),
    )


def _follow(spec: Spec, stream: Stream) -> Follow | None:
    """The function of `by: class`; what it raises is told with its name."""
    name = stream.paging.name
    if stream.paging.by != "class" or name is None:
        return None
    theirs = named(name, Path(spec.file).absolute().parent, stream.place)

    def follow(value: int | str | None, body: Any, headers: Mapping[str, str]) -> Any:
        try:
            return theirs(value, body, headers)
        except LevadaError:
            raise
        except Exception as error:
            what = redact(f"{name} fails on a page: {type(error).__name__}: {error}.")
            raise ContractBroken(what, todo="Mend the function that `paging: class` names.") from error

    return follow
