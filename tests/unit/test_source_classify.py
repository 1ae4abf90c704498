import json
from dataclasses import replace

import pytest

from levada.errors import ContractBroken
from levada.source.classify import Verdict, classify
from levada.source.fake import answer
from plans import RULES, rule


def judged(rules, said, **kind):
    return classify(rules, said, lambda: json.loads(said.body), **kind)


def never():
    raise AssertionError


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (200, b"[]", "page"),
        (201, b"[1]", "page"),
        (207, b"[1]", "page"),
        (200, b"", "empty"),
        (200, b" \r\n", "empty"),
        (204, b"", "empty"),
        (204, b"[1]", "empty"),
        (205, b"[1]", "empty"),
        (401, b"", "denied"),
        (403, b"", "denied"),
        (407, b"", "denied"),
        (408, b"", "retry"),
        (425, b"", "retry"),
        (429, b"", "retry"),
        (500, b"", "retry"),
        (599, b"", "retry"),
        (400, b"", "unknown"),
        (404, b"", "unknown"),
        (422, b"", "unknown"),
        (304, b"", "unknown"),
        (600, b"", "unknown"),
    ],
)
def test_without_a_rule_the_status_says(status, body, means):
    assert classify((), answer(status, body), never) == Verdict(means)


def test_rules_are_tried_in_order_and_both_halves_must_fit():
    rules = (rule("end", 404, "page"), rule("no_data", 404), rule("fail", None, "quota"), rule("empty", 500))
    assert judged(rules, answer(404, b"no such page")).means == "end"
    assert judged(rules, answer(404, b"quota")).means == "no_data"
    assert judged(rules, answer(200, b'{"error": "quota"}')) == Verdict("fail", rules[2])
    assert judged(rules, answer(500, b"page")).means == "empty"
    assert judged(rules, answer(200, b"page")).means == "page"


def test_the_order_of_rules_decides_where_two_fit():
    both = (rule("empty", 422), rule("end", 404)), (rule("end", 404), rule("empty", 422))
    assert [judged(rules, answer(404, b"gone")).means for rules in both] == ["end", "end"]
    first = rule("skip", 404), rule("end", 404)
    assert judged(first, answer(404)).means == "skip"
    assert judged(first[::-1], answer(404)).means == "end"


def test_a_rule_goes_before_what_a_status_stands_for():
    assert judged((rule("end", 403),), answer(403)).means == "end"
    assert judged((rule("retry", 404),), answer(404)).means == "retry"
    assert judged((rule("empty", 503),), answer(503, b"[]")).means == "empty"


@pytest.mark.parametrize("means", ["end", "no_data", "empty", "retry", "wait", "skip", "refresh_auth", "fail"])
def test_every_word_of_responses_is_what_the_answer_means(means):
    said = rule(means, 418)
    assert judged((said,), answer(418)) == Verdict(means, said)


@pytest.mark.parametrize(("status", "fits"), [(399, False), (400, True), (450, True), (499, True), (500, False)])
def test_statuses_are_ranges(status, fits):
    said = replace(rule("fail"), statuses=((400, 499), (600, 600)))
    assert (judged((said,), answer(status, b"x")).rule is said) is fits
    assert judged((said,), answer(600)).rule is said


def test_text_is_case_sensitive_and_found_in_any_script():
    assert judged(RULES, answer(404, b"no data found")).means == "unknown"
    assert judged((rule("end", 404, "ende für"),), answer(404, "das ende für heute".encode())).means == "end"


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (b'{"errors": ["slow down"]}', True),
        (b'{"errors": {"code": 7}}', True),
        (b'{"errors": "x"}', True),
        (b'{"errors": true}', True),
        (b'{"errors": 0}', True),
        (b'{"errors": null}', False),
        (b'{"errors": false}', False),
        (b'{"errors": ""}', False),
        (b'{"errors": []}', False),
        (b'{"errors": {}}', False),
        (b'{"data": []}', False),
        (b"[]", False),
        (b'{"errors": ', False),
        (b"errors", False),
        (b"\xff", False),
    ],
)
def test_a_rule_by_json_fits_where_its_path_finds_something_that_says_something(body, fits):
    said = replace(rule("retry"), json="$.errors")
    assert (judged((said,), answer(200, body)).means == "retry") is fits


def test_one_telling_match_of_many_is_enough():
    said = replace(rule("retry"), json="$.items[*].error")
    assert judged((said,), answer(200, b'{"items": [{"error": null}, {"error": "x"}]}')).means == "retry"
    assert judged((said,), answer(200, b'{"items": [{"error": null}, {"error": ""}]}')).means == "page"
    picked = replace(rule("end"), json='$[?@.code == "gone"]')
    assert judged((picked,), answer(404, b'[{"code": "gone"}]')).means == "end"
    assert judged((picked,), answer(404, b'[{"code": "here"}]')).means == "unknown"


def test_a_body_that_its_format_refuses_fits_no_path():
    def refuse():
        raise ContractBroken("The body is no JSON.")

    assert classify((replace(rule("end"), json="$"),), answer(404, b"<a/>"), refuse).means == "unknown"


def test_a_body_is_only_read_where_everything_else_fits():
    rules = (replace(rule("end", 404), json="$.a"), replace(rule("end", None, "words"), json="$.a"))
    assert classify(rules, answer(200, b'{"a": 1}'), never).means == "page"


@pytest.mark.parametrize(
    ("header", "fits"),
    [
        (("x-cache", None), True),
        (("X-Cache", "stale"), True),
        (("x-cache", " stale "), True),
        (("x-cache", "Stale"), False),
        (("x-cache", "sta"), False),
        (("x-none", None), False),
    ],
)
def test_a_rule_by_header(header, fits):
    said = replace(rule("retry"), header=header)
    assert (judged((said,), answer(200, b"[]", {"X-Cache": "stale"})).means == "retry") is fits


def test_all_conditions_of_a_rule_hold_together():
    said = replace(rule("wait", 403, "limit"), json="$.message", header=("x-left", "0"))
    whole = answer(403, b'{"message": "limit"}', {"X-Left": "0"})
    assert judged((said,), whole) == Verdict("wait", said)
    for other in (
        replace(whole, status=404),
        replace(whole, body=b'{"message": "else"}'),
        replace(whole, body=b'{"limit": 1}'),
        replace(whole, headers={"x-left": "1"}),
    ):
        assert judged((said,), other).rule is None


def test_graphql_fails_with_a_200_that_holds_errors():
    failed = answer(200, b'{"data": null, "errors": [{"message": "no such field"}]}')
    assert judged((), failed, graphql=True) == Verdict("fail")
    assert judged((), failed).means == "page"
    assert judged((), answer(200, b'{"data": {"a": 1}, "errors": []}'), graphql=True).means == "page"
    assert judged((), answer(200, b"<html>"), graphql=True).means == "page"
    assert judged((), answer(500, failed.body), graphql=True).means == "retry"
    slow = replace(rule("wait"), json="$.errors[?@.type == 'RATE_LIMITED']")
    assert judged((slow,), answer(200, b'{"errors": [{"type": "RATE_LIMITED"}]}'), graphql=True).means == "wait"
    assert judged((slow,), failed, graphql=True).means == "fail"
