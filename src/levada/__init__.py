"""Levada carries records from HTTP APIs and files into a lake and a warehouse without losing a drop."""

__version__ = "0.1.0"
