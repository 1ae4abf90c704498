"""The charsets that a text may be written in: those of Python that are charsets of documents."""

import codecs

__all__ = ["known"]

#: Codecs of Python that are no charsets of documents.
_NONE = {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}


def known(name: str) -> str | None:
    """A charset as Python calls it, such as `iso8859-1` for latin-1; None for one that no text is read in."""
    try:
        found = codecs.lookup(name).name.replace("_", "-")
        " ".encode(found)  # refuses codecs that are for bytes
    except (LookupError, ValueError):
        return None
    return None if found in _NONE else found
