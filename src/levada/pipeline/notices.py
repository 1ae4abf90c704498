"""The notices of a pipeline: to whom its spec says, after the ends that it says.

What cannot be sent waits in the lake for the next round.
"""

from collections.abc import Collection, Iterator, Sequence

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
from levada.notify.post import Channel, Fate, Posted, discarded, post, send
from levada.notify.sent import LONGEST
from levada.pipeline.course import Course
from levada.round import Round

__all__ = ["send_trial", "send_waiting", "told", "waiting"]

#: Notices that are told one by one, the newest.
_TOLD = 3


def told(course: Course, done: Round, seconds: float) -> tuple[str, ...]:
    """Write down what is due, send what waits, in so many seconds at most; notes about what could not be sent."""
    know_secrets(course.spec, course.edges.environment)
    own = {notice.kind: notice for notice in _due(course, done)}
    until = course.edges.clock.monotonic() + seconds
    with channels(course.spec, course.edges.environment) as known:
        lost = {channel.kind: _put(course, own.get(channel.kind)) for channel in known}
        notes = list[str]()
        for number, channel in enumerate(known):
            share = _share(course, until, len(known) - number)
            if error := lost[channel.kind]:
                notes += _at_once(course, channel, own[channel.kind], (error, share))
            else:
                notes += _by(course, channel, share)
    try:
        notes += _words(course, _orphans(course, {channel.kind for channel in known}))
    except LevadaError as error:
        notes += [] if notes else [_unusable(error)]
    return tuple(notes)


def waiting(course: Course) -> tuple[list[Notice], list[Damaged]]:
    """What waits in the outbox, the oldest first, and what is wrong with those that cannot be read."""
    found, damaged = list[Notice](), list[Damaged]()
    for key in outbox.waiting(course.store, course.spec.pipeline):
        try:
            notice = outbox.read(course.store, key)
            found += [] if notice.over else [notice]
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
    know_secrets(course.spec, course.edges.environment)
    until, fates = course.edges.clock.monotonic() + LONGEST, list[Fate]()
    with channels(course.spec, course.edges.environment) as known:
        for number, channel in enumerate(known):
            fates += _posted(course, channel, _share(course, until, len(known) - number)).fates
    return [*fates, *_orphans(course, {channel.kind for channel in known})]


def send_trial(course: Course) -> list[Fate]:
    """Send a notice about nothing over each channel; none of it waits."""
    name, now, pipeline = f"trial-{run_id(course.edges)}", course.edges.clock.now(), course.spec.pipeline
    webhook = course.spec.notify and course.spec.notify.webhook
    found = list[Fate]()
    until = course.edges.clock.monotonic() + LONGEST
    with channels(course.spec, course.edges.environment) as known:
        for channel in known:
            notice = trial_notice(channel.kind, pipeline, name, now, webhook.form if webhook else "json")
            sent = send(channel, notice, course.edges, until)
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


def _share(course: Course, until: float, channels: int) -> float:
    """When the time of the next of so many channels is up: a slow one takes none of the others'."""
    now = course.edges.clock.monotonic()
    return now + (until - now) / channels


def _put(course: Course, own: Notice | None) -> LevadaError | None:
    """Write a notice down; why it could not be."""
    try:
        if own:
            outbox.put(course.store, course.spec.pipeline, own)
    except LevadaError as error:
        return error
    return None


def _by(course: Course, channel: Channel, until: float) -> Iterator[str]:
    """Send what waits; what is to be told of that."""
    try:
        posted = _posted(course, channel, until)
    except LevadaError as error:
        yield _unusable(error)
        return
    yield from _words(course, posted.fates)
    if posted.left:
        behind = posted.fates and not posted.fates[-1].alone
        why = "wait behind it" if behind else "wait for the next round: there was no time left for them"
        yield f"{posted.left}{' more' if behind else ''} of {channel.kind} {why}"


def _unusable(error: LevadaError) -> str:
    return line(f"The outbox of notices cannot be used, and what is in it waits: {_said(error)}")


def _at_once(course: Course, channel: Channel, own: Notice, how: tuple[LevadaError, float]) -> Iterator[str]:
    """Send a notice that the lake does not take: a full disk is just what people are to be told of."""
    error, until = how
    yield line(f"The {channel.kind} about this round could not be written into the outbox: {_said(error)}")
    sent = send(channel, own, course.edges, until)
    yield from (line(f"The {channel.kind}: {note}") for note in sent.notes)
    if sent.error:
        yield line(f"It was not sent either, and is lost: {_said(sent.error)}")
    else:
        outbox.drop(course.store, course.spec.pipeline, own)


def _posted(course: Course, channel: Channel, until: float) -> Posted:
    keys = outbox.waiting(course.store, course.spec.pipeline, channel.kind)
    posted = post(course.store, channel, keys, course.edges, until)
    for fate in posted.fates:
        if fate.state == "sent":
            say(About(course.spec.pipeline), "notice", f"{fate.title} was sent", channel=fate.kind)
    return posted


def _orphans(course: Course, kinds: Collection[str]) -> list[Fate]:
    """Give up what waits for a channel that the spec has no more."""
    found = list[Fate]()
    keys = outbox.waiting(course.store, course.spec.pipeline)
    for kind in sorted({outbox.kind_of(key) for key in keys} - set(kinds)):
        gone = [key for key in keys if outbox.kind_of(key) == kind]
        found += discarded(course.store, gone, course.edges, f"The spec has no {line(kind)} any more")
    return found


def _words(course: Course, fates: Sequence[Fate]) -> Iterator[str]:
    """Notes about what was not simply sent; what another process has in hand is that one's to tell."""
    refused = [f"{fate.title}: {note}" for fate in fates for note in fate.notes]
    odd = [fate for fate in fates if fate.state not in ("sent", "held")]
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
        return f"{fate.title} is given up{why}"
    return _said(fate.error)


def _said(error: LevadaError | None) -> str:
    return "; ".join(text for text in (error.what.rstrip("."), error.todo) if text) if error else ""
