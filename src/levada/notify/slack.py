"""A letter as Slack and its like read it: `text`, and `blocks` within their limits. Pure.

https://api.slack.com/reference/block-kit/blocks: 50 blocks a message, 3000 characters of text a section, 150 a header.
"""

from typing import Any

from levada.notify.letter import Block, Facts, Items, Letter
from levada.notify.text import aligned, beside, block_text

__all__ = ["slack_of"]

_BLOCKS, _SECTION, _HEADER = 50, 3000, 150
_ESCAPED = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_FENCE = "```"
_MORE = "\n… cut"
#: Characters of a title, and of what follows a table.
_TITLE, _AFTER = 200, 800


def slack_of(letter: Letter) -> dict[str, Any]:
    """The body of the POST."""
    header = {"type": "header", "text": {"type": "plain_text", "text": letter.subject[:_HEADER] or "levada"}}
    sections = [_mrkdwn(_section(block)) for block in letter.blocks]
    room = _BLOCKS - 1
    if len(sections) > room:
        left = len(sections) - room + 1
        sections = [*sections[: room - 1], _mrkdwn(f"… and {left} more parts")]
    return {"text": _marked(letter.subject), "blocks": [header, *sections]}


def _section(block: Block) -> str:
    """The title, then what is in a fence, then what is not: what APIs say is text in there, whatever it looks like."""
    title = "" if isinstance(block, Facts) else f"*{_marked(block.title)[:_TITLE]}*\n"
    below = "" if isinstance(block, Items) else "\n".join(_marked(text) for text in beside(block))
    after = _cut(below, _AFTER) if below else ""
    within = block_text(block) if isinstance(block, Items) else "\n".join(aligned(block))
    text = _marked(within.replace(_FENCE, "'''"))
    if not text:
        return title + after
    room = _SECTION - len(title) - len(after) - 2 * len(_FENCE) - 3 - 2 * len(_MORE)
    return f"{title}{_FENCE}\n{_cut(text, room)}\n{_FENCE}" + (f"\n{after}" if after else "")


def _cut(text: str, room: int) -> str:
    """As many whole lines as there is room for; of a first line that is too long, its begin."""
    if len(text) <= room:
        return text or "-"
    kept = text[: room + 1].rpartition("\n")[0] or text[:room].rpartition("&")[0] or text[:room]
    return f"{kept}{_MORE}"


def _marked(text: str) -> str:
    for character, written in _ESCAPED:
        text = text.replace(character, written)
    return text


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
