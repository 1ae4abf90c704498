"""The sales that the simulator tells of: made up by Faker from a fixed seed, in the recorded shape and counts."""

import functools
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["BLOCK", "Sale", "sales"]

_SEED: Final = 4
#: Product, how often it is sold, lowest and highest price.
_PRODUCTS: Final = (
    ("Phone", 70, 140, 1990),
    ("Laptop", 62, 520, 3450),
    ("Microwave oven", 61, 88, 610),
    ("Vacuum cleaner", 54, 95, 720),
    ("TV", 50, 260, 2600),
    ("coffee machine", 41, 310, 4835),
)
#: Rows after which the counts of the products are complete.
BLOCK: Final = sum(count for _, count, _, _ in _PRODUCTS)
#: Clients who buy twice in each block.
_TWICE: Final = 4
#: First names, and last names, that clients are named by.
_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale of any day; the price in whole units, from 88 to 4835."""

    client: str
    product: str
    price: int


@functools.cache
def sales(rows: int) -> tuple[Sale, ...]:
    """`rows` sales, no two equal; the same ones for the same number and the same release of Faker."""
    rng = random.Random(_SEED)  # noqa: S311 - made-up data
    names = _names(rng)
    made: list[Sale] = []
    while len(made) < rows:
        made += _block(rng, list(itertools.islice(names, BLOCK - _TWICE)))
    return tuple(made[:rows])


def _block(rng: random.Random, names: list[str]) -> list[Sale]:
    """BLOCK sales to these clients, whom no other block has."""
    clients = names + rng.sample(names, _TWICE)
    rng.shuffle(clients)
    goods = [good for product in _PRODUCTS for good in _goods(rng, *product)]
    while True:
        rng.shuffle(goods)
        made = [Sale(client, product, price) for client, (product, price) in zip(clients, goods, strict=True)]
        if len(set(made)) == len(made):
            return made


def _names(rng: random.Random) -> Iterator[str]:
    """Names without end, none twice."""
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(_SEED)
    # Words to combine rather than whole names: Faker takes 0.1 ms for each (4000 rows: 0.9 s, so 0.1 s).
    first = [fake.first_name() for _ in range(_WORDS)]
    last = [fake.last_name() for _ in range(_WORDS)]
    known: set[str] = set()
    while True:
        name = f"{rng.choice(first)} {rng.choice(last)}"
        if name not in known:
            known.add(name)
            yield name


def _goods(rng: random.Random, product: str, count: int, lowest: int, highest: int) -> list[tuple[str, int]]:
    """`count` times the product, the two ends of its prices among them."""
    prices = [lowest, highest, *(rng.randint(lowest, highest) for _ in range(count - 2))]
    return [(product, price) for price in prices]
