/* The arithmetic of sizes; each constant says where it comes from. */
#include "pool/size.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "pool/cgroup.h"

enum {
	/* A worker waits on its stores for about three quarters of a request, so four keep a core busy. */
	WORKERS_PER_CORE = 4,
	WORKERS_MAX = 512,
	OPS_WORKERS = 2, /* one to answer while another is stuck: they wait for nothing */
	BACKLOG_MIN = 64,
	BACKLOG_LOAD = 3,
};

static int clamp(int64_t value, int low, int high)
{
	return (int)MAX(MIN(value, high), low);
}

/*
 * Backlog: three times what can be served within the longest useful wait, workers / service time x QUEUE_TIMEOUT_MS. So up
 * to three times the load it is age that refuses, which knows exports from writes (api/admission.c), and what is refused
 * then takes no time of a worker. Beyond that nginx refuses, at once. 3 x 16 workers / 5 ms x 250 ms = 2400.
 */
int size_backlog(const struct conf *conf, int workers, int64_t service_us)
{
	return clamp(BACKLOG_LOAD * workers * conf->queue_timeout_ms * US_PER_MS / MAX(service_us, 1),
		BACKLOG_MIN, INT32_MAX);
}

/* A first guess a group, on the fast side, until requests were measured. */
static const int64_t service_guess_us[GROUP_COUNT] = {
	[GROUP_MAIN] = 5 * US_PER_MS,
	[GROUP_LOGIN] = 25 * US_PER_MS, /* Argon2id: 20 ms of a core and more */
	[GROUP_OPS] = 1 * US_PER_MS,
};

static int64_t machine_millicores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return 1000 * (int64_t)CPU_COUNT(&set);
	return 1000 * (int64_t)MAX(sysconf(_SC_NPROCESSORS_ONLN),
			      1L); /* over 1024 processors the set is too small */
}

struct limits machine_limits(const struct conf *conf, const char *root)
{
	struct limits l = {
		.millicores = machine_millicores(),
		.memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE),
		.cpu_from = "machine",
		.memory_from = "machine",
	};
	int64_t cpu = cgroup_millicores(root), memory = cgroup_memory(root);

	if (cpu > 0 && cpu < l.millicores) {
		l.millicores = cpu;
		l.cpu_from = "cgroup";
	}
	if (memory > 0 && memory < l.memory) {
		l.memory = memory;
		l.memory_from = "cgroup";
	}
	if (conf->millicores) {
		l.millicores = conf->millicores;
		l.cpu_from = "configuration";
	}
	if (conf->memory_mb) {
		l.memory = conf->memory_mb << 20;
		l.memory_from = "configuration";
	}
	return l;
}

/* A part of a core still runs one worker's thread at a time, so it counts as a whole one here. */
static int cores(const struct limits *limits)
{
	return (int)((limits->millicores + 999) / 1000);
}

struct plan size_plan(const struct conf *conf, const struct limits *limits)
{
	struct plan p = { .workers = { [GROUP_OPS] = OPS_WORKERS } };

	/* A core is left to all others while a flood of logins hashes. */
	p.workers[GROUP_LOGIN] =
		conf->login_workers ? (int)conf->login_workers : clamp(limits->millicores / 1000 - 1, 1, 64);
	p.by_cpu = WORKERS_PER_CORE * cores(limits);
	p.by_memory = clamp(limits->memory / 2 / SIZE_WORKER_BYTES, 0, WORKERS_MAX);
	/* During blue/green twice MAX_TASKS tasks run, and a login worker has a connection too. */
	p.by_connections =
		clamp(conf->connections / (2 * conf->max_tasks) - p.workers[GROUP_LOGIN], 0, WORKERS_MAX);
	p.workers[GROUP_MAIN] =
		conf->workers ? (int)conf->workers
			      : clamp(MIN(MIN(p.by_cpu, p.by_memory), p.by_connections), 1, WORKERS_MAX);
	for (int g = 0; g < GROUP_COUNT; g++)
		p.backlog[g] = size_backlog(conf, p.workers[g], service_guess_us[g]);
	return p;
}

const char *size_explain(
	const struct conf *conf, const struct limits *limits, const struct plan *plan, char *to, size_t size)
{
	snprintf(to, size,
		"workers: main %d (%s; cpu allows %d = %d x %lld.%03lld cores of the %s rounded up, "
		"memory %d = %lld MiB of the %s / 2 / %d MiB, connections %d = %lld / (2 x %lld tasks) - %d "
		"login), "
		"login %d, ops %d; queue %d, %d, %d",
		plan->workers[GROUP_MAIN], conf->workers ? "configured" : "the least", plan->by_cpu,
		WORKERS_PER_CORE, (long long)(limits->millicores / 1000),
		(long long)(limits->millicores % 1000), limits->cpu_from, plan->by_memory,
		(long long)(limits->memory >> 20), limits->memory_from, SIZE_WORKER_BYTES >> 20,
		plan->by_connections, (long long)conf->connections, (long long)conf->max_tasks,
		plan->workers[GROUP_LOGIN], plan->workers[GROUP_LOGIN], plan->workers[GROUP_OPS],
		plan->backlog[GROUP_MAIN], plan->backlog[GROUP_LOGIN], plan->backlog[GROUP_OPS]);
	return to;
}
