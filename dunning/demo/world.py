"""Places, streets, people and telephone numbers of the demo: invented, or reserved for fiction.

Numbers come from the ranges that the regulators keep for drama (US 555-01xx, Ofcom,
Bundesnetzagentur, Arcep); mailboxes end in .example, which no mail server resolves.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Town:
    """Where a customer sits; `dial` is a pattern with one number to fill in."""

    name: str
    region: str
    postal_code: str
    dial: str


@dataclass(frozen=True, slots=True)
class Country:
    """What is usual for firms of one country."""

    code: str
    currency: str
    time_zone: str
    towns: tuple[Town, ...]
    streets: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    firms: tuple[str, ...]


def _us(name: str, region: str, postal_code: str, area: int) -> Town:
    return Town(name, region, postal_code, f"+1 {area} 555 01{{:02d}}")


US = Country(
    "US",
    "USD",
    "America/New_York",
    (
        _us("Rockland", "ME", "04841", 207),
        _us("Gloucester", "MA", "01930", 978),
        _us("Mystic", "CT", "06355", 860),
        _us("Newport", "RI", "02840", 401),
        _us("Annapolis", "MD", "21401", 410),
        _us("Beaufort", "NC", "28516", 252),
        _us("Duluth", "MN", "55802", 218),
        _us("Traverse City", "MI", "49684", 231),
        _us("Port Townsend", "WA", "98368", 360),
        _us("Astoria", "OR", "97103", 503),
    ),
    (
        "12 Ropewalk Lane", "218 Commercial Street", "45 Sawmill Road", "7 Breakwater Avenue",
        "1300 Ferry Road", "86 Chandlers Wharf", "31 Spruce Street", "540 Old County Road",
        "9 Lighthouse Hill", "77 Tannery Row", "2204 Harbor Boulevard", "63 Cooper Street",
    ),
    (
        "Hannah", "Marcus", "Elena", "Dale", "Priya", "Walter", "Joan", "Curtis", "Naomi",
        "Gil", "Rosa", "Theo", "Lorraine", "Amos", "Becky", "Desmond",
    ),
    (
        "Whitcomb", "Alvarez", "Nickerson", "Boone", "Sato", "Hallowell", "Pruitt", "Lindqvist",
        "Carver", "Okonkwo", "Thayer", "Mendez", "Sprague", "Doyle", "Yamada", "Fitch",
    ),
    (
        "Pemaquid Lobster Co-op", "Ironbound Boatworks LLC", "Stonington Dock & Pile Inc",
        "Halyard & Hale Rigging LLC", "Weatherly Decks LLC", "Cape Lookout Houseboats",
        "Granite Cove Builders Inc", "Mackinaw Pier Restaurants Inc", "Puget Tugs & Towing Inc",
        "Columbia Bar Pilots LLC", "Moosehead Canoe Company", "Great Bay Sail Loft",
        "Spindrift Cabinetry Inc", "Saltbox Restorations LLC", "Barnacle Row Kitchens LLC",
        "Thornapple Furniture Works", "Juniper Ridge Homes Inc", "Driftless Doors & Windows",
        "Northern Passage Cruises Inc", "Lantern Reef Divers LLC", "Bluff Point Carpentry",
        "Fairlead Marine Supply", "Old Colony Timber Frames", "Kittiwake Kayaks LLC",
        "Cutwater Charters Inc", "Tamarack School of Boatbuilding",
    ),
)  # fmt: skip

UK = Country(
    "GB",
    "GBP",
    "Europe/London",
    (
        Town("Bristol", "", "BS1 6UX", "+44 117 496 0{:03d}"),
        Town("Liverpool", "", "L3 4BP", "+44 151 496 0{:03d}"),
        Town("Cardiff", "", "CF10 4PH", "+44 29 2018 0{:03d}"),
        Town("Glasgow", "", "G51 3UT", "+44 141 496 0{:03d}"),
        Town("London", "", "E14 9SH", "+44 20 7946 0{:03d}"),
        Town("North Shields", "", "NE29 6DW", "+44 191 498 0{:03d}"),
    ),
    (
        "4 Capstan Yard", "29 Bonded Row", "11 Drydock Lane", "Unit 6, Mariners Estate",
        "52 Ferry Street", "18 Sailcloth Mews", "3 Tidemill Quay", "90 Old Customs Road",
    ),
    (
        "Imogen", "Alistair", "Gwen", "Rupert", "Farah", "Callum", "Beatrix", "Owen", "Nadia",
        "Graham",
    ),
    (
        "Pemberton", "Rees", "Achebe", "MacInnes", "Hargreave", "Sutcliffe", "Banerjee",
        "Tregenza", "Blythe", "Lowther",
    ),
    (
        "Severn Slipways Ltd", "Mersey Oak Interiors Ltd", "Taff Vale Joiners Ltd",
        "Clyde & Cumbrae Yachts Ltd", "Wapping Narrowboats Ltd", "Tyne Pilot Stores Ltd",
        "Copperhouse Conservatories Ltd", "Avon Rowing Club Trading Ltd", "Foxglove Stairs Ltd",
        "Hebrides Ferry Catering Ltd",
    ),
)  # fmt: skip

GERMANY = Country(
    "DE",
    "EUR",
    "Europe/Berlin",
    (
        Town("Hamburg", "HH", "20457", "+49 40 66969 {:03d}"),
        Town("Berlin", "BE", "12435", "+49 30 23125 {:03d}"),
        Town("Köln", "NW", "50678", "+49 221 4710 {:03d}"),
        Town("Frankfurt am Main", "HE", "60327", "+49 69 90009 {:03d}"),
    ),
    (
        "Am Bohlwerk 8", "Segelmacherstraße 21", "Holzhafenufer 5", "Werftgasse 14",
        "Fährdamm 33", "Zimmererweg 2",
    ),
    ("Anke", "Jörn", "Silke", "Matthias", "Ebru", "Karsten", "Hedda", "Uwe"),
    ("Brandvold", "Petersen", "Köster", "Yıldız", "Reinders", "Vollmer", "Harms", "Lüders"),
    (
        "Elbkante Bootsbau GmbH", "Spreebogen Hausboote GmbH", "Rheinauer Möbelwerk GmbH",
        "Mainufer Segelschule GmbH", "Tischlerei Marsch & Geest GmbH", "Holzbau Immergrün GmbH",
        "Reederei Nordlicht GmbH",
    ),
)  # fmt: skip

FRANCE = Country(
    "FR",
    "EUR",
    "Europe/Paris",
    (
        Town("Saint-Malo", "", "35400", "+33 2 61 91 10 {:02d}"),
        Town("Marseille", "", "13002", "+33 4 65 71 20 {:02d}"),
        Town("Bordeaux", "", "33300", "+33 5 36 49 30 {:02d}"),
        Town("Paris", "", "75013", "+33 1 99 00 40 {:02d}"),
    ),
    (
        "6 quai des Gabares", "15 rue des Charpentiers", "2 impasse du Gréement",
        "40 boulevard des Docks", "9 rue de la Corderie",
    ),
    ("Maëlle", "Thibault", "Solène", "Yannick", "Inès", "Bastien", "Odile"),
    ("Kerbrat", "Lafitte", "Marchetti", "Tanguy", "Delmas", "Ferrand", "Guivarch"),
    (
        "Chantier des Deux Phares SARL", "Menuiserie du Large SARL", "Garonne Péniches SAS",
        "Atelier Cap Noroît SARL", "Voilerie Belle Brise SAS", "Hôtel du Vieux Sémaphore SARL",
    ),
)  # fmt: skip

COUNTRIES: Mapping[str, Country] = {c.code: c for c in (US, UK, GERMANY, FRANCE)}

ZONES_OF_REGIONS: Mapping[str, str] = {
    "MN": "America/Chicago",
    "MI": "America/Detroit",
    "WA": "America/Los_Angeles",
    "OR": "America/Los_Angeles",
}


def time_zone(country: Country, town: Town) -> str:
    """The zone of a town, where it is not the one most of its country has."""
    return ZONES_OF_REGIONS.get(town.region, country.time_zone)
