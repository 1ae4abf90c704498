"""The exit codes, for the help and the reference; `errors.py` and `door.py` hold the numbers that count."""

__all__ = ["EXITS", "epilog"]

EXITS: tuple[tuple[str, str], ...] = (
    ("0", "done; also with rows in quarantine, or when the API has no data"),
    ("2", "fix this: spec, argument, token, file or folder"),
    ("3", "answers that are not what the spec says; nothing is published"),
    ("4", "partial: committed, but parts are missing, as listed"),
    ("70", "a bug of Levada; the report on stderr is ready to be pasted"),
    ("75", "try later: server or network away, disk full, partition held"),
    ("130, 143", "stopped by Ctrl-C or SIGTERM; the same command goes on from there"),
    ("141", "whoever read the output went away, as in `levada status | head -1`"),
)

_START = """
\b
Start here:
  levada demo                              three days against a simulated API
  levada check sales.yaml                  what a spec will do, in words
  levada run sales.yaml --date 2022-08-09  one day, into the lake of the spec
  levada status --lake lake                what is in a lake
"""


def epilog() -> str:
    """The end of `levada --help`: first commands and exit codes, in lines of less than 80 characters."""
    codes = "\n".join(f"  {code:<9} {text}" for code, text in EXITS)
    return f"{_START}\n\b\nExit codes:\n{codes}\n"
