/* Lots: what was harvested, how much of it, and where it stands. */
#include "store/lot.h"

#include <string.h>

#include "api/answer.h"
#include "api/chain.h"
#include "api/codes.h"
#include "api/handlers.h"
#include "api/kinds.h"
#include "api/list.h"
#include "api/policy.h"
#include "api/write.h"
#include "crypto/random.h"
#include "http/gs1.h"
#include "store/location.h"
#include "store/product.h"

enum { REASON_MAX = 500 };

struct lot_fields {
	struct uuid product_id, origin_id;
	const char *code, *quantity, *uom;
	int32_t harvested_on;
};

static const struct field fields[] = {
	FIELD(struct lot_fields, product_id, UUID, REQUIRED, .doc = "one of one's own products"),
	/* GS1 General Specifications, AI (10): 20 characters of set 82. */
	FIELD(struct lot_fields, code, TEXT, REQUIRED, .max = 20, .check = gs1_lot_code,
		.doc = "batch or lot number, GS1 AI (10)", .example = "L-2026-1187"),
	FIELD(struct lot_fields, quantity, DECIMAL, REQUIRED, .digits = 11, .scale = 3, .positive = true,
		.example = "1250.500"),
	FIELD(struct lot_fields, uom, TEXT, REQUIRED, .check = code_uom, .doc = "UN/ECE Rec 20 code",
		.example = "KGM"),
	FIELD(struct lot_fields, harvested_on, DATE, OPTIONAL, .not_future = true),
	FIELD(struct lot_fields, origin_id, UUID, OPTIONAL, .doc = "location it was grown at"),
	END_OF_FIELDS,
};
const struct input lot_input = { .fields = fields, .size = sizeof(struct lot_fields) };

struct lot_query {
	struct page_query page;
	int status;
	struct uuid product_id;
	const char *code;
	int32_t harvested_from, harvested_to;
};

static const struct field query_fields[] = {
	PAGE_FIELDS(struct lot_query),
	FIELD(struct lot_query, status, CHOICE, OPTIONAL, .choices = lot_statuses),
	FIELD(struct lot_query, product_id, UUID, OPTIONAL),
	FIELD(struct lot_query, code, TEXT, OPTIONAL, .max = 20),
	FIELD(struct lot_query, harvested_from, DATE, OPTIONAL),
	FIELD(struct lot_query, harvested_to, DATE, OPTIONAL),
	END_OF_FIELDS,
};
const struct input lot_list_input = {
	.fields = query_fields, .size = sizeof(struct lot_query), .in_query = true
};

/* What an administrator may set, beside what events do. */
enum lot_order { LOT_HOLD, LOT_RELEASE, LOT_RECALL };
static const char *const lot_orders[] = { "ON_HOLD", "REGISTERED", "RECALLED", NULL };

struct lot_change {
	int status;
	const char *reason;
};

static const struct field change_fields[] = {
	FIELD(struct lot_change, status, CHOICE, REQUIRED, .choices = lot_orders,
		.doc = "REGISTERED releases a lot that is held or recalled", .example = "ON_HOLD"),
	FIELD(struct lot_change, reason, TEXT, OPTIONAL, .max = REASON_MAX, .multiline = true,
		.doc = "kept in the audit log", .example = "residue found in a sample"),
	END_OF_FIELDS,
};
const struct input lot_patch = { .fields = change_fields, .size = sizeof(struct lot_change) };

static const struct field page_fields[] = { PAGE_FIELDS(struct lot_query), END_OF_FIELDS };
const struct input page_input = { .fields = page_fields, .size = sizeof(struct lot_query), .in_query = true };

static const struct member members[] = {
	MEMBER(struct lot, id, UUID, ALWAYS),
	MEMBER(struct lot, public_code, TEXT, ALWAYS, .doc = "what the QR code says: /t/{public_code}",
		.example = "4fXk29ZQpa"),
	MEMBER(struct lot, code, TEXT, ALWAYS, .example = "L-2026-1187"),
	MEMBER(struct lot, product_id, UUID, ALWAYS),
	MEMBER(struct lot, origin_id, UUID, NULLABLE),
	MEMBER(struct lot, organization_id, UUID, ALWAYS),
	MEMBER(struct lot, quantity, DECIMAL, ALWAYS, .example = "1250.500"),
	MEMBER(struct lot, uom, TEXT, ALWAYS, .example = "KGM"),
	MEMBER(struct lot, harvested_on, DATE, NULLABLE),
	MEMBER(struct lot, status, TEXT, ALWAYS, .choices = lot_statuses, .example = "REGISTERED"),
	MEMBER(struct lot, version, INTEGER, ALWAYS, .example = "1"),
	MEMBER(struct lot, created_at, TIME, ALWAYS),
	END_OF_MEMBERS,
};
const struct shape lot_shape = { "Lot", members, sizeof(struct lot) };

/* The product, and the origin if one is named, must be the organization's own. */
static int take_owned(struct ctx *ctx, const struct lot_fields *in)
{
	bool has_product, has_origin = true;

	TRY(store_owned_take(ctx->db, &has_product));
	if (!uuid_is_nil(in->origin_id))
		TRY(store_owned_take(ctx->db, &has_origin));
	if (!has_product)
		faults_add(&ctx->faults, ctx->arena, ERR_UNKNOWN_PRODUCT, "/product_id");
	if (!has_origin)
		faults_add(&ctx->faults, ctx->arena, ERR_UNKNOWN_LOCATION, "/origin_id");
	return ctx->faults.count ? -ERR_INVALID : 0;
}

int lot_create(struct ctx *ctx)
{
	const struct lot_fields *in = ctx->input;
	char public_code[PUBLIC_CODE_LENGTH + 1];
	struct lot lot = {
		.id = random_uuid(),
		.organization_id = ctx->session.organization_id,
		.product_id = in->product_id,
		.origin_id = in->origin_id,
		.public_code = public_code,
		.code = in->code,
		.quantity = in->quantity,
		.uom = in->uom,
		.harvested_on = in->harvested_on,
		.status = "REGISTERED",
		.version = 1,
		.created_at = ctx->now,
	};

	random_base62(public_code, PUBLIC_CODE_LENGTH);
	chain_start(lot.id, lot.chain_head);
	write_begin(ctx);
	store_product_owned_send(ctx->db, in->product_id, lot.organization_id);
	if (!uuid_is_nil(in->origin_id))
		store_location_owned_send(ctx->db, in->origin_id, lot.organization_id);
	TRY(write_check(ctx));
	TRY(take_owned(ctx, in));
	store_lot_insert_send(ctx->db, &lot);
	return write_created(ctx, 1, &lot, "/v1/lots/", lot.id);
}

int lot_show(struct ctx *ctx)
{
	struct uuid id;
	struct lot lot;

	TRY(answer_id(ctx, 0, &id));
	TRY(store_lot_get(ctx->db, id, policy_viewer(&ctx->session), &lot));
	return answer_version(ctx, &lot, lot.version);
}

/* Whatever is under way can be held or recalled; only what is neither cannot be released, for its status is its events'. */
static int apply_order(const struct lot_change *in, struct lot *lot)
{
	bool stopped = strcmp(lot->status, lot_orders[LOT_HOLD]) == 0 ||
		       strcmp(lot->status, lot_orders[LOT_RECALL]) == 0;

	if (in->status == LOT_RELEASE && !stopped && strcmp(lot->status, lot_orders[LOT_RELEASE]) != 0)
		return -ERR_LOT_NOT_HELD;
	lot->status = lot_orders[in->status];
	return 0;
}

int lot_update(struct ctx *ctx)
{
	const struct lot_change *in = ctx->input;
	struct uuid id;
	struct lot lot;

	TRY(answer_id(ctx, 0, &id));
	write_begin(ctx);
	store_lot_own_lock_send(ctx->db, id, policy_viewer(&ctx->session));
	TRY(write_check(ctx));
	TRY(store_lot_own_lock_take(ctx->db, &lot));
	TRY(write_match(ctx, lot.version));
	ctx->writer.before = answer_text(ctx, &lot);
	ctx->writer.reason = in->reason;
	TRY(apply_order(in, &lot));
	lot.version++;
	store_lot_set_status_send(ctx->db, &lot);
	return write_updated(ctx, 1, &lot, id, lot.version);
}

int lot_list(struct ctx *ctx)
{
	const struct lot_query *in = ctx->input;
	const struct lot_filter filter = {
		.status = in->status < 0 ? NULL : lot_statuses[in->status],
		.code = in->code,
		.product_id = in->product_id,
		.harvested_from = in->harvested_from,
		.harvested_to = in->harvested_to,
	};
	struct lot *list;
	struct page page;
	int count;

	TRY(list_page(&in->page, &page));
	TRY(store_lot_list(ctx->db, ctx->arena, policy_viewer(&ctx->session), &filter, page, &list, &count));
	return list_answer(ctx, page, list, count);
}
