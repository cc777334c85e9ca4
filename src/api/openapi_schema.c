/* What goes in and out as JSON Schema 2020-12, with an example of each. */
#include <string.h>

#include "api/codes.h"
#include "api/openapi.h"
#include "api/routes.h"
#include "http/gs1.h"

/* What a value looks like where its row says nothing more; the example is what stands between quotes, or bare. */
struct look {
	const char *type, *format, *pattern, *example;
	bool bare;
};

static const struct look looks[] = {
	[MEMBER_TEXT] = { "string", NULL, NULL, "text", false },
	[MEMBER_DECIMAL] = { "string", NULL, "^-?[0-9]+(\\.[0-9]+)?$", "12.50", false },
	[MEMBER_INTEGER] = { "integer", "int64", NULL, "1", true },
	[MEMBER_BOOLEAN] = { "boolean", NULL, NULL, "true", true },
	[MEMBER_UUID] = { "string", "uuid", NULL, OPENAPI_UUID, false },
	[MEMBER_DATE] = { "string", "date", NULL, "2026-05-01", false },
	[MEMBER_TIME] = { "string", "date-time", NULL, "2026-05-01T13:00:00Z", false },
	[MEMBER_DIGEST] = { "string", NULL, "^[0-9a-f]{64}$",
		"9b74c9897bac770ffc029102a200c5de5b1a2d7e3f0c4486a1b2c3d4e5f60718", false },
	[MEMBER_JSON] = { "object", NULL, NULL, "{}", true },
};

/* What a field takes looks like what a member gives; a decimal is taken in more ways, see below. */
static const enum member_type field_likes[] = {
	[FIELD_TEXT] = MEMBER_TEXT,
	[FIELD_DECIMAL] = MEMBER_DECIMAL,
	[FIELD_INTEGER] = MEMBER_INTEGER,
	[FIELD_FLAG] = MEMBER_BOOLEAN,
	[FIELD_UUID] = MEMBER_UUID,
	[FIELD_DATE] = MEMBER_DATE,
	[FIELD_TIME] = MEMBER_TIME,
	[FIELD_CHOICE] = MEMBER_TEXT,
};

/* RFC 5321's, of an e-mail address before the @. */
#define ATEXT "A-Za-z0-9!#$%&'*+/=?^_`{|}~-"

/* What a further check on a text demands: a pattern (ECMA-262 and POSIX alike), or one of a list (api/codes.h). */
static const struct text_check {
	enum err (*check)(const char *text);
	const char *pattern, *list;
	size_t width;
} checks[] = {
	{ gs1_gtin, "^([0-9]{8}|[0-9]{12,14})$", NULL, 0 },
	{ gs1_gln, "^[0-9]{13}$", NULL, 0 },
	{ gs1_lot_code, "^[!\"%-?A-Z_a-z]{1,20}$", NULL, 0 },
	{ code_uom, NULL, code_units, CODE_UNIT_WIDTH },
	{ code_country, NULL, code_countries, CODE_COUNTRY_WIDTH },
	{ code_word, "^[A-Za-z][A-Za-z0-9_-]*$", NULL, 0 },
	{ code_email, "^[" ATEXT "]+(\\.[" ATEXT "]+)*@[A-Za-z0-9][A-Za-z0-9-]*(\\.[A-Za-z0-9-]+)*$", NULL,
		0 },
};

static void put_if(struct json_writer *w, const char *name, const char *text)
{
	if (text)
		json_put_string(w, name, text);
}

static void put_look(struct json_writer *w, const struct look *look, bool nullable)
{
	if (nullable) {
		json_put_open(w, "type", '[');
		json_string(w, look->type);
		json_string(w, "null");
		json_close(w, ']');
	} else {
		put_if(w, "type", look->type);
	}
	put_if(w, "format", look->format);
	put_if(w, "pattern", look->pattern);
}

static void put_enum(struct json_writer *w, const char *const *choices, bool nullable)
{
	json_put_open(w, "enum", '[');
	for (; *choices; choices++)
		json_string(w, *choices);
	if (nullable)
		json_null(w);
	json_close(w, ']');
}

static void example(
	struct json_writer *w, const struct look *look, const char *const *choices, const char *given)
{
	const char *text = given ? given : choices ? choices[0] : look->example;

	if (look->bare)
		json_raw(w, text, strlen(text));
	else
		json_string(w, text);
}

void openapi_ref(struct json_writer *w, const char *kind, const char *name)
{
	json_open(w, '{');
	json_put_string(w, "$ref", arena_printf(w->out->arena, "#/components/%s/%s", kind, name));
	json_close(w, '}');
}

void openapi_put_ref(struct json_writer *w, const char *as, const char *kind, const char *name)
{
	json_name(w, as);
	openapi_ref(w, kind, name);
}

/* --- what goes out --- */

static void member_example(struct json_writer *w, const struct member *m)
{
	if (m->type == MEMBER_ARRAY) {
		json_open(w, '[');
		openapi_shape_example(w, m->shape);
		json_close(w, ']');
	} else if (m->shape) {
		openapi_shape_example(w, m->shape);
	} else {
		example(w, &looks[m->type], m->choices, m->example);
	}
}

void openapi_shape_example(struct json_writer *w, const struct shape *shape)
{
	json_open(w, '{');
	for (const struct member *m = shape->members; m->name; m++) {
		json_name(w, m->name);
		member_example(w, m);
	}
	json_close(w, '}');
}

/* A member that is itself of a shape: that, several of it, or it and null. */
static void put_parts(struct json_writer *w, const struct member *m)
{
	if (m->type == MEMBER_ARRAY) {
		json_put_string(w, "type", "array");
		openapi_put_ref(w, "items", "schemas", m->shape->name);
	} else if (m->nullable) {
		json_put_open(w, "oneOf", '[');
		openapi_ref(w, "schemas", m->shape->name);
		json_open(w, '{');
		json_put_string(w, "type", "null");
		json_close(w, '}');
		json_close(w, ']');
	} else {
		json_put_string(
			w, "$ref", arena_printf(w->out->arena, "#/components/schemas/%s", m->shape->name));
	}
}

static void member_schema(struct json_writer *w, const struct member *m)
{
	json_open(w, '{');
	if (m->shape)
		put_parts(w, m);
	else
		put_look(w, &looks[m->type], m->nullable);
	if (m->choices)
		put_enum(w, m->choices, m->nullable);
	put_if(w, "description", m->doc);
	if (!m->shape) {
		json_put_open(w, "examples", '[');
		member_example(w, m);
		json_close(w, ']');
	}
	json_close(w, '}');
}

static void shape_schema(struct json_writer *w, const struct shape *shape)
{
	json_put_open(w, shape->name, '{');
	json_put_string(w, "type", "object");
	json_put_open(w, "required", '[');
	for (const struct member *m = shape->members; m->name; m++)
		json_string(w, m->name);
	json_close(w, ']');
	json_put_open(w, "properties", '{');
	for (const struct member *m = shape->members; m->name; m++) {
		json_name(w, m->name);
		member_schema(w, m);
	}
	json_close(w, '}');
	json_close(w, '}');
}

/* --- what comes in --- */

static void field_example(struct json_writer *w, const struct field *f)
{
	example(w, &looks[field_likes[f->type]], f->choices, f->example);
}

void openapi_input_example(struct json_writer *w, const struct input *input)
{
	json_open(w, '{');
	for (const struct field *f = input->fields; f->name; f++) {
		json_name(w, f->name);
		field_example(w, f);
	}
	json_close(w, '}');
}

static void put_text_check(struct json_writer *w, const struct text_check *check)
{
	put_if(w, "pattern", check->pattern);
	if (!check->list)
		return;
	json_put_open(w, "enum", '[');
	for (const char *code = check->list; *code; code += check->width + 1)
		json_string(w, arena_copy(w->out->arena, code, strcspn(code, " ")));
	json_close(w, ']');
}

static void put_text_rules(struct json_writer *w, const struct field *f)
{
	json_put_integer(w, "minLength", f->min ? f->min : FIELD_TEXT_MIN);
	json_put_integer(w, "maxLength", f->max ? f->max : FIELD_TEXT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (f->check == checks[i].check)
			put_text_check(w, &checks[i]);
	if (f->required && !f->check)
		json_put_string(w, "pattern", "[^ ]"); /* more than white space */
}

/* A decimal is text or a number: the pattern binds the one, the bounds the other. */
static void put_decimal_rules(struct json_writer *w, const struct field *f)
{
	bool preset = !f->digits && !f->scale;
	int digits = preset ? FIELD_DECIMAL_DIGITS : f->digits,
	    scale = preset ? FIELD_DECIMAL_SCALE : f->scale;
	struct arena *arena = w->out->arena;
	const char *most = arena_printf(arena, "1%0*d", digits, 0);

	json_put_raw(w, "type", "[\"string\",\"number\"]");
	json_put_string(w, "pattern",
		arena_printf(arena, "^%s(0|[1-9][0-9]{0,%d})(\\.[0-9]{1,%d}0*)?$", f->positive ? "" : "-?",
			digits - 1, scale));
	if (f->positive)
		json_put_integer(w, "exclusiveMinimum", 0);
	else if (f->low)
		json_put_raw(w, "minimum", f->low);
	else
		json_put_raw(w, "exclusiveMinimum", arena_printf(arena, "-%s", most));
	json_put_raw(w, f->high ? "maximum" : "exclusiveMaximum", f->high ? f->high : most);
}

static void put_integer_rules(struct json_writer *w, const struct field *f)
{
	if (f->low_integer || f->high_integer) {
		json_put_integer(w, "minimum", f->low_integer);
		json_put_integer(w, "maximum", f->high_integer);
	}
	if (!f->required && f->preset)
		json_put_integer(w, "default", f->preset);
}

/* What the row says in words, and what no keyword can say. */
static void put_field_description(struct json_writer *w, const struct field *f)
{
	struct buf text;

	buf_init(&text, w->out->arena, 1024);
	if (f->doc)
		buf_printf(&text, "%s; ", f->doc);
	if (f->type == FIELD_DECIMAL)
		buf_add_text(&text, "exact, as text or as a number; ");
	if (f->positive)
		buf_add_text(&text, "above 0; ");
	if (f->type == FIELD_DECIMAL && f->low && f->high)
		buf_printf(&text, "from %s to %s; ", f->low, f->high);
	if (f->not_future)
		buf_add_text(&text, "not in the future; ");
	if (f->multiline)
		buf_add_text(&text, "may have several lines; ");
	if (text.len)
		json_put_string(w, "description", arena_copy(w->out->arena, text.data, text.len - 2));
}

void openapi_field(struct json_writer *w, const struct field *f)
{
	json_open(w, '{');
	if (f->type == FIELD_DECIMAL)
		put_decimal_rules(w, f);
	else
		put_look(w, &looks[field_likes[f->type]], false);
	if (f->type == FIELD_TEXT)
		put_text_rules(w, f);
	if (f->type == FIELD_INTEGER)
		put_integer_rules(w, f);
	if (f->choices)
		put_enum(w, f->choices, false);
	put_field_description(w, f);
	json_put_open(w, "examples", '[');
	field_example(w, f);
	json_close(w, ']');
	json_close(w, '}');
}

static void input_schema(struct json_writer *w, const char *name, const struct input *input)
{
	json_put_open(w, name, '{');
	json_put_string(w, "type", "object");
	json_put_open(w, "required", '[');
	for (const struct field *f = input->fields; f->name; f++)
		if (f->required && !input->partial)
			json_string(w, f->name);
	json_close(w, ']');
	json_put_open(w, "properties", '{');
	for (const struct field *f = input->fields; f->name; f++) {
		json_name(w, f->name);
		openapi_field(w, f);
	}
	json_close(w, '}');
	json_put_boolean(w, "additionalProperties", false);
	json_close(w, '}');
}

const char *openapi_input_name(struct arena *arena, const struct route *route)
{
	char *name = arena_copy(arena, route->name, strlen(route->name)), *to = name;
	bool first = true;

	for (const char *c = name; *c; c++) {
		if (*c != '_')
			*to++ = (char)(first ? *c - 'a' + 'A' : *c);
		first = *c == '_';
	}
	*to = '\0';
	return name;
}

/* --- all of them, each once --- */

enum { SHAPES_MAX = 64 };

struct shapes {
	const struct shape *at[SHAPES_MAX];
	size_t count;
};

static void collect(struct shapes *all, const struct shape *shape)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i] == shape)
			return;
	if (all->count == SHAPES_MAX)
		return;
	all->at[all->count++] = shape;
	for (const struct member *m = shape->members; m->name; m++)
		if (m->shape)
			collect(all, m->shape);
}

/* A page of a list (api/list.h). */
static void page_schema(struct json_writer *w, const char *name)
{
	json_put_open(w, arena_printf(w->out->arena, "%sPage", name), '{');
	json_put_string(w, "type", "object");
	json_put_raw(w, "required", "[\"items\",\"next_cursor\"]");
	json_put_open(w, "properties", '{');
	json_put_open(w, "items", '{');
	json_put_string(w, "type", "array");
	openapi_put_ref(w, "items", "schemas", name);
	json_close(w, '}');
	json_put_open(w, "next_cursor", '{');
	json_put_raw(w, "type", "[\"string\",\"null\"]");
	json_put_string(w, "description", "?cursor= of the next page; null on the last one");
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
}

void openapi_schemas(struct json_writer *w)
{
	struct shapes all = { .count = 0 };

	for (const struct route *r = routes; r < routes + route_count; r++) {
		if (!openapi_lists(r))
			continue;
		if (r->output.shape)
			collect(&all, r->output.shape);
		if (r->output.list)
			page_schema(w, r->output.shape->name);
		if (r->input && !r->input->in_query)
			input_schema(w, openapi_input_name(w->out->arena, r), r->input);
	}
	for (size_t i = 0; i < all.count; i++)
		shape_schema(w, all.at[i]);
}
