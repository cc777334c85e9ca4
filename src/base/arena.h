/*
 * A request's memory: one reserved stretch of address space, handed out front to back and taken back whole.
 *
 * Nothing in it is freed by hand. Pages become real when first touched; a reset gives back what lies beyond
 * ARENA_KEEP, so that one large answer does not stay with the worker for ever. Running out means that a limit
 * upstream is missing: arena_alloc() then does not return but jumps to arena->exhausted, where the request is
 * answered 503. Code that holds a foreign handle (a PGresult) therefore hands it to its owner before it
 * allocates.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <setjmp.h>
#include <stddef.h>

#include "base/base.h"

/* What is longest: a body of 1 MiB and its parsed tree (64 bytes a node, at worst one node for 2 bytes: 32 MiB); or the longest
 * trace: its texts and notes (16 MiB), the names of its places (16 MiB), its answer (20 MiB). */
#define ARENA_SIZE ((size_t)64 << 20)
/* What an ordinary request touches; kept warm between requests. */
#define ARENA_KEEP ((size_t)128 << 10)

struct arena {
	char *base;
	size_t size, used, peak;
	jmp_buf *exhausted; /* where to go when it is; NULL: abort */
};

MUST_CHECK int arena_init(struct arena *a, size_t size); /* 0 or -ENOMEM */
void arena_release(struct arena *a);
void arena_reset(struct arena *a);

/* Zeroed memory, aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t n);
/* Gives `old` of `n` bytes room for `more`: in place if it was the last piece, else by a copy. */
void *arena_grow(struct arena *a, void *old, size_t n, size_t more);

#define arena_new(a, type)          ((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc_array(a, sizeof(type), count))
void *arena_alloc_array(struct arena *a, size_t size, size_t count);

char *arena_copy(struct arena *a, const char *text, size_t n); /* NUL-terminated */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
