"""What a machine's refusal means to a person: OSError in, FixThis or TryLater out. Pure."""

import errno
import stat

from levada.errors import FixThis, LevadaError, TryLater

__all__ = ["explained", "no_whole_folders", "printable", "refuse_no_folder", "refuse_odd", "refuse_subfolder"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FOLDER_IN_THE_WAY = frozenset({errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY})
_NAME = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})
_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP})
#: What neither is nor leads to a file or a folder, and what to call it.
_ODD = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def refuse_odd(mode: int, path: str) -> None:
    """Raise FixThis if `mode` is of something that is not to be opened: a pipe would let us wait for ever."""
    if kind := _ODD.get(stat.S_IFMT(mode)):
        todo = "remove it, then try again"
        raise FixThis(f"a file is needed where {kind} stands", where=path, todo=todo)


def refuse_no_folder(mode: int, path: str) -> None:
    """Raise FixThis if `mode` is of something that is no folder: a link to one is none either."""
    if stat.S_ISLNK(mode):
        raise FixThis(
            "a symbolic link stands where a folder of the lake is needed, and links are not followed there",
            where=path,
            todo="put the folder itself in its place, or name the folder that it leads to",
        )
    if not stat.S_ISDIR(mode):
        raise FixThis(
            "a folder is needed where a file stands", where=path, todo="move that file away, or name another folder"
        )


def refuse_subfolder(mode: int, name: str, path: str) -> None:
    """Raise FixThis if `mode` is of a folder: what lies in it could not be replaced in one step with the rest."""
    if stat.S_ISDIR(mode):
        raise FixThis(
            f"a folder lies in the folder of a job, where only files can be: {printable(name)}",
            where=path,
            todo="name a folder that holds files only; nothing was changed",
        )


def no_whole_folders(where: str) -> FixThis:
    """What is told of a folder on an object store that is to be replaced in one step."""
    return FixThis(
        "a job replaces the whole content of a folder in one step, which no object store can",
        where=where,
        todo="keep the lake of job servers on a disk; `levada run`, `land` and `stage` fill one on an object store",
    )


def printable(name: str) -> str:
    """A name that somebody else gave, as a message shows it: one line, and text whatever its bytes are."""
    return name if name.isprintable() else ascii(name)[1:-1]


def explained(error: OSError, path: str, root: str, blocker: str) -> LevadaError:
    """The error to raise for `error` on `path` in the lake `root`; `blocker` is a file standing where a folder goes."""
    said = error.strerror or str(error)
    if error.errno in _FULL:
        return TryLater(
            f"the disk is full ({said})",
            where=root,
            todo="free some space there and run again; the work done so far is kept",
        )
    if error.errno == errno.ENOTDIR or (error.errno == errno.EEXIST and blocker):
        return FixThis(
            f"a folder is needed where a file stands: {blocker or path}",
            where=path,
            todo="move that file away, or choose another folder for the lake",
        )
    return _by_rights_or_name(error, said, path, root)


def _by_rights_or_name(error: OSError, said: str, path: str, root: str) -> LevadaError:
    if error.errno in _RIGHTS:
        todo = f"let this user read and write below {root}, or choose another folder for the lake"
        return FixThis(f"the lake cannot be used as it should ({said})", where=path, todo=todo)
    if error.errno in _FOLDER_IN_THE_WAY:
        todo = "move that folder away, or choose another name"
        return FixThis("a file is needed where a folder stands", where=path, todo=todo)
    if error.errno == errno.ELOOP:
        what = "a symbolic link stands where the lake needs the file or folder itself"
        return FixThis(what, where=path, todo="remove the link, or put what it leads to in its place")
    if error.errno in _NAME:
        todo = "choose another name, or change the template that it comes from"
        return FixThis(f"the file system does not take this name ({said})", where=path, todo=todo)
    return _by_file_system(error, said, path, root)


def _by_file_system(error: OSError, said: str, path: str, root: str) -> LevadaError:
    if error.errno == errno.ENOENT:
        todo = f"see that {root} can be made, or choose another folder for the lake"
        return FixThis(f"there is no such folder, and none can be made ({said})", where=path, todo=todo)
    if error.errno == errno.EXDEV:
        todo = f"keep everything below {root} on one file system"
        return FixThis("the lake lies on more than one file system", where=path, todo=todo)
    if error.errno in _LOCKS:
        todo = "choose a folder on a file system with file locks (flock)"
        return FixThis(f"this file system does not do what a lake needs ({said})", where=path, todo=todo)
    return TryLater(
        f"the disk did not do what it was asked to ({said})", where=path, todo="look at the disk; run again"
    )
