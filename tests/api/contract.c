/* What the document promises, held against an answer. */
#include "contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

/* A call and its answer, and where the document speaks of them. */
struct exchange {
	const cJSON *document;
	const struct call *call;
	const struct reply *reply;
	const char *method;     /* as sent */
	const cJSON *item;      /* of paths; NULL: no such address */
	const cJSON *operation; /* NULL: none of that method */
	const cJSON *answer;    /* of its responses */
};

static char why[2048];

static bool wrong(const char *fmt, ...) PRINTF_LIKE(1, 2);

static bool wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	return false;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* --- where the document speaks of it --- */

/* One segment a {parameter}, and everything else as it stands; the target's query and fragment are not the path. */
static bool path_fits(const char *template, const char *target)
{
	while (*template == '{' || (*template && *template == *target)) {
		if (*template != '{') {
			template ++;
			target++;
			continue;
		}
		size_t n = strcspn(target, "/?#");
		if (!n)
			return false;
		template += strcspn(template, "}") + 1;
		target += n;
	}
	return !*template && (!*target || *target == '?' || *target == '#');
}

static const cJSON *operation_of(const cJSON *item, const char *method)
{
	const cJSON *operation;

	cJSON_ArrayForEach(operation, item)
	{
		if (strcasecmp(operation->string, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0)
			return operation;
	}
	return NULL;
}

static struct exchange find(const cJSON *document, const struct call *call, const struct reply *reply)
{
	struct exchange x = { .document = document, .call = call, .reply = reply };
	const cJSON *item;
	char status[8];

	x.method = call->method ? call->method : call->body ? "POST" : "GET";
	cJSON_ArrayForEach(item, member(document, "paths"))
	{
		if (path_fits(item->string, call->path))
			x.item = item;
	}
	x.operation = operation_of(x.item, x.method);
	snprintf(status, sizeof status, "%d", reply->status);
	const cJSON *responses = member(x.operation, "responses");
	const cJSON *answer = member(responses, status);
	x.answer = schema_target(document, answer ? answer : member(responses, "default"));
	return x;
}

/* --- bodies --- */

static bool body_is_as_promised(const struct exchange *x)
{
	const cJSON *content = member(x->answer, "content");
	const char *type = reply_header(x->reply, "Content-Type");

	if (!content)
		return (!type && !x->reply->length) || wrong("no body is promised");
	if (!type || !member(content, type))
		return wrong("the type %s is not promised", type ? type : "none");
	if (strcmp(x->method, "HEAD") == 0 || !strstr(type, "json"))
		return true;
	const char *fault =
		schema_fault(x->document, member(member(content, type), "schema"), x->reply->json);
	return !fault || wrong("%s", fault);
}

/* The codes that an answer can have are the names of its examples. */
static bool code_is_promised(const struct exchange *x)
{
	const char *code = reply_text(x->reply, "/code");
	const cJSON *content = member(member(x->answer, "content"), "application/problem+json");

	return !content || !code || member(member(content, "examples"), code) ||
	       wrong("code %s is not promised", code);
}

/* --- headers --- */

/* Those by which a client acts: none may come that is not promised. */
static const char *const telling[] = { "ETag", "Location", "Retry-After", "Idempotency-Replayed", "RateLimit",
	"RateLimit-Policy", "WWW-Authenticate" };

static bool header_is_as_promised(const struct exchange *x, const cJSON *promised)
{
	const char *value = reply_header(x->reply, promised->string), *rest;
	const cJSON *header = schema_target(x->document, promised), *schema = member(header, "schema");
	const char *type = cJSON_GetStringValue(member(schema, "type"));

	if (!value)
		return !cJSON_IsTrue(member(header, "required")) || wrong("%s is missing", promised->string);
	cJSON *node = type && strcmp(type, "integer") == 0 ? cJSON_ParseWithOpts(value, &rest, true)
							   : cJSON_CreateString(value);
	const char *fault = schema_fault(x->document, schema, node);
	cJSON_Delete(node);
	return !fault || wrong("%s: %s", promised->string, fault);
}

static bool headers_are_as_promised(const struct exchange *x)
{
	const cJSON *headers = member(x->answer, "headers"), *promised;

	for (size_t i = 0; i < ARRAY_SIZE(telling); i++)
		if (reply_header(x->reply, telling[i]) && !member(headers, telling[i]))
			return wrong("%s is not promised", telling[i]);
	cJSON_ArrayForEach(promised, headers)
	{
		if (!header_is_as_promised(x, promised))
			return false;
	}
	return true;
}

/* --- what was sent --- */

/* Faults that the document tells of beforehand, by a schema that a client can check. */
static const char *const foretold[] = { "unknown_field", "wrong_type", "too_short", "too_long", "not_in_list",
	"bad_format" };

static bool is_foretold(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(foretold); i++)
		if (strcmp(code, foretold[i]) == 0)
			return true;
	return false;
}

static void drop_nulls(cJSON *object)
{
	for (cJSON *m = object->child, *next; m; m = next) {
		next = m->next;
		if (cJSON_IsNull(m))
			cJSON_Delete(cJSON_DetachItemViaPointer(object, m));
	}
}

/* NULL when the body is as the document wants it. */
static const char *sent_fault(const struct exchange *x, const cJSON *schema)
{
	const struct call *call = x->call;
	cJSON *sent = cJSON_ParseWithLength(call->body ? call->body : "", call->length ? call->length
									  : call->body ? strlen(call->body)
										       : 0);

	if (sent)
		drop_nulls(sent); /* null counts as absent */
	const char *fault = schema_fault(x->document, schema, sent);
	cJSON_Delete(sent);
	return fault;
}

static bool refusal_is_foretold(const struct exchange *x, const char *fault)
{
	const cJSON *error;

	cJSON_ArrayForEach(error, reply_at(x->reply, "/errors"))
	{
		const char *code = cJSON_GetStringValue(member(error, "code"));
		if (!fault && is_foretold(code))
			return wrong("the document allows the body, the service says %s", code);
	}
	return true;
}

static bool request_was_judged_alike(const struct exchange *x)
{
	const cJSON *content = member(member(x->operation, "requestBody"), "content");
	const cJSON *schema = member(member(content, "application/json"), "schema");

	if (!schema || (x->reply->status >= 300 && x->reply->status != 422))
		return true;
	const char *fault = sent_fault(x, schema);
	if (x->reply->status == 422)
		return refusal_is_foretold(x, fault);
	return !fault || wrong("the service took a body that the document forbids: %s", fault);
}

/* --- the whole --- */

/* An address or method of which the document does not speak is refused, as a problem. */
static bool is_refused(const struct exchange *x)
{
	const cJSON *components = member(x->document, "components");
	const cJSON *problem = member(member(components, "schemas"), "Problem");
	const char *fault;

	if (strcmp(x->method, "OPTIONS") == 0 && x->item)
		return reply_header(x->reply, "Allow") || wrong("OPTIONS without Allow");
	if (x->reply->status < 400)
		return wrong("the document does not know this");
	if (strcmp(x->method, "HEAD") == 0)
		return true;
	fault = schema_fault(x->document, problem, x->reply->json);
	return !fault || wrong("%s", fault);
}

const char *contract_fault(const cJSON *document, const struct call *call, const struct reply *reply)
{
	const struct exchange x = find(document, call, reply);

	if (call->ops)
		return NULL;
	if (!x.operation)
		return is_refused(&x) ? NULL : why;
	return body_is_as_promised(&x) && code_is_promised(&x) && headers_are_as_promised(&x) &&
			       request_was_judged_alike(&x)
		       ? NULL
		       : why;
}
