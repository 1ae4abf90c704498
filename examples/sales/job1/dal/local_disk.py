"""JSON files, whole or not at all."""

import json
from typing import Any

from sales_pipeline import whole

__all__ = ["save_to_disk"]


def save_to_disk(json_content: list[dict[str, Any]], path: str) -> None:
    """Write a list of sales; whoever reads `path` meets the old content or all of the new one.

    Args:
        json_content: The sales.
        path: Of the file; its folder is made where it is missing.

    Raises:
        FixThis: it is no list, as the body of an error is not. Nothing was written.
        TypeError, ValueError: a value has no JSON. Nothing was written.
    """
    with whole(json_content, path) as file:
        file.write(json.dumps(json_content, ensure_ascii=False, allow_nan=False, indent=2).encode())
