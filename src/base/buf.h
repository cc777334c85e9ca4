/*
 * Text that grows, in an arena, up to a ceiling that its maker names.
 * Past the ceiling nothing more is added and `full` stays set: check it once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"

struct buf {
	struct arena *arena;
	char *data; /* always NUL-terminated once anything was added; NULL before */
	size_t len, cap, max;
	bool full;
};

void buf_init(struct buf *b, struct arena *arena, size_t max);
void buf_clear(struct buf *b); /* empty again, in the same room */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_int(struct buf *b, int64_t value);
void buf_add_thousandths(struct buf *b, int64_t value); /* 12050: "12.050" */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Room for n bytes more, to be filled through the returned pointer and then counted by buf_added(); NULL when
 * that would pass the ceiling. */
char *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

#endif
