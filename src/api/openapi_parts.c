/* The document's components: what operations refer to. */
#include <string.h>

#include "api/openapi.h"
#include "api/refusals.h"
#include "api/routes.h"
#include "http/status.h"

/* Fixed parts as JSON, in which ' stands for ". */
struct part {
	const char *name, *json;
};

/* clang-format off */
static const struct part security_schemes[] = {
	{ "bearer", "{'type':'http','scheme':'bearer','description':'access_token of POST /v1/auth/login'}" },
};

static const struct part parameters[] = {
	{ "AcceptLanguage", "{'name':'Accept-Language','in':'header','schema':{'type':'string'},'example':'es',"
		"'description':'language of detail in problems: en or es'}" },
	{ "RequestId", "{'name':'X-Request-Id','in':'header','schema':{'type':'string'},'example':'order-7',"
		"'description':'names the request; kept when it is 1 to 64 of A-Z a-z 0-9 . _ -, else one is made'}" },
	{ "IdempotencyKey", "{'name':'Idempotency-Key','in':'header',"
		"'schema':{'type':'string','pattern':'^\\'?[!#-+.-~-]{1,255}\\'?$'},'example':'harvest-1187',"
		"'description':'makes the request safe to repeat for 30 days: visible ASCII without comma, quoted or bare'}" },
	{ "IfMatch", "{'name':'If-Match','in':'header','required':true,'schema':{'type':'string'},'example':'\\'1\\'',"
		"'description':'ETag of what you read; * is any'}" },
	{ "IfNoneMatch", "{'name':'If-None-Match','in':'header','schema':{'type':'string'},'example':'\\'1\\'',"
		"'description':'ETag of what you have: 304 while it is still the same'}" },
};

/* By name, but for the one that comes with some answers of its status only. */
static const struct part headers[] = {
	{ "X-Request-Id", "{'required':true,'schema':{'type':'string','pattern':'^[A-Za-z0-9._-]{1,64}$'},"
		"'example':'order-7','description':'names this request in our logs'}" },
	{ "ETag", "{'required':true,'schema':{'type':'string'},'example':'\\'1\\'',"
		"'description':'of this version: for If-Match and If-None-Match'}" },
	{ "Location", "{'required':true,'schema':{'type':'string','format':'uri-reference'},"
		"'example':'/v1/lots/" OPENAPI_UUID "','description':'where it is now'}" },
	{ "Idempotency-Replayed", "{'schema':{'type':'string','enum':['true']},'example':'true',"
		"'description':'there when an earlier request with the same key has done it already'}" },
	{ "Retry-After", "{'required':true,'schema':{'type':'integer','minimum':1},'example':2,"
		"'description':'seconds to wait before trying again'}" },
	{ "Retry-After-In-Progress", "{'schema':{'type':'integer','minimum':1},'example':1,"
		"'description':'with in_progress: seconds to wait before trying again'}" },
	{ "RateLimit", "{'schema':{'type':'string'},'example':'\\'default\\';r=597;t=1',"
		"'description':'where there is a limit: requests left, and seconds until there is one more'}" },
	{ "RateLimit-Policy", "{'schema':{'type':'string'},'example':'\\'default\\';q=600;w=60',"
		"'description':'the limit: requests, and in how many seconds'}" },
	{ "WWW-Authenticate", "{'required':true,'schema':{'type':'string','enum':['Bearer']},'example':'Bearer',"
		"'description':'how to authenticate'}" },
	{ "Cache-Control", "{'required':true,'schema':{'type':'string'},'example':'public, max-age=60',"
		"'description':'how long a copy may be kept'}" },
};

static const struct part problem_schemas[] = {
	{ "Problem", "{'type':'object','description':'RFC 9457',"
		"'required':['type','title','status','code','detail','request_id'],'properties':{"
		"'type':{'type':'string','format':'uri-reference','description':'/problems/ and the code'},"
		"'title':{'type':'string','description':'the status in words'},"
		"'status':{'type':'integer','minimum':400,'maximum':599},"
		"'code':{'$ref':'#/components/schemas/ProblemCode'},"
		"'detail':{'type':'string','description':'for people, in the language of Accept-Language'},"
		"'request_id':{'type':'string','description':'X-Request-Id'},"
		"'errors':{'type':'array','items':{'$ref':'#/components/schemas/Fault'},"
		"'description':'every place that breaks a rule, with the codes invalid and bad_query'}}}" },
	{ "Fault", "{'type':'object','description':'one place that breaks a rule',"
		"'required':['pointer','code','detail'],'properties':{"
		"'pointer':{'type':'string',"
		"'description':'JSON pointer (RFC 6901) into the body, or ? and the name of a query parameter'},"
		"'code':{'$ref':'#/components/schemas/FaultCode'},"
		"'detail':{'type':'string','description':'for people'}}}" },
};
/* clang-format on */

/* \' is a quote within a text. */
static void put_part(struct json_writer *w, const struct part *part)
{
	struct buf text;

	buf_init(&text, w->out->arena, 4096);
	for (const char *c = part->json; *c; c++) {
		bool within = *c == '\\';
		c += within;
		if (within && *c == '\'')
			buf_add_char(&text, '\\');
		buf_add_char(&text, *c == '\'' ? '"' : *c);
	}
	json_put_raw(w, part->name, text.data);
}

static void put_parts(struct json_writer *w, const char *name, const struct part *parts, size_t count)
{
	json_put_open(w, name, '{');
	for (size_t i = 0; i < count; i++)
		put_part(w, &parts[i]);
	json_close(w, '}');
}

/* --- codes --- */

static bool is_listed(enum err err, bool faults)
{
	return err_info((int)err)->status && refusal_is_fault(err) == faults;
}

/* The codes as a list, and in x-codes what each says in either language. */
static void put_codes(struct json_writer *w, const char *name, const char *doc, bool faults)
{
	json_put_open(w, name, '{');
	json_put_string(w, "type", "string");
	json_put_string(w, "description", doc);
	json_put_open(w, "enum", '[');
	for (enum err e = ERR_NONE + 1; e < ERR_COUNT; e++)
		if (is_listed(e, faults))
			json_string(w, err_info((int)e)->code);
	json_close(w, ']');
	json_put_open(w, "x-codes", '[');
	for (enum err e = ERR_NONE + 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info((int)e);
		if (!is_listed(e, faults))
			continue;
		json_open(w, '{');
		json_put_string(w, "code", info->code);
		json_put_integer(w, "status", info->status);
		json_put_string(w, "en", info->detail[ENGLISH]);
		json_put_string(w, "es", info->detail[SPANISH]);
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
}

/* --- examples of problems --- */

static bool is_used(enum err err)
{
	if (refusals_of_all_include(err))
		return true;
	for (const struct route *r = routes; r < routes + route_count; r++)
		if (openapi_lists(r) && refusals_include(r, err))
			return true;
	return false;
}

static void put_fault_example(struct json_writer *w, const char *pointer)
{
	const struct err_info *fault = err_info(ERR_OUT_OF_RANGE);

	json_put_open(w, "errors", '[');
	json_open(w, '{');
	json_put_string(w, "pointer", pointer);
	json_put_string(w, "code", fault->code);
	json_put_string(w, "detail", fault->detail[ENGLISH]);
	json_close(w, '}');
	json_close(w, ']');
}

static void put_problem_example(struct json_writer *w, enum err err)
{
	const struct err_info *info = err_info((int)err);

	json_put_open(w, info->code, '{');
	json_put_string(w, "summary", info->detail[ENGLISH]);
	json_put_open(w, "value", '{');
	json_put_string(w, "type", arena_printf(w->out->arena, "/problems/%s", info->code));
	json_put_string(w, "title", http_status_phrase(info->status));
	json_put_integer(w, "status", info->status);
	json_put_string(w, "code", info->code);
	json_put_string(w, "detail", info->detail[ENGLISH]);
	json_put_string(w, "request_id", "order-7");
	if (err == ERR_INVALID || err == ERR_BAD_QUERY)
		put_fault_example(w, err == ERR_INVALID ? "/quantity" : "?limit");
	json_close(w, '}');
	json_close(w, '}');
}

void openapi_components(struct json_writer *w)
{
	json_put_open(w, "components", '{');
	put_parts(w, "securitySchemes", security_schemes, ARRAY_SIZE(security_schemes));
	put_parts(w, "parameters", parameters, ARRAY_SIZE(parameters));
	put_parts(w, "headers", headers, ARRAY_SIZE(headers));
	json_put_open(w, "responses", '{');
	openapi_put_refused(w);
	json_close(w, '}');
	json_put_open(w, "schemas", '{');
	openapi_schemas(w);
	for (size_t i = 0; i < ARRAY_SIZE(problem_schemas); i++)
		put_part(w, &problem_schemas[i]);
	put_codes(w, "ProblemCode", "what is wrong; a code may join, none changes its meaning", false);
	put_codes(w, "FaultCode", "what is wrong at one place; a code may join", true);
	json_close(w, '}');
	json_put_open(w, "examples", '{');
	for (enum err e = ERR_NONE + 1; e < ERR_COUNT; e++)
		if (err_info((int)e)->status && is_used(e))
			put_problem_example(w, e);
	json_close(w, '}');
	json_close(w, '}');
}
