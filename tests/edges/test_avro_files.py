"""Avro files, written to disk and read back by fastavro: every codec, the same bytes each time."""

import io
import json
import subprocess
import sys
from datetime import date

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract.check import check_page, prepare
from levada.contract.model import Contract, Field
from levada.errors import FixThis
from levada.staging import avro, rows_of

SALES = Contract(
    (
        Field("client", "string"),
        Field("purchase_date", "date"),
        Field("product", "string"),
        Field("price", "int32"),
        Field("share", "float64", nullable=True),
    ),
    unknown="keep",
)
CODECS = ("null", "deflate", "snappy", "zstandard")


def sales(count):
    return [
        {
            "client": f"Client {number}",
            "purchase_date": f"2022-08-{number % 28 + 1:02}",
            "product": "café" * (number % 7),
            "price": number,
        }
        | ({"share": number / 7, "more": {"n": number}} if number % 3 else {})
        for number in range(count)
    ]


def rows(count):
    return check_page(prepare(SALES), 1, [json.dumps(row).encode() for row in sales(count)]).rows


def write(path, batches, codec="null", contract=SALES):
    with path.open("xb") as file, avro.writer(file, contract, name="sales", namespace="shop", codec=codec) as writer:
        for batch in batches:
            writer.write(batch)
    return path.read_bytes()


@pytest.mark.parametrize("codec", CODECS)
def test_what_was_written_is_read_back(tmp_path, codec):
    good = rows(9000)
    write(tmp_path / "a.avro", [good], codec)
    with (tmp_path / "a.avro").open("rb") as file:
        reader = fastavro.reader(file)
        assert reader.metadata["avro.codec"] == codec
        assert reader.writer_schema["name"] == "shop.sales"
        assert list(reader) == list(good)
    with (tmp_path / "a.avro").open("rb") as file:
        assert next(rows_of("avro", file)) == good[0]
    assert good[1]["purchase_date"] == date(2022, 8, 2)
    assert good[1]["_unknown"] == '{"more":{"n": 1}}'


@pytest.mark.parametrize("codec", CODECS)
def test_equal_rows_give_equal_bytes_however_they_come(tmp_path, codec):
    good = rows(5000)
    once = write(tmp_path / "a.avro", [good], codec)
    batches = [good[:1], (), good[1:100], good[100:2345], good[2345:]]
    assert write(tmp_path / "b.avro", batches, codec) == once
    assert once != write(tmp_path / "c.avro", [good[:-1]], codec)


def test_blocks_end_by_size_so_a_reader_needs_little_memory(tmp_path):
    good = rows(9000)
    write(tmp_path / "a.avro", [good])
    with (tmp_path / "a.avro").open("rb") as file:
        blocks = [(block.num_records, len(block.bytes_.getvalue())) for block in fastavro.block_reader(file)]
    assert sum(number for number, _ in blocks) == 9000
    assert len(blocks) > 3
    assert all(avro.BLOCK <= size < avro.BLOCK + 200 for _, size in blocks[:-1])


def test_no_rows_are_a_file_with_a_schema(tmp_path):
    write(tmp_path / "a.avro", [()])
    with (tmp_path / "a.avro").open("rb") as file:
        assert list(fastavro.reader(file)) == []


class Sink:
    """An output that can do no more than it must."""

    def __init__(self):
        self.data = bytearray()
        self.flushed = 0

    def write(self, data):
        self.data += data
        return len(data)

    def flush(self):
        self.flushed += 1


def test_nothing_but_write_and_flush_is_asked_of_the_output(tmp_path):
    sink, good = Sink(), rows(50)
    with avro.writer(sink, SALES, name="sales", namespace="shop", codec="deflate") as writer:
        writer.write(good)
        writer.close()
    assert bytes(sink.data) == write(tmp_path / "a.avro", [good], "deflate")
    assert sink.flushed


def test_keys_that_avro_cannot_name_are_written_under_the_schemas_names(tmp_path):
    contract = Contract((Field("first-name", "string"), Field("first name", "string")))
    write(tmp_path / "a.avro", [[{"first-name": "a", "first name": "b"}]], contract=contract)
    with (tmp_path / "a.avro").open("rb") as file:
        assert list(fastavro.reader(file)) == [{"first_name": "a", "first_name_2": "b"}]


def fail_after_some_rows(sink):
    with avro.writer(sink, SALES, name="s", namespace="p", codec="null") as writer:
        writer.write(rows(5))
        raise RuntimeError


def test_a_failed_run_writes_no_last_block():
    sink, none = Sink(), Sink()
    with pytest.raises(RuntimeError):
        fail_after_some_rows(sink)
    with avro.writer(none, SALES, name="s", namespace="p", codec="null"):
        pass
    assert sink.data == none.data


cells = {
    "string": st.text(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates(),
}
bad = st.sampled_from([None, 1.5, 2**70, "x", "2022-8-9", True, [1], {"a": 1}, float("nan")])


@given(st.data(), st.lists(st.tuples(st.sampled_from(sorted(cells)), st.booleans()), max_size=5))
def test_from_json_through_the_contract_to_avro_and_back(data, kinds):
    contract = Contract(tuple(Field(f"f{at}", kind, nullable) for at, (kind, nullable) in enumerate(kinds)))
    one = st.fixed_dictionaries(
        {}, optional={field.name: cells[field.type] | cells[field.type] | bad for field in contract.fields}
    )
    records = [json.dumps(row, default=str).encode() for row in data.draw(st.lists(one, max_size=8))]
    batch = check_page(prepare(contract), 1, records)
    assert len(records) == len(batch.rows) + len(batch.rejected)
    sink = Sink()
    with avro.writer(sink, contract, name="s", namespace="p", codec="null") as writer:
        writer.write(batch.rows)

    assert repr(list(fastavro.reader(io.BytesIO(bytes(sink.data))))) == repr(list(batch.rows))


def test_an_unknown_codec_is_told_with_those_there_are():
    with pytest.raises(FixThis) as wrong, avro.writer(Sink(), SALES, name="s", namespace="p", codec="brotli"):
        pass
    assert wrong.value.what == "There is no Avro codec `brotli`."
    assert wrong.value.todo == "Choose one of null, deflate, snappy, zstandard."


@pytest.mark.parametrize(
    ("codec", "libraries"), [("snappy", ("cramjam", "snappy")), ("zstandard", ("backports", "compression"))]
)
def test_a_codec_without_its_library_is_told_with_the_line_that_installs_it(codec, libraries):
    script = f"""
import sys

class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {libraries!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent)
import io
from levada.contract.model import Contract
from levada.errors import FixThis
from levada.staging import avro
out = io.BytesIO()
try:
    with avro.writer(out, Contract(()), name="s", namespace="p", codec={codec!r}):
        pass
except FixThis as error:
    print(error)
print(len(out.getvalue()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"The library for the Avro codec `{codec}` is not installed.",
        f"  to do: Run: python -m pip install 'fastavro[{codec}]'; or choose `codec: deflate`.",
        "0",
    ]


def test_the_room_is_light_until_a_format_is_asked_for():
    script = "import sys, levada.staging; print('fastavro' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
