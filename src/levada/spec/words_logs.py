"""Log files in words. Pure."""

from levada.spec.telling import Logs

__all__ = ["logged"]


def logged(logs: Logs) -> str:
    """Where they are, and which go."""
    name = f"{logs.folder}/{logs.file.text if logs.file else '{date}.txt'}"
    form = "JSON lines" if logs.form == "json" else "text"
    kept = "all are kept"
    if logs.keep_days is not None:
        kept = "today's is kept" if logs.keep_days == 1 else f"those of {logs.keep_days} days are kept, today included"
    return f"{name} ({form}, days of {logs.timezone}); {kept}"
