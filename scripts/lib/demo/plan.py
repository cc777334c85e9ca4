"""The whole demo as a list of lots, the same one for the same present.

Each lot's journey is planned to its end and cut at the present: the youngest lots are only registered, then come those
on their way, and those of past months were delivered. Keys stand for lots by number, whatever the date.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from demo import journey
from demo.companies import ACCOUNTS, ORGANIZATIONS
from demo.journey import Journey, crop_of
from demo.routes import PARTNERS, ROUTES

SEED = "agrobridge demo 1"


@dataclass(frozen=True)
class Band:
    """Lots of about one age, in days. `told`: the last event heard of, in turn; field devices report late."""
    lots: int
    youngest: float
    oldest: float
    told: tuple = (None,)  # all there was
    by_sea: bool = None    # None: either way
    misfortunes: dict = field(default_factory=dict)  # {place in the band: what goes wrong}


NOTHING = ""

# A truck takes 2 to 4 days to its buyer, a ship 3 to 4 weeks: so every status is there whatever the date.
BANDS = (
    Band(5, 1, 2, told=(NOTHING,)),
    Band(14, 1, 3, told=("HARVEST", "PROCESSING", "PACKAGING", "QUALITY_INSPECTION")),
    Band(10, 3.5, 5, told=("TRANSPORT_START", "CUSTOMS_CLEARANCE"), by_sea=False),
    Band(6, 6, 8, told=("TRANSPORT_ARRIVAL",), by_sea=False),
    Band(8, 7, 18, by_sea=True),
    Band(30, 4, 30, misfortunes={
        2: journey.HELD_AT_INSPECTION, 8: journey.HELD_ON_ARRIVAL, 10: journey.HELD_AT_INSPECTION,
        14: journey.REJECTED_TOO_WARM, 17: journey.HELD_AT_INSPECTION, 24: journey.HELD_ON_ARRIVAL}),
    Band(126, 30, 360, misfortunes={
        8: journey.REJECTED_FOR_QUALITY, 11: journey.RECALLED, 12: journey.RECALLED, 27: journey.REJECTED_TOO_WARM,
        38: journey.RECALLED, 51: journey.REJECTED_FOR_QUALITY, 70: journey.REJECTED_TOO_WARM,
        77: journey.RECALLED, 94: journey.REJECTED_FOR_QUALITY, 118: journey.REJECTED_TOO_WARM}),
)
DEMO_AGE = 17       # of the lot that is shown, long since delivered
SALES_VISIBLE = 0.2  # of the lots may be read by a buyer who has not bought them

STATUS_AFTER = {journey.HELD_AT_INSPECTION: "ON_HOLD", journey.HELD_ON_ARRIVAL: "ON_HOLD",
                journey.RECALLED: "RECALLED"}
MOVES = {"TRANSPORT_START": "IN_TRANSIT", "TRANSPORT_ARRIVAL": "ARRIVED", "DELIVERY": "DELIVERED"}


@dataclass(frozen=True)
class Lot:
    key: str
    producer: str
    product: object
    origin: str
    code: str
    quantity: str
    uom: str
    harvested_on: date
    events: tuple
    grants: tuple  # of (organization's key, access)
    set_status: str  # what no event can say: ON_HOLD, RECALLED or None

    @property
    def status(self):
        """As it must be once everything is loaded."""
        if self.set_status:
            return self.set_status
        status = "REGISTERED"
        for event in self.events:
            status = "REJECTED" if event.result == "rejected" else MOVES.get(event.kind, status)
        return status

    def body(self, product_id, origin_id):
        """What POST /v1/lots takes."""
        return {"product_id": product_id, "origin_id": origin_id, "code": self.code, "quantity": self.quantity,
                "uom": self.uom, "harvested_on": self.harvested_on.isoformat()}


@dataclass(frozen=True)
class Draft:
    key: str
    day: datetime  # of the harvest, at midnight UTC
    told: str = None
    by_sea: bool = None
    misfortune: str = None

    @property
    def is_demo(self):
        return self.key == DEMO_KEY


DEMO_KEY = "lot-000"


def plan(present):
    """All lots, oldest first. `present` has a time zone; nothing in the plan happens after it."""
    same_day = {}
    return [_lot(draft, present, same_day) for draft in sorted(_drafts(present), key=lambda d: (d.day, d.key))]


def demo_lot(lots):
    return next(lot for lot in lots if lot.key == DEMO_KEY)


def _drafts(present):
    yield Draft(DEMO_KEY, _workday(present - timedelta(days=DEMO_AGE)), by_sea=False)
    number = 0
    for band in BANDS:
        for place in range(band.lots):
            number += 1
            spread = random.Random(f"{SEED} age {number}").random()
            age = band.youngest + (band.oldest - band.youngest) * (place + spread) / band.lots
            yield Draft(f"lot-{number:03}", _workday(present - timedelta(days=age)),
                        band.told[place % len(band.told)], band.by_sea, band.misfortunes.get(place))


def _workday(moment):
    """The day's midnight; nobody harvests on Sundays."""
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=moment.tzinfo)
    return midnight - timedelta(days=1) if midnight.weekday() == 6 else midnight


def _lot(draft, present, same_day):
    rng = random.Random(f"{SEED} {draft.key}")
    producer, product, route = _choose(rng, draft)
    partners = PARTNERS[producer.key]
    fewest, most = product.boxes
    boxes = rng.randint(fewest // 12, most // 12) * 12
    origin = rng.choice([location for location in producer.locations if location.kind == "FARM"]).key
    way = Journey(rng, product, boxes, origin, partners, ROUTES[route], draft.misfortune, full=draft.is_demo)
    events = way.plan(draft.day)
    in_boxes = rng.random() < 0.2 and not draft.is_demo
    same_day[producer.key, draft.day] = number = same_day.get((producer.key, draft.day), 0) + 1
    return Lot(
        draft.key, producer.key, product, origin, _code(producer, draft.day, number),
        str(boxes) if in_boxes else str(boxes * Decimal(product.box_kg)), "XCT" if in_boxes else "KGM",
        draft.day.date(), _told(events, draft, present), _grants(rng, partners, ROUTES[route]),
        STATUS_AFTER.get(draft.misfortune))


def _told(events, draft, present):
    """What has happened by now, and been heard of."""
    kinds = [event.kind for event in events]
    if draft.told == NOTHING:
        events = []
    elif draft.told in kinds:
        events = events[:kinds.index(draft.told) + 1]
    return tuple(event for event in events if event.at < present)


def _choose(rng, draft):
    """Something that is harvested in that month, and a way for it that leaves room for what shall happen."""
    if draft.is_demo:
        producer = ACCOUNTS["PRODUCER"]
        return producer, producer.products[0], "nogales"
    by_sea = False if draft.misfortune else draft.by_sea
    ripe = [(o, p, ways) for o in ORGANIZATIONS for p in o.products
            if draft.day.month in p.months and (ways := _ways(o, p, by_sea))]
    producer, product, ways = rng.choices(ripe, [p.share for _, p, _ in ripe])[0]
    return producer, product, rng.choices(list(ways), list(ways.values()))[0]


def _ways(producer, product, by_sea):
    """{route: how often} of the product; by sea, or by truck across a border, where it must be one of them."""
    ways = PARTNERS[producer.key].routes[crop_of(product)]
    return {route: often for route, often in ways.items()
            if by_sea is None or (ROUTES[route].by_sea == by_sea and ROUTES[route].exporter)}


def _code(producer, day, number):
    """Everybody has a way to number lots."""
    short = producer.key[:3].upper()
    style = ORGANIZATIONS.index(producer) % 3
    if style == 0:
        return f"{short}-{day:%y%m%d}-{number:02}"
    if style == 1:
        return f"{day:%y%j}{short}{number}"
    return f"L{day:%d%m%y}/{number}"


def _grants(rng, partners, route):
    """Those who handle the lot may record; sometimes one more buyer may look."""
    record = [key for key in (partners.packer, partners.certifier, route.exporter, route.buyer) if key]
    others = [o.key for o in ORGANIZATIONS if o.kind == "BUYER" and o.key not in record]
    read = [rng.choice(others)] if rng.random() < SALES_VISIBLE else []
    return tuple((key, "record") for key in record) + tuple((key, "read") for key in read)
