/* Replies of Redis. The first byte says in how large pieces the rest arrives: the values are the same as from one piece,
 * kept or read over, and so is the place where it stops being RESP. What is sent is framed so that it reads back whole. */
#include "base/err.h"
#include "fuzz.h"
#include "session/resp.h"

/* All values that some bytes give, told apart by a hash, and how they end. */
struct taken {
	uint64_t hash;
	int end; /* -ERR_TRY_AGAIN: more could follow. -ERR_UNAVAILABLE: not RESP, or too much */
};

static void mix(struct taken *t, const void *bytes, size_t n)
{
	for (const uint8_t *b = bytes; n--; b++)
		t->hash = (t->hash ^ *b) * UINT64_C(1099511628211); /* FNV-1a */
}

static void mix_value(struct taken *t, const struct redis_value *v, int depth)
{
	const int64_t numbers[] = { v->type, v->integer, (int64_t)v->length, (int64_t)v->count };

	must(depth <= RESP_DEPTH_MAX);
	mix(t, numbers, sizeof numbers);
	must((v->type == REDIS_STRING || v->type == REDIS_ERROR) == !!v->text);
	must(!v->text || v->text[v->length] == '\0');
	mix(t, v->text, v->length);
	must(v->count <= RESP_VALUES_MAX && (v->type == REDIS_ARRAY || !v->count));
	for (size_t i = 0; i < v->count; i++)
		mix_value(t, &v->elements[i], depth + 1);
}

/* Read over, a value tells its type and an error's text. */
static void mix_type(struct taken *t, const struct redis_value *v)
{
	const int64_t type = v->type;

	mix(t, &type, sizeof type);
	if (v->type == REDIS_ERROR)
		mix(t, v->text, strnlen(v->text, RESP_ERROR_SIZE));
}

static struct taken take_all(struct arena *arena, const uint8_t *bytes, size_t size, size_t piece)
{
	struct resp_reader *r = resp_reader_new();
	struct taken all = { .hash = 0 };
	struct redis_value value;

	must(r);
	do {
		size_t n = MIN(size, piece);
		must(resp_feed(r, (const char *)bytes, n) == 0);
		bytes += n;
		size -= n;
		while ((all.end = resp_take(r, arena, &value)) == 0) {
			if (arena)
				mix_value(&all, &value, 0);
			else
				mix_type(&all, &value);
			if (arena && arena->used > FUZZ_ARENA_SIZE / 4) /* a value takes up to 3 MiB */
				arena_reset(arena);
		}
	} while (size && all.end == -ERR_TRY_AGAIN);
	must(all.end == -ERR_TRY_AGAIN || all.end == -ERR_UNAVAILABLE);
	resp_reader_free(r);
	return all;
}

static void pieces_do_not_matter(struct arena *arena, const uint8_t *bytes, size_t size, size_t piece)
{
	struct taken whole = take_all(arena, bytes, size, size);
	if (arena)
		arena_reset(arena); /* of a value that broke off */
	struct taken parts = take_all(arena, bytes, size, piece);

	must(whole.end == parts.end && whole.hash == parts.hash);
}

static void append(struct resp_commands *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	resp_append(c, fmt, args);
	va_end(args);
}

/* A command is an array of strings, whatever stands in them. */
static void is_framed(struct arena *arena, const char *text, size_t size)
{
	struct resp_commands c = { 0 };
	struct resp_reader *r = resp_reader_new();
	struct redis_value v;

	append(&c, "SET k:%s %b", text, text, size);
	must(!c.broken && c.count == 1);
	must(resp_feed(r, c.bytes, c.length) == 0);
	must(resp_take(r, arena, &v) == 0 && resp_is_empty(r));
	must(v.type == REDIS_ARRAY && v.count == 3);
	must(strcmp(v.elements[1].text + 2, text) == 0);
	must(v.elements[2].length == size && memcmp(v.elements[2].text, text, size) == 0);
	resp_clear(&c);
	must(!c.count && !c.length && !c.broken);
	resp_reader_free(r);
	resp_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();

	if (!size || size > FUZZ_INPUT_MAX / 8)
		return 0;
	size_t piece = 1 + data[0] % 64;
	data++;
	size--;
	pieces_do_not_matter(NULL, data, size, piece);
	pieces_do_not_matter(arena, data, size, piece);
	is_framed(arena, fuzz_text(arena, data, size), size);
	return 0;
}
