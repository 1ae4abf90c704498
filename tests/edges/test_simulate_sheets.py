"""The simulated Google Sheets, asked by gspread as it is, and by hand where gspread would not go."""

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import gspread
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from requests import Session

from levada.edges import FixedClock
from levada.errors import FixThis
from levada.simulate.sales import DEMO_TOKEN
from levada.simulate.sheets import PRIVATE, READ_ONLY, SPREADSHEET, drawer, keep_credentials
from levada.simulate.sheets_account import EMAIL
from patience import PATIENCE
from sheetside import sheets_served

SCOPES = ["https://www.googleapis.com/auth/spreadsheets"]
GOOGLE = "https://sheets.googleapis.com"
AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def spoken(url, credentials):
    """gspread with another address, logged in by google-auth alone."""
    made = Credentials.from_service_account_info(credentials, scopes=SCOPES)
    made.refresh(Request())

    class Elsewhere(gspread.HTTPClient):
        def request(self, method, endpoint, *args, **parts):
            return super().request(method, endpoint.replace(GOOGLE, url), *args, **parts)

    session = Session()
    session.headers["Authorization"] = f"Bearer {made.token}"
    return gspread.Client(auth=made, session=session, http_client=Elsewhere), session


@pytest.fixture(scope="module")
def served():
    with sheets_served() as server:
        client, session = spoken(server.url, server.credentials)
        with session:
            yield server, client


@pytest.fixture
def book(served):
    server, client = served
    server.anew()
    return client.open_by_key(SPREADSHEET)


@pytest.fixture
def sheet(book):
    return book.sheet1


def asked(url, method="GET", path="", body=None, token=""):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data=data, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def refused(action, code, status, *said):
    with pytest.raises(gspread.exceptions.APIError) as caught:
        action()
    assert caught.value.code == code
    assert caught.value.error["status"] == status
    for text in said:
        assert text in caught.value.error["message"]


# ----- spreadsheets and worksheets


def test_a_spreadsheet_and_its_worksheets(served, book):
    assert (book.title, book.locale, book.timezone) == ("Levada demo", "en_US", "Etc/GMT")
    first = book.get_worksheet(0)
    assert (first.title, first.id, first.row_count, first.col_count) == ("Sheet1", 0, 1000, 26)
    made = book.add_worksheet("daily report", 5, 3)
    assert [one.title for one in book.worksheets()] == ["Sheet1", "daily report"]
    assert book.worksheet("daily report").id == made.id
    with pytest.raises(gspread.WorksheetNotFound):
        book.worksheet("weekly")
    refused(lambda: book.add_worksheet("Daily Report", 1, 1), 400, "INVALID_ARGUMENT", "already exists")
    book.del_worksheet(made)
    refused(lambda: book.del_worksheet(first), 400, "INVALID_ARGUMENT", "can't remove all the sheets")


def test_titles_and_sizes_change(book, sheet):
    sheet.update_title("It's mine")
    sheet.resize(3, 2)
    again = book.worksheet("It's mine")
    assert (again.row_count, again.col_count) == (3, 2)
    again.append_row([1, 2])
    assert again.get_all_values() == [["1", "2"]]


def test_which_spreadsheets_there_are(served):
    _, client = served
    refused(lambda: client.http_client.fetch_sheet_metadata("nowhere"), 404, "NOT_FOUND", "was not found")
    refused(lambda: client.http_client.fetch_sheet_metadata(PRIVATE), 403, "PERMISSION_DENIED", "does not have perm")
    only = client.open_by_key(READ_ONLY)
    assert only.sheet1.get_all_values() == [[]]
    refused(lambda: only.sheet1.append_row([1]), 403, "PERMISSION_DENIED")


# ----- values


def test_rows_are_appended_below_the_table(sheet):
    first = sheet.append_row(["date", "attempts", "successful", "users"])
    assert first["updates"]["updatedRange"] == "Sheet1!A1:D1"
    assert "tableRange" not in first
    second = sheet.append_rows([["2024-10-08", 5, 3, 2], ["2024-10-09", 7, 4, 2]])
    assert second["tableRange"] == "Sheet1!A1:D1"
    assert second["updates"] == {
        "spreadsheetId": SPREADSHEET,
        "updatedRange": "Sheet1!A2:D3",
        "updatedRows": 2,
        "updatedColumns": 4,
        "updatedCells": 8,
    }
    assert sheet.get_all_records() == [
        {"date": "2024-10-08", "attempts": 5, "successful": 3, "users": 2},
        {"date": "2024-10-09", "attempts": 7, "successful": 4, "users": 2},
    ]
    assert sheet.find("2024-10-09").row == 3
    assert sheet.col_values(1) == ["date", "2024-10-08", "2024-10-09"]


def test_append_makes_room_and_update_does_not(sheet):
    sheet.resize(2, 2)
    sheet.append_rows([[1, 2, 3]] * 3)
    assert sheet.get_all_values() == [["1", "2", "3"]] * 3
    assert sheet.spreadsheet.sheet1.row_count == 3
    refused(lambda: sheet.update([[1]], "A4"), 400, "INVALID_ARGUMENT", "(Sheet1!A4) exceeds grid limits. Max rows: 3")


def test_raw_keeps_and_user_entered_reads(sheet):
    given = ["2024-10-08", "001", "=1+1", "TRUE", "12.5%", "1,234", "'=1", "10/8/2024 12:00", "", "+7", "1e3", "x"]
    sheet.update([given], "A1", raw=True)
    assert sheet.row_values(1) == given
    sheet.update([given], "A2", raw=False)
    read = sheet.get("A2:L2", value_render_option="UNFORMATTED_VALUE")[0]
    assert read == [45573, 1, 2, True, 0.125, 1234, "=1", 45573.5, "", 7, 1000, "x"]
    shown = ["2024-10-08", "1", "2", "TRUE", "12%", "1234", "=1", "2024-10-08 12:00:00", "", "7", "1000", "x"]
    assert sheet.row_values(2) == shown
    assert sheet.get("C2", value_render_option="FORMULA") == [["=1+1"]]


def test_moments_are_numbers_or_texts(sheet):
    sheet.update([["2024-10-08 06:00:00"]], "A1", raw=False)
    unformatted = {"value_render_option": "UNFORMATTED_VALUE"}
    assert sheet.get("A1", **unformatted) == [[45573.25]]
    shown = sheet.get("A1", date_time_render_option="FORMATTED_STRING", **unformatted)
    assert shown == [["2024-10-08 06:00:00"]]


def test_formulas_are_worked_out_as_far_as_numbers_go(sheet):
    sheet.update([["=2*(3+4)", "=1/0", "=SUM(A1:A2)", "=-5", "=__import__('os')"]], "A1", raw=False)
    assert sheet.row_values(1) == ["14", "#DIV/0!", "#ERROR!", "-5", "#ERROR!"]


def test_trailing_empties_are_left_out(served, sheet):
    sheet.update([["a", "", ""], ["", "b"], ["", ""]], "A1")
    told = sheet.client.values_get(SPREADSHEET, "Sheet1!A1:C3")
    assert told == {"range": "Sheet1!A1:C3", "majorDimension": "ROWS", "values": [["a"], ["", "b"]]}
    columns = sheet.client.values_get(SPREADSHEET, "Sheet1", {"majorDimension": "COLUMNS"})
    assert columns["values"] == [["a"], ["", "b"]]
    assert sheet.client.values_get(SPREADSHEET, "Sheet1!D4:E5") == {"range": "Sheet1!D4:E5", "majorDimension": "ROWS"}


def test_null_leaves_a_cell_and_an_empty_text_empties_it(sheet):
    sheet.update([["a", "b"]], "A1")
    sheet.update([[None, ""]], "A1")
    assert sheet.get_all_values() == [["a"]]


def test_values_outside_the_range_that_was_named(sheet):
    refused(lambda: sheet.update([[1, 2]], "A1:A2"), 400, "INVALID_ARGUMENT", "tried writing to column [B]")
    refused(lambda: sheet.update([[1], [2], [3]], "A1:A2"), 400, "INVALID_ARGUMENT", "tried writing to row [3]")
    assert sheet.get_all_values() == [[]]


def test_many_ranges_at_once(sheet):
    told = sheet.batch_update([{"range": "A1", "values": [["a"]]}, {"range": "B2:C2", "values": [["b", "c"]]}])
    assert (told["totalUpdatedCells"], told["totalUpdatedRows"]) == (3, 2)
    assert [list(map(list, part)) for part in sheet.batch_get(["A1", "A2:C2"])] == [[["a"]], [["", "b", "c"]]]
    sheet.batch_clear(["A1", "C2"])
    assert sheet.get_all_values() == [["", ""], ["", "b"]]
    refused(
        lambda: sheet.batch_update([{"range": "A1", "values": [["x"]]}, {"range": "A9999", "values": [["y"]]}]),
        400,
        "INVALID_ARGUMENT",
        "exceeds grid limits",
    )
    assert sheet.acell("A1").value is None
    sheet.clear()
    assert sheet.get_all_values() == [[]]


@pytest.mark.parametrize(
    ("text", "first"),
    [("A2:B2", "c"), ("A:A", "a"), ("2:2", "c"), ("Sheet1!B1", "b"), ("'Sheet1'", "a"), ("Sheet1!A2:B", "c")],
)
def test_ranges(sheet, text, first):
    sheet.update([["a", "b"], ["c", "d"]], "A1")
    assert sheet.client.values_get(SPREADSHEET, text)["values"][0][0] == first


@pytest.mark.parametrize("text", ["Sheet2!A1", "'Sheet1'!", "A0", "Sheet1!1A", "nonsense here", "'A1'"])
def test_ranges_that_are_none(sheet, text):
    refused(
        lambda: sheet.client.values_get(SPREADSHEET, text), 400, "INVALID_ARGUMENT", f"Unable to parse range: {text}"
    )


def test_a_range_beyond_the_grid(sheet):
    refused(lambda: sheet.get("AB1"), 400, "INVALID_ARGUMENT", "exceeds grid limits. Max rows: 1000, max columns: 26")
    assert sheet.client.values_get(SPREADSHEET, "Sheet1!A999:Z2000")["range"] == "Sheet1!A999:Z1000"


def test_options_that_are_none(sheet):
    http = sheet.client
    body = {"values": [[1]]}
    refused(
        lambda: http.values_update(SPREADSHEET, "A1", {}, body),
        400,
        "INVALID_ARGUMENT",
        "'valueInputOption' is required",
    )
    refused(
        lambda: http.values_get(SPREADSHEET, "A1", {"valueRenderOption": "PRETTY"}), 400, "INVALID_ARGUMENT", "PRETTY"
    )
    too_long = {"values": [["x" * 50_001]]}
    option = {"valueInputOption": "RAW"}
    refused(lambda: http.values_update(SPREADSHEET, "A1", option, too_long), 400, "INVALID_ARGUMENT", "50000")
    struct = {"values": [[{"a": 1}]]}
    refused(lambda: http.values_update(SPREADSHEET, "A1", option, struct), 400, "INVALID_ARGUMENT", "no struct")


# ----- changes


def test_rows_and_columns_come_and_go(sheet):
    sheet.update([["a", 1], ["b", 2], ["c", 3], ["d", 4]], "A1")
    sheet.delete_rows(2)
    assert sheet.get_all_values() == [["a", "1"], ["c", "3"], ["d", "4"]]
    sheet.insert_row(["x", "9"], 2)
    assert sheet.col_values(1) == ["a", "x", "c", "d"]
    sheet.delete_columns(1)
    assert sheet.col_values(1) == ["1", "9", "3", "4"]
    sheet.add_rows(10)
    assert sheet.spreadsheet.sheet1.row_count == 1010


def test_cells_given_as_values_are_what_they_are(sheet):
    cells = [{"userEnteredValue": {"stringValue": "=1+1"}}, {"userEnteredValue": {"numberValue": 45573}}, {}]
    cells[1]["userEnteredFormat"] = {"numberFormat": {"type": "DATE", "pattern": "dd.mm.yyyy"}}
    sheet.update([["old", "old", "old", "old"], ["below"]], "A1")
    change = {
        "range": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 0, "endColumnIndex": 3},
        "rows": [{"values": cells}],
        "fields": "userEnteredValue,userEnteredFormat.numberFormat",
    }
    sheet.spreadsheet.batch_update({"requests": [{"updateCells": change}]})
    assert sheet.get_all_values() == [["=1+1", "08.10.2024", "", "old"]]


def test_all_changes_of_a_batch_or_none(book, sheet):
    made = {"addSheet": {"properties": {"title": "new", "sheetId": 7}}}
    wrong = {"updateCells": {"start": {"sheetId": 7, "rowIndex": 1000}, "rows": [{"values": [{}]}], "fields": "*"}}
    refused(
        lambda: book.batch_update({"requests": [made, wrong]}),
        400,
        "INVALID_ARGUMENT",
        "Invalid requests[1].updateCells: Attempting to write row: 1000, beyond the last requested row of: 999",
    )
    assert [one.title for one in book.worksheets()] == ["Sheet1"]
    refused(lambda: book.batch_update({"requests": []}), 400, "INVALID_ARGUMENT", "at least one request")
    refused(lambda: book.batch_update({"requests": [{"paint": {}}]}), 400, "INVALID_ARGUMENT", 'Unknown name "paint"')
    refused(
        lambda: book.batch_update({"requests": [{"deleteSheet": {"sheetId": 9}}]}), 400, "INVALID_ARGUMENT", "id: 9"
    )
    large = {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 500_000}}
    refused(lambda: book.batch_update({"requests": [large]}), 400, "INVALID_ARGUMENT", "limit of 10000000 cells")


def test_a_range_is_deleted_and_the_rest_moves_up(book, sheet):
    sheet.update([["a", 1], ["b", 2], ["c", 3]], "A1")
    area = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 1}
    book.batch_update({"requests": [{"deleteRange": {"range": area, "shiftDimension": "ROWS"}}]})
    assert sheet.get_all_values() == [["b", "1"], ["c", "2"], ["", "3"]]


def test_formats_of_gspread_are_taken(sheet):
    sheet.update([[45573, 1]], "A1")
    sheet.format("A1:B1", {"textFormat": {"bold": True}})
    sheet.format("A1", {"numberFormat": {"type": "DATE", "pattern": "yyyy-mm-dd"}})
    sheet.freeze(rows=1)
    assert sheet.row_values(1) == ["2024-10-08", "1"]


# ----- tokens


def posted(url, fields):
    request = urllib.request.Request(f"{url}/token", data=urlencode(fields).encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def signed(server, key=None, headers=None, algorithm="RS256", **claims):
    now = int(time.time())
    said = {"iss": EMAIL, "aud": AUDIENCE, "iat": now, "exp": now + 3600, "scope": SCOPES[0], **claims}
    return jwt.encode(said, key or server.credentials["private_key"], algorithm, headers=headers)


def test_a_signed_assertion_gets_a_token(served):
    server, _ = served
    status, told = posted(server.url, {"grant_type": GRANT, "assertion": signed(server)})
    assert (status, told["token_type"], told["expires_in"]) == (200, "Bearer", 3600)
    assert asked(server.url, path=f"/v4/spreadsheets/{SPREADSHEET}", token=told["access_token"])[0] == 200


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}, "invalid_grant", "Signature"),
        ({"headers": {"kid": "other"}}, "invalid_grant", "its key"),
        ({"key": "x" * 32, "algorithm": "HS256"}, "invalid_grant", "Signature"),
        ({"iss": "somebody@example.com"}, "invalid_grant", "account not found"),
        ({"aud": "https://example.com"}, "invalid_grant", "audience"),
        ({"iat": 1, "exp": 2}, "invalid_grant", "iat and exp"),
        ({"exp": int(time.time()) + 9999}, "invalid_grant", "iat and exp"),
        ({"scope": "email"}, "invalid_scope", "scope"),
    ],
    ids=["key", "kid", "hmac", "iss", "aud", "old", "long", "scope"],
)
def test_assertions_that_get_none(served, change, error, why):
    server, _ = served
    status, told = posted(server.url, {"grant_type": GRANT, "assertion": signed(server, **change)})
    assert (status, told["error"]) == (400, error)
    assert why in told["error_description"]


@pytest.mark.parametrize("assertion", ["", "a.b", "a.b.c", f"{base64.b64encode(b'[]').decode()}.e30.AAAA"])
def test_texts_that_are_no_assertion(served, assertion):
    server, _ = served
    assert posted(server.url, {"grant_type": GRANT, "assertion": assertion})[1]["error"] == "invalid_grant"
    assert posted(server.url, {"grant_type": "password"})[1]["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("token", ["", "ya29.guessed"])
def test_no_token_and_another_one(served, token):
    server, _ = served
    status, told = asked(server.url, path=f"/v4/spreadsheets/{SPREADSHEET}", token=token)
    assert (status, told["error"]["code"], told["error"]["status"]) == (401, 401, "UNAUTHENTICATED")


def test_tokens_end():
    clock = FixedClock(datetime.now(UTC))
    with sheets_served(clock=clock, lives=60) as server:
        client, session = spoken(server.url, server.credentials)
        with session:
            assert client.open_by_key(SPREADSHEET).title == "Levada demo"
            clock.pause(61)
            refused(lambda: client.http_client.fetch_sheet_metadata(SPREADSHEET), 401, "UNAUTHENTICATED")


# ----- quota, faults, paths


def test_a_quota_for_reads_and_one_for_writes():
    clock = FixedClock(datetime.now(UTC))
    with sheets_served(clock=clock, quota=2) as server:
        client, session = spoken(server.url, server.credentials)
        with session:
            read = lambda: client.http_client.fetch_sheet_metadata(SPREADSHEET)  # noqa: E731 - three times the same
            first, _ = read(), read()
            refused(read, 429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Read requests'")
            sheet = gspread.Worksheet(None, first["sheets"][0]["properties"], SPREADSHEET, client.http_client)
            sheet.update([[1]], "A1")
            clock.pause(61)
            assert read()["spreadsheetId"] == SPREADSHEET


def test_faults_and_the_log_are_those_of_every_simulator(served, sheet):
    server, _ = served
    server.fail({"match": {"path": f"/v4/spreadsheets/{SPREADSHEET}"}, "fault": {"status": 503}})
    with pytest.raises(gspread.exceptions.APIError):
        sheet.spreadsheet.worksheets()
    assert server.log()[-1] == ("GET", "", 503)
    text = json.dumps(server._ask("GET", "/_log"))  # noqa: SLF001 - the whole log
    assert "ya29" not in text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{SPREADSHEET}:batchUpdate"), ("POST", f"{SPREADSHEET}/values/A1"), ("GET", f"{SPREADSHEET}/other")],
)
def test_paths_that_are_none(served, method, path):
    server, client = served
    token = client.http_client.session.headers["Authorization"].split()[1]
    body = {} if method == "POST" else None
    assert asked(server.url, method, f"/v4/spreadsheets/{path}", body, token)[0] == 404


def test_a_body_that_is_no_json(served):
    server, client = served
    token = client.http_client.session.headers["Authorization"].split()[1]
    path = f"/v4/spreadsheets/{SPREADSHEET}/values/{quote('A1')}?valueInputOption=RAW"
    assert asked(server.url, "PUT", path, ["no", "object"], token)[0] == 400


def test_a_page_for_people(served, sheet):
    server, _ = served
    sheet.update([["<b>", "=1+1"]], "A1", raw=False)
    with urllib.request.urlopen(f"{server.url}/spreadsheets/d/{SPREADSHEET}/edit", timeout=PATIENCE) as answer:
        page = answer.read().decode()
    assert "<td>&lt;b&gt;</td><td>2</td>" in page


# ----- the command


def test_the_command_writes_credentials_that_work(tmp_path):
    command = [sys.executable, "-m", "levada", "simulate", "sheets", "--port", "0", "--quota", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=dict(os.environ)) as process:
        line = process.stdout.readline()
        url = line.split()[4].rstrip(";")
        assert line == f"Simulated Google Sheets on {url}; credentials: credentials.json. Ctrl-C ends it.\n"
        file = tmp_path / "credentials.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        client, session = spoken(url, json.loads(file.read_text()))
        with session:
            assert client.open_by_key(SPREADSHEET).title == "Levada demo"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_credentials_of_somebody_else_are_not_overwritten(tmp_path):
    within, file = drawer(), tmp_path / "credentials.json"
    for text in ('{"client_email": "me@example.com"}', "[]", "no json"):
        file.write_text(text)
        with pytest.raises(FixThis) as caught:
            keep_credentials(within, "http://127.0.0.1:1", file)
        assert "The file is there already, and is not of the simulated account." in str(caught.value)
        assert "choose another file with --credentials" in str(caught.value)
        assert file.read_text() == text
    file.unlink()
    keep_credentials(within, "http://127.0.0.1:1", file)
    keep_credentials(within, "http://127.0.0.1:2", file)
    assert json.loads(file.read_text())["token_uri"] == "http://127.0.0.1:2/token"
    keep_credentials(within, "http://0.0.0.0:3", file)
    assert json.loads(file.read_text())["token_uri"] == "http://127.0.0.1:3/token"


def test_credentials_that_cannot_be_written(tmp_path):
    with pytest.raises(FixThis) as caught:
        keep_credentials(drawer(), "http://127.0.0.1:1", tmp_path / "no" / "credentials.json")
    assert "The credentials cannot be written: No such file or directory." in str(caught.value)


def test_a_quota_below_one():
    with pytest.raises(FixThis, match="quota is 0"):
        drawer(quota=0)


def test_nothing_of_the_simulator_is_named_as_a_token_is():
    # Tokens are redacted wherever they stand: an address with one in it would be told as ***.
    for name in (SPREADSHEET, EMAIL):
        assert DEMO_TOKEN not in name
