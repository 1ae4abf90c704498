"""The page of a job server: GET /."""

from collections.abc import Sequence

from levada.serve.jobs import About, JobKind, Told

__all__ = ["html"]


def html(kind: JobKind, about: About | None, latest: Sequence[Told]) -> str:
    """What the server does, how to call it, and its last jobs."""
    return f"<!doctype html><title>{kind.name}</title>{about}{len(latest)}"
