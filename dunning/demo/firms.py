"""The customers of the demo: thirty with a story each, the rest as a firm has them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from unicodedata import normalize

from dunning.demo import habits
from dunning.demo.habits import Habit
from dunning.demo.world import COUNTRIES, Country, Town, time_zone

FIRST_NUMBER = 1001
OWNERS = ("mia", "tom")
PILOT_GROUP = "Pilot group"
TITLES = {
    "payables": "Accounts payable",
    "approver": "Purchasing manager",
    "escalation": "Managing director",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the customer."""

    role: str
    name: str
    email: str
    phone: str

    @property
    def job_title(self) -> str:
        return TITLES[self.role]


@dataclass(frozen=True, slots=True)
class Firm:
    """A customer as the demo knows it; `story` names the part it plays, empty for an extra."""

    number: str
    name: str
    country: Country
    town: Town
    street: str
    currency: str
    terms: str
    habit: Habit
    people: tuple[Person, ...]
    owner: str
    story: str = ""
    legal_type: str = "company"
    bills: int = 0
    parent: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    payment_rules: str = ""
    step_today: int | None = None

    @property
    def time_zone(self) -> str:
        return time_zone(self.country, self.town)

    @property
    def is_pilot(self) -> bool:
        """Whether the follow-up was tried out with this customer first."""
        return self.story in PILOTS


@dataclass(frozen=True, slots=True)
class Part:
    """A part in the cast: who plays it, how they pay, and how many bills they have."""

    story: str
    name: str
    country: str
    terms: str
    habit: Habit
    bills: int
    legal_type: str = "company"
    town: int = 0
    tags: tuple[str, ...] = ()
    notes: str = ""
    payment_rules: str = ""
    mailbox: str = ""
    parent: str = ""
    people: tuple[str, ...] = field(default=("payables",))


PILOTS = frozenset(
    (
        "final_one", "final_two", "final_three", "letter_to_print", "final_posted", "hand_over",
        "plan",
    )
)  # fmt: skip
"""The stories that need a long past: the follow-up began with these customers."""

ALL_THREE = ("payables", "approver", "escalation")

CAST: tuple[Part, ...] = (
    Part("discount", "Penobscot Boatworks LLC", "US", "2-10-net-30", habits.EARLY, 26,
         tags=("Boatbuilders",), notes="Always takes the two percent. Never needs a reminder."),
    Part("weekly", "Gull Island Ferries Inc", "US", "net-30", habits.WEEKLY, 40, town=1,
         tags=("Key account",), people=ALL_THREE,
         payment_rules="Pays on Fridays, five or six weeks after the due date."),
    Part("skips", "Larch & Lantern Joinery LLC", "US", "net-30", habits.SLOW_20, 14, town=2,
         tags=("Joiners",)),
    Part("disputes", "Northgate Yacht Fitters Ltd", "GB", "net-30", habits.SLOW_20, 13,
         people=("payables", "approver"), tags=("Boatbuilders",),
         notes="Count the deliveries with them: they check every crate."),
    Part("breaks_promise", "Stormcock Charters LLC", "US", "net-14", habits.stops(40), 12, town=3,
         notes="Promises easily. Ask for the name of whoever signs the transfer."),
    Part("promise_today", "Cedar Point Marina Inc", "US", "net-30", habits.stops(34), 12, town=4,
         people=ALL_THREE),
    Part("bounces", "Old Mole Rigging Ltd", "GB", "net-30", habits.stops(25), 9, town=1),
    Part("no_email", "Hob & Anchor Sailmakers", "GB", "net-30", habits.stops(45), 8,
         legal_type="sole_trader", town=5, notes="No e-mail at all. Rings back after lunch."),
    Part("mailbox_one", "Twin Gulls Chandlery Inc", "US", "net-30", habits.SLOW_40, 11, town=5,
         mailbox="accounts@twin-gulls.example"),
    Part("mailbox_two", "Twin Gulls Charter LLC", "US", "net-30", habits.SLOW_40, 10, town=5,
         mailbox="accounts@twin-gulls.example", notes="Same office as Twin Gulls Chandlery."),
    Part("parent", "Brightwater Group Inc", "US", "eom", habits.PROMPT, 8, town=6,
         people=ALL_THREE, tags=("Key account",)),
    Part("child", "Brightwater Marine Services LLC", "US", "eom", habits.SLOW_40, 12, town=6,
         parent="parent", tags=("Boatbuilders",)),
    Part("credit", "Kestrel Dry Dock Ltd", "GB", "net-30", habits.SLOW_20, 10, town=3),
    Part("many", "Longshore Building Supply Inc", "US", "net-30", habits.MANY, 40, town=7,
         people=ALL_THREE, tags=("Key account",),
         notes="Orders several times a week and pays in one go, when it does."),
    Part("consumer", "Margaret Ellery", "GB", "on-receipt", habits.PRIVATE, 4, town=2,
         legal_type="consumer", notes="Restores her father's ketch. Be patient with her."),
    Part("public", "Saltmarsh District Council", "GB", "net-30", habits.PUBLIC, 12, town=4,
         legal_type="public_body", people=("payables", "approver"),
         payment_rules="No purchase order number, no payment. Pay run on the 1st and the 15th."),
    Part("final_one", "Blackfin Salvage Inc", "US", "net-30", habits.stops(104), 11, town=8,
         people=ALL_THREE),
    Part("final_two", "Hansa & Petersen Bootsbau GmbH", "DE", "net-30", habits.stops(106), 9,
         people=("payables", "escalation")),
    Part("final_three", "Chantier Kervella SARL", "FR", "net-60", habits.stops(103), 8,
         people=("payables", "escalation")),
    Part("letter_to_print", "Osprey Landing Resort LLC", "US", "net-30", habits.stops(105), 8,
         town=9, people=ALL_THREE),
    Part("final_posted", "Duneside Hotels Inc", "US", "net-30", habits.stops(115), 10, town=4,
         people=ALL_THREE, notes="New owner since the spring; the old one signed the orders."),
    Part("hand_over", "Tidewrack Builders Inc", "US", "net-14", habits.stops(168), 9, town=0,
         people=ALL_THREE, notes="Nobody answers the telephone after four."),
    Part("plan", "Marrow Bay Fisheries LLC", "US", "net-30", habits.stops(95), 10, town=1,
         people=("payables", "escalation")),
    Part("insolvent", "Quillfish Aquaculture Inc", "US", "net-30", habits.stops(80), 7, town=2),
    Part("two_currencies", "Fjord & Fell Cabins GmbH", "DE", "net-30", habits.SLOW_40, 14, town=1,
         payment_rules="Orders for the lake houses are in US dollars, all others in euros."),
    Part("hold", "Rowan Hall Sailing Trust", "GB", "net-30", habits.stops(30), 7, town=0,
         people=("payables", "approver"),
         payment_rules="Trustees approve invoices on the last Tuesday of the month."),
    Part("instalments", "Compass Rose Kitchens LLC", "US", "thirds", habits.SLOW_20, 6, town=3),
    Part("replied", "Pilot House Inn LLC", "US", "net-30", habits.stops(36), 9, town=8),
    Part("in_parts", "Bareboat Holdings Inc", "US", "net-30", habits.IN_PARTS, 12, town=9),
    Part("cheque", "Mizzen Lane Café Ltd", "GB", "net-14", habits.SLOW_20, 9, town=1),
    Part("says_paid", "Wide Reach Logistics GmbH", "DE", "net-30", habits.stops(28), 8, town=3),
    Part("wrong_number", "Sandpiper Cottages SARL", "FR", "net-30", habits.stops(32), 7, town=1),
)  # fmt: skip

TERMS_OF_EXTRAS = ("net-30", "net-30", "net-30", "net-14", "net-60", "eom", "on-receipt",
                   "2-10-net-30", "net-30-eom", "prox-10")  # fmt: skip
STEPS_TODAY = (-5, 2, -6, -18, 1, None, -4, 3, -19)
"""When the newest bill of an extra falls due, in days from today: its policy has a step today."""
EXTRAS_BY_COUNTRY = ("US", "US", "US", "GB", "US", "DE", "US", "FR", "US", "GB", "DE", "FR")


def firms(count: int, rng: Random) -> list[Firm]:
    """The cast, then as many extras as it takes to be `count` customers."""
    made = [_played(part, place, rng) for place, part in enumerate(CAST[:count])]
    numbers = {firm.story: firm.number for firm in made}
    made = [_with_parent(firm, numbers) for firm in made]
    names = _extra_names()
    for place in range(len(made), count):
        made.append(_extra(next(names), place, rng))
    return made


def _with_parent(firm: Firm, numbers: dict[str, str]) -> Firm:
    if not firm.parent:
        return firm
    values = {name: getattr(firm, name) for name in Firm.__slots__}
    return Firm(**values | {"parent": numbers[firm.parent]})


def _played(part: Part, place: int, rng: Random) -> Firm:
    country = COUNTRIES[part.country]
    town = country.towns[part.town]
    return Firm(
        number=_number(place),
        name=part.name,
        country=country,
        town=town,
        street=rng.choice(country.streets),
        currency=country.currency,
        terms=part.terms,
        habit=part.habit,
        people=tuple(_people(part, country, town, place, rng)),
        owner=OWNERS[place % 2],
        story=part.story,
        legal_type=part.legal_type,
        bills=part.bills,
        parent=part.parent,
        tags=part.tags + ((PILOT_GROUP,) if part.story in PILOTS else ()),
        notes=part.notes,
        payment_rules=part.payment_rules,
    )


def _people(part: Part, country: Country, town: Town, place: int, rng: Random) -> Iterator[Person]:
    for nth, role in enumerate(part.people):
        name = part.name if part.legal_type == "consumer" else _name(country, rng)
        email = _mailbox(role, name, part.name, part.legal_type)
        if nth == 0 and part.mailbox:
            email = part.mailbox
        if part.story == "no_email":
            email = ""
        yield Person(role, name, email, town.dial.format((place * 3 + nth) % 100))


def _extra(found: tuple[Country, Town, str], place: int, rng: Random) -> Firm:
    country, town, name = found
    person = _name(country, rng)
    phone = town.dial.format((place * 3) % 100)
    return Firm(
        number=_number(place),
        name=name,
        country=country,
        town=town,
        street=country.streets[place % len(country.streets)],
        currency=country.currency,
        terms=TERMS_OF_EXTRAS[place % len(TERMS_OF_EXTRAS)],
        habit=habits.USUAL[place % len(habits.USUAL)],
        people=(Person("payables", person, _mailbox("payables", person, name, "company"), phone),),
        owner=OWNERS[place % 2],
        step_today=STEPS_TODAY[place % len(STEPS_TODAY)],
    )


def _extra_names() -> Iterator[tuple[Country, Town, str]]:
    """Each name once; when a country's names are used up, branches of the same firms."""
    used = dict.fromkeys(COUNTRIES, 0)
    while True:
        for code in EXTRAS_BY_COUNTRY:
            country, nth = COUNTRIES[code], used[code]
            used[code] += 1
            name = country.firms[nth % len(country.firms)]
            branch = nth // len(country.firms)
            town = country.towns[nth % len(country.towns)]
            yield country, town, f"{name}, branch {branch + 1}" if branch else name


def _number(place: int) -> str:
    return f"C-{FIRST_NUMBER + place}"


def _name(country: Country, rng: Random) -> str:
    return f"{rng.choice(country.first_names)} {rng.choice(country.last_names)}"


def _mailbox(role: str, person: str, firm: str, legal_type: str) -> str:
    if legal_type == "consumer":
        return f"{_ascii(person)}@example.com"
    if role == "payables":
        return f"ap@{domain(firm)}"
    return f"{_ascii(person)}@{domain(firm)}"


def domain(firm: str) -> str:
    """A host name for a firm under the reserved .example."""
    words = _ascii(firm.split(",")[0]).split(".")
    kept = [word for word in words if word not in {"llc", "inc", "ltd", "gmbh", "sarl", "sas"}]
    return f"{'-'.join(kept[:3])}.example"


def _ascii(text: str) -> str:
    """Words of plain letters joined by dots."""
    spelled = text.translate({ord("ö"): "oe", ord("ä"): "ae", ord("ü"): "ue", ord("ß"): "ss"})
    plain = normalize("NFKD", spelled.lower()).encode("ascii", "ignore").decode()
    return ".".join("".join(c if c.isalnum() else " " for c in plain).split())
