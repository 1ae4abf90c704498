r"""Two CSV files of films and series as a course's data lake has them: a row for each artist of a title, invented.

Movies have 15 columns and series 16, between bars, with `\N` for what is not known and commas inside lists; titles and
artists repeat, and now and then a whole row does. The same seed and number of rows give the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from levada.simulate.film_words import CRAFTS, GENRES, GIVEN, NOUNS, PARTS, QUALITIES, SURNAMES

__all__ = ["MOVIES", "SERIES", "Made", "make"]

#: The first line of movies.csv; the misspelt second name is the original's.
MOVIES = (
    "id", "tituloPincipal", "tituloOriginal", "anoLancamento", "tempoMinutos", "genero", "notaMedia", "numeroVotos",
    "generoArtista", "personagem", "nomeArtista", "anoNascimento", "anoFalecimento", "profissao",
    "titulosMaisConhecidos",
)  # fmt: skip
#: The first line of series.csv.
SERIES = (*MOVIES[:4], "anoTermino", *MOVIES[4:])
#: Rows of series.csv for each of movies.csv: 77.0 MiB lay beside 164.7.
SHARE = 0.465
#: One row in so many is there twice: 239 of 1,045,161.
TWICE = 4373
#: One title in so many has quotes inside.
QUOTED = 40_000
_NULL = "\\N"
_PIECE = 8192


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was written."""

    path: Path
    #: Without the line of names.
    rows: int
    size: int


def make(folder: Path, rows: int, seed: int = 0) -> tuple[Made, Made]:
    """Write movies.csv with `rows` rows, and series.csv with about half as many, into `folder`.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    movies = _write(folder / "movies.csv", MOVIES, rows, Random(f"movies-{seed}"))  # noqa: S311 - not a secret
    series = _write(folder / "series.csv", SERIES, max(1, round(rows * SHARE)), Random(f"series-{seed}"))  # noqa: S311 - not a secret
    return movies, series


def _write(path: Path, columns: tuple[str, ...], rows: int, chance: Random) -> Made:
    beside, size = path.with_name(f"{path.name}.part"), 0
    with beside.open("wb") as file:
        size += file.write("|".join(columns).encode() + b"\n")
        lines: list[str] = []
        for line in _rows(rows, chance, series=columns is SERIES):
            lines.append(line)
            if len(lines) == _PIECE:
                size += file.write("".join(lines).encode())
                lines.clear()
        size += file.write("".join(lines).encode())
    beside.replace(path)
    return Made(path, rows, size)


def _rows(rows: int, chance: Random, *, series: bool) -> Iterator[str]:
    """So many lines, sorted by title."""
    left, number = rows, 0
    while left:
        number += 1 + int(chance.random() * 17)
        title = _title(number, chance, series=series)
        for _ in range(min(left, _artists(chance))):
            line = f"{title}|{_artist(chance)}\n"
            left -= 1
            yield line
            if left and chance.random() * TWICE < 1:
                left -= 1
                yield line


def _artists(chance: Random) -> int:
    return 1 + int(chance.random() * 4)


def _pick(words: tuple[str, ...], chance: Random) -> str:
    return words[int(chance.random() * len(words))]


def _title(number: int, chance: Random, *, series: bool) -> str:
    """What all rows of a title begin with."""
    name = f"{_pick(QUALITIES, chance)} {_pick(NOUNS, chance)}"
    if chance.random() < 0.25:  # noqa: PLR2004 - one in four is longer
        name += f" {_pick(PARTS, chance)} {_pick(GIVEN, chance)}"
    if chance.random() * QUOTED < 1:
        name = f'The "{name}" Affair'
    own = name if chance.random() < 0.8 else f"{_pick(NOUNS, chance)} {_pick(PARTS, chance)} {_pick(SURNAMES, chance)}"  # noqa: PLR2004 - most
    year = 1894 + int((chance.random() ** 0.5) * 129)
    years = f"{year}|{_null(str(year + int(chance.random() * 12)), 0.4, chance)}" if series else f"{year}"
    minutes = _null(str(20 + int(chance.random() * 130)), 0.07, chance)
    genres = dict.fromkeys(_pick(GENRES, chance) for _ in range(_artists(chance) % 3 + 1))
    kinds = _null(",".join(genres), 0.02, chance)
    rating = f"{1 + chance.random() * 9:.1f}"
    votes = 5 + int(chance.random() ** 6 * 200_000)
    return f"tt{number:07d}|{name}|{own}|{years}|{minutes}|{kinds}|{rating}|{votes}"


def _artist(chance: Random) -> str:
    woman = chance.random() < 0.4  # noqa: PLR2004 - as in old films
    kind = "actress" if woman else "actor"
    role = _null(f"{_pick(GIVEN, chance)} {_pick(SURNAMES, chance)}", 0.12, chance)
    born = 1850 + int(chance.random() * 150)
    gone = born + 30 + int(chance.random() * 60)
    crafts = ",".join(dict.fromkeys((kind, *(_pick(CRAFTS, chance) for _ in range(int(chance.random() * 2.5))))))
    known = ",".join(f"tt{1 + int(chance.random() * 9_000_000):07d}" for _ in range(1 + int(chance.random() * 2.9)))
    life = f"{_null(str(born), 0.45, chance)}|{_null(str(gone), 0.6, chance)}"
    name = f"{_pick(GIVEN, chance)} {_pick(SURNAMES, chance)}"
    return f"{kind}|{role}|{name}|{life}|{_null(crafts, 0.016, chance)}|{known}"


def _null(text: str, share: float, chance: Random) -> str:
    return _NULL if chance.random() < share else text
