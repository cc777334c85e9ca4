/* What an organization grows or packs. */
#include "store/product.h"

#include "api/answer.h"
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
	FIELD(struct product_fields, name, TEXT, REQUIRED, .doc = "as it is sold",
		.example = "Aguacate Hass"),
	FIELD(struct product_fields, commodity, TEXT, REQUIRED, .max = 80, .doc = "avocado, blueberry, …",
		.example = "avocado"),
	FIELD(struct product_fields, variety, TEXT, OPTIONAL, .max = 80, .doc = "Hass, Biloxi, …",
		.example = "Hass"),
	FIELD(struct product_fields, gtin, TEXT, OPTIONAL, .check = gs1_gtin,
		.doc = "GTIN-8, -12, -13 or -14", .example = "7501234567893"),
	END_OF_FIELDS,
};
const struct input product_input = { .fields = fields, .size = sizeof(struct product_fields) };
const struct input product_patch = {
	.fields = fields, .size = sizeof(struct product_fields), .partial = true
};

static const struct member members[] = {
	MEMBER(struct product, id, UUID, ALWAYS),
	MEMBER(struct product, name, TEXT, ALWAYS, .example = "Aguacate Hass"),
	MEMBER(struct product, commodity, TEXT, ALWAYS, .example = "avocado"),
	MEMBER(struct product, variety, TEXT, NULLABLE, .example = "Hass"),
	MEMBER(struct product, gtin, TEXT, NULLABLE, .doc = "in its 14 digits", .example = "07501234567893"),
	MEMBER(struct product, organization_id, UUID, ALWAYS),
	MEMBER(struct product, version, INTEGER, ALWAYS, .example = "1"),
	MEMBER(struct product, created_at, TIME, ALWAYS),
	END_OF_MEMBERS,
};
const struct shape product_shape = { "Product", members, sizeof(struct product) };

/* What is given replaces what was. */
static void take_fields(struct ctx *ctx, const struct product_fields *in, struct product *product)
{
	product->name = in->name ? in->name : product->name;
	product->commodity = in->commodity ? in->commodity : product->commodity;
	product->variety = in->variety ? in->variety : product->variety;
	if (in->gtin) {
		char *gtin = arena_alloc(ctx->arena, GTIN14_SIZE);
		gs1_gtin14(in->gtin, gtin);
		product->gtin = gtin;
	}
}

int product_create(struct ctx *ctx)
{
	struct product product = {
		.id = random_uuid(),
		.organization_id = ctx->session.organization_id,
		.version = 1,
		.created_at = ctx->now,
	};

	take_fields(ctx, ctx->input, &product);
	write_begin(ctx);
	TRY(write_check(ctx));
	store_product_insert_send(ctx->db, &product);
	return write_created(ctx, 1, &product, "/v1/products/", product.id);
}

int product_show(struct ctx *ctx)
{
	struct product product;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	TRY(store_product_get(ctx->db, id, policy_viewer(&ctx->session), &product));
	return answer_version(ctx, &product, product.version);
}

int product_update(struct ctx *ctx)
{
	struct product product;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	write_begin(ctx);
	store_product_lock_send(ctx->db, id, ctx->session.organization_id);
	TRY(write_check(ctx));
	TRY(store_product_lock_take(ctx->db, &product));
	TRY(write_match(ctx, product.version));
	ctx->writer.before = answer_text(ctx, &product);
	take_fields(ctx, ctx->input, &product);
	product.version++;
	store_product_update_send(ctx->db, &product);
	return write_updated(ctx, 1, &product, id, product.version);
}

int product_list(struct ctx *ctx)
{
	struct product *list;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_product_list(ctx->db, ctx->arena, policy_viewer(&ctx->session), page, &list, &count));
	return list_answer(ctx, page, list, count);
}
