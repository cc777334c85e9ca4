/* Text that grows, in an arena. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_SIZE = 1024 };

void buf_init(struct buf *b, struct arena *arena, size_t max)
{
	*b = (struct buf){ .arena = arena, .max = max };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->full = false;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->full || n > b->max - b->len) {
		b->full = true;
		return NULL;
	}
	size_t need = b->len + n + 1;
	if (need > b->cap) {
		size_t cap = MIN(MAX(MAX(2 * b->cap, need), (size_t)FIRST_SIZE) - 1, b->max) + 1;
		b->data = arena_grow(b->arena, b->data, b->cap, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	char *at = buf_reserve(b, n);

	if (!at)
		return;
	if (n)
		memcpy(at, bytes, n);
	buf_added(b, n);
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* `value` from its last digit on, at least `least` of them, as every answer has several: printf costs ten times as much. */
static void add_digits(struct buf *b, uint64_t value, int least)
{
	char digits[20]; /* 2^64 has 20 */
	int at = sizeof digits;

	for (; value || least > 0; value /= 10, least--)
		digits[--at] = (char)('0' + value % 10);
	buf_add(b, digits + at, sizeof digits - (size_t)at);
}

static uint64_t add_sign(struct buf *b, int64_t value)
{
	if (value >= 0)
		return (uint64_t)value;
	buf_add_char(b, '-');
	return -(uint64_t)value;
}

void buf_add_int(struct buf *b, int64_t value)
{
	add_digits(b, add_sign(b, value), 1);
}

void buf_add_thousandths(struct buf *b, int64_t value)
{
	uint64_t whole = add_sign(b, value);

	add_digits(b, whole / 1000, 1);
	buf_add_char(b, '.');
	add_digits(b, whole % 1000, 3);
}

/* Straight into the room there is; measured and written again only where that was too little. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->full ? 0 : b->cap - b->len;
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, args);
	va_end(args);
	char *at = n < 0 ? NULL : buf_reserve(b, (size_t)n);
	if (!at) {
		if (room)
			b->data[b->len] = '\0';
		return;
	}
	if ((size_t)n >= room) {
		va_start(args, fmt);
		vsnprintf(at, (size_t)n + 1, fmt, args);
		va_end(args);
	}
	buf_added(b, (size_t)n);
}
