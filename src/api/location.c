/* Places of an organization. */
#include "store/location.h"

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
	FIELD(struct location_fields, name, TEXT, REQUIRED, .doc = "what people call it"),
	FIELD(struct location_fields, kind, TEXT, REQUIRED, .max = 40, .check = code_word,
		.doc = "FARM, PACKHOUSE, PORT, …"),
	/* WGS 84 degrees; seven decimals are a centimetre. */
	FIELD(struct location_fields, latitude, DECIMAL, OPTIONAL, .digits = 2, .scale = 7, .low = "-90",
		.high = "90"),
	FIELD(struct location_fields, longitude, DECIMAL, OPTIONAL, .digits = 3, .scale = 7, .low = "-180",
		.high = "180"),
	FIELD(struct location_fields, country, TEXT, OPTIONAL, .check = code_country,
		.doc = "ISO 3166-1 alpha-2"),
	FIELD(struct location_fields, region, TEXT, OPTIONAL, .doc = "state or province"),
	FIELD(struct location_fields, gln, TEXT, OPTIONAL, .check = gs1_gln,
		.doc = "GS1 Global Location Number"),
	END_OF_FIELDS,
};
const struct input location_input = { fields, sizeof(struct location_fields), false };

static void location_write(struct json_writer *w, const struct location *l)
{
	json_open(w, '{');
	json_put_uuid(w, "id", l->id);
	json_put_string(w, "name", l->name);
	json_put_string(w, "kind", l->kind);
	json_put_string(w, "latitude", l->latitude);
	json_put_string(w, "longitude", l->longitude);
	json_put_string(w, "country", l->country);
	json_put_string(w, "region", l->region);
	json_put_string(w, "gln", l->gln);
	json_put_uuid(w, "organization_id", l->organization_id);
	json_put_integer(w, "version", l->version);
	json_put_time(w, "created_at", l->created_at);
	json_close(w, '}');
}

int location_create(struct ctx *ctx)
{
	const struct location_fields *in = ctx->input;
	const struct location location = {
		.id = random_uuid(),
		.organization_id = ctx->session.organization_id,
		.name = in->name,
		.kind = in->kind,
		.latitude = in->latitude,
		.longitude = in->longitude,
		.country = in->country,
		.region = in->region,
		.gln = in->gln,
		.version = 1,
		.created_at = ctx->now,
	};
	struct json_writer w;

	write_begin(ctx);
	TRY(write_check(ctx));
	store_location_insert_send(ctx->db, &location);
	json_begin(&w, &ctx->resp->body);
	location_write(&w, &location);
	return write_created(ctx, 1, "/v1/locations/", location.id);
}

int location_list(struct ctx *ctx)
{
	struct location *list;
	struct json_writer w;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_location_list(ctx->db, ctx->arena, policy_viewer(&ctx->session), page, &list, &count));
	int shown = MIN(count, page.limit);
	list_begin(ctx, &w);
	for (int i = 0; i < shown; i++)
		location_write(&w, &list[i]);
	return list_end(ctx, &w, count > shown, shown ? list[shown - 1].id : page.after);
}
