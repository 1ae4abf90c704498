"""What each refusal of the machine says to a person."""

import errno
import os

import pytest

from levada.errors import FixThis, TryLater
from levada.lake.refusal import explained


@pytest.mark.parametrize(
    ("number", "kind", "what", "todo"),
    [
        (errno.ENOSPC, TryLater, "the disk is full", "free some space"),
        (errno.EDQUOT, TryLater, "the disk is full", "free some space"),
        (errno.EACCES, FixThis, "cannot be used", "let this user read and write below /lake"),
        (errno.EPERM, FixThis, "cannot be used", "choose another folder"),
        (errno.EROFS, FixThis, "cannot be used", "choose another folder"),
        (errno.ENOTDIR, FixThis, "a folder is needed where a file stands", "move that file away"),
        (errno.EISDIR, FixThis, "a file is needed where a folder stands", "move that folder away"),
        (errno.ENOTEMPTY, FixThis, "a file is needed where a folder stands", "move that folder away"),
        (errno.ENAMETOOLONG, FixThis, "does not take this name", "change the template"),
        (errno.ELOOP, FixThis, "a symbolic link stands", "remove the link"),
        (errno.EXDEV, FixThis, "more than one file system", "on one file system"),
        (errno.ENOLCK, FixThis, "does not do what a lake needs", "file locks"),
        (errno.ENOENT, FixThis, "none can be made", "choose another folder"),
        (errno.EIO, TryLater, "did not do what it was asked to", "look at the disk"),
        (errno.EMFILE, TryLater, "did not do what it was asked to", "run again"),
    ],
)
def test_each_refusal_says_what_where_and_what_to_do(number, kind, what, todo):
    error = explained(OSError(number, os.strerror(number)), "/lake/raw/1", "/lake", "")
    assert type(error) is kind
    assert what in error.what
    assert error.where == ("/lake" if "full" in what else "/lake/raw/1")
    assert todo in error.todo


def test_the_file_in_the_way_is_named():
    for number in (errno.ENOTDIR, errno.EEXIST):
        assert "stands: /lake/raw" in explained(OSError(number, "no"), "/lake/raw/1/2", "/lake", "/lake/raw").what
