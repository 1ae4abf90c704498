"""The OpenAPI document of a job server: GET /openapi.json."""

from typing import Any

from levada.serve.jobs import JobKind
from levada.version import __version__

__all__ = ["document"]


def document(kind: JobKind) -> dict[str, Any]:
    """OpenAPI 3.1 for one kind of job."""
    return {"openapi": "3.1.0", "info": {"title": f"Levada: {kind.name} jobs", "version": __version__}, "paths": {}}
