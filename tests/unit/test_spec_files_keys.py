"""The keys of streams of files: what they mean, and what is told of mistakes."""

import pytest

from levada.spec.read import read_text
from levada.spec.words import words
from mistakes import told

STREAM = "pipeline: p\nstreams:\n  films:\n    "


def stream(text: str):
    return read_text(f"{STREAM}{text}\n", "s.yaml", {}).streams[0]


def test_a_spec_of_files_needs_no_source():
    spec = read_text(f"{STREAM}files: in/*.csv\n", "s.yaml", {})
    assert spec.source.url == ""
    assert [name.text for name in spec.streams[0].files.names] == ["in/*.csv"]
    assert spec.streams[0].raw.text == "raw/{pipeline}/{stream}/{partition}/{file}"
    assert not any(line.startswith("  API:") for line in words(spec))


def test_several_names_and_templates():
    found = stream('files: ["in/{date:%Y/%m}/*.csv", s3://b/x.csv, https://h.example/y.csv]')
    assert len(found.files.names) == 3


def test_defaults_for_requests_are_not_for_files():
    text = "pipeline: p\ndefaults: {paging: {by: page}, format: csv}\nstreams: {films: {files: a.csv}}\n"
    films = read_text(text, "s.yaml", {}).streams[0]
    assert films.paging.by == "none"
    assert films.records.format.kind == "csv"


@pytest.mark.parametrize(
    ("text", "at", "what", "todo"),
    [
        ("files: []", "4:12", "files is empty", "name at least one"),
        ("files: ~/a.csv", "4:12", "begins with ~", "${HOME}"),
        ("files: file:///a.csv", "4:12", "files of file:// cannot be taken", "leave file:// out"),
        ("files: ftp://h/a.csv", "4:12", "files of ftp:// cannot be taken", "use a path"),
        ("files: https://u:p@h/a.csv", "4:12", "a secret in the open", "source: auth"),
        ('files: "{page}.csv"', "4:12", "{page} is no variable here", "known here"),
        (
            "files: a.csv\n    request: {path: /x}",
            "5:14",
            "request has no meaning with files",
            "leave request or files",
        ),
        ("files: a.csv\n    paging: {by: page}", "5:13", "paging has no meaning with files", "leave paging or files"),
        ('files: "*.csv"\n    raw: "raw/{date}.csv"', "5:10", "raw lacks {file}", "put {file} into it"),
        ("format: csv", "4:5", "a stream lacks the key request", "files: PATH"),
        ("request: {path: /x}", "1:1", "the spec lacks the key source, which stream films asks", "add source"),
        ("csv: {delimiter: x}\n    files: a.csv", "4:5", 'unknown key "csv"', "write format: {type: csv"),
        (
            "files: a.csv\n    format: {type: csv, header: [a], columns: [a]}",
            "5:47",
            "header is for files without a line of names",
            "keep one",
        ),
        (
            "files: a.csv\n    format: {type: csv, columns: [a, a]}",
            "5:34",
            'the column "a" stands in columns twice',
            "own",
        ),
        (
            "files: a.csv\n    format: {type: json, columns: [a]}",
            "5:35",
            "columns has no meaning with",
            "leave columns",
        ),
        (
            "files: a.csv\n  more: {pages_of: films}",
            "5:20",
            "films takes files, which have no pages",
            "write the files of films here",
        ),
    ],
)
def test_mistakes(text, at, what, todo):
    told(f"{STREAM}{text}\n", at, what, todo)


def test_a_name_of_a_file_is_for_streams_of_files():
    spec = """pipeline: p
source: {url: https://h.example}
streams:
  sales:
    request: {path: /x}
    raw: "raw/{date}/{file}"
"""
    told(spec, "6:10", "{file}: a stream without files has none", "name pages by {page}")
