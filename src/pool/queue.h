/*
 * How many connections wait on a listening Unix socket: the figure no peer shows, because the usual ways to ask
 * (SIOCINQ, SO_MEMINFO, TCP_INFO) say nothing there.
 */
#ifndef POOL_QUEUE_H
#define POOL_QUEUE_H

#include <stdint.h>

#include "base/base.h"

struct queue {
	int64_t depth; /* connected and not yet accepted */
	int64_t limit; /* the backlog in force; the kernel lets in one more than that */
};

/* Of the socket with this inode (fstat()) in the caller's network namespace, by sock_diag(7), exact and without
 * privileges. -ENOENT: there is no such socket; other -errno: the kernel has no unix_diag. */
MUST_CHECK int queue_by_diag(uint64_t inode, struct queue *ret_queue);

/* The same by counting the rows of /proc/net/unix that are being connected to `path`; there is no limit in it. `table` is
 * that file's path (a test gives its own). */
MUST_CHECK int queue_by_table(const char *table, const char *path, int64_t *ret_depth);

/* By whichever works; `backlog` stands in for a limit that cannot be read. Zeros when neither does. */
struct queue queue_measure(uint64_t inode, const char *path, int backlog);

#endif
