/* Events: recorded once, never changed, each linked to the one before it; and the proof of that. */
#include "store/event.h"

#include <string.h>

#include "api/answer.h"
#include "api/chain.h"
#include "api/handlers.h"
#include "api/kinds.h"
#include "api/list.h"
#include "api/write.h"
#include "crypto/random.h"
#include "store/location.h"
#include "store/lot.h"

/* A lot's history is read, proved and shown within one request: nobody who may record on it can make it too long for that. */
enum { NOTES_MAX = 2000, HISTORY_EVENTS_MAX = 10000, HISTORY_BYTES_MAX = 8 << 20 };

struct event_fields {
	int kind, result;
	int64_t at;
	struct uuid location_id;
	const char *temperature_c, *humidity_pct, *notes;
};

static const struct field fields[] = {
	FIELD(struct event_fields, kind, CHOICE, REQUIRED, .choices = kind_names,
		.doc = "who records which: see the operation", .example = "QUALITY_INSPECTION"),
	FIELD(struct event_fields, at, TIME, REQUIRED, .not_future = true, .doc = "when it happened"),
	FIELD(struct event_fields, location_id, UUID, OPTIONAL, .doc = "where, one of one's own locations"),
	FIELD(struct event_fields, temperature_c, DECIMAL, OPTIONAL, .digits = 3, .scale = 2, .low = "-100",
		.high = "200", .example = "5.5"),
	FIELD(struct event_fields, humidity_pct, DECIMAL, OPTIONAL, .digits = 3, .scale = 2, .low = "0",
		.high = "100", .example = "90"),
	FIELD(struct event_fields, result, CHOICE, OPTIONAL, .choices = result_names,
		.doc = "of QUALITY_INSPECTION, and always of DELIVERY", .example = "conformant"),
	FIELD(struct event_fields, notes, TEXT, OPTIONAL, .max = NOTES_MAX, .multiline = true,
		.example = "no residues found"),
	END_OF_FIELDS,
};
const struct input event_input = { .fields = fields, .size = sizeof(struct event_fields) };

static const struct member members[] = {
	MEMBER(struct event, id, UUID, ALWAYS),
	MEMBER(struct event, lot_id, UUID, ALWAYS),
	MEMBER(struct event, kind, TEXT, ALWAYS, .choices = kind_names, .example = "QUALITY_INSPECTION"),
	MEMBER(struct event, at, TIME, ALWAYS, .doc = "when it happened"),
	MEMBER(struct event, location_id, UUID, NULLABLE),
	MEMBER(struct event, temperature_c, DECIMAL, NULLABLE, .example = "5.5"),
	MEMBER(struct event, humidity_pct, DECIMAL, NULLABLE, .example = "90"),
	MEMBER(struct event, result, TEXT, NULLABLE, .choices = result_names, .example = "conformant"),
	MEMBER(struct event, notes, TEXT, NULLABLE, .example = "no residues found"),
	MEMBER(struct event, organization_id, UUID, ALWAYS, .doc = "whose user recorded it"),
	MEMBER(struct event, recorded_at, TIME, ALWAYS, .doc = "when we were told"),
	MEMBER(struct event, hash, DIGEST, ALWAYS, .doc = "its link of the lot's chain"),
	MEMBER(struct event, position, INTEGER, ALWAYS, .doc = "1, 2, … within the lot", .example = "1"),
	END_OF_MEMBERS,
};
const struct shape event_shape = { "Event", members, sizeof(struct event) };

/* Whether a lot's chain adds up. */
struct proof {
	bool valid;
	int64_t events;
	const struct chain_break *first_broken;
};

static const struct member break_members[] = {
	MEMBER(struct chain_break, event_id, UUID, NULLABLE, .doc = "null where the event itself is missing"),
	MEMBER(struct chain_break, position, INTEGER, ALWAYS, .example = "3"),
	END_OF_MEMBERS,
};
static const struct shape break_shape = { "ChainBreak", break_members, sizeof(struct chain_break) };

static const struct member proof_members[] = {
	MEMBER(struct proof, valid, BOOLEAN, ALWAYS),
	MEMBER(struct proof, events, INTEGER, ALWAYS, .example = "6"),
	MEMBER(struct proof, first_broken, OBJECT, NULLABLE, .shape = &break_shape),
	END_OF_MEMBERS,
};
const struct shape proof_shape = { "Proof", proof_members, sizeof(struct proof) };

/* A result goes with the kinds that have one, and a delivery always has one. */
static int check_result(struct ctx *ctx, const struct event_fields *in)
{
	const struct kind_info *kind = &kinds[in->kind];

	if (in->result < 0 && kind->result_needed)
		faults_add(&ctx->faults, ctx->arena, ERR_REQUIRED, "/result");
	if (in->result >= 0 && !(kind->results & 1u << in->result))
		faults_add(&ctx->faults, ctx->arena, ERR_NOT_ALLOWED_HERE, "/result");
	return ctx->faults.count ? -ERR_INVALID : 0;
}

/* A grant to record is for those who handle the lot after its producer; a producer records on its own lots alone. */
static int check_right(const struct ctx *ctx, const struct lot_state *lot)
{
	if (uuid_equal(lot->organization_id, ctx->session.organization_id))
		return 0;
	if (!lot->access)
		return -ERR_NOT_FOUND; /* taken back while this request waited for the lot */
	if (ctx->session.role == ROLE_PRODUCER || strcmp(lot->access, "record") != 0)
		return -ERR_KIND_FORBIDDEN;
	return 0;
}

/* Field devices report late: the status follows the event that happened last, not the one that was told last. */
static int move_status(const struct event_fields *in, struct lot_state *lot)
{
	const struct kind_info *kind = &kinds[in->kind];
	bool later = lot->status_at == DB_NO_TIME || in->at >= lot->status_at;

	if (!kind->ships)
		return 0;
	if (strcmp(lot->status, "ON_HOLD") == 0)
		return -ERR_LOT_HELD;
	if (strcmp(lot->status, "RECALLED") == 0)
		return -ERR_LOT_RECALLED;
	if (later && (strcmp(lot->status, "DELIVERED") == 0 || strcmp(lot->status, "REJECTED") == 0))
		return -ERR_LOT_CLOSED;
	if (later && kind->status) {
		lot->status = kind->refused && in->result == RESULT_REJECTED ? kind->refused : kind->status;
		lot->status_at = in->at;
	}
	return 0;
}

static int take_location(struct ctx *ctx, const struct event_fields *in)
{
	bool owned = true;

	if (!uuid_is_nil(in->location_id))
		TRY(store_owned_take(ctx->db, &owned));
	if (!owned)
		faults_add(&ctx->faults, ctx->arena, ERR_UNKNOWN_LOCATION, "/location_id");
	return owned ? 0 : -ERR_INVALID;
}

static int event_link(struct ctx *ctx, struct event *e, struct lot_state *lot)
{
	e->position = ++lot->event_count;
	e->content = chain_content(ctx->arena, e);
	lot->event_bytes += (int64_t)strlen(e->content);
	if (lot->event_count > HISTORY_EVENTS_MAX || lot->event_bytes > HISTORY_BYTES_MAX)
		return -ERR_LOT_FULL;
	chain_link(lot->chain_head, e->content, e->recorded_at, e->hash);
	memcpy(lot->chain_head, e->hash, sizeof e->hash);
	return 0;
}

int event_create(struct ctx *ctx)
{
	const struct event_fields *in = ctx->input;
	struct event event = {
		.id = random_uuid(),
		.organization_id = ctx->session.organization_id,
		.user_id = ctx->session.user_id,
		.kind = kind_names[in->kind],
		.at = in->at,
		.location_id = in->location_id,
		.temperature_c = in->temperature_c,
		.humidity_pct = in->humidity_pct,
		.result = in->result < 0 ? NULL : result_names[in->result],
		.notes = in->notes,
		.recorded_at = ctx->now,
	};
	struct lot_state lot;

	if (!(kinds[in->kind].roles & ROLE_BIT(ctx->session.role)))
		return -ERR_KIND_FORBIDDEN; /* whatever the lot, were it none at all */
	TRY(check_result(ctx, in));
	TRY(answer_id(ctx, 0, &event.lot_id));
	write_begin(ctx);
	store_lot_lock_send(ctx->db, event.lot_id, event.organization_id);
	if (!uuid_is_nil(in->location_id))
		store_location_owned_send(ctx->db, in->location_id, event.organization_id);
	TRY(write_check(ctx));
	TRY(store_lot_lock_take(ctx->db, &lot));
	TRY(check_right(ctx, &lot));
	TRY(take_location(ctx, in));
	TRY(move_status(in, &lot));
	TRY(event_link(ctx, &event, &lot));
	store_event_insert_send(ctx->db, &event);
	store_lot_advance_send(ctx->db, event.lot_id, &lot);
	ctx->writer.object_id = event.id;
	ctx->writer.after_is_elsewhere = true;
	answer_body(ctx, &event);
	return write_commit(ctx, 2, response_created(ctx->resp, "/v1/lots/%s/events", ctx->params[0]));
}

int event_list(struct ctx *ctx)
{
	const struct page_query *in = ctx->input;
	struct event *list;
	struct uuid lot_id;
	int64_t after;
	int count;

	TRY(answer_id(ctx, 0, &lot_id));
	TRY(list_position(in, &after));
	TRY(store_event_list(ctx->db, ctx->arena, lot_id, policy_viewer(&ctx->session), after, (int)in->limit,
		&list, &count));
	return list_answer_events(ctx, (int)in->limit, list, count);
}

int lot_verify(struct ctx *ctx)
{
	struct chain_break first;
	struct history history;
	struct uuid lot_id;

	TRY(answer_id(ctx, 0, &lot_id));
	TRY(store_history(ctx->db, ctx->arena, lot_id, policy_viewer(&ctx->session), &history));
	bool valid = chain_verify(ctx->arena, &history, &first);
	const struct proof proof = { valid, history.count, valid ? NULL : &first };
	return answer_one(ctx, &proof);
}
