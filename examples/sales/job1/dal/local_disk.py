"""JSON files, whole or not at all."""

import json
import os
from pathlib import Path
from secrets import token_hex
from typing import Any

from levada import FixThis

__all__ = ["save_to_disk"]


def save_to_disk(json_content: list[dict[str, Any]], path: str) -> None:
    """Write a list of records; whoever reads `path` meets the old content or all of the new one.

    Args:
        json_content: The records.
        path: Of the file; its folder is made where it is missing.

    Raises:
        FixThis: it is no list, as the body of an error is not. Nothing was written.
        TypeError, ValueError: a value has no JSON. Nothing was written.
    """
    given: object = json_content
    if not isinstance(given, list):
        what = f"a list of records is needed, not {type(given).__name__}"
        raise FixThis(what, where=path, todo="save what get_sales returns")
    text = json.dumps(given, ensure_ascii=False, allow_nan=False, indent=2)
    aim = Path(path)
    aim.parent.mkdir(parents=True, exist_ok=True)
    new = aim.with_name(f".{aim.name}.{token_hex(8)}")
    try:
        with new.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(aim)
    finally:
        new.unlink(missing_ok=True)
