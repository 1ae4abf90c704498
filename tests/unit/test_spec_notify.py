"""Mistakes in `notify`, and addresses as people write them."""

import pytest

from levada.errors import FixThis
from levada.spec.address import Address, address, apart
from levada.spec.read import read_text
from mistakes import told

HEAD = "pipeline: s\nsource: {url: https://a.test}\nstreams: {s: {request: {path: /s}}}\n"


def mail_of(text, **environment):
    return read_text(f"{HEAD}notify: {{mail: {{{text}}}}}\n", "s.yaml", environment).notify.mail


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@x.y", Address("", "a", "x.y")),
        ("a.b+c@x.y", Address("", "a.b+c", "x.y")),
        ("Ann B <a@x.y>", Address("Ann B", "a", "x.y")),
        ('"B, Ann" <a@x.y>', Address("B, Ann", "a", "x.y")),
        ("<a@x.y>", Address("", "a", "x.y")),
        ("jürgen@bücher.example", Address("", "jürgen", "bücher.example")),
        ("levada@localhost", Address("", "levada", "localhost")),
        ("Ann\nB <a@x.y>", Address("Ann B", "a", "x.y")),
    ],
)
def test_addresses(text, found):
    assert address(text) == found


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@x.y", "a b@x.y", "a@b@c", "a@x.y, b@x.y", "a@x.y b@x.y", "A <a@x.y", "a@x.y>", "<>"],
)
def test_what_is_no_address(text):
    assert address(text) is None


def test_a_variable_may_hold_several_addresses():
    assert apart(["a@x.y, B <b@x.y>,", '"C, D" <c@x.y>']) == ("a@x.y", "B <b@x.y>", '"C, D" <c@x.y>')
    mail = mail_of('server: "${S}", to: ["${TO}", d@x.y]', TO="a@x.y,b@x.y", S="x")
    assert mail.to == ("a@x.y", "b@x.y", "d@x.y")


def test_a_variable_that_is_not_set_is_no_mistake():
    assert mail_of('server: "${S}", to: "${TO}", from: "${SENDER}"').to == ("${TO}",)


@pytest.mark.parametrize(
    ("notify", "at", "what", "todo"),
    [
        ('mail: {server: "${S}", to: ops}', "4:37", '"ops" is no address', "name@example.com"),
        ('mail: {server: "${S}", to: [a@x.y, b]}', "4:37", '"b" is no address', "name@example.com"),
        ('mail: {server: "${S}", to: a@x.y b@x.y}', "4:37", "is no address", "name@example.com"),
        ('mail: {server: "${S}", to: a@x.y, from: Levada}', "4:50", '"Levada" is no address', "name@example.com"),
        ('mail: {server: "${S}", to: []}', "4:37", "goes to nobody", '["you@example.com"]'),
        ('mail: {server: "smtps://u:p@h", to: a@x.y}', "4:25", "", "${"),
        ('mail: {server: "${S}"}', "4:16", "to", ""),
        ('mail: {server: "${S}", to: a@x.y, subject: "{date}"}', "4:53", "{date}", "{partition}"),
        ('mail: {server: "${S}", to: a@x.y, when: never}', "4:50", "never", "success"),
        ('mail: {server: "${S}", to: [" , "]}', "4:37", "goes to nobody", '["you@example.com"]'),
        ('mail: {server: "${S}", to: "Müller, Karl <a@x.y>"}', "4:37", '"Müller" is no address', "name@example.com"),
        ('mail: {server: "${S}", to: "a@b.c b <a@x.y>"}', "4:37", "is no address", "name@example.com"),
        ('mail: {server: "${S}", to: a@x.y, when: []}', "4:50", "nobody is ever told", "when: [partial, failure]"),
        ('webhook: {url: "${H}", when: []}', "4:39", "nobody is ever told", "when: [partial, failure]"),
        ('webhook: "https://hooks.test/x"', "4:19", "", "${"),
        ('webhook: {url: "${H}", form: teams}', "4:39", "teams", "slack"),
    ],
)
def test_mistakes_are_told_at_their_place(notify, at, what, todo):
    told(f"{HEAD}notify: {{{notify}}}\n", at, what, todo)


def test_nobody_to_notify_is_a_mistake():
    told(f"{HEAD}notify: {{}}\n", "4:9", "nobody is notified", "add mail: {...} or webhook: ...")


@pytest.mark.parametrize("value", [",", " , "])
def test_a_variable_with_no_address_is_a_mistake(value):
    with pytest.raises(FixThis, match="goes to nobody") as caught:
        mail_of('server: "${S}", to: "${TO}"', TO=value)
    assert "s.yaml:4:37" in caught.value.where


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["a@b.c, Bob <b@b.c>"], ("a@b.c", "Bob <b@b.c>")),
        (['"Ops, Team" <a@b.c>, b@b.c'], ('"Ops, Team" <a@b.c>', "b@b.c")),
        (['b@b.c,"Ops, Team, X" <a@b.c>'], ("b@b.c", '"Ops, Team, X" <a@b.c>')),
        (["a@b.c, x@b.c, a@b.c", "A <a@B.c>"], ("a@b.c", "x@b.c")),
        (["a@b.c, b@b.c, A@b.c"], ("a@b.c", "b@b.c", "A@b.c")),
        (["Ops (x): all <a@b.c>"], ("Ops (x): all <a@b.c>",)),
    ],
)
def test_no_recipient_is_lost_and_none_comes_twice(texts, found):
    assert apart(texts) == found
