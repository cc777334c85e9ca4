/* The OpenAPI document: whole, true to the tables it is made of, and its examples are taken by what they are examples of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/openapi.h"
#include "api/policy.h"
#include "api/routes.h"
#include "expect.h"
#include "http/cors.h"
#include "schema.h"
#include "world.h"

#define each_public_route(r)                                                                                 \
	for (const struct route *r = routes; r < routes + route_count; r++)                                  \
		if (!r->ops)

static const struct reply *ask(void)
{
	return CALL(.path = "/v1/openapi.json");
}

static const cJSON *document(void)
{
	const cJSON *doc = ask()->json;

	ck_assert_ptr_nonnull(doc);
	return doc;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member(object, name));
}

static const cJSON *operation(const cJSON *doc, const struct route *r)
{
	char method[16];

	snprintf(method, sizeof method, "%s", http_method_name(r->method));
	for (char *c = method; *c; c++)
		*c |= 0x20;
	return member(member(member(doc, "paths"), r->path), method);
}

static const cJSON *component(const cJSON *doc, const char *kind, const char *name)
{
	return member(member(member(doc, "components"), kind), name);
}

static bool lists(const cJSON *array, const char *word)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		if (strcmp(item->valuestring, word) == 0)
			return true;
	}
	return false;
}

/* --- as a file --- */

START_TEST(it_is_kept_by_its_tag_and_asked_about_again)
{
	const struct reply *first = ask();
	const char *tag = reply_header(first, "ETag");

	expect(answered(first, 200));
	expect(has_header(first, "Content-Type", "application/json"));
	expect(has_header(first, "Cache-Control", "no-cache"));
	const struct reply *again =
		CALL(.path = "/v1/openapi.json", .headers = { TEXT("If-None-Match: %s", tag) });
	expect(answered(again, 304));
	ck_assert_uint_eq(again->length, 0);
	expect(answered(CALL(.path = "/v1/openapi.json", .headers = { "If-None-Match: \"x\"" }), 200));
	expect(answered(CALL(.method = "HEAD", .path = "/v1/openapi.json"), 200));
}
END_TEST

START_TEST(it_says_what_it_is_and_where_the_service_is)
{
	const struct reply *r = ask();
	struct arena arena;
	struct buf out;

	expect(has_text(r, "/openapi", "3.1.0"));
	expect(has_text(r, "/info/version", PACKAGE_VERSION));
	expect(has_text(r, "/servers/0/url", "/"));
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	buf_init(&out, &arena, RESPONSE_MAX);
	openapi_write(&out, "https://api.example.com");
	cJSON *elsewhere = cJSON_Parse(out.data);
	const cJSON *servers = member(elsewhere, "servers");
	ck_assert_str_eq(text(cJSON_GetArrayItem(servers, 0), "url"), "https://api.example.com");
	cJSON_Delete(elsewhere);
	arena_release(&arena);
}
END_TEST

/* --- true to the route table --- */

START_TEST(every_public_route_is_in_it_once_and_nothing_else)
{
	const cJSON *doc = document(), *item;
	int told = 0, routed = 0;

	each_public_route(r)
	{
		ck_assert_msg(operation(doc, r), "%s %s", http_method_name(r->method), r->path);
		routed++;
	}
	cJSON_ArrayForEach(item, member(doc, "paths")) told += cJSON_GetArraySize(item);
	ck_assert_int_eq(told, routed);
}
END_TEST

START_TEST(every_operation_has_a_name_of_its_own_a_summary_a_description_and_a_group)
{
	const cJSON *doc = document(), *tag;

	each_public_route(r)
	{
		const cJSON *o = operation(doc, r);
		const char *group = cJSON_GetArrayItem(member(o, "tags"), 0)->valuestring;
		bool known = false;
		ck_assert_str_eq(text(o, "operationId"), r->name);
		ck_assert_msg(*text(o, "summary") && *text(o, "description"), "%s", r->name);
		cJSON_ArrayForEach(tag, member(doc, "tags")) known |= strcmp(text(tag, "name"), group) == 0;
		ck_assert_msg(known, "%s is in no group", r->name);
		each_public_route(other)
			ck_assert_msg(other == r || strcmp(other->name, r->name) != 0, "%s twice", r->name);
	}
}
END_TEST

START_TEST(it_names_who_may_call)
{
	const cJSON *doc = document();

	each_public_route(r)
	{
		const cJSON *o = operation(doc, r), *roles = member(o, "x-roles");
		bool anyone = r->policy & ANYONE;
		ck_assert_msg(!member(o, "security") == !anyone, "%s", r->name);
		ck_assert_msg(
			cJSON_IsTrue(member(o, "x-approved")) == !!(r->policy & APPROVED), "%s", r->name);
		for (int role = 0; role < ROLE_COUNT; role++)
			ck_assert_msg(lists(roles, role_names[role]) == !!(r->policy & ROLE_BIT(role)),
				"%s %s", r->name, role_names[role]);
	}
}
END_TEST

/* --- true to err.def --- */

START_TEST(every_code_a_client_may_see_is_in_it_with_its_texts)
{
	static const char *const kinds[] = { "ProblemCode", "FaultCode" };
	const cJSON *doc = document(), *row;
	int told = 0, coded = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const cJSON *schema = component(doc, "schemas", kinds[i]);
		cJSON_ArrayForEach(row, member(schema, "x-codes"))
		{
			ck_assert_msg(
				lists(member(schema, "enum"), text(row, "code")), "%s", text(row, "code"));
			ck_assert_msg(*text(row, "en") && *text(row, "es"), "%s", text(row, "code"));
			told++;
		}
		ck_assert_int_eq(cJSON_GetArraySize(member(schema, "enum")),
			cJSON_GetArraySize(member(schema, "x-codes")));
	}
	for (int e = ERR_NONE + 1; e < ERR_COUNT; e++)
		coded += err_info(e)->status != 0;
	ck_assert_int_eq(told, coded);
}
END_TEST

/* --- whole --- */

static void check_refs(const cJSON *doc, const cJSON *node)
{
	const cJSON *child;

	if (node->string && strcmp(node->string, "$ref") == 0)
		ck_assert_msg(schema_resolve(doc, node->valuestring), "%s leads nowhere", node->valuestring);
	cJSON_ArrayForEach(child, node) check_refs(doc, child);
}

START_TEST(every_reference_leads_somewhere)
{
	const cJSON *doc = document();

	check_refs(doc, doc);
	ck_assert_ptr_null(schema_resolve(doc, "#/components/schemas/Nothing"));
}
END_TEST

static void is_referred_to(const char *whole, const char *kind, const cJSON *parts)
{
	const cJSON *part;

	cJSON_ArrayForEach(part, parts)
		ck_assert_msg(strstr(whole, TEXT("\"#/components/%s/%s\"", kind, part->string)),
			"nothing refers to %s %s", kind, part->string);
}

START_TEST(every_component_is_referred_to)
{
	const struct reply *r = ask();
	const cJSON *kind;

	cJSON_ArrayForEach(kind, reply_at(r, "/components"))
	{
		if (strcmp(kind->string, "securitySchemes") != 0)
			is_referred_to(r->body, kind->string, kind);
	}
}
END_TEST

/* --- examples --- */

static void check_example(const cJSON *doc, const char *whose, const cJSON *schema, const cJSON *example)
{
	const char *fault = schema_fault(doc, schema, example);

	ck_assert_msg(!fault, "an example of %s: %s", whose, fault);
}

/* Those of a media type, a parameter or a header. */
static void check_examples(const cJSON *doc, const char *whose, const cJSON *holder)
{
	const cJSON *schema = member(holder, "schema"), *example;

	if (member(holder, "example"))
		check_example(doc, whose, schema, member(holder, "example"));
	cJSON_ArrayForEach(example, member(holder, "examples"))
		check_example(doc, whose, schema, member(schema_target(doc, example), "value"));
}

static void check_contents(const cJSON *doc, const char *whose, const cJSON *holder)
{
	const cJSON *media;

	cJSON_ArrayForEach(media, member(holder, "content")) check_examples(doc, whose, media);
}

START_TEST(every_example_is_as_its_schema_says)
{
	const cJSON *doc = document(), *node;

	each_public_route(r)
	{
		const cJSON *o = operation(doc, r);
		check_contents(doc, r->name, member(o, "requestBody"));
		cJSON_ArrayForEach(node, member(o, "parameters"))
			check_examples(doc, r->name, schema_target(doc, node));
		cJSON_ArrayForEach(node, member(o, "responses"))
			check_contents(doc, r->name, schema_target(doc, node));
	}
	cJSON_ArrayForEach(node, member(member(doc, "components"), "headers"))
		check_examples(doc, node->string, node);
}
END_TEST

START_TEST(every_property_has_an_example_that_is_as_it_says)
{
	const cJSON *doc = document(), *schema, *property, *example;

	cJSON_ArrayForEach(schema, member(member(doc, "components"), "schemas"))
	{
		cJSON_ArrayForEach(property, member(schema, "properties"))
		{
			cJSON_ArrayForEach(example, member(property, "examples"))
				check_example(doc, property->string, property, example);
		}
	}
}
END_TEST

/* The reader of requests itself takes them, further rules and all. */
START_TEST(what_it_shows_as_a_request_is_taken)
{
	const cJSON *doc = document();
	struct arena arena;
	char body[4096];

	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	each_public_route(r)
	{
		const cJSON *content = member(member(operation(doc, r), "requestBody"), "content");
		const cJSON *example = member(member(content, "application/json"), "example");
		struct faults faults = { .count = 0 };
		void *input;
		if (!r->input || r->input->in_query)
			continue;
		ck_assert(cJSON_PrintPreallocated((cJSON *)example, body, sizeof body, false));
		const struct request req = {
			.content_type = "application/json", .body = body, .body_length = strlen(body)
		};
		ck_assert_msg(fields_read(&req, r->input, &arena, &faults, &input) == 0, "%s: %s: %s",
			r->name, faults.count ? faults.at[0].pointer : "",
			err_info((int)faults.at[0].err)->code);
	}
	cJSON_InitHooks(NULL); /* the reader's trees are of its arena; the document here is not */
	arena_release(&arena);
}
END_TEST

/* --- rules --- */

START_TEST(every_check_of_a_text_is_told)
{
	const cJSON *doc = document();
	struct arena arena;

	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	each_public_route(r)
	{
		if (!r->input || r->input->in_query)
			continue;
		const cJSON *schema = component(doc, "schemas", openapi_input_name(&arena, r));
		for (const struct field *f = r->input->fields; f->name; f++) {
			const cJSON *property = member(member(schema, "properties"), f->name);
			ck_assert_msg(!f->check || f->password || member(property, "pattern") ||
					      member(property, "enum"),
				"%s %s: openapi_schema.c does not know its check", r->name, f->name);
			ck_assert_msg(lists(member(schema, "required"), f->name) ==
					      (f->required && !r->input->partial),
				"%s %s", r->name, f->name);
		}
		ck_assert(cJSON_IsFalse(member(schema, "additionalProperties")));
	}
	arena_release(&arena);
}
END_TEST

START_TEST(a_write_says_how_to_repeat_it_and_for_which_version_it_is)
{
	static const char key[] = "#/components/parameters/IdempotencyKey";
	static const char match[] = "#/components/parameters/IfMatch";
	const cJSON *doc = document(), *node;

	each_public_route(r)
	{
		bool has_key = false, has_match = false;
		cJSON_ArrayForEach(node, member(operation(doc, r), "parameters"))
		{
			const char *ref = text(node, "$ref");
			has_key |= ref && strcmp(ref, key) == 0;
			has_match |= ref && strcmp(ref, match) == 0;
		}
		ck_assert_msg(has_key == (r->output.status == 201), "%s", r->name);
		ck_assert_msg(has_match == (r->method == HTTP_PATCH), "%s", r->name);
	}
}
END_TEST

/* --- browsers --- */

/* Whether "A, B, C" names it. */
static bool names(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; (at = strcasestr(at, name)); at += n)
		if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ','))
			return true;
	return false;
}

START_TEST(a_page_of_another_site_may_send_and_read_what_it_names)
{
	/* Every page may read the first; the others are for no program. */
	static const char apart[] = "Cache-Control, Retry-After-In-Progress, WWW-Authenticate";
	const cJSON *components = member(document(), "components"), *part;

	cJSON_ArrayForEach(part, member(components, "parameters"))
	{
		if (strcmp(text(part, "in"), "header") == 0)
			ck_assert_msg(names(CORS_SENT, text(part, "name")), "%s", text(part, "name"));
	}
	cJSON_ArrayForEach(part, member(components, "headers")) ck_assert_msg(
		names(CORS_READ, part->string) || names(apart, part->string), "%s", part->string);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_is_kept_by_its_tag_and_asked_about_again,
		it_says_what_it_is_and_where_the_service_is,
		every_public_route_is_in_it_once_and_nothing_else,
		every_operation_has_a_name_of_its_own_a_summary_a_description_and_a_group,
		it_names_who_may_call,
		every_code_a_client_may_see_is_in_it_with_its_texts,
		every_reference_leads_somewhere,
		every_component_is_referred_to,
		every_example_is_as_its_schema_says,
		every_property_has_an_example_that_is_as_it_says,
		what_it_shows_as_a_request_is_taken,
		every_check_of_a_text_is_told,
		a_write_says_how_to_repeat_it_and_for_which_version_it_is,
		a_page_of_another_site_may_send_and_read_what_it_names,
	};

	return world_run("openapi", tests, ARRAY_SIZE(tests));
}
