/* The arithmetic of advice.h. Doubles: these are estimates. */
#include "pool/advice.h"

#include <math.h>

#include "base/base.h"

#define CPU_TARGET 0.65 /* what target tracking scales at */
#define TOO_MANY   0.01 /* of the requests may wait longer than the budget */
enum {
	WORKERS_MOST = 512,
	TASKS_LEAST = 2, /* one a zone, in two zones */
};

const char *const advice_limit_names[] = { "cpu", "memory", "connections" };

/* By the recurrence of Erlang's B, which neither overflows nor cancels. */
double erlang_c(int servers, double load)
{
	double b = 1;

	if (load >= servers)
		return 1;
	for (int n = 1; n <= servers; n++)
		b = load * b / (n + load * b);
	return b / (1 - load / servers * (1 - b));
}

double erlang_wait_beyond(int servers, double load, double service, double wait)
{
	if (load >= servers)
		return 1;
	return erlang_c(servers, load) * exp(-(servers - load) * wait / service);
}

/* The fewest workers that carry `load` within the budget. */
static int workers_for(const struct advice_input *in, double load)
{
	int n = (int)load + 1;

	while (n < WORKERS_MOST && erlang_wait_beyond(n, load, in->service_ms, in->wait_ms) > TOO_MANY)
		n++;
	return n;
}

/* The most that `workers` carry within the budget, in erlangs: by halving, for there is no formula backwards. */
static double load_of(const struct advice_input *in, int workers)
{
	double low = 0, high = workers;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;
		if (erlang_wait_beyond(workers, middle, in->service_ms, in->wait_ms) > TOO_MANY)
			high = middle;
		else
			low = middle;
	}
	return low;
}

/* Requests a second at the processors' target. */
static double rate_by_cpu(const struct advice_input *in)
{
	return CPU_TARGET * in->cores * 1000 / (in->cpu_ms + in->front_cpu_ms);
}

static double rate_of(const struct advice_input *in, int workers)
{
	return MIN(rate_by_cpu(in), load_of(in, workers) * 1000 / in->service_ms);
}

static double utilisation_at(const struct advice_input *in, double rate)
{
	return rate * (in->cpu_ms + in->front_cpu_ms) / 1000 / in->cores;
}

static void choose_workers(const struct advice_input *in, struct advice *a)
{
	a->by_cpu = workers_for(in, rate_by_cpu(in) * in->service_ms / 1000);
	/* Half of the memory is the workers': size.c says what the rest is for. */
	a->by_memory = (int)MIN(in->memory_mb * 1024 / 2 / in->worker_kb, WORKERS_MOST);
	a->by_connections = (int)MIN(in->connections / (2 * in->max_tasks) - in->other_workers, WORKERS_MOST);
	a->workers = a->by_cpu;
	a->binds = LIMIT_CPU;
	if (a->by_memory < a->workers) {
		a->workers = a->by_memory;
		a->binds = LIMIT_MEMORY;
	}
	if (a->by_connections < a->workers) {
		a->workers = a->by_connections;
		a->binds = LIMIT_CONNECTIONS;
	}
	a->workers = MAX(a->workers, 1);
}

struct advice advice_of(const struct advice_input *in)
{
	struct advice a = { 0 };

	choose_workers(in, &a);
	a.rate = rate_of(in, a.workers);
	a.utilisation = utilisation_at(in, a.rate);
	a.busy = a.rate * in->service_ms / 1000 / a.workers;
	a.memory_mb = (a.workers * in->worker_kb + 1023) / 1024;
	if (in->rate > 0)
		a.tasks = MAX((int)ceil(in->rate / a.rate), TASKS_LEAST);
	a.connections = (int64_t)(a.workers + in->other_workers) * MAX(a.tasks, 1);
	a.connections_twice = 2 * a.connections;
	if (in->workers > 0) {
		a.now_rate = rate_of(in, in->workers);
		a.now_utilisation = utilisation_at(in, a.now_rate);
	}
	return a;
}
