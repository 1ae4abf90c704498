"""The handler of a function, called as Lambda calls it: what it answers, raises, hands back and logs."""

import json
import logging
from datetime import UTC, datetime

import pytest

from levada.errors import TryLater
from levada.lambda_handler import handler, queue
from levada.spec.packed import Packed, pack
from levada.spec.read import tree_of
from mailserver import MailServer, talking
from patience import HELD
from simulated import SPEC, TOKEN

DAY = "2022-08-09"
QUICK = "  retry: {attempts: 2, wait: 10ms, cap: 20ms}\n\nstreams:"
CHILD = """
  again:
    pages_of: sales
    raw: again/{date}/{page}.json
"""
TICKS = """\
pipeline: ticks
partition: {by: tick, every: 1m}
API
streams:
  sales:
    request: {path: /sales}
    raw: raw/{partition}.json
"""


class Context:
    """As Lambda's, as far as it is used."""

    def __init__(self, seconds=600):
        self.seconds = seconds

    def get_remaining_time_in_millis(self):
        return self.seconds * 1000


@pytest.fixture
def specs(api, tmp_path, monkeypatch, caplog):
    """The folder of the function's specs, the sales spec packed in it; the environment as the function has it."""
    folder = tmp_path / "specs"
    folder.mkdir()
    put(folder, SPEC.read_text())
    for name, value in {**api.environment, "LEVADA_SPECS": str(folder)}.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.INFO, logger="levada")
    return folder


def put(folder, text, verb="land", retry=QUICK, **more):
    """Pack a spec into the folder: quick to give up, its lake beside the folder."""
    text = text.replace("\nstreams:", retry, 1).replace("pipeline: ", "lake: ../lake\npipeline: ", 1)
    root, mistakes = tree_of(text, "pipeline.yaml")
    assert not mistakes
    (folder / "sales.spec.json").write_bytes(pack(Packed("pipeline.yaml", root, verb, **more)))


def queued(*bodies, queue="levada", **attributes):
    return {
        "Records": [
            {
                "messageId": str(number),
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": attributes,
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
            }
            for number, body in enumerate(bodies, start=1)
        ]
    }


def body(answer):
    return json.loads(answer["body"])


def names(answer):
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def said(caplog):
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == "levada.lambda_handler"]


def days(lake):
    return sorted(path.name for path in (lake / "raw" / "sales").iterdir())


def test_a_date_is_landed_and_told(specs, lake, caplog):
    answer = handler({"pipeline": "sales", "date": DAY}, Context())
    assert answer["statusCode"] == 200
    (run,) = body(answer)["runs"]
    assert (run["partition"], run["outcome"], run["level"], run["counts"]["read"]) == (DAY, "done", "landed", 338)
    assert sorted(run["files"]) == [f"raw/sales/{DAY}/sales_{DAY}_{page}.json" for page in (1, 2, 3, 4)]
    assert all((lake / name).is_file() for name in run["files"])
    assert not (lake / "stg").exists()
    (line,) = said(caplog)
    assert (line["levada"], line["partition"], line["files"]) == ("run", DAY, 4)


def test_a_function_writes_no_log_files(specs, tmp_path):
    put(specs, f"{SPEC.read_text()}\nlogs: {{folder: ../logs}}\n")
    assert handler({"date": DAY}, Context())["statusCode"] == 200
    assert not (tmp_path / "logs").exists()


def test_twice_changes_nothing(specs):
    first, second = (body(handler({"date": DAY}, Context()))["runs"][0] for _ in range(2))
    assert (first["changed"], second["changed"]) == (True, False)


def test_missing_partitions_only(specs, api):
    handler({"date": DAY}, Context())
    api.forget_requests()
    (run,) = body(handler({"date": DAY, "missing": True}, Context()))["runs"]
    assert (run["requests"], run["notes"], api.log()) == (0, ["complete already, skipped"], [])


def test_a_tick_whose_event_comes_twice_is_left_alone(specs, api, lake):
    api.fail({"times": None, "fault": {"body": [{"price": 1}]}})
    text = SPEC.read_text()
    put(specs, TICKS.replace("API", text[text.index("source:") : text.index("streams:")]))
    event = {"detail-type": "Scheduled Event", "time": "2022-08-10T00:00:30Z", "detail": {}}
    handler(event, Context())
    api.fail({"times": None, "fault": {"body": [{"price": 2}]}})
    api.forget_requests()
    for again in (event, {"date": "2022-08-10T000000Z"}):
        (run,) = body(handler(again, Context()))["runs"]
        assert (run["partition"], run["requests"], run["changed"]) == ("2022-08-10T000000Z", 0, False)
    assert api.log() == []
    assert (lake / "raw" / "2022-08-10T000000Z.json").read_bytes() == b'[{"price": 1}]'
    (run,) = body(handler({"date": "2022-08-10T000000Z", "missing": False}, Context()))["runs"]
    assert (run["requests"], run["changed"]) == (1, True)


@pytest.mark.parametrize(("default", "day"), [("today", "2022-08-10"), ("yesterday", "2022-08-09")])
def test_a_scheduled_event_names_the_partition_by_its_time(specs, default, day):
    put(specs, SPEC.read_text().replace("{by: day}", f"{{by: day, default: {default}}}"))
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "time": "2022-08-10T00:30:00Z", "detail": {}}
    assert body(handler(event, Context()))["runs"][0]["partition"] == day


def test_without_time_and_date_the_default_means_now(specs):
    put(specs, SPEC.read_text().replace("{by: day}", "{by: day, default: today}"))
    before = datetime.now(UTC).date()
    found = body(handler({}, Context()))["runs"][0]["partition"]
    assert str(before) <= found <= str(datetime.now(UTC).date())


@pytest.mark.parametrize("time", [{}, {"time": "2022-08-10T00:30:00Z"}])
def test_a_spec_without_default_needs_a_date(specs, time):
    answer = handler(time, Context())
    (error,) = body(answer)["errors"]
    assert (answer["statusCode"], error["kind"], error["where"]) == (400, "FixThis", "event")
    assert "partition: {default: today}" in error["todo"]


def test_no_data_is_no_failure(specs):
    answer = handler({"date": "1999-01-01"}, Context())
    assert (answer["statusCode"], body(answer)["runs"][0]["outcome"]) == (200, "no data")


@pytest.mark.parametrize(
    ("event", "status", "what"),
    [
        ({"pipeline": "other", "date": DAY}, 400, "There is no pipeline other here."),
        ({"date": "2022-08-32"}, 400, '"2022-08-32" is no day of the calendar.'),
        ({"date": DAY, "streams": ["other"]}, 400, "There is no stream other in this spec."),
        ({"dat": DAY}, 400, '"dat" is nothing that an event says: date?'),
        ("text", 400, "The event is no object."),
    ],
)
def test_what_a_person_must_change_is_told_and_not_raised(specs, caplog, event, status, what):
    answer = handler(event, Context())
    assert answer["statusCode"] == status
    assert body(answer)["errors"][0]["what"] == what
    assert [(line["levada"], line["what"]) for line in said(caplog)] == [("error", what)]
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize(
    ("event", "usual", "where"),
    [({"streams": ["nope"]}, "", "event"), ({"streams": ["nope"]}, "sales", "event"), ({}, "nope", "LEVADA_STREAMS")],
)
def test_a_stream_that_is_not_there_is_told_by_who_named_it(specs, monkeypatch, event, usual, where):
    monkeypatch.setenv("LEVADA_STREAMS", usual)
    for date in ({}, {"date": DAY}, {"time": "2022-08-10T00:30:00Z"}):
        answer = handler(event | date, Context())
        (error,) = body(answer)["errors"]
        assert (answer["statusCode"], error["what"]) == (400, "There is no stream nope in this spec.")
        assert (error["where"], error["todo"]) == (where, "choose among: sales")


def test_a_refused_key_is_told_without_the_key(specs, monkeypatch, caplog):
    monkeypatch.setenv("AUTH_TOKEN", "quite-the-wrong-token")
    answer = handler({"date": DAY}, Context())
    assert answer["statusCode"] == 502
    assert body(answer)["errors"][0]["kind"] == "ApiRefused"
    assert "quite-the-wrong-token" not in json.dumps(answer) + caplog.text


def test_a_key_that_is_not_set_is_named(specs, monkeypatch):
    monkeypatch.delenv("AUTH_TOKEN")
    assert "AUTH_TOKEN or API_AUTH_TOKEN" in body(handler({"date": DAY}, Context()))["errors"][0]["what"]


def test_broken_answers_leave_out_what_is_made_from_them(specs, api):
    put(specs, SPEC.read_text().rstrip() + CHILD)
    api.fail({"match": {"page": 2}, "times": None, "fault": {"repeat_page": 1}})
    answer = handler({"date": DAY}, Context())
    told = body(answer)
    assert (answer["statusCode"], told["runs"]) == (502, [])
    assert [error["kind"] for error in told["errors"]] == ["ContractBroken"]
    assert told["not_tried"] == [{"pipeline": "sales", "stream": "again", "partition": DAY}]


def test_what_may_work_later_is_raised_and_goes_on_then(specs, api, caplog):
    api.fail({"match": {"page": 3}, "times": None, "fault": {"status": 503, "body": {"token": TOKEN}}})
    with pytest.raises(TryLater) as caught:
        handler({"date": DAY}, Context())
    assert TOKEN not in str(caught.value) + caplog.text
    assert said(caplog)[-1]["kind"] == "TryLater"
    api.fail()
    api.forget_requests()
    (run,) = body(handler({"date": DAY}, Context()))["runs"]
    assert run["resumed"] == 2
    assert {1, 2}.isdisjoint(api.pages_asked())


def test_the_work_stops_before_the_time_is_up_and_goes_on_the_next_time(specs, api):
    api.fail({"match": {"page": 3}, "times": 1, "fault": {"delay": HELD}})
    with pytest.raises(TryLater, match=f"nearly up; sales/sales {DAY} is not done"):
        handler({"date": DAY}, Context(3))
    api.fail()
    api.forget_requests()
    (run,) = body(handler({"date": DAY}, Context()))["runs"]
    assert (run["outcome"], run["counts"]["read"], run["resumed"]) == ("done", 338, 2)
    assert {1, 2}.isdisjoint(api.pages_asked())


def test_what_a_wait_is_for_is_told_where_it_would_outlast_the_time(specs, api):
    put(specs, SPEC.read_text(), retry="  retry: {attempts: 2, wait: 1h, cap: 1h, jitter: none}\n\nstreams:")
    api.fail({"match": {"page": 3}, "times": None, "fault": {"status": 503}})
    with pytest.raises(TryLater, match=r"after .*503.* would outlast the time of this function") as caught:
        handler({"date": DAY}, Context(60))
    assert caught.value.at > datetime.now(UTC)


def test_a_bug_is_raised_without_secrets(specs, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError(f"with {TOKEN}")

    handler({"date": DAY}, Context())  # the token is known from here on
    monkeypatch.setattr("levada.lambda_handler.work", broken)
    with pytest.raises(RuntimeError, match=r"a bug of Levada: ZeroDivisionError: with \[secret\]"):
        handler({"date": DAY}, Context())
    assert "in broken" in said(caplog)[-1]["report"]
    assert TOKEN not in caplog.text


def test_messages_that_are_not_done_are_handed_back(specs, lake):
    event = queued({"date": DAY}, "no json", {"pipeline": "other"}, {"date": "2022-08-10"})
    assert names(handler(event, Context())) == ["2", "3"]
    assert days(lake) == [DAY, "2022-08-10"]


def test_a_message_without_a_date_means_the_day_on_which_it_was_sent_however_late_it_comes(specs, lake):
    put(specs, SPEC.read_text().replace("{by: day}", "{by: day, default: yesterday}"))
    sent = datetime(2022, 8, 10, 23, 59, 59, tzinfo=UTC).timestamp()
    event = queued({"pipeline": "sales"}, SentTimestamp=str(int(sent * 1000)), ApproximateReceiveCount="3")
    for _ in range(2):
        assert handler(event, Context()) == {"batchItemFailures": []}
    assert days(lake) == [DAY]


def test_all_messages_done(specs):
    assert handler(queued({"date": DAY}, {"date": "2022-08-10"}), Context()) == {"batchItemFailures": []}


def test_broken_answers_of_one_message_are_not_the_others(specs, api):
    api.fail({"match": {"date": DAY, "page": 2}, "times": None, "fault": {"repeat_page": 1}})
    assert names(handler(queued({"date": DAY}, {"date": "2022-08-10"}), Context())) == ["1"]


def test_when_the_api_is_away_the_rest_is_handed_back_untried(specs, api, caplog):
    api.fail({"match": {"date": "2022-08-10"}, "times": None, "fault": {"status": 503}})
    event = queued({"date": DAY}, {"date": "2022-08-10"}, {"date": "2022-08-11"})
    assert names(handler(event, Context())) == ["2", "3"]
    assert "2022-08-11" not in json.dumps(api.log())
    assert "Message 3 was not tried" in said(caplog)[-1]["what"]


def test_a_queue_with_an_order_gets_back_what_follows_a_failure_in_its_group(specs, lake):
    event = queued({"date": DAY}, {"dat": "x"}, {"date": "2022-08-10"}, {"date": "2022-08-11"}, queue="levada.fifo")
    for record, group in zip(event["Records"], ["one", "two", "one", "two"], strict=True):
        record["attributes"] = {"MessageGroupId": group}
    assert names(handler(event, Context())) == ["2", "4"]
    assert days(lake) == [DAY, "2022-08-10"]


def test_groups_of_a_queue_without_an_order_stop_nothing(specs, lake):
    event = queued({"dat": "x"}, {"date": DAY}, MessageGroupId="one")
    assert names(handler(event, Context())) == ["1"]
    assert days(lake) == [DAY]


def test_a_batch_of_which_nothing_was_done_is_raised(specs):
    with pytest.raises(TryLater, match="None of 2 messages was done: Message 1 is no JSON"):
        handler(queued("x", "y"), Context())


@pytest.mark.parametrize("broken", [{"eventSource": "aws:sqs"}, "x", {"eventSource": "aws:s3"}])
def test_a_batch_with_a_record_that_cannot_be_read_is_kept_by_its_queue(specs, lake, broken):
    event = queued({"date": DAY})
    event["Records"].append(broken)
    with pytest.raises(TryLater, match="None of 2 messages was done: A record of"):
        handler(event, Context())
    assert not lake.exists()


def test_records_of_another_service_are_told_and_not_raised(specs):
    assert handler({"Records": [{"eventSource": "aws:s3"}]}, Context())["statusCode"] == 400


def test_messages_for_which_there_is_no_time_are_handed_back(specs, api):
    api.fail({"match": {"date": "2022-08-10", "page": 1}, "times": None, "fault": {"delay": HELD}})
    event = queued({"date": DAY}, {"date": "2022-08-10"}, {"date": "2022-08-11"})
    assert names(handler(event, Context(6))) == ["2", "3"]


def test_a_bug_that_one_message_meets_is_not_the_others(specs, monkeypatch, lake):
    real = queue.work

    def sometimes(wanted, *rest):
        if wanted.date == DAY:
            raise ZeroDivisionError
        real(wanted, *rest)

    monkeypatch.setattr(queue, "work", sometimes)
    assert names(handler(queued({"date": DAY}, {"date": "2022-08-10"}), Context())) == ["1"]
    assert days(lake) == ["2022-08-10"]


def test_an_empty_batch(specs):
    assert handler({"Records": []}, Context()) == {"batchItemFailures": []}


def test_records_of_another_service_are_a_mistake_of_the_event(specs):
    answer = handler({"Records": [{"eventSource": "aws:s3"}]}, Context())
    assert answer["statusCode"] == 400
    assert body(answer)["errors"][0]["what"] == "A record of aws:s3 names no partition."


def test_among_several_specs_the_event_names_one(specs):
    (specs / "second.spec.json").write_bytes(
        (specs / "sales.spec.json").read_bytes().replace(b'"word":"sales"', b'"word":"second"', 1)
    )
    answer = handler({"date": DAY}, Context())
    assert body(answer)["errors"][0]["what"] == "The event names no pipeline, and there are several."
    assert body(handler({"pipeline": "second", "date": DAY}, Context()))["runs"][0]["pipeline"] == "second"


def test_no_spec_at_all(specs, monkeypatch, tmp_path):
    monkeypatch.setenv("LEVADA_SPECS", str(tmp_path / "nowhere"))
    (error,) = body(handler({"date": DAY}, Context()))["errors"]
    assert (error["what"], error["where"]) == ("There is no spec.", str(tmp_path / "nowhere"))


def test_only_the_streams_that_it_was_packed_for(specs, lake):
    put(specs, SPEC.read_text().rstrip() + CHILD, streams=("sales",))
    assert [run["stream"] for run in body(handler({"date": DAY}, Context()))["runs"]] == ["sales"]
    again = {"date": DAY, "streams": ["sales", "again"]}
    assert [run["stream"] for run in body(handler(again, Context()))["runs"]] == ["sales", "again"]


def test_a_container_runs_the_whole_from_yaml(specs, lake, tmp_path, monkeypatch):
    (tmp_path / "whole.yaml").write_text(SPEC.read_text())
    monkeypatch.setenv("LEVADA_SPECS", str(tmp_path / "whole.yaml"))
    (run,) = body(handler({"date": DAY}, Context()))["runs"]
    assert (run["level"], len(list((lake / "stg").rglob("*.avro")))) == ("staged", 4)


def test_the_environment_may_say_what_is_done(specs, lake, monkeypatch):
    monkeypatch.setenv("LEVADA_VERB", "run")
    assert body(handler({"date": DAY}, Context()))["runs"][0]["level"] == "staged"
    monkeypatch.setenv("LEVADA_VERB", "dance")
    (error,) = body(handler({"date": DAY}, Context()))["errors"]
    assert (error["what"], error["todo"]) == (
        "LEVADA_VERB is dance.",
        "set it to one of: run, land, stage, replay, load",
    )


def test_the_environment_may_say_which_streams(specs, monkeypatch):
    put(specs, SPEC.read_text().rstrip() + CHILD)
    monkeypatch.setenv("LEVADA_STREAMS", " sales,")
    assert [run["stream"] for run in body(handler({"date": DAY}, Context()))["runs"]] == ["sales"]
    named = {"date": DAY, "streams": ["sales", "again"]}
    assert [run["stream"] for run in body(handler(named, Context()))["runs"]] == ["sales", "again"]
    monkeypatch.setenv("LEVADA_STREAMS", "sails")
    assert body(handler({"date": DAY}, Context()))["errors"][0]["what"] == "There is no stream sails in this spec."


def test_too_long_an_answer_leaves_out_the_names_of_files(specs, monkeypatch):
    monkeypatch.setattr("levada.lambda_handler.told._LONGEST", 100)
    (run,) = body(handler({"date": DAY}, Context()))["runs"]
    assert (run["files"], run["pages"]) == ([], 4)


def test_notices_that_outlast_the_time_fail_nothing_and_wait(specs, lake, monkeypatch, caplog):
    """The work is done: brought again it would be done again, and again no mail would go."""
    put(specs, f"{SPEC.read_text()}\nnotify: {{mail: {{server: '${{SMTP_URL}}', from: a@x.y, to: b@x.y}}}}\n")
    with talking(lambda _: b"", b"") as port:
        monkeypatch.setenv("SMTP_URL", f"smtp://localhost:{port}?tls=none")
        answer = handler({"pipeline": "sales", "date": DAY}, Context(4))
    assert (answer["statusCode"], len(body(answer)["runs"])) == (200, 1)
    (note,) = [line["note"] for line in said(caplog) if line["levada"] == "note"]
    # On a slow machine the alarm of the function comes before the mail's own patience ends.
    assert note.startswith((f'The mail "sales {DAY}: success" was not sent: The mail server', "notices were not sent"))
    assert "for the next round" in note
    assert len(list((lake / "_levada" / "notices.outbox" / "sales").glob("*.json"))) == 1


def test_a_failure_that_is_tried_again_is_told_in_what_is_left_of_the_time(specs, monkeypatch):
    put(specs, f"{SPEC.read_text()}\nnotify: {{mail: {{server: '${{SMTP_URL}}', from: a@x.y, to: b@x.y}}}}\n")
    monkeypatch.setenv("SALES_API_URL", "http://127.0.0.1:9")  # nobody is there
    with MailServer() as server:
        monkeypatch.setenv("SMTP_URL", server.url())
        with pytest.raises(TryLater):
            handler({"pipeline": "sales", "date": DAY}, Context(60))
    assert [taken.mail["Subject"] for taken in server.taken] == [f"sales {DAY}: failure"]
