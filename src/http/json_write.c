/* JSON out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/json.h"

/* Characters that stand for themselves in a string (RFC 8259 section 7: all but quote, backslash and C0). */
static const bool plain[256] = { [0x20 ... 0x21] = true, [0x23 ... 0x5b] = true, [0x5d ... 0xff] = true };

static void add_escape(struct buf *b, char c)
{
	static const char characters[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *known = strchr(characters, c);

	if (known) {
		buf_add_char(b, '\\');
		buf_add_char(b, letters[known - characters]);
	} else {
		buf_printf(b, "\\u%04x", c);
	}
}

static void add_string(struct buf *b, const char *text)
{
	buf_add_char(b, '"');
	for (;;) {
		const char *run = text;
		while (plain[(uint8_t)*text])
			text++;
		buf_add(b, run, (size_t)(text - run));
		if (!*text)
			break;
		add_escape(b, *text++);
	}
	buf_add_char(b, '"');
}

/* Before each value: the comma that separates it from the one before. */
static void begin_value(struct json_writer *w)
{
	if (w->comma)
		buf_add_char(w->out, ',');
	w->comma = true;
}

void json_begin(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

void json_open(struct json_writer *w, char bracket)
{
	begin_value(w);
	buf_add_char(w->out, bracket);
	w->comma = false;
}

void json_close(struct json_writer *w, char bracket)
{
	buf_add_char(w->out, bracket);
	w->comma = true;
}

void json_name(struct json_writer *w, const char *name)
{
	begin_value(w);
	add_string(w->out, name);
	buf_add_char(w->out, ':');
	w->comma = false;
}

void json_raw(struct json_writer *w, const char *text, size_t n)
{
	begin_value(w);
	buf_add(w->out, text, n);
}

void json_string(struct json_writer *w, const char *text)
{
	if (!text) {
		json_null(w);
		return;
	}
	begin_value(w);
	add_string(w->out, text);
}

void json_integer(struct json_writer *w, int64_t value)
{
	begin_value(w);
	buf_add_int(w->out, value);
}

void json_boolean(struct json_writer *w, bool value)
{
	const char *text = value ? "true" : "false";

	json_raw(w, text, strlen(text));
}

void json_null(struct json_writer *w)
{
	json_raw(w, "null", 4);
}

void json_uuid(struct json_writer *w, struct uuid id)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(id, text);
	json_string(w, uuid_is_nil(id) ? NULL : text);
}

void json_time(struct json_writer *w, int64_t wall)
{
	char text[TIME_TEXT_SIZE];

	if (wall != INT64_MIN)
		time_to_text(wall, text);
	json_string(w, wall == INT64_MIN ? NULL : text);
}

void json_date(struct json_writer *w, int32_t days)
{
	char text[DATE_TEXT_SIZE];

	if (days != INT32_MIN)
		date_to_text(days, text);
	json_string(w, days == INT32_MIN ? NULL : text);
}

void json_put_open(struct json_writer *w, const char *name, char bracket)
{
	json_name(w, name);
	json_open(w, bracket);
}

void json_put_raw(struct json_writer *w, const char *name, const char *value)
{
	json_name(w, name);
	json_raw(w, value, strlen(value));
}

void json_put_string(struct json_writer *w, const char *name, const char *text)
{
	json_name(w, name);
	json_string(w, text);
}

void json_put_integer(struct json_writer *w, const char *name, int64_t value)
{
	json_name(w, name);
	json_integer(w, value);
}

void json_put_thousandths(struct json_writer *w, const char *name, int64_t thousandths)
{
	json_name(w, name);
	begin_value(w);
	buf_add_thousandths(w->out, thousandths);
}

void json_put_boolean(struct json_writer *w, const char *name, bool value)
{
	json_name(w, name);
	json_boolean(w, value);
}

void json_put_uuid(struct json_writer *w, const char *name, struct uuid id)
{
	json_name(w, name);
	json_uuid(w, id);
}

void json_put_time(struct json_writer *w, const char *name, int64_t wall)
{
	json_name(w, name);
	json_time(w, wall);
}

void json_pointer_add(struct buf *pointer, const char *name, size_t n)
{
	buf_add_char(pointer, '/');
	for (const char *end = name + n; name < end; name++) {
		if (*name == '~')
			buf_add_text(pointer, "~0");
		else if (*name == '/')
			buf_add_text(pointer, "~1");
		else
			buf_add_char(pointer, *name);
	}
}
