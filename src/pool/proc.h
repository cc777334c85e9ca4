/*
 * What /proc tells about processes, and small kernel files as text.
 */
#ifndef POOL_PROC_H
#define POOL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* A whole small file, NUL-terminated, cut at size - 1. Its length or -errno. */
MUST_CHECK int file_read(const char *path, char *to, size_t size);
MUST_CHECK int file_write(const char *path, const char *text); /* 0 or -errno */

/* When it started, in clock ticks since boot (proc(5), stat field 22); 0: there is no such process. */
uint64_t process_start(int pid);
/* Its share of memory in bytes, shared pages divided by their sharers (smaps_rollup, Pss); -1 if it cannot be read. */
int64_t process_pss(int pid);
/* Memory that is its alone, in bytes (smaps_rollup, Private_Clean and Private_Dirty); -1 if it cannot be read. */
int64_t process_private(int pid);
/* The kernel is writing its core (proc(5), status: CoreDumping). */
bool process_dumps_core(int pid);

#endif
