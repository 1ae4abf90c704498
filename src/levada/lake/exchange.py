"""Two folders change names in one step: renameat2(2) with RENAME_EXCHANGE, which Python does not offer.

Linux has it since 3.15, on the file systems that support it (ext4, xfs, btrfs, tmpfs, overlayfs ...), and glibc since
2.28. Elsewhere the answer is ENOSYS or EINVAL, and the caller does without.
"""

import ctypes
import errno
import os
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["UNSUPPORTED", "exchange"]

#: Errors that say: not this way, not on this system or file system.
UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
#: linux/fs.h, fcntl.h
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


def exchange(source: Path, parent: int, name: str) -> None:
    """Give `source` and the entry `name` of the open folder `parent` each other's name.

    Raises:
        OSError: ENOENT where one of them is not there; one of `UNSUPPORTED` where this cannot be done at all.
    """
    call = _renameat2()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(source))
    done = call(_AT_FDCWD, os.fsencode(source), parent, os.fsencode(name), _RENAME_EXCHANGE)
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(source), None, name)


@cache
def _renameat2() -> Any:
    """The C function, None where the C library has none."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    call.restype = ctypes.c_int
    return call
