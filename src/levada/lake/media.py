"""What is in a file, as object stores tell it to browsers and readers (content types). Pure."""

import re
from types import MappingProxyType

__all__ = ["media_of"]

#: JSON is UTF-8, and its type has no charset (RFC 8259, 8.1 and 11): readers compare the bare type.
_JSON = re.compile(r'application/json\s*;\s*charset\s*=\s*"?utf-?8"?\s*', re.IGNORECASE)
_OTHER = "application/octet-stream"
#: By the end of the name. JSON and CSV by RFC 8259 and 4180; the others as their projects say.
_BY_END = MappingProxyType(
    {
        "avro": "application/vnd.apache.avro+binary",
        "csv": "text/csv",
        "gz": "application/gzip",
        "html": "text/html",
        "json": "application/json",
        "jsonl": "application/x-ndjson",
        "ndjson": "application/x-ndjson",
        "parquet": "application/vnd.apache.parquet",
        "txt": "text/plain",
        "xml": "application/xml",
        "zip": "application/zip",
        "zst": "application/zstd",
    }
)


def media_of(name: str, said: str = "") -> str:
    """The media type of a file: what the API said of it, or else what its name says."""
    if _JSON.fullmatch(said):
        return "application/json"
    if said and said.isascii() and said.isprintable():
        return said
    return _BY_END.get(name.rpartition(".")[2].lower(), _OTHER)
