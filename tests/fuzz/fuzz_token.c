/* Tokens and cursors: a value has one spelling, and what is none is refused before any store is asked (there is none here: a
 * look at it would crash). */
#include "api/list.h"
#include "api/policy.h"
#include "base/hex.h"
#include "fuzz.h"
#include "session/session.h"

enum { BYTES_MAX = 256 };

/* Text of `n` bytes is what encoding those bytes gives, or it is refused and leaves nothing. */
static bool has_one_spelling(const char *text, size_t n)
{
	char again[BASE64URL_SIZE(BYTES_MAX)];
	unsigned char bytes[BYTES_MAX] = { 0 }, none[BYTES_MAX] = { 0 };

	if (base64url_decode(text, bytes, n)) {
		must(memcmp(bytes, none, sizeof bytes) == 0);
		return false;
	}
	base64url_encode(bytes, n, again);
	must(strcmp(again, text) == 0);
	return true;
}

static void bytes_come_back(const uint8_t *data, size_t size)
{
	char text[BASE64URL_SIZE(BYTES_MAX)], hex[HEX_SIZE(BYTES_MAX)];
	unsigned char back[BYTES_MAX];

	base64url_encode(data, size, text);
	must(strlen(text) == BASE64URL_SIZE(size) - 1 && !strpbrk(text, "+/="));
	must(base64url_decode(text, back, size) == 0 && memcmp(back, data, size) == 0);
	must(size == 0 || base64url_decode(text, back, size - 1) == -1);
	hex_encode(data, size, hex);
	must(strlen(hex) == 2 * size && strspn(hex, "0123456789abcdef") == 2 * size);
}

static void cursor_is_one_or_refused(const char *text)
{
	const struct page_query query = { .limit = 7, .cursor = text };
	struct page page;
	int64_t after = -1;

	int err = list_page(&query, &page);
	must(err == (has_one_spelling(text, sizeof page.after) ? 0 : -ERR_BAD_CURSOR));
	must(err || page.limit == 7);
	err = list_position(&query, &after);
	must(err == 0 || err == -ERR_BAD_CURSOR);
	must(err ? after == -1 : after >= 0 && after <= INT32_MAX);
	must(err || has_one_spelling(text, sizeof after));
}

/* The Authorization header as it stands, and the text as a token behind each spelling of the scheme. */
static void nobody_is_let_in(const char *header, bool is_token)
{
	static const struct route route = { .policy = MEMBER, .class = CLASS_READ, .path = "/v1/me" };
	struct conf conf = { .rate_api_per_minute = 0 }; /* or the address would be counted, in Redis */
	struct request req = { .authorization = header };
	struct ctx ctx = { .conf = &conf, .req = &req, .route = &route };

	if (is_token) /* well-formed: PostgreSQL would have to tell */
		return;
	must(policy_check(&ctx) == -ERR_UNAUTHENTICATED);
	must(!ctx.has_session);
}

static const char *token_of(const char *header)
{
	const char *space = strrchr(header, ' ');

	return space ? space + 1 : header;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();
	uint8_t hash[SHA256_SIZE];

	if (size > FUZZ_INPUT_MAX / 8)
		return 0;
	bytes_come_back(data, MIN(size, (size_t)BYTES_MAX));
	const char *text = fuzz_text(arena, data, size);
	for (size_t n = 0; n <= BYTES_MAX; n += n < 40 ? 1 : 43)
		has_one_spelling(text, n);
	bool is_token = has_one_spelling(text, TOKEN_BYTES);
	must(token_hash(text, hash) == (is_token ? 0 : -ERR_UNAUTHENTICATED));
	cursor_is_one_or_refused(text);
	nobody_is_let_in(text, has_one_spelling(token_of(text), TOKEN_BYTES));
	nobody_is_let_in(
		arena_printf(arena, "Bearer %s", text), has_one_spelling(token_of(text), TOKEN_BYTES));
	nobody_is_let_in(arena_printf(arena, "Basic %s", text), false);
	return 0;
}
