"""Ask a person for a secret that is not set: on a terminal only, without echo, never stored."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from levada.cli.door import warn

if TYPE_CHECKING:
    from levada.spec.model import Missing

__all__ = ["environment_with"]


def environment_with(missing: Iterable["Missing"], environment: Mapping[str, str]) -> dict[str, str] | None:
    """`environment` and the secrets that the person typed.

    None where nobody can be asked, nothing is to be asked, or the command would fail for want of other variables all
    the same.
    """
    gaps = tuple(missing)
    if not gaps or not all(gap.secret for gap in gaps):
        return None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    names = list(dict.fromkeys(gap.names[0] for gap in gaps))
    warn(f"Not set: {', '.join(names)}. What you type is not shown, and used for this command only.")
    return {**environment, **{name: click.prompt(name, hide_input=True, err=True) for name in names}}
