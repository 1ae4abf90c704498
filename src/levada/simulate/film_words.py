"""Words that invented titles and artists are made of."""

__all__ = ["CRAFTS", "GENRES", "GIVEN", "NOUNS", "PARTS", "QUALITIES", "SURNAMES"]

QUALITIES = (
    "The Last", "The Silent", "A Distant", "Broken", "The Golden", "Midnight", "O Último", "The Forgotten", "Crimson",
    "Two", "The Other", "Restless", "La Grande", "The Borrowed", "Winter", "Der letzte", "Hidden", "The Stubborn",
    "Electric", "Patient", "The Seventh", "Le petit", "Uncommon", "The Paper", "Northern", "El nuevo",
)  # fmt: skip
NOUNS = (
    "Lighthouse", "Orchard", "Voyage", "Serenade", "Coração", "Telegram", "Harvest", "Carnival", "Frontier", "Letter",
    "Shadow", "Aqueduct", "Witness", "Merchant", "Rivière", "Engine", "Garden", "Detective", "Symphony", "Promise",
    "Passenger", "Fortune", "Straße", "Comedy", "Widow", "Harbour", "Lantern", "Secret", "Canción", "Weekend",
)  # fmt: skip
PARTS = ("of", "and", "without", "for", "against", "before", "in the House of", "after", "de", "versus")
GIVEN = (
    "Amélia", "Bernard", "Clarice", "Dmitri", "Edith", "Fátima", "Gustav", "Helena", "Ivo", "Júlia", "Kenji", "Lúcio",
    "Marguerite", "Nadia", "Otto", "Paloma", "Quentin", "Rosa", "Søren", "Teresa", "Ulrich", "Vera", "Walter", "Ximena",
    "Yusuf", "Zélia", "Ana Clara", "John Henry", "Mary Louise", "José Carlos",
)  # fmt: skip
SURNAMES = (
    "Almeida", "Bergström", "Castellanos", "Dubois", "Engelhardt", "Ferreira", "Grzelak", "Holloway", "Ibáñez",
    "Jankowski", "Kobayashi", "Lindqvist", "Montgomery", "Nascimento", "O'Sullivan", "Pereira", "Quiroga", "Rasmussen",
    "Schneider", "Thibault", "Underwood", "Vasconcelos", "Whitaker", "Yamamoto", "Zimmermann", "Bittencourt",
)  # fmt: skip
GENRES = (
    "Drama", "Comedy", "Romance", "Action", "Adventure", "Crime", "Horror", "Thriller", "Western", "Animation",
    "Documentary", "Biography", "Family", "Fantasy", "History", "Music", "Mystery", "Sci-Fi", "War",
)  # fmt: skip
CRAFTS = ("writer", "director", "producer", "soundtrack", "composer", "editor", "stunts", "miscellaneous")
