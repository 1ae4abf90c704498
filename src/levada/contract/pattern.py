"""Patterns are RE2: linear time, one dialect on every path."""

from typing import Protocol

import re2

__all__ = ["Compiled", "compile", "problem"]


class Compiled(Protocol):
    """A pattern that is ready to search."""

    def search(self, text: str, /) -> object | None:
        """What matched first anywhere in `text`, None if nothing did."""
        ...


def compile(pattern: str) -> Compiled:  # noqa: A001 - read as `pattern.compile`, the word of `re` and of RE2
    """Make `pattern` ready (https://github.com/google/re2/wiki/Syntax).

    Raises:
        ValueError: RE2 refuses it; the text says why.
    """
    options = re2.Options()
    options.log_errors = False  # otherwise RE2 writes each refusal to standard error, too
    try:
        compiled: Compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None
    return compiled


def problem(pattern: str) -> str | None:
    """Why `pattern` is no RE2, or None."""
    try:
        compile(pattern)
    except ValueError as error:
        return str(error)
    return None
