/* JSON that is right by construction: the bytes choose among the rules of RFC 8259's grammar, so that what they make must be
 * accepted, with every number, string and name as it was meant. */
#include "base/err.h"
#include "fuzz.h"
#include "http/json.h"

/* A byte makes at most 14 characters, a pair of escapes and what stands around it; 40 pieces of at most six bytes, and two
 * digits, are a name that is short enough. */
enum {
	VALUES_MAX = 500,
	ITEMS_MAX = 20,
	DEPTH = 8,
	INPUT_MAX = 1024,
	PIECES_MAX = 40,
	TEXT_MAX = 32 * INPUT_MAX
};

/* A text being made, and beside it what it means: names, strings and numbers in their order, each with a NUL behind it. */
struct maker {
	const uint8_t *at, *end;
	struct buf json, meaning;
	int values;
};

/* The next choice; 0 once the bytes are used up, which ends every repetition. */
static unsigned choose(struct maker *m, unsigned options)
{
	return m->at < m->end ? *m->at++ % options : 0;
}

static void add_both(struct maker *m, const char *text)
{
	buf_add_text(&m->json, text);
	buf_add_text(&m->meaning, text);
}

static void add_space(struct maker *m)
{
	static const char *const space[] = { "", "", "", " ", "\n", "\t", "\r\n", "  \t" };

	buf_add_text(&m->json, space[choose(m, ARRAY_SIZE(space))]);
}

/* Characters by their escapes and by themselves. */
static const struct {
	const char *written, *meant;
} pieces[] = {
	{ "", "" },
	{ "a", "a" },
	{ "\\u0061", "a" },
	{ "\\\"", "\"" },
	{ "\\\\", "\\" },
	{ "\\/", "/" },
	{ "/", "/" },
	{ "\\b\\f\\n\\r\\t", "\b\f\n\r\t" },
	{ "\\u001f", "\x1f" },
	{ "\\u007F", "\x7f" },
	{ "\x7f", "\x7f" },
	{ "\xc3\xb1", "\xc3\xb1" },
	{ "\\u00F1", "\xc3\xb1" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\\u20ac", "\xe2\x82\xac" },
	{ "\\uFFFF", "\xef\xbf\xbf" },
	{ "\\uD83E\\uDD51", "\xf0\x9f\xa5\x91" },
	{ "\\ud83e\\udd51", "\xf0\x9f\xa5\x91" },
	{ "\xf0\x9f\xa5\x91", "\xf0\x9f\xa5\x91" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	{ "\xef\xbb\xbf", "\xef\xbb\xbf" },
	{ "\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf" },
	{ "'", "'" },
	{ "\xed\x9f\xbf", "\xed\x9f\xbf" },
	{ "\\ud7ff\\ue000", "\xed\x9f\xbf\xee\x80\x80" },
};

/* `start` stands in front of it, so that no two names of an object are the same. */
static void add_string(struct maker *m, const char *start)
{
	buf_add_char(&m->json, '"');
	add_both(m, start);
	for (unsigned i = 0, piece; i < PIECES_MAX && (piece = choose(m, ARRAY_SIZE(pieces))); i++) {
		buf_add_text(&m->json, pieces[piece].written);
		buf_add_text(&m->meaning, pieces[piece].meant);
	}
	buf_add_char(&m->json, '"');
	buf_add_char(&m->meaning, '\0');
}

static void add_digits(struct maker *m)
{
	char digit[] = "0";

	do {
		digit[0] = (char)('0' + choose(m, 10));
		add_both(m, digit);
	} while (choose(m, 3));
}

static void add_number(struct maker *m)
{
	static const char *const exponents[] = { "", "e", "E", "e+", "E-" };
	unsigned first = choose(m, 10);

	if (choose(m, 2))
		add_both(m, "-");
	add_both(m, (const char[]){ (char)('0' + first), '\0' });
	if (first && choose(m, 2))
		add_digits(m);
	if (choose(m, 2)) {
		add_both(m, ".");
		add_digits(m);
	}
	const char *exponent = exponents[choose(m, ARRAY_SIZE(exponents))];
	add_both(m, exponent);
	if (*exponent)
		add_digits(m);
	buf_add_char(&m->meaning, '\0');
}

static void add_value(struct maker *m, int depth);

static void add_items(struct maker *m, int depth, bool object)
{
	char number[8];

	buf_add_char(&m->json, object ? '{' : '[');
	add_space(m);
	for (int i = 0; depth < DEPTH && i < ITEMS_MAX && m->values < VALUES_MAX && choose(m, 4); i++) {
		if (i)
			buf_add_char(&m->json, ',');
		add_space(m);
		if (object) {
			snprintf(number, sizeof number, "%02d", i);
			add_string(m, number);
			add_space(m);
			buf_add_char(&m->json, ':');
			add_space(m);
		}
		add_value(m, depth + 1);
		add_space(m);
	}
	buf_add_char(&m->json, object ? '}' : ']');
}

static void add_value(struct maker *m, int depth)
{
	static const char *const words[] = { "null", "true", "false" };
	unsigned kind = choose(m, 7);

	m->values++;
	if (kind < ARRAY_SIZE(words))
		buf_add_text(&m->json, words[kind]);
	else if (kind == 3)
		add_number(m);
	else if (kind == 4)
		add_string(m, "");
	else
		add_items(m, depth, kind == 5);
}

/* Every name, string and number of the tree, in their order. */
static void collect(struct buf *meaning, const struct json *node)
{
	if (json_key(node))
		buf_add(meaning, json_key(node), strlen(json_key(node)) + 1);
	if (json_text(node))
		buf_add(meaning, json_text(node), strlen(json_text(node)) + 1);
	json_for_each (child, node)
		collect(meaning, child);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();
	struct maker m = { .at = data, .end = data + MIN(size, (size_t)INPUT_MAX) };
	struct faults faults = { .count = 0 };
	const struct json *root;
	struct buf meaning;

	buf_init(&m.json, arena, TEXT_MAX);
	buf_init(&m.meaning, arena, TEXT_MAX);
	buf_init(&meaning, arena, TEXT_MAX);
	add_space(&m);
	add_value(&m, 0);
	add_space(&m);
	must(!m.json.full && !m.meaning.full);
	must(json_parse(arena, m.json.data, m.json.len, &faults, &root) == 0);
	collect(&meaning, root);
	must(meaning.len == m.meaning.len);
	must(!meaning.len || memcmp(meaning.data, m.meaning.data, meaning.len) == 0);
	return 0;
}
