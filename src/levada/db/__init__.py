"""Databases: the one home of each driver. What is asked of them stands with who asks."""
