"""What events of AWS ask for."""

import json
from datetime import UTC, datetime

import pytest

from levada.errors import FixThis
from levada.lambda_handler.events import Asked, asked, messages

#: As EventBridge sends it for a rule with a schedule.
SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2025-07-25T06:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/anime"],
    "detail": {},
}


def record(name, body, queue="levada", **more):
    return {
        "messageId": name,
        "receiptHandle": "AQEB",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1754719200123"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
        "awsRegion": "us-east-1",
        **more,
    }


@pytest.mark.parametrize(
    ("event", "meant"),
    [
        ({}, Asked()),
        ({"pipeline": "sales", "date": "2022-08-09"}, Asked("sales", "2022-08-09")),
        ({"pipeline": None, "date": None}, Asked()),
        ({"streams": ["best", "anime"], "missing": True}, Asked(streams=("best", "anime"), missing=True)),
        ({"time": "2025-07-25T08:00:00+02:00"}, Asked(time=datetime(2025, 7, 25, 6, tzinfo=UTC))),
        (SCHEDULED, Asked(time=datetime(2025, 7, 25, 6, tzinfo=UTC))),
        (
            {**SCHEDULED, "detail-type": "backfill", "detail": {"pipeline": "sales", "date": "2022-08-09"}},
            Asked("sales", "2022-08-09", datetime(2025, 7, 25, 6, tzinfo=UTC)),
        ),
    ],
)
def test_what_an_event_asks_for(event, meant):
    assert asked(event) == meant


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ([], "The event is no object."),
        ("2022-08-09", "The event is no object."),
        ({"pipline": "sales"}, '"pipline" is nothing that an event says: pipeline?'),
        ({"key1": "value1"}, '"key1" is nothing that an event says.'),
        ({"date": 20220809}, "date is no text."),
        ({"date": ""}, "date is no text."),
        ({"pipeline": ["sales"]}, "pipeline is no text."),
        ({"time": "noon"}, 'time: "noon" is no instant such as 2022-08-09T13:45:00Z.'),
        ({"streams": "best"}, "streams is no list of names."),
        ({"streams": []}, "streams is no list of names."),
        ({"missing": "yes"}, "missing is neither true nor false."),
        ({**SCHEDULED, "detail": "text"}, "The detail of the event is no object."),
        ({**SCHEDULED, "detail": {"bucket": {}}}, '"bucket" is nothing that an event says.'),
    ],
)
def test_what_an_event_cannot_ask_for(event, said):
    with pytest.raises(FixThis) as caught:
        asked(event)
    assert (caught.value.what, caught.value.where) == (said, "event")
    assert '{"pipeline": "sales", "date": "2022-08-09"}' in caught.value.todo


@pytest.mark.parametrize("event", [{}, [], None, "x", SCHEDULED, {"Records": "x"}])
def test_what_is_no_batch(event):
    assert messages(event) is None


def test_messages_of_a_batch():
    found = messages(
        {
            "Records": [
                record("a", {"date": "2022-08-09"}),
                record("b", SCHEDULED, "levada.fifo", attributes={"MessageGroupId": "films"}),
            ]
        }
    )
    assert [(one.name, one.group) for one in found] == [("a", None), ("b", "films")]
    assert asked(found[0].event) == Asked(date="2022-08-09")
    assert asked(found[1].event) == asked(SCHEDULED)


def test_a_message_without_a_moment_means_the_one_at_which_it_was_sent():
    sent = datetime(2025, 8, 9, 6, 0, 0, 123000, tzinfo=UTC)
    bare, timed = messages({"Records": [record("a", {}), record("b", SCHEDULED)]})
    assert bare.sent == timed.sent == sent
    assert asked(bare.event, bare.sent) == Asked(time=sent)
    assert asked(timed.event, timed.sent).time == datetime(2025, 7, 25, 6, tzinfo=UTC)
    (unsaid,) = messages({"Records": [record("c", {}, attributes={})]})
    assert asked(unsaid.event, unsaid.sent).time is None


def test_a_message_that_is_no_json():
    (one,) = messages({"Records": [record("a", "2022-08-09 please")]})
    with pytest.raises(FixThis, match="Message a is no JSON"):
        _ = one.event


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"eventSource": "aws:s3"}, "A record of aws:s3 names no partition."),
        ({"EventSource": "aws:sns"}, "A record of aws:sns names no partition."),
        ({}, "A record lacks eventSource."),
        ("x", "A record of the batch is no object."),
        ({"eventSource": "aws:sqs"}, "A record of the batch is not as SQS sends them."),
        (record("a", {}, attributes={"SentTimestamp": "noon"}), "A record of the batch is not as SQS sends them."),
        (record("a", {}, attributes="x"), "A record of the batch is not as SQS sends them."),
    ],
)
def test_records_that_are_no_messages(broken, said):
    with pytest.raises(FixThis) as caught:
        messages({"Records": [record("good", {}), broken]})
    assert caught.value.what == said
