"""Spec files and .env files as they lie on a disk."""

import os
import tempfile
from pathlib import Path

import pytest

from levada.errors import FixThis
from levada.spec.read import environment_of, read

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = "pipeline: p\nsource: {url: '${URL}'}\nstreams: {s: {request: {path: /}}}\n"


def refused(path, environment=None):
    with pytest.raises(FixThis) as caught:
        read(path, environment or {})
    return caught.value


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_example_reads_without_a_mistake(path):
    found = read(path, {})
    buckets = {name for gap in found.missing if gap.used_in == "lake" for name in gap.names}
    assert found.lake == str(path.parent / "lake")
    assert buckets <= {"S3_BUCKET_NAME"}
    told = ("lake", "reports.", "notify.")  # without those the rows come all the same
    assert all(gap.secret for gap in found.missing if not gap.used_in.startswith(told)), (
        "an example runs with nothing but its token"
    )


def test_the_sales_example_is_known_by_its_names():
    sales = read(
        EXAMPLES / "sales" / "pipeline.yaml", {"SALES_API_URL": "http://127.0.0.1:8000", "API_AUTH_TOKEN": "x"}
    )
    assert (sales.pipeline, sales.source.url, sales.missing) == ("sales", "http://127.0.0.1:8000", ())
    assert sales.streams[0].raw.text == "raw/sales/{date}/sales_{date}_{page}.json"
    assert sales.streams[0].stage.outputs[0].name.text == "stg/sales/{date}/sales_{date}_{page}.avro"
    assert sales.source.auth.key.names == ("AUTH_TOKEN", "API_AUTH_TOKEN")


def test_the_joined_example_makes_one_file_of_each_kind():
    sales = read(EXAMPLES / "sales" / "pipeline_joined.yaml", {})
    assert sales.streams[0].raw is None
    assert sales.streams[0].raw_joined.text == "raw/sales/{date}/sales_{date}.json"
    assert sales.streams[0].stage.outputs[0].name.text == "stg/sales/{date}/sales_{date}.avro"


def test_the_lake_of_the_command_line_is_relative_to_the_working_folder(spec, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read("../spec.yaml", {"URL": "http://a"}, lake="L").lake == str(tmp_path / "elsewhere" / "L")


def test_the_environment_wins_over_env_file(spec):
    (spec.parent / ".env").write_text("# ours\nexport URL='http://file'\nOTHER=${URL}\nBARE\n", encoding="utf-8-sig")
    assert read(spec, {}).source.url == "http://file"
    assert read(spec, {"URL": "http://process"}).source.url == "http://process"
    assert environment_of(spec, {"URL": "x"}) == {"URL": "x", "OTHER": "${URL}"}


def test_env_file_fills_variables_that_are_empty_in_the_environment(spec):
    (spec.parent / ".env").write_text("URL=http://file\nNOTHING=\n")
    assert read(spec, {"URL": ""}).source.url == "http://file"
    assert environment_of(spec, {"URL": "", "NOTHING": "", "OTHER": ""}) == {
        "URL": "http://file",
        "NOTHING": "",
        "OTHER": "",
    }


def test_without_env_file_the_environment_is_all(spec):
    assert environment_of(spec, {"A": "b"}) == {"A": "b"}
    (spec.parent / ".env").mkdir()
    assert environment_of(spec, {"A": "b"}) == {"A": "b"}


def test_a_line_of_env_file_that_sets_nothing_is_refused_and_not_shown(spec):
    (spec.parent / ".env").write_text("A=1\nTOKEN='hunter2secret\n")
    error = refused(spec)
    assert error.where == f"{spec.parent / '.env'}:2"
    assert "sets no variable" in error.what
    assert "NAME=value" in error.todo
    assert "hunter2" not in str(error)


def test_an_env_file_that_is_no_text_is_refused(spec):
    (spec.parent / ".env").write_bytes(b"A=1\nB=\xff\n")
    error = refused(spec)
    assert error.where == f"{spec.parent / '.env'}:2"
    assert "is not UTF-8" in error.what


def test_a_file_that_is_missing(tmp_path):
    error = refused(tmp_path / "nothing.yaml")
    assert error.what == f"There is no file {tmp_path / 'nothing.yaml'}."
    assert "check the path" in error.todo


def test_a_folder_is_no_spec(tmp_path):
    assert "is a folder, not a spec" in refused(tmp_path).what


def test_a_path_below_a_file(spec):
    error = refused(spec / "below.yaml")
    assert "cannot be read" in error.what
    assert "Not a directory" in error.what


def test_a_path_that_cannot_be(tmp_path):
    assert "no such name is possible" in refused(f"{tmp_path}/a\0b").what


@pytest.fixture
def unreadable(spec):
    spec.chmod(0)
    return spec


@pytest.fixture
def powerless():
    """Root reads every file, so it becomes another user for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def test_a_file_that_may_not_be_read(unreadable, powerless):
    assert "Permission denied" in refused(unreadable).what


@pytest.fixture
def shut():
    """A folder that `powerless` may not enter, below folders that anybody may."""
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        folder = Path(above) / "shut"
        (folder / "spec").mkdir(parents=True)
        (folder / "spec" / "pipeline.yaml").write_text(SMALL)
        folder.chmod(0)
        yield folder
        folder.chmod(0o700)


def test_an_env_file_in_a_folder_that_may_not_be_entered(shut, powerless):
    path = shut / "spec" / "pipeline.yaml"
    with pytest.raises(FixThis) as caught:
        environment_of(path, {})
    assert caught.value.what == f"{path.parent / '.env'} cannot be looked for: Permission denied."
    assert caught.value.where == str(path.parent / ".env")
    assert caught.value.todo == f"check the path {path}, and that this user may enter its folder"


def test_an_env_file_in_a_folder_whose_name_is_too_long(tmp_path):
    path = tmp_path / ("a" * 300) / "pipeline.yaml"
    with pytest.raises(FixThis, match="cannot be looked for: File name too long") as caught:
        environment_of(path, {})
    assert caught.value.where == str(path.parent / ".env")
    assert f"check the path {path}" in caught.value.todo


def test_a_file_that_is_not_utf_8(spec):
    spec.write_bytes(b"pipeline: p\nlake: caf\xe9\n")
    error = refused(spec)
    assert error.where == f"{spec}:2"
    assert error.todo == "save it as UTF-8"


def test_an_empty_file(spec):
    spec.write_bytes(b"")
    assert "the file is empty" in refused(spec).what


def test_a_data_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "page.json"
    path.write_bytes(b"[" + b"1," * 600_000 + b"1]")
    assert "longer than 1 MB" in refused(path).what


def test_windows_line_ends_count_like_others(spec):
    spec.write_bytes(b"pipeline: p\r\nstreams: {s: {request: {path: /x/{date}}}}\r\n")
    error = refused(spec)
    assert error.where.startswith(f"{spec}:2:")
    assert error.todo == 'write this line as: streams: {s: {request: {path: "/x/{date}"}}}'
