"""Who is in the demo: invented companies at real places, their locations and their products.

Every GLN and GTIN begins with 952, the prefix GS1 keeps for examples: their check digits are right, and no company on
earth owns them. Domains end in .example for the same reason.
"""

from dataclasses import dataclass

GS1_EXAMPLES = "952"


def with_check_digit(digits):
    """GS1 General Specifications 7.9.1: weights 3, 1, 3, 1, … from the right; what is missing to a multiple of ten."""
    total = sum(int(d) * (1 if i % 2 else 3) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


@dataclass(frozen=True)
class Location:
    key: str
    name: str
    kind: str
    latitude: str
    longitude: str
    country: str
    region: str
    gln: str

    def body(self):
        """What POST /v1/locations takes."""
        return {name: value for name, value in vars(self).items() if name != "key"}


@dataclass(frozen=True)
class Product:
    key: str
    name: str
    commodity: str
    variety: str
    gtin: str
    box_kg: str     # net weight of a box
    boxes: tuple    # fewest and most in a lot
    on_pallet: int  # boxes
    months: tuple   # of its harvest
    share: int      # of the lots, against other products of that month

    def body(self):
        """What POST /v1/products takes."""
        return {name: getattr(self, name) for name in ("name", "commodity", "variety", "gtin")}


@dataclass(frozen=True)
class Organization:
    key: str
    kind: str
    name: str
    tax_id: str
    gln: str
    email: str
    user: str  # the name of who logs in with it
    approved: bool
    account: bool  # it is the one of its kind whose password is told
    locations: tuple
    products: tuple


ALL_YEAR = tuple(range(1, 13))
# The big harvest runs from autumn to spring; Méndez is the early one, before Hass.
HASS, MENDEZ = (9, 10, 11, 12, 1, 2, 3, 4, 5, 6), (6, 7, 8, 9, 10)
BLUEBERRY, RASPBERRY = (9, 10, 11, 12, 1, 2, 3, 4, 5), (9, 10, 11, 12, 1, 2, 3, 4, 5, 6)
BLACKBERRY, BAJIO_STRAWBERRY = (10, 11, 12, 1, 2, 3, 4, 5), (11, 12, 1, 2, 3, 4)
COAST = (3, 4, 5, 6, 7, 8, 9)  # San Quintín, where the ocean keeps summers cool

MX, US = "MX", "US"
MICH, JAL, BC, COL, GTO, TAMPS = "Michoacán", "Jalisco", "Baja California", "Colima", "Guanajuato", "Tamaulipas"

CARTON, EU_BOX, FLAT = "11.34", "4.00", "2.04"  # 25 lb; 4 kg; twelve clamshells of 6 oz

# key, kind, name, tax id, domain, user's name, then locations and products. Producers first: the first is the account.
#   location: key, name, kind, latitude, longitude, country, region
#   product:  key, name, commodity, variety, kg a box, (fewest, most boxes), boxes a pallet, months, share
TABLE = (
    ("tzintzuni", "PRODUCER", "Huertas Tzintzuni de Tancítaro, S.P.R. de R.L.", "HTT120418QX7", "tzintzuni.example",
     "Rosaura Equihua Tinoco", (
         ("pastoria", "Huerta La Pastoría Alta", "FARM", "19.3127", "-102.3418", MX, MICH),
         ("agua", "Huerta Agua Fría", "FARM", "19.3561", "-102.3879", MX, MICH),
         ("acopio", "Centro de acopio Tancítaro", "COLLECTION_POINT", "19.3382", "-102.3631", MX, MICH)), (
         ("hass", "Aguacate Hass, caja 25 lb", "avocado", "Hass", CARTON, (640, 1760), 80, ALL_YEAR, 9),
         ("hass-eu", "Aguacate Hass, caja 4 kg", "avocado", "Hass", EU_BOX, (2112, 5280), 264, HASS, 5),
         ("mendez", "Aguacate Méndez, caja 25 lb", "avocado", "Méndez", CARTON, (480, 1280), 80, MENDEZ, 5))),
    ("ceniza", "PRODUCER", "Agrícola Ceniza Negra, S. de P.R. de R.L.", "ACN090727KD4", "ceniza-negra.example",
     "Hilario Campoverde Anguiano", (
         ("jucutacato", "Huerta El Jucutacato", "FARM", "19.3946", "-102.0942", MX, MICH),
         ("capacuaro", "Huerta Llano de Capácuaro", "FARM", "19.5228", "-102.0411", MX, MICH)), (
         ("hass", "Aguacate Hass de altura, caja 25 lb", "avocado", "Hass", CARTON, (560, 1600), 80, ALL_YEAR, 7),)),
    ("yacata", "PRODUCER", "Huertas La Yácata Vieja, S.P.R. de R.L.", "HYV150603MR1", "yacata-vieja.example",
     "Eloísa Barragán Cuevas", (
         ("laja", "Huerta La Laja", "FARM", "19.5037", "-102.4386", MX, MICH),
         ("potrero", "Huerta El Potrero Hondo", "FARM", "19.5411", "-102.3992", MX, MICH)), (
         ("hass-eu", "Aguacate Hass, caja 4 kg", "avocado", "Hass", EU_BOX, (1848, 4752), 264, HASS, 5),
         ("mendez", "Aguacate Méndez, caja 25 lb", "avocado", "Méndez", CARTON, (480, 1200), 80, MENDEZ, 4))),
    ("itzicuaro", "PRODUCER", "Frutillas Río Itzícuaro, S.P.R. de R.L.", "FRI170209TB6", "itzicuaro.example",
     "Abundio Magallón Rentería", (
         ("molino", "Rancho El Molino Quemado", "FARM", "19.5773", "-102.4928", MX, MICH),
         ("guayabo", "Rancho Los Guayabos", "FARM", "19.6142", "-102.4515", MX, MICH)), (
         ("tupy", "Zarzamora Tupy 12 x 6 oz", "blackberry", "Tupy", FLAT, (420, 1560), 240, BLACKBERRY, 6),
         ("biloxi", "Arándano Biloxi 12 x 6 oz", "blueberry", "Biloxi", FLAT, (480, 1440), 240, BLUEBERRY, 3))),
    ("llano", "PRODUCER", "Berries del Llano Encendido, S.A.P.I. de C.V.", "BLE180112HG9", "llano-encendido.example",
     "Macario Preciado Villalvazo", (
         ("tuneles", "Macrotúneles Santa Catarina", "FARM", "19.6794", "-103.4911", MX, JAL),
         ("laguna", "Rancho Orilla de la Laguna", "FARM", "19.7408", "-103.4377", MX, JAL)), (
         ("biloxi", "Arándano Biloxi 12 x 6 oz", "blueberry", "Biloxi", FLAT, (600, 2160), 240, BLUEBERRY, 5),
         ("adelita", "Frambuesa Adelita 12 x 6 oz", "raspberry", "Adelita", FLAT, (360, 1320), 240, RASPBERRY, 5),
         ("mendez", "Aguacate Méndez, caja 25 lb", "avocado", "Méndez", CARTON, (480, 1120), 80, MENDEZ, 3))),
    ("neblina", "PRODUCER", "Campo Neblina de Tapalpa, S.P.R. de R.L.", "CNT160830LF2", "campo-neblina.example",
     "Otilia Figueroa Santana", (
         ("piedrota", "Parcela Camino a Las Piedrotas", "FARM", "19.9618", "-103.7412", MX, JAL),), (
         ("adelita", "Frambuesa Adelita 12 x 6 oz", "raspberry", "Adelita", FLAT, (300, 1080), 240, RASPBERRY, 5),)),
    ("duna", "PRODUCER", "Rancho Duna Fría, S. de R.L. de C.V.", "RDF110921PV3", "duna-fria.example",
     "Leobardo Castañeda Murillo", (
         ("sector", "Rancho Duna Fría, sector 4", "FARM", "30.5312", "-115.9604", MX, BC),
         ("mesa", "Rancho Duna Fría, La Mesa", "FARM", "30.6025", "-115.9217", MX, BC)), (
         ("camino", "Fresa Camino Real 8 x 1 lb", "strawberry", "Camino Real", "3.63", (480, 1728), 108, COAST, 8),
         ("adelita", "Frambuesa Adelita 12 x 6 oz", "raspberry", "Adelita", FLAT, (360, 1200), 240, COAST, 5))),
    ("surco", "PRODUCER", "Fresas Surco Carmín, S.P.R. de R.L.", "FSC130514JU8", "surco-carmin.example",
     "Genoveva Razo Arredondo", (
         ("aldama", "Parcela Camino a Aldama", "FARM", "20.7014", "-101.3168", MX, GTO),
         ("acopio", "Acopio y frío Irapuato", "COLLECTION_POINT", "20.6549", "-101.3793", MX, GTO)), (
         ("festival", "Fresa Festival 8 x 1 lb", "strawberry", "Festival", "3.63", (432, 1512), 108,
          BAJIO_STRAWBERRY, 5),
         ("camino", "Fresa Camino Real 8 x 1 lb", "strawberry", "Camino Real", "3.63", (432, 1296), 108,
          BAJIO_STRAWBERRY, 4))),
    ("colimota", "PRODUCER", "Huertos La Cumbre Colimota, S.P.R. de R.L.", "HCC190625WA5", "cumbre-colimota.example",
     "Fidel Ochoa Cárdenas", (
         ("suchitlan", "Huerto Suchitlán", "FARM", "19.3897", "-103.7163", MX, COL),), (
         ("biloxi", "Arándano Biloxi 12 x 125 g", "blueberry", "Biloxi", "1.50", (960, 3120), 312, BLUEBERRY, 5),
         ("mendez", "Aguacate Méndez, caja 4 kg", "avocado", "Méndez", EU_BOX, (1056, 3168), 264, MENDEZ, 3))),
    ("joyitas", "PRODUCER", "Productores Unidos de Las Joyitas, S.P.R. de R.L.", "PUJ250211NC6", "las-joyitas.example",
     "Maclovio Rúa Gudiño", (), ()),

    ("ojo", "PACKER", "Empaque Ojo del Cupatitzio, S.A. de C.V.", "EOC080316SE2", "ojo-cupatitzio.example",
     "Jacinta Orozco Huipe", (
         ("planta", "Planta de empaque Uruapan", "PACKHOUSE", "19.4012", "-102.0378", MX, MICH),
         ("camaras", "Cámaras frías Uruapan", "COLD_STORE", "19.4019", "-102.0364", MX, MICH)), ()),
    ("canaveral", "PACKER", "Empaque Frutal El Cañaveral, S.A. de C.V.", "EFC141107YN5", "el-canaveral.example",
     "Nicanor Valdovinos Oseguera", (
         ("planta", "Planta y preenfriado Los Reyes", "PACKHOUSE", "19.5841", "-102.4633", MX, MICH),), ()),
    ("zapotlan", "PACKER", "Fríos y Empaques Zapotlán Alto, S.A. de C.V.", "FEZ160520BD1", "zapotlan-alto.example",
     "Amparo Cibrián Rodas", (
         ("planta", "Planta Ciudad Guzmán", "PACKHOUSE", "19.7236", "-103.4529", MX, JAL),), ()),
    ("marea", "PACKER", "Empaque Marea Fría, S. de R.L. de C.V.", "EMF120808GT7", "marea-fria.example",
     "Yolanda Meling Arce", (
         ("planta", "Preenfriado San Quintín", "PACKHOUSE", "30.5718", "-115.9433", MX, BC),), ()),
    ("bajio", "PACKER", "Empaque Bajío Escarlata, S.A. de C.V.", "EBE130129ZR4", "bajio-escarlata.example",
     "Silverio Gasca Patlán", (
         ("planta", "Planta Irapuato Sur", "PACKHOUSE", "20.6388", "-101.3684", MX, GTO),), ()),

    ("cobalto", "EXPORTER", "Exportadora Sierra Cobalto, S.A. de C.V.", "ESC100412VH6", "sierra-cobalto.example",
     "Teodoro Arciga Montejano", (
         ("uruapan", "Andén de embarque Uruapan", "SHIPPING_DOCK", "19.4107", "-102.0291", MX, MICH),
         ("nogales", "Cruce Nogales-Mariposa", "BORDER_CROSSING", "31.3331", "-110.9774", MX, "Sonora"),
         ("vernon", "Vernon cold storage, Los Angeles", "COLD_STORE", "34.0041", "-118.2187", US, "California"),
         ("nlaredo", "Cruce Nuevo Laredo, Puente del Comercio Mundial", "BORDER_CROSSING", "27.5971", "-99.5367", MX,
          TAMPS),
         ("laredo", "Laredo cold dock", "COLD_STORE", "27.6389", "-99.5121", US, "Texas")), ()),
    ("ruta", "EXPORTER", "Ruta Fría de Occidente, S.A. de C.V.", "RFO150915CM8", "rutafria-occidente.example",
     "Benita Larios Covarrubias", (
         ("patio", "Patio de contenedores refrigerados Manzanillo", "CONTAINER_YARD", "19.0921", "-104.2918", MX, COL),
         ("puerto", "Puerto de Manzanillo, terminal", "PORT", "19.0648", "-104.3011", MX, COL),
         ("maasvlakte", "Maasvlakte reefer terminal, Rotterdam", "PORT", "51.9553", "4.0287", "NL", "Zuid-Holland"),
         ("sanpedro", "San Pedro terminal, Los Angeles", "PORT", "33.7391", "-118.2624", US, "California")), ()),
    ("puente", "EXPORTER", "Puente Norte Agrocomercial, S.A. de C.V.", "PNA110630XJ3", "puente-norte.example",
     "Casimiro Treviño Leal", (
         ("guzman", "Andén Ciudad Guzmán", "SHIPPING_DOCK", "19.7113", "-103.4486", MX, JAL),
         ("irapuato", "Andén Irapuato", "SHIPPING_DOCK", "20.6447", "-101.3720", MX, GTO),
         ("sanquintin", "Patio de carga San Quintín", "SHIPPING_DOCK", "30.5664", "-115.9398", MX, BC),
         ("reynosa", "Cruce Reynosa-Pharr", "BORDER_CROSSING", "26.0659", "-98.2052", MX, TAMPS),
         ("pharr", "Pharr cold dock", "COLD_STORE", "26.1744", "-98.1921", US, "Texas"),
         ("otay", "Cruce Otay", "BORDER_CROSSING", "32.5497", "-116.9383", MX, BC),
         ("vernon", "South Alameda cold dock, Los Angeles", "COLD_STORE", "33.9986", "-118.2379", US,
          "California")), ()),

    ("lindero", "CERTIFIER", "Certificación Agroalimentaria Lindero, A.C.", "CAL070503FS9", "lindero.example",
     "Priscila Navarrete Ayala", (
         ("uruapan", "Laboratorio Uruapan", "LABORATORY", "19.4233", "-102.0587", MX, MICH),
         ("guzman", "Unidad de inspección Ciudad Guzmán", "INSPECTION_POINT", "19.7041", "-103.4627", MX, JAL)), ()),
    ("veraz", "CERTIFIER", "Laboratorios Veraz Norte y Bajío, S.C.", "LVN120217EK5", "veraz.example",
     "Ulises Monsiváis Terán", (
         ("irapuato", "Laboratorio Irapuato", "LABORATORY", "20.6781", "-101.3479", MX, GTO),
         ("sanquintin", "Punto de inspección San Quintín", "INSPECTION_POINT", "30.5589", "-115.9376", MX, BC)), ()),

    ("mesa", "BUYER", "Golden Mesa Produce Distributors LLC", "00-4718263", "golden-mesa.example", "Dana Whitlock", (
        ("la", "Los Angeles distribution center", "DISTRIBUTION_CENTER", "34.0312", "-118.2346", US,
         "California"),), ()),
    ("heron", "BUYER", "Lone Heron Fresh Markets, Inc.", "00-2960417", "lone-heron.example", "Marcus Delgado Pruitt", (
        ("laredo", "Laredo distribution center", "DISTRIBUTION_CENTER", "27.6102", "-99.4733", US, "Texas"),
        ("pharr", "Rio Grande Valley distribution center", "DISTRIBUTION_CENTER", "26.2087", "-98.1679", US, "Texas")),
     ()),
    ("noordkade", "BUYER", "Noordkade Versimport B.V.", "NL000471826B01", "noordkade.example", "Femke Oosterling", (
        ("barendrecht", "Noordkade ripening and packing, Rotterdam", "DISTRIBUTION_CENTER", "51.8671", "4.5216", "NL",
         "Zuid-Holland"),), ()),
    ("tapatio", "BUYER", "Frutas y Verduras La Minerva Tapatía, S.A. de C.V.", "FVM060919RL8",
     "minerva-tapatia.example", "Consuelo Dávalos Iñiguez", (
         ("abastos", "Bodega 14, Mercado de Abastos", "WAREHOUSE", "20.6558", "-103.3817", MX, JAL),), ()),
)

# One login a role is told to whoever runs `scripts/up`; the words before the @ are the trade's own.
ACCOUNT_NAMES = {"ADMIN": "admin", "PRODUCER": "productor", "PACKER": "empaque", "EXPORTER": "exportadora",
                 "CERTIFIER": "certificadora", "BUYER": "compras"}
DEMO_DOMAIN = "demo.agrobridge.example"


def account_email(role):
    return f"{ACCOUNT_NAMES[role]}@{DEMO_DOMAIN}"


def _organization(number, row, account):
    key, kind, name, tax_id, domain, user, locations, products = row
    prefix = f"{GS1_EXAMPLES}{number:04}"
    return Organization(
        key, kind, name, tax_id, with_check_digit(prefix + "00000"),
        account_email(kind) if account else f"trazabilidad@{domain}", user,
        approved=key != "joyitas", account=account,
        locations=tuple(Location(f"{key}.{short}", *rest, gln=with_check_digit(f"{prefix}{100 * i:05}"))
                        for i, (short, *rest) in enumerate(locations, 1)),
        products=tuple(Product(f"{key}.{short}", *rest[:3], with_check_digit(f"1{prefix}{i:05}"), *rest[3:])
                       for i, (short, *rest) in enumerate(products, 1)))


def _organizations():
    kinds = [row[1] for row in TABLE]
    return tuple(_organization(1107 + 31 * i, row, account=kinds.index(row[1]) == i) for i, row in enumerate(TABLE))


ORGANIZATIONS = _organizations()
BY_KEY = {o.key: o for o in ORGANIZATIONS}
ACCOUNTS = {o.kind: o for o in ORGANIZATIONS if o.account}
