/* One request: the target taken apart, the language chosen. */
#include "http/request.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static const char *const methods[HTTP_OTHER] = {
	[HTTP_GET] = "GET",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH",
	[HTTP_DELETE] = "DELETE",
	[HTTP_HEAD] = "HEAD",
	[HTTP_OPTIONS] = "OPTIONS",
};

static enum http_method method_of(const char *text)
{
	int m = HTTP_GET;

	while (m < HTTP_OTHER && (!text || strcmp(text, methods[m]) != 0))
		m++;
	return (enum http_method)m;
}

/* --- the target --- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes `n` characters, with `plus` also '+' to a space. NULL for a bad escape, %00 or invalid UTF-8. */
static const char *decode(struct arena *arena, const char *text, size_t n, bool plus)
{
	char *out = arena_alloc(arena, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (c == '%') {
			int high = n - i > 2 ? hex_digit(text[i + 1]) : -1;
			int low = n - i > 2 ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0 || !(high | low))
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		*to++ = c;
	}
	return utf8_valid(out, (size_t)(to - out)) ? out : NULL;
}

static bool is_dots(const char *segment)
{
	return strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;
}

/* r->path, which starts with '/'. Every segment is looked at, also one too many, so that a bad path is always bad. */
static int parse_path(struct request *r, struct arena *arena)
{
	size_t count = 0;

	for (const char *c = r->path; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return -ERR_BAD_PATH;
	for (const char *at = r->path; *at && r->path[1]; count++) {
		const char *segment = at + 1;
		size_t n = strcspn(segment, "/");
		const char *decoded = decode(arena, segment, n, false);
		if (!n || !decoded || is_dots(decoded))
			return -ERR_BAD_PATH;
		if (count < REQUEST_SEGMENTS_MAX) {
			r->segments[count] = decoded;
			r->segment_escaped[count] = memchr(segment, '%', n);
		}
		at = segment + n;
	}
	r->segment_count = MIN(count, (size_t)REQUEST_SEGMENTS_MAX);
	return count > REQUEST_SEGMENTS_MAX ? -ERR_NOT_FOUND : 0;
}

static int parse_query(struct request *r, struct arena *arena, const char *query)
{
	for (const char *at = query; *at;) {
		size_t n = strcspn(at, "&"), name_length = MIN(strcspn(at, "="), n);
		size_t value_at = MIN(name_length + 1, n);
		if (n) {
			const char *name = decode(arena, at, name_length, true);
			const char *value = decode(arena, at + value_at, n - value_at, true);
			if (!name || !value || r->query_count == REQUEST_QUERY_MAX)
				return -ERR_BAD_QUERY;
			r->query[r->query_count++] = (struct request_pair){ name, value };
		}
		at += n + (at[n] == '&');
	}
	return 0;
}

int request_parse(struct request *r, struct arena *arena)
{
	r->method = method_of(r->method_text);
	r->language = request_language(r->accept_language);
	r->segment_count = r->query_count = 0;
	if (!r->target || *r->target != '/')
		return -ERR_BAD_PATH;

	char *path = arena_copy(arena, r->target, strcspn(r->target, "#"));
	size_t n = strcspn(path, "?");
	const char *query = path[n] ? path + n + 1 : "";
	path[n] = '\0';
	r->path = path;

	int err = parse_path(r, arena);
	return err ? err : parse_query(r, arena, query);
}

/* --- the language --- */

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* qvalue (RFC 9110 section 12.4.2) in thousandths; moves past it. -1 when malformed. */
static int read_weight(const char **at)
{
	const char *c = *at;

	if (*c != '0' && *c != '1')
		return -1;
	int weight = (*c++ - '0') * 1000;
	if (*c == '.') {
		c++;
		for (int unit = 100; unit && *c >= '0' && *c <= '9'; unit /= 10)
			weight += (*c++ - '0') * unit;
	}
	*at = c;
	return weight <= 1000 ? weight : -1;
}

/* One element of the list, "es-MX;q=0.8"; moves to what follows it. False when malformed. */
static bool read_range(const char **at, const char **ret_tag, size_t *ret_primary, int *ret_weight)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*";

	*ret_tag = *at;
	*ret_primary = strspn(*at, letters);
	*ret_weight = 1000;
	if (!*ret_primary)
		return false;
	*at = skip_blanks(*at + strspn(*at, rest));
	if (**at == ';') {
		*at = skip_blanks(*at + 1);
		if (strncasecmp(*at, "q=", 2) != 0)
			return false;
		*at += 2;
		*ret_weight = read_weight(at);
		*at = skip_blanks(*at);
	}
	return *ret_weight >= 0 && (**at == ',' || !**at);
}

enum language request_language(const char *accept_language)
{
	static const char *const tags[LANGUAGE_COUNT] = { [ENGLISH] = "en", [SPANISH] = "es" };
	enum language best = ENGLISH;
	int best_weight = 0;

	if (!accept_language)
		return ENGLISH;
	for (const char *at = accept_language;;) {
		const char *tag;
		size_t primary;
		int weight;
		at += strspn(at, " \t,");
		if (!*at)
			return best;
		if (!read_range(&at, &tag, &primary, &weight))
			return ENGLISH;
		for (int l = ENGLISH; l < LANGUAGE_COUNT; l++) {
			if (primary == strlen(tags[l]) && strncasecmp(tag, tags[l], primary) == 0 &&
				weight > best_weight) {
				best = (enum language)l;
				best_weight = weight;
			}
		}
	}
}
