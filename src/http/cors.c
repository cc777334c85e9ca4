/* Origins, one by one. */
#include "http/cors.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* One origin of the list. */
struct origin {
	const char *text;
	size_t length;
};

/* The next one of a list; moves past its comma. False at the end. */
static bool next_origin(const char **at, struct origin *ret)
{
	if (!*at)
		return false;
	*ret = (struct origin){ *at, strcspn(*at, ",") };
	*at = (*at)[ret->length] ? *at + ret->length + 1 : NULL;
	return true;
}

static size_t host_length(const char *text)
{
	if (*text != '[')
		return strspn(text, LETTERS DIGITS ".-");
	size_t n = strspn(text + 1, "abcdef" DIGITS ":.");
	return n && text[1 + n] == ']' ? n + 2 : 0;
}

static const char *port_fault(const char *text, size_t length, long preset)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (length < 1 || length > 5 || strspn(text, DIGITS) < length || *text == '0' || port > 65535)
		return "a port is a number from 1 to 65535";
	return port == preset ? "browsers leave the scheme's own port out" : NULL;
}

static const char *origin_fault(const struct origin *o)
{
	static const char plain[] = "http://", secure[] = "https://";
	bool is_plain = strncmp(o->text, plain, sizeof plain - 1) == 0;

	if (!is_plain && strncmp(o->text, secure, sizeof secure - 1) != 0)
		return "an origin is http://HOST or https://HOST, each named; there is no *";
	const char *host = o->text + (is_plain ? sizeof plain : sizeof secure) - 1;
	size_t n = host_length(host), left = o->length - (size_t)(host - o->text);
	if (!n || n > left)
		return "an origin needs a host, in lower case";
	if (n == left)
		return NULL;
	if (host[n] != ':')
		return "an origin ends with its host or port: no path, no final slash";
	return port_fault(host + n + 1, left - n - 1, is_plain ? 80 : 443);
}

const char *cors_fault(const char *origins)
{
	const char *fault = NULL;
	struct origin o;

	for (const char *at = *origins ? origins : NULL; !fault && next_origin(&at, &o);)
		fault = origin_fault(&o);
	return fault;
}

static bool is_listed(const char *origins, const char *origin)
{
	struct origin o;

	for (const char *at = origins; next_origin(&at, &o);)
		if (strlen(origin) == o.length && memcmp(origin, o.text, o.length) == 0)
			return true;
	return false;
}

void cors_answer(const char *origins, const struct request *req, struct response *resp)
{
	if (!*origins || req->from_ops)
		return;
	resp->vary = "Origin";
	if (!req->origin || !is_listed(origins, req->origin))
		return;
	resp->allow_origin = req->origin;
	resp->preflight = req->method == HTTP_OPTIONS && req->asks_method && resp->status == 204;
}
