/*
 * The eight kinds of event as a table: who may record each, and what it does to the lot.
 */
#ifndef API_KINDS_H
#define API_KINDS_H

#include <stdbool.h>

#include "api/policy.h"

enum kind {
	KIND_HARVEST,
	KIND_PROCESSING,
	KIND_QUALITY_INSPECTION,
	KIND_PACKAGING,
	KIND_TRANSPORT_START,
	KIND_TRANSPORT_ARRIVAL,
	KIND_CUSTOMS_CLEARANCE,
	KIND_DELIVERY,
	KIND_COUNT
};

enum result { RESULT_ACCEPTED, RESULT_REJECTED, RESULT_CONFORMANT, RESULT_NON_CONFORMANT, RESULT_COUNT };

struct kind_info {
	unsigned roles;   /* who records it */
	unsigned results; /* bits of enum result it may carry; 0: none */
	bool result_needed;
	bool ships;          /* refused while the lot is held or recalled */
	const char *status;  /* what it moves the lot to; NULL: nothing */
	const char *refused; /* the same when its result is rejected */
};

extern const struct kind_info kinds[KIND_COUNT];
extern const char *const kind_names[KIND_COUNT + 1]; /* NULL at the end */
extern const char *const result_names[RESULT_COUNT + 1];
extern const char
	*const lot_statuses[]; /* NULL at the end; the first five are moved by events, the others by hand */

#endif
