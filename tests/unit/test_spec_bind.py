"""A spec for one partition: equals filled, variables demanded, secrets revealed."""

import pytest

from levada.errors import FixThis
from levada.nouns import Place
from levada.secret import Secret, redact
from levada.spec.auth import SecretRef
from levada.spec.bind import bind_contract, know_secrets, needed, require, secret, values_of
from levada.spec.partition import parse_day
from levada.spec.read import read_text

TEXT = """\
pipeline: sales
lake: ${LAKE}
source: {url: "${URL}", auth: {header: K, key: "${T:-${U}}"}}
streams:
  one:
    request: {path: "/${ONE}"}
    raw: raw/${TEAM}/{date}/{page}
    contract: {fields: {x: string}}
  two:
    request: {path: "/${TWO}"}
"""
REF = SecretRef(("T", "U"), Place("s.yaml", 3, 47))


def contract(rule):
    below = f"{{request: {{path: /}}, contract: {{fields: {{x: {rule}}}}}}}"
    text = f"pipeline: p\nsource: {{url: http://a}}\nstreams: {{s: {below}}}"
    return read_text(text, "s.yaml", {}).streams[0].contract


@pytest.mark.parametrize(
    ("rule", "filled"),
    [
        ('{type: date, equals: "{date}"}', "2022-08-09"),
        ('{type: string, equals: "{pipeline}/{stream} {date:%d.%m.%Y} {{"}', "p/s 09.08.2022 {"),
        ('{type: int32, equals: "{date:%Y%m%d}"}', 20220809),
        ("{type: int64, equals: 5}", 5),
        ("{type: boolean, equals: true}", True),
        ("string", None),
    ],
)
def test_equals_is_filled_with_the_partition_and_has_its_type(rule, filled):
    bound = bind_contract(contract(rule), values_of("p", "s", parse_day("2022-08-09"))).fields[0]
    assert bound.equals == filled
    assert type(bound.equals) is type(filled)


def test_what_does_not_hang_on_the_partition_stays_the_same():
    found = contract("{type: int32, min: 0}")
    assert bind_contract(found, values_of("p", "s", parse_day("2022-08-09"))) == found


def test_a_template_that_gives_no_value_for_this_partition_is_refused():
    found = contract('{type: int32, equals: "{date:%Y%m%d%d}"}')
    with pytest.raises(FixThis) as caught:
        bind_contract(found, values_of("p", "s", parse_day("9999-12-31")))
    assert caught.value.what == '"{date:%Y%m%d%d}" in equals gives no int32 for this partition.'
    assert caught.value.where.startswith("s.yaml:3:")
    assert "whole number" in caught.value.todo


def test_fetching_needs_the_source_and_its_own_request():
    spec = read_text(TEXT, "s.yaml", {"LAKE": "x", "TEAM": "y", "URL": "http://a", "ONE": "1"})
    with pytest.raises(FixThis) as caught:
        require(spec, needed("land", spec.streams[0]))
    assert caught.value.what == "Not set: T or U."
    assert caught.value.where == "s.yaml:3:48 (source.auth.key)"
    assert "export T=" in caught.value.todo
    assert ".env" in caught.value.todo


def test_every_missing_variable_is_named_at_once():
    spec = read_text(TEXT, "s.yaml", {})
    with pytest.raises(FixThis) as caught:
        require(spec, needed("run", spec.streams[0]))
    for name in ("LAKE", "URL", "T or U", "ONE", "TEAM"):
        assert name in caught.value.what
    assert "TWO" not in caught.value.what


def test_staging_needs_no_token_and_reading_only_the_lake():
    spec = read_text(TEXT, "s.yaml", {"LAKE": "x", "TEAM": "y"})
    require(spec, needed("stage", spec.streams[0]))
    spec = read_text(TEXT, "s.yaml", {"LAKE": "x"})
    require(spec, needed("read", spec.streams[0]))
    with pytest.raises(FixThis, match="TEAM"):
        require(spec, needed("stage", spec.streams[0]))


MADE = """pipeline: p
source: {url: http://a, auth: {bearer: "${TOKEN}"}}
streams:
  whole: {request: {path: "/${PATH_OF_WHOLE}"}}
  parts: {pages_of: whole, records: "$[*]", raw: "parts/{date}/${NAME}.json"}
  lines: {files: "${FOLDER}/a.csv", format: csv}
"""


@pytest.mark.parametrize(
    ("stream", "verb", "unset"),
    [(1, "run", "NAME"), (1, "land", "NAME"), (2, "run", "FOLDER"), (2, "land", "FOLDER")],
)
def test_what_is_made_from_pages_or_files_needs_no_source(stream, verb, unset):
    spec = read_text(MADE, "s.yaml", {})
    with pytest.raises(FixThis) as caught:
        require(spec, needed(verb, spec.streams[stream]))
    assert caught.value.what == f"Not set: {unset}."


def test_a_place_is_no_prefix_of_another_word():
    spec = read_text(TEXT.replace("  two:", "  one-more:"), "s.yaml", {"LAKE": "x"})
    require(spec, ["streams.on", "streams.one-", "sourc"])
    with pytest.raises(FixThis, match="TWO"):
        require(spec, ["streams.one-more"])


def test_a_secret_is_the_first_variable_that_is_not_empty():
    assert secret(REF, {"T": "first-secret", "U": "other"}) == Secret("T", "first-secret")
    assert secret(REF, {"T": "", "U": "other-secret"}) == Secret("U", "other-secret")


def test_a_secret_that_is_not_set_says_which_and_how():
    with pytest.raises(FixThis) as caught:
        secret(REF, {"T": ""})
    assert caught.value.what == "The secret T or U is not set."
    assert caught.value.where == "s.yaml:3:47"
    assert "export T=" in caught.value.todo


@pytest.mark.parametrize(
    "value", ["abc-hidden\n", " abc-hidden", "abc-hidden\r\nX: y", "abc-hidden\x00", "abc-hidden\udcff"]
)
def test_a_secret_that_cannot_be_sent_is_refused_and_not_shown(value):
    with pytest.raises(FixThis) as caught:
        secret(REF, {"T": value})
    assert "The value of T" in caught.value.what
    assert "hidden" not in str(caught.value)


def test_the_secrets_of_a_spec_are_redacted_though_nobody_revealed_them():
    spec = read_text(
        "pipeline: p\nsource: {url: http://a, auth: {class: 'hooks:Signer', secrets: {key: '${KEY:-${OLDER_KEY}}'}}}\n"
        "streams: {s: {request: {path: /}, contract: {fields: {x: string}}, load: {postgres: '${PG_URL}'}}}\n"
        "notify: {webhook: '${HOOK_URL}'}\n",
        "s.yaml",
        {"PG_URL": "x"},
    )
    know_secrets(spec, {
        "KEY": "never-revealed-1\n", "OLDER_KEY": "never-revealed-2", "PG_URL": "postgresql://u:never%20revealed@h/d",
        "HOOK_URL": "\ud800-is-no-unicode", "OTHER": "a-plain-variable",
    })  # fmt: skip
    said = "never-revealed-1 never-revealed-2 of a-plain-variable; never%20revealed"
    assert redact(said) == "[secret] [secret] of a-plain-variable; [secret]"
