"""All that the simulated TMDB tells of one show; made from its id, so it is the same each time."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from levada.simulate.tmdb_shows import Show, happens
from levada.simulate.tmdb_words import (
    COMPANIES,
    COUNTRY_NAMES,
    FAMILIES,
    GENRES,
    GIVEN,
    LANGUAGES,
    NETWORKS,
)

__all__ = ["detailed"]

#: The day on which this API stands still.
_TODAY: Final = date(2025, 11, 3)
_WEEK: Final = timedelta(days=7)
_RUNTIMES: Final = (12, 24, 24, 25, 45, 50, 60)


@dataclass(frozen=True, slots=True)
class _Season:
    number: int
    first_day: date
    episodes: int

    @property
    def last_day(self) -> date:
        return self.first_day + _WEEK * (self.episodes - 1)


def detailed(show: Show, language: str) -> dict[str, Any]:
    """What `tv/{id}` says of a show, keys in the API's order."""
    rng = random.Random(show.id)  # noqa: S311 - made-up data
    seasons = _seasons(show, rng)
    specials = [_Season(0, show.first_air_date, rng.randint(1, 6))] if happens(rng, 0.4) else []
    goes_on = seasons[-1].last_day > _TODAY
    last = _latest(seasons)
    return {
        **_head(show, rng),
        "first_air_date": show.first_air_date.isoformat(),
        "genres": _genres(show, language),
        "homepage": "" if happens(rng, 0.4) else f"https://shows.example/{show.id}",
        "id": show.id,
        "in_production": goes_on,
        "languages": [show.language],
        "last_air_date": _day(last, seasons).isoformat(),
        "last_episode_to_air": _episode(show, rng, *last, _day(last, seasons)),
        "name": show.name.said(language) or show.original_name,
        "next_episode_to_air": _next(show, rng, seasons) if goes_on else None,
        "networks": _companies(show, rng, NETWORKS, 1),
        "number_of_episodes": sum(season.episodes for season in seasons),
        "number_of_seasons": len(seasons),
        "origin_country": [show.country],
        "original_language": show.language,
        "original_name": show.original_name,
        "overview": show.overview.said(language),
        "popularity": show.popularity,
        "poster_path": show.poster_path,
        "production_companies": _companies(show, rng, COMPANIES, rng.randint(0, 3)),
        "production_countries": [{"iso_3166_1": show.country, "name": COUNTRY_NAMES[show.country]}],
        "seasons": [_season(show, season, language) for season in (*specials, *seasons)],
        "spoken_languages": [_language(show.language)],
        "status": "Returning Series" if goes_on else "Ended",
        "tagline": "",
        "type": "Scripted",
        "vote_average": show.vote_average,
        "vote_count": show.vote_count,
    }


def _head(show: Show, rng: random.Random) -> dict[str, Any]:
    return {
        "adult": False,
        "backdrop_path": show.backdrop_path,
        "created_by": [_person(show, rng)] if happens(rng, 0.5) else [],
        "episode_run_time": [rng.choice(_RUNTIMES)] if happens(rng, 0.7) else [],
    }


def _seasons(show: Show, rng: random.Random) -> list[_Season]:
    """Seasons a year apart, the first on the show's first day; none begins after the day the API stands still."""
    made: list[_Season] = []
    for number in range(1, rng.choice((1, 1, 1, 2, 2, 3, 4, 6)) + 1):
        first_day = show.first_air_date + timedelta(days=364 * (number - 1))
        if number == 1 or first_day <= _TODAY:
            made.append(_Season(number, first_day, rng.choice((8, 10, 12, 12, 13, 24, 25))))
    return made


def _latest(seasons: list[_Season]) -> tuple[int, int]:
    """Season and episode shown last, by the day the API stands still."""
    season = seasons[-1]
    weeks = (_TODAY - season.first_day) // _WEEK
    return season.number, max(1, min(season.episodes, weeks + 1))


def _day(episode: tuple[int, int], seasons: list[_Season]) -> date:
    return seasons[episode[0] - 1].first_day + _WEEK * (episode[1] - 1)


def _next(show: Show, rng: random.Random, seasons: list[_Season]) -> dict[str, Any]:
    season, episode = _latest(seasons)
    following = (season, episode + 1)
    return _episode(show, rng, *following, _day(following, seasons))


def _episode(show: Show, rng: random.Random, season: int, number: int, day: date) -> dict[str, Any]:
    votes = rng.randint(0, show.vote_count // 4)
    return {
        "air_date": day.isoformat(),
        "episode_number": number,
        "episode_type": "standard",
        "id": 1_000_000 + show.id * 400 + season * 50 + number,
        "name": f"Episode {number}",
        "overview": "",
        "production_code": "",
        "runtime": rng.choice((*_RUNTIMES, None)),
        "season_number": season,
        "show_id": show.id,
        "still_path": None,
        "vote_average": round(rng.uniform(5, 9.5), 1) if votes else 0.0,
        "vote_count": votes,
    }


def _season(show: Show, season: _Season, language: str) -> dict[str, Any]:
    portuguese = language.startswith("pt")
    named = "Specials" if season.number == 0 else f"{'Temporada' if portuguese else 'Season'} {season.number}"
    return {
        "air_date": None if season.number == 0 else season.first_day.isoformat(),
        "episode_count": season.episodes,
        "id": 500_000 + show.id * 20 + season.number,
        "name": "Especiais" if portuguese and season.number == 0 else named,
        "overview": "",
        "poster_path": show.poster_path,
        "season_number": season.number,
        "vote_average": 0.0 if season.number == 0 else show.vote_average,
    }


def _genres(show: Show, language: str) -> list[dict[str, Any]]:
    side = int(language.startswith("pt"))
    return [{"id": genre, "name": GENRES[genre][side]} for genre in show.genres]


def _companies(show: Show, rng: random.Random, known: dict[str, tuple[str, ...]], count: int) -> list[dict[str, Any]]:
    names = known.get(show.country, known[""])
    # Ids count through all names, so that each has its own whichever country it is of.
    order = [name for group in known.values() for name in group]
    return [
        {"id": order.index(name) + 1, "logo_path": None, "name": name, "origin_country": show.country}
        for name in rng.sample(names, min(count, len(names)))
    ]


def _person(show: Show, rng: random.Random) -> dict[str, Any]:
    given, family = rng.choice(GIVEN), rng.choice(FAMILIES)
    return {
        "id": 1 + GIVEN.index(given) * len(FAMILIES) + FAMILIES.index(family),
        "credit_id": f"{show.id:024x}",
        "name": f"{given} {family}",
        "gender": 0,
        "profile_path": None,
    }


def _language(code: str) -> dict[str, str]:
    english, own = LANGUAGES[code]
    return {"english_name": english, "iso_639_1": code, "name": own}
