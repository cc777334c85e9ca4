/* Organizations, for administrators: registering one, and letting it write. */
#include "store/organization.h"

#include "api/answer.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/write.h"
#include "crypto/random.h"
#include "http/gs1.h"
#include "store/session.h"

/* What an organization does is called as the role of those who do it. */
#define organization_kinds (role_names + ROLE_ADMIN + 1)

struct organization_fields {
	int kind;
	const char *name, *tax_id, *gln;
};

static const struct field fields[] = {
	FIELD(struct organization_fields, name, TEXT, REQUIRED, .doc = "as it is registered",
		.example = "Aguacates del Sur, S.P.R. de R.L."),
	FIELD(struct organization_fields, kind, CHOICE, REQUIRED, .choices = organization_kinds,
		.doc = "what it does", .example = "PRODUCER"),
	FIELD(struct organization_fields, tax_id, TEXT, OPTIONAL, .max = 40,
		.doc = "as its country writes it; one organization's alone", .example = "ASU180412QX7"),
	FIELD(struct organization_fields, gln, TEXT, OPTIONAL, .check = gs1_gln,
		.doc = "GS1 Global Location Number; one organization's alone", .example = "7501234000017"),
	END_OF_FIELDS,
};
const struct input organization_input = { .fields = fields, .size = sizeof(struct organization_fields) };

struct organization_change {
	const char *name;
	int approved;
};

static const struct field change_fields[] = {
	FIELD(struct organization_change, name, TEXT, REQUIRED, .example = "Aguacates del Sur, S.A. de C.V."),
	FIELD(struct organization_change, approved, FLAG, OPTIONAL,
		.doc = "a producer's may write only then, and no longer than that", .example = "true"),
	END_OF_FIELDS,
};
const struct input organization_patch = {
	.fields = change_fields, .size = sizeof(struct organization_change), .partial = true
};

static const struct member members[] = {
	MEMBER(struct organization, id, UUID, ALWAYS),
	MEMBER(struct organization, name, TEXT, ALWAYS, .example = "Aguacates del Sur, S.P.R. de R.L."),
	MEMBER(struct organization, kind, TEXT, ALWAYS, .choices = organization_kinds, .example = "PRODUCER"),
	MEMBER(struct organization, tax_id, TEXT, NULLABLE, .example = "ASU180412QX7"),
	MEMBER(struct organization, gln, TEXT, NULLABLE, .example = "7501234000017"),
	MEMBER(struct organization, approved, BOOLEAN, ALWAYS),
	MEMBER(struct organization, version, INTEGER, ALWAYS, .example = "1"),
	MEMBER(struct organization, created_at, TIME, ALWAYS),
	END_OF_MEMBERS,
};
const struct shape organization_shape = { "Organization", members, sizeof(struct organization) };

int organization_create(struct ctx *ctx)
{
	const struct organization_fields *in = ctx->input;
	const struct organization organization = {
		.id = random_uuid(),
		.name = in->name,
		.kind = organization_kinds[in->kind],
		.tax_id = in->tax_id,
		.gln = in->gln,
		.version = 1,
		.created_at = ctx->now,
	};

	write_begin(ctx);
	TRY(write_check(ctx));
	store_organization_insert_send(ctx->db, &organization);
	return write_created(ctx, 1, &organization, "/v1/organizations/", organization.id);
}

int organization_show(struct ctx *ctx)
{
	struct organization organization;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	TRY(store_organization_get(ctx->db, id, &organization));
	return answer_version(ctx, &organization, organization.version);
}

/* In force at once: a write looks at the organization itself, and what a session's copy would refuse is asked again. */
int organization_update(struct ctx *ctx)
{
	const struct organization_change *in = ctx->input;
	struct organization organization;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	write_begin(ctx);
	store_organization_lock_send(ctx->db, id);
	TRY(write_check(ctx));
	TRY(store_organization_lock_take(ctx->db, &organization));
	TRY(write_match(ctx, organization.version));
	ctx->writer.before = answer_text(ctx, &organization);
	organization.name = in->name ? in->name : organization.name;
	organization.approved = in->approved >= 0 ? in->approved : organization.approved;
	organization.version++;
	store_organization_update_send(ctx->db, &organization);
	return write_updated(ctx, 1, &organization, id, organization.version);
}

int organization_list(struct ctx *ctx)
{
	struct organization *list;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_organization_list(ctx->db, ctx->arena, page, &list, &count));
	return list_answer(ctx, page, list, count);
}
