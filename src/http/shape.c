/* A struct as JSON, by its table. */
#include "http/shape.h"

#include <stdint.h>
#include <string.h>

#include "base/hex.h"

enum { DIGEST_BYTES = 32 };

static void write_text(struct json_writer *w, const struct member *m, const void *at)
{
	(void)m;
	json_string(w, *(const char *const *)at);
}

static void write_integer(struct json_writer *w, const struct member *m, const void *at)
{
	(void)m;
	json_integer(w, *(const int64_t *)at);
}

static void write_boolean(struct json_writer *w, const struct member *m, const void *at)
{
	(void)m;
	json_boolean(w, *(const bool *)at);
}

static void write_uuid(struct json_writer *w, const struct member *m, const void *at)
{
	(void)m;
	json_uuid(w, *(const struct uuid *)at);
}

static void write_date(struct json_writer *w, const struct member *m, const void *at)
{
	(void)m;
	json_date(w, *(const int32_t *)at);
}

static void write_time(struct json_writer *w, const struct member *m, const void *at)
{
	(void)m;
	json_time(w, *(const int64_t *)at);
}

static void write_digest(struct json_writer *w, const struct member *m, const void *at)
{
	char hex[HEX_SIZE(DIGEST_BYTES)];

	(void)m;
	hex_encode(at, DIGEST_BYTES, hex);
	json_string(w, hex);
}

static void write_json(struct json_writer *w, const struct member *m, const void *at)
{
	const char *text = *(const char *const *)at;

	(void)m;
	if (text)
		json_raw(w, text, strlen(text));
	else
		json_null(w);
}

static void write_object(struct json_writer *w, const struct member *m, const void *at)
{
	const void *object = *(const void *const *)at;

	if (object)
		shape_write(w, m->shape, object);
	else
		json_null(w);
}

static void write_within(struct json_writer *w, const struct member *m, const void *at)
{
	shape_write(w, m->shape, at);
}

static void (*const writers[])(struct json_writer *w, const struct member *m, const void *at) = {
	[MEMBER_TEXT] = write_text,
	[MEMBER_DECIMAL] = write_text,
	[MEMBER_INTEGER] = write_integer,
	[MEMBER_BOOLEAN] = write_boolean,
	[MEMBER_UUID] = write_uuid,
	[MEMBER_DATE] = write_date,
	[MEMBER_TIME] = write_time,
	[MEMBER_DIGEST] = write_digest,
	[MEMBER_JSON] = write_json,
	[MEMBER_OBJECT] = write_object,
	[MEMBER_WITHIN] = write_within,
};

static void write_array(struct json_writer *w, const struct member *m, const char *from)
{
	const char *item = *(const char *const *)(from + m->offset);
	int64_t count = *(const int64_t *)(from + m->count);

	json_open(w, '[');
	for (int64_t i = 0; i < count; i++, item += m->shape->size)
		shape_write(w, m->shape, item);
	json_close(w, ']');
}

void shape_write(struct json_writer *w, const struct shape *shape, const void *from)
{
	json_open(w, '{');
	for (const struct member *m = shape->members; m->name; m++) {
		json_name(w, m->name);
		if (m->type == MEMBER_ARRAY)
			write_array(w, m, from);
		else
			writers[m->type](w, m, (const char *)from + m->offset);
	}
	json_close(w, '}');
}
