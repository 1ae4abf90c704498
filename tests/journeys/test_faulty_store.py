"""A run whose object store fails in every way, stalls for 10 s among them, ends as one that nothing happened to."""

import time

from faultproxy import Plan, fault_proxy
from lakeside import public_tree
from levada.lake.opening import open_store
from simulated import SPEC

#: Behind the probe, whose six requests come first.
PLAN: Plan = {
    ("create", 4): "503",
    ("create", 6): "lost",
    ("create", 8): "half",
    ("create", 11): "stall",
    ("get", 3): "cut",
    ("get", 5): "500",
    ("head", 3): "reset",
    ("list", 1): "503",
    ("copy", 1): "lost",
    ("copy", 3): "late",
    ("copy", 5): "500",
    ("replace", 3): "lost",
}


def test_nothing_is_lost_and_waits_are_shown(levada, s3):
    calm, faulty = s3.lake("calm"), s3.lake("faulty")
    run = ("run", SPEC, "--date", "2022-08-09", "--lake")
    assert levada(*run, calm, **s3.environment).returncode == 0
    with fault_proxy(s3.port, PLAN) as proxy:
        began = time.monotonic()
        done = levada(*run, faulty, **s3.by(proxy.endpoint))
        took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert took > 20
    assert {(kind, number) for kind, number, _ in proxy.failed} == {*PLAN}
    said = done.stdout + done.stderr
    # Some of the requests that fail may be those that renew the lease meanwhile.
    assert said.count("; again in ") + said.count("the lease could not be renewed (") == len(PLAN) - 2
    assert "SlowDown" in said
    assert said.count("the lease is left to run out, in 62 s at most") == 1
    assert "done, 4 pages, 338 rows read" in said
    trees = [public_tree(open_store(lake, s3.environment)) for lake in (calm, faulty)]
    assert len(trees[0]) == 8
    assert trees[0] == trees[1]
