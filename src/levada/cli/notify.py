"""levada notify: send the notices that wait, look at them, try the servers of a spec."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import known_lake, opened
from levada.cli.door import facts, say, tell
from levada.cli.progress import counted
from levada.cli.together import worst
from levada.errors import FixThis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from levada.errors import LevadaError
    from levada.notify.notice import Notice
    from levada.notify.post import Fate

__all__ = ["notify"]


@click.command(short_help="Send the notices that wait; --test tries the servers.")
@click.argument("spec", type=click.Path())
@click.option("--lake", metavar="FOLDER", help="The lake; else the spec's, which is lake/ beside it.")
@click.option("--list", "listed", is_flag=True, help="Tell what waits, and why; send nothing.")
@click.option("--test", "trial", is_flag=True, help="Send a mail and a POST about nothing, to see whether they come.")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def notify(spec: str, lake: str | None, *, listed: bool, trial: bool, as_json: bool) -> None:
    """Send the mails and POSTs of SPEC that could not be sent before and wait in its lake.

    \b
      levada notify grader.yaml --test
      levada notify grader.yaml --list
      levada notify grader.yaml

    Each round of the pipeline does so, too. A notice is given up after seven days, or after twenty tries if they took
    more than a day. What cannot be sent now stays, and is told with the exit code of its kind.
    """
    from levada.pipeline.milestones import logged
    from levada.pipeline.notices import send_trial, send_waiting, waiting

    if listed and trial:
        raise click.UsageError("--list and --test exclude one another.")
    pipeline = known_lake(opened(spec, lake, asking=False))
    if listed:
        _list(*waiting(pipeline.course), as_json=as_json)
        return
    with logged(pipeline.course):
        fates = send_trial(pipeline.course) if trial else send_waiting(pipeline.course)
    left = 0 if trial else sum(len(some) for some in waiting(pipeline.course))
    if as_json:
        told = [fate.error for fate in fates if fate.error]
        say(
            json.dumps({"notices": [_plain(fate) for fate in fates], "waiting": left, "errors": list(map(facts, told))})
        )
    else:
        _show(fates, left, trial=trial)
    if code := worst(fate.error.exit_code for fate in fates if fate.error):
        sys.exit(code)


def _show(fates: "list[Fate]", left: int, *, trial: bool) -> None:
    for fate in fates:
        said = {
            "waits": "not sent, it waits",
            "given up": "not sent" if trial else "given up",
            "held": "not sent, another process is sending it",
        }
        say(f"{fate.title}: {said.get(fate.state, fate.state)}")
        for note in fate.notes:
            say(f"  {note}")
        if fate.error:
            tell(fate.error)
    if not fates:
        say("The spec notifies nobody." if trial else "No notice waits.")
    elif left:
        say(f"{counted(left, 'notice')} in the outbox.")


def _list(found: "list[Notice]", damaged: "Sequence[LevadaError]", *, as_json: bool) -> None:
    if as_json:
        notices = [_facts(one, "waits") for one in found]
        left = len(found) + len(damaged)
        say(json.dumps({"notices": notices, "waiting": left, "errors": list(map(facts, damaged))}))
    elif found:
        _table(found)
    elif not damaged:
        say("No notice waits.")
    for error in damaged if not as_json else ():
        tell(error)
    if damaged:
        sys.exit(FixThis.exit_code)


def _table(found: "list[Notice]") -> None:
    from levada.cli.table import show

    rows = [(one.kind, f"{one.made:%Y-%m-%d %H:%M}", one.attempts, one.subject, one.error) for one in found]
    show(("channel", "since", "tries#", "subject~", "why~"), rows)


def _plain(fate: "Fate") -> dict[str, Any]:
    if isinstance(fate.notice, str):
        return {"id": fate.notice, "channel": fate.kind, "state": fate.state, "refused": []}
    return {**_facts(fate.notice, fate.state), "refused": list(fate.notes)}


def _facts(notice: "Notice", state: str) -> dict[str, Any]:
    tried = notice.tried.isoformat() if notice.tried else None
    about = {"id": notice.id, "channel": notice.kind, "state": state, "subject": notice.subject}
    return {
        **about,
        "made": notice.made.isoformat(),
        "attempts": notice.attempts,
        "tried": tried,
        "error": notice.error,
    }
