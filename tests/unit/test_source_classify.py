import pytest

from levada.source.classify import Verdict, classify
from levada.source.fake import answer
from plans import RULES, rule


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (200, b"[]", "page"),
        (201, b"[1]", "page"),
        (200, b"", "empty"),
        (200, b" \r\n", "empty"),
        (204, b"", "empty"),
        (204, b"[1]", "empty"),
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
    assert classify((), answer(status, body)) == Verdict(means)


def test_rules_are_tried_in_order_and_both_halves_must_fit():
    rules = (rule("end", 404, "page"), rule("no_data", 404), rule("fail", None, "quota"), rule("empty", 500))
    assert classify(rules, answer(404, b"no such page")).means == "end"
    assert classify(rules, answer(404, b"quota")).means == "no_data"
    assert classify(rules, answer(200, b'{"error": "quota"}')) == Verdict("fail", rules[2])
    assert classify(rules, answer(500, b"page")).means == "empty"
    assert classify(rules, answer(200, b"page")).means == "page"


def test_a_rule_goes_before_what_a_status_stands_for():
    assert classify((rule("end", 403),), answer(403)).means == "end"
    assert classify((rule("retry", 404),), answer(404)).means == "retry"


def test_text_is_case_sensitive_and_found_in_any_script():
    assert classify(RULES, answer(404, b"no data found")).means == "unknown"
    assert classify((rule("end", 404, "ende für"),), answer(404, "das ende für heute".encode())).means == "end"
