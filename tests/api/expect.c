/* Questions to a reply. */
#include "expect.h"

#include <stdio.h>
#include <string.h>

static const struct reply *asked;

const char *last_asked(void)
{
	static char text[3072]; /* libcheck's messages end at 4096 */

	snprintf(text, sizeof text, "%.1000s%.2000s", asked->headers, asked->body);
	return text;
}

static const struct reply *about(const struct reply *r)
{
	return asked = r;
}

bool answered(const struct reply *r, int status)
{
	return about(r)->status == status;
}

/* --- values --- */

bool has_text(const struct reply *r, const char *pointer, const char *text)
{
	const char *found = reply_text(about(r), pointer);

	return found && strcmp(found, text) == 0;
}

bool has_number(const struct reply *r, const char *pointer, long number)
{
	const cJSON *node = reply_at(about(r), pointer);

	return cJSON_IsNumber(node) && (long)node->valuedouble == number;
}

bool has_null(const struct reply *r, const char *pointer)
{
	return cJSON_IsNull(reply_at(about(r), pointer));
}

bool has_bool(const struct reply *r, const char *pointer, bool value)
{
	const cJSON *node = reply_at(about(r), pointer);

	return value ? cJSON_IsTrue(node) : cJSON_IsFalse(node);
}

bool has_count(const struct reply *r, const char *pointer, int items)
{
	const cJSON *node = reply_at(about(r), pointer);

	return cJSON_IsArray(node) && cJSON_GetArraySize(node) == items;
}

static bool object_has_members(const cJSON *object, const char *names)
{
	int count = 0;
	char name[64];

	for (const char *at = names; *at; count++) {
		size_t n = strcspn(at, " ");
		snprintf(name, sizeof name, "%.*s", (int)n, at);
		if (!cJSON_GetObjectItemCaseSensitive(object, name))
			return false;
		at += n + strspn(at + n, " ");
	}
	return cJSON_IsObject(object) && cJSON_GetArraySize(object) == count;
}

bool has_members(const struct reply *r, const char *pointer, const char *names)
{
	return object_has_members(reply_at(about(r), pointer), names);
}

bool has_header(const struct reply *r, const char *name, const char *value)
{
	const char *found = reply_header(about(r), name);

	return found && strcmp(found, value) == 0;
}

bool lacks_header(const struct reply *r, const char *name)
{
	return !reply_header(about(r), name);
}

bool same_body(const struct reply *a, const struct reply *b)
{
	return about(a)->length == b->length && memcmp(a->body, b->body, a->length) == 0;
}

/* --- problems --- */

static bool faults_are_whole(const cJSON *errors)
{
	const cJSON *fault;

	cJSON_ArrayForEach(fault, errors)
	{
		if (!object_has_members(fault, "pointer code detail"))
			return false;
	}
	return cJSON_GetArraySize(errors) > 0;
}

/* What the status alone asks for. */
static bool has_its_headers(const struct reply *r)
{
	const char *name = r->status == 401                       ? "WWW-Authenticate"
			   : r->status == 405                     ? "Allow"
			   : r->status == 429 || r->status == 503 ? "Retry-After"
								  : NULL;

	return has_header(r, "Cache-Control", "no-store") && (!name || reply_header(r, name));
}

bool is_problem(const struct reply *r, int status, const char *code)
{
	static const char members[] = "type title status code detail request_id";
	static const char with_errors[] = "type title status code detail request_id errors";
	const cJSON *errors = reply_at(about(r), "/errors");
	const char *id = reply_header(r, "X-Request-Id");
	char type[128];

	snprintf(type, sizeof type, "/problems/%s", code);
	return answered(r, status) && has_header(r, "Content-Type", "application/problem+json") &&
	       has_text(r, "/code", code) && has_text(r, "/type", type) && has_number(r, "/status", status) &&
	       id && *id && has_text(r, "/request_id", id) && !has_text(r, "/title", "") &&
	       !has_text(r, "/detail", "") && has_members(r, "", errors ? with_errors : members) &&
	       (!errors || faults_are_whole(errors)) && has_its_headers(r);
}

bool has_fault(const struct reply *r, const char *pointer, const char *code)
{
	const cJSON *fault;

	if (!is_problem(r, 422, "invalid") && !is_problem(r, 400, "bad_query"))
		return false;
	cJSON_ArrayForEach(fault, reply_at(r, "/errors"))
	{
		const char *where = cJSON_GetStringValue(cJSON_GetObjectItem(fault, "pointer"));
		const char *what = cJSON_GetStringValue(cJSON_GetObjectItem(fault, "code"));
		if (where && what && strcmp(where, pointer) == 0 && strcmp(what, code) == 0)
			return true;
	}
	return false;
}

bool has_only_fault(const struct reply *r, const char *pointer, const char *code)
{
	return has_fault(r, pointer, code) && has_count(r, "/errors", 1);
}

bool same_problem(const struct reply *a, const struct reply *b)
{
	static const char *const members[] = { "/type", "/title", "/code", "/detail" };

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!reply_text(b, members[i]) || !has_text(a, members[i], reply_text(b, members[i])))
			return false;
	return answered(a, b->status) && cJSON_GetArraySize(a->json) == cJSON_GetArraySize(b->json);
}
