"""A scripted API of pages, for pipelines in memory."""

import json

from levada.source.fake import Reply, ScriptedWire, answer

__all__ = ["HEAD", "SALES", "Shop", "page_of", "prices", "public"]

#: How the spec of a shop begins: one stream, of which each test says more.
HEAD = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 2, wait: 1ms}}
streams:
  sales:
    request: {path: /sales, params: {date: "{date}"}}
"""
#: The whole of it: pages of prices, as they came and as Avro.
SALES = f"""{HEAD}\
    paging: {{by: page}}
    responses:
      - {{status: 404, text: no such page, means: end}}
      - {{status: 404, text: nothing, means: no_data}}
    raw: raw/{{date}}/{{page}}.json
    contract:
      fields: {{price: int32}}
    stage: {{avro: "stg/{{date}}/{{page}}.avro"}}
"""


def page_of(call):
    return int(call.url.rpartition("page=")[2])


class Shop:
    """An API of pages; what it answers can be changed between runs, page by page."""

    def __init__(self, *pages):
        self.pages = {number: answer(200, json.dumps(page).encode()) for number, page in enumerate(pages, start=1)}
        self.wires = []

    def wire(self):
        beyond = answer(404, b"no such page" if self.pages else b"nothing for that day")
        self.wires.append(ScriptedWire(lambda call, _: Reply(self.pages.get(page_of(call), beyond))))
        return self.wires[-1]

    def asked(self):
        """Pages that the latest run asked for, sorted."""
        return sorted(int(url.rpartition("page=")[2]) for url in self.wires[-1].asked)

    @property
    def urls(self):
        """What all runs asked for."""
        return [url for wire in self.wires for url in wire.asked]


def prices(*values):
    return [{"price": value} for value in values]


def public(store):
    """What users read of a lake: key -> bytes."""
    return {entry.key: store.read(entry.key) for entry in store.list("") if not entry.key.startswith("_levada/")}
