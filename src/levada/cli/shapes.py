"""The --json shapes, field by field, for the reference; a field that nobody described fails the page."""

from dataclasses import fields
from typing import Any, get_args

from levada.contract.infer import Guess
from levada.due import Does, Due
from levada.lake.audit import Finding, FindingKind, Verified
from levada.lake.quarantine import Quarantined
from levada.lake.status import PartitionState, PartitionStatus
from levada.nouns import Counts, Gap, Holder, Receipt, Rejected, Run, Violation
from levada.source.tap import Exchange

__all__ = ["SHAPES", "rows"]

_NAMES = {
    "pipeline": "name of the pipeline",
    "stream": "name of the stream",
    "partition": "the day, `2022-08-09`",
}
_COUNTS = "a counts object"

#: Title of a shape, the noun it is, and what each field holds.
SHAPES: tuple[tuple[str, type[Any], dict[str, str]], ...] = (
    (
        "A run",
        Run,
        _NAMES
        | {
            "run": "name of the run; sorts by time",
            "outcome": "`done`, `done with quarantine`, `no data` or `partial`",
            "level": "how far the commit that stands goes: `landed` or `staged`",
            "counts": _COUNTS,
            "pages": "pages of the commit",
            "requests": "HTTP requests sent, those beyond the end of the data included",
            "resumed": "pages taken over from an interrupted run",
            "files": "public names that stand now, relative to the lake, sorted",
            "changed": "false: the same content was there already",
            "seconds": "how long it took",
            "notes": "what a person should know, a list of texts",
            "gaps": "what was left out, a list of gap objects; the run of a commit with gaps is partial",
            "left_out": "rows of other streams that lack a field, so that nothing was asked for by them",
            "returned": "of `stage` and `replay`: rows that were in quarantine before and are not any more",
            "loads": "what tables took of it, a list of receipt objects",
        },
    ),
    (
        "A receipt",
        Receipt,
        {
            "to": "`postgres` or `duckdb`",
            "table": "the table, its schema before it",
            "database": "its URL without user and password, or its file",
            "mode": "`replace_partition`, `append`, `merge` or `replace`",
            "rows": "rows of the commit",
            "inserted": "rows that were inserted",
            "updated": "of `merge`: rows that changed what was there",
            "unchanged": "of `merge`: rows that were there as they are, or newer",
            "removed": "rows of the partition, or of the table, that went",
            "left_behind": "of `merge`: rows that an earlier commit brought and this one lacks; they stay",
            "before": "true: the table had them already, and nothing was done",
        },
    ),
    (
        "A gap",
        Gap,
        {
            "where": "the part that is missing: `page 3`, `row 7 (id=12)`",
            "why": "what the API said",
            "url": "what was asked",
            "status": "status of the answer, or null",
        },
    ),
    (
        "Counts",
        Counts,
        {
            "read": "records; read = kept + quarantined + dropped",
            "kept": "records that passed the contract",
            "quarantined": "records that did not",
            "dropped": "records left out on purpose, by a rule of the spec",
            "nullified": "values (not records) that `on_bad: nullify` set to null",
        },
    ),
    (
        "A partition, as `levada status` lists it",
        PartitionStatus,
        _NAMES
        | {
            "state": ", ".join(f"`{state}`" for state in get_args(PartitionState)),
            "level": "`landed` or `staged`; null where nothing is committed",
            "counts": f"{_COUNTS}, of the commit; of the failed run where nothing is committed",
            "pages": "pages of the commit",
            "files": "public names of the commit, sorted",
            "committed": "when (UTC), or null",
            "run": "the run that made the commit; without one, the latest run",
            "holder": "a holder object while a run is at work, else null",
            "error": "why the latest run failed, or what is damaged; else empty",
            "unfinished_pages": "answers that an interrupted run left for the next one",
            "gaps": "what the commit lacks, a list of gap objects",
            "unshown": "true: the commit has yet to get its public names",
            "unloaded": "true: a table has yet to take the rows of the commit",
        },
    ),
    (
        "A partition, as `levada status --missing` lists it",
        Due,
        {
            "stream": _NAMES["stream"],
            "partition": f"{_NAMES['partition']}; empty where a stream goes on where it stopped",
            "state": "as above, or `missing`",
            "does": ", ".join(f"`{does}`" for does in get_args(Does)),
            "why": "why, in one line",
        },
    ),
    (
        "A holder",
        Holder,
        {"host": "machine", "process": "process id", "since": "when it took the partition (UTC)"},
    ),
    (
        "A partition, as `levada quarantine` lists it",
        Quarantined,
        _NAMES
        | {
            "run": "the run that refused the rows",
            "rows": "how many",
            "failed": "true: they are of the latest run, which failed; false: of the commit that stands",
            "key": "the file that holds them, relative to the lake",
        },
    ),
    (
        "A row, as `levada quarantine PARTITION` lists it",
        Rejected,
        {
            "page": "its page, from 1",
            "index": "its place in the page, from 0",
            "violations": "a list of violation objects",
            "raw": "its text as the API sent it",
            "line": "the line on which it begins, from 1, in a file that is read line by line; else null",
        },
    ),
    (
        "A violation",
        Violation,
        {
            "path": "where in the record; `$` is the record itself",
            "rule": "the rule, as the spec names it",
            "reason": "what was expected, and what was found",
        },
    ),
    (
        "A partition, as `levada verify` tells it",
        Verified,
        _NAMES
        | {
            "run": "the run that made the commit; null where the record cannot be read",
            "files": "files of the commit",
            "size": "their bytes, each file counted once",
            "findings": "what is not as committed, a list of finding objects; after the repair, where there was one",
            "repaired": "what was put right, a list of texts",
        },
    ),
    (
        "A finding of `levada verify`",
        Finding,
        {
            "kind": ", ".join(f"`{kind}`" for kind in get_args(FindingKind)),
            "key": "the file, relative to the lake",
            "file": "`page`, `joined`, `split`, `staged`, `quarantine`, `record` or `table`; empty for what is in no "
            "record",
            "size": "bytes as committed, or null",
            "sha256": "SHA-256 as committed, or null",
            "found_size": "bytes that lie there now; null where there are none",
            "found": "SHA-256 of what lies there now; null where it was not read, as where the size tells enough",
            "why": "what is known besides; may be empty",
            "todo": "what to do next",
        },
    ),
    (
        "A request, as `levada preview` and `levada check --live` tell it",
        Exchange,
        {
            "method": "`GET` or `POST`",
            "url": "what was asked, without secrets",
            "status": "status of the answer; null where none came whole",
            "size": "bytes of the body, unpacked from its content-coding",
            "seconds": "how long it took",
            "fault": "why no whole answer came; else empty",
        },
    ),
    (
        "A field, as `levada infer` guesses it",
        Guess,
        {
            "name": "its name",
            "type": "type of the contract; null where it has none for what was seen",
            "nullable": "true: null or missing was seen",
            "rows": "rows of the sample",
            "filled": "rows that had a value",
            "doubt": "share of all rows that may break what no row broke (95 %, if the sample is like the rest)",
            "why": "what was seen",
            "enum": "texts that may be all there are, a list; empty where nothing speaks for it",
            "instead": "type that would take the values with the loss that `why` tells, or null",
            "parse": "form of the type that some of the values need, or empty",
        },
    ),
)


def rows(noun: type[Any], told: dict[str, str]) -> list[tuple[str, str]]:
    """Name and description of each field, in order.

    Raises:
        KeyError: a field is not described.
    """
    return [(field.name, told[field.name]) for field in fields(noun)]
