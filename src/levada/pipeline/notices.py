"""The notices of a pipeline: to whom its spec says, after the ends that it says.

What cannot be sent waits in the lake for the next round.
"""

from collections.abc import Iterator, Sequence

from levada.edges import run_id
from levada.errors import LevadaError
from levada.lake.store import Missing
from levada.logs.lines import About
from levada.logs.writing import say
from levada.notify import outbox
from levada.notify.channels import channels, know_secrets
from levada.notify.letter import line
from levada.notify.notice import Notice, is_due, mail_notice, trial_notice, webhook_notice
from levada.notify.outbox import Damaged
from levada.notify.post import Channel, Fate, Posted, discarded, post
from levada.pipeline.course import Course
from levada.round import Round

__all__ = ["send_trial", "send_waiting", "told", "waiting"]

#: Notices that are told one by one, the newest.
_TOLD = 3


def told(course: Course, done: Round) -> tuple[str, ...]:
    """Write down what is due, send all that waits; notes about what could not be sent."""
    know_secrets(course.spec, course.edges.environment)
    own = {notice.kind: notice for notice in _due(course, done)}
    known = channels(course.spec, course.edges.environment)
    notes = [note for channel in known for note in _by(course, channel, own.get(channel.kind))]
    return (*notes, *_words(course, _orphans(course, known)))


def waiting(course: Course) -> tuple[list[Notice], list[Damaged]]:
    """What waits in the outbox, the oldest first, and what is wrong with those that cannot be read."""
    found, damaged = list[Notice](), list[Damaged]()
    for key in outbox.waiting(course.store, course.spec.pipeline):
        try:
            found.append(outbox.read(course.store, key))
        except Missing:  # sent meanwhile
            continue
        except Damaged as error:
            damaged.append(error)
    return found, damaged


def send_waiting(course: Course) -> list[Fate]:
    """Send what waits in the outbox, over each channel until that fails as a whole.

    Raises:
        LevadaError: the lake does not let its files be read or changed.
    """
    known = channels(course.spec, course.edges.environment)
    know_secrets(course.spec, course.edges.environment)
    return [*(fate for channel in known for fate in _posted(course, channel).fates), *_orphans(course, known)]


def send_trial(course: Course) -> list[Fate]:
    """Send a notice about nothing over each channel; none of it waits."""
    name, now, pipeline = f"trial-{run_id(course.edges)}", course.edges.clock.now(), course.spec.pipeline
    webhook = course.spec.notify and course.spec.notify.webhook
    found = list[Fate]()
    for channel in channels(course.spec, course.edges.environment):
        notice = trial_notice(channel.kind, pipeline, name, now, webhook.form if webhook else "json")
        sent = channel.send(notice)
        found.append(Fate(channel.kind, "given up" if sent.error else "sent", notice, sent.error, sent.notes))
    return found


def _due(course: Course, done: Round) -> Iterator[Notice]:
    """The notices of this round; of one in which nothing was done there is nothing to tell."""
    notify = course.spec.notify
    if notify is None or not (done.runs or done.failures or done.not_tried or done.reports):
        return
    if notify.mail and is_due(notify.mail.when, done.ending):
        yield mail_notice(done, notify.mail)
    if notify.webhook and is_due(notify.webhook.when, done.ending):
        yield webhook_notice(done, notify.webhook)


def _by(course: Course, channel: Channel, own: Notice | None) -> Iterator[str]:
    """Write the notice down, send what waits; what is to be told of that."""
    try:
        if own:
            outbox.put(course.store, course.spec.pipeline, own)
    except LevadaError as error:
        yield from _at_once(channel, own, error)
        return
    try:
        posted = _posted(course, channel)
        yield from _words(course, posted.fates)
        yield from [f"{posted.left} more of {channel.kind} wait behind it"] if posted.left else []
    except LevadaError as error:
        yield line(f"The outbox of notices cannot be used, and what is in it waits: {_said(error)}")


def _at_once(channel: Channel, own: Notice | None, error: LevadaError) -> Iterator[str]:
    """Send a notice that the lake does not take: a full disk is just what people are to be told of."""
    yield line(f"The {channel.kind} about this round could not be written into the outbox: {_said(error)}")
    sent = channel.send(own) if own else None
    if sent and sent.error:
        yield line(f"It was not sent either, and is lost: {_said(sent.error)}")


def _posted(course: Course, channel: Channel) -> Posted:
    keys = outbox.waiting(course.store, course.spec.pipeline, channel.kind)
    posted = post(course.store, channel, keys, course.edges)
    for fate in posted.fates:
        if fate.state == "sent":
            say(About(course.spec.pipeline), "notice", f"{fate.title} was sent", channel=fate.kind)
    return posted


def _orphans(course: Course, known: Sequence[Channel]) -> list[Fate]:
    """Give up what waits for a channel that the spec has no more."""
    kinds = {channel.kind for channel in known}
    keys = outbox.waiting(course.store, course.spec.pipeline)
    gone = [key for key in keys if outbox.kind_of(key) not in kinds]
    return discarded(course.store, gone, course.edges)


def _words(course: Course, fates: Sequence[Fate]) -> Iterator[str]:
    """Notes about what was not simply sent."""
    refused = [f"{fate.title}: {note}" for fate in fates for note in fate.notes]
    odd = [fate for fate in fates if fate.state != "sent"]
    yield from map(line, refused)
    if len(odd) > _TOLD:
        yield f"{len(odd) - _TOLD} earlier notices were not sent either; `levada notify {course.spec.file} --list`"
    yield from (line(_fate_of(course, fate)) for fate in odd[-_TOLD:])


def _fate_of(course: Course, fate: Fate) -> str:
    why = f": {_said(fate.error)}" if fate.error else ""
    if fate.state == "waits":
        again = f"it waits for the next round, or for `levada notify {course.spec.file}`"
        return f"{fate.title} was not sent{why}; {again}"
    if fate.state == "given up":
        last = f": {fate.notice.error}" if isinstance(fate.notice, Notice) and fate.notice.error else ""
        return f"{fate.title} is given up{last}"
    return _said(fate.error)


def _said(error: LevadaError | None) -> str:
    return "; ".join(text for text in (error.what.rstrip("."), error.todo) if text) if error else ""
