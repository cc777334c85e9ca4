"""What happens to one lot, from the harvest to the buyer: an endless plan, which plan.py cuts at the present.

Temperatures are in °C: an avocado travels at 5 to 7, berries at 0.5 to 2; warmer only where a lot's misfortune says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from demo import phrases
from demo.companies import BY_KEY

COLD = {phrases.AVOCADO: (5.0, 7.0), phrases.BERRY: (0.5, 2.0)}
TOO_WARM = {phrases.AVOCADO: (9.5, 12.5), phrases.BERRY: (5.5, 8.5)}
MIDDAY, DAY_BEGINS = 11, 7  # harvesters start early
HOURS_BEHIND_UTC = {"Baja California": 8}  # elsewhere 6

LOCATIONS = {location.key: location for o in BY_KEY.values() for location in o.locations}

# Misfortunes: the event after which the lot is held, or at which it is refused.
HELD_AT_INSPECTION, HELD_ON_ARRIVAL = "held at inspection", "held on arrival"
REJECTED_TOO_WARM, REJECTED_FOR_QUALITY = "rejected, too warm", "rejected for quality"
RECALLED = "recalled"


@dataclass(frozen=True)
class Event:
    kind: str
    at: datetime
    location: str  # its key; who records the event is the location's organization
    temperature: str = None
    humidity: str = None
    result: str = None
    notes: str = None

    @property
    def organization(self):
        return self.location.partition(".")[0]

    def body(self, location_id):
        """What POST /v1/lots/{id}/events takes."""
        given = {"kind": self.kind, "at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"), "location_id": location_id,
                 "temperature_c": self.temperature, "humidity_pct": self.humidity, "result": self.result,
                 "notes": self.notes}
        return {name: value for name, value in given.items() if value is not None}


def crop_of(product):
    return phrases.AVOCADO if product.commodity == "avocado" else phrases.BERRY


class Journey:
    """Writes the events of one lot down, in order. `full`: nothing left out, every note written (the demo lot)."""

    def __init__(self, rng, product, boxes, origin, partners, route, misfortune, full):
        self.rng, self.product, self.boxes, self.partners, self.route = rng, product, boxes, partners, route
        self.misfortune, self.full = misfortune, full
        self.origin, self.crop = LOCATIONS[origin], crop_of(product)
        self.events = []

    def plan(self, harvest_day):
        """All events there would be, given time, of a lot cut on that day (midnight UTC)."""
        behind = HOURS_BEHIND_UTC.get(self.origin.region, 6)
        self.now = harvest_day + timedelta(hours=behind + self.rng.randint(DAY_BEGINS, MIDDAY),
                                           minutes=self.rng.randrange(60))
        self._add("HARVEST", self.origin.key, field=True)
        if self.crop == phrases.AVOCADO:
            self._pack_avocado()
        else:
            self._pack_berries()
        if self._inspect() and self._travel():
            self._deliver()
        return self.events

    # --- the way -----------------------------------------------------------------------------------------------------

    def _pack_avocado(self):
        """Hard fruit rides to the packhouse in field crates; washed, cooled and packed there."""
        if not self._skipped(0.06):
            self._wait(5, 12)
            self._add("PROCESSING", self.partners.packhouse)
        if not self._skipped(0.04):
            self._wait(2, 8)
            self._add("PACKAGING", self.partners.packhouse)

    def _pack_berries(self):
        """Soft fruit is picked into what it is sold in, and cooled within hours."""
        if not self._skipped(0.04):
            self._wait(0.5, 1.5)
            self._add("PACKAGING", self.origin.key, field=True)
        if not self._skipped(0.06):
            self._wait(1.5, 4)
            self._add("PROCESSING", self.partners.packhouse)

    def _inspect(self):
        """False if the lot is held for it."""
        if self.misfortune == HELD_AT_INSPECTION:
            self._wait(2, 16)
            self._add("QUALITY_INSPECTION", self.partners.inspection, result="non_conformant",
                      said=phrases.HELD_AT_INSPECTION[self.crop])
            return False
        if not self._skipped(0.12):
            self._wait(2, 16)
            self._add("QUALITY_INSPECTION", self.partners.inspection, result="conformant")
        return True

    def _travel(self):
        """False if the lot is held where it arrived."""
        route = self.route
        self._wait(*route.until_start)
        self._add("TRANSPORT_START", route.start or self.partners.dispatch)
        if not route.exporter:
            return True
        self._wait(*route.until_customs)
        self._add("CUSTOMS_CLEARANCE", route.customs)
        self._wait(*route.until_arrival)
        said = {HELD_ON_ARRIVAL: phrases.HELD_ON_ARRIVAL, REJECTED_TOO_WARM: phrases.TOO_WARM_ON_ARRIVAL}
        self._add("TRANSPORT_ARRIVAL", route.arrival, said=said.get(self.misfortune))
        return self.misfortune != HELD_ON_ARRIVAL

    def _deliver(self):
        said = {REJECTED_TOO_WARM: phrases.REJECTED_TOO_WARM,
                REJECTED_FOR_QUALITY: phrases.REJECTED_FOR_QUALITY[self.crop]}.get(self.misfortune)
        self._wait(*self.route.until_delivery)
        self._add("DELIVERY", self.route.delivery, result="rejected" if said else "accepted", said=said)

    # --- one event ---------------------------------------------------------------------------------------------------

    def _wait(self, least, most):
        self.now += timedelta(minutes=self.rng.randint(int(least * 60), int(most * 60)))

    def _skipped(self, how_often):
        """Some steps are never reported; of lots that matter all are."""
        return self.rng.random() < how_often and not (self.full or self.misfortune)

    def _add(self, kind, location, field=False, result=None, said=None):
        temperature, humidity = self._climate(kind, field)
        self.events.append(Event(kind, self.now, location, temperature, humidity, result,
                                 self._notes(kind, location, said)))

    def _climate(self, kind, field):
        rng = self.rng
        if field:
            degrees, percent = rng.uniform(14, 25), rng.uniform(42, 78)
        else:
            warm = self.misfortune == REJECTED_TOO_WARM and kind in ("TRANSPORT_ARRIVAL", "DELIVERY")
            degrees, percent = rng.uniform(*(TOO_WARM if warm else COLD)[self.crop]), rng.uniform(86, 95)
        measured = self.full or self.misfortune or rng.random() < 0.9
        moist = measured and kind not in ("CUSTOMS_CLEARANCE", "DELIVERY") and rng.random() < 0.8
        return f"{degrees:.1f}" if measured else None, f"{percent:.0f}" if moist else None

    def _notes(self, kind, location, said):
        rng = self.rng
        if not (said or self.full or rng.random() < 0.6):
            return None
        words = {
            "boxes": f"{self.boxes:,}".replace(",", " "), "pallets": -(-self.boxes // self.product.on_pallet),
            "kg": f"{self.boxes * Decimal(self.product.box_kg):,.0f}".replace(",", " "),
            "seal": f"{rng.choice(('MX', 'AG', 'UL'))}{rng.randint(204118, 987301)}",
            "logger": f"T{rng.randint(31007, 98811)}", "unit": rng.randint(14, 138), "lane": rng.randint(1, 9),
            "crew": rng.randint(8, 26), "brix": f"{rng.uniform(9.2, 13.8):.1f}",
            "dry": f"{rng.uniform(22.4, 28.6):.1f}", "low_dry": f"{rng.uniform(18.9, 21.0):.1f}"}
        return rng.choice(said or phrases.ordinary(kind, self.crop, LOCATIONS[location])).format(**words)
