"""What the simulated shop sells, and to whom: 200 products of its own, purchases made up from a seed and a moment."""

import functools
import random
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["PRODUCTS", "STORE", "Product", "products", "purchases"]

#: Products in the shop's list; the first of them is never sold.
PRODUCTS: Final = 200
#: The shop that sells online.
STORE: Final = 11
_SEED: Final = 15
#: How often each name stands in the list.
_NAMES: Final = {
    "auscultadores": 31,
    "televisão": 29,
    "relógio desportivo": 25,
    "telemóvel": 23,
    "impressora": 21,
    "máquina de café": 19,
    "computador portátil": 18,
    "câmara": 18,
    "consola de jogos": 16,
}
#: One product in so many has an EAN that begins with zeros.
_ZEROS: Final = 9
_CENTS: Final = (119, 9_949)
_MARGIN: Final = 1.2


@dataclass(frozen=True, slots=True)
class Product:
    """One row of the list; the EAN as 13 digits, leading zeros included."""

    name: str
    ean: str
    price: float


@functools.cache
def products() -> tuple[Product, ...]:
    """The list, the same each time."""
    rng = random.Random(_SEED)  # noqa: S311 - made-up data
    names = [name for name, count in _NAMES.items() for _ in range(count)]
    rng.shuffle(names)
    stems = rng.sample(range(10**9, 10**12), PRODUCTS)
    shown = (stem // 10**3 if place % _ZEROS == 0 else stem for place, stem in enumerate(stems))
    return tuple(Product(name, _ean(stem), rng.randint(*_CENTS) / 100) for name, stem in zip(names, shown, strict=True))


def _ean(stem: int) -> str:
    """Twelve digits and the check digit of EAN-13."""
    digits = f"{stem:012}"
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighed % 10}"


def purchases(count: int, seed: int, moment: datetime, errors: int | None = None) -> list[dict[str, Any]]:
    """The purchases that the API tells of in the second of `moment`; fewer are the first ones of more.

    Args:
        count: How many.
        seed: Other seeds give other purchases.
        moment: When the API is asked (aware); none was made later.
        errors: Every so-manieth is one that failed: product "error", EAN and price 0.

    Returns:
        Objects with the keys in the API's order; the same ones for the same arguments and release of Faker.
    """
    second = moment.replace(microsecond=0)
    rng = random.Random(f"{seed} {second.timestamp():.0f}")  # noqa: S311 - made-up data
    fake = _faker()
    fake.seed_instance(rng.getrandbits(64))
    sold = (rng.choice(products()[1:]) for _ in range(count))
    return [
        _purchase(fake, None if errors and not place % errors else product, second)
        for place, product in enumerate(sold, start=1)
    ]


def _purchase(fake: "Faker", product: Product | None, second: datetime) -> dict[str, Any]:
    """A purchase; without a product one that failed."""
    return {
        "client": fake.name(),
        "creditcard": fake.credit_card_provider(),
        "product": product.name if product else "error",
        "ean": int(product.ean) if product else 0,
        "price": round(product.price * _MARGIN, 2) if product else 0.0,
        "clientPosition": list(fake.location_on_land()),
        "store": STORE,
        "dateTime": fake.iso8601(end_datetime=second, timespec="seconds"),
    }


@functools.cache
def _faker() -> "Faker":
    from faker import Faker

    return Faker("en_US")  # 0.1 s
