"""The page on files, done as it says; what people are told on the way; memory and speed that do not grow."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from patience import PATIENCE, settles

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text()
SPEC = PAGE.split("```yaml\n", 1)[1].split("```", 1)[0]
COMMANDS = [line.removeprefix("$ levada ").split() for line in PAGE.splitlines() if line.startswith("$ levada ")]


def test_the_page_on_files_works_as_it_says(shell, tmp_path):
    (tmp_path / "films.yaml").write_text(SPEC)
    simulate, run = COMMANDS
    made = shell(*simulate)
    assert made.returncode == 0, made.stderr
    assert "data/movies.csv: 1000 rows" in made.stdout
    done = shell(*run)
    assert done.returncode == 0, done.stderr
    assert "1000 rows read, 1000 kept, 0 quarantined" in done.stdout
    landed = tmp_path / "lake" / "Raw" / "Local" / "CSV" / "Movies" / "2025" / "07" / "22" / "movies.csv"
    assert landed.read_bytes() == (tmp_path / "data" / "movies.csv").read_bytes()
    assert (tmp_path / "lake" / "Trusted/Local/Parquet/movies/2025-07-22/movies.parquet").exists()


def test_series_under_movies_are_noticed_by_their_header(shell, tmp_path):
    series = SPEC.replace("movies.csv", "series.csv").replace("Movies", "Series")
    series = series.replace("anoLancamento, tempo", "anoLancamento, anoTermino, tempo").split("  movies:\n")[1]
    (tmp_path / "films.yaml").write_text(f"{SPEC}\n  series:\n{series.replace('movies', 'series')}")
    shell("simulate", "files", "--rows", "20", "--out", "data")
    (tmp_path / "data" / "series.csv").replace(tmp_path / "data" / "movies.csv")
    done = shell("run", "films.yaml", "--date", "2025-07-22", "--stream", "movies")
    assert done.returncode == 3
    assert "`anoTermino` is too many. This looks like the header of stream series." in done.stderr
    assert not (tmp_path / "lake" / "Raw").exists()


def test_bad_lines_are_seen_with_their_numbers(shell, tmp_path):
    (tmp_path / "films.yaml").write_text(SPEC)
    shell("simulate", "files", "--rows", "20", "--out", "data")
    with (tmp_path / "data" / "movies.csv").open("a") as file:
        file.write("tt1|too|few\n")
    done = shell("run", "films.yaml", "--date", "2025-07-22")
    assert "done with quarantine" in done.stdout
    listed = shell("quarantine", "films/movies/2025-07-22")
    assert "expected 15 columns, found 3" in listed.stdout
    assert "tt1|too|few" in listed.stdout
    kept = next((tmp_path / "lake").rglob("quarantine.jsonl"))
    assert json.loads(kept.read_text())["line"] == 22


def test_check_tells_of_files_what_it_tells_of_requests(shell, tmp_path):
    (tmp_path / "films.yaml").write_text(SPEC)
    told = shell("check", "films.yaml").stdout
    assert "no API: it takes data/movies.csv" in told
    assert "A snapshot: the files' names do not mention the partition" in told
    assert "API:" not in told.replace("no API:", "")


#: Lands the file of the first argument, and prints the most memory that took.
LANDING = """
import resource, sys
from levada.pipeline import load
run = load("films.yaml").land(date="2025-07-22")[0]
print(run.counts.read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    (tmp_path / "films.yaml").write_text(SPEC)
    (tmp_path / "data").mkdir()
    small = landing(tmp_path, 1)
    large = landing(tmp_path, 60)
    assert small[0] * 60 == large[0]
    assert large[1] - small[1] < 20_000, "60 MB more may not take 20 MB more"


def landing(folder: Path, megabytes: int) -> tuple[int, int]:
    """Records, and peak memory in KB."""
    names = SPEC.split("columns: [")[1].split("]")[0].replace("\n", "").replace(" ", "").split(",")
    line = "|".join(f"{name}-value" for name in names).encode() + b"\n"
    with (folder / "data" / "movies.csv").open("wb") as file:
        file.write("|".join(names).encode() + b"\n")
        for _ in range(megabytes):
            file.write(line * (1_000_000 // len(line)))
    done = subprocess.run(
        [sys.executable, "-c", LANDING], cwd=folder, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    records, peak = done.stdout.split()
    return int(records), int(peak)


def test_the_files_are_of_the_original_shape_and_the_same_each_time(shell, tmp_path):
    shell("simulate", "files", "--rows", "9000", "--out", "one")
    shell("simulate", "files", "--rows", "9000", "--out", "two")
    shell("simulate", "files", "--rows", "9000", "--out", "other", "--seed", "1")
    one, two, other = (tmp_path / name / "movies.csv" for name in ("one", "two", "other"))
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    lines = one.read_text().splitlines()
    assert len(lines) == 9001
    assert {len(line.split("|")) for line in lines} == {15}
    assert {len(line.split("|")) for line in (tmp_path / "one" / "series.csv").read_text().splitlines()} == {16}
    assert [line.split("|")[0] for line in lines[1:]] == sorted(line.split("|")[0] for line in lines[1:])
    assert any(first == second for first, second in pairwise(lines))
    assert 150 < one.stat().st_size / 9000 < 180


def test_a_folder_that_cannot_be_written_is_told(shell, tmp_path):
    (tmp_path / "data").write_text("a file")
    done = shell("simulate", "files", "--out", "data")
    assert done.returncode == 2
    assert "The files cannot be written" in done.stderr


def test_files_are_looked_at_before_they_are_taken(shell, tmp_path):
    (tmp_path / "films.yaml").write_text(SPEC)
    shell("simulate", "files", "--rows", "9000", "--out", "data")
    seen = shell("preview", "films.yaml", "--rows", "1")
    assert seen.returncode == 0, seen.stderr
    assert "tt0000004" in seen.stdout
    guessed = shell("infer", "films.yaml")
    assert "generoArtista: string" in guessed.stdout
    live = shell("check", "films.yaml", "--live")
    assert "rows good, 0 bad" in live.stdout
    (tmp_path / "data" / "movies.csv").write_text("id|year\n")
    wrong = shell("preview", "films.yaml")
    assert wrong.returncode == 3
    assert "`year` is too many" in wrong.stderr
    assert not (tmp_path / "lake").exists()


def test_a_killed_run_goes_on_with_the_files_that_it_had_not_landed(shell, tmp_path):
    spec = SPEC.replace("data/movies.csv", "data/*.csv").replace("movies.csv\n    contract", "{file}\n    contract")
    (tmp_path / "films.yaml").write_text(spec)
    shell("simulate", "files", "--rows", "30000", "--out", "data")
    (tmp_path / "data" / "series.csv").unlink()
    first = tmp_path / "data" / "movies.csv"
    (tmp_path / "data" / "zz.csv").write_bytes(first.read_bytes())
    run = ("run", "films.yaml", "--date", "2025-07-22", "--json")
    with subprocess.Popen([sys.executable, "-m", "levada", *run], cwd=tmp_path, stdout=subprocess.DEVNULL) as killed:
        settles(lambda: list((tmp_path / "lake").rglob("pages/1.json")))
        killed.kill()
    again = shell(*run)
    assert again.returncode == 0, again.stderr
    (told,) = json.loads(again.stdout)["runs"]
    assert (told["resumed"], told["pages"]) == (1, 2)
    undisturbed = shell(*run, "--lake", "other")
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert shown(tmp_path / "lake") == shown(tmp_path / "other")


def shown(lake: Path) -> dict[str, bytes]:
    files = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.parts)
    return {str(path.relative_to(lake)): path.read_bytes() for path in files}
