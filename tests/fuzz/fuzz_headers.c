/* Request headers, a line each: Accept-Language, Idempotency-Key, If-Match, Content-Type, Content-Encoding. */
#include <strings.h>

#include "api/write.h"
#include "fuzz.h"
#include "http/fields.h"

static void language_has_no_case(struct arena *arena, const char *header)
{
	char *upper = arena_copy(arena, header, strlen(header));
	enum language language = request_language(header);

	must(language == ENGLISH || language == SPANISH);
	for (char *c = upper; *c; c++)
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	must(request_language(upper) == language);
	must(language == ENGLISH || strstr(upper, "ES"));
	/* Empty elements of a list are none (RFC 9110 section 5.6.1.2); what is malformed stays so. */
	must(request_language(arena_printf(arena, ", ,%s", header)) == language);
}

static void key_is_plain(struct arena *arena, const char *header)
{
	struct request req = { .idempotency_key = header };
	const char *key = NULL, *again;

	int err = write_key(&req, arena, &key);
	must(err == 0 || err == -ERR_BAD_IDEMPOTENCY_KEY);
	if (err) {
		must(!key);
		return;
	}
	size_t n = strlen(key);
	must(n >= 1 && n <= 255);
	for (const char *c = key; *c; c++)
		must(*c > ' ' && *c <= '~' && *c != ',' && *c != '"');
	must(strstr(header, key) && strlen(header) - n <= 2);
	req.idempotency_key = key;
	must(write_key(&req, arena, &again) == 0 && strcmp(again, key) == 0);
	req.idempotency_key = arena_printf(arena, "\"%s\"", key);
	must(write_key(&req, arena, &again) == 0 && strcmp(again, key) == 0);
}

/* What matches stands in the header, and goes on matching with more behind it. */
static void tag_is_named(struct arena *arena, const char *header)
{
	struct response resp = { .arena = arena };

	response_etag_version(&resp, 7);
	must(etag_matches(resp.etag, resp.etag));
	must(etag_matches(arena_printf(arena, "W/%s", resp.etag), resp.etag));
	bool matches = etag_matches(header, resp.etag), any = strcmp(header, "*") == 0;
	must(!matches || any || strstr(header, resp.etag));
	must(!matches || any || etag_matches(arena_printf(arena, "\"x\", %s", header), resp.etag));
	must(!matches || any || etag_matches(arena_printf(arena, "%s, \"x\"", header), resp.etag));
	must(any || !etag_matches(header, "\"no such tag\n\""));
}

static void type_is_json_or_refused(struct arena *arena, const char *type, const char *encoding)
{
	static const struct field fields[] = { END_OF_FIELDS };
	static const struct input input = { .fields = fields, .size = 1 };
	const struct request req = {
		.content_type = type,
		.content_encoding = *encoding ? encoding : NULL,
		.body = "{}",
		.body_length = 2,
	};
	struct faults faults = { .count = 0 };
	void *taken;

	int err = fields_read(&req, &input, arena, &faults, &taken);
	must(err == 0 || err == -ERR_UNSUPPORTED_TYPE);
	must(err || strncasecmp(type, "application/json", strlen("application/json")) == 0);
	must(err || !*encoding || strcasecmp(encoding, "identity") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();

	if (size > FUZZ_INPUT_MAX / 8)
		return 0;
	char *at = fuzz_text(arena, data, size);
	language_has_no_case(arena, fuzz_line(&at));
	key_is_plain(arena, fuzz_line(&at));
	tag_is_named(arena, fuzz_line(&at));
	const char *type = fuzz_line(&at);
	type_is_json_or_refused(arena, type, fuzz_line(&at));
	return 0;
}
