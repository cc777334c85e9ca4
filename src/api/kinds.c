/* The eight kinds of event. Results of an inspection are CBV 2.0 dispositions (conformant, non_conformant) or the buyer's words. */
#include "api/kinds.h"

#include <stddef.h>

#define BIT(result) (1u << RESULT_##result)
#define VERDICT     (BIT(ACCEPTED) | BIT(REJECTED))
#define INSPECTION  (VERDICT | BIT(CONFORMANT) | BIT(NON_CONFORMANT))

/* clang-format off */
const struct kind_info kinds[KIND_COUNT] = {
	/*                            who records it        results     needed  ships  moves the lot to */
	[KIND_HARVEST]            = { PRODUCER,             0,          false,  false, NULL,         NULL },
	[KIND_PROCESSING]         = { PRODUCER | PACKER,    0,          false,  false, NULL,         NULL },
	[KIND_QUALITY_INSPECTION] = { CERTIFIER,            INSPECTION, false,  false, NULL,         NULL },
	[KIND_PACKAGING]          = { PRODUCER | PACKER,    0,          false,  false, NULL,         NULL },
	[KIND_TRANSPORT_START]    = { PRODUCER | EXPORTER,  0,          false,  true,  "IN_TRANSIT", NULL },
	[KIND_TRANSPORT_ARRIVAL]  = { EXPORTER,             0,          false,  true,  "ARRIVED",    NULL },
	[KIND_CUSTOMS_CLEARANCE]  = { EXPORTER,             0,          false,  true,  NULL,         NULL },
	[KIND_DELIVERY]           = { BUYER,                VERDICT,    true,   true,  "DELIVERED",  "REJECTED" },
};
/* clang-format on */

const char *const kind_names[KIND_COUNT + 1] = { "HARVEST", "PROCESSING", "QUALITY_INSPECTION", "PACKAGING",
	"TRANSPORT_START", "TRANSPORT_ARRIVAL", "CUSTOMS_CLEARANCE", "DELIVERY", NULL };

const char *const result_names[RESULT_COUNT + 1] = { "accepted", "rejected", "conformant", "non_conformant",
	NULL };

const char *const lot_statuses[] = { "REGISTERED", "IN_TRANSIT", "ARRIVED", "DELIVERED", "REJECTED",
	"ON_HOLD", "RECALLED", NULL };
