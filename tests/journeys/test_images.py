"""The Dockerfiles: their steps done by hand but for the installation, and what they start run with what they copied."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from images import built
from levada.simulate.server import running
from levada.simulate.tmdb import make_app

ROOT = Path(__file__).parents[2]
KEY = "a-key-of-this-test"
HANDLE = """import json, sys
from levada.lambda_handler import handler
print(json.dumps(handler(json.loads(sys.argv[1]), None)))
"""
OWN = """pipeline: own
lake: ../lake
source: {url: "http://localhost:9"}
streams:
  rows: {request: {path: /rows}, paging: {by: class, class: "own:follow"}}
"""


@pytest.fixture(scope="module")
def tmdb():
    with running(make_app(key=KEY)) as server:
        yield server.url


@pytest.fixture
def context(tmp_path):
    """The project's folder, with what must not come into an image."""
    folder = tmp_path / "context"
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("data", "lake", ".env"))
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", ".dockerignore"):
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(ROOT / "src", folder / "src")
    example = folder / "examples" / "anime_lake"
    (example / "data").mkdir()
    for name in (".env", "land.zip", "data/movies.csv"):
        (example / name).write_text("secret")
    return folder


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("dockerfile", ["Dockerfile.lambda", "examples/anime_lake/Dockerfile"])
def test_an_image_holds_levada_and_neither_keys_nor_data(context, tmp_path, dockerfile):
    image = built(ROOT / dockerfile, context, tmp_path / "image")
    found = files(image.root)
    assert {"src/pyproject.toml", "src/README.md", "src/LICENSE", "src/constraints.txt"} <= found
    modules = {f"src/src/levada/{name}" for name in files(ROOT / "src" / "levada") if name.endswith((".py", ".html"))}
    assert modules <= found
    assert not [name for name in found if name.endswith((".env", ".zip", ".csv", ".pyc"))]


def handled(image, event, **environment):
    """What the image's function answers, run by this Python."""
    assert (image.entry, image.command) == (["python", "-m", "awslambdaric"], ["levada.lambda_handler.handler"])
    inside = {
        name: value.replace("/var/task", str(image.root / "var/task")) for name, value in image.environment.items()
    }
    command = [sys.executable, "-c", HANDLE, json.dumps(event)]
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **inside, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return answer["statusCode"], json.loads(answer["body"])


def test_the_function_as_it_is_built_without_arguments_works(context, tmp_path, tmdb, s3):
    image = built(ROOT / "Dockerfile.lambda", context, tmp_path / "image")
    named = {"TMDB_API_URL": f"{tmdb}/3", "TMDB_API_KEY": KEY, "S3_BUCKET_NAME": s3.lake("image").removeprefix("s3://")}
    status, told = handled(image, {"pipeline": "anime_lake", "date": "2025-07-05"}, **named, **s3.environment)
    assert (status, told["errors"]) == (200, [])
    assert [(run["stream"], run["level"]) for run in told["runs"]] == [("best", "staged"), ("anime", "staged")]


def test_a_spec_of_ones_own_brings_its_code(context, tmp_path):
    (context / "mine").mkdir()
    (context / "mine" / "pipeline.yaml").write_text(OWN)
    (context / "mine" / "own.py").write_text("raise RuntimeError('it is here')\n")
    image = built(ROOT / "Dockerfile.lambda", context, tmp_path / "image", SPECS="mine", STREAMS="")
    status, told = handled(image, {"date": "2025-07-05"})
    assert (status, "it is here" in told["errors"][0]["what"]) == (400, True)
