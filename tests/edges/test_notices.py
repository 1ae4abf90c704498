"""Notices of rounds: written down, sent once, tried again, given up; on every kind of store, to real servers."""

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from levada.edges import Edges, FixedClock
from levada.errors import FixThis, TryLater
from levada.lake.area import areas
from levada.lake.disk import DiskStore
from levada.lake.memory import MemoryStore
from levada.lake.opening import open_store
from levada.lake.status import status
from levada.notify import outbox
from levada.notify.notice import Notice
from levada.notify.post import Channel, post
from levada.notify.sent import Sent
from levada.nouns import Counts, Run
from levada.pipeline.course import Course
from levada.pipeline.notices import send_trial, send_waiting, waiting
from levada.pipeline.notifying import notified
from levada.round import Failure, Round
from levada.secret import remember
from levada.spec.read import read_text
from mailserver import MailServer, certificates, talking
from webserver import Said, WebServer

NOW = datetime(2024, 10, 9, 7, 1, tzinfo=UTC)
HEAD = "pipeline: shop\nsource: {url: https://api.test}\nstreams: {sales: {request: {path: /s}}}\n"
MAIL = 'notify: {mail: {server: "${SMTP_URL}", from: levada@example.com, to: [ops@example.com, boss@example.com]}}\n'
HOOK = 'notify: {webhook: "${HOOK_URL}"}\n'
ANY = "20241009T070100.000000Z-{:04x}"


@pytest.fixture
def server():
    with MailServer() as found:
        yield found


@pytest.fixture
def web():
    with WebServer(lambda _: "ok") as found:
        yield found


@pytest.fixture(params=["memory", "disk", "s3"])
def stores(request, tmp_path):
    """Makes one store after the other of the same lake, each as another process has it."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: store
    if request.param == "disk":
        return lambda: DiskStore(tmp_path / "lake")
    s3 = request.getfixturevalue("s3")
    lake = s3.lake()
    return lambda: open_store(lake, s3.environment)


def course_of(store, notify=MAIL, clock=None, **environment):
    spec = read_text(HEAD + notify, "s.yaml", environment)
    return Course(spec, store, Edges(clock=clock or FixedClock(NOW), environment=environment))


def mailing(store, server, notify=MAIL, clock=None):
    return course_of(store, notify, clock, SMTP_URL=server.url())


def nowhere():
    """The URL of a mail server that is not there."""
    with talking(lambda _: None) as port:
        pass
    return f"smtp://localhost:{port}?tls=none"


def a_round(number=1, outcome="done", **facts):
    run = Run("shop", "sales", f"2024-10-{number:02}", "r", outcome, "staged", Counts(9, 9), 1, 1, 0, (), True, 1.0)
    at = NOW + timedelta(minutes=number)
    return Round("shop", ANY.format(number), "run", "schedule", at, at, **{"runs": (run,)} | facts)


def kept(store):
    """What lies in the outbox, locks left out."""
    return [entry.key for entry in store.list("_levada/notices.outbox") if not entry.key.endswith(".lock")]


def subjects(server):
    return [taken.mail["Subject"] for taken in server.taken]


def test_a_mail_is_sent_and_nothing_of_it_stays(stores, server):
    done = a_round()
    assert notified(mailing(stores(), server), done) == done
    [taken] = server.taken
    assert taken.to == ("ops@example.com", "boss@example.com")
    assert taken.mail["Subject"] == "shop 2024-10-01: success"
    assert taken.mail["Date"].datetime == NOW + timedelta(minutes=1)
    assert "\nsales            1     9     9" in taken.part("plain")
    assert "<td" in taken.part("html")
    assert list(stores().list("")) == []


def test_what_cannot_be_sent_waits_and_goes_first_with_the_next_round(stores, server):
    away = course_of(stores(), SMTP_URL=nowhere())
    first, second = notified(away, a_round(1)), notified(away, a_round(2))
    [note] = first.notes
    assert note.startswith('The mail "shop 2024-10-01: success" was not sent: The mail server localhost:')
    assert note.endswith(
        "gave no answer: Connection refused; it waits for the next round, or for `levada notify s.yaml`"
    )
    assert second.notes == (note, "1 more of mail wait behind it")
    assert [notice.attempts for notice in waiting(away)[0]] == [2, 0]
    assert notified(mailing(stores(), server), a_round(3)).notes == ()
    assert subjects(server) == [f"shop 2024-10-0{day}: success" for day in (1, 2, 3)]
    assert [taken.mail["Message-ID"] for taken in server.taken] == [
        f"<{ANY.format(number)}.mail@notices.levada>" for number in (1, 2, 3)
    ]
    assert kept(stores()) == []


def test_what_waits_is_no_partition_for_those_who_look(stores):
    store = stores()
    notified(course_of(store, SMTP_URL=nowhere()), a_round())
    assert kept(store) == [f"_levada/notices.outbox/shop/{ANY.format(1)}.mail.json"]
    assert status(store) == []
    assert areas(store) == {}


def test_of_several_processes_one_sends_each_notice(stores, server):
    away = course_of(stores(), SMTP_URL=nowhere())
    for number in range(1, 7):
        outbox.put(away.store, "shop", replace(_notice(number), subject=f"n{number}"))
    begin, failed = threading.Barrier(4), []

    def work():
        course = mailing(stores(), server)
        begin.wait()
        try:
            failed.extend(fate for fate in send_waiting(course) if fate.state not in ("sent", "held"))
        except BaseException as error:  # noqa: BLE001 - a thread's error would be lost
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(subjects(server)) == [f"n{number}" for number in range(1, 7)]
    assert kept(stores()) == []


def _notice(number):
    return Notice(f"{ANY.format(number)}.mail", "mail", NOW, "s", "text", "html")


def test_a_notice_that_another_process_is_sending_is_left_to_it(stores, server):
    outbox.put(stores(), "shop", _notice(1))
    [key] = outbox.waiting(stores(), "shop")
    with outbox.taken(stores(), key, b"another host 1"):
        assert notified(mailing(stores(), server), a_round(2)).notes == ()
        assert subjects(server) == ["shop 2024-10-02: success"]
    assert kept(stores()) == [key]
    assert [fate.state for fate in send_waiting(mailing(stores(), server))] == ["sent"]


class Dying:
    """A store whose process dies at one of its calls."""

    def __init__(self, store, call):
        self._store, self._call = store, call

    def __getattr__(self, name):
        if name != self._call:
            return getattr(self._store, name)

        def die(*_):
            raise SystemExit(137)

        return die


def test_a_notice_comes_twice_at_most_and_as_the_same_mail_after_a_death(tmp_path, server):
    store = DiskStore(tmp_path / "lake")
    with pytest.raises(SystemExit):
        notified(mailing(Dying(store, "delete"), server), a_round())
    assert len(kept(store)) == 1
    assert send_waiting(mailing(store, server))[0].state == "sent"
    first, again = server.taken
    assert first.mail["Message-ID"] == again.mail["Message-ID"]
    assert first.mail["Date"] == again.mail["Date"]
    assert first.part("plain") == again.part("plain")
    assert kept(store) == []


def test_a_death_before_sending_loses_nothing(tmp_path, server):
    store = DiskStore(tmp_path / "lake")
    with pytest.raises(SystemExit):
        notified(mailing(Dying(store, "lock"), server), a_round())
    assert server.taken == []
    assert notified(mailing(store, server), a_round(2)).notes == ()
    assert len(server.taken) == 2


def test_a_variable_that_is_not_set_fails_the_notice_alone(server):
    store = MemoryStore()
    done = notified(course_of(store), a_round())
    [note] = done.notes
    assert note.startswith('The mail "shop 2024-10-01: success" was not sent: Not set: SMTP_URL; export SMTP_URL=...')
    assert done.ending == "success"
    assert [fate.state for fate in send_waiting(mailing(store, server))] == ["sent"]
    assert subjects(server) == ["shop 2024-10-01: success"]


@pytest.mark.parametrize(
    ("when", "outcomes"),
    [
        ("", ["done", "partial", "failed"]),
        (", when: always", ["done", "partial", "failed"]),
        (", when: success", ["done"]),
        (", when: [failure]", ["failed"]),
        (", when: [success, failure]", ["done", "failed"]),
        (", when: [partial, failure]", ["partial", "failed"]),
    ],
)
def test_people_are_told_when_they_want_to_be(server, when, outcomes):
    course = mailing(MemoryStore(), server, MAIL.replace("]}}", f"]{when}}}}}"))
    for number, outcome in enumerate(["done", "partial", "failed"], 1):
        failures = (Failure("FixThis", 2, "wrong"),) if outcome == "failed" else ()
        notified(course, a_round(number, outcome, failures=failures))
    words = {"done": "success", "partial": "partial", "failed": "failure"}
    assert [subject.rpartition(" ")[2] for subject in subjects(server)] == [words[outcome] for outcome in outcomes]


def test_a_round_in_which_nothing_was_done_tells_nobody(server):
    assert notified(mailing(MemoryStore(), server), a_round(runs=())).notes == ()
    assert server.taken == []


def test_a_spec_that_notifies_nobody_asks_nothing_of_the_lake():
    course = course_of(None, notify="")
    done = a_round()
    assert notified(course, done) is done


def test_a_webhook_gets_the_facts_and_after_an_error_with_the_next_round(web):
    web.fail("/hook", None, [500])
    course = course_of(MemoryStore(), HOOK, HOOK_URL=f"{web.url}/hook")
    [note] = notified(course, a_round(1)).notes
    assert "The webhook of HOOK_URL asks to try later: status 500" in note
    assert web.url not in note
    assert notified(course, a_round(2)).notes == ()
    bodies = [asked.json for asked in web.seen]
    assert [body["id"] for body in bodies] == [ANY.format(1), ANY.format(1), ANY.format(2)]
    assert bodies[0] == bodies[1]
    assert bodies[2]["rows"]["read"] == 9


def test_slack_gets_blocks(web):
    hook = 'notify: {webhook: {url: "${HOOK_URL}", form: slack}}\n'
    assert notified(course_of(MemoryStore(), hook, HOOK_URL=f"{web.url}/hook"), a_round()).notes == ()
    [body] = [asked.json for asked in web.seen]
    assert set(body) == {"text", "blocks"}
    assert body["text"] == "shop 2024-10-01: success"


BOTH = MAIL.rstrip("}\n") + '}, webhook: "${HOOK_URL}"}\n'


def test_one_channel_that_fails_keeps_the_other_from_nothing(server, web):
    store = MemoryStore()
    course = course_of(store, BOTH, SMTP_URL=nowhere(), HOOK_URL=f"{web.url}/hook")
    assert len(notified(course, a_round()).notes) == 1
    assert len(web.seen) == 1
    assert [notice.kind for notice in waiting(course)[0]] == ["mail"]
    web.fail("/hook", None, [500])
    course = course_of(store, BOTH, SMTP_URL=server.url(), HOOK_URL=f"{web.url}/hook")
    assert len(notified(course, a_round(2)).notes) == 1
    assert len(server.taken) == 2
    assert [notice.kind for notice in waiting(course)[0]] == ["webhook"]


def test_a_mail_that_is_refused_does_not_stand_in_the_way(server):
    store = MemoryStore()
    server.planned = ["552 too big", "552 too big", "250 OK"]
    course = mailing(store, server)
    notified(course, a_round(1))
    [note] = notified(course, a_round(2)).notes
    assert note.startswith('The mail "shop 2024-10-01: success" was not sent: The mail server localhost:')
    assert "refuses the mail: 552 too big" in note
    assert subjects(server) == ["shop 2024-10-02: success"]
    assert [notice.attempts for notice in waiting(course)[0]] == [2]


def test_a_recipient_who_is_refused_is_told_and_one_who_is_put_off_gets_it_later(server):
    store = MemoryStore()
    course = mailing(store, server)
    server.refused = {"boss@example.com": "550 no such user"}
    assert notified(course, a_round(1)).notes == (
        'The mail "shop 2024-10-01: success": boss@example.com was refused: 550 no such user',
    )
    assert kept(store) == []
    server.refused = {"boss@example.com": "451 greylisted"}
    [note] = notified(course, a_round(2)).notes
    assert "takes the mail later for boss@example.com: 451 greylisted" in note
    server.refused = {}
    assert notified(course, a_round(3)).notes == ()
    assert [taken.to for taken in server.taken] == [
        ("ops@example.com",),
        ("ops@example.com",),
        ("boss@example.com",),
        ("ops@example.com", "boss@example.com"),
    ]


def test_a_mail_that_all_have_by_now_is_done(server):
    store = MemoryStore()
    outbox.put(store, "shop", replace(_notice(1), settled=("ops@example.com", "boss@example.com")))
    assert [fate.state for fate in send_waiting(mailing(store, server))] == ["sent"]
    assert server.taken == []


def test_after_a_week_a_notice_is_given_up_and_that_is_told(server):
    store, clock = MemoryStore(), FixedClock(NOW)
    notified(course_of(store, clock=clock, SMTP_URL=nowhere()), a_round(1))
    clock.pause(timedelta(days=8).total_seconds())
    late = replace(a_round(2), ended=clock.now())
    note, behind = notified(course_of(store, clock=clock, SMTP_URL=nowhere()), late).notes
    assert note.startswith('The mail "shop 2024-10-01: success" is given up: The mail server localhost:')
    assert note.endswith("gave no answer: Connection refused")
    assert behind == "1 more of mail wait behind it"
    assert notified(mailing(store, server, clock=clock), replace(late, id=ANY.format(3))).notes == ()
    assert subjects(server) == ["shop 2024-10-02: success"] * 2


def test_a_pipeline_that_runs_once_a_week_has_its_mail_tried_again_first(server):
    store, clock = MemoryStore(), FixedClock(NOW)
    notified(course_of(store, clock=clock, SMTP_URL=nowhere()), a_round(1))
    clock.pause(timedelta(days=7, seconds=90).total_seconds())
    late = replace(a_round(8), started=clock.now(), ended=clock.now())
    assert notified(mailing(store, server, clock=clock), late).notes == ()
    assert subjects(server) == ["shop 2024-10-01: success", "shop 2024-10-08: success"]


def test_twenty_tries_in_more_than_a_day_are_enough(server):
    store, clock = MemoryStore(), FixedClock(NOW)
    course = course_of(store, clock=clock, SMTP_URL=nowhere())
    notified(course, a_round(1))
    for _ in range(18):
        clock.pause(5000)
        assert [fate.state for fate in send_waiting(course)] == ["waits"]
    clock.pause(5000)
    assert [fate.state for fate in send_waiting(course)] == ["given up"]
    assert kept(store) == []


def test_of_more_than_a_hundred_the_oldest_are_given_up(server):
    store = MemoryStore()
    for number in range(103):
        outbox.put(store, "shop", replace(_notice(number), subject=f"n{number}"))
    fates = send_waiting(course_of(store, SMTP_URL=nowhere()))
    assert [(fate.state, fate.notice.subject) for fate in fates] == [
        ("given up", "n0"),
        ("given up", "n1"),
        ("given up", "n2"),
        ("waits", "n3"),
    ]
    assert len(kept(store)) == 100


def test_a_slow_server_holds_nobody_up_for_long():
    store, clock = MemoryStore(), FixedClock(NOW)
    for number in range(5):
        outbox.put(store, "shop", replace(_notice(number), subject=f"n{number}"))

    given = []

    def slowly(_, most):
        given.append(most)
        clock.pause(min(50, most))
        return Sent()

    course = course_of(store, clock=clock)
    until = clock.monotonic() + 120
    posted = post(store, Channel("mail", slowly), outbox.waiting(store, "shop"), course.edges, until)
    assert [fate.notice.subject for fate in posted.fates] == ["n0", "n1", "n2"]
    assert given == [60, 60, 20]
    assert posted.left == 2
    assert len(kept(store)) == 2
    assert clock.monotonic() == until


def test_all_channels_have_one_time_and_each_its_share_of_it(monkeypatch):
    store, clock = MemoryStore(), FixedClock(NOW)
    for number in range(4):
        outbox.put(store, "shop", _notice(number))
        outbox.put(store, "shop", replace(_notice(number), id=f"{ANY.format(number)}.webhook", kind="webhook"))

    def slowly(_, most):
        clock.pause(min(45, most))
        return Sent()

    @contextmanager
    def slow(*_):
        yield Channel("mail", slowly), Channel("webhook", slowly)

    monkeypatch.setattr("levada.pipeline.notices.channels", slow)
    began = clock.monotonic()
    notes = notified(course_of(store, clock=clock), a_round(9)).notes
    assert clock.monotonic() - began == 120
    assert notes == (
        "3 of mail wait for the next round: there was no time left for them",
        "2 of webhook wait for the next round: there was no time left for them",
    )


def test_without_any_time_a_notice_is_written_down_and_waits(server):
    store = MemoryStore()
    done = notified(mailing(store, server), a_round(), seconds=0.0)
    assert done.notes == ("1 of mail wait for the next round: there was no time left for them",)
    assert server.connections == 0
    assert [fate.state for fate in send_waiting(mailing(store, server))] == ["sent"]


def test_many_failures_are_told_in_a_few_notes(server):
    store = MemoryStore()
    server.planned = ["552 too big"] * 6
    for number in range(1, 6):
        outbox.put(store, "shop", replace(_notice(number), subject=f"n{number}"))
    notes = notified(mailing(store, server), a_round(6)).notes
    assert notes[0] == "3 earlier notices were not sent either; `levada notify s.yaml --list`"
    assert [note.split('"')[1] for note in notes[1:]] == ["n4", "n5", "shop 2024-10-06: success"]


def test_a_notice_that_is_damaged_is_told_and_the_others_go(server):
    store = MemoryStore()
    store.create(f"_levada/notices.outbox/shop/{ANY.format(0)}.mail.json", b"{")
    course = mailing(store, server)
    [note] = notified(course, a_round()).notes
    assert note.startswith("A notice that waits cannot be read: Expecting property name")
    assert note.endswith("delete the file; what it was about stands in the lake")
    assert len(server.taken) == 1
    found, damaged = waiting(course)
    assert found == []
    assert damaged[0].where == f"memory/_levada/notices.outbox/shop/{ANY.format(0)}.mail.json"


def test_what_waits_for_a_channel_that_the_spec_has_no_more_is_given_up(web):
    store = MemoryStore()
    notified(course_of(store, SMTP_URL=nowhere()), a_round(1))
    hook = course_of(store, HOOK, HOOK_URL=f"{web.url}/hook")
    [note] = notified(hook, a_round(2)).notes
    assert note.startswith('The mail "shop 2024-10-01: success" is given up')
    assert kept(store) == []


class Refusing:
    """A store that takes nothing any more."""

    def __init__(self, store, error):
        self._store, self._error = store, error

    def __getattr__(self, name):
        return getattr(self._store, name)

    def replace(self, *_):
        raise self._error


def test_a_lake_that_takes_nothing_keeps_no_mail_from_being_sent(server):
    full = Refusing(MemoryStore(), TryLater("the disk is full", todo="make room"))
    assert notified(mailing(full, server), a_round()).notes == (
        "The mail about this round could not be written into the outbox: the disk is full; make room",
    )
    assert subjects(server) == ["shop 2024-10-01: success"]
    _, lost = notified(course_of(full, SMTP_URL=nowhere()), a_round()).notes
    assert lost.startswith("It was not sent either, and is lost: The mail server localhost:")


def test_a_lake_that_fails_meanwhile_is_told(server):
    class Failing(Refusing):
        def replace(self, *arguments):
            return self._store.replace(*arguments)

        def head(self, *_):
            raise self._error

    failing = Failing(MemoryStore(), FixThis("no rights", todo="chmod"))
    assert notified(mailing(failing, server), a_round()).notes == (
        "The outbox of notices cannot be used, and what is in it waits: no rights; chmod",
    )


def test_a_bug_in_notices_is_a_note_and_shows_no_secret(monkeypatch, server):
    remember("hunter2-hunter2")

    def broken(*_):
        raise ZeroDivisionError("hunter2-hunter2")

    monkeypatch.setattr("levada.pipeline.notices.told", broken)
    done = notified(mailing(MemoryStore(), server), a_round())
    assert done.notes == ("the notices were not sent: this is a bug of Levada: ZeroDivisionError: [secret]",)


def test_nothing_secret_waits_in_the_lake():
    store = MemoryStore()
    url = "smtp://me:hunter2-hunter2@mail.levada.invalid:587"
    failures = (Failure("FixThis", 2, f"somebody said hunter2-hunter2 and {url}"),)
    notified(course_of(store, SMTP_URL=url), a_round(failures=failures))
    [key] = kept(store)
    text = store.read(key).decode()
    assert "[secret]" in text
    assert "hunter2" not in text
    assert "me:" not in text


def test_a_trial_goes_over_every_channel_and_waits_nowhere(server, web):
    store = MemoryStore()
    course = course_of(store, BOTH, SMTP_URL=server.url(), HOOK_URL=f"{web.url}/hook")
    assert [(fate.kind, fate.state) for fate in send_trial(course)] == [("mail", "sent"), ("webhook", "sent")]
    assert subjects(server) == ["shop: a test of mail"]
    assert json.loads(web.seen[0].body)["kind"] == "levada.test"
    fates = send_trial(course_of(store, BOTH, SMTP_URL=nowhere(), HOOK_URL="http://example.com/hook"))
    assert [fate.state for fate in fates] == ["given up", "given up"]
    assert "gave no answer" in fates[0].error.what
    assert "goes over the network in the clear" in fates[1].error.what
    assert kept(store) == []


def test_a_mail_without_a_sender_is_told(server):
    bare = MAIL.replace("from: levada@example.com, ", "")
    [note] = notified(mailing(MemoryStore(), server, bare), a_round()).notes
    assert "The mail has no sender: its server knows no user" in note
    assert "from:" in note


def test_the_sender_is_the_user_of_the_server(tmp_path):
    bare = MAIL.replace("from: levada@example.com, ", "")
    with certificates(tmp_path) as (context, trusted), MailServer(context, whole=True) as server:
        notified(course_of(MemoryStore(), bare, SMTP_URL=server.url(), **trusted), a_round(1))
        assert [taken.sender for taken in server.taken] == ["levada@example.com"]
        url = server.url("AKIAEXAMPLE7:plain-words@")
        [note] = notified(course_of(MemoryStore(), bare, SMTP_URL=url, **trusted), a_round(2)).notes
    assert "The mail has no sender: the user of its server is no address" in note
    assert 'from: "levada@example.com"' in note
    assert len(server.taken) == 1


def test_a_notice_is_written_down_once():
    store = MemoryStore()
    outbox.put(store, "shop", replace(_notice(1), attempts=3))
    outbox.put(store, "shop", _notice(1))
    assert [notice.attempts for notice in waiting(course_of(store))[0]] == [3]


def test_a_notice_that_is_sent_while_somebody_looks_is_left_out():
    store = MemoryStore()
    outbox.put(store, "shop", _notice(1))

    class Late(Dying):
        def __getattr__(self, name):
            if name == "read":
                store.delete(outbox.waiting(store, "shop")[0])
            return getattr(store, name)

    assert waiting(course_of(Late(store, ""))) == ([], [])


def test_a_web_server_that_says_no_to_all_is_told_once_a_round(web):
    web.answer = lambda _: Said("no_service", 404)
    course = course_of(MemoryStore(), HOOK, HOOK_URL=f"{web.url}/hook")
    for number in (1, 2, 3):
        notes = notified(course, a_round(number)).notes
        assert "refuses the notice: status 404 (no_service)" in notes[0]
    assert notes[1:] == ("2 more of webhook wait behind it",)
    assert len(web.seen) == 3


@pytest.mark.parametrize("wrong", ["boss", "both"])
def test_a_hundred_that_wait_go_over_one_connection(server, wrong):
    store = MemoryStore()
    server.refused = {"boss@example.com": "550 gone"}
    if wrong == "both":
        server.refused["ops@example.com"] = "550 gone"
    for number in range(99):
        outbox.put(store, "shop", _notice(number))
    notified(mailing(store, server), a_round(300))
    assert server.connections == 1
    assert len(server.taken) == (100 if wrong == "boss" else 0)
    assert len(kept(store)) == (0 if wrong == "boss" else 100)


def test_a_connection_that_the_server_closes_between_two_mails_is_opened_again(server):
    store = MemoryStore()
    for number in range(3):
        outbox.put(store, "shop", _notice(number))
    server.planned = ["250 OK", "421 closing"]
    assert [fate.state for fate in send_waiting(mailing(store, server))] == ["sent", "waits"]
    assert [fate.state for fate in send_waiting(mailing(store, server))] == ["sent", "sent"]


class Undeleting:
    """A store that takes files and does not let them be deleted."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def delete(self, _):
        raise TryLater("no right to delete")


def test_a_lake_that_deletes_nothing_has_each_notice_sent_once(server):
    store = Undeleting(MemoryStore())
    for number in (1, 2, 3):
        assert notified(mailing(store, server), a_round(number)).notes == (
            f'The mail "shop 2024-10-0{number}: success": it could not be deleted from the outbox: no right to delete',
        )
    assert subjects(server) == [f"shop 2024-10-0{number}: success" for number in (1, 2, 3)]
    assert waiting(mailing(store, server)) == ([], [])
    assert send_waiting(mailing(store, server)) == []
    assert len(server.taken) == 3


def test_what_may_be_deleted_again_is_cleared_away(server):
    store = MemoryStore()
    notified(mailing(Undeleting(store), server), a_round(1))
    assert len(kept(store)) == 1
    assert send_waiting(mailing(store, server)) == []
    assert kept(store) == []


class Unanswering:
    """A store whose answer to a first write is lost; the write is done."""

    def __init__(self, store, seen):
        self._store, self._seen = store, seen

    def __getattr__(self, name):
        return getattr(self._store, name)

    def replace(self, key, data, tag):
        self._store.replace(key, data, tag)
        if tag is None:
            raise TryLater("the answer was lost")

    def head(self, key):
        self._seen -= 1
        if self._seen < 0:
            return self._store.head(key)
        raise TryLater("the answer was lost")


@pytest.mark.parametrize("blind", [0, 1], ids=["seen", "unseen"])
def test_an_answer_to_the_writing_that_is_lost_makes_no_mail_come_twice(server, blind):
    store = MemoryStore()
    notes = notified(mailing(Unanswering(store, blind), server), a_round(1)).notes
    assert len(notes) == blind
    assert kept(store) == []
    assert notified(mailing(store, server), a_round(2)).notes == ()
    assert subjects(server) == ["shop 2024-10-01: success", "shop 2024-10-02: success"]


def test_an_outbox_that_cannot_be_and_a_server_that_is_away_are_told_as_a_loss(tmp_path):
    (tmp_path / "_levada").mkdir()
    (tmp_path / "_levada" / "notices.outbox").write_text("x")
    first, lost, *more = notified(course_of(DiskStore(tmp_path), SMTP_URL=nowhere()), a_round()).notes
    assert first.startswith("The mail about this round could not be written into the outbox: ")
    assert lost.startswith("It was not sent either, and is lost: The mail server localhost:")
    assert more == []


def test_a_recipient_who_is_put_off_and_then_refused_keeps_nothing_waiting(server):
    store = MemoryStore()
    server.refused = {"boss@example.com": "450 later"}
    assert len(notified(mailing(store, server), a_round(1)).notes) == 1
    server.refused = {"boss@example.com": "550 gone"}
    [fate] = send_waiting(mailing(store, server))
    assert (fate.state, fate.notes) == ("sent", ("boss@example.com was refused: 550 gone",))
    assert kept(store) == []
    assert [taken.to for taken in server.taken] == [("ops@example.com",)]


def test_a_mail_that_nobody_has_waits_for_better_addresses(server):
    store = MemoryStore()
    server.refused = {"boss@example.com": "450 later", "ops@example.com": "550 gone"}
    notified(mailing(store, server), a_round(1))
    server.refused = {"boss@example.com": "550 gone", "ops@example.com": "550 gone"}
    [fate] = send_waiting(mailing(store, server))
    assert (fate.state, fate.notes) == ("waits", ())
    server.refused = {}
    send_waiting(mailing(store, server))
    assert [taken.to for taken in server.taken] == [("ops@example.com", "boss@example.com")]


GOOD = {"id": "x", "kind": "mail", "made": "2024-10-09T07:00:00+00:00", "subject": "s", "tried": None, "settled": []}


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": 5},
        {"text": None},
        {"attempts": "3"},
        {"settled": [5]},
        {"settled": None},
        {"made": "2024-10-09T07:00:00"},
        {"made": 7},
        {"kind": "pager"},
        {"over": "no"},
        {"more": 1},
        {"version": 2},
    ],
    ids=str,
)
def test_a_notice_of_odd_types_is_told_and_the_others_go(server, odd):
    store = MemoryStore()
    text = json.dumps({"version": 1, **GOOD, **odd})
    store.create(f"_levada/notices.outbox/shop/{ANY.format(0)}.mail.json", text.encode())
    [note] = notified(mailing(store, server), a_round()).notes
    assert note.startswith("A notice that waits cannot be read: ")
    assert len(server.taken) == 1
    assert [type(error).__name__ for error in waiting(mailing(store, server))[1]] == ["Damaged"]


def test_no_lock_stays_of_a_notice_that_was_sent_meanwhile(tmp_path):
    store = DiskStore(tmp_path)
    outbox.put(store, "shop", _notice(1))
    [key] = outbox.waiting(store, "shop")
    with outbox.taken(store, key, b"a") as held:
        held.remove()
    with outbox.taken(store, key, b"b") as held:
        assert held is None
    assert list(store.list("")) == []


def test_by_hand_it_is_told_that_another_process_has_a_notice(stores, server):
    outbox.put(stores(), "shop", _notice(1))
    [key] = outbox.waiting(stores(), "shop")
    with outbox.taken(stores(), key, b"another host 1"):
        [fate] = send_waiting(mailing(stores(), server))
    assert (fate.state, fate.title) == ("held", f'The mail "{ANY.format(1)}.mail"')
    assert server.taken == []


def test_what_is_given_up_by_hand_says_why_and_is_an_error(web):
    store = MemoryStore()
    notified(course_of(store, SMTP_URL=nowhere()), a_round(1))
    [fate] = send_waiting(course_of(store, HOOK, HOOK_URL=f"{web.url}/hook"))
    assert (fate.state, type(fate.error)) == ("given up", FixThis)
    assert fate.error.what.startswith("The spec has no mail any more, and the last try failed: The")
