/* JSON Schema, the part of it that our document uses. */
#include "schema.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "base/uuid.h"

/* One value on its way through one schema. */
struct look {
	const cJSON *document, *schema, *value;
	const char *at; /* where the value stands: "/lot/code" */
};

static char why[1024];

static bool wrong(const struct look *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool wrong(const struct look *l, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	snprintf(why, sizeof why, "%s: %s", *l->at ? l->at : "the whole", text);
	return false;
}

static bool conforms(const struct look *l);

static bool part_conforms(const struct look *l, const cJSON *schema, const cJSON *value, const char *name)
{
	char at[512];
	struct look part = { l->document, schema, value, at };

	snprintf(at, sizeof at, "%s/%s", l->at, name);
	return conforms(&part);
}

/* --- keywords: each is asked about the value, which it need not concern --- */

static bool is_of_type(const cJSON *value, const char *type)
{
	static const struct {
		const char *name;
		int types;
	} types[] = {
		{ "object", cJSON_Object },
		{ "array", cJSON_Array },
		{ "string", cJSON_String },
		{ "number", cJSON_Number },
		{ "boolean", cJSON_True | cJSON_False },
		{ "null", cJSON_NULL },
	};

	if (strcmp(type, "integer") == 0)
		return cJSON_IsNumber(value) && value->valuedouble == (double)(int64_t)value->valuedouble;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i].name) == 0)
			return value->type & types[i].types;
	return false;
}

static bool check_type(const struct look *l, const cJSON *rule)
{
	const cJSON *type;

	if (cJSON_IsString(rule))
		return is_of_type(l->value, rule->valuestring) ||
		       wrong(l, "not of type %s", rule->valuestring);
	cJSON_ArrayForEach(type, rule)
	{
		if (is_of_type(l->value, type->valuestring))
			return true;
	}
	return wrong(l, "of none of its types");
}

static bool check_format(const struct look *l, const cJSON *rule)
{
	const char *format = rule->valuestring, *text = cJSON_GetStringValue(l->value);
	struct uuid id;
	int64_t wall;
	int32_t days;
	bool good = false;

	if (strcmp(format, "int64") == 0 || !text)
		return true;
	if (strcmp(format, "uuid") == 0)
		good = uuid_parse(text, &id) == 0;
	else if (strcmp(format, "date") == 0)
		good = date_parse(text, strlen(text), &days) == 0;
	else if (strcmp(format, "date-time") == 0)
		good = time_parse(text, strlen(text), &wall) == 0;
	else if (strcmp(format, "uri-reference") == 0)
		good = *text && !strpbrk(text, " <>\"{}|\\^`");
	return good || wrong(l, "\"%s\" is no %s", text, format);
}

static bool check_pattern(const struct look *l, const cJSON *rule)
{
	const char *text = cJSON_GetStringValue(l->value);
	regex_t regex;

	if (!text)
		return true;
	if (regcomp(&regex, rule->valuestring, REG_EXTENDED | REG_NOSUB))
		return wrong(l, "its pattern is none: %s", rule->valuestring);
	bool good = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return good || wrong(l, "\"%s\" is not like %s", text, rule->valuestring);
}

static bool check_enum(const struct look *l, const cJSON *rule)
{
	const cJSON *choice;

	cJSON_ArrayForEach(choice, rule)
	{
		if (cJSON_Compare(choice, l->value, true))
			return true;
	}
	return wrong(l, "none of the values listed");
}

static bool check_length(const struct look *l, const cJSON *rule)
{
	const char *text = cJSON_GetStringValue(l->value);
	double count = text ? (double)utf8_count(text, strlen(text)) : 0;
	bool least = strcmp(rule->string, "minLength") == 0;

	if (!text || (least ? count >= rule->valuedouble : count <= rule->valuedouble))
		return true;
	return wrong(l, "%s is %g", rule->string, rule->valuedouble);
}

static bool check_bound(const struct look *l, const cJSON *rule)
{
	double value = l->value->valuedouble, bound = rule->valuedouble;
	bool least = strstr(rule->string, "inimum"), open = strncmp(rule->string, "exclusive", 9) == 0;

	if (!cJSON_IsNumber(l->value) || (least ? value > bound : value < bound) || (!open && value == bound))
		return true;
	return wrong(l, "%s is %g", rule->string, bound);
}

static bool check_required(const struct look *l, const cJSON *rule)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, rule)
	{
		if (cJSON_IsObject(l->value) &&
			!cJSON_GetObjectItemCaseSensitive(l->value, name->valuestring))
			return wrong(l, "%s is missing", name->valuestring);
	}
	return true;
}

static bool check_properties(const struct look *l, const cJSON *rule)
{
	const cJSON *member;

	if (!cJSON_IsObject(l->value))
		return true;
	cJSON_ArrayForEach(member, l->value)
	{
		const cJSON *schema = cJSON_GetObjectItemCaseSensitive(rule, member->string);
		if (!schema)
			return wrong(l, "%s is not in the document", member->string);
		if (!part_conforms(l, schema, member, member->string))
			return false;
	}
	return true;
}

static bool check_items(const struct look *l, const cJSON *rule)
{
	const cJSON *item;
	char name[16];
	int i = 0;

	if (!cJSON_IsArray(l->value))
		return true;
	cJSON_ArrayForEach(item, l->value)
	{
		snprintf(name, sizeof name, "%d", i++);
		if (!part_conforms(l, rule, item, name))
			return false;
	}
	return true;
}

static bool check_one_of(const struct look *l, const cJSON *rule)
{
	const cJSON *schema;
	int fitting = 0;

	cJSON_ArrayForEach(schema, rule)
	{
		struct look other = *l;
		other.schema = schema;
		fitting += conforms(&other);
	}
	return fitting == 1 || wrong(l, "fits %d of what it must be one of", fitting);
}

static bool check_ref(const struct look *l, const cJSON *rule)
{
	struct look target = *l;

	target.schema = schema_resolve(l->document, rule->valuestring);
	return target.schema ? conforms(&target) : wrong(l, "%s leads nowhere", rule->valuestring);
}

/* Says something to readers; or is kept by properties, which lets no other member pass. */
static bool check_nothing(const struct look *l, const cJSON *rule)
{
	(void)l;
	(void)rule;
	return true;
}

static const struct {
	const char *name;
	bool (*check)(const struct look *l, const cJSON *rule);
} keywords[] = {
	{ "$ref", check_ref },
	{ "type", check_type },
	{ "format", check_format },
	{ "pattern", check_pattern },
	{ "enum", check_enum },
	{ "minLength", check_length },
	{ "maxLength", check_length },
	{ "minimum", check_bound },
	{ "maximum", check_bound },
	{ "exclusiveMinimum", check_bound },
	{ "exclusiveMaximum", check_bound },
	{ "required", check_required },
	{ "properties", check_properties },
	{ "items", check_items },
	{ "oneOf", check_one_of },
	{ "additionalProperties", check_nothing },
	{ "description", check_nothing },
	{ "default", check_nothing },
	{ "examples", check_nothing },
	{ "x-codes", check_nothing },
};

static bool keyword_holds(const struct look *l, const cJSON *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strcmp(rule->string, keywords[i].name) == 0)
			return keywords[i].check(l, rule);
	return wrong(l, "its schema says %s, which is not known here", rule->string);
}

static bool conforms(const struct look *l)
{
	const cJSON *rule;

	cJSON_ArrayForEach(rule, l->schema)
	{
		if (!keyword_holds(l, rule))
			return false;
	}
	return cJSON_IsObject(l->schema) || wrong(l, "its schema is none");
}

const char *schema_fault(const cJSON *document, const cJSON *schema, const cJSON *value)
{
	const struct look look = { document, schema, value, "" };

	if (!value)
		return "there is no JSON";
	return conforms(&look) ? NULL : why;
}

/* --- references --- */

const cJSON *schema_resolve(const cJSON *document, const char *ref)
{
	const cJSON *node = strncmp(ref, "#/", 2) == 0 ? document : NULL;
	char name[128];

	for (const char *at = ref + 1; node && *at;) {
		size_t n = strcspn(++at, "/");
		snprintf(name, sizeof name, "%.*s", (int)n, at);
		node = cJSON_GetObjectItemCaseSensitive(node, name);
		at += n;
	}
	return node;
}

const cJSON *schema_target(const cJSON *document, const cJSON *node)
{
	const cJSON *ref = cJSON_GetObjectItemCaseSensitive(node, "$ref");

	return ref ? schema_resolve(document, ref->valuestring) : node;
}
