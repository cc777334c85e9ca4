/*
 * What every fuzzer has at hand. A fuzzer is one file, fuzz_NAME.c, with libFuzzer's entry: bytes in, promises checked by
 * must(), which ends the process where one is broken. It is linked twice, with libFuzzer by tests/fuzz/run and with
 * replay.c by make check, where each file of corpus/NAME/ is one test.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what) ((what) ? (void)0 : fuzz_broken(#what, __FILE__, __LINE__))

NORETURN static inline void fuzz_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

/* Inputs are some kilobytes: what does not fit here means that a limit is missing, and the arena aborts. Small, because the
 * address sanitizer marks all of it at each reset. */
enum { FUZZ_ARENA_SIZE = 8 << 20, FUZZ_INPUT_MAX = 1 << 16 };

/* The one arena of a run, empty. */
static inline struct arena *fuzz_arena(void)
{
	static struct arena arena;

	if (!arena.base)
		must(arena_init(&arena, FUZZ_ARENA_SIZE) == 0);
	arena_reset(&arena);
	return &arena;
}

/* The bytes as text that ends exactly where its memory does. Lives as long as the arena. */
static inline char *fuzz_text(struct arena *arena, const uint8_t *data, size_t size)
{
	return arena_copy(arena, (const char *)data, size);
}

/* Cuts the next line off; "" after the last. */
static inline char *fuzz_line(char **at)
{
	char *line = *at, *end = line + strcspn(line, "\n");

	*at = end + (*end == '\n');
	*end = '\0';
	return line;
}

/* "%41%42": every byte escaped, so that what is decoded once comes back as it was. */
static inline const char *fuzz_escape(struct arena *arena, const char *text)
{
	char *escaped = arena_alloc(arena, 3 * strlen(text) + 1), *to = escaped;

	for (; *text; text++, to += 3)
		snprintf(to, 4, "%%%02X", (unsigned char)*text);
	return escaped;
}

#endif
