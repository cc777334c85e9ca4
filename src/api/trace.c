/* The public trace: what anybody who holds the product may know of its lot. No session, no person's name, cacheable for a
 * minute. The address's limit is asked of Redis while PostgreSQL looks. */
#include <string.h>

#include "api/answer.h"
#include "api/chain.h"
#include "api/handlers.h"
#include "api/kinds.h"
#include "api/policy.h"
#include "http/gs1.h"
#include "store/event.h"
#include "store/lot.h"

/* What a consumer reads at a glance. VERIFIED: the chain holds, and harvest, packaging and a good inspection are in it.
 * PENDING: nothing was recorded yet. PARTIAL: anything between. */
static const char *badge(const struct history *h, bool valid)
{
	bool harvested = false, packed = false, inspected = false;

	if (!h->count)
		return "PENDING";
	for (const struct event *e = h->events; e < h->events + h->count; e++) {
		harvested |= strcmp(e->kind, "HARVEST") == 0;
		packed |= strcmp(e->kind, "PACKAGING") == 0;
		if (strcmp(e->kind, "QUALITY_INSPECTION") == 0)
			inspected = e->result && (strcmp(e->result, "conformant") == 0 ||
							 strcmp(e->result, "accepted") == 0);
	}
	return valid && harvested && packed && inspected ? "VERIFIED" : "PARTIAL";
}

struct trace_lot {
	const char *code, *product, *variety, *quantity, *uom, *origin, *status;
	int32_t harvested_on;
};

static const struct member lot_members[] = {
	MEMBER(struct trace_lot, code, TEXT, ALWAYS, .example = "L-2026-1187"),
	MEMBER(struct trace_lot, product, TEXT, ALWAYS, .example = "Aguacate Hass"),
	MEMBER(struct trace_lot, variety, TEXT, NULLABLE, .example = "Hass"),
	MEMBER(struct trace_lot, quantity, DECIMAL, ALWAYS, .example = "1250.500"),
	MEMBER(struct trace_lot, uom, TEXT, ALWAYS, .doc = "UN/ECE Rec 20 code", .example = "KGM"),
	MEMBER(struct trace_lot, harvested_on, DATE, NULLABLE),
	MEMBER(struct trace_lot, origin, TEXT, NULLABLE, .example = "Huerta Las Palmas, Michoacán"),
	MEMBER(struct trace_lot, status, TEXT, ALWAYS, .choices = lot_statuses, .example = "IN_TRANSIT"),
	END_OF_MEMBERS,
};
static const struct shape lot_part = { "TraceLot", lot_members, sizeof(struct trace_lot) };

struct trace_producer {
	const char *name, *region;
};

static const struct member producer_members[] = {
	MEMBER(struct trace_producer, name, TEXT, ALWAYS, .example = "Aguacates del Sur"),
	MEMBER(struct trace_producer, region, TEXT, NULLABLE, .example = "Michoacán"),
	END_OF_MEMBERS,
};
static const struct shape producer_part = { "TraceProducer", producer_members,
	sizeof(struct trace_producer) };

static const struct member event_members[] = {
	MEMBER(struct event, kind, TEXT, ALWAYS, .choices = kind_names, .example = "HARVEST"),
	MEMBER(struct event, at, TIME, ALWAYS),
	MEMBER(struct event, place, TEXT, NULLABLE, .example = "Huerta Las Palmas, Michoacán"),
	MEMBER(struct event, result, TEXT, NULLABLE, .choices = result_names, .example = "conformant"),
	MEMBER(struct event, temperature_c, DECIMAL, NULLABLE, .example = "5.5"),
	END_OF_MEMBERS,
};
static const struct shape event_part = { "TraceEvent", event_members, sizeof(struct event) };

struct trace_answer {
	struct trace_lot lot;
	struct trace_producer producer;
	const char *badge;
	const struct event *events;
	int64_t event_count;
	bool verified;
};

static const char *const badges[] = { "VERIFIED", "PARTIAL", "PENDING", NULL };

static const struct member members[] = {
	MEMBER(struct trace_answer, lot, WITHIN, ALWAYS, .shape = &lot_part),
	MEMBER(struct trace_answer, producer, WITHIN, ALWAYS, .shape = &producer_part),
	MEMBER(struct trace_answer, badge, TEXT, ALWAYS, .choices = badges, .example = "VERIFIED",
		.doc = "VERIFIED: the chain holds, with harvest, packaging and a good inspection in it"),
	MEMBER(struct trace_answer, events, ARRAY, ALWAYS, .shape = &event_part,
		.count = offsetof(struct trace_answer, event_count)),
	MEMBER(struct trace_answer, verified, BOOLEAN, ALWAYS, .doc = "the chain of events adds up"),
	END_OF_MEMBERS,
};
const struct shape trace_shape = { "Trace", members, sizeof(struct trace_answer) };

static int trace_answer(struct ctx *ctx, const struct trace *t)
{
	struct chain_break first;
	const struct history *h = &t->history;
	bool valid = chain_verify(ctx->arena, h, &first);
	const struct trace_answer answer = {
		.lot = { t->code, t->product, t->variety, t->quantity, t->uom, t->origin, t->status,
			t->harvested_on },
		.producer = { t->producer, t->region },
		.badge = badge(h, valid),
		.events = h->events,
		.event_count = h->count,
		.verified = valid,
	};

	ctx->resp->cache_control = "public, max-age=60";
	answer_one(ctx, &answer);
	response_etag_body(ctx->resp, ctx->req);
	return ctx->resp->status;
}

/* After the query was sent: the limit, then the rows. */
static int trace_take(struct ctx *ctx)
{
	struct trace trace;

	int err = db_flush(ctx->db); /* looked at after Redis's replies were taken */
	TRY(policy_count_take(ctx));
	TRY(err);
	TRY(store_trace_take(ctx->db, ctx->arena, &trace));
	return trace_answer(ctx, &trace);
}

int trace_by_code(struct ctx *ctx)
{
	const char *code = ctx->params[0];

	if (strlen(code) != PUBLIC_CODE_LENGTH)
		return -ERR_NOT_FOUND;
	policy_count_send(ctx);
	store_trace_by_code_send(ctx->db, code);
	return trace_take(ctx);
}

int trace_by_gtin(struct ctx *ctx)
{
	char gtin[GTIN14_SIZE];

	if (gs1_gtin(ctx->params[0]) || gs1_lot_code(ctx->params[1]))
		return -ERR_NOT_FOUND;
	gs1_gtin14(ctx->params[0], gtin);
	policy_count_send(ctx);
	store_trace_by_gtin_send(ctx->db, gtin, ctx->params[1]);
	return trace_take(ctx);
}
