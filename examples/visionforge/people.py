"""Names that a database must be able to hold: many scripts, apostrophes, several words, one word."""

GIVEN = (
    "Ada", "Zoë", "Łukasz", "Søren", "José", "Ngọc", "Αθηνά", "Дарья", "محمد", "明", "Ólafur", "Grace",
    "Naïma", "İpek", "Siân", "Jiří", "Priya", "さくら", "Kwame", "Linus",
)  # fmt: skip
FAMILY = (
    "Lovelace", "O'Brien", "van der Berg", "Łęcki", "Åström", "García Márquez", "Nguyễn", "Παππά",
    "Иванова", "العربي", "王", "Þórsdóttir", "de la Cruz", "Şahin", "Hopper", "Krüger-Weiß", "Iyer",
    "山田", "Mensah", "Smith",
)  # fmt: skip
ONE_WORD = ("Plato", "Suharto", "Björk", "Ζωή")
COUNTRIES = ("DE", "FR", "GB", "IN", "JP", "NO", "PL", "US")
