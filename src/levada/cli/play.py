"""The commands to try Levada with: demo and simulate."""

import math

import click

from levada.cli.door import say

__all__ = ["demo", "simulate"]

_port = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8000,
    show_default=True,
    help="Where to listen; 0 takes a free port.",
)
_host = click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address of this machine to listen on."
)


@click.command(short_help="See it work: three days against a simulated API.")
@click.option(
    "--folder", metavar="FOLDER", default="sales-demo", show_default=True, help="Where the spec and the lake go."
)
def demo(folder: str) -> None:
    """Run the sales pipeline for three dates against a simulated API, into a local lake.

    \b
      levada demo

    Needs no account, no server and no network. Writes pipeline.yaml and lake/ into the folder, and nothing else.
    Running it again changes nothing; a pipeline.yaml that was edited stays as it is.
    """
    from levada.cli.demonstration import demonstrate

    demonstrate(folder)


@click.group(short_help="A local API to try specs against; fails on demand.")
def simulate() -> None:
    """Start a local API to try specs against; it fails on demand. Ctrl-C ends it.

    \b
      levada simulate sales --port 8000
    """


@simulate.command(short_help="Sales of three days, four pages each; one page has a mistake.")
@_port
@_host
@click.option("--rows", type=click.IntRange(min=1), metavar="N", default=338, show_default=True, help="Rows a date.")
@click.option(
    "--page-size", type=click.IntRange(min=1), metavar="N", default=100, show_default=True, help="Rows a page."
)
def sales(port: int, host: str, rows: int, page_size: int) -> None:
    """The sales API: GET /sales?date=2022-08-09&page=1, for 2022-08-09, -10 and -11.

    The token is AUTH_TOKEN or API_AUTH_TOKEN of this process's environment, else levada-demo. In another terminal:

    \b
      export SALES_API_URL=http://127.0.0.1:8000 AUTH_TOKEN=levada-demo
      levada run examples/sales/pipeline.yaml --date 2022-08-09 --lake L

    GET /_log tells the requests seen. PUT /_faults makes it fail, here once for page 2:

    \b
      curl -X PUT localhost:8000/_faults \\
        -d '{"match": {"page": 2}, "times": 1, "fault": {"status": 503}}'
    """
    import os

    from levada.simulate import require

    require()
    from levada.simulate.sales import make_app, token
    from levada.simulate.server import serve

    _, origin = token(os.environ)
    app = make_app(rows=rows, page_size=page_size, environment=os.environ)
    serve(app, host, port, ready=lambda url: say(f"Simulated sales API on {url}; token: {origin}. Ctrl-C ends it."))


@simulate.command(short_help="TMDB: shows in 500 pages of 20, details by id.")
@_port
@_host
@click.option("--limited", is_flag=True, help="Refuse the 41st request within 10 seconds, with Retry-After.")
def tmdb(port: int, host: str, limited: bool) -> None:
    """TMDB: GET /3/discover/tv?page=1 and GET /3/tv/ID, with invented shows.

    The key is TMDB_API_KEY or IMDB_API_KEY of this process's environment, else levada-demo; it goes into the query
    as api_key, or into the header Authorization as a bearer. In another terminal:

    \b
      curl 'localhost:8000/3/discover/tv?api_key=levada-demo&with_genres=16'

    GET /_log tells the requests seen. PUT /_faults makes it fail, as in `levada simulate sales`.
    """
    import os

    from levada.simulate import require

    require()
    from levada.simulate.server import serve
    from levada.simulate.tmdb import key, make_app

    _, origin = key(os.environ)
    app = make_app(limited=limited, environment=os.environ)
    serve(app, host, port, ready=lambda url: say(f"Simulated TMDB on {url}/3; key: {origin}. Ctrl-C ends it."))


@simulate.command(short_help="Purchases of the last second, as many as asked for.")
@_port
@_host
@click.option("--seed", type=int, metavar="N", default=14, show_default=True, help="Other seeds, other purchases.")
@click.option(
    "--errors", type=click.IntRange(min=1), metavar="N", help='Every Nth purchase is one that failed, product "error".'
)
def purchases(port: int, host: str, seed: int, errors: int | None) -> None:
    """The purchases API: GET /gerar_compra and GET /gerar_compras/50, without a key.

    Each second has other purchases. In another terminal:

    \b
      curl localhost:8000/gerar_compras/3

    GET /_log tells the requests seen. PUT /_faults makes it fail, as in `levada simulate sales`.
    """
    from levada.simulate import require

    require()
    from levada.simulate.purchases import make_app
    from levada.simulate.server import serve

    app = make_app(seed=seed, errors=errors)
    serve(app, host, port, ready=lambda url: say(f"Simulated purchases API on {url}; no key. Ctrl-C ends it."))


def _finite(seconds: float) -> float:
    """It, if it is a number: no range refuses `nan`."""
    if math.isnan(seconds):
        raise click.BadParameter("nan is not in the range 0<=x<=3600.")
    return seconds


@simulate.command(short_help="Grader: attempts of a time window in one list; slow if asked for.")
@_port
@_host
@click.option("--rows", type=click.IntRange(min=1), metavar="N", default=1000, show_default=True, help="Rows a day.")
@click.option("--seed", type=int, metavar="N", default=16, show_default=True, help="Other seeds, other attempts.")
@click.option(
    "--slow",
    type=click.FloatRange(0, 3600),
    callback=lambda _ctx, _option, seconds: _finite(seconds),
    metavar="SECONDS",
    default=0.0,
    help="How long each answer takes, up to an hour; 0 if left out.",
)
@click.option(
    "--odd", type=click.IntRange(min=0), metavar="N", default=3, show_default=True, help="Odd rows a day of each kind."
)
@click.option(
    "--bad", type=click.IntRange(min=0), metavar="N", default=0, show_default=True, help="Bad rows a day of each kind."
)
def grader(port: int, host: str, seed: int, slow: float, **amounts: int) -> None:
    """The grader's API: GET /api/statistics with client, client_key, start and end, in UTC.

    The key is GRADER_CLIENT_KEY of this process's environment, else gR4deR. In another terminal:

    \b
      export GRADER_API_URL=http://127.0.0.1:8000/api GRADER_CLIENT_KEY=gR4deR
      levada land examples/grader/pipeline.yaml --date 2024-10-08 --lake L

    Each day has the same attempts whenever it is asked for. Odd rows are such as the real API has; bad ones break the
    example's contract, and some are attacks. GET /_log tells the requests seen. PUT /_faults makes it fail, as in
    `levada simulate sales`.
    """
    import os

    from levada.simulate import require

    require()
    from levada.simulate.grader import key, make_app
    from levada.simulate.grader_made import Amounts
    from levada.simulate.server import serve

    _, origin = key(os.environ)
    app = make_app(amounts=Amounts(**amounts), seed=seed, slow=slow, environment=os.environ)
    serve(app, host, port, ready=lambda url: say(f"Simulated grader API on {url}/api; key: {origin}. Ctrl-C ends it."))


@simulate.command(short_help="Google Sheets: a service account, and a spreadsheet shared with it.")
@_port
@_host
@click.option(
    "--credentials",
    metavar="FILE",
    default="credentials.json",
    show_default=True,
    help="Where the account's credentials go.",
)
@click.option(
    "--quota", type=click.IntRange(min=1), metavar="N", help="Refuse more reads or writes a minute, with 429."
)
def sheets(port: int, host: str, credentials: str, quota: int | None) -> None:
    """Google Sheets as gspread asks it: spreadsheets, their values, and the log-in of a service account.

    The spreadsheet levada-sheet is shared with the account, levada-read-only to be read, levada-private is not. In
    another terminal:

    \b
      export GOOGLE_APPLICATION_CREDENTIALS=credentials.json SHEET_ID=levada-sheet
      levada run pipeline.yaml --date 2022-08-09

    A browser shows it at /spreadsheets/d/levada-sheet/edit. GET /_log tells the requests seen. PUT /_faults makes it
    fail, as in `levada simulate sales`.
    """
    from pathlib import Path

    from levada.simulate.server import serve
    from levada.simulate.sheets import drawer, keep_credentials, make_app

    within = drawer(quota=quota)

    def ready(url: str) -> None:
        keep_credentials(within, url, Path(credentials))
        say(f"Simulated Google Sheets on {url}; credentials: {credentials}. Ctrl-C ends it.")

    serve(make_app(within), host, port, ready=ready)


@simulate.command(short_help="Files: movies.csv and series.csv of any size, as a course's data lake has them.")
@click.option(
    "--rows", type=click.IntRange(min=1), metavar="N", default=1000, show_default=True, help="Rows of movies.csv."
)
@click.option("--out", metavar="FOLDER", default="data", show_default=True, help="Where the files go.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Another number, other rows.")
def files(rows: int, out: str, seed: int) -> None:
    """Write movies.csv and series.csv: 15 and 16 columns between bars, a row for each artist of a title.

    \b
      levada simulate files --rows 1045161 --out data

    These are as many rows as the original has, and about as many bytes (165 MiB). Equal options give equal bytes;
    series.csv has about half as many rows.
    """
    from pathlib import Path

    from levada.errors import FixThis
    from levada.simulate.films import make

    try:
        made = make(Path(out), rows, seed)
    except OSError as error:
        raise FixThis(
            f"The files cannot be written: {error.strerror}.", where=out, todo="choose another folder with --out"
        ) from None
    for file in made:
        say(f"{file.path}: {file.rows} rows, {file.size} bytes")
