/* The strict scanner: tokens, nesting and our own rules (strings are in json_string.c). It looks at one character at a
 * time and relies on the NUL after the text: no character that continues a token is NUL, so none of these loops needs
 * to ask where the end is. */
#include "http/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "http/json.h"
#include "http/json_string.h"

enum { FIRST_NAMES = 32 }; /* room for these is made at once: more than an ordinary body has */

/* A member's name, unescaped; what is compared for being there twice. */
struct name {
	const char *text;
	uint32_t length, hash;
};

/* An array or object that is open: which of its items we are at. */
struct level {
	size_t index;      /* in an array */
	struct name name;  /* in an object */
	size_t first_name; /* its names are names[first_name] up to names[name_count - 1] of the scanner */
	bool too_many;
};

enum expect { VALUE, VALUE_OR_END, NAME, NAME_OR_END, COMMA_OR_END, NOTHING };

struct scanner {
	struct arena *arena;
	struct faults *faults;
	bool broken; /* a rule, not the syntax */
	const char *start, *at;
	enum expect expect;
	size_t depth, value_count;
	uint8_t *is_object;                  /* one bit for each level, however deep */
	struct level levels[JSON_DEPTH_MAX]; /* the outermost ones */
	struct name *names; /* of all open objects: at most JSON_DEPTH_MAX * JSON_MEMBERS_MAX */
	size_t name_count, name_room;
	char *text, *number; /* struct json_scan as it is being made */
};

static bool in_object(const struct scanner *s)
{
	return s->is_object[(s->depth - 1) / 8] >> (s->depth - 1) % 8 & 1;
}

/* Notes a fault at the item that the outermost `depth` levels lead to. */
static void note(struct scanner *s, enum err err, size_t depth)
{
	struct buf pointer;

	s->broken = true;
	if (s->faults->count == FAULTS_MAX)
		return;
	buf_init(&pointer, s->arena, JSON_POINTER_MAX);
	for (size_t i = 0; i < depth; i++) {
		const struct level *l = &s->levels[i];
		if (l->name.text)
			json_pointer_add(&pointer, l->name.text, l->name.length);
		else
			buf_printf(&pointer, "/%zu", l->index);
	}
	faults_add(s->faults, s->arena, err, "%s", pointer.len ? pointer.data : "");
}

static void skip_space(struct scanner *s)
{
	while (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')
		s->at++;
}

/* --- strings and names --- */

static void judge_string(struct scanner *s, const struct json_string *string)
{
	if (s->depth > JSON_DEPTH_MAX)
		return;
	if (string->nul)
		note(s, ERR_NUL_CHARACTER, s->depth);
	if (string->lone_surrogate)
		note(s, ERR_BAD_CHARACTER, s->depth);
}

static uint32_t hash(const char *text, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (n--)
		h = (h ^ (uint8_t)*text++) * 16777619u;
	return h;
}

static bool is_known(const struct scanner *s, const struct level *l, const struct name *name)
{
	for (size_t i = l->first_name; i < s->name_count; i++) {
		const struct name *other = &s->names[i];
		if (other->hash == name->hash && other->length == name->length &&
			memcmp(other->text, name->text, name->length) == 0)
			return true;
	}
	return false;
}

static void remember(struct scanner *s, const struct name *name)
{
	if (s->name_count == s->name_room) {
		size_t room = MAX(2 * s->name_room, (size_t)FIRST_NAMES);
		s->names = arena_grow(s->arena, s->names, s->name_room * sizeof *name, room * sizeof *name);
		s->name_room = room;
	}
	s->names[s->name_count++] = *name;
}

/* Makes the string the name of the current member and applies our rules to it. */
static void judge_name(struct scanner *s, const struct json_string *string)
{
	struct level *l = &s->levels[s->depth - 1];
	size_t length = (size_t)(string->end - string->text);
	const char *text = string->text;
	char unescaped[JSON_NAME_MAX];
	bool cut = false;

	if (string->escaped || length > JSON_NAME_MAX) {
		length = json_string_unescape(string, unescaped, sizeof unescaped, &cut);
		text = arena_copy(s->arena, unescaped, length);
	}
	l->name = (struct name){ text, (uint32_t)length, hash(text, length) };
	judge_string(s, string);
	if (cut) {
		note(s, ERR_TOO_LONG, s->depth);
	} else if (s->name_count - l->first_name < JSON_MEMBERS_MAX) {
		if (is_known(s, l, &l->name))
			note(s, ERR_DUPLICATE_FIELD, s->depth);
		else
			remember(s, &l->name);
	} else if (!l->too_many) {
		l->too_many = true;
		note(s, ERR_TOO_LONG, s->depth - 1);
	}
}

static bool scan_name(struct scanner *s)
{
	struct json_string string;

	if (*s->at != '"' || !json_string_scan(&s->at, &string))
		return false;
	if (s->depth <= JSON_DEPTH_MAX)
		judge_name(s, &string);
	skip_space(s);
	s->expect = VALUE;
	return *s->at++ == ':';
}

/* --- values --- */

static bool skip_digits(struct scanner *s)
{
	const char *from = s->at;

	while (*s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > from;
}

static bool scan_number(struct scanner *s)
{
	const char *from = s->at;

	s->at += *s->at == '-';
	if (*s->at == '0')
		s->at++;
	else if (!skip_digits(s))
		return false;
	if (*s->at == '.') {
		s->at++;
		if (!skip_digits(s))
			return false;
	}
	if (*s->at == 'e' || *s->at == 'E') {
		s->at++;
		s->at += *s->at == '+' || *s->at == '-';
		if (!skip_digits(s))
			return false;
	}
	size_t n = (size_t)(s->at - from);
	char *copy = s->text + (from - s->start);
	memcpy(s->number, from, n);
	s->number[n] = '\0';
	s->number += n + 1;
	memset(copy, ' ', n);
	*copy = '0';
	return true;
}

static bool scan_word(struct scanner *s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(s->at, word, n) != 0)
		return false;
	s->at += n;
	return true;
}

static void after_value(struct scanner *s)
{
	s->expect = s->depth ? COMMA_OR_END : NOTHING;
}

static bool open_level(struct scanner *s)
{
	bool object = *s->at++ == '{';
	uint8_t bit = (uint8_t)(1 << s->depth % 8);

	if (s->depth < JSON_DEPTH_MAX)
		s->levels[s->depth] = (struct level){ .first_name = s->name_count };
	else if (s->depth == JSON_DEPTH_MAX)
		note(s, ERR_TOO_DEEP, s->depth);
	if (object)
		s->is_object[s->depth / 8] |= bit;
	else
		s->is_object[s->depth / 8] &= (uint8_t)~bit;
	s->depth++;
	s->expect = object ? NAME_OR_END : VALUE_OR_END;
	return true;
}

static bool close_level(struct scanner *s)
{
	s->at++;
	s->depth--;
	if (s->depth < JSON_DEPTH_MAX)
		s->name_count = s->levels[s->depth].first_name;
	after_value(s);
	return true;
}

static bool scan_value(struct scanner *s)
{
	struct json_string string;
	bool fine;

	if (++s->value_count == JSON_VALUES_MAX + 1)
		note(s, ERR_TOO_LONG, 0);
	switch (*s->at) {
	case '{':
	case '[':
		return open_level(s);
	case '"':
		fine = json_string_scan(&s->at, &string);
		if (fine)
			judge_string(s, &string);
		break;
	case 't':
		fine = scan_word(s, "true");
		break;
	case 'f':
		fine = scan_word(s, "false");
		break;
	case 'n':
		fine = scan_word(s, "null");
		break;
	default:
		fine = scan_number(s);
	}
	after_value(s);
	return fine;
}

static bool scan_comma(struct scanner *s)
{
	bool object = in_object(s);

	if (!object && s->depth <= JSON_DEPTH_MAX)
		s->levels[s->depth - 1].index++;
	s->expect = object ? NAME : VALUE;
	return *s->at++ == ',';
}

/* One token. */
static bool scan_token(struct scanner *s)
{
	switch (s->expect) {
	case VALUE_OR_END:
		return *s->at == ']' ? close_level(s) : scan_value(s);
	case VALUE:
		return scan_value(s);
	case NAME_OR_END:
		return *s->at == '}' ? close_level(s) : scan_name(s);
	case NAME:
		return scan_name(s);
	case COMMA_OR_END:
		return *s->at == (in_object(s) ? '}' : ']') ? close_level(s) : scan_comma(s);
	case NOTHING:
		break;
	}
	return false;
}

int json_scan(
	struct arena *arena, const char *text, size_t n, struct faults *faults, struct json_scan *ret_scan)
{
	struct scanner s = { .arena = arena, .faults = faults, .start = text, .at = text };
	size_t faults_before = faults->count;

	/* Every number but the last is followed by at least one character, whose place its NUL takes: n + 1 is enough. */
	struct json_scan scan = { arena_copy(arena, text, n), arena_alloc(arena, n + 1) };
	s.text = scan.text;
	s.number = scan.numbers;
	s.is_object = arena_alloc(arena, n / 8 + 1);

	skip_space(&s);
	while (s.expect != NOTHING) {
		if (!scan_token(&s)) {
			faults->count = faults_before;
			return -ERR_BAD_JSON;
		}
		skip_space(&s);
	}
	if (s.at != text + n) {
		faults->count = faults_before;
		return -ERR_BAD_JSON;
	}
	if (s.broken)
		return -ERR_INVALID;
	*ret_scan = scan;
	return 0;
}
