"""What docs/job-servers.md says is so: its statuses, its fields, its answers, its Python."""

import json
import re
from pathlib import Path

import pytest

from levada.serve.answers import MEANINGS
from serving import DAY, serving

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "job-servers.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
ANSWER, LOGGED = (json.loads(text) for language, text in BLOCKS if language == "json")


@pytest.fixture
def server(api, tmp_path):
    with serving(api.environment, tmp_path / "root") as started:
        yield started


def below(heading):
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_every_status_that_a_server_tells_of_stands_in_the_table():
    named = [int(status) for status in re.findall(r"^\| ([0-9]{3}) \|", below("Ask for a job"), re.MULTILINE)]
    assert named == sorted({*map(int, MEANINGS), 405})


def test_the_answer_has_the_members_that_are_shown(server):
    answer = server.land()
    assert answer.status == 201
    assert answer.json["message"] == ANSWER["message"]
    assert ANSWER["run"].keys() <= answer.json["run"].keys()
    assert ANSWER["run"]["files"][0] == answer.json["run"]["files"][0]
    assert ANSWER["run"]["counts"] == answer.json["run"]["counts"]


def test_the_log_has_the_fields_that_are_told(server):
    server.land()
    server.stage()
    fields = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", below("Look at it"), re.MULTILINE)))
    land = server.logged(raw_dir=str(server.raw_dir()), date=DAY)
    stage = server.logged(stg_dir=str(server.stg_dir()))
    assert [*land] == [*LOGGED]
    assert {*land, *stage, "bug"} == {*fields}


def test_what_an_airflow_task_calls_does_both_jobs(server):
    names = {}
    text = PYTHON[0].replace("8081", str(server.ports["land"])).replace("8082", str(server.ports["stage"]))
    exec(text, names)
    for _ in range(2):
        names["process_sales"](DAY, str(server.root))
    assert len([*server.stg_dir().iterdir()]) == 4


def test_the_jobs_from_python(api, tmp_path, monkeypatch, capsys):
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(REPOSITORY)
    exec(PYTHON[1], {"root": str(tmp_path / "root")})
    said = capsys.readouterr().out.strip()
    assert f"# {said}\n" in PYTHON[1]
    assert said == "4 338"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("sales_2.json", '{"message": "You requested page that doesn\'t exist: page=5"}', 0),
        ("sales_2.json", "[{'client': 'A'}]", 1),
        ("sales_2.json", '[{"client": "A", "purchase_date": "2022-08-09", "product": "TV", "price', 2),
        ("sales_3.json", "[]", 3),
    ],
)
def test_raw_files_of_others_are_told_in_the_words_of_the_page(server, name, text, told):
    raw = server.raw_dir()
    raw.mkdir(parents=True)
    (raw / "sales_1.json").write_text('[{"client": "A", "purchase_date": "2022-08-09", "product": "TV", "price": 1}]')
    (raw / name).write_text(text)
    words = re.findall(r"^- .*: `(.+)`$", below("Where raw files come from"), re.MULTILINE)[told]
    answer = server.stage()
    assert answer.status == 400
    for part in re.split(r" ?\.\.\. ?|\(byte .*", words):
        assert part in answer.message
    assert told == 3 or name in answer.message
    assert not server.stg_dir().exists()
