"""A packed spec: the same spec without YAML, variables filled in where it is opened."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from levada.errors import FixThis
from levada.spec.packed import Packed, opened, pack, unpack
from levada.spec.read import tree_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SPECS = sorted(EXAMPLES.glob("*/*.yaml"))
ENVIRONMENT = {"AUTH_TOKEN": "a-token-of-this-test", "TMDB_API_KEY": "a-key-of-this-test", "S3_BUCKET_NAME": "bucket"}


def packed_beside(spec, folder, **more):
    root, mistakes = tree_of(spec.read_text(), str(spec))
    assert not mistakes
    file = folder / f"{spec.stem}.spec.json"
    file.write_bytes(pack(Packed(spec.name, root, "land", **more)))
    return file


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_packed_spec_says_what_the_yaml_says(spec, tmp_path):
    copy = tmp_path / spec.name
    copy.write_text(spec.read_text())
    yaml, _ = opened(str(copy), ENVIRONMENT, None)
    packed, known = opened(str(packed_beside(copy, tmp_path)), ENVIRONMENT, None)
    assert replace(packed, missing=()) == replace(yaml, missing=())
    assert known == ENVIRONMENT


def test_equal_specs_give_equal_bytes_wherever_they_lie(tmp_path):
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        made.append(packed_beside(SPECS[0], folder).read_bytes())
    assert made[0] == made[1]
    assert str(EXAMPLES).encode() not in made[0]


def test_variables_are_filled_in_where_it_is_opened_and_never_packed(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTH_TOKEN", "the-secret-of-the-packer")
    file = packed_beside(EXAMPLES / "sales" / "pipeline.yaml", tmp_path)
    assert b"the-secret-of-the-packer" not in file.read_bytes()
    spec, _ = opened(str(file), {}, None)
    assert [gap.names for gap in spec.missing if gap.secret] == [("AUTH_TOKEN", "API_AUTH_TOKEN")]
    assert opened(str(file), {"AUTH_TOKEN": "another-token"}, None)[0].missing == ()


def test_what_it_was_packed_for_comes_back(tmp_path):
    file = packed_beside(SPECS[0], tmp_path, streams=("best", "anime"))
    found = unpack(file)
    assert (found.name, found.verb, found.streams) == (SPECS[0].name, "land", ("best", "anime"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"levada": "spec 1"}', '{"levada":"spec 1","name":1,"spec":{}}'])
def test_another_file_is_told_as_one(tmp_path, text):
    file = tmp_path / "x.spec.json"
    file.write_text(text)
    with pytest.raises(FixThis, match="is no packed spec") as caught:
        unpack(file)
    assert "levada package SPEC" in caught.value.todo


def test_another_version_is_told_as_one(tmp_path):
    file = tmp_path / "x.spec.json"
    file.write_text('{"levada": "spec 99"}')
    with pytest.raises(FixThis, match="packed by another version"):
        unpack(file)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FixThis, match="cannot be read"):
        opened(str(tmp_path / "x.spec.json"), {}, None)


def test_mistakes_are_told_at_their_place_in_the_yaml(tmp_path):
    root, _ = tree_of("pipeline: x\nsource: {url: nonsense}\nstreams: {a: {request: {path: /}}}\n", "any/where.yaml")
    file = tmp_path / "where.spec.json"
    file.write_bytes(pack(Packed("where.yaml", root, "land")))
    with pytest.raises(FixThis) as caught:
        opened(str(file), {}, None)
    assert caught.value.where == f"{tmp_path}/where.yaml:2:15"


def test_neither_yaml_nor_heavy_libraries_are_imported(tmp_path):
    file = packed_beside(EXAMPLES / "sales" / "pipeline.yaml", tmp_path)
    code = f"""
import sys, levada
levada.load({str(file)!r})
print(sorted({{"yaml", "dotenv", "fastavro", "pyarrow", "flask", "click", "aiohttp"}} & set(sys.modules)))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert shown.stdout.strip() == "[]"
