"""levada package: what it refuses, what it warns of, and the code of a spec's own."""

import json
import zipfile

import pytest

SPEC = """pipeline: {name}
lake: s3://bucket/{name}
source: {{url: https://api.example.com, auth: {{class: "signing:Signer"}}}}
streams:
  rows:
    request: {{path: /rows}}
    paging: {{by: class, class: "steps.more:follow"}}
  others:
    request: {{path: /others}}
"""
PLAIN = """pipeline: {name}
lake: s3://bucket/{name}
source: {{url: "https://${{API_HOST}}", auth: {{bearer: "${{API_TOKEN:-${{OLD_TOKEN}}}}"}}, params: {{a: "${{A:-1}}"}}}}
streams:
  rows: {{request: {{path: /rows}}}}
"""


@pytest.fixture
def package(shell, tmp_path):
    def run(*arguments, **environment):
        return shell("package", *arguments, **{"API_HOST": "localhost", **environment})

    (tmp_path / "a.yaml").write_text(PLAIN.format(name="a"))
    return run


def told(done, what, todo=""):
    assert done.returncode == 2, done.stderr
    assert what in done.stderr
    assert todo in done.stderr


def test_several_pipelines_in_one_function(package, tmp_path):
    (tmp_path / "b.yaml").write_text(PLAIN.format(name="b"))
    done = package("a.yaml", "b.yaml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert [one["pipeline"] for one in facts["pipelines"]] == ["a", "b"]
    assert facts["pipelines"][0]["variables"] == ["API_HOST", "API_TOKEN or OLD_TOKEN"]
    names = zipfile.ZipFile(tmp_path / "land.zip").namelist()
    assert {"levada_specs/a.spec.json", "levada_specs/b.spec.json"} <= set(names)


def test_what_it_says_to_a_person(package):
    done = package("a.yaml", "--out", "small.zip")
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first.startswith("small.zip: ")
    assert "MB unpacked; Python 3." in first
    assert lines[:3] == [
        "  handler: levada.lambda_handler.handler",
        "  a: lands rows",
        "  needs in its environment: API_HOST, API_TOKEN or OLD_TOKEN",
    ]
    assert lines[3].startswith("  holds: levada 0.")


def test_code_of_the_spec_comes_along(package, tmp_path):
    (tmp_path / "own.yaml").write_text(SPEC.format(name="own"))
    (tmp_path / "signing.py").write_text("class Signer: ...\n")
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "__init__.py").write_text("")
    (tmp_path / "steps" / "more.py").write_text("def follow(value, body, headers): ...\n")
    done = package("own.yaml")
    assert done.returncode == 0, done.stderr
    archive = zipfile.ZipFile(tmp_path / "land.zip")
    assert archive.read("levada_specs/signing.py") == b"class Signer: ...\n"
    assert {"levada_specs/steps/__init__.py", "levada_specs/steps/more.py"} <= set(archive.namelist())


def test_code_that_is_not_there_is_told(package, tmp_path):
    (tmp_path / "own.yaml").write_text(SPEC.format(name="own"))
    told(
        package("own.yaml"), "The module signing, which the spec names, does not lie beside it.", "put signing.py into"
    )
    assert not (tmp_path / "land.zip").exists()


def test_a_spec_that_is_wrong_is_not_packed(package, tmp_path):
    (tmp_path / "a.yaml").write_text("pipeline: a\n")
    told(package("a.yaml"), "lacks the key streams")
    assert not (tmp_path / "land.zip").exists()


def test_a_stream_that_is_not_there(package):
    told(package("a.yaml", "--stream", "cols"), "There is no stream cols in this spec.", "choose among: rows")


def test_streams_of_several_specs(package):
    told(package("a.yaml", "a.yaml", "--stream", "rows"), "--stream chooses among the streams of one spec")


def test_two_specs_of_one_pipeline(package):
    told(package("a.yaml", "a.yaml"), "Two specs are of the pipeline a.")


def test_a_packed_spec(package):
    told(package("a.spec.json"), "a.spec.json is packed already.", "name the YAML")


@pytest.mark.parametrize("version", ["3", "latest", "3.13.1", "2.7"])
def test_no_version_of_python(package, version):
    told(package("a.yaml", "--python", version), f"{version} is no version of Python.", "write it as 3.13")


def test_a_folder_that_is_not_there(package):
    told(package("a.yaml", "--out", "nowhere/land.zip"), "nowhere/land.zip cannot be written", "name another file")


def test_libraries_that_pip_cannot_fetch(package, tmp_path):
    done = package("a.yaml", "--python", "3.13", "--arch", "arm64", PIP_NO_INDEX="1")
    told(done, "pip cannot fetch the libraries for Python 3.13 on aarch64", "build on a machine like the function's")
    assert not (tmp_path / "land.zip").exists()


def test_what_a_function_will_not_have_is_told(package, tmp_path):
    text = PLAIN.format(name="a").replace("lake: s3://bucket/a\n", "")
    (tmp_path / "a.yaml").write_text(f"{text}  local: {{files: data/x.csv, format: csv}}\n")
    done = package("a.yaml")
    assert done.returncode == 0, done.stderr
    assert "the lake of a is a folder, of which a function keeps nothing" in done.stderr
    assert "stream local takes files of a machine: leave it out with --stream" in done.stderr
    assert "local" not in package("a.yaml", "--stream", "rows").stderr


@pytest.mark.parametrize(("lake", "folder"), [("s3://${BUCKET}", False), ("${LAKE}", False), ("lakes/${NAME}", True)])
def test_a_lake_whose_variable_is_set_in_the_function_only(package, tmp_path, lake, folder):
    (tmp_path / "a.yaml").write_text(PLAIN.format(name="a").replace("s3://bucket/a", lake))
    done = package("a.yaml")
    assert done.returncode == 0, done.stderr
    assert ("the lake of a is a folder" in done.stderr) == folder
