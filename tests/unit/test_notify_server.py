"""The URL of a mail server: what it may say, and that no message shows it."""

import pytest

from levada.errors import FixThis
from levada.notify.server import Server, server_of
from levada.notify.trust import is_loopback
from levada.secret import Secret


def server(url):
    return server_of(Secret("SMTP_URL", url))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtps://me:secret-word@mail.test:465", Server("mail.test", 465, "whole", "me", "secret-word")),
        ("smtps://me:secret-word@mail.test", Server("mail.test", 465, "whole", "me", "secret-word")),
        ("smtp://me:secret-word@mail.test:587", Server("mail.test", 587, "starttls", "me", "secret-word")),
        ("smtp://me:secret-word@mail.test/", Server("mail.test", 587, "starttls", "me", "secret-word")),
        ("smtp://mail.test:2525", Server("mail.test", 2525, "starttls")),
        ("smtps://me%40x.y:p%2F%40%3A%23w@mail.test", Server("mail.test", 465, "whole", "me@x.y", "p/@:#w")),
        ("smtps://me:w%C3%B6rd@mail.test", Server("mail.test", 465, "whole", "me", "wörd")),
        ("smtps://me:p@ss@mail.test", Server("mail.test", 465, "whole", "me", "p@ss")),
        ("smtp://localhost:1025?tls=none", Server("localhost", 1025, "none")),
        ("smtp://127.0.0.1?tls=none", Server("127.0.0.1", 25, "none")),
        ("smtp://[::1]:1025?tls=none", Server("::1", 1025, "none")),
        ("SMTPS://mail.test", Server("mail.test", 465, "whole")),
    ],
)
def test_a_url_names_a_server(url, said):
    assert server(url) == said


@pytest.mark.parametrize(
    ("url", "what", "todo"),
    [
        ("https://mail.test/secret-word", "holds no URL of a mail server", "smtps://<user>:<password>@<host>:465"),
        ("mail.test:465/secret-word", "holds no URL of a mail server", "smtps://<user>:<password>@<host>:465"),
        ("smtps://me:secret-word@", "holds no URL of a mail server", "smtps://"),
        ("smtps://me:secret-word@mail.test:0", "holds no URL of a mail server", "smtps://"),
        ("smtps://me:secret-word@mail.test:port", "holds no server", "write @ : / ? # % as %40"),
        ("smtps://me:12/secret-word@mail.test", "has something after the port", "write @ : / ? # % as %40"),
        ("smtps://me:pa/secret-word@mail.test", "holds no server", "write @ : / ? # % as %40"),
        ("smtps://me:pa#secret-word@mail.test", "holds no server", "write @ : / ? # % as %40"),
        ("smtps://me:%ffsecret-word@mail.test", "holds no server", "%40"),
        ("smtps://[me:secret-word@mail.test", "holds no server", "%40"),
        ("smtps://me:secret-word%0a@mail.test", "holds a control character", "%40"),
        ("smtps://mail.test/#secret-word", "has something after the port", "%23"),
        ("smtps://secret-word@mail.test", "has a user alone", "<user>:<password>"),
        ("smtps://:secret-word@mail.test", "has a password alone", "<user>:<password>"),
        ("smtp://me:secret-word@mail.test?tls=none", "says tls=none for another machine", "leave ?tls=none out"),
        ("smtp://10.0.0.1?tls=none&secret-word", "has parameters", "?tls=none for localhost"),
        ("smtps://localhost?tls=none", "has parameters", "nothing after the port"),
        ("smtp://mail.test?secret-word=1", "has parameters", "nothing after the port"),
        ("smtp://me:secret-word@localhost?tls=none", "has a password and no TLS", "leave user and password out"),
    ],
)
def test_what_is_wrong_with_a_url_is_told_without_it(url, what, todo):
    with pytest.raises(FixThis) as caught:
        server(url)
    assert what in caught.value.what
    assert todo in caught.value.todo
    assert caught.value.where == "SMTP_URL"
    assert "secret-word" not in str(caught.value)


def test_neither_user_nor_password_are_shown():
    found = server("smtps://me:secret-word@mail.test:465")
    assert str(found) == "mail.test:465"
    assert "me" not in repr(found).replace("mail", "")
    assert "secret-word" not in repr(found)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.9.9", "::1"])
def test_what_stays_within_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost.example.com", "mail.test", "::2", ""])
def test_what_leaves_this_machine(host):
    assert not is_loopback(host)
