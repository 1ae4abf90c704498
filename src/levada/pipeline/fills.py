"""What a page's names and records are filled with besides the partition's values: its number, its row, its window.

It lies in the commit record with the page, so that names and added fields can be made again without HTTP.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from levada.errors import ContractBroken, FixThis
from levada.nouns import LakeFile
from levada.pipeline.job import Job
from levada.pipeline.slicing import Fields, fields_of, label
from levada.records.add import with_fields
from levada.spec.template import Template, Value, encode_name, fill

__all__ = ["Names", "added", "of_file", "values_in"]

#: Fills that are moments of time.
_MOMENTS = ("start", "end")


def values_in(fills: Mapping[str, Any]) -> dict[str, Value]:
    """The values of templates that `fills` holds in the form that JSON carries: texts become moments again."""
    return {name: _moment(value) if name in _MOMENTS else value for name, value in fills.items()}


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def added(job: Job, fills: Mapping[str, Any], records: Sequence[Any]) -> Sequence[Any]:
    """The records of a page (`msgspec.Raw`, which is at home in `records`), each with the fields that `add` names.

    Raises:
        FixThis: the page was landed without such a field of its row.
    """
    each = job.stream.for_each
    if each is None or not each.add:
        return records
    fields = {name: _field(job, fills, source) for name, source in each.add}
    return [with_fields(record, fields) for record in records]


def _field(job: Job, fills: Mapping[str, Any], name: str) -> Any:
    try:
        return fills[f"row.{name}"]
    except KeyError:
        raise _unknown(job, f"row.{name}") from None


def _unknown(job: Job, name: str) -> FixThis:
    return FixThis(
        f"The landed pages of {job.where} do not tell {name}, which the spec uses now.",
        where=str(job.stream.place),
        todo=f"fetch them again: {job.fetching('run')}",
    )


class Names:
    """The public names that a template gives to the pages of a run, each to one page only."""

    def __init__(self, job: Job, template: Template | None) -> None:
        self._job, self._template = job, template
        self._fields = fields_of(job.stream)
        self._given: dict[str, str] = {}

    def __call__(self, fills: Mapping[str, Any]) -> str | None:
        """The name of the page that is filled with these; None without a template.

        Raises:
            ContractBroken: a page of another row has that name.
            FixThis: the page was landed without a value that the template uses.
        """
        if self._template is None:
            return None
        try:
            name = fill(self._template, {**self._job.values, **values_in(fills)}, encode_name)
        except KeyError as error:
            raise _unknown(self._job, str(error.args[0])) from None
        if "row" in fills:
            self._refuse_twins(name, _called(fills, self._fields))
        return name

    def _refuse_twins(self, name: str, page: str) -> None:
        other = self._given.setdefault(name, page)
        if other is not page:
            raise ContractBroken(
                f"Two pages would have the name {name}: {other} and {page}.",
                where=self._job.where,
                todo="if the same row came twice, write `distinct: true` under for_each; else name {row} and {page}",
            )


def _called(fills: Mapping[str, Any], fields: Fields) -> str:
    return f"{label(fills, fields)}, page {fills['page']}" if "page" in fills else label(fills, fields)


def of_file(file: LakeFile) -> dict[str, Any]:
    """The fills of a page of the lake; those of older commits know its number only."""
    return {"page": file.page or 0, **file.fills}
