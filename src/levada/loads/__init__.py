"""Rows of a commit into a table of a database, exactly once; one module a database."""
