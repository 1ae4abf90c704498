"""docs/cli.md, made from the commands themselves: `python -m levada.cli.reference docs/cli.md`."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from pathlib import Path

import click

from levada.cli.exits import EXITS
from levada.cli.main import levada
from levada.cli.shapes import SHAPES, rows

__all__ = ["page"]

_HEAD = """<!-- Written by `python3 tasks.py docs` from the commands' own help; tests/test_docs.py holds it to them. -->

# The command line
"""
_JSON = """## What `--json` prints

One JSON document on stdout and nothing else; progress, waits and the report of a bug go to stderr.

- `run`, `land`, `stage`, `load` and `replay`: `{"runs": [...], "errors": [...], "not_tried": [...], "reports": [...],
  "notes": [...]}`. `runs` holds a run object for each partition that is well, `errors` an error object for each that
  is not, `not_tried` the `pipeline`, `stream` and `partition` of those that an error kept from being tried, and for
  `replay` of those that were named and never committed; `reports` what each report said of each partition (`error` is
  null where it went well), `notes` what could not be told or written down, and failed nothing.
- `status`: a list of partitions. `status SPEC`: `pipeline`, `lake`, `history` (where it is, or `none: ` and why, or
  null where it could not be looked at), `rounds`, the latest first, `partitions`, and `notes`, a list of texts. A
  round has `id`, `verb`, `door` (`command`, `schedule`, `lambda`, `python`; `lake` where it was told from the lake),
  `ending` (`success`, `partial`, `failure`), `started`, `ended` (UTC), `notes`, `error` (null, or `kind`, `what`,
  `where` and `todo`) and `runs`: `stream`, `partition`, `outcome` (as of a run, or `failed`, `not tried`), `run`,
  `level`, the counts of rows, `loaded` (rows that tables took), `pages`, `requests`, `resumed`, `files` and `gaps`
  (how many), `changed`, `seconds` and `error`. `status SPEC --missing`: `pipeline`, `due`, a list of partitions, and
  `left_out`, names of streams. `status SPEC --rebuild`: `pipeline`, `history`, `added` (runs) and `aside` (where a
  damaged file lies now).
- `quarantine`: a list of partitions; with PARTITION a list of rows. `quarantine redrive` is told as `replay` is.
- `report`: `{"reports": [...], "errors": [...]}`, reports as after a run; `error` says of each why it failed.
- `verify`: `{"partitions": [...], "extra": [...], "errors": [...]}`: partition objects, findings of public files that
  are in no record, and why partitions could not be repaired, or tables not be looked at.
- `compact`: `{"compacted": [...], "errors": [...]}`, for each table `stream`, `name`, `merged` and `made` (numbers of
  files) and `removed` (old files); with --into for the merged file `stream`, `name`, `merged` (files), `rows`,
  `partitions` (how many are in it), `left_out` (each `partition` and `why`) and `empty` (partitions without rows).
- `check`: `{"plan": [...], "live": [...], "errors": [...]}`. `plan` holds the lines, `live` for each stream that was
  asked: `stream`, `partition`, `rows` (how many), `requests`, `paging` and `more` as below, and `contract`: null, or
  `kept`, `bad` and `why`.
- `preview`: `{"previews": [...], "errors": [...]}`, for each stream `stream`, `partition`, `rows` (the records),
  `requests` (a list of request objects), `paging`: for each answer `page`, `means`, `rows` (how many) and `saw`,
  which has a text for each rule of paging that looked at it; and `more`: why there may be pages that a stream without
  `paging` does not read, or "".
- `notify`: `{"notices": [...], "waiting": N, "errors": [...]}`: of each notice `id`, `channel`, `state` (`sent`,
  `waits`, `given up`, `damaged`, or `held` by another process), `subject`, `made`, `attempts`, `tried`, `error` and,
  but for --list, `refused`: why single recipients were; and how many are in the outbox afterwards.
- `infer`: `stream` (null for files), `rows` and `odd` (records that were objects, and that were not), `fields` (a
  list of field objects) and `contract`, the YAML.
- `init`: `file`, `pipeline`, `stream`, `url`, `status`, `rows`, `suggestions` (each `key`, `said`, `certainty`:
  `certain`, `likely` or `guess`, and `why`) and `hints`, a list of texts.
- Where a command fails as a whole (a wrong spec, an unknown option, Ctrl-C, a bug): `{"errors": [...]}`, one line.
"""
_ERROR = (
    ("kind", "`FixThis`, `ContractBroken`, `TryLater`, `LeaseHeld`, `ResumeRefused`, `Interrupted` or `Bug`"),
    ("exit", "the exit code that it stands for; the command leaves with that of the first error"),
    ("what", "what is wrong"),
    ("where", "file:line:column of the spec, stream, partition, page, lake file or option; may be empty"),
    ("todo", "what to do next; may be empty"),
    ("at", "only where it is known: not before this moment (UTC)"),
)


def page() -> str:
    """The whole page, in Markdown."""
    context = click.Context(levada, info_name="levada")
    parts = [_HEAD, *_prose(levada.help or ""), "## Exit codes\n", _table(("code", "meaning"), EXITS)]
    for name in levada.list_commands(context):
        parts += _command(levada.commands[name], name, context)
    parts.append(_JSON)
    for title, noun, told in SHAPES:
        parts += [f"### {title}\n", _fields(rows(noun, told))]
    parts += ["### An error\n", _fields(_ERROR)]
    return "\n".join(parts)


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """The section of a command, then those of the commands below it."""
    context = click.Context(command, info_name=name, parent=parent)
    yield f"## {context.command_path}\n"
    yield from _prose(command.help or "")
    yield f"```\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    options = [_option(option, context) for option in command.params if isinstance(option, click.Option)]
    if options:
        yield _table(("option", "default", "meaning"), options)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _command(command.commands[below], below, context)


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    names = ", ".join((*option.opts, *option.secondary_opts))
    shown = names if option.is_flag else f"{names} {option.make_metavar(context)}"
    return f"`{shown}`", f"`{option.default}`" if option.show_default else "", option.help or ""


def _prose(text: str) -> Iterator[str]:
    """The paragraphs of a help text; those that click must not rewrap (`\\b`) are commands to type."""
    for paragraph in cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            typed = [line.removeprefix("  ") for line in paragraph.splitlines()[1:]]
            yield "\n".join(["```sh", *typed, "```", ""])
        else:
            yield " ".join(paragraph.split()) + "\n"


def _fields(told: Iterable[tuple[str, str]]) -> str:
    return _table(("field", "what it holds"), [(f"`{name}`", text) for name, text in told])


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
