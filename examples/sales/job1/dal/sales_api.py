"""Sales of a date as Python objects, without a file."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from levada import load
from levada.edges import Edges
from levada.lake.memory import MemoryStore
from levada.spec.read import environment_of

__all__ = ["API_URL", "get_sales"]

#: Asked unless the variable SALES_API_URL names another place, such as a simulator.
API_URL = "https://fake-api-vycpfa6oca-uc.a.run.app/"
#: Its raw file is one list of all pages, in their order.
SPEC = Path(__file__).parents[2] / "pipeline_joined.yaml"


def get_sales(date: str) -> list[dict[str, Any]]:
    """All sales of a date, in the order of the API; [] where it has none.

    Args:
        date: As in "2022-08-09".

    Raises:
        LevadaError: its text says what is wrong, where, and what to do.
    """
    environment = {"SALES_API_URL": API_URL, **environment_of(SPEC, os.environ)}
    lake = MemoryStore()
    replace(load(SPEC, edges=Edges(environment=environment)), store=lake).land(date=date)
    return [sale for raw in lake.list("raw") for sale in json.loads(lake.read(raw.key))]
