/* Places of an organization. */
#include "store/location.h"

#include "api/answer.h"
#include "api/codes.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/policy.h"
#include "api/write.h"
#include "crypto/random.h"
#include "http/gs1.h"

struct location_fields {
	const char *name, *kind, *latitude, *longitude, *country, *region, *gln;
};

static const struct field fields[] = {
	FIELD(struct location_fields, name, TEXT, REQUIRED, .doc = "what people call it",
		.example = "Huerta Las Palmas"),
	FIELD(struct location_fields, kind, TEXT, REQUIRED, .max = 40, .check = code_word,
		.doc = "FARM, PACKHOUSE, PORT, …", .example = "FARM"),
	/* WGS 84 degrees; seven decimals are a centimetre. */
	FIELD(struct location_fields, latitude, DECIMAL, OPTIONAL, .digits = 2, .scale = 7, .low = "-90",
		.high = "90", .doc = "degrees, WGS 84", .example = "19.4207"),
	FIELD(struct location_fields, longitude, DECIMAL, OPTIONAL, .digits = 3, .scale = 7, .low = "-180",
		.high = "180", .doc = "degrees, WGS 84", .example = "-102.0631"),
	FIELD(struct location_fields, country, TEXT, OPTIONAL, .check = code_country,
		.doc = "ISO 3166-1 alpha-2", .example = "MX"),
	FIELD(struct location_fields, region, TEXT, OPTIONAL, .doc = "state or province",
		.example = "Michoacán"),
	FIELD(struct location_fields, gln, TEXT, OPTIONAL, .check = gs1_gln,
		.doc = "GS1 Global Location Number", .example = "7501234000017"),
	END_OF_FIELDS,
};
const struct input location_input = { .fields = fields, .size = sizeof(struct location_fields) };
const struct input location_patch = {
	.fields = fields, .size = sizeof(struct location_fields), .partial = true
};

static const struct member members[] = {
	MEMBER(struct location, id, UUID, ALWAYS),
	MEMBER(struct location, name, TEXT, ALWAYS, .example = "Huerta Las Palmas"),
	MEMBER(struct location, kind, TEXT, ALWAYS, .example = "FARM"),
	MEMBER(struct location, latitude, DECIMAL, NULLABLE, .example = "19.4207"),
	MEMBER(struct location, longitude, DECIMAL, NULLABLE, .example = "-102.0631"),
	MEMBER(struct location, country, TEXT, NULLABLE, .example = "MX"),
	MEMBER(struct location, region, TEXT, NULLABLE, .example = "Michoacán"),
	MEMBER(struct location, gln, TEXT, NULLABLE, .example = "7501234000017"),
	MEMBER(struct location, organization_id, UUID, ALWAYS),
	MEMBER(struct location, version, INTEGER, ALWAYS, .example = "1"),
	MEMBER(struct location, created_at, TIME, ALWAYS),
	END_OF_MEMBERS,
};
const struct shape location_shape = { "Location", members, sizeof(struct location) };

/* What is given replaces what was. */
static void take_fields(const struct location_fields *in, struct location *location)
{
	location->name = in->name ? in->name : location->name;
	location->kind = in->kind ? in->kind : location->kind;
	location->latitude = in->latitude ? in->latitude : location->latitude;
	location->longitude = in->longitude ? in->longitude : location->longitude;
	location->country = in->country ? in->country : location->country;
	location->region = in->region ? in->region : location->region;
	location->gln = in->gln ? in->gln : location->gln;
}

int location_create(struct ctx *ctx)
{
	struct location location = {
		.id = random_uuid(),
		.organization_id = ctx->session.organization_id,
		.version = 1,
		.created_at = ctx->now,
	};

	take_fields(ctx->input, &location);
	write_begin(ctx);
	TRY(write_check(ctx));
	store_location_insert_send(ctx->db, &location);
	return write_created(ctx, 1, &location, "/v1/locations/", location.id);
}

int location_show(struct ctx *ctx)
{
	struct location location;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	TRY(store_location_get(ctx->db, id, policy_viewer(&ctx->session), &location));
	return answer_version(ctx, &location, location.version);
}

int location_update(struct ctx *ctx)
{
	struct location location;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	write_begin(ctx);
	store_location_lock_send(ctx->db, id, ctx->session.organization_id);
	TRY(write_check(ctx));
	TRY(store_location_lock_take(ctx->db, &location));
	TRY(write_match(ctx, location.version));
	ctx->writer.before = answer_text(ctx, &location);
	take_fields(ctx->input, &location);
	location.version++;
	store_location_update_send(ctx->db, &location);
	return write_updated(ctx, 1, &location, id, location.version);
}

int location_list(struct ctx *ctx)
{
	struct location *list;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_location_list(ctx->db, ctx->arena, policy_viewer(&ctx->session), page, &list, &count));
	return list_answer(ctx, page, list, count);
}
