"""Pages of sales from memory, as fast as one Python process can: started by the benchmarks.

    python page_server.py ROWS PAGE_SIZE LATENCY_MS

Prints its URL, then serves until it is killed: GET /sales?date=…&page=N gives a bare list and a 404 past the last page,
GET /wrapped?page=N the same rows under `data`, with `total_pages`; GET /orders?page=N such pages, rows of ten fields.
"""

import asyncio
import json
import random
import sys
from functools import cache
from urllib.parse import parse_qs, urlsplit

PRODUCTS = ("Phone", "Laptop", "TV", "Vacuum cleaner", "Microwave oven", "coffee machine")
FIRST = ("Ana", "Olena", "João", "Sofia", "Ivan", "Maria", "Luís", "Peter", "Zoë", "Chen")
LAST = ("Silva", "Shevchenko", "Costa", "Smith", "Koval", "Müller", "Ng", "Pereira", "Davis", "Ito")
DAY = "2022-08-09"


def pages(rows: int, size: int) -> list[bytes]:
    """The bodies: sales of the shape of the first example, always the same."""
    chance = random.Random(7)
    records = [
        {
            "client": f"{chance.choice(FIRST)} {chance.choice(LAST)} {number}",
            "purchase_date": DAY,
            "product": chance.choice(PRODUCTS),
            "price": chance.randrange(88, 4836),
        }
        for number in range(rows)
    ]
    return [json.dumps(records[start : start + size]).encode() for start in range(0, rows, size)]


@cache
def orders(rows: int, size: int) -> list[bytes]:
    """The bodies of wider rows, one field of them an object: made when the first of them is asked for."""
    chance = random.Random(8)
    records = [
        {
            "id": number,
            "client": f"{chance.choice(FIRST)} {chance.choice(LAST)}",
            "purchase_date": f"2022-08-{1 + number % 28:02}",
            "product": chance.choice(PRODUCTS),
            "price": chance.randrange(300_000) / 100,
            "ean": chance.randrange(10**12, 10**13),
            "store": chance.randrange(1, 50),
            "card": chance.choice(("Visa", "Mastercard", None)),
            "dateTime": f"2022-08-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:{number * 7 % 60:02}",
            "position": {
                "lat": round(chance.uniform(-90, 90), 5),
                "lon": round(chance.uniform(-180, 180), 5),
                "city": chance.choice(("Lisboa", "Porto", "Braga")),
            },
        }
        for number in range(rows)
    ]
    return [json.dumps(records[start : start + size]).encode() for start in range(0, rows, size)]


def answer(bodies: list[bytes], target: str) -> bytes:
    """A whole HTTP answer."""
    page = int(parse_qs(urlsplit(target).query).get("page", ["1"])[0])
    if page > len(bodies):
        status, body = "404 Not Found", b'{"message": "You requested page that doesn\'t exist: page=%d"}' % page
    else:
        status, body = "200 OK", bodies[page - 1]
        if target.startswith(("/wrapped", "/orders")):
            body = b'{"data": %b, "page": %d, "total_pages": %d}' % (body, page, len(bodies))
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(rows: int, size: int, latency: float) -> None:
    """Answer for ever."""
    bodies = pages(rows, size)

    def asked(target: str) -> bytes:
        return answer(orders(rows, size) if target.startswith("/orders") else bodies, target)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if latency:
                    await asyncio.sleep(latency)
                writer.write(asked(head.split(b" ", 2)[1].decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
