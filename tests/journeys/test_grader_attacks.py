"""What somebody might hide in `passback_params`: nothing of it is run, and none takes more than a bad row may take."""

import json
import os
import subprocess
import sys

import pytest

from graded import COLUMNS, DAY, Graded
from levada.edges import FixedClock
from levada.simulate.grader import make_app
from levada.simulate.server import running
from patience import PATIENCE
from simulated import Api
from warehouse import Warehouse

MB = 2**20
CODE = {
    "a call": "__import__('os').system('touch {file}')",
    "an open file": "open('{file}', 'w').write('run')",
    "exec": "exec(\"open('{file}', 'w')\")",
    "code in a value": "{{'lis_result_sourcedid': __import__('os').system('touch {file}')}}",
    "code in a key": "{{open('{file}', 'w'): 1}}",
    "code after a dict": "{{'lis_result_sourcedid': 'x'}} or open('{file}', 'w')",
    "a statement after a dict": "{{'lis_result_sourcedid': 'x'}}; open('{file}', 'w')",
    "a text that is formatted": "{{'lis_result_sourcedid': f\"{{open('{file}', 'w')}}\"}}",
    "a lambda": "(lambda: open('{file}', 'w'))()",
    "subclasses": "().__class__.__base__.__subclasses__()",
    "an assignment": "(x := open('{file}', 'w'))",
    "a comment": "{{}} # open('{file}', 'w')",
}
BOMBS = {
    "a power": "9**9**9**9",
    "a long text": "{'lis_result_sourcedid': 'x' * 10**10}",
    "a long list": "[0] * 10**10",
    "a comprehension": "[0 for _ in range(10**12)]",
    "a shift": "1 << 10**10",
    "a huge number": "{'lis_result_sourcedid': " + "9" * 90_000 + "}",
    "an infinite number": "{'lis_result_sourcedid': 1e999}",
    "numbers in hex": "0x" + "f" * 90_000,
    "nested lists": "[" * 100_000 + "]" * 100_000,
    "nested dicts": "{1:" * 30_000 + "1" + "}" * 30_000,
    "lists that do not end": "[" * 90_000,
    "signs": "-" * 90_000 + "1",
    "sums": "1" + "+1" * 45_000,
    "texts side by side": "'a' " * 24_000 + "{",
    "escapes": "'" + "\\x41" * 20_000,
    "ten megabytes": "{'lis_result_sourcedid': '" + "x" * 10 * MB + "'}",
    "a megabyte of brackets": "[" * MB,
}
#: The command line, which a limit of the machine ends if it computes for longer; it tells its memory at last, in KB.
LIMITED = """
import atexit, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))
from levada.cli.main import main
main()
"""


def record(params):
    return {
        "lti_user_id": "0123456789abcdef0123456789abcdef",
        "passback_params": params,
        "is_correct": None,
        "attempt_type": "run",
        "created_at": f"{DAY} 12:00:00",
    }


@pytest.fixture
def graded(tmp_path):
    with running(make_app(clock=FixedClock(), environment={})) as server:
        yield Graded(Api(server.url), Warehouse("duckdb", str(tmp_path / "warehouse.duckdb")), tmp_path)


def limited(graded):
    """A run in a process of its own, in the folder of the spec, and its memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "run", graded.spec, "--date", DAY],
        capture_output=True,
        text=True,
        cwd=graded.folder,
        env={**os.environ, **graded.environment},
        timeout=3 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, int(done.stderr.split()[-1]) / 1024


def test_code_is_quarantined_and_does_nothing(graded):
    witness = graded.folder / "witness"
    texts = [text.format(file=witness) for text in CODE.values()]
    graded.api.fail({"fault": {"body": [*map(record, texts), record("{}")]}})
    run = graded()
    assert (run.counts.read, run.counts.kept, run.counts.quarantined) == (len(CODE) + 1, 1, len(CODE))
    assert [json.loads(one.raw)["passback_params"] for one in graded.refused()] == texts
    for one in graded.refused():
        assert [(v.path, v.rule) for v in one.violations] == [(name, "decode") for name in COLUMNS[1:4]]
        assert "expected text with a literal of Python" in one.violations[0].reason
    assert not witness.exists()
    made = {path.name for path in graded.folder.iterdir() if "warehouse.duckdb" not in path.name}
    assert made == {"pipeline.yaml", "lake"}


def test_bombs_are_quarantined_in_bounded_time_and_memory(graded):
    # Another page of the same size, whose texts are no literals at a glance: what its bytes alone take.
    blank = [record("?" + "x" * (len(text) - 1)) for text in BOMBS.values()]
    graded.api.fail({"fault": {"body": [*blank, record("{}")]}})
    said, plain = limited(graded)
    assert f"{len(BOMBS) + 1} rows read, 1 kept, {len(BOMBS)} quarantined" in said
    graded.api.fail({"fault": {"body": [*map(record, BOMBS.values()), record("{}")]}})
    said, bombed = limited(graded)
    assert f"{len(BOMBS) + 1} rows read, 1 kept, {len(BOMBS)} quarantined" in said
    # Python's own reader would take 4 GB for the longest. Two equal runs differ by 50 MB.
    assert bombed < plain + 150, f"{bombed} MB, and {plain} for the bytes alone"
    reasons = {violation.reason for one in graded.refused() for violation in one.violations}
    assert all(len(reason) < 300 for reason in reasons)
    assert all(len(one.violations) == 3 for one in graded.refused())
