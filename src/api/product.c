/* What an organization grows or packs. */
#include "store/product.h"

#include "api/handlers.h"
#include "api/list.h"
#include "api/policy.h"
#include "api/write.h"
#include "crypto/random.h"
#include "http/gs1.h"

struct product_fields {
	const char *name, *commodity, *variety, *gtin;
};

static const struct field fields[] = {
	FIELD(struct product_fields, name, TEXT, REQUIRED, .doc = "as it is sold"),
	FIELD(struct product_fields, commodity, TEXT, REQUIRED, .max = 80, .doc = "avocado, blueberry, …"),
	FIELD(struct product_fields, variety, TEXT, OPTIONAL, .max = 80, .doc = "Hass, Biloxi, …"),
	FIELD(struct product_fields, gtin, TEXT, OPTIONAL, .check = gs1_gtin,
		.doc = "GTIN-8, -12, -13 or -14"),
	END_OF_FIELDS,
};
const struct input product_input = { fields, sizeof(struct product_fields), false };

static void product_write(struct json_writer *w, const struct product *p)
{
	json_open(w, '{');
	json_put_uuid(w, "id", p->id);
	json_put_string(w, "name", p->name);
	json_put_string(w, "commodity", p->commodity);
	json_put_string(w, "variety", p->variety);
	json_put_string(w, "gtin", p->gtin);
	json_put_uuid(w, "organization_id", p->organization_id);
	json_put_integer(w, "version", p->version);
	json_put_time(w, "created_at", p->created_at);
	json_close(w, '}');
}

int product_create(struct ctx *ctx)
{
	const struct product_fields *in = ctx->input;
	struct product product = {
		.id = random_uuid(),
		.organization_id = ctx->session.organization_id,
		.name = in->name,
		.commodity = in->commodity,
		.variety = in->variety,
		.version = 1,
		.created_at = ctx->now,
	};
	char gtin[GTIN14_SIZE];
	struct json_writer w;

	if (in->gtin) {
		gs1_gtin14(in->gtin, gtin);
		product.gtin = gtin;
	}
	write_begin(ctx);
	TRY(write_check(ctx));
	store_product_insert_send(ctx->db, &product);
	json_begin(&w, &ctx->resp->body);
	product_write(&w, &product);
	return write_created(ctx, 1, "/v1/products/", product.id);
}

int product_list(struct ctx *ctx)
{
	struct product *list;
	struct json_writer w;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_product_list(ctx->db, ctx->arena, policy_viewer(&ctx->session), page, &list, &count));
	int shown = MIN(count, page.limit);
	list_begin(ctx, &w);
	for (int i = 0; i < shown; i++)
		product_write(&w, &list[i]);
	return list_end(ctx, &w, count > shown, shown ? list[shown - 1].id : page.after);
}
