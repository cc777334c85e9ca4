/* Grants: whom the owner of a lot lets see it, and whom record on it. */
#include "store/grant.h"

#include "api/answer.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/policy.h"
#include "api/write.h"
#include "store/lot.h"

static const char *const accesses[] = { "read", "record", NULL };

struct grant_fields {
	int access;
};

static const struct field fields[] = {
	FIELD(struct grant_fields, access, CHOICE, REQUIRED, .choices = accesses,
		.doc = "record: also add the events of one's role", .example = "record"),
	END_OF_FIELDS,
};
const struct input grant_input = { .fields = fields, .size = sizeof(struct grant_fields) };

static const struct member members[] = {
	MEMBER(struct grant, organization_id, UUID, ALWAYS),
	MEMBER(struct grant, access, TEXT, ALWAYS, .choices = accesses, .example = "record"),
	MEMBER(struct grant, created_at, TIME, ALWAYS),
	END_OF_MEMBERS,
};
const struct shape grant_shape = { "Grant", members, sizeof(struct grant) };

/* One of one's own lots, and an organization, as the path names them. */
struct pair {
	struct uuid lot_id, organization_id;
};

/* The first round trip: the lot locked, then what is granted of it; *ret_grant has no access where nothing is. */
static int pair_lock(struct ctx *ctx, struct pair *ret_pair, struct grant *ret_grant)
{
	struct grant grant = { .access = NULL };
	struct pair pair;
	struct lot lot;

	TRY(answer_id(ctx, 0, &pair.lot_id));
	TRY(answer_id(ctx, 1, &pair.organization_id));
	write_begin(ctx);
	store_lot_own_lock_send(ctx->db, pair.lot_id, policy_viewer(&ctx->session));
	store_grant_get_send(ctx->db, pair.lot_id, pair.organization_id);
	TRY(write_check(ctx));
	TRY(store_lot_own_lock_take(ctx->db, &lot));
	int err = store_grant_get_take(ctx->db, &grant);
	if (err && err != -ERR_NOT_FOUND)
		return err;
	ctx->writer.object_id = pair.lot_id;
	if (grant.access)
		ctx->writer.before = answer_text_as(ctx, &grant_shape, &grant);
	*ret_pair = pair;
	*ret_grant = grant;
	return 0;
}

int grant_put(struct ctx *ctx)
{
	const struct grant_fields *in = ctx->input;
	struct grant grant;
	struct pair pair;

	TRY(pair_lock(ctx, &pair, &grant));
	if (uuid_equal(pair.organization_id, ctx->session.organization_id)) {
		faults_add(&ctx->faults, ctx->arena, ERR_NOT_ALLOWED_HERE, "%s", "");
		return -ERR_INVALID;
	}
	if (!grant.access)
		grant = (struct grant){ .organization_id = pair.organization_id, .created_at = ctx->now };
	grant.access = accesses[in->access];
	store_grant_put_send(ctx->db, pair.lot_id, &grant);
	answer_body(ctx, &grant);
	return write_commit(ctx, 1, response_json(ctx->resp, 200));
}

int grant_delete(struct ctx *ctx)
{
	struct grant grant;
	struct pair pair;

	TRY(pair_lock(ctx, &pair, &grant));
	if (!grant.access)
		return -ERR_NOT_FOUND;
	store_grant_delete_send(ctx->db, pair.lot_id, pair.organization_id);
	return write_commit(ctx, 1, response_no_content(ctx->resp));
}

int grant_list(struct ctx *ctx)
{
	struct grant *list;
	struct uuid lot_id;
	struct page page;
	int count;

	TRY(answer_id(ctx, 0, &lot_id));
	TRY(list_page(ctx->input, &page));
	TRY(store_grant_list(ctx->db, ctx->arena, lot_id, policy_viewer(&ctx->session), page, &list, &count));
	return list_answer(ctx, page, list, count);
}
