import json

import pytest

from levada.errors import FixThis
from levada.simulate.rules import Book, parse


def rules(*given):
    return parse(json.dumps(list(given)).encode())


def book(*given):
    made = Book()
    made.replace(rules(*given))
    return made


def refusal(given):
    with pytest.raises(FixThis) as caught:
        parse(given if isinstance(given, bytes) else json.dumps(given).encode())
    return str(caught.value)


def test_one_object_is_a_list_of_one():
    (rule,) = parse(b'{"fault": {"reset": true}}')
    assert (dict(rule.match), rule.times, rule.fault.kind) == ({}, 1, "reset")


def test_values_match_as_text():
    made = book({"match": {"page": 2, "date": "2022-08-09"}, "fault": {"reset": True}})
    assert made.take({"page": "1", "date": "2022-08-09"}, "/sales") is None
    assert made.take({"page": "2"}, "/sales") is None
    assert made.take({"page": "2", "date": "2022-08-09"}, "/sales").kind == "reset"


def test_a_path_matches():
    made = book({"match": {"path": "/sales"}, "fault": {"html": True}})
    assert made.take({}, "/other") is None
    assert made.take({}, "/sales").kind == "html"


def test_a_rule_strikes_once_unless_told_otherwise():
    made = book({"fault": {"reset": True}})
    assert [made.take({}, "/") is None for _ in range(3)] == [False, True, True]


def test_a_rule_strikes_as_often_as_it_says_then_the_next_one_does():
    made = book({"times": 2, "fault": {"reset": True}}, {"times": None, "fault": {"html": True}})
    assert [made.take({}, "/").kind for _ in range(5)] == ["reset", "reset", "html", "html", "html"]


def test_what_is_left_is_shown():
    made = book({"match": {"page": 1}, "times": 2, "fault": {"status": 503}}, {"times": None, "fault": {"delay": 0.5}})
    made.take({"page": "1"}, "/")
    made.take({}, "/")
    assert made.shown() == [
        {"match": {"page": "1"}, "times": 2, "left": 1, "fault": {"status": 503}},
        {"match": {}, "times": None, "left": None, "fault": {"delay": 0.5}},
    ]


def test_new_rules_replace_old_ones():
    made = book({"fault": {"reset": True}})
    made.replace(())
    assert made.take({}, "/") is None
    assert made.shown() == []


def test_a_delay_goes_with_another_fault():
    (rule,) = rules({"fault": {"delay": 0.25, "cut_body": 7}})
    assert (rule.fault.delay, rule.fault.kind, rule.fault.value) == (0.25, "cut_body", 7)


@pytest.mark.parametrize(
    ("given", "what", "where", "todo"),
    [
        (b"{", "The faults are no JSON", "where: the body", 'send {"match", "times", "fault"}'),
        (b"\xff", "The faults are no JSON", "where: the body", "send"),
        (7, "7 is no JSON object.", "where: rule 1", "give an object"),
        ([{"fault": {"reset": True}}, {"falt": {}}], "`falt` is no known key.", "rule 2", "did you mean `fault`?"),
        ({"fault": {"dely": 1}}, "`dely` is no known key.", "rule 1, fault", "did you mean `delay`? known: delay, "),
        ({"fault": {"zzz": 1}}, "`zzz` is no known key.", "rule 1, fault", "to do: known: delay, "),
        ({"match": {}}, "There is no `fault`.", "rule 1", '"fault": {"status": 503}'),
        ({"fault": {}}, "Nothing goes wrong in it.", "rule 1, fault", "give one of delay, "),
        ({"fault": []}, "[] is no JSON object.", "rule 1, fault", "give an object"),
        ({"match": [], "fault": {"reset": True}}, "[] is no JSON object.", "rule 1, match", "give an object"),
        ({"match": {"page": True}, "fault": {"reset": True}}, "`page` is true.", "rule 1, match", "a whole number"),
        ({"match": {"page": None}, "fault": {"reset": True}}, "`page` is null.", "rule 1, match", "a whole number"),
        ({"times": 0, "fault": {"reset": True}}, "`times` is 0.", "rule 1", "a number from 1, or null"),
        ({"times": True, "fault": {"reset": True}}, "`times` is true.", "rule 1", "a number from 1, or null"),
        ({"fault": {"reset": True, "html": True}}, "`reset` and `html` cannot both", "rule 1, fault", "its own rule"),
        ({"fault": {"status": 503, "reset": True}}, "`reset` and `status` cannot both", "rule 1", "its own rule"),
        ({"fault": {"retry_after": 2}}, "`retry_after` needs a `status`.", "rule 1, fault", '"status": 503'),
        ({"fault": {"retry_after": 2, "gzip": True}}, "`retry_after` needs a `status`.", "rule 1", '"status": 503'),
        ({"fault": {"reset": False}}, "`reset` is false.", "rule 1, fault", "give true, or leave it out"),
        ({"fault": {"gzip": 1}}, "`gzip` is 1.", "rule 1, fault", "give true, or leave it out"),
        ({"fault": {"delay": -1}}, "`delay` is -1.", "rule 1, fault", "give seconds"),
        ({"fault": {"delay": 10**400}}, "`delay` is 1000", "rule 1, fault", "give seconds"),
        (b'{"fault": {"delay": NaN}}', "`delay` is NaN.", "rule 1, fault", "give seconds"),
        ({"fault": {"cut_body": "9"}}, '`cut_body` is "9".', "rule 1, fault", "give the bytes"),
        ({"fault": {"cut_body": -1}}, "`cut_body` is -1.", "rule 1, fault", "give the bytes"),
        ({"fault": {"repeat_page": "x"}}, '`repeat_page` is "x".', "rule 1, fault", "give the page"),
        ({"fault": {"status": 100}}, "`status` is 100.", "rule 1, fault", "from 200 to 599"),
        ({"fault": {"status": 600}}, "`status` is 600.", "rule 1, fault", "from 200 to 599"),
        ({"fault": {"status": 503, "retry_after": "a\r\nb: c"}}, "`retry_after` is ", "rule 1, fault", "date_in"),
        ({"fault": {"status": 503, "retry_after": {"in": 2}}}, "`retry_after` is ", "rule 1, fault", "date_in"),
        ({"fault": {"status": 503, "retry_after": {"date_in": 1e12}}}, "`retry_after` is ", "rule 1, fault", "date_in"),
        ({"fault": {"status": 503, "retry_after": None}}, "`retry_after` is null", "rule 1, fault", "date_in"),
    ],
)
def test_a_mistake_is_told(given, what, where, todo):
    text = refusal(given)
    assert what in text
    assert where in text
    assert todo in text[text.index("to do:") :]
