"""`levada init`: one sample request, and a spec to go on with."""

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import environment_with
from levada.cli.door import say
from levada.cli.progress import counted

if TYPE_CHECKING:
    from levada.cli.draft import AuthKind, Wish
    from levada.edges import Answer
    from levada.errors import ContractBroken
    from levada.source.detect import Suggestions

__all__ = ["init"]

_KINDS = ("none", "bearer", "header", "query", "cookie", "basic")
_NAMES = {"header": "X-API-Key", "query": "api_key", "cookie": "session"}
_VARIABLES = {"bearer": ("API_TOKEN",), "basic": ("API_USER", "API_PASSWORD")}


@click.command(short_help="Ask an API once, and draft a spec for it.")
@click.argument("url")
@click.option("--pipeline", metavar="NAME", help="Name of the pipeline; else that of the stream.")
@click.option("--stream", metavar="NAME", help="Name of the stream; else the last part of the URL's path.")
@click.option("--auth", type=click.Choice(_KINDS), help="How the API knows who asks; none if left out.")
@click.option("--auth-name", metavar="NAME", help="The header, query parameter or cookie that carries the key.")
@click.option(
    "--variable",
    "variables",
    metavar="NAME",
    multiple=True,
    help="The variable that holds the key or token; twice for basic: user, then password.",
)
@click.option("--param", "params", metavar="NAME=VALUE", multiple=True, help="A query parameter; can be repeated.")
@click.option("--output", "-o", metavar="FILE", help="The file to write; else the pipeline's name with .yaml.")
@click.option("--yes", is_flag=True, help="Ask no questions: take what the options say, and defaults.")
@click.option(
    "--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout; asks no questions."
)
def init(url: str, **said: Any) -> None:
    """Ask URL once, look at the answer, and write a spec to go on with.

    \b
      levada init https://api.example.com/v1/posts
      levada init https://api.example.com/v1/posts --auth bearer --variable API_TOKEN --yes

    Recognises where the records are, and how the API pages. Nothing is ever run on a guess: what the answer does not
    show for sure is written as a comment, with the reason and what to check. On a terminal it asks for what the options
    leave open. The secret itself comes from its variable and is not written. A file that is there is not overwritten.
    """
    from levada.cli.draft import draft
    from levada.source.detect import detect

    wanted = _wanted(url, said)
    file = said["output"] or f"{wanted.pipeline}.yaml"
    _refuse_existing(file)
    answer, error = _answer(wanted, file)
    seen = detect(answer.status, answer.headers, answer.body, _typed(wanted))
    if seen.unreadable and error:
        raise error
    text = draft(wanted, seen, file)
    _write(file, text)
    if said["as_json"]:
        say(json.dumps(_plain(file, wanted, seen, answer), indent=2))
    else:
        _tell(file, wanted, seen, answer)


def _typed(wanted: "Wish") -> str:
    from urllib.parse import urlencode

    return f"{wanted.url}{wanted.path}?{urlencode(wanted.params)}"


def _wanted(url: str, said: dict[str, Any]) -> "Wish":
    """What the options say; what they leave open is asked for on a terminal."""
    from levada.cli.draft import wish

    base = wish(url, tuple(_pair(text) for text in said["params"]))
    asking = not said["yes"] and not said["as_json"] and sys.stdin.isatty() and sys.stderr.isatty()
    stream = said["stream"] or _ask("Stream", base.stream, asking=asking)
    pipeline = said["pipeline"] or _ask("Pipeline", stream, asking=asking)
    kind: AuthKind = said["auth"] or _ask("Authentication", "none", asking=asking, choices=_KINDS)
    wanted = replace(base, stream=stream, pipeline=pipeline, auth=kind)
    return wanted if kind == "none" else _with_auth(wanted, said, asking=asking)


def _with_auth(wanted: "Wish", said: dict[str, Any], *, asking: bool) -> "Wish":
    from levada.errors import FixThis

    named = wanted.auth in _NAMES
    name = said["auth_name"] or (
        _ask(f"Name of the {wanted.auth}", _NAMES[wanted.auth], asking=asking) if named else ""
    )
    usual = _VARIABLES.get(wanted.auth, ("API_KEY",))
    given = said["variables"] or tuple(_ask("Variable that holds it", one, asking=asking) for one in usual)
    if len(given) != len(usual):
        todo = f"give --variable {len(usual)} time{'s' if len(usual) > 1 else ''}: {', '.join(usual)}"
        raise FixThis(f"--auth {wanted.auth} takes {len(usual)} variables.", where="--variable", todo=todo)
    return replace(wanted, auth_name=name, variables=given)


def _ask(what: str, usual: str, *, asking: bool, choices: tuple[str, ...] = ()) -> Any:
    if not asking:
        return usual
    return click.prompt(what, default=usual, err=True, type=click.Choice(choices) if choices else str)


def _pair(text: str) -> tuple[str, str]:
    from levada.errors import FixThis

    name, sign, value = text.partition("=")
    if not (name and sign):
        raise FixThis(f'"{name[:40]}" is no parameter.', where="--param", todo="write NAME=VALUE")
    return name, value


def _refuse_existing(file: str) -> None:
    from levada.errors import FixThis

    if os.path.lexists(file):
        what = f"{file} is there already, and is not overwritten."
        raise FixThis(what, where="--output", todo="name another file with --output, or move that one away")
    folder = Path(file).absolute().parent
    if not folder.is_dir():
        raise FixThis(f"There is no folder {folder}.", where="--output", todo="make it first, or name another file")


def _answer(wanted: "Wish", file: str) -> "tuple[Answer, ContractBroken | None]":
    """The API's answer to one request, and what is wrong with it as a list of records."""
    from levada.cli.draft import sample_spec
    from levada.cli.sampling import sample
    from levada.edges import Edges
    from levada.errors import ContractBroken, FixThis
    from levada.pipeline import Pipeline, open_lake
    from levada.spec.read import environment_of, read_text

    environment = environment_of(file, os.environ)
    spec = read_text(sample_spec(wanted), file, environment)
    if known := environment_with(spec.missing, environment):
        spec = read_text(sample_spec(wanted), file, known)
    pipeline = Pipeline(spec, open_lake(spec.lake), Edges(environment=known or environment))
    taken = sample(pipeline, spec.streams[0], None, 1)
    broken = taken.error if isinstance(taken.error, ContractBroken) else None
    # Records that are not where the default says are what this command is for.
    if taken.answer is None or (taken.error and not broken):
        raise taken.error or FixThis("No answer came.", where=wanted.asked)
    return taken.answer, broken


def _write(file: str, text: str) -> None:
    from levada.errors import FixThis
    from levada.spec.read import environment_of, read_text

    read_text(text, file, environment_of(file, os.environ))
    try:
        with Path(file).open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        what = f"{file} cannot be written: {error.strerror}."
        raise FixThis(what, where="--output", todo="name another file with --output") from None


def _plain(file: str, wanted: "Wish", seen: "Suggestions", answer: "Answer") -> dict[str, Any]:
    """The result for --json."""
    found = [asdict(one) | {"said": dict(one.said)} for one in (seen.format, seen.records, seen.paging) if one]
    about = {"file": file, "pipeline": wanted.pipeline, "stream": wanted.stream, "url": wanted.asked}
    return {**about, "status": answer.status, "rows": seen.rows, "suggestions": found, "hints": list(seen.hints)}


def _tell(file: str, wanted: "Wish", seen: "Suggestions", answer: "Answer") -> None:
    say(f"GET {wanted.asked}: status {answer.status}, {len(answer.body)} bytes, {counted(seen.rows, 'record')}")
    for one in (seen.format, seen.records, seen.paging):
        if one:
            told = ", ".join(f"{key} {value}".strip() for key, value in one.said)
            say(f"  {one.key}: {told} ({one.certainty}: {one.why})")
    if not seen.records and not seen.format:
        say("  records: the body is a list of them")
    if not seen.paging:
        say("  paging: none was recognised")
    for hint in seen.hints:
        say(f"  CHECK: {hint}")
    say(f"Written: {file}. Look at each CHECK in it, then: levada preview {file}")
