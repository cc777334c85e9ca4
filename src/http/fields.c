/* Fields as data: the walker, and one reader for each type of field. */
#include "http/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/uuid.h"
#include "http/decimal.h"

/* What was given for a field. In a query everything is text, and counts as the type its field wants. */
struct given {
	enum json_type type;
	const char *text; /* of a string or number */
	bool in_query;
};

/* A reader checks what was given and, when it is right, writes the field's C type to `to`. */
typedef enum err reader(const struct field *f, const struct given *given, struct arena *arena, void *to);

/* --- one reader for each type --- */

/* Characters that no text holds: C0, DEL, C1 (two bytes: 0xc2 and 0x80-0x9f). */
static bool has_control(const char *text, bool multiline)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (multiline && (*c == '\n' || *c == '\t'))
			continue;
		if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return true;
	}
	return false;
}

static enum err read_text(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	(void)arena;
	if (given->type != JSON_STRING)
		return ERR_WRONG_TYPE;
	size_t count = utf8_count(given->text, strlen(given->text));
	size_t min = (size_t)(f->min ? f->min : FIELD_TEXT_MIN),
	       max = (size_t)(f->max ? f->max : FIELD_TEXT_MAX);
	bool blank = !given->text[strspn(given->text, " \t\n")];
	if (has_control(given->text, f->multiline))
		return ERR_BAD_CHARACTER;
	if (count < min || (f->required && blank))
		return ERR_TOO_SHORT;
	if (count > max)
		return ERR_TOO_LONG;
	enum err err = f->check ? f->check(given->text) : ERR_NONE;
	if (!err)
		*(const char **)to = given->text;
	return err;
}

static enum err read_decimal(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	bool preset = !f->digits && !f->scale;
	const char *value;

	if (given->type != JSON_STRING && given->type != JSON_NUMBER)
		return ERR_WRONG_TYPE;
	enum err err = decimal_read(arena, given->text, given->type == JSON_NUMBER,
		preset ? FIELD_DECIMAL_DIGITS : f->digits, preset ? FIELD_DECIMAL_SCALE : f->scale, &value);
	if (err)
		return err;
	if ((f->positive && decimal_compare(value, "0") <= 0) ||
		(f->low && decimal_compare(value, f->low) < 0) ||
		(f->high && decimal_compare(value, f->high) > 0))
		return ERR_OUT_OF_RANGE;
	*(const char **)to = value;
	return ERR_NONE;
}

static enum err read_integer(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	(void)arena;
	if (given->type != JSON_NUMBER && !given->in_query)
		return ERR_WRONG_TYPE;
	size_t sign = *given->text == '-', digits = strspn(given->text + sign, "0123456789");
	if (!digits || given->text[sign + digits])
		return ERR_WRONG_TYPE;
	errno = 0;
	int64_t value = strtoimax(given->text, NULL, 10);
	bool bounded = f->low_integer || f->high_integer;
	if (errno || (bounded && (value < f->low_integer || value > f->high_integer)))
		return ERR_OUT_OF_RANGE;
	*(int64_t *)to = value;
	return ERR_NONE;
}

static enum err read_flag(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	(void)f;
	(void)arena;
	if (given->type == JSON_TRUE || (given->in_query && strcmp(given->text, "true") == 0))
		*(int *)to = 1;
	else if (given->type == JSON_FALSE || (given->in_query && strcmp(given->text, "false") == 0))
		*(int *)to = 0;
	else
		return ERR_WRONG_TYPE;
	return ERR_NONE;
}

/* The nil UUID says "none" within: from outside it would be a filter that lets all through, or an owner that nobody named. */
static enum err read_uuid(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	struct uuid id;

	(void)f;
	(void)arena;
	if (given->type != JSON_STRING)
		return ERR_WRONG_TYPE;
	if (uuid_parse(given->text, &id) || uuid_is_nil(id))
		return ERR_BAD_FORMAT;
	*(struct uuid *)to = id;
	return ERR_NONE;
}

static enum err read_date(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	int32_t days;

	(void)arena;
	if (given->type != JSON_STRING)
		return ERR_WRONG_TYPE;
	if (date_parse(given->text, strlen(given->text), &days))
		return ERR_BAD_FORMAT;
	if (f->not_future && days > date_of(clock_wall() + FUTURE_GRACE_US))
		return ERR_IN_THE_FUTURE;
	*(int32_t *)to = days;
	return ERR_NONE;
}

static enum err read_time(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	int64_t wall;

	(void)arena;
	if (given->type != JSON_STRING)
		return ERR_WRONG_TYPE;
	if (time_parse(given->text, strlen(given->text), &wall))
		return ERR_BAD_FORMAT;
	if (f->not_future && wall > clock_wall() + FUTURE_GRACE_US)
		return ERR_IN_THE_FUTURE;
	*(int64_t *)to = wall;
	return ERR_NONE;
}

static enum err read_choice(const struct field *f, const struct given *given, struct arena *arena, void *to)
{
	int i = 0;

	(void)arena;
	if (given->type != JSON_STRING)
		return ERR_WRONG_TYPE;
	while (f->choices[i] && strcmp(f->choices[i], given->text) != 0)
		i++;
	if (!f->choices[i])
		return ERR_NOT_IN_LIST;
	*(int *)to = i;
	return ERR_NONE;
}

static reader *const readers[] = {
	[FIELD_TEXT] = read_text,
	[FIELD_DECIMAL] = read_decimal,
	[FIELD_INTEGER] = read_integer,
	[FIELD_FLAG] = read_flag,
	[FIELD_UUID] = read_uuid,
	[FIELD_DATE] = read_date,
	[FIELD_TIME] = read_time,
	[FIELD_CHOICE] = read_choice,
};

/* --- the walker --- */

/* Everything that one walk over a table needs. */
struct walk {
	const struct input *input;
	struct arena *arena;
	struct faults *faults;
	char *result; /* the struct being made */
	bool failed;
};

static void walk_fault(struct walk *w, enum err err, const char *pointer)
{
	w->failed = true;
	faults_add(w->faults, w->arena, err, "%s", pointer);
}

static const char *field_pointer(const struct walk *w, const char *name)
{
	struct buf pointer;

	if (w->input->in_query)
		return arena_printf(w->arena, "?%s", name);
	buf_init(&pointer, w->arena, JSON_POINTER_MAX);
	json_pointer_add(&pointer, name, strlen(name));
	return pointer.data;
}

/* What an absent OPTIONAL field leaves, where that is not zero. */
static void put_absent(const struct field *f, void *to)
{
	switch (f->type) {
	case FIELD_INTEGER:
		*(int64_t *)to = f->preset;
		break;
	case FIELD_DATE:
		*(int32_t *)to = NO_DATE;
		break;
	case FIELD_TIME:
		*(int64_t *)to = NO_TIME;
		break;
	case FIELD_FLAG:
	case FIELD_CHOICE:
		*(int *)to = -1;
		break;
	default:
		break;
	}
}

static void read_field(struct walk *w, const struct field *f, const struct given *given)
{
	void *to = w->result + f->offset;
	enum err err = ERR_NONE;

	if (given)
		err = readers[f->type](f, given, w->arena, to);
	else if (f->required && !w->input->partial)
		err = ERR_REQUIRED;
	else
		put_absent(f, to);
	if (err)
		walk_fault(w, err, field_pointer(w, f->name));
}

static bool is_field(const struct input *input, const char *name)
{
	for (const struct field *f = input->fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

static void walk_body(struct walk *w, const struct json *root)
{
	for (const struct field *f = w->input->fields; f->name; f++) {
		const struct json *node = json_get(root, f->name);
		if (!node || json_type(node) == JSON_NULL) {
			read_field(w, f, NULL);
			continue;
		}
		struct given given = { .type = json_type(node), .text = json_text(node) };
		read_field(w, f, &given);
	}
	json_for_each (child, root)
		if (!is_field(w->input, json_key(child)))
			walk_fault(w, ERR_UNKNOWN_FIELD, field_pointer(w, json_key(child)));
}

static const char *query_value(const struct request *req, const char *name, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (strcmp(req->query[i].name, name) == 0)
			return req->query[i].value;
	return NULL;
}

static void walk_query(struct walk *w, const struct request *req)
{
	for (const struct field *f = w->input->fields; f->name; f++) {
		struct given given = { .type = JSON_STRING, .in_query = true };
		given.text = query_value(req, f->name, req->query_count);
		read_field(w, f, given.text ? &given : NULL);
	}
	for (size_t i = 0; i < req->query_count; i++) {
		const char *name = req->query[i].name;
		if (query_value(req, name, i))
			walk_fault(w, ERR_DUPLICATE_FIELD, field_pointer(w, name));
		else if (!is_field(w->input, name))
			walk_fault(w, ERR_UNKNOWN_FIELD, field_pointer(w, name));
	}
}

/* --- the body --- */

/* Content-Type application/json, with parameters or not (RFC 8259 defines none: they change nothing), and
 * Content-Encoding identity. */
static bool is_plain_json(const struct request *req)
{
	static const char type[] = "application/json";
	const char *encoding = req->content_encoding;

	if (!req->content_type || strncasecmp(req->content_type, type, sizeof type - 1) != 0)
		return false;
	const char *rest = req->content_type + sizeof type - 1;
	rest += strspn(rest, " \t");
	return (!*rest || *rest == ';') && (!encoding || strcasecmp(encoding, "identity") == 0);
}

static int read_body(struct walk *w, const struct request *req)
{
	const struct json *root;

	if (!is_plain_json(req))
		return -ERR_UNSUPPORTED_TYPE;
	if (!req->body_length)
		return -ERR_BAD_JSON;
	int err = json_parse(w->arena, req->body, req->body_length, w->faults, &root);
	if (err)
		return err;
	if (json_type(root) == JSON_OBJECT)
		walk_body(w, root);
	else
		walk_fault(w, ERR_WRONG_TYPE, "");
	return w->failed ? -ERR_INVALID : 0;
}

bool input_takes_password(const struct input *input)
{
	for (const struct field *f = input->fields; f->name; f++)
		if (f->password)
			return true;
	return false;
}

int fields_read(const struct request *req, const struct input *input, struct arena *arena,
	struct faults *faults, void **ret_struct)
{
	struct walk w = { .input = input, .arena = arena, .faults = faults };

	w.result = arena_alloc(arena, input->size);
	if (input->in_query) {
		walk_query(&w, req);
		if (w.failed)
			return -ERR_BAD_QUERY;
	} else {
		int err = read_body(&w, req);
		if (err)
			return err;
	}
	*ret_struct = w.result;
	return 0;
}
