"""Ask a person for a secret that is not set: on a terminal only, without echo, never stored."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from levada.cli.door import warn

if TYPE_CHECKING:
    from levada.pipeline import Pipeline
    from levada.spec.model import Missing

__all__ = ["environment_with", "keys_for", "known_lake", "lacking_secrets", "opened"]


def opened(spec: str, lake: str | None, *, asking: bool) -> "Pipeline":
    """The pipeline of a spec; with `asking`, for commands that speak to the API, with secrets that a person typed."""
    from levada.edges import Edges
    from levada.pipeline import load

    pipeline = load(spec, lake=lake)
    before = pipeline.edges.environment
    answers = environment_with(pipeline.spec.missing, before) if asking else None
    known = keys_for(pipeline.spec.lake, answers or before)
    return pipeline if known is before else load(spec, lake=lake, edges=Edges(environment=known))


def known_lake(pipeline: "Pipeline") -> "Pipeline":
    """The same pipeline, for commands that begin with what its lake holds.

    Raises:
        FixThis: a variable of the lake is not set, so that it would be another lake.
    """
    from levada.spec.bind import require

    require(pipeline.spec, ("lake",))
    return pipeline


def keys_for(lake: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """`environment`, with the keys of an object store that a person typed where nothing else may give them."""
    from levada.lake.profiles import lacking, role_of_machine

    if not (lake.startswith("s3://") and sys.stdin.isatty() and sys.stderr.isatty()):
        return environment
    names = lacking(environment)
    if not names or role_of_machine(environment):
        return environment
    warn(f"Not set for {lake}: {', '.join(names)}. What you type is not shown, and used for this command only.")
    typed = dict(environment)
    while names := lacking(typed):  # the key itself tells whether a token belongs to it
        typed |= {name: click.prompt(name, hide_input=True, err=True) for name in names}
    return typed


def environment_with(missing: Iterable["Missing"], environment: Mapping[str, str]) -> dict[str, str] | None:
    """`environment` and the secrets that the person typed.

    None where nobody can be asked, nothing is to be asked, or the command would fail for want of other variables all
    the same.
    """
    names = lacking_secrets(missing)
    if not names or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    warn(f"Not set: {', '.join(names)}. What you type is not shown, and used for this command only.")
    return {**environment, **{name: click.prompt(name, hide_input=True, err=True) for name in names}}


def lacking_secrets(missing: Iterable["Missing"]) -> list[str]:
    """The variables to ask for; none where what is typed would not make the command work, or it works without.

    Notices wait for their servers, see docs/notify.md: nobody has to type a URL at each run.
    """
    gaps = [gap for gap in missing if not gap.used_in.startswith("notify.")]
    return list(dict.fromkeys(gap.names[0] for gap in gaps)) if all(gap.secret for gap in gaps) else []
