"""Files of limited length, derived from the landed pages."""

import json

import pytest

from levada.edges import Edges
from levada.pipeline import load

DAY = "2022-08-09"
SPLIT = '    raw_split: {name: "part/{date}/part-{part}.json", %s}\n    contract:'


@pytest.fixture
def split(spec, tmp_path):
    """Write the sales spec with these limits."""

    def write(limits):
        (tmp_path / "sales.yaml").write_text(spec.read_text().replace("    contract:", SPLIT % limits, 1))

    return write


def parts(lake):
    files = list((lake / "part" / DAY).glob("*"))
    return [file.read_bytes() for file in sorted(files, key=lambda file: int(file.stem.removeprefix("part-")))]


def pages(lake):
    return [record for page in (1, 2, 3, 4) for record in json.loads(page_of(lake, page))]


def page_of(lake, page):
    return (lake / "raw" / "sales" / DAY / f"sales_{DAY}_{page}.json").read_bytes()


@pytest.mark.parametrize("verb", ["run", "land"])
def test_lists_of_at_most_so_many_records(levada, split, lake, verb):
    split("records: 100")
    done = levada(verb, "sales.yaml", "--date", DAY)
    assert done.returncode == 0, done.stderr
    found = [json.loads(part) for part in parts(lake)]
    assert [len(part) for part in found] == [100, 100, 100, 38]
    assert [record for part in found for record in part] == pages(lake)


def test_lists_of_at_most_so_many_bytes(levada, split, lake):
    split("size: 4KB")
    assert levada("run", "sales.yaml", "--date", DAY).returncode == 0
    found = parts(lake)
    assert all(len(part) <= 4096 for part in found)
    assert all(len(part) > 4096 - 200 for part in found[:-1])
    assert [record for part in found for record in json.loads(part)] == pages(lake)


def test_both_limits_hold(levada, split, lake):
    split("records: 20, size: 2KB")
    assert levada("run", "sales.yaml", "--date", DAY).returncode == 0
    assert all(len(part) <= 2048 and len(json.loads(part)) <= 20 for part in parts(lake))


def test_twice_changes_nothing_and_another_limit_does(levada, split, lake):
    split("records: 100")
    assert levada("run", "sales.yaml", "--date", DAY).returncode == 0
    before = parts(lake)
    assert "nothing changed" in levada("run", "sales.yaml", "--date", DAY).stdout
    assert parts(lake) == before
    split("records: 200")
    assert "nothing changed" not in levada("run", "sales.yaml", "--date", DAY).stdout
    assert [len(json.loads(part)) for part in parts(lake)] == [200, 138]


def test_a_changed_file_is_written_again(levada, split, lake):
    split("records: 100")
    assert levada("run", "sales.yaml", "--date", DAY).returncode == 0
    before = parts(lake)
    (lake / "part" / DAY / "part-2.json").unlink()
    assert "part-2.json" in levada("stage", "sales.yaml", "--date", DAY).stderr
    assert levada("run", "sales.yaml", "--date", DAY).returncode == 0
    assert parts(lake) == before


def test_a_record_that_fits_into_no_file_fails_before_anything_is_shown(levada, split, lake):
    split("size: 50B")
    done = levada("run", "sales.yaml", "--date", DAY)
    assert done.returncode == 3
    assert "bytes is larger than a file of `raw_split` may be" in done.stderr
    assert "raise its `size` (50 bytes)" in done.stderr
    assert not (lake / "part").exists()
    assert not (lake / "raw").exists()


def test_no_data_makes_no_file(levada, split, lake):
    split("records: 100")
    assert levada("run", "sales.yaml", "--date", "1999-01-01").returncode == 0
    assert not (lake / "part").exists()


def test_a_job_fills_its_folder_with_them_too(api, split, lake, tmp_path):
    split("records: 200")
    pipeline = load(tmp_path / "sales.yaml", lake=str(lake), edges=Edges(environment=api.environment))
    pipeline.land_into(str(lake / "jobs" / DAY), date=DAY)
    found = sorted(path.name for path in (lake / "jobs" / DAY).iterdir())
    assert found == ["part-1.json", "part-2.json", *(f"sales_{DAY}_{page}.json" for page in (1, 2, 3, 4))]
    assert not (lake / "part").exists()
