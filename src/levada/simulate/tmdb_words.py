"""What the simulated TMDB speaks: invented titles, plots, people and companies, in English, Portuguese and Japanese.

Only the ids and names of genres, countries and languages are those of the API that is stood in for.
"""

from typing import Final

__all__ = [
    "COMPANIES",
    "COUNTRIES",
    "COUNTRY_NAMES",
    "DEEDS",
    "FAMILIES",
    "GENRES",
    "GIVEN",
    "HEROES",
    "LANGUAGES",
    "NETWORKS",
    "PLACES",
    "SEQUELS",
    "THINGS",
    "THREATS",
]

#: Id -> name in English and in Portuguese.
GENRES: Final = {
    16: ("Animation", "Animação"),
    18: ("Drama", "Drama"),
    35: ("Comedy", "Comédia"),
    37: ("Western", "Faroeste"),
    80: ("Crime", "Crime"),
    99: ("Documentary", "Documentário"),
    9648: ("Mystery", "Mistério"),
    10751: ("Family", "Família"),
    10759: ("Action & Adventure", "Ação e Aventura"),
    10762: ("Kids", "Kids"),
    10765: ("Sci-Fi & Fantasy", "Ficção Científica e Fantasia"),
    10766: ("Soap", "Novela"),
}
#: Country, its language, and how many shows of a hundred come from it.
COUNTRIES: Final = (
    ("US", "en", 34),
    ("JP", "ja", 18),
    ("GB", "en", 9),
    ("KR", "ko", 9),
    ("BR", "pt", 7),
    ("FR", "fr", 6),
    ("ES", "es", 6),
    ("CA", "en", 5),
    ("DE", "de", 4),
    ("PT", "pt", 2),
)
COUNTRY_NAMES: Final = {
    "US": "United States of America",
    "JP": "Japan",
    "GB": "United Kingdom",
    "KR": "South Korea",
    "BR": "Brazil",
    "FR": "France",
    "ES": "Spain",
    "CA": "Canada",
    "DE": "Germany",
    "PT": "Portugal",
}
#: Code -> English name and own name.
LANGUAGES: Final = {
    "en": ("English", "English"),
    "ja": ("Japanese", "日本語"),
    "ko": ("Korean", "한국어/조선말"),
    "pt": ("Portuguese", "Português"),
    "fr": ("French", "Français"),
    "es": ("Spanish", "Español"),
    "de": ("German", "Deutsch"),
}
#: Titles are a thing of a place, at times with a sequel: English, Portuguese, Japanese.
THINGS: Final = (
    ("The Lantern", "A Lanterna", "灯籠"),
    ("The Cartographer", "O Cartógrafo", "地図師"),
    ("The Clockmaker", "O Relojoeiro", "時計師"),
    ("The Orchard", "O Pomar", "果樹園"),
    ("The Ferry", "A Balsa", "渡し船"),
    ("The Archive", "O Arquivo", "文庫"),
    ("The Bellows", "O Fole", "ふいご"),
    ("The Tide", "A Maré", "潮"),
    ("The Gardener", "O Jardineiro", "庭師"),
    ("The Kite", "A Pipa", "凧"),
    ("The Bridge", "A Ponte", "橋"),
    ("The Weaver", "A Tecelã", "織姫"),
    ("The Signal", "O Sinal", "合図"),
    ("The Bakery", "A Padaria", "麺麭屋"),
    ("The Compass", "A Bússola", "羅針盤"),
    ("The Postman", "O Carteiro", "郵便屋"),
    ("The Aquarium", "O Aquário", "水槽"),
    ("The Choir", "O Coro", "合唱団"),
    ("The Quarry", "A Pedreira", "石切場"),
    ("The Heron", "A Garça", "鷺"),
    ("The Glassblower", "O Vidreiro", "硝子職人"),
    ("The Canal", "O Canal", "水路"),
    ("The Umbrella", "O Guarda-chuva", "傘"),
    ("The Staircase", "A Escadaria", "階段"),
    ("The Observatory", "O Observatório", "天文台"),
    ("The Tram", "O Bonde", "路面電車"),
    ("The Notebook", "O Caderno", "帳面"),
    ("The Beekeeper", "A Apicultora", "養蜂家"),
    ("The Windmill", "O Moinho", "風車"),
    ("The Well", "O Poço", "井戸"),
)
PLACES: Final = (
    ("of Winter", "do Inverno", "冬"),
    ("of the Low Hills", "das Colinas Baixas", "低い丘"),
    ("of Salt", "do Sal", "塩"),
    ("of the Seventh Night", "da Sétima Noite", "七夜"),
    ("of the North Pier", "do Cais Norte", "北桟橋"),
    ("of Rain", "da Chuva", "雨"),
    ("of Copper", "do Cobre", "銅"),
    ("of the Quiet Street", "da Rua Quieta", "静かな通り"),
    ("of the Long Island", "da Ilha Comprida", "長い島"),
    ("of Dawn", "da Aurora", "暁"),
    ("of the Upper Town", "da Cidade Alta", "上の町"),
    ("of Moss", "do Musgo", "苔"),
    ("of the Last Station", "da Última Estação", "終着駅"),
    ("of the Blue Room", "da Sala Azul", "青い部屋"),
    ("of Ashes", "das Cinzas", "灰"),
    ("of the Far Shore", "da Outra Margem", "向こう岸"),
    ("of Paper", "do Papel", "紙"),
    ("of the Old Harbour", "do Porto Velho", "古い港"),
    ("of the Cedar Road", "da Estrada dos Cedros", "杉の道"),
    ("of Echoes", "dos Ecos", "こだま"),
    ("of the Ninth Floor", "do Nono Andar", "九階"),
    ("of Thunder", "do Trovão", "雷"),
    ("of the Open Window", "da Janela Aberta", "開いた窓"),
    ("of Noon", "do Meio-dia", "正午"),
)
SEQUELS: Final = (
    ("", "", ""),
    (": The Return", ": O Regresso", " 帰還"),
    (": Second Song", ": Segunda Canção", " 第二歌"),
    (": Before the Snow", ": Antes da Neve", " 雪の前"),
    (": A New Map", ": Um Novo Mapa", " 新しい地図"),
    (": Side Roads", ": Caminhos Laterais", " 寄り道"),
    (": The Lost Year", ": O Ano Perdido", " 失われた年"),
    (": Letters", ": Cartas", " 手紙"),
)
#: Plots are a hero, a deed and a threat: English, Portuguese.
HEROES: Final = (
    ("A retired lighthouse keeper", "Um faroleiro aposentado"),
    ("A pair of sisters with one bicycle", "Um par de irmãs com uma só bicicleta"),
    ("An apprentice cook", "Uma aprendiz de cozinheira"),
    ("A robot that repairs radios", "Um robô que conserta rádios"),
    ("A student who can hear maps", "Um estudante que ouve mapas"),
    ("The worst knight of the kingdom", "O pior cavaleiro do reino"),
    ("A night train conductor", "Uma condutora de trem noturno"),
    ("A village doctor", "Um médico de aldeia"),
    ("A circle of chess players", "Um grupo de enxadristas"),
    ("A detective afraid of stairs", "Uma detetive com medo de escadas"),
)
DEEDS: Final = (
    ("must deliver a parcel that nobody sent", "precisa entregar um pacote que ninguém enviou"),
    ("looks for a bell that fell silent", "procura um sino que se calou"),
    ("opens a shop between two worlds", "abre uma loja entre dois mundos"),
    ("learns to read the language of tides", "aprende a ler a língua das marés"),
    ("ends up in the place of a prince", "acaba no lugar de um príncipe"),
    ("gathers a crew for one last voyage", "reúne uma tripulação para a última viagem"),
    ("keeps a promise made in a dream", "cumpre uma promessa feita em sonho"),
    ("inherits a house with too many doors", "herda uma casa com portas demais"),
)
THREATS: Final = (
    ("before the snow closes the road.", "antes que a neve feche a estrada."),
    ("while the town forgets its own name.", "enquanto a cidade esquece o próprio nome."),
    ("as a strange comet comes nearer.", "enquanto um estranho cometa se aproxima."),
    ("and finds out who has been writing the letters.", "e descobre quem escrevia as cartas."),
    ("with only a month left until the festival.", "a um mês do festival."),
    ("though every clock says something else.", "embora cada relógio diga outra coisa."),
)
GIVEN: Final = (
    "Aiko",
    "Bento",
    "Clara",
    "Daisuke",
    "Elisa",
    "Fumiko",
    "Hiroto",
    "Inês",
    "Joana",
    "Kenta",
    "Lia",
    "Mei",
)
FAMILIES: Final = ("Arakida", "Brandão", "Castell", "Dorrance", "Fujinuma", "Halvard", "Kirihara", "Louzada", "Minobe")
#: Country -> networks; others have the first.
NETWORKS: Final = {
    "": ("Open Channel", "Harbour TV", "Meridian"),
    "JP": ("TV Asagiri", "Minato Hoso", "Kaze Vision"),
    "BR": ("Rede Jangada", "TV Mirante Azul"),
}
COMPANIES: Final = {
    "": ("Tall Pine Pictures", "Second Lamp", "Northroad Media"),
    "JP": ("Studio Hotaru-Ame", "Komorebi Works", "Atelier Nagi", "Usagi Line"),
    "BR": ("Maré Alta Filmes", "Casa do Sino"),
}
