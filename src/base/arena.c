/* A request's memory: a bump allocator over one mmap. */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Under the address sanitizer what is not handed out is poisoned, and pieces stand apart, so that an overrun of
 * one piece is seen although the mapping around it is valid. */
#ifndef __has_feature
#define __has_feature(x) 0 /* gcc before 14 */
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
enum { RED_ZONE = 0 };
#endif

enum { ALIGN = 16 };

int arena_init(struct arena *a, size_t size)
{
	void *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	*a = (struct arena){ .base = p, .size = size };
	ASAN_POISON_MEMORY_REGION(a->base, a->size);
	return 0;
}

void arena_release(struct arena *a)
{
	if (!a->base)
		return;
	ASAN_UNPOISON_MEMORY_REGION(a->base, a->size);
	munmap(a->base, a->size);
	*a = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
	if (a->peak > ARENA_KEEP) {
		madvise(a->base + ARENA_KEEP, a->peak - ARENA_KEEP, MADV_DONTNEED);
		a->peak = ARENA_KEEP;
	}
	ASAN_POISON_MEMORY_REGION(a->base, a->size);
	a->used = 0;
}

NORETURN static void arena_exhausted(struct arena *a)
{
	if (!a->exhausted)
		abort();
	longjmp(*a->exhausted, 1);
}

/* The next `n` bytes, whatever they hold. */
static void *arena_take(struct arena *a, size_t n)
{
	size_t start = (a->used + RED_ZONE + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	if (start > a->size || n > a->size - start)
		arena_exhausted(a);
	a->used = start + n;
	a->peak = MAX(a->peak, a->used);
	ASAN_UNPOISON_MEMORY_REGION(a->base + start, n);
	return a->base + start;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return memset(arena_take(a, n), 0, n);
}

void *arena_alloc_array(struct arena *a, size_t size, size_t count)
{
	if (count && size > SIZE_MAX / count)
		arena_exhausted(a);
	return arena_alloc(a, size * count);
}

void *arena_grow(struct arena *a, void *old, size_t n, size_t more)
{
	if (old && (char *)old + n == a->base + a->used &&
		more <= a->size - (size_t)((char *)old - a->base)) {
		a->used += more - n;
		a->peak = MAX(a->peak, a->used);
		ASAN_UNPOISON_MEMORY_REGION((char *)old + n, more - n);
		return old;
	}
	char *p = arena_take(a, more);
	if (old)
		memcpy(p, old, n);
	return p;
}

char *arena_copy(struct arena *a, const char *text, size_t n)
{
	char *p = arena_take(a, n + 1);

	if (n)
		memcpy(p, text, n);
	p[n] = '\0';
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		arena_exhausted(a);
	char *p = arena_take(a, (size_t)n + 1);
	va_start(args, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, args);
	va_end(args);
	return p;
}
