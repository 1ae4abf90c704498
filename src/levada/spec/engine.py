"""Walks a spec's tree along the grammar: every key read by its kind, every mistake collected, nothing ignored.

A grammar is data: `Section`s with `Key`s, each with a kind (`Value`, `Each`, `Named`, `Free`, another `Section`). This
module knows no key by name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from levada.nouns import Place
from levada.spec.auth import SecretRef
from levada.spec.meant import Around, key_meant, main_key
from levada.spec.model import Missing
from levada.spec.template import Template
from levada.spec.tree import Items, Keys, Lost, Mistake, Node, Word, show
from levada.spec.variables import Resolved, resolve

__all__ = [
    "ABSENT",
    "BROKEN",
    "Again",
    "Each",
    "Free",
    "Given",
    "Key",
    "Kind",
    "Named",
    "Reading",
    "Rule",
    "Section",
    "Value",
    "Wrong",
    "walk",
]

Path: TypeAlias = tuple[str, ...]


class _Sign:
    """A result that is no value."""


#: The value was refused; rules that need it are skipped.
BROKEN = _Sign()
#: The value hangs on a variable that is not set: the key counts as not given.
ABSENT = _Sign()


class Wrong(Exception):
    """A value that its kind refuses."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what, todo)
        self.what = what
        self.todo = todo


@dataclass(frozen=True, slots=True)
class Value:
    """One scalar."""

    #: What the text means; raises Wrong.
    parse: Callable[[Word], Any]
    #: What belongs here, for messages: "a duration such as 30s".
    says: str
    #: What to make of a text with a variable that is not set.
    unset: Callable[[Word], Any] = lambda _: ABSENT
    #: Whether `${...}` is filled in before `parse`; secrets and names are read as written.
    fills: bool = True
    #: Whether YAML's null is a word like any other (`codec: null`).
    null: bool = False
    #: Words that are allowed, and those that will be: for messages and schemas.
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Each:
    """A list; its value is a tuple."""

    of: "Kind"
    #: Whether a single value may stand without the list.
    single: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping whose keys the writer chooses; its value is a dict."""

    of: "Kind"
    #: What is wrong with a name, given the value that it has, or None.
    name: Callable[[str, Node], str | None]
    #: What one entry is called: "stream".
    noun: str


@dataclass(frozen=True, slots=True)
class Free:
    """A value that the writer shapes, as JSON: mappings are dicts, lists tuples, words what `of` makes of them."""

    of: Value
    #: What is wrong with a name in it, given the value that it has, or None.
    name: Callable[[str, Node], str | None] = lambda _name, _node: None
    #: Whether it is a mapping, and no list and no word.
    mapping: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """A section that stands within itself, as a field does in a struct; whoever lists the language stops here."""

    section: "Callable[[], Section]"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section."""

    name: str
    kind: "Kind"
    #: One line for people.
    doc: str
    #: What holds when the key is left out, as one would write it; "" if nothing does.
    default: str = ""
    required: bool = False
    #: Lines of the section that show the key at work; stands in the docs, and a test reads it.
    example: str = ""


@dataclass(slots=True)
class Given:
    """What a file says in one section: values by key, and where each stands, that of unknown keys included."""

    path: Path
    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, `default` where it is not given."""
        return self.values.get(key, default)

    def mistake(self, key: str, what: str, todo: str = "") -> Mistake:
        """A mistake at the value of `key`, or at the section where the key is not given."""
        return Mistake(self.places.get(key, self.place), what, todo)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule between the keys of a section; skipped when one of `needs` is broken."""

    needs: tuple[str, ...]
    find: Callable[[Given, "Reading"], Iterable[Mistake]]


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with known keys."""

    #: How it is called in messages and headings: "paging".
    noun: str
    doc: str
    keys: tuple[Key, ...]
    #: Makes the section's noun; called only when nothing in the section is wrong.
    make: Callable[[Given], Any]
    rules: tuple[Rule, ...] = ()
    #: Keys that the language will have, and what they are for.
    later: Mapping[str, str] = field(default_factory=dict)
    #: The key that is meant when a single word stands for the section (`price: int32`), or "".
    short: str = ""
    #: What the examples of its keys need beside them, so that the section is whole.
    around: str = ""


Kind: TypeAlias = Value | Each | Named | Free | Again | Section


@dataclass(slots=True)
class Reading:
    """What is known and found while one file is read."""

    environment: Mapping[str, str]
    mistakes: list[Mistake] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    #: Every section that was read, by its path.
    sections: dict[Path, Given] = field(default_factory=dict)
    #: What each of them may say.
    kinds: dict[Path, Section] = field(default_factory=dict)
    #: Every template that was read: path, template, where it stands.
    templates: list[tuple[Path, Template, Place]] = field(default_factory=list)

    def refuse(self, place: Place, what: str, todo: str = "") -> Any:
        """Note a mistake; the value is broken."""
        self.mistakes.append(Mistake(place, what, todo))
        return BROKEN


def walk(kind: Kind, node: Node, path: Path, reading: Reading) -> Any:
    """The value of `node` as `kind` reads it; BROKEN when there is any mistake in it."""
    before = len(reading.mistakes)
    value = BROKEN
    if not isinstance(node, Lost):
        value = _walk(kind, node, path, reading)
    return value if len(reading.mistakes) == before else BROKEN


def _walk(kind: Kind, node: Node, path: Path, reading: Reading) -> Any:
    match kind:
        case Value():
            return _value(kind, node, path, reading)
        case Each():
            return _each(kind, node, path, reading)
        case Named():
            return _named(kind, node, path, reading)
        case Free():
            return _free(kind, node, path, reading)
        case Again():
            return _section(kind.section(), node, path, reading)
        case Section():
            return _section(kind, node, path, reading)


def _value(kind: Value, node: Node, path: Path, reading: Reading) -> Any:
    if not isinstance(node, Word):
        return _no_word(kind, node, path, reading)
    if node.empty and not kind.null:
        return reading.refuse(node.place, f"{_last(path)} has no value", f"write {kind.says}, or leave the key out")
    try:
        found = resolve(node, reading.environment) if kind.fills else Resolved(node)
        value = kind.unset(found.word) if found.missing else kind.parse(found.word)
    except (Wrong, ValueError) as error:
        what, todo = error.args if isinstance(error, Wrong) else (str(error), "")
        return reading.refuse(node.place, f"{_last(path)}: {what}", todo or f"write {kind.says}")
    _note(value, found, path, reading)
    return value


def _note(value: Any, found: Resolved, path: Path, reading: Reading) -> None:
    """Remember the variables that are not set."""
    used_in, place = ".".join(path), found.word.place
    if isinstance(value, Template):
        reading.templates.append((path, value, place))
    if isinstance(value, SecretRef) and not any(reading.environment.get(name) for name in value.names):
        reading.missing.append(Missing(value.names, used_in, place, secret=True))
    reading.missing += [Missing(names, used_in, place, said=found.word.text) for names in found.missing]


def _no_word(kind: Value, node: Node, path: Path, reading: Reading) -> Any:
    if isinstance(node, Keys) and node.corrected:
        what = f"the braces of {_last(path)} are a mapping to YAML, not text"
        return reading.refuse(node.place, what, f"put quotes around it: {node.corrected}")
    form = "a list" if isinstance(node, Items) else "a mapping"
    return reading.refuse(node.place, f"{_last(path)} is {form}, where one value belongs", f"write {kind.says}")


def _last(path: Path) -> str:
    """What a message calls the value at `path`."""
    return show(path[-1]) if path else "the spec"


def _each(kind: Each, node: Node, path: Path, reading: Reading) -> Any:
    if isinstance(node, Items):
        found = [walk(kind.of, item, path, reading) for item in node.items]
        return tuple(value for value in found if value is not ABSENT)
    if kind.single:
        value = walk(kind.of, node, path, reading)
        return () if value is ABSENT else (value,)
    return reading.refuse(
        node.place, f"{_last(path)} is no list", f"write {_last(path)}: [...], or one item a line after `- `"
    )


def _named(kind: Named, node: Node, path: Path, reading: Reading) -> Any:
    if not isinstance(node, Keys):
        what = f"{_last(path)} is no mapping of one {kind.noun} a line"
        return reading.refuse(node.place, what, f"write each {kind.noun} below it as `name: ...`")
    values = {}
    for name, (place, below) in node.entries.items():
        if problem := kind.name(name, below):
            reading.refuse(place, problem)
        values[name] = walk(kind.of, below, (*path, name), reading)
    return {name: value for name, value in values.items() if value is not ABSENT}


def _free(kind: Free, node: Node, path: Path, reading: Reading) -> Any:
    if isinstance(node, Keys) and not node.corrected:
        free = replace(kind, mapping=False)
        return _named(Named(free, kind.name, "value"), node, path, reading)
    if kind.mapping:
        what = f"{_last(path)} is no mapping"
        return reading.refuse(node.place, what, f"write {_last(path)}: {{name: value}}")
    if isinstance(node, Items):
        return tuple(walk(kind, item, path, reading) for item in node.items)
    return _value(kind.of, node, path, reading)


def _section(section: Section, node: Node, path: Path, reading: Reading) -> Any:
    if isinstance(node, Word) and section.short and not node.empty:
        node = Keys({section.short: (node.place, node)}, node.place, short=True)
    if not isinstance(node, Keys):
        return reading.refuse(node.place, f"{section.noun} is no mapping", _mapping(section, node, path))
    given = Given(path, node.place)
    reading.sections[path], reading.kinds[path] = given, section
    before = len(reading.mistakes)
    excused = _read_keys(section, node, given, reading)
    for key in section.keys:
        if key.required and key.name not in {*node.entries, *excused}:
            what = f"{section.noun} lacks the key {key.name}"
            given.values[key.name] = reading.refuse(node.place, what, f"add {key.name}: {key.doc}")
    given.values |= dict.fromkeys(excused - node.entries.keys(), BROKEN)
    given.places |= dict.fromkeys(excused - node.entries.keys(), node.place)
    for rule in section.rules:
        if not any(given.get(need) is BROKEN for need in rule.needs):
            reading.mistakes += rule.find(given, reading)
    return section.make(given) if len(reading.mistakes) == before else BROKEN


def _read_keys(section: Section, node: Keys, given: Given, reading: Reading) -> set[str]:
    """Fill `given`; the keys that need not be missed, because a wrong one stands for them."""
    keys = {key.name: key for key in section.keys}
    excused: set[str] = set()
    for name, (place, below) in node.entries.items():
        given.places[name] = below.place
        if name not in keys:
            excused |= _refuse_key(section, name, place, given.path, reading)
            continue
        value = walk(keys[name].kind, below, given.path if node.short else (*given.path, name), reading)
        if value is ABSENT and keys[name].required:
            what = f"{name} hangs on a variable that is not set, and the spec cannot be read without it"
            value = reading.refuse(below.place, what, "set the variable, or give it a default: ${NAME:-default}")
        if value is not ABSENT:
            given.values[name] = value
    return excused


def _refuse_key(section: Section, name: str, place: Place, path: Path, reading: Reading) -> set[str]:
    """Refuse a key as not built yet or unknown; the keys that it excuses."""
    if name in section.later:
        reading.refuse(
            place, f"{name} in {section.noun} is not built yet ({section.later[name]})", "leave it out for now"
        )
        return {key.name for key in section.keys if key.required}
    todo, meant = key_meant(name, _around(section, path, reading))
    reading.refuse(place, f'unknown key "{show(name)}" in {section.noun}', todo)
    return {meant} if meant else set()


def _around(section: Section, path: Path, reading: Reading) -> Around:
    """Where a key of a section could also stand."""
    inner = {key.name: key.kind for key in section.keys}
    below = {name: _names(kind) for name, kind in inner.items() if isinstance(kind, Section)}
    outer = [] if section.short else [reading.kinds.get(path[:end]) for end in range(len(path) - 1, -1, -1)]
    above = tuple((kind.noun, _names(kind)) for kind in outer if kind)
    return Around(section.noun, _names(section), tuple(section.later), below, above, _last(path))


def _names(section: Section) -> tuple[str, ...]:
    return tuple(key.name for key in section.keys)


def _mapping(section: Section, node: Node, path: Path) -> str:
    """What to write where a section is a single word or a list."""
    name, keys = _last(path), {key.name: key for key in section.keys}
    if isinstance(node, Word) and not node.empty and not node.origin:
        if node.text in keys:
            return f"write its value, too: {name}: {{{node.text}: ...}}"
        main = main_key(section.noun, tuple((key.name, key.required) for key in section.keys))
        if main and _takes(keys[main].kind, node):
            written = f'"{show(node.text)}"' if node.quoted else show(node.text)
            return f"write {name}: {{{main}: {written}}}"
    if isinstance(node, Items):
        return f"it is no list: its keys stand without `- `: {', '.join(keys)}"
    how = "indent its keys below it" if isinstance(node, Word) and node.empty else "write its keys below it"
    return f"{how}: {', '.join(keys)}"


def _takes(kind: Kind, word: Word) -> bool:
    """Whether a kind of one value can read a word."""
    kind = kind.of if isinstance(kind, Each) and kind.single else kind
    try:
        return isinstance(kind, Value) and kind.parse(word) is not None
    except (Wrong, ValueError):
        return False
