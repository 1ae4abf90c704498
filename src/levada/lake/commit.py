"""Commit, then show: `commit.json` is the only commit point (docs/adr/0001-commit-protocol.md)."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import PurePosixPath

from levada.errors import FixThis, LevadaError
from levada.lake.abreast import each
from levada.lake.area import Area, areas
from levada.lake.lease import Lease, record_of
from levada.lake.record import Record, public_names, sealed, stale_after, stale_tables_after
from levada.lake.runs import RunFolder, read_work
from levada.lake.showing import Known, mending, show_files, show_folder
from levada.lake.store import CONTROL, Conflict, Lost, Store
from levada.lake.verify import LINK, Problem, check_file, check_key, problems_of, sha256
from levada.nouns import LakeFile

__all__ = ["Aside", "damaged", "finish", "load", "owner", "publish", "restore", "restore_own"]

_log = logging.getLogger(__name__)
Told = Callable[[str], None]
_FETCH = "fetch the partition again: `levada run`"
#: Names told in a message.
_SHOWN = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Aside:
    """What is done with a commit besides its names."""

    #: Takes a sentence for each file that was written again.
    told: Told = _log.warning
    #: Shows it in other ways, before it counts as shown; can be repeated at will.
    show: Callable[[Record], None] = lambda _: None
    #: Has a database take its rows, unless it has them; None: that is not the business of this command.
    load: Callable[[Record], None] | None = None


def publish(
    lease: Lease,
    draft: Record,
    *,
    adopt: bool = False,
    known: AbstractSet[str] = frozenset(),
    aside: Aside = Aside(),
) -> tuple[Record, bool]:
    """Make `draft` what the partition is, and show it: the record that stands, and whether anything new is shown.

    The same content as the record that stands makes no commit: each of its files is checked, and one that somebody
    changed or removed is written again from the new run's bytes.

    Args:
        lease: The right to commit, with the record that it may replace.
        draft: The commit to make; `shown`, `stale`, `stale_tables` and `fetched` are set here.
        adopt: Write over public names that no record of this partition knows.
        known: Public names that are the partition's own although no record knows them: raw files taken over.
        aside: What else is done with the commit, whether it is new or stands already.

    Raises:
        FixThis: a public name belongs to somebody else, or no file can have it; the draft's folder may not be
            replaced; a staged file is damaged, and the draft, which lands the same pages, has no bytes to restore it
            from. Nothing was committed.
        TryLater: another run committed in the meantime; nothing was committed.
    """
    old, store = lease.record, lease.area.store
    if old is not None and _covers(old, draft):
        with mending(lease.area, old):
            lost = _restore(store, old, draft, aside.told)
        if not lost:
            return _again(lease, old, aside), not old.shown
        _refuse_lost(lease.area, lost, old, draft)
    names = public_names(draft.files)
    _refuse_impossible(draft)
    if draft.folder is None:
        there = _refuse_foreign(lease, names, names if adopt else known)
    else:
        there = {}
        store.replaceable(draft.folder)
    store.sync(file.key for file in draft.files)
    stale = stale_after(old, names) if draft.folder is None else ()
    tables = stale_tables_after(old, draft.table)
    record = dataclasses.replace(draft, shown=False, stale=stale, stale_tables=tables, fetched=_fetched(lease, draft))
    return _show(lease.area, record, _put(lease.area, record, lease.tag), aside, there), True


def finish(lease: Lease, aside: Aside = Aside()) -> Record:
    """Show what is committed and not shown yet, and load it; the record that stands. Can be repeated at will.

    Raises:
        FixThis: a file of the commit is not what the record says (see `damaged`); no name was changed.
        ValueError: nothing is committed.
    """
    if lease.record is None:
        raise ValueError("nothing is committed")
    if lease.record.shown and not (lease.record.unloaded and aside.load):
        return lease.record
    if broken := damaged(lease):
        raise FixThis(
            f"what is committed for {lease.area} cannot be shown: {_told(broken)}",
            where=lease.area.named(broken[0].key),
            todo="run the job for that folder again" if lease.area.of_folder else _FETCH,
        )
    if lease.record.shown:
        return _load(lease.area, lease.record, lease.record, aside, lease.tag)
    return _show(lease.area, lease.record, lease.tag, aside)


def load(lease: Lease, aside: Aside) -> Record:
    """Have the database take the rows of the record that stands, whatever it says of that; the record then.

    Raises:
        LevadaError: the database does not take them; the record says so.
        ValueError: nothing is committed.
    """
    if lease.record is None:
        raise ValueError("nothing is committed")
    return _load(lease.area, lease.record, lease.record, aside, lease.tag)


def damaged(lease: Lease) -> list[Problem]:
    """Why what is committed and not shown or loaded yet cannot be: files that somebody changed or removed since.

    Such a commit is replaced, or mended, by fetching anew. Empty where nothing waits to be shown.
    """
    if lease.record is None or (lease.record.shown and not lease.record.unloaded):
        return []
    return problems_of(lease.area.store, check_key, lease.record.files)


def _covers(old: Record, draft: Record) -> bool:
    """Whether `old` says all that `draft` would: landing a partition's pages again takes no staged files away."""
    same_staged = (old.level, old.staged) == (draft.level, draft.staged)
    same_place = (old.partition, old.folder) == (draft.partition, draft.folder)
    beside = draft.level == "landed" and draft.folder is None
    same_place = same_place and old.cursor == draft.cursor
    return same_place and old.landed == draft.landed and (same_staged or beside)


def _again(lease: Lease, old: Record, aside: Aside) -> Record:
    """The record that stands already, shown if it was not; a folder of its own is cleared of what is not its own."""
    if old.shown and old.folder is not None and show_folder(lease.area.store, old.folder, old.files):
        aside.told(f"{old.folder} held other files than those of its commit; its content was replaced")
    if old.shown:
        aside.show(old)
        return load(lease, aside)
    return finish(lease, aside)


def _restore(store: Store, old: Record, draft: Record, told: Told) -> list[Problem]:
    """Write broken files of `old` again from the files of `draft`; what is wrong with those that cannot be."""
    # Names that are yet to be shown are not missing, and a folder is shown anew as a whole.
    kept = old.shown and old.folder is None
    # A page that the draft takes as it is was checked before it was used: it is not read once more.
    same = {file.key for file in draft.files}
    others = [file for file in old.files if file.key not in same]
    files = others if kept else [dataclasses.replace(file, public=None) for file in others]
    checked = each(store, lambda file: check_file(store, file), files, reading=True)
    broken = [(file, problems) for file, problems in zip(files, checked, strict=True) if problems]
    return [left for file, problems in broken for left in restore(store, file, problems, draft.files, told)]


def restore(
    store: Store, file: LakeFile, problems: list[Problem], spares: Iterable[LakeFile], told: Told
) -> list[Problem]:
    """Write a file again whose kept bytes or public name somebody changed; what is wrong with it if nothing can be.

    Args:
        store: Where it lies.
        file: What the record says of it.
        problems: What is wrong with it.
        spares: Files that may have the same bytes.
        told: Takes a sentence for each name that was written again.

    Raises:
        Lost: the partition may be another run's by now; `mending` puts right what is shown of it.
    """
    broken = {problem.key for problem in problems}
    if file.key in broken:
        spare = _spare(store, file, spares, broken)
        if spare is None:
            return problems[-1:]  # by the public name, where that is wrong too: people know it
        store.sync([spare])  # whole on the disk before it stands for the file
        store.holding()
        store.copy(spare, file.key)
    if file.public in broken:
        store.holding()
        store.copy(file.key, file.public)
    if problems:
        store.sync([file.key, *([file.public] if file.public else [])])
    for problem in problems:
        told(f"{problem}; it was written again")
    return []


def restore_own(
    area: Area, file: LakeFile, problems: list[Problem], spares: Iterable[LakeFile], told: Told
) -> list[Problem]:
    """The same for a partition that stood a while: a public name that another commit has by now is left to that."""
    # Missing, or a link: no other commit is shown there.
    shown = next((each for each in problems if each.key == file.public and each.found not in (None, LINK)), None)
    if shown and owner(area, [shown.key]):
        file, problems = dataclasses.replace(file, public=None), [each for each in problems if each != shown]
    return restore(area.store, file, problems, spares, told) if problems else []


def _spare(store: Store, file: LakeFile, spares: Iterable[LakeFile], broken: AbstractSet[str]) -> str | None:
    """A key that has the bytes of `file`: its own public name, or a file of the new run."""
    if file.public is not None and file.public not in broken:
        return file.public
    same_bytes = (spare.key for spare in spares if spare.sha256 == file.sha256 and spare.key != file.key)
    return next((key for key in same_bytes if sha256(store, key) == file.sha256), None)


def _refuse_lost(area: Area, lost: list[Problem], old: Record, draft: Record) -> None:
    """Landing the same pages again must not cost the staged files, damaged or not: only staging may replace them."""
    if old.level != draft.level:
        verbs = "`levada stage`, or `levada run`," if old.shown else "`levada run`"
        raise FixThis(
            _told(lost),
            where=area.named(lost[0].key),
            todo=f"make it again from the pages: run {verbs} for this partition",
        )


def _refuse_impossible(draft: Record) -> None:
    names = Counter(file.public for file in draft.files if file.public is not None)
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    bad = sorted(name for name, times in names.items() if times > 1 or name in folders or name.split("/")[0] == CONTROL)
    if bad:
        raise FixThis(
            f"{_some(bad)}: two files of one commit cannot share a name, and {CONTROL}/ is Levada's own folder",
            where=f"{draft.pipeline}/{draft.stream} {draft.partition}",
            todo="change the templates of the public names, for example by {page}",
        )


def _refuse_foreign(lease: Lease, names: Iterable[str], allowed: AbstractSet[str]) -> Known:
    """What lies under these names: nothing, or what is the partition's own."""
    old, store = lease.record, lease.area.store
    ours = allowed | (public_names(old.files) | {*old.stale} if old else frozenset())
    # Asked for each name, ours or not: what cannot be shown (a folder stands there) is refused here too.
    there = {entry.key: entry for entry in each(store, store.head, sorted(names)) if entry is not None}
    foreign = [name for name in there if name not in ours]
    if not foreign:
        return there
    store.holding()  # they are those of the run that took over
    if found := owner(lease.area, foreign):
        name, area = found
        what = f"{name}: exists and belongs to {area}, which is another one than {lease.area}"
        todo = "name the files of one of them otherwise (raw, stage): each run would write over those of the other"
        raise FixThis(what, where=lease.area.named(name), todo=todo)
    raise FixThis(
        f"{_some(foreign)}: exists and was not written by Levada for {lease.area}",
        where=lease.area.named(foreign[0]),
        todo="move it away, or run with --adopt to write over it",
    )


def owner(mine: Area, names: Iterable[str]) -> tuple[str, Area] | None:
    """One of these public names and the partition whose commit has it, if one has; damaged records have none."""
    wanted = {*names}
    for area, keys in areas(mine.store).items():
        if area == mine or area.commit not in keys:
            continue
        with suppress(FixThis):
            record = record_of(area)
            found = wanted & public_names(record.files) if record else None
            if found:
                return min(found), area
    return None


def _fetched(lease: Lease, draft: Record) -> str:
    """The run that asked the API last: the draft's, unless it only staged what was there."""
    work = read_work(RunFolder(lease.area, draft.run, ()))
    if work is None or work.request:
        return draft.run
    return lease.record.last_fetch if lease.record else ""


def _put(area: Area, record: Record, tag: str | None) -> str:
    try:
        return area.store.replace(area.commit, sealed(record), tag)
    except Conflict:
        raise Lost(
            f"the lease of {area} was lost: another run committed in the meantime, this one did not",
            where=area.named(area.commit),
            todo="run again",
        ) from None


def _show(area: Area, record: Record, tag: str | None, aside: Aside, known: Known | None = None) -> Record:
    with mending(area, record):
        if record.folder is None:
            show_files(area.store, record, known)
        else:
            show_folder(area.store, record.folder, record.files)
        aside.show(record)
        # Landing leaves tables as they are.
        tables = () if record.level == "staged" else record.stale_tables
        shown = dataclasses.replace(record, shown=True, stale=(), stale_tables=tables)
        return _load(area, record, shown, aside, tag)


def _load(area: Area, record: Record, shown: Record, aside: Aside, tag: str | None) -> Record:
    """`shown` in the place of `record`, loaded if it is: what a database does not take now it takes later."""
    try:
        if aside.load is not None:
            aside.load(record)
            shown = dataclasses.replace(shown, unloaded=False)
    except Lost:
        raise
    except LevadaError:
        _marked(area, record, dataclasses.replace(shown, unloaded=True), tag)
        raise
    return _marked(area, record, shown, tag)


def _marked(area: Area, before: Record, after: Record, tag: str | None) -> Record:
    if after != before:
        _put(area, after, tag)
    return after


def _told(problems: list[Problem]) -> str:
    more = f"; and {len(problems) - 1} more of the commit's files" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
