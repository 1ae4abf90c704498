"""Reports in Google Sheets: against the simulator, over HTTP, by gspread."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from levada import extras, secret
from levada.edges import Edges, FixedClock
from levada.errors import ApiRefused, ContractBroken, FixThis, LevadaError, TryLater
from levada.report.model import SheetTarget, Table
from levada.report.sheets import changes
from levada.report.sheets.account import account_in
from levada.report.sheets.publish import publish
from levada.simulate.sheets import PRIVATE, READ_ONLY
from levada.simulate.sheets_account import EMAIL
from levada.simulate.sheets_cells import Cell
from sheetside import sheets_served
from webserver import Said, WebServer

DAY = date(2024, 10, 8)
SERIAL = 45573
WRITES = ":batchUpdate"
COLUMNS = ("date", "attempts", "users")


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def table(*rows, columns=COLUMNS):
    return Table(columns, rows)


@pytest.fixture(scope="module")
def served():
    with sheets_served() as server:
        yield server


@pytest.fixture
def sheets(served):
    served.anew()
    return served


@pytest.fixture
def put(sheets):
    """Publish a table into the worksheet `daily` of the simulator."""

    def go(rows, mode="upsert", key=("date",), edges=None, **target):
        aim = replace(SheetTarget(sheets.book, "daily", mode, () if mode == "replace" else key), **target)
        return publish(rows, aim, account_in(sheets.environment), edges or sheets.edges())

    return go


def by_hand(sheets, *lines, title="daily"):
    """A worksheet as people made it."""
    book = sheets.within.books[sheets.book]
    sheet = book.sheets[0]
    sheet.title = title
    for row, line in enumerate(lines):
        for column, value in enumerate(line):
            if value != "":
                is_formula = isinstance(value, str) and value.startswith("=")
                sheet.cells[row, column] = Cell(None if is_formula else value, value if is_formula else None)
    return sheet


def counts(done):
    return done.added, done.updated, done.unchanged, done.removed


def message(of, action):
    with pytest.raises(of) as caught:
        action()
    return str(caught.value)


# ----- one table


def test_a_worksheet_is_made_with_header_and_rows(sheets, put):
    done = put(table((DAY, 5, 3), (day(1), 7, 4)))
    assert sheets.grid("daily") == [["date", "attempts", "users"], [SERIAL, 5, 3], [SERIAL + 1, 7, 4]]
    assert (done.title, counts(done), done.requests) == ("Levada demo", (2, 0, 0, 0), 4)
    own = next(sheet for sheet in sheets.within.books[sheets.book].sheets if sheet.title == "daily")
    assert done.url == f"{sheets.url}/spreadsheets/d/{sheets.book}/edit#gid={own.number}"
    assert own.grid == {"frozenRowCount": 1}
    assert sheets.log() == [
        ("POST", "/token", 200),
        ("GET", "", 200),
        ("POST", WRITES, 200),
        ("GET", "/values/'daily'", 200),
    ]


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(("before", "after"), [(DAY, "2024-10-08"), ("2024-10-08", DAY)])
def test_a_key_whose_type_changes_adds_no_line(sheets, put, mode, before, after):
    put(table((before, 5, 3)), mode)
    assert counts(put(table((after, 5, 4)), mode))[0] == 0
    assert len(sheets.grid("daily")) == 2
    assert counts(put(table((after, 5, 4)), mode)) == (0, 0, 1, 0)


def test_decimals_of_many_digits_are_compared_exactly(sheets, put):
    put(table((DAY, Decimal("0.1234567890123456"), 3)))
    assert counts(put(table((DAY, Decimal("0.1234567890123457"), 3)))) == (0, 1, 0, 0)
    assert sheets.grid("daily")[1][1] == "0.1234567890123457"


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_the_same_table_again_changes_nothing_and_writes_nothing(sheets, put, mode):
    rows = table((DAY, 5, 3), (day(1), 7, 4))
    put(rows, mode)
    before = sheets.grid("daily")
    again = put(rows, mode)
    assert (counts(again), again.requests) == ((0, 0, 2, 0), 3)
    assert sheets.grid("daily") == before
    assert [path for _, path, _ in sheets.log()].count(WRITES) == 1


def test_a_thousand_rows_are_five_requests(sheets, put):
    put(table((DAY, 0, 0)))
    done = put(table(*((day(number), number, None) for number in range(1, 1200))))
    assert (counts(done), done.requests) == ((1199, 0, 0, 0), 5)
    assert len(sheets.grid("daily")) == 1201


def test_append_leaves_rows_whose_key_is_there(sheets, put):
    put(table((DAY, 5, 3)), "append")
    done = put(table((DAY, 99, 99), (day(1), 7, 4)), "append")
    assert counts(done) == (1, 0, 1, 0)
    assert sheets.grid("daily")[1:] == [[SERIAL, 5, 3], [SERIAL + 1, 7, 4]]


def test_upsert_changes_rows_in_their_place_and_adds_others(sheets, put):
    put(table((DAY, 5, 3), (day(1), 7, 4), (day(2), 1, 1)))
    done = put(table((day(3), 9, 9), (day(1), 8, 4), (DAY, 5, 3)))
    assert counts(done) == (1, 1, 1, 0)
    assert [row[1] for row in sheets.grid("daily")[1:]] == [5, 8, 1, 9]


def test_upsert_by_two_columns(sheets, put):
    columns = ("date", "course", "attempts")
    put(table((DAY, "a", 1), (DAY, "b", 2), columns=columns), key=("date", "course"))
    done = put(table((DAY, "b", 3), (day(1), "a", 4), columns=columns), key=("date", "course"))
    assert counts(done) == (1, 1, 0, 0)
    assert sheets.grid("daily")[1:] == [[SERIAL, "a", 1], [SERIAL, "b", 3], [SERIAL + 1, "a", 4]]


def test_what_people_put_into_the_sheet_stays(sheets, put):
    by_hand(
        sheets,
        ["who", "users", "date", "", "attempts"],
        ["Ann", 3, SERIAL, "=1+1", 5],
        ["Bob", "", "", "a note", ""],
        ["Cid", 4, "2024-10-09", "", 7],
        ["Total", "=3+4", "", "", "=5+7"],
    )
    done = put(table((DAY, 6, 3), (day(1), 7, 4), (day(2), 1, 2)))
    assert counts(done) == (1, 2, 0, 0)  # the second: a date that was a text becomes one
    assert sheets.grid("daily") == [
        ["who", "users", "date", "", "attempts"],
        ["Ann", 3, SERIAL, "=1+1", 6],
        ["Bob", "", "", "a note", ""],
        ["Cid", 4, SERIAL + 1, "", 7],
        ["Total", "=3+4", "", "", "=5+7"],
        ["", 2, SERIAL + 2, "", 1],
    ]


def test_a_column_that_the_header_lacks_is_added_right_of_everything(sheets, put):
    by_hand(sheets, ["date", "attempts"], [SERIAL, 5, "", "beside"])
    done = put(table((DAY, 5, 3), (day(1), 7, 4)))
    assert counts(done) == (1, 1, 0, 0)
    assert sheets.grid("daily") == [
        ["date", "attempts", "", "", "users"],
        [SERIAL, 5, "", "beside", 3],
        [SERIAL + 1, 7, "", "", 4],
    ]


def test_append_adds_a_missing_column_and_leaves_old_rows(sheets, put):
    by_hand(sheets, ["date", "attempts"], [SERIAL, 5])
    put(table((DAY, 9, 3), (day(1), 7, 4)), "append")
    assert sheets.grid("daily")[1:] == [[SERIAL, 5, ""], [SERIAL + 1, 7, 4]]


def test_replace_leaves_the_table_alone(sheets, put):
    by_hand(sheets, ["old", "older", "oldest", "x"], [1, 2, 3, 4], [5, "=1+1"], ["a"], ["b"])
    done = put(table((DAY, 5, 3), (day(1), 7, 4)), "replace")
    assert counts(done) == (2, 0, 0, 4)
    assert sheets.grid("daily") == [["date", "attempts", "users"], [SERIAL, 5, 3], [SERIAL + 1, 7, 4]]
    fewer = put(table((day(1), 7, 4)), "replace")
    assert counts(fewer) == (0, 0, 1, 1)
    assert sheets.grid("daily") == [["date", "attempts", "users"], [SERIAL + 1, 7, 4]]


def test_replace_is_one_write_so_nobody_sees_an_empty_sheet(sheets, put):
    put(table((DAY, 5, 3), (day(1), 7, 4)), "replace")
    put(table((day(2), 1, 1)), "replace")
    assert [path for method, path, _ in sheets.log() if method == "POST"] == ["/token", WRITES, "/token", WRITES]


def test_replace_with_no_rows_leaves_the_header(sheets, put):
    put(table((DAY, 5, 3)), "replace")
    put(table(), "replace")
    assert sheets.grid("daily") == [["date", "attempts", "users"]]


def test_no_rows_make_a_worksheet_with_a_header(sheets, put):
    assert counts(put(table())) == (0, 0, 0, 0)
    assert sheets.grid("daily") == [["date", "attempts", "users"]]


def test_the_grid_grows_down_and_right(sheets, put):
    sheet = by_hand(sheets, ["date", "attempts"])
    sheet.rows, sheet.columns = 2, 2
    put(table((DAY, 5, 3), (day(1), 7, 4)))
    grown = sheets.within.books[sheets.book].sheets[0]
    assert (grown.rows, grown.columns) == (3, 3)


def test_titles_may_be_anything(sheets, put):
    for title in ("A1", "It's 100% / mine", "день:clear", "R1C1"):
        put(table((DAY, 5, 3)), worksheet=title)
        assert counts(put(table((DAY, 5, 3)), worksheet=title)) == (0, 0, 1, 0)


def test_a_title_in_another_case_is_the_same_worksheet(sheets, put):
    by_hand(sheets, ["date", "attempts", "users"], title="Daily")
    put(table((DAY, 5, 3)))
    assert sheets.grid("Daily")[1:] == [[SERIAL, 5, 3]]


# ----- values


def test_values_are_what_they_are(sheets, put):
    moment = datetime(2024, 10, 8, 12, 0, 30, 250_000, tzinfo=timezone(timedelta(hours=3)))
    values = [
        (1, 1),
        (True, True),
        (1.5, 1.5),
        (Decimal("12.34"), 12.34),
        (Decimal("0.12345678901234567890"), "0.12345678901234567890"),
        (2**53, 2**53),
        (2**53 + 1, str(2**53 + 1)),
        (None, ""),
        ("", ""),
        ("=1+1", "=1+1"),
        ("+7 900", "+7 900"),
        ("-5", "-5"),
        ("@all", "@all"),
        ("'quoted", "'quoted"),
        ("001", "001"),
        ("TRUE", "TRUE"),
        ("2024-10-08", "2024-10-08"),
        ("a\r\nb", "a\nb"),
        ("a\x00b\ud800", "a\ufffdb\ufffd"),
        (DAY, SERIAL),
        (moment, SERIAL + (9 * 3600 + 30.25) / 86400),
        (date(1812, 9, 7), "1812-09-07"),
        ([1, "é"], '[1, "é"]'),
        (float("nan"), "NaN"),
    ]
    columns = ("n", "value")
    rows = table(*((number, value) for number, (value, _) in enumerate(values)), columns=columns)
    put(rows, key=("n",))
    assert [row[1] for row in sheets.grid("daily")[1:]] == [wanted for _, wanted in values]
    sheet = next(sheet for sheet in sheets.within.books[sheets.book].sheets if sheet.title == "daily")
    assert not any(cell.formula for cell in sheet.cells.values())
    assert counts(put(rows, key=("n",))) == (0, 0, len(values), 0)


def test_dates_sort_and_show_as_dates(sheets, put):
    columns = ("date", "seen", "attempts")
    put(table((DAY, datetime(2024, 10, 8, 9, 30, tzinfo=UTC), 5), columns=columns))
    forms = [sheets.form("daily", 1, column) for column in range(3)]
    assert forms == [("DATE", "yyyy-mm-dd"), ("DATE_TIME", "yyyy-mm-dd hh:mm:ss"), None]


def test_formats_of_people_stay(sheets, put):
    put(table((DAY, 5, 3)), "replace")
    sheet = sheets.within.books[sheets.book].sheets[1]
    sheet.cells[1, 1] = replace(sheet.cells[1, 1], form=("CURRENCY", "0.00 €"))
    put(table((DAY, 6, 3)), "replace")
    assert sheets.form("daily", 1, 1) == ("CURRENCY", "0.00 €")
    put(table((DAY, 6, 3)), "upsert")
    assert sheets.form("daily", 1, 1) == ("CURRENCY", "0.00 €")


def test_another_column_in_its_place_does_not_look_like_a_date(sheets, put):
    put(table((DAY, 5, 3)), "replace")
    put(table((5, 3), columns=("attempts", "users")), "replace")
    assert sheets.form("daily", 1, 0) is None


def test_a_text_of_fifty_thousand_characters_is_the_longest(sheets, put):
    columns = ("n", "text")
    put(table((1, "x" * 50_000), columns=columns), key=("n",))
    text = message(FixThis, lambda: put(table((1, "a"), (2, "x" * 50_001), columns=columns), key=("n",)))
    assert "A text has 50001 characters; a cell of a sheet holds 50000 at most." in text
    assert "where: row 2 of the report, column text; spreadsheet levada-sheet, worksheet daily" in text
    assert "to do: shorten it in the report's SQL" in text


def test_what_no_cell_can_hold(put):
    text = message(FixThis, lambda: put(table((b"x",), columns=("date",))))
    assert "A value is of type bytes, which no cell of a sheet can hold." in text
    assert "cast it to text" in text


# ----- headers and keys that do not fit


@pytest.mark.parametrize(
    ("lines", "said", "todo"),
    [
        ([["", ""], ["x"]], "The first row of the worksheet is empty, but others are not.", "write the names"),
        ([["Date", "attempts", "users"]], "The header has `Date`, the report `date`.", "rename the column"),
        (
            [["when", "what"]],
            "The header (when, what) has none of the report's columns.",
            "let it begin with date, att",
        ),
        ([["attempts"]], "The header (attempts) has no `date`, which tells rows apart.", "let it begin with date"),
        ([["date", "users", "date"]], "The header has `date` twice.", "rename one of them"),
    ],
)
def test_a_header_that_does_not_fit(sheets, put, lines, said, todo):
    by_hand(sheets, *lines)
    text = message(FixThis, lambda: put(table((DAY, 5, 3))))
    assert said in text
    assert f"to do: {todo}" in text
    assert "worksheet daily" in text
    assert WRITES not in [path for _, path, _ in sheets.log()]


def test_a_key_twice_in_the_sheet(sheets, put):
    by_hand(sheets, ["date", "attempts", "users"], [SERIAL, 1, 1], [SERIAL + 1, 1, 1], [SERIAL, 2, 2])
    text = message(FixThis, lambda: put(table((DAY, 5, 3))))
    assert f"Two rows of the worksheet have the same `date`: {SERIAL}." in text
    assert "where: rows 2 and 4 of the worksheet" in text
    assert "delete one of them" in text
    assert counts(put(table((day(1), 1, 1)))) == (0, 0, 1, 0)  # another key is nobody's trouble


def test_a_key_twice_or_nowhere_in_the_report(put):
    text = message(FixThis, lambda: put(table((DAY, 5, 3), (DAY, 6, 3))))
    assert "Two rows of the report have the same `date`" in text
    assert "rows 1 and 2 of the report" in text
    assert "A row of the report has no `date`" in message(FixThis, lambda: put(table((None, 5, 3))))
    text = message(FixThis, lambda: put(table((DAY, 5, 3)), key=("day",)))
    assert "The report has no column day." in text
    assert "date, attempts, users" in text
    assert "Mode append needs a key." in message(FixThis, lambda: put(table((DAY, 5, 3)), "append", key=()))
    text = message(FixThis, lambda: put(table((1, 2), columns=("a", "a")), key=("a",)))
    assert "Two columns of the report have the same name: a." in text


# ----- who may, and where


def test_a_spreadsheet_that_is_not_there(put):
    text = message(ApiRefused, lambda: put(table((DAY, 5, 3)), spreadsheet="nowhere"))
    assert "There is no spreadsheet with this id." in text
    assert "take the id from its address, https://docs.google.com/spreadsheets/d/ID/edit" in text


def test_the_address_of_a_spreadsheet_will_do_for_its_id(sheets, put):
    put(table((DAY, 5, 3)), spreadsheet=f"https://docs.google.com/spreadsheets/d/{sheets.book}/edit?gid=0#gid=0")
    assert sheets.grid("daily")[1:] == [[SERIAL, 5, 3]]


@pytest.mark.parametrize("wrong", ["", "a/../b", "My sheet", "x?y"])
def test_an_id_that_is_none(sheets, put, wrong):
    text = message(FixThis, lambda: put(table((DAY, 5, 3)), spreadsheet=wrong))
    assert f"`{wrong}` is no id of a spreadsheet." in text
    assert "to do: take the id from its address" in text
    assert sheets.log() == []


@pytest.mark.parametrize("book", [PRIVATE, READ_ONLY])
def test_a_spreadsheet_that_is_not_shared(put, book):
    text = message(ApiRefused, lambda: put(table((DAY, 5, 3)), spreadsheet=book))
    assert "The account may not write to the spreadsheet: The caller does not have permission." in text
    assert f"to do: share the spreadsheet with {EMAIL} as an editor" in text


def test_an_api_that_is_not_enabled(sheets, put):
    said = {"error": {"code": 403, "message": "Google Sheets API has not been used in project 1 before or it is off."}}
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": {"status": 403, "body": said}})
    text = message(ApiRefused, lambda: put(table((DAY, 5, 3))))
    assert "enable the Google Sheets API in the account's project" in text


def test_another_key_gets_no_token(sheets, put):
    with sheets_served() as other:
        wrong = {**sheets.credentials, "private_key": other.credentials["private_key"]}
    account = account_in({"GOOGLE_APPLICATION_CREDENTIALS": json.dumps(wrong)})
    aim = SheetTarget(sheets.book, "daily", key=("date",))
    text = message(FixThis, lambda: publish(table((DAY, 5, 3)), aim, account, sheets.edges()))
    assert f"Google gives the account {EMAIL} no token: invalid_grant: Invalid JWT Signature." in text
    assert "this machine's clock is right" in text
    assert "PRIVATE" not in text


def test_a_key_that_is_none(sheets):
    wrong = {**sheets.credentials, "private_key": "-----BEGIN PRIVATE KEY-----\nMIIabcdefghijklmnopq\n"}
    account = account_in({"GOOGLE_APPLICATION_CREDENTIALS": json.dumps(wrong)})
    aim = SheetTarget(sheets.book, "daily", key=("date",))
    text = message(FixThis, lambda: publish(table((DAY, 5, 3)), aim, account, sheets.edges()))
    assert "The credentials hold no private key." in text
    assert "MIIabc" not in text


def test_a_token_that_ends_early_is_renewed(sheets, put):
    put(table((DAY, 5, 3)))
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": {"status": 401}})
    done = put(table((day(1), 5, 3)))
    assert (counts(done), done.requests) == ((1, 0, 0, 0), 7)
    assert [path for _, path, _ in sheets.log()].count("/token") == 3


def test_a_token_that_ends_as_something_is_written(sheets, put):
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}{WRITES}"}, "fault": {"status": 401}})
    assert counts(put(table((DAY, 5, 3)))) == (1, 0, 0, 0)
    assert sheets.grid("daily")[1:] == [[SERIAL, 5, 3]]


def test_a_token_that_is_never_taken(sheets, put):
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "times": None, "fault": {"status": 401}})
    text = message(ApiRefused, lambda: put(table((DAY, 5, 3))))
    assert "Google Sheets does not take the account's token" in text
    assert f"make a new key for {EMAIL}" in text


@pytest.mark.parametrize(
    ("told", "of", "said"),
    [
        ({"sheets": [{"properties": {"title": "daily"}}]}, FixThis, "The worksheet is a chart, and has no cells."),
        ({"sheets": [{"properties": {}}]}, ContractBroken, "is not as its reference has it: KeyError('title')."),
        ([1], ContractBroken, "The answer of Google Sheets is not as its reference has it"),
    ],
)
def test_answers_of_another_shape(sheets, put, told, of, said):
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": {"body": told}})
    text = message(of, lambda: put(table((DAY, 5, 3))))
    assert said in text
    assert "to do: " in text


def test_an_answer_that_nobody_expects(sheets, put):
    said = {"error": {"code": 418, "message": "I am a teapot."}}
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": {"status": 418, "body": said}})
    text = message(ApiRefused, lambda: put(table((DAY, 5, 3))))
    assert "Google Sheets answers with status 418: I am a teapot." in text


def test_a_token_endpoint_without_a_token(sheets, put):
    sheets.fail({"match": {"path": "/token"}, "fault": {"body": {"id_token": "x"}}})
    text = message(FixThis, lambda: put(table((DAY, 5, 3))))
    assert "No token came for the account" in text
    assert "where: token_uri in $GOOGLE_APPLICATION_CREDENTIALS" in text


def test_a_server_that_cannot_be_trusted(sheets):
    given = {**sheets.credentials, "token_uri": f"{sheets.url.replace('http:', 'https:')}/token"}
    account = account_in({"GOOGLE_APPLICATION_CREDENTIALS": json.dumps(given)})
    aim = SheetTarget(sheets.book, "daily", key=("date",))
    text = message(FixThis, lambda: publish(table((DAY, 5, 3)), aim, account, sheets.edges()))
    assert "Google Sheets cannot be trusted" in text
    assert "REQUESTS_CA_BUNDLE" in text


def test_a_proxy_is_not_asked_for_this_machine(sheets, put, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert counts(put(table((DAY, 5, 3)))) == (1, 0, 0, 0)


def test_a_redirect_is_not_followed(sheets):
    def answer(asked):
        if asked.path == "/token":
            return {"access_token": "ya29.of-this-server", "expires_in": 3600}
        return Said({}, 302, (("Location", f"{sheets.url}{asked.path}"),))

    with WebServer(answer) as server:
        account = account_in(
            {"GOOGLE_APPLICATION_CREDENTIALS": json.dumps(sheets.within.account.credentials(server.url))}
        )
        aim = SheetTarget(sheets.book, "daily", key=("date",))
        text = message(ApiRefused, lambda: publish(table((DAY, 5, 3)), aim, account, sheets.edges()))
    assert "Google Sheets answers with status 302." in text
    assert sheets.log() == []


def test_secrets_are_in_no_message(sheets, put, monkeypatch):
    monkeypatch.setattr(secret, "_known", {})
    account = account_in(sheets.environment)
    line = sheets.credentials["private_key"].split("\n")[3]
    assert line not in repr(account)
    assert secret.redact(f"it said {line}") == "it said [secret]"
    put(table((DAY, 5, 3)))
    token = next(iter(sheets.within.account._tokens))  # noqa: SLF001 - the test is about the token
    echo = {"error": {"code": 400, "message": f"who is {list(sheets.within.account._tokens)[-1]}"}}  # noqa: SLF001 - as above
    assert token.startswith("ya29.")
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": {"status": 400, "body": echo}})
    text = message(LevadaError, lambda: put(table((DAY, 5, 3))))
    assert "who is [secret]" in text


# ----- waiting


def test_a_quota_is_waited_for(sheets, put):
    edges = sheets.edges()
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "times": 3, "fault": {"status": 429}})
    done = put(table((DAY, 5, 3)), edges=edges)
    assert (counts(done), done.requests) == ((1, 0, 0, 0), 7)
    assert edges.clock.slept == [1.0, 2.0, 4.0]


def test_sixty_requests_a_minute_are_enough_with_some_waiting():
    clock = FixedClock(datetime.now(UTC))
    edges = Edges(clock=clock, uniform=lambda _low, high: high)
    with sheets_served(quota=2, clock=clock) as sheets:
        aim, account = SheetTarget(sheets.book, "daily", key=("date",)), account_in(sheets.environment)
        done = [publish(table((day(number), number, 1)), aim, account, edges) for number in range(4)]
        assert [counts(one) for one in done] == [(1, 0, 0, 0)] * 4
        assert [row[1] for row in sheets.grid("daily")[1:]] == [0, 1, 2, 3]
        statuses = [status for _, _, status in sheets.log()]
    assert 429 in statuses
    assert 60 <= sum(clock.slept) < 600


def test_waits_are_told(sheets, put, caplog):
    fault = {"status": 429, "body": {"error": {"code": 429, "message": "Quota exceeded"}}}
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": fault})
    put(table((DAY, 5, 3)))
    said = "spreadsheet levada-sheet, worksheet daily: Google Sheets answers with status 429: Quota exceeded."
    assert caplog.messages == [f"{said} Again in 1.0 s."]


def test_retry_after_is_heeded(sheets, put):
    edges = sheets.edges()
    fault = {"status": 429, "retry_after": 70}
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": fault})
    put(table((DAY, 5, 3)), edges=edges)
    assert edges.clock.slept == [70.0]


def test_a_quota_that_does_not_end(sheets, put):
    edges = sheets.edges()
    said = {"error": {"code": 429, "message": "Quota exceeded for quota metric 'Read requests'"}}
    fault = {"status": 429, "body": said}
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "times": None, "fault": fault})
    text = message(TryLater, lambda: put(table((DAY, 5, 3)), edges=edges))
    assert "Google Sheets answers with status 429: Quota exceeded for quota metric 'Read requests'." in text
    assert "run again later" in text
    assert 200 < sum(edges.clock.slept) <= 300


def test_a_wait_that_is_too_long_is_told_at_once(sheets, put):
    edges = sheets.edges()
    fault = {"status": 503, "retry_after": 3600}
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}"}, "fault": fault})
    with pytest.raises(TryLater) as caught:
        put(table((DAY, 5, 3)), edges=edges)
    assert edges.clock.slept == []
    assert caught.value.at == edges.clock.now() + timedelta(hours=1)


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"html": True}, {"cut_body": 20}])
@pytest.mark.parametrize("path", ["", "/values/'daily'"])
def test_a_read_that_fails_is_made_again(sheets, put, path, fault):
    put(table((DAY, 5, 3)))
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}{path}"}, "fault": fault})
    assert counts(put(table((day(1), 5, 3)))) == (1, 0, 0, 0)


def test_a_token_endpoint_that_fails_is_asked_again(sheets, put):
    sheets.fail({"match": {"path": "/token"}, "times": 2, "fault": {"status": 503}})
    assert counts(put(table((DAY, 5, 3)))) == (1, 0, 0, 0)


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429}, {"wrong_length": True}, {"html": True}, {"reset": True}]
)
def test_an_answer_that_is_lost_after_the_write_doubles_nothing(sheets, put, mode, fault):
    put(table((DAY, 5, 3)), mode)
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}{WRITES}"}, "fault": fault})
    rows = table((DAY, 5, 3), (day(1), 7, 4))
    done = put(rows, mode)
    assert counts(done) == (1, 0, 1, 0)
    assert sheets.grid("daily")[1:] == [[SERIAL, 5, 3], [SERIAL + 1, 7, 4]]


def test_a_worksheet_whose_making_had_no_answer_is_made_once(sheets, put):
    sheets.fail({"match": {"path": f"/v4/spreadsheets/{sheets.book}{WRITES}"}, "fault": {"wrong_length": True}})
    assert counts(put(table((DAY, 5, 3)))) == (1, 0, 0, 0)
    assert [sheet.title for sheet in sheets.within.books[sheets.book].sheets] == ["Sheet1", "daily"]


def test_nobody_there(sheets, put):
    edges = sheets.edges()
    with sheets_served() as gone:
        account = account_in(gone.environment)
    aim = SheetTarget(sheets.book, "daily", key=("date",))
    text = message(TryLater, lambda: publish(table((DAY, 5, 3)), aim, account, edges))
    assert "Google Sheets does not answer" in text
    assert "Connection refused" in text
    assert edges.clock.slept == [1.0, 2.0, 4.0, 8.0]


# ----- large tables, and others who write


def test_a_large_table_goes_in_portions(sheets, put, monkeypatch):
    monkeypatch.setattr(changes.portions, "__defaults__", (20_000,))
    rows = table(*((day(number), number, "x" * 50) for number in range(600)))
    assert counts(put(rows, "replace")) == (600, 0, 0, 0)
    assert [path for _, path, _ in sheets.log()].count(WRITES) > 3
    assert len(sheets.grid("daily")) == 601
    assert counts(put(table(*rows.rows[:500]), "replace")) == (0, 0, 500, 100)
    assert len(sheets.grid("daily")) == 501


def test_a_large_table_whose_third_portion_is_lost(sheets, put, monkeypatch):
    monkeypatch.setattr(changes.portions, "__defaults__", (20_000,))
    path = f"/v4/spreadsheets/{sheets.book}{WRITES}"
    put(table((day(-1), 0, "")))
    sheets.fail(
        {"match": {"path": path}, "times": 2, "fault": {"delay": 0}},
        {"match": {"path": path}, "times": 1, "fault": {"reset": True}},
    )
    done = put(table(*((day(number), number, "x" * 50) for number in range(600))), "append")
    assert counts(done) == (600, 0, 0, 0)
    assert sheets.grid("daily")[2:] == [[SERIAL + number, number, "x" * 50] for number in range(600)]


def test_ten_million_cells_are_the_most(sheets, put):
    book = sheets.within.books[sheets.book]
    book.sheets[0].rows, book.sheets[0].columns = 400_000, 25
    text = message(FixThis, lambda: put(table((DAY, 5, 3))))
    assert "The spreadsheet would have 10026000 cells, and 10000000 is as many as Google Sheets has room for." in text
    assert "take a spreadsheet of its own" in text


def test_what_is_read_back_differs(sheets, put):
    put(table((DAY, 5, 3)))
    header = ["date", "attempts", "users"]
    there = {"values": [header, [SERIAL, 5, 3], [SERIAL + 1, 8, 4]]}
    path = f"/v4/spreadsheets/{sheets.book}/values/'daily'"
    sheets.fail(
        {"match": {"path": path}, "times": 1, "fault": {"delay": 0}},
        {"match": {"path": path}, "times": 1, "fault": {"body": there}},
    )
    text = message(ContractBroken, lambda: put(table((day(1), 7, 4))))
    assert "The worksheet does not hold what was written: 8 instead of 7." in text
    assert "where: cell B3; spreadsheet levada-sheet, worksheet daily" in text
    assert "run again" in text


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([[SERIAL, 5, 3]], "A row that was written is not in the worksheet."),
        ([[SERIAL, 5, 3], [SERIAL + 1, 7, 4], [SERIAL + 1, 7, 4]], "Two rows of the worksheet have the same `date`"),
    ],
)
def test_somebody_else_wrote_at_the_same_moment(sheets, put, lines, said):
    put(table((DAY, 5, 3)))
    path = f"/v4/spreadsheets/{sheets.book}/values/'daily'"
    sheets.fail(
        {"match": {"path": path}, "times": 1, "fault": {"delay": 0}},
        {"match": {"path": path}, "times": 1, "fault": {"body": {"values": [["date", "attempts", "users"], *lines]}}},
    )
    text = message(ContractBroken, lambda: put(table((day(1), 7, 4))))
    assert said in text
    assert "somebody else may have written at the same moment" in text


def test_a_line_that_somebody_else_appended_in_between_is_not_written_over(sheets, put):
    put(table((DAY, 5, 3)))
    path = f"/v4/spreadsheets/{sheets.book}/values/'daily'"
    sheets.fail({"match": {"path": path}, "fault": {"body": {"values": [["date", "attempts", "users"]]}}})
    put(table((day(1), 7, 4)))
    assert sheets.grid("daily")[1:] == [[SERIAL, 5, 3], [SERIAL + 1, 7, 4]]


def test_the_same_line_of_somebody_else_is_told(sheets, put):
    put(table((DAY, 5, 3)))
    path = f"/v4/spreadsheets/{sheets.book}/values/'daily'"
    sheets.fail({"match": {"path": path}, "fault": {"body": {"values": [["date", "attempts", "users"]]}}})
    text = message(ContractBroken, lambda: put(table((DAY, 5, 3))))
    assert "Two rows of the worksheet have the same `date`: 45573." in text
    assert "where: rows 2 and 3 of the worksheet; spreadsheet levada-sheet, worksheet daily" in text


def test_somebody_else_made_the_worksheet_in_between(sheets, put):
    path = f"/v4/spreadsheets/{sheets.book}"
    told = {"properties": {"title": "Levada demo"}, "sheets": [], "spreadsheetUrl": "https://x"}
    by_hand(sheets, ["date", "attempts", "users"], [SERIAL, 1, 1])
    sheets.fail({"match": {"path": path}, "times": 1, "fault": {"body": told}})
    put(table((day(1), 7, 4)))
    assert sheets.grid("daily")[1:] == [[SERIAL, 1, 1], [SERIAL + 1, 7, 4]]


def test_a_write_that_is_refused_is_told_in_googles_words(sheets, put):
    by_hand(sheets, ["date", "attempts", "users"]).protected = True
    text = message(FixThis, lambda: put(table((DAY, 5, 3))))
    said = "Invalid requests[0].appendCells: You are trying to edit a protected cell or object."
    assert f"Google Sheets cannot do what was asked: {said}" in text
    assert "it may be protected" in text
    assert [path for _, path, _ in sheets.log()].count(WRITES) == 2


# ----- the libraries


def test_without_the_libraries(put, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    text = message(FixThis, lambda: put(table((DAY, 5, 3))))
    assert "Reports in Google Sheets need gspread, which this Python does not have." in text
    assert "to do: pip install 'levada[sheets]'" in text


def test_gspread_is_imported_when_a_sheet_is_written():
    code = (
        "import levada.report.sheets.publish, levada.report.sheets.account, sys;"
        "print({'gspread', 'google.auth', 'requests'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"
