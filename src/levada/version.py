"""The version, written once: the package metadata, the user agent and the commit records take it from here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
