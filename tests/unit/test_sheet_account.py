"""The service account of a sheet: where it comes from, and where it may send what it knows."""

import json

import pytest

from levada import secret
from levada.errors import FixThis
from levada.report.sheets.account import account_in

KEY = "-----BEGIN PRIVATE KEY-----\nMIIabcdefghijklmnop0\nabcdefghijklmnopqrst1\n-----END PRIVATE KEY-----\n"
GOOGLE = "https://oauth2.googleapis.com/token"


def info(**parts):
    given = {"type": "service_account", "client_email": "me@x.iam", "private_key": KEY, "token_uri": GOOGLE}
    return json.dumps({key: value for key, value in {**given, **parts}.items() if value is not None})


def message(environment, *names):
    with pytest.raises(FixThis) as caught:
        account_in(environment, *names)
    assert "abcdefghijklmnop" not in str(caught.value)
    return str(caught.value)


def test_json_in_the_variable_or_in_the_file_that_it_names(tmp_path):
    file = tmp_path / "key.json"
    file.write_text(info())
    for given in (info(), f"  {info()}\n", str(file)):
        account = account_in({"GOOGLE_APPLICATION_CREDENTIALS": given})
        assert (account.email, account.url) == ("me@x.iam", "https://sheets.googleapis.com")


def test_another_variable():
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": info(), "TEAM": info(client_email="team@x.iam")}
    assert account_in(environment, ("TEAM",)).email == "team@x.iam"


def test_the_key_is_never_shown():
    account = account_in({"GOOGLE_APPLICATION_CREDENTIALS": info(private_key_id="0123456789abcdef")})
    assert "abcdefghijklmnop" not in repr(account)
    assert secret.redact("MIIabcdefghijklmnop0 of 0123456789abcdef") == "[secret] of [secret]"
    assert "abcdefghijklmnop" not in secret.redact(json.dumps({"k": KEY}))


def test_the_path_of_the_file_is_shown(tmp_path):
    account_in({"GOOGLE_APPLICATION_CREDENTIALS": info()})
    assert secret.redact(str(tmp_path)) == str(tmp_path)


def test_no_credentials():
    text = message({"GOOGLE_APPLICATION_CREDENTIALS": " "})
    assert "There are no credentials for Google Sheets." in text
    assert "where: $GOOGLE_APPLICATION_CREDENTIALS" in text
    assert "to the path of the account's JSON file" in text


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    text = message({"TEAM": str(tmp_path / "key.json")}, ("TEAM",))
    assert "The credentials for Google Sheets cannot be read: No such file or directory." in text
    assert "where: $TEAM" in text
    (tmp_path / "key.json").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read: it is no text" in message({"TEAM": str(tmp_path / "key.json")}, ("TEAM",))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{no json", "The credentials for Google Sheets are no JSON."),
        (info(type="authorized_user"), "The credentials are not those of a service account."),
        (info(private_key=None, client_email=""), "The credentials have no client_email and no private_key."),
        (info(token_uri=7), "The credentials have no token_uri."),
    ],
)
def test_credentials_that_are_none(given, said):
    text = message({"GOOGLE_APPLICATION_CREDENTIALS": given})
    assert said in text
    assert "docs/sheets.md" in text


@pytest.mark.parametrize(
    ("token_uri", "url", "found"),
    [
        (GOOGLE, "", "https://sheets.googleapis.com"),
        ("https://accounts.google.com/o/oauth2/token", "", "https://sheets.googleapis.com"),
        (GOOGLE, "https://sheets.mtls.googleapis.com", "https://sheets.mtls.googleapis.com:443"),
        ("http://127.0.0.1:8000/token", "", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/token", "", "http://[::1]:8000"),
        ("http://localhost:8000/token", "http://localhost:8000/", "http://localhost:8000"),
        ("https://sheets.example.com/token", "", "https://sheets.example.com:443"),
    ],
)
def test_where_google_sheets_is(token_uri, url, found):
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": info(token_uri=token_uri), "LEVADA_SHEETS_URL": url}
    assert account_in(environment).url == found


@pytest.mark.parametrize(
    ("token_uri", "url", "said"),
    [
        (GOOGLE, "http://127.0.0.1:8000", "A token of oauth2.googleapis.com would be sent to 127.0.0.1."),
        (GOOGLE, "https://sheets.googleapis.com.example.org", "would be sent to sheets.googleapis.com.example.org."),
        ("http://127.0.0.1:8000/token", "https://sheets.googleapis.com", "A token of 127.0.0.1 would be sent"),
        ("http://127.0.0.1:8000/token", "http://127.0.0.1:8001", "would be sent to 127.0.0.1."),
        ("http://example.com/token", "", "A secret would be sent without encryption."),
        (GOOGLE, "http://sheets.googleapis.com", "A secret would be sent without encryption."),
        ("ftp://example.com", "", "The address is no URL."),
        ("http://[broken", "", "The address is no URL."),
        (GOOGLE, "sheets.googleapis.com", "The address is no URL."),
    ],
)
def test_where_no_secret_goes(token_uri, url, said):
    text = message({"GOOGLE_APPLICATION_CREDENTIALS": info(token_uri=token_uri), "LEVADA_SHEETS_URL": url})
    assert said in text
    assert "to do: " in text
