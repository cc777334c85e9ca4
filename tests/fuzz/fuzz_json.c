/* JSON in. What is accepted, cJSON reads to the same values from the text as it was sent; what we write of it is read back to
 * the same. What is refused says why, or stays refused. */
#include <cJSON.h>

#include "base/err.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "http/json.h"
#include "http/json_string.h"

static const int kinds[] = {
	[JSON_NULL] = cJSON_NULL,
	[JSON_FALSE] = cJSON_False,
	[JSON_TRUE] = cJSON_True,
	[JSON_NUMBER] = cJSON_Number,
	[JSON_STRING] = cJSON_String,
	[JSON_ARRAY] = cJSON_Array,
	[JSON_OBJECT] = cJSON_Object,
};

/* cJSON takes more than JSON: what it would let through is looked for here, without the scanner's help. */
static void number_is_strict(const char *text)
{
	static const char digits[] = "0123456789";

	text += *text == '-';
	must(strspn(text, digits) == 1 || (*text != '0' && strspn(text, digits)));
	text += strspn(text, digits);
	if (*text == '.') {
		must(strspn(++text, digits));
		text += strspn(text, digits);
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		must(strspn(text, digits));
		text += strspn(text, digits);
	}
	must(!*text);
}

static void strings_are_strict(const char *text, const char *end)
{
	bool inside = false;

	for (; text < end; text++) {
		if (!inside) {
			must((unsigned char)*text >= ' ' || strchr("\t\r\n", *text));
		} else if (*text == '\\') {
			must(*++text && strchr("\"\\/bfnrtu", *text));
			must(*text != 'u' || strspn(text + 1, "0123456789abcdefABCDEF") >= 4);
			continue; /* over an escaped quote */
		}
		must(!inside || (unsigned char)*text >= ' ');
		inside ^= *text == '"';
	}
	must(!inside);
}

/* No name stands twice: told by cJSON's own decoding of them. */
static void names_are_unique(const cJSON *object)
{
	for (const cJSON *a = object->child; a && a->string; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next)
			must(strcmp(a->string, b->string) != 0);
}

static void is_same_tree(const struct json *ours, const cJSON *theirs)
{
	const struct json *child = json_first(ours);

	must(theirs->type == kinds[json_type(ours)]);
	if (json_type(ours) == JSON_STRING) {
		must(strcmp(json_text(ours), theirs->valuestring) == 0);
		must(utf8_valid(json_text(ours), strlen(json_text(ours))));
	}
	if (json_type(ours) == JSON_NUMBER) {
		number_is_strict(json_text(ours));
		must(strtod(json_text(ours), NULL) == theirs->valuedouble);
	}
	names_are_unique(theirs);
	for (const cJSON *their = theirs->child; their; their = their->next, child = json_next(child)) {
		must(child);
		must(!json_key(child) == !their->string);
		must(!json_key(child) || strcmp(json_key(child), their->string) == 0);
		is_same_tree(child, their);
	}
	must(!child);
}

static void write_value(struct json_writer *w, const struct json *node)
{
	switch (json_type(node)) {
	case JSON_NULL:
		json_null(w);
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		json_boolean(w, json_type(node) == JSON_TRUE);
		break;
	case JSON_NUMBER:
		json_raw(w, json_text(node), strlen(json_text(node)));
		break;
	case JSON_STRING:
		json_string(w, json_text(node));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_open(w, json_type(node) == JSON_ARRAY ? '[' : '{');
		json_for_each (child, node) {
			if (json_key(child))
				json_name(w, json_key(child));
			write_value(w, child);
		}
		json_close(w, json_type(node) == JSON_ARRAY ? ']' : '}');
		break;
	}
}

static struct buf written(struct arena *arena, const struct json *root)
{
	struct json_writer w;
	struct buf text;

	buf_init(&text, arena, 6 * FUZZ_INPUT_MAX);
	json_begin(&w, &text);
	write_value(&w, root);
	must(!text.full);
	return text;
}

/* What we write of it means the same, and is what we write of that. */
static void survives_writing(struct arena *arena, const struct json *root, const cJSON *theirs)
{
	struct faults faults = { .count = 0 };
	struct buf text = written(arena, root);
	const struct json *again;

	must(json_parse(arena, text.data, text.len, &faults, &again) == 0);
	is_same_tree(again, theirs);
	struct buf same = written(arena, again);
	must(same.len == text.len && memcmp(same.data, text.data, text.len) == 0);
}

/* A written string, taken apart by our own reader of strings. */
static void strings_unescape(struct arena *arena, const struct json *node)
{
	struct json_writer w;
	struct json_string string;
	struct buf text;
	bool cut;

	json_for_each (child, node)
		strings_unescape(arena, child);
	if (json_type(node) != JSON_STRING)
		return;
	size_t n = strlen(json_text(node));
	char *back = arena_alloc(arena, n);
	buf_init(&text, arena, 6 * FUZZ_INPUT_MAX + 2);
	json_begin(&w, &text);
	json_string(&w, json_text(node));
	const char *at = text.data;
	must(json_string_scan(&at, &string) && !*at && !string.nul && !string.lone_surrogate);
	must(json_string_unescape(&string, back, n, &cut) == n && !cut);
	must(memcmp(back, json_text(node), n) == 0);
	if (n)
		must(json_string_unescape(&string, back, n - 1, &cut) < n && cut);
}

/* RFC 6901: nothing or a slash first; a tilde only before 0 or 1; and text that an answer can hold. */
static void is_pointer(const char *pointer)
{
	must(!*pointer || *pointer == '/');
	must(utf8_valid(pointer, strlen(pointer)));
	for (const char *tilde = pointer; (tilde = strchr(tilde, '~')); tilde++)
		must(tilde[1] == '0' || tilde[1] == '1');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();
	struct faults faults = { .count = 0 }, more = { .count = 0 };
	const struct json *root = NULL;

	if (size > FUZZ_INPUT_MAX / 8)
		return 0;
	const char *text = fuzz_text(arena, data, size);
	int err = json_parse(arena, text, size, &faults, &root);
	must(err == 0 || err == -ERR_BAD_JSON || err == -ERR_INVALID);
	must((err == -ERR_INVALID) == (faults.count > 0));
	must(!err == !!root);
	for (size_t i = 0; i < faults.count; i++)
		is_pointer(faults.at[i].pointer);

	/* White space around it changes nothing. */
	char *spaced = arena_alloc(arena, size + 5);
	snprintf(spaced, 3, "\t ");
	memcpy(spaced + 2, text, size);
	memcpy(spaced + 2 + size, "\r\n", 2);
	const struct json *within = NULL;
	must(json_parse(arena, spaced, size + 4, &more, &within) == err && more.count == faults.count);
	if (err == -ERR_BAD_JSON)
		return 0;
	must(utf8_valid(text, size));
	strings_are_strict(text, text + size);
	if (err)
		return 0;
	cJSON_InitHooks(NULL);
	cJSON *theirs = cJSON_ParseWithLengthOpts(text, size + 1, NULL, true);
	must(theirs);
	is_same_tree(root, theirs);
	survives_writing(arena, root, theirs);
	strings_unescape(arena, root);
	cJSON_InitHooks(NULL); /* ours have been set again by parsing */
	cJSON_Delete(theirs);
	return 0;
}
