/*
 * How large the pool is: what the machine allows, how many workers that makes, how long their queues may be.
 */
#ifndef POOL_SIZE_H
#define POOL_SIZE_H

#include <stdint.h>

#include "conf/conf.h"
#include "pool/pool.h"

enum {
	/* A warm worker's share of memory, its connections' buffers included. Half of the memory goes to main workers: the rest
	 * is nginx, the login workers' hashes (19 MiB each) and room for a large request. */
	SIZE_WORKER_BYTES = 8 << 20,
};

struct limits {
	int64_t millicores, memory;         /* memory in bytes */
	const char *cpu_from, *memory_from; /* "configuration", "cgroup", "machine" */
};

/* CPUS and MEMORY_MB if set, else the cgroup's if lower than the machine's. `root` as in pool/cgroup.h. */
struct limits machine_limits(const struct conf *conf, const char *root);

struct plan {
	int workers[GROUP_COUNT], backlog[GROUP_COUNT];
	int by_cpu, by_memory, by_connections; /* what each would allow the main group */
};

struct plan size_plan(const struct conf *conf, const struct limits *limits);

/* How many may wait for `workers` that take `service_us` a request: three times what they serve within
 * QUEUE_TIMEOUT_MS, at least 64. */
int size_backlog(const struct conf *conf, int workers, int64_t service_us);

/* The arithmetic as one sentence for the log. Returns `to`. */
const char *size_explain(
	const struct conf *conf, const struct limits *limits, const struct plan *plan, char *to, size_t size);

#endif
