"""The shows that the simulated TMDB lists: made up from a fixed seed, Japanese animation among them."""

import functools
import random
import string
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from levada.simulate.tmdb_words import COUNTRIES, DEEDS, HEROES, PLACES, SEQUELS, THINGS, THREATS

__all__ = ["SHOWS", "Show", "Text", "happens", "listed", "shows"]

#: Enough for more pages than the API gives out: 630 of 20.
SHOWS: Final = 12_600
_SEED: Final = 16
_FIRST_DAY: Final = date(1963, 1, 5)
_DAYS: Final = 22_900
_ANIMATION: Final = 16
#: Genres that a show has besides, most frequent first.
_GENRES: Final = (18, 35, 10759, 10765, 9648, 80, 99, 10751, 10762, 10766, 37)
_WEIGHTS: Final = (30, 22, 15, 14, 9, 8, 7, 5, 4, 3, 1)
_MOST_VOTES: Final = 30_000


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the languages that the API knows; "" where nobody has translated it."""

    english: str
    portuguese: str

    def said(self, language: str) -> str:
        """The text for a request with `language` (pt-BR, en-US...); "" for any other than these two."""
        return {"pt": self.portuguese, "en": self.english}.get(language[:2], "")


@dataclass(frozen=True, slots=True)
class Show:
    """What a list tells of a show, and what it is sorted by."""

    id: int
    name: Text
    original_name: str
    overview: Text
    country: str
    language: str
    genres: tuple[int, ...]
    first_air_date: date
    popularity: float
    vote_average: float
    vote_count: int
    #: What `vote_average` sorts by: not just what is shown, as in the API.
    score: float
    backdrop_path: str | None
    poster_path: str | None


@functools.cache
def shows(count: int) -> tuple[Show, ...]:
    """`count` shows by ascending id; the same ones each time, and the first ones of any longer list."""
    rng = random.Random(_SEED)  # noqa: S311 - made-up data
    made: list[Show] = []
    number = 0
    while len(made) < count:
        number += rng.randint(1, 40)
        made.append(_show(rng, number))
    return tuple(made)


def listed(show: Show, language: str) -> dict[str, Any]:
    """What a list says of a show, keys in the API's order."""
    return {
        "adult": False,
        "backdrop_path": show.backdrop_path,
        "genre_ids": list(show.genres),
        "id": show.id,
        "origin_country": [show.country],
        "original_language": show.language,
        "original_name": show.original_name,
        "overview": show.overview.said(language),
        "popularity": show.popularity,
        "poster_path": show.poster_path,
        "first_air_date": show.first_air_date.isoformat(),
        "name": show.name.said(language) or show.original_name,
        "vote_average": show.vote_average,
        "vote_count": show.vote_count,
    }


def happens(rng: random.Random, share: float) -> bool:
    """True in `share` of the cases."""
    return rng.random() < share


def _show(rng: random.Random, number: int) -> Show:
    country, language, _ = rng.choices(COUNTRIES, weights=[weight for *_, weight in COUNTRIES])[0]
    name, original = _title(rng, language)
    votes = min(int(rng.lognormvariate(3, 2.3)), _MOST_VOTES)
    average = _average(rng) if votes else 0.0
    return Show(
        id=number,
        name=name,
        original_name=original,
        overview=_overview(rng),
        country=country,
        language=language,
        genres=_genres(rng, country),
        first_air_date=_FIRST_DAY + timedelta(days=int(_DAYS * rng.random() ** 0.4)),
        popularity=round(rng.lognormvariate(1.5, 1.2), 4),
        vote_average=average,
        vote_count=votes,
        score=average + rng.uniform(-0.04, 0.04),
        backdrop_path=_image(rng, 0.8),
        poster_path=_image(rng, 0.9),
    )


def _title(rng: random.Random, language: str) -> tuple[Text, str]:
    thing, place, sequel = rng.choice(THINGS), rng.choice(PLACES), rng.choice(SEQUELS)
    english = f"{thing[0]} {place[0]}{sequel[0]}"
    portuguese = f"{thing[1]} {place[1]}{sequel[1]}"
    japanese = f"{place[2]}の{thing[2]}{sequel[2]}"
    translated = language == "pt" or happens(rng, 0.7)
    original = {"ja": japanese, "pt": portuguese}.get(language, english)
    return Text(english, portuguese if translated else ""), original


def _overview(rng: random.Random) -> Text:
    hero, deed, threat = rng.choice(HEROES), rng.choice(DEEDS), rng.choice(THREATS)
    english, portuguese = (f"{hero[side]} {deed[side]} {threat[side]}" for side in (0, 1))
    return Text(english if happens(rng, 0.95) else "", portuguese if happens(rng, 0.65) else "")


def _average(rng: random.Random) -> float:
    value = min(max(rng.gauss(7.1, 0.9), 0.5), 10.0)
    # Some of the API's averages have one decimal, most have three.
    return round(value, 1 if happens(rng, 0.1) else 3)


def _genres(rng: random.Random, country: str) -> tuple[int, ...]:
    animated = happens(rng, 0.6 if country == "JP" else 0.08)
    others = dict.fromkeys(rng.choices(_GENRES, weights=_WEIGHTS, k=rng.randint(1, 3)))
    return (_ANIMATION, *others) if animated else tuple(others)


def _image(rng: random.Random, share: float) -> str | None:
    if not happens(rng, share):
        return None
    return f"/{''.join(rng.choices(string.ascii_letters + string.digits, k=27))}.jpg"
