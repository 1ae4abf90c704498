"""What a request asks for: any bytes are the parameters of a job, or a FixThis that says what is wrong with them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.errors import FixThis
from levada.serve.asked import parameters
from levada.serve.jobs import LAND, STAGE

JSON = "application/json"
LANDING = {"date": "2022-08-09", "raw_dir": "/data/raw/sales/2022-08-09"}
STAGING = {"raw_dir": "/data/raw/sales/2022-08-09", "stg_dir": "/data/stg/sales/2022-08-09"}
#: A number with more digits than Python makes a whole number of.
DIGITS = b"1" * 5000
#: Bytes that a server reads of a body at most.
LARGEST = 64 * 1024


def example(kind) -> str:
    shown = {
        "date": "2022-08-09",
        "raw_dir": "/path/to/raw/sales/2022-08-09",
        "stg_dir": "/path/to/stg/sales/2022-08-09",
    }
    return f"send {json.dumps({name: shown[name] for name in kind.parameters})}"


def text(value: object) -> bytes:
    return json.dumps(value).encode()


def landing(**members: object) -> bytes:
    """The body of a good land job with these members instead; one that is None is left out."""
    return text({name: value for name, value in {**LANDING, **members}.items() if value is not None})


def refused(body: bytes, content_type: str = JSON, kind=LAND) -> FixThis:
    with pytest.raises(FixThis) as caught:
        parameters(kind, content_type, body)
    return caught.value


@pytest.mark.parametrize(("kind", "members"), [(LAND, LANDING), (STAGE, STAGING)])
def test_a_job_gets_its_parameters_as_they_were_sent(kind, members):
    assert parameters(kind, JSON, text(members)) == (members, ())
    assert list(parameters(kind, JSON, text(dict(reversed(members.items()))))[0]) == list(kind.parameters)


@pytest.mark.parametrize("body", [text(LANDING).decode().encode(code) for code in ("utf-8-sig", "utf-16", "utf-32-le")])
def test_every_coding_that_json_tells_by_itself_is_read(body):
    assert parameters(LAND, JSON, body)[0] == LANDING


def test_a_folder_may_be_written_in_any_script():
    assert parameters(LAND, JSON, landing(raw_dir="/data/продажи/売上"))[0]["raw_dir"] == "/data/продажи/売上"


def test_members_that_no_job_of_this_kind_has_are_told():
    body = landing(stg_dir="/data/stg", rows=17, deep=[{"a": [None]}], more="x").replace(b"17", DIGITS)
    assert parameters(LAND, JSON, body) == (LANDING, ("stg_dir", "rows", "deep", "more"))


# The texts are the sales course's, and its scripts compare them.
@pytest.mark.parametrize(("kind", "name"), [(LAND, "date"), (LAND, "raw_dir"), (STAGE, "raw_dir"), (STAGE, "stg_dir")])
@pytest.mark.parametrize("empty", ["left out", None, ""])
def test_what_is_missing_is_named_in_the_words_of_the_course(kind, name, empty):
    members: dict = dict(LANDING if kind is LAND else STAGING)
    members[name] = empty
    if empty == "left out":
        del members[name]
    error = refused(text(members), kind=kind)
    assert (error.what, error.where) == (f"{name} parameter missed", "body")
    assert error.todo == example(kind)


def test_the_first_of_several_that_are_missing_is_told():
    assert refused(b"{}").what == "date parameter missed"
    assert refused(b"{}", kind=STAGE).what == "raw_dir parameter missed"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("data", "date"),
        ("Date", "date"),
        ("DATE", "date"),
        ("dates", "date"),
        ("rawdir", "raw_dir"),
        ("raw-dir", "raw_dir"),
        ("RAW_DIR", "raw_dir"),
        ("rawDir", "raw_dir"),
    ],
)
def test_a_near_miss_is_named(written, meant):
    error = refused(landing(**{meant: None, written: LANDING[meant]}))
    assert error.what == f"{meant} parameter missed"
    assert error.todo.startswith(f"write {meant} instead of {written}; send {{")


@pytest.mark.parametrize(("kind", "sent"), [(LAND, STAGING), (STAGE, LANDING)])
def test_a_parameter_of_the_other_job_is_no_near_miss(kind, sent):
    assert refused(text(sent), kind=kind).todo.startswith("send {")


@pytest.mark.parametrize("name", ["date", "raw_dir"])
@pytest.mark.parametrize(
    ("value", "called"),
    [
        (0, "a number"),
        (20220809, "a number"),
        (1.5, "a number"),
        (DIGITS, "a number"),
        (True, "true or false"),
        (False, "true or false"),
        ([], "a list"),
        (["2022-08-09"], "a list"),
        ({}, "an object"),
        ({"date": "2022-08-09"}, "an object"),
    ],
    ids=lambda value: str(value)[:10],
)
def test_a_parameter_that_is_no_text_is_refused(name, value, called):
    sent = value if value is DIGITS else text(value)
    error = refused(landing().replace(text(LANDING[name]), sent))
    assert error.what == f"{name} parameter must be a text, not {called}"
    assert error.where == f"body.{name}"
    assert error.todo.startswith('send {"date": ')


@pytest.mark.parametrize(
    ("body", "called"),
    [
        (b"[]", "a list"),
        (text([LANDING]), "a list"),
        (b'"2022-08-09"', "a text"),
        (b'""', "a text"),
        (b"7", "a number"),
        (b"0", "a number"),
        (DIGITS, "a number"),
        (b"-1.5e999", "a number"),
        (b"null", "null"),
        (b"true", "true or false"),
        (b"false", "true or false"),
    ],
    ids=lambda value: str(value)[:10],
)
def test_json_that_is_no_object_is_refused(body, called):
    error = refused(body)
    assert (error.what, error.where) == (f"the body must be a JSON object, not {called}", "body")
    assert error.todo == example(LAND)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "Expecting value"),
        (b"   ", "Expecting value"),
        (text(LANDING)[:-1], "delimiter: line 1 column"),
        (text(LANDING)[:-10], "Unterminated string"),
        (b"{'date': '2022-08-09'}", "double quotes"),
        (b"date=2022-08-09&raw_dir=/x", "Expecting value"),
        (text(LANDING) + text(LANDING), "Extra data"),
        (b'{"date": "2022-08-09\xff"}', "invalid start byte"),
        (text(LANDING).decode().encode("utf-16")[:-1], "truncated data"),
        (b"\x00" * 100, "Expecting value"),
        (b'{"date": "2022\n08"}', "Invalid control character"),
        (b'{"date": NaN}', "NaN is no value of JSON"),
        (b'{"date": -Infinity}', "-Infinity is no value of JSON"),
        (landing()[:-1] + b', "x": NaN}', "NaN is no value of JSON"),
        (b"[" * 60_000, "too deep"),
        (b'{"a":' * 12_000, "too deep"),
        (b"<xml/>", "Expecting value"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_json_is_refused_and_the_place_told(body, why):
    error = refused(body)
    assert error.what.startswith("the body is no JSON: ")
    assert why in error.what
    assert error.where == "body"
    assert error.todo.startswith('send {"date": ')


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"date": "2022-08-09", "raw_dir": "/a", "raw_dir": "/b"}', "raw_dir"),
        (b'{"date": "2022-08-09", "date": "2022-08-09", "raw_dir": "/a"}', "date"),
        (b'{"x": 1, "date": "2022-08-09", "raw_dir": "/a", "x": 1}', "x"),
        (b'{"date": "2022-08-09", "raw_dir": "/a", "x": {"y": 1, "y": 2}}', "y"),
        (b'{"d\\u0061te": "2022-08-09", "raw_dir": "/a", "date": "2022-08-10"}', "date"),
    ],
)
def test_a_name_that_comes_twice_is_refused(body, name):
    error = refused(body)
    assert (error.what, error.where) == (f"{name} is in the body twice", "body")
    assert error.todo.startswith("send {")


@pytest.mark.parametrize(
    ("date", "why", "todo"),
    [
        ("2022-8-9", "is no date", "write 2022-08-09"),
        ("2022/08/09", "is no date", "write 2022-08-09"),
        ("20220809", "is no date", "write 2022-08-09"),
        (" 2022-08-09", "is no date", "write 2022-08-09"),
        ("2022-08-09\n", "is no date", "write 2022-08-09"),
        ("2022-08-09T00:00:00", "is no date", "write it as 2022-08-09 (year, month, day)"),
        ("09.08.2022", "is no date", "write it as 2022-08-09 (year, month, day)"),
        ("2022-02-30", "is no day of the calendar", "give a day that there is, written as 2022-08-09"),
        ("2022-13-01", "is no day of the calendar", "give a day that there is"),
        ("0000-01-01", "is no day of the calendar", "give a day that there is"),
        ("٢٠٢٢-٠٨-٠٩", "is no date", "write it as 2022-08-09 (year, month, day)"),
        (
            "\uff12\uff10\uff12\uff12-\uff10\uff18-\uff10\uff19",
            "is no date",
            "write it as 2022-08-09 (year, month, day)",
        ),
        ("today", "is no date", "write it as 2022-08-09 (year, month, day)"),
        ("{date}", "is no date", "write it as 2022-08-09 (year, month, day)"),
        ("\ud800", "is no date", "write it as 2022-08-09 (year, month, day)"),
        ("2" * 60_000, "is no date", "write it as 2022-08-09 (year, month, day)"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_date_that_is_none_is_refused_with_the_one_that_was_meant(date, why, todo):
    error = refused(landing(date=date))
    assert error.what.startswith("date parameter malformed: ")
    assert why in error.what
    assert len(error.what) < 120
    assert error.where == "body.date"
    assert error.todo.startswith(todo)


@pytest.mark.parametrize(
    ("content_type", "came"),
    [
        ("", "came without a type"),
        ("text/plain", "came as text/plain"),
        ("text/json", "came as text/json"),
        ("application/x-www-form-urlencoded", "came as application/x-www-form-urlencoded"),
        ("multipart/form-data", "came as multipart/form-data"),
        ("application/json, text/plain", "came as application/json, text/plain"),
        ("application/jsonp", "came as application/jsonp"),
        ("x" * 10_000, "came as xxx"),
    ],
    ids=lambda value: value[:30],
)
def test_nothing_but_json_is_taken_however_good_the_body(content_type, came):
    error = refused(text(LANDING), content_type)
    assert error.what.startswith("the body must be sent as application/json, and ")
    assert came in error.what
    assert len(error.what) < 150
    assert error.where == "Content-Type"
    assert error.todo == "add the header Content-Type: application/json"


def test_as_many_names_as_a_body_can_hold_are_read():
    many = {f"{number:x}": 0 for number in range(6000)}
    assert len(text(many)) < LARGEST
    assert refused(text(many)).what == "date parameter missed"
    assert len(parameters(LAND, JSON, text({**many, **LANDING}))[1]) == 6000


ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["date", "raw_dir", "stg_dir", "data"]) | st.text(), inner, max_size=4)
        ),
        max_leaves=8,
    ).map(text),
    st.fixed_dictionaries({"date": st.text() | st.just("2022-08-09"), "raw_dir": st.text()}).map(text),
)


@given(kind=st.sampled_from([LAND, STAGE]), content_type=st.just(JSON) | st.text(), body=ANYTHING)
def test_any_bytes_give_parameters_or_are_refused(kind, content_type, body):
    try:
        found, ignored = parameters(kind, content_type, body)
    except FixThis as error:
        told = error
    else:
        assert content_type == JSON
        assert tuple(found) == kind.parameters
        assert all(isinstance(value, str) and value for value in found.values())
        assert not set(ignored) & set(found)
        return
    assert all((told.what, told.where, told.todo))
