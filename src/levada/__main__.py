"""`levada` and `python -m levada`."""

from levada.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
