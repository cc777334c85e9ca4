/* The public trace: what anybody who holds the product may know of its lot. No session, no person's name, cacheable for a
 * minute. The address's limit is asked of Redis while PostgreSQL looks. */
#include <string.h>

#include "api/chain.h"
#include "api/handlers.h"
#include "http/gs1.h"
#include "http/json.h"
#include "session/limits.h"
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

static void put_place(
	struct json_writer *w, struct arena *arena, const char *name, const char *place, const char *region)
{
	json_put_string(w, name, place && region ? arena_printf(arena, "%s, %s", place, region) : place);
}

static void lot_part(struct json_writer *w, struct arena *arena, const struct trace *t)
{
	json_name(w, "lot");
	json_open(w, '{');
	json_put_string(w, "code", t->code);
	json_put_string(w, "product", t->product);
	json_put_string(w, "variety", t->variety);
	json_put_string(w, "quantity", t->quantity);
	json_put_string(w, "uom", t->uom);
	json_put_date(w, "harvested_on", t->harvested_on);
	put_place(w, arena, "origin", t->origin, t->origin_region);
	json_put_string(w, "status", t->status);
	json_close(w, '}');
	json_name(w, "producer");
	json_open(w, '{');
	json_put_string(w, "name", t->producer);
	json_put_string(w, "region", t->origin_region);
	json_close(w, '}');
}

static void events_part(struct json_writer *w, struct arena *arena, const struct history *h)
{
	json_name(w, "events");
	json_open(w, '[');
	for (const struct event *e = h->events; e < h->events + h->count; e++) {
		json_open(w, '{');
		json_put_string(w, "kind", e->kind);
		json_put_time(w, "at", e->at);
		put_place(w, arena, "place", e->place, e->region);
		json_put_string(w, "result", e->result);
		json_put_string(w, "temperature_c", e->temperature_c);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static int trace_answer(struct ctx *ctx, const struct trace *t)
{
	struct chain_break first;
	struct json_writer w;
	bool valid = chain_verify(ctx->arena, &t->history, &first);

	json_begin(&w, &ctx->resp->body);
	json_open(&w, '{');
	lot_part(&w, ctx->arena, t);
	json_put_string(&w, "badge", badge(&t->history, valid));
	events_part(&w, ctx->arena, &t->history);
	json_put_boolean(&w, "verified", valid);
	json_close(&w, '}');
	ctx->resp->cache_control = "public, max-age=60";
	response_json(ctx->resp, 200);
	response_etag_body(ctx->resp, ctx->req);
	return ctx->resp->status;
}

/* After the query was sent: the limit, then the rows. */
static int trace_take(struct ctx *ctx)
{
	struct trace trace;

	int err = db_flush(ctx->db); /* looked at after Redis's replies were taken */
	if (ctx->conf->rate_api_per_minute)
		TRY(limit_address_take(
			ctx->redis, ctx->arena, ctx->conf->rate_api_per_minute, ctx->deadline));
	TRY(err);
	TRY(store_trace_take(ctx->db, ctx->arena, &trace));
	return trace_answer(ctx, &trace);
}

static void limit_send(struct ctx *ctx)
{
	if (ctx->conf->rate_api_per_minute)
		limit_address_send(ctx->redis, ctx->req->remote_addr, ctx->now, ctx->deadline);
}

int trace_by_code(struct ctx *ctx)
{
	const char *code = ctx->params[0];

	if (strlen(code) != PUBLIC_CODE_LENGTH)
		return -ERR_NOT_FOUND;
	limit_send(ctx);
	store_trace_by_code_send(ctx->db, code);
	return trace_take(ctx);
}

int trace_by_gtin(struct ctx *ctx)
{
	char gtin[GTIN14_SIZE];

	if (gs1_gtin(ctx->params[0]) || gs1_lot_code(ctx->params[1]))
		return -ERR_NOT_FOUND;
	gs1_gtin14(ctx->params[0], gtin);
	limit_send(ctx);
	store_trace_by_gtin_send(ctx->db, gtin, ctx->params[1]);
	return trace_take(ctx);
}
