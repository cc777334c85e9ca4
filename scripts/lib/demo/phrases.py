"""What people write beside an event, in the language of the place: by kind and, where it differs, by crop.

{boxes}, {pallets}, {kg} are the lot's own; all others are drawn anew.
"""

AVOCADO, BERRY = "avocado", "berry"
ES, EN = "es", "en"

NOTES = {
    ("HARVEST", AVOCADO, ES): (
        "Corte con gancho y tijera, cuadrilla {crew}. Materia seca {dry} %.",
        "Corte selectivo, calibres 48 y 60 principalmente. Cuadrilla de {crew} cortadores.",
        "Se terminó antes de mediodía por pronóstico de lluvia. Materia seca {dry} %",
        "bitácora de corte firmada, {dry} % de materia seca en muestra de 10 frutos",
        "Segundo corte de la huerta. Fruta limpia, sin daño de trips visible.",
        "BICO y tarjeta de manejo integral entregados al chofer.",
    ),
    ("HARVEST", BERRY, ES): (
        "Cosecha directa a clamshell, {crew} cosechadores. Brix {brix}.",
        "Primer pase del día, fruta seca y firme. Brix {brix}",
        "se dejó de cosechar a las 11 por calor",
        "Intervalo de seguridad cumplido, última aplicación hace 9 días.",
        "Túneles 4 a 7. Algo de rocío al inicio, se esperó a que secara.",
        "Color 3-4, sin pudrición visible. Brix promedio {brix}.",
    ),
    ("PROCESSING", AVOCADO, ES): (
        "Recepción, cepillado y selección. Merma 2.{lane} %. Preenfriado a 6 °C.",
        "Lavado con cloro libre 150 ppm, pH 6.8. Sin incidencias.",
        "{boxes} cajas equivalentes en preenfriado, túnel {lane}",
        "Calibrado en línea {lane}; descarte a mercado nacional separado con su propio lote.",
        "recepción ok, báscula {kg} kg netos",
    ),
    ("PROCESSING", BERRY, ES): (
        "Aire forzado 55 minutos, pulpa a temperatura objetivo.",
        "Preenfriado en túnel {lane}. Entró a 17 °C.",
        "Cámara {lane}. Menos de 3 horas desde corte.",
        "Se revisaron 3 clamshells por tarima, peso correcto.",
        "aire forzado, dos ciclos porque la fruta llegó tibia",
    ),
    ("PACKAGING", AVOCADO, ES): (
        "{boxes} cajas en {pallets} tarimas, etiqueta con GTIN y lote.",
        "Empacadas {boxes} cajas. Esquineros y fleje nuevos.",
        "{pallets} tarimas, la última incompleta.",
        "Cambio de etiqueta a mitad de corrida, se reetiquetaron 14 cajas.",
    ),
    ("PACKAGING", BERRY, ES): (
        "{boxes} flats en {pallets} tarimas, empaque en campo.",
        "Clamshell con etiqueta de trazabilidad por cosechador. {boxes} flats.",
        "{pallets} tarimas al frío antes de 90 min",
        "Se rechazaron 6 flats por peso bajo, ya no van en este lote.",
    ),
    ("QUALITY_INSPECTION", AVOCADO, ES): (
        "Muestreo 2 % de cajas. Sin plaga cuarentenaria. Materia seca {dry} %.",
        "Defectos menores 3 %, mayores 0 %. Liberado.",
        "Conforme. Residuos por debajo del LMR, informe adjunto en expediente.",
        "120 frutos cortados, sin barrenador.",
    ),
    ("QUALITY_INSPECTION", BERRY, ES): (
        "Brix {brix}, firmeza correcta, 1 % de defectos. Conforme.",
        "Multirresiduos sin detección. Liberado.",
        "Muestra de 5 flats por tarima, color y tamaño parejos",
        "Hisopado de superficies negativo, fruta conforme.",
    ),
    ("TRANSPORT_START", None, ES): (
        "Caja refrigerada unidad {unit}, sello {seal}. Termógrafo {logger}.",
        "Preenfriada la caja antes de cargar. Sello {seal}",
        "{pallets} tarimas, termógrafo {logger} en la penúltima.",
        "Salida con 40 min de retraso por papeles. Sello {seal}.",
        "Carga completa, set point confirmado con el operador.",
    ),
    ("CUSTOMS_CLEARANCE", None, ES): (
        "Pedimento pagado, semáforo verde. Sello {seal} intacto.",
        "Reconocimiento aduanero, 1 h 20 min. Nuevo sello {seal}.",
        "carril {lane}, sin revisión",
        "Certificado fitosanitario cotejado, sin observaciones.",
    ),
    ("TRANSPORT_ARRIVAL", None, EN): (
        "Seal {seal} intact. {pallets} pallets, all standing.",
        "Logger {logger} downloaded, no excursion.",
        "Dock {lane}. Pulp temps within range on 6 boxes.",
        "arrived 2 h late, traffic. Reefer running at set point",
        "One pallet leaning, restacked. No product damage.",
    ),
    ("DELIVERY", None, ES): (
        "Recibido completo, {boxes} cajas.",
        "Se recibió en andén {lane}, fruta en buen estado.",
        "ok, {pallets} tarimas",
    ),
    ("DELIVERY", None, EN): (
        "{boxes} cases received in full.",
        "QC pass. Stage 2, good for ripening program.",
        "Received {pallets} pallets, door {lane}. No claims.",
        "Accepted. 2 cases short on pallet 4, noted on the BOL.",
    ),
}
# Not said of berries.
NOTES[("DELIVERY", BERRY, EN)] = (*(n for n in NOTES[("DELIVERY", None, EN)] if "ripening" not in n),
                                  "QC pass. Firm, dry, good bloom.")

# What stopped a lot is always written down.
HELD_AT_INSPECTION = {
    AVOCADO: ("Materia seca {low_dry} %, bajo el mínimo. Retenido hasta segundo muestreo.",
              "Se encontró escama viva en 2 frutos. Lote retenido, muestra al laboratorio."),
    BERRY: ("Posible residuo de fungicida fuera de LMR, retenido hasta confirmar con segundo análisis.",
            "Pudrición 6 % en muestra. No conforme; se retiene para reselección."),
}
HELD_ON_ARRIVAL = ("Held for import sampling, result expected in 3 to 5 days. Product stays at set point.",
                   "Broker asked for a corrected phytosanitary certificate. On hold in the cold store.")
TOO_WARM_ON_ARRIVAL = ("Logger {logger} shows about 9 h above range, looks like the reefer was off. Buyer told.",
                       "Pulp warm on the rear pallets. Reefer alarm on arrival, photos taken.")
REJECTED_TOO_WARM = ("Rejected: pulp temperature out of range on all pallets checked. Claim opened.",
                     "Refused at the dock, cold chain broken, see logger {logger}.")
REJECTED_FOR_QUALITY = {
    AVOCADO: ("Rejected: 11 % vascular browning and body rot in a 3-box sample.",
              "Rejected, mixed sizes do not match the label (48s and 70s in one box)."),
    BERRY: ("Rejected: gray mold in 4 of 12 clamshells, leakers.",
            "Refused. Soft fruit, 9 % decay, not fit for retail."),
}


def language(location):
    return ES if location.country == "MX" else EN


def ordinary(kind, crop, location):
    """The phrases for an event at which nothing went wrong."""
    lang = language(location)
    return NOTES.get((kind, crop, lang)) or NOTES[(kind, None, lang)]
