"""Many partitions told together: the worst is the exit code, a bug does not hide the others."""

from dataclasses import replace

import pytest

from levada.cli.together import How, report_each, worst
from levada.edges import Edges
from levada.lake.memory import MemoryStore
from levada.pipeline import Pipeline
from levada.pipeline.choosing import Choice
from levada.spec.read import read_text
from shop import SALES, Shop


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([4], 4), ([75, 4], 75), ([75, 3], 3), ([3, 2, 75], 2), ([2, 70, 3], 70)]
)
def test_the_worst_exit_code_is_what_a_person_must_mend_first(codes, code):
    assert worst(codes) == code


class Broken(MemoryStore):
    """A store that fails as no store may."""

    def lock(self, key, holder):
        if "2022-08-10" in key:
            raise ZeroDivisionError("a bug")
        return super().lock(key, holder)


def test_a_bug_in_one_partition_is_raised_after_the_others_are_done(capsys):
    read = read_text(SALES, "shop.yaml", {}, lake="lake")
    api = Shop([{"price": 1}])
    pipeline = Pipeline(read, Broken(), Edges(environment={}, network=api.wire))
    for day in ("2022-08-09", "2022-08-11"):
        pipeline.run(date=day)
    found = pipeline.chosen("replay", Choice(start="2022-08-09", end="2022-08-12"))
    found = replace(found, work=(*found.work[:1], ("2022-08-10", found.work[0][1]), *found.work[1:]))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        report_each(pipeline, found, How("replay", 2, as_json=False))
    told = capsys.readouterr().out
    assert [line.split()[1] for line in told.splitlines()] == ["2022-08-09:", "2022-08-11:"]
