/* The audit log, for administrators. */
#include "store/audit.h"

#include "api/answer.h"
#include "api/handlers.h"
#include "api/list.h"

struct audit_query {
	struct page_query page;
	struct uuid user_id, object_id;
	int64_t from, to;
};

static const struct field query_fields[] = {
	PAGE_FIELDS(struct audit_query),
	FIELD(struct audit_query, user_id, UUID, OPTIONAL, .doc = "who wrote"),
	FIELD(struct audit_query, object_id, UUID, OPTIONAL, .doc = "what was written"),
	FIELD(struct audit_query, from, TIME, OPTIONAL, .doc = "not before"),
	FIELD(struct audit_query, to, TIME, OPTIONAL, .doc = "before"),
	END_OF_FIELDS,
};
const struct input audit_list_input = {
	.fields = query_fields, .size = sizeof(struct audit_query), .in_query = true
};

static const struct member members[] = {
	MEMBER(struct audit, id, UUID, ALWAYS),
	MEMBER(struct audit, at, TIME, ALWAYS),
	MEMBER(struct audit, user_id, UUID, ALWAYS),
	MEMBER(struct audit, organization_id, UUID, NULLABLE, .doc = "the user's"),
	MEMBER(struct audit, request_id, TEXT, ALWAYS, .doc = "X-Request-Id of the answer",
		.example = "4f1c0d9e2b7a48e6"),
	MEMBER(struct audit, action, TEXT, ALWAYS, .doc = "method and route",
		.example = "PATCH /v1/lots/{id}"),
	MEMBER(struct audit, object_id, UUID, NULLABLE, .doc = "what was written; the lot of a grant"),
	MEMBER(struct audit, before, JSON, NULLABLE, .doc = "null for what is new"),
	MEMBER(struct audit, after, JSON, NULLABLE,
		.doc = "null for what is gone, and for an event, which stays as it is"),
	MEMBER(struct audit, reason, TEXT, NULLABLE, .example = "residue found in a sample"),
	END_OF_MEMBERS,
};
const struct shape audit_shape = { "AuditEntry", members, sizeof(struct audit) };

int audit_list(struct ctx *ctx)
{
	const struct audit_query *in = ctx->input;
	const struct audit_filter filter = {
		.user_id = in->user_id,
		.object_id = in->object_id,
		.from = in->from,
		.to = in->to,
	};
	struct audit *list;
	struct page page;
	int count;

	TRY(list_page(&in->page, &page));
	TRY(store_audit_list(ctx->db, ctx->arena, &filter, page, &list, &count));
	return list_answer(ctx, page, list, count);
}
