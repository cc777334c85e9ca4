"""Who works with whom, and how long the ways take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Keys of organizations and locations; hours as (least, most), each since the event before."""
    exporter: str  # None: the producer sends it to a buyer of the country itself
    buyer: str
    start: str
    customs: str
    arrival: str
    delivery: str
    until_start: tuple
    until_customs: tuple
    until_arrival: tuple
    until_delivery: tuple
    by_sea: bool = False


DAY = 24

ROUTES = {
    "nogales": Route("cobalto", "mesa", "cobalto.uruapan", "cobalto.nogales", "cobalto.vernon", "mesa.la",
                     (4, 14), (32, 44), (12, 20), (3, 16)),
    "laredo": Route("cobalto", "heron", "cobalto.uruapan", "cobalto.nlaredo", "cobalto.laredo", "heron.laredo",
                    (4, 14), (20, 32), (3, 10), (6, 30)),
    "guzman": Route("puente", "heron", "puente.guzman", "puente.reynosa", "puente.pharr", "heron.pharr",
                    (3, 10), (20, 30), (2, 8), (4, 20)),
    "irapuato": Route("puente", "heron", "puente.irapuato", "puente.reynosa", "puente.pharr", "heron.pharr",
                      (3, 10), (13, 22), (2, 8), (4, 20)),
    "otay": Route("puente", "mesa", "puente.sanquintin", "puente.otay", "puente.vernon", "mesa.la",
                  (2, 8), (8, 14), (5, 10), (3, 14)),
    "rotterdam": Route("ruta", "noordkade", "ruta.patio", "ruta.puerto", "ruta.maasvlakte", "noordkade.barendrecht",
                       (12, 30), (10, 36), (20 * DAY, 26 * DAY), (20, 70), by_sea=True),
    "sanpedro": Route("ruta", "mesa", "ruta.patio", "ruta.puerto", "ruta.sanpedro", "mesa.la",
                      (12, 30), (10, 36), (5 * DAY, 7 * DAY), (16, 48), by_sea=True),
    "abastos": Route(None, "tapatio", None, None, None, "tapatio.abastos", (3, 10), None, None, (5, 14)),
}


@dataclass(frozen=True)
class Partners:
    packer: str
    packhouse: str
    certifier: str
    inspection: str
    dispatch: str  # where the producer itself loads
    routes: dict   # crop: {route: how often}


URUAPAN = ("ojo", "ojo.planta", "lindero", "lindero.uruapan")
GUZMAN = ("zapotlan", "zapotlan.planta", "lindero", "lindero.guzman")
LOS_REYES = ("canaveral", "canaveral.planta", "lindero", "lindero.uruapan")

PARTNERS = {
    "tzintzuni": Partners(*URUAPAN, "tzintzuni.acopio",
                          {"avocado": {"nogales": 4, "laredo": 3, "rotterdam": 3, "abastos": 2}}),
    "ceniza": Partners(*URUAPAN, "ceniza.jucutacato", {"avocado": {"laredo": 4, "nogales": 3, "sanpedro": 2}}),
    "yacata": Partners(*LOS_REYES, "yacata.laja", {"avocado": {"rotterdam": 4, "laredo": 3, "sanpedro": 1}}),
    "itzicuaro": Partners(*LOS_REYES, "itzicuaro.molino", {"berry": {"laredo": 3, "guzman": 2}}),
    "llano": Partners(*GUZMAN, "llano.laguna", {"berry": {"guzman": 5}, "avocado": {"rotterdam": 3, "guzman": 2}}),
    "neblina": Partners(*GUZMAN, "neblina.piedrota", {"berry": {"guzman": 4, "abastos": 1}}),
    "duna": Partners("marea", "marea.planta", "veraz", "veraz.sanquintin", "duna.sector", {"berry": {"otay": 1}}),
    "surco": Partners("bajio", "bajio.planta", "veraz", "veraz.irapuato", "surco.acopio",
                      {"berry": {"irapuato": 3, "abastos": 2}}),
    "colimota": Partners(*GUZMAN, "colimota.suchitlan",
                         {"berry": {"guzman": 3, "rotterdam": 1}, "avocado": {"rotterdam": 2, "sanpedro": 2}}),
}
