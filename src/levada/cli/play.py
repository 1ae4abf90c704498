"""The commands to try Levada with: demo and simulate."""

import click

from levada.cli.door import say

__all__ = ["demo", "simulate"]


@click.command()
@click.option(
    "--folder", type=click.Path(), default="sales-demo", show_default=True, help="Where the spec and the lake go."
)
def demo(folder: str) -> None:
    """Run the sales pipeline for three dates against a simulated API, into a local lake.

    Needs no account, no server and no network. Running it again changes nothing.
    """
    from levada.cli.demonstration import demonstrate

    demonstrate(folder)


@click.group()
def simulate() -> None:
    """Start a local API to try specs against; it fails on demand."""


@simulate.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--rows", type=click.IntRange(min=1), default=338, show_default=True, help="Rows a date.")
@click.option("--page-size", type=click.IntRange(min=1), default=100, show_default=True)
def sales(port: int, host: str, rows: int, page_size: int) -> None:
    """The sales API: GET /sales?date=2022-08-09&page=1, for 2022-08-09, -10 and -11.

    \b
    Token: AUTH_TOKEN or API_AUTH_TOKEN of this process's environment, else `levada-demo`.
    GET /_log tells the requests seen. PUT /_faults makes it fail:
      curl -X PUT localhost:8000/_faults -d '{"match": {"page": 2}, "times": 1, "fault": {"status": 503}}'
    """
    import os

    from levada.simulate import require

    require()
    from levada.simulate.sales import make_app, token
    from levada.simulate.server import serve

    _, origin = token(os.environ)
    app = make_app(rows=rows, page_size=page_size, environment=os.environ)
    serve(app, host, port, ready=lambda url: say(f"Simulated sales API on {url}; token: {origin}. Ctrl-C ends it."))
