/*
 * How many workers, tasks and connections a load needs: the advice of `agrobridge size`.
 *
 * A group is a queue with N servers (M/M/N). Requests arrive at random, a worker keeps one for the service time S, of which
 * C is processor time; a task's processors are to be busy for 65 %. So a task takes
 *
 *     rate = 0.65 x cores / (C + F)          F: processor time of nginx a request
 *
 * requests a second and keeps rate x S workers busy on average. How many more are needed, so that hardly anybody waits,
 * is Erlang's C formula (A. K. Erlang, 1917): with a = rate x S and N > a,
 *
 *     P(wait > t) = ErlangC(N, a) x exp(-(N - a) x t / S)
 *
 * and N is the least for which P(wait > budget) is at most 1 %. Memory and connections may allow fewer; then the rate is what
 * so few can carry within the same budget, and the processors stay idle: the trap this tool is for.
 */
#ifndef POOL_ADVICE_H
#define POOL_ADVICE_H

#include <stdint.h>

struct advice_input {
	double service_ms, cpu_ms, front_cpu_ms; /* S, C, F a request */
	double cores;                            /* of a task */
	double wait_ms;                          /* budget: 99 of 100 requests wait no longer */
	int64_t memory_mb, worker_kb;            /* of a task; what a worker needs of its own */
	int64_t connections, max_tasks;          /* PostgreSQL's, for all; tasks of one colour */
	int other_workers;                       /* with a connection each: the login group's */
	double rate;                             /* requests a second to plan tasks for; 0: not asked */
	int workers;                             /* what runs now; 0: not known */
};

enum advice_limit { LIMIT_CPU, LIMIT_MEMORY, LIMIT_CONNECTIONS };
extern const char *const advice_limit_names[]; /* "cpu", "memory", "connections" */

struct advice {
	int workers; /* a task should have */
	int by_cpu, by_memory, by_connections;
	enum advice_limit binds;
	double rate;        /* requests a second of a task with them, at no more than 65 % */
	double utilisation; /* of its processors then, 0 to 1 */
	double busy;        /* of its workers then, on average */
	int64_t memory_mb;  /* of its workers */
	int tasks;          /* for the rate asked, at least 2; 0: not asked */
	int64_t connections, connections_twice; /* of these tasks; during blue/green */
	double now_rate, now_utilisation;       /* the same for the workers that run; 0 where not known */
};

/* The share of requests that find all of `servers` busy, `load` being in erlangs; 1 when load >= servers. */
double erlang_c(int servers, double load);
/* The share of requests that wait longer than `wait` (in the unit of `service`). */
double erlang_wait_beyond(int servers, double load, double service, double wait);

/* Every figure of the input but the last two must be above 0. */
struct advice advice_of(const struct advice_input *in);

#endif
