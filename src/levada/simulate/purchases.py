"""The purchases API, simulated: other purchases each second, no key, no pages, and an error that is told with 200.

Known from the API's own source: the paths, keys and types, the texts, the product that is never sold, the rows of
purchases that failed. Guessed: at most 10,000 purchases at once. Products and purchases are made up.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from levada.edges import Clock, SystemClock
from levada.errors import FixThis
from levada.simulate import require
from levada.simulate.purchases_made import purchases

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["SEED", "make_app"]

SEED: Final = 14
#: Faker takes 1 ms for each.
_MOST: Final = 10_000
_WELCOME: Final = "Coca-Cola me patrocina!"
_TOO_FEW: Final = {"error": "O número deve ser maior que 1"}


@dataclass(frozen=True, slots=True)
class _Shop:
    seed: int
    errors: int | None
    clock: Clock

    def sold(self, count: int, errors: int | None = None) -> list[dict[str, Any]]:
        return purchases(count, self.seed, self.clock.now(), errors)


def make_app(*, seed: int = SEED, errors: int | None = None, clock: Clock | None = None) -> "FastAPI":
    """The simulated purchases API, with the log and the faults of `faults.Faults`.

    Args:
        seed: Other seeds give other purchases.
        errors: Every so-manieth purchase of `/gerar_compras` is one that failed; None: none is.
        clock: Whose seconds the purchases are made from; this machine's when None.

    Raises:
        FixThis: `errors` is below 1, or the extra `simulate` is not installed.
    """
    require()
    if errors is not None and errors < 1:
        raise FixThis(f"errors is {errors}.", where="the simulated purchases API", todo="give a number from 1")
    shop = _Shop(seed, errors, clock or SystemClock())
    shop.sold(1)  # Faker is loaded now: the first request is not slower than the others
    return _app(shop)


def _app(shop: _Shop) -> "FastAPI":
    from fastapi import FastAPI, Path

    from levada.simulate.faults import Faults

    app = FastAPI()  # with its pages /docs and /redoc, as the API has them
    app.add_middleware(Faults, clock=shop.clock)

    @app.get("/")
    async def welcome() -> str:
        return _WELCOME

    @app.get("/gerar_compra")
    async def one() -> list[dict[str, Any]]:
        return shop.sold(1)

    @app.get("/gerar_compras/{numero_registro}")
    async def several(numero_registro: Annotated[int, Path(le=_MOST)]) -> list[dict[str, Any]] | dict[str, str]:
        # A mistake that is told with 200: so the API does, and whoever reads by status alone takes it for data.
        return _TOO_FEW if numero_registro < 1 else shop.sold(numero_registro, shop.errors)

    return app
