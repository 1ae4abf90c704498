"""The house, held by a test: imports go down, heavy libraries stay home, no cycles; lazy imports count."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "levada"

#: Lower floors first; rooms of one floor never import one another.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("version", "errors"),
    ("nouns", "secret", "extras", "jsonpath", "charsets"),
    ("round",),
    ("edges",),
    ("contract",),
    ("spec", "records", "lake", "db"),
    ("source", "landing", "staging", "loads", "report", "notify", "logs", "state", "due"),
    ("pipeline",),
    ("__init__",),
    ("backfill",),
    ("serve", "lambda_handler", "scheduler"),
    ("cli",),
    ("__main__",),
)
#: Stands apart: on the ground floor for what it may import, and for the cli alone.
APART = "simulate"
APART_MAY_USE = {"version", "errors", "nouns", "secret", "extras", "edges"}
APART_USED_BY = {"cli"}

#: Each library that is not of Python itself, and asyncio, with the only modules that may import it.
HOMES: dict[str, tuple[str, ...]] = {
    "adbc_driver_manager": ("db.postgres",),
    "adbc_driver_postgresql": ("db.postgres",),
    "aiohttp": ("source.fetch",),
    "apscheduler": ("scheduler",),
    "asyncio": ("edges", "source.courier", "source.fake", "source.fetch", "scheduler.wire", "simulate"),
    "boto3": ("lake.objects",),
    "click": ("cli",),
    "cramjam": (),
    "cryptography": ("simulate.sheets_account",),
    "deltalake": ("staging.delta",),
    "dotenv": ("spec.read",),
    "duckdb": ("db.duckdb",),
    "faker": ("simulate",),
    "fastapi": ("simulate",),
    "fastavro": ("staging.avro",),
    "flask": ("serve",),
    "google": ("report.sheets.client",),
    "gspread": ("report.sheets.client",),
    "jinja2": ("serve",),
    "jsonpath_rfc9535": ("jsonpath",),
    "jwt": ("source.auth.jwt",),
    "matplotlib": ("report.chart",),
    "msgspec": ("nouns", "contract", "records", "lake", "spec", "loads.arrow"),
    "obstore": ("lake.objects",),
    "pyarrow": ("records.arrow", "staging", "loads"),
    "re2": ("contract",),
    "rich": ("cli",),
    "sqlite3": ("state.sqlite",),
    "requests": ("report.sheets.client",),
    "starlette": ("simulate",),
    "uvicorn": ("simulate",),
    "waitress": ("serve",),
    "werkzeug": ("serve",),
    "yaml": ("spec.read",),
    "yarl": ("source.fetch",),
}


def modules(root: Path) -> dict[str, Path]:
    """Dotted name below the package -> file; a package is named by its folder, the root by `__init__`."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a file imports, wherever in the file: `from a import b` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write levada.…"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from called(node)


def called(call: ast.Call) -> list[str]:
    """What `import_module("a")` or `__import__(name="a")` imports; nothing for other calls."""
    if getattr(call.func, "attr", getattr(call.func, "id", "")) not in ("import_module", "__import__"):
        return []
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
    return [str(value.value) for value in given if isinstance(value, ast.Constant)]


def graph(root: Path) -> dict[str, set[str]]:
    """Module -> the package's own modules that it imports."""
    known = modules(root)
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        wanted = {target.removeprefix("levada.") for target in imported(path) if target.startswith("levada.")}
        if "levada" in imported(path) and wanted.isdisjoint(known):
            wanted.add("__init__")
        edges[name] = {target for target in wanted if target in known} - {name}
    return edges


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def floor_breach(user: str, used: str) -> str | None:
    """Why `user` may not import `used`, or None."""
    above, below = room(user), room(used)
    if above == below:
        return None
    if APART in (above, below):
        allowed = below in APART_MAY_USE if above == APART else above in APART_USED_BY
        return None if allowed else f"{user} imports {used}: {APART} stands apart"
    height = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    for name in (above, below):
        if name not in height:
            return f"{user} imports {used}: {name} has no floor yet; give it one in this test"
    if height[above] > height[below]:
        return None
    return f"{user} imports {used}: imports go down only"


def cycles(edges: dict[str, set[str]]) -> list[str]:
    """Groups of modules that import each other: what is left when leaves are taken away again and again."""
    left = {name: set(targets) for name, targets in edges.items()}
    while leaves := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in leaves:
            del left[name]
    roots = [name for name in left if any(name in targets for targets in left.values())]
    return [f"cycle through {name}" for name in roots]


def strays(root: Path) -> list[str]:
    """Libraries imported away from home, or without one."""
    found = []
    for name, path in modules(root).items():
        libraries = {target.split(".", maxsplit=1)[0] for target in imported(path)} - {"levada"}
        found += [stray for library in sorted(libraries) if (stray := homeless(name, library))]
    return found


def homeless(name: str, library: str) -> str | None:
    """Why the module `name` may not import `library`, or None."""
    if library not in HOMES:
        known = library in sys.stdlib_module_names
        return None if known else f"{name} imports {library}, which has no home yet; give it one in this test"
    at_home = any(name == home or name.startswith(f"{home}.") for home in HOMES[library])
    return None if at_home else f"{name} imports {library}, whose home is {HOMES[library]}"


def breaches(root: Path) -> list[str]:
    edges = graph(root)
    down = [floor_breach(user, used) for user, targets in edges.items() for used in sorted(targets)]
    return [breach for breach in down if breach] + cycles(edges) + strays(root)


def test_the_house_stands():
    assert breaches(SOURCE) == []


def test_every_room_has_a_floor():
    rooms = {room(name) for name in modules(SOURCE)} - {APART}
    assert rooms <= {name for floor in FLOORS for name in floor}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"errors.py": "from levada.nouns import Run\n", "nouns.py": ""}, "errors imports nouns: imports go down only"),
        (
            {"spec/read.py": "import levada.lake.store\n", "lake/store.py": ""},
            "spec.read imports lake.store: imports go down only",
        ),
        (
            {"source/fetch.py": "def f():\n    from levada import staging\n", "staging/__init__.py": ""},
            "source.fetch imports staging: imports go down only",
        ),
        (
            {"lake/disk.py": "import importlib\nimportlib.import_module('levada.pipeline')\n", "pipeline.py": ""},
            "lake.disk imports pipeline: imports go down only",
        ),
        (
            {"lake/disk.py": "__import__(name='levada.pipeline', level=0)\n", "pipeline.py": ""},
            "lake.disk imports pipeline: imports go down only",
        ),
        (
            {"lake/disk.py": "import importlib as i\ni.import_module(name='levada.pipeline')\n", "pipeline.py": ""},
            "lake.disk imports pipeline: imports go down only",
        ),
        ({"lake/disk.py": "async def f():\n    import asyncio\n"}, "lake.disk imports asyncio, whose home is"),
        ({"lake/disk.py": "import numpy.linalg\n"}, "lake.disk imports numpy, which has no home yet"),
        ({"lake/disk.py": "def f():\n    from httpx import get\n"}, "lake.disk imports httpx, which has no home yet"),
        ({"simulate/sales.py": "import levada.lake.disk\n", "lake/disk.py": ""}, "simulate stands apart"),
        ({"pipeline.py": "import levada.simulate.sales\n", "simulate/sales.py": ""}, "simulate stands apart"),
        ({"landing.py": "import aiohttp\n"}, "landing imports aiohttp, whose home is ('source.fetch',)"),
        ({"source/read.py": "def f():\n    from aiohttp import web\n"}, "source.read imports aiohttp"),
        ({"contract/a.py": "import levada.contract.b\n", "contract/b.py": "import levada.contract.a\n"}, "cycle"),
        ({"attic.py": "import levada.errors\n", "errors.py": ""}, "attic has no floor yet"),
    ],
)
def test_a_planted_breach_is_found(tmp_path, files, said):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert any(said in breach for breach in breaches(tmp_path)), breaches(tmp_path)


@pytest.mark.parametrize("code", ["import levada", "import levada.cli.main, levada.__main__"])
def test_importing_is_light(code):
    heavy = {*HOMES, "flask", "httpx", "duckdb"} - {"click"}
    script = f"{code}; import sys; print(sorted({heavy!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_public_names_are_complete_and_sorted():
    import levada

    assert sorted(levada.__all__) == levada.__all__
    assert len(levada.__all__) <= 15
    assert all(getattr(levada, name) is not None for name in levada.__all__)


def test_no_room_has_the_name_of_something_public():
    import levada

    # Importing a room sets its name in the package: `levada.load` would be a module from then on.
    assert {room(name) for name in modules(SOURCE)}.isdisjoint(set(levada.__all__) - {"__version__"})
