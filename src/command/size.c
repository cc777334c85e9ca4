/* agrobridge size: advice on workers and tasks, from the running pool or from figures given by hand. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "pool/advice.h"
#include "pool/scoreboard.h"
#include "pool/size.h"
#include "pool/view.h"

enum { LEAST_REQUESTS = 100 }; /* below that means are chance */

/* nginx's share of a request, which the pool cannot see: measured were 0.04 ms when it is saturated, 0.2 ms at some hundred
 * requests a second (docs/workers.md); 65 % lies between. */
#define FRONT_CPU_MS 0.1
/* A fifth of AGROBRIDGE_QUEUE_TIMEOUT_MS: a wait that 99 of 100 requests stay under should be far from being refused. */
#define WAIT_SHARE 5

struct size_request {
	struct advice_input in;
	bool json;
};

static const struct figure {
	const char *name, *meaning;
	size_t offset;
} figures[] = {
	{ "service-ms", "time a request keeps its worker", offsetof(struct advice_input, service_ms) },
	{ "cpu-ms", "processor time of it", offsetof(struct advice_input, cpu_ms) },
	{ "front-cpu-ms", "processor time of nginx for it", offsetof(struct advice_input, front_cpu_ms) },
	{ "wait-ms", "99 of 100 requests should wait no longer", offsetof(struct advice_input, wait_ms) },
	{ "cores", "cores of a task", offsetof(struct advice_input, cores) },
	{ "rate", "requests a second to plan for", offsetof(struct advice_input, rate) },
};

/* A decimal number above 0, at most six digits on either side of the point. */
static int number_parse(const char *text, double *ret_value)
{
	char *end;
	long long whole, part = 0;
	double unit = 1;

	whole = strtoll(text, &end, 10);
	if (end == text || end - text > 6 || whole < 0 || *text == '+')
		return -1;
	if (*end == '.') {
		const char *digits = end + 1;
		part = strtoll(digits, &end, 10);
		if (end == digits || end - digits > 6 || *digits == '-' || *digits == '+')
			return -1;
		for (; digits < end; digits++)
			unit *= 10;
	}
	if (*end || whole + part == 0)
		return -1;
	*ret_value = (double)whole + (double)part / unit;
	return 0;
}

/* What runs now and what it has measured in the last minute. */
static void from_pool(const struct conf *conf, struct advice_input *in)
{
	struct scoreboard *board;
	struct group_view view;

	if (scoreboard_open_read(conf->socket_dir, &board))
		return;
	view_group(board, GROUP_MAIN, &view);
	in->workers = view.configured;
	if (view.recent.at[TALLY_REQUESTS] >= LEAST_REQUESTS) {
		in->cpu_ms = (double)tally_mean(&view.recent, TALLY_CPU_US) / 1000;
		/* What a worker computes between two requests keeps it, too. */
		in->service_ms = MAX((double)tally_mean(&view.recent, TALLY_SERVICE_US) / 1000, in->cpu_ms);
	}
	scoreboard_close(board);
}

static void from_conf(const struct conf *conf, struct advice_input *in)
{
	const struct limits limits = machine_limits(conf, "");
	const struct plan plan = size_plan(conf, &limits);

	*in = (struct advice_input){
		.front_cpu_ms = FRONT_CPU_MS,
		.cores = (double)limits.millicores / 1000,
		.wait_ms = (double)conf->queue_timeout_ms / WAIT_SHARE,
		.memory_mb = limits.memory >> 20,
		.worker_kb = SIZE_WORKER_BYTES / 1024,
		.connections = conf->connections,
		.max_tasks = conf->max_tasks,
		.other_workers = plan.workers[GROUP_LOGIN],
	};
}

static int parse(int argc, char **argv, struct size_request *request)
{
	struct option options[ARRAY_SIZE(figures) + 2] = { { "json", no_argument, NULL, 'j' } };
	int c, which;

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		options[i + 1] = (struct option){ figures[i].name, required_argument, NULL, 'f' };
	while ((c = getopt_long(argc, argv, "", options, &which)) != -1) {
		if (c == 'j')
			request->json = true;
		else if (c != 'f' ||
			 number_parse(optarg, (double *)((char *)&request->in + figures[which - 1].offset)))
			return -1;
	}
	return optind == argc ? 0 : -1;
}

static void print_json(const struct advice_input *in, const struct advice *a)
{
	printf("{\"service_ms\":%.3f,\"cpu_ms\":%.3f,\"front_cpu_ms\":%.3f,\"cores\":%.3f,\"wait_ms\":%.3f,",
		in->service_ms, in->cpu_ms, in->front_cpu_ms, in->cores, in->wait_ms);
	printf("\"workers\":%d,\"binds\":\"%s\",\"by_cpu\":%d,\"by_memory\":%d,\"by_connections\":%d,",
		a->workers, advice_limit_names[a->binds], a->by_cpu, a->by_memory, a->by_connections);
	printf("\"rate_per_task\":%.1f,\"cpu_utilisation\":%.3f,\"workers_busy\":%.3f,\"memory_mb\":%lld,",
		a->rate, a->utilisation, a->busy, (long long)a->memory_mb);
	printf("\"tasks\":%d,\"connections\":%lld,\"connections_blue_green\":%lld,", a->tasks,
		(long long)a->connections, (long long)a->connections_twice);
	printf("\"now\":{\"workers\":%d,\"rate_per_task\":%.1f,\"cpu_utilisation\":%.3f}}\n", in->workers,
		a->now_rate, a->now_utilisation);
}

/* What the workers that run now mean, if they are not the right number. */
static void print_now(const struct advice_input *in, const struct advice *a)
{
	if (!in->workers)
		return;
	if (in->workers < a->workers)
		printf("workers bind: %d are full at %.0f requests/s with the processors at %.0f %%.\n"
		       "Scaling at 65 %% CPU never adds a task: use AGROBRIDGE_WORKERS=%d.\n",
			in->workers, a->now_rate, 100 * a->now_utilisation, a->workers);
	else
		printf("%d workers run now: %s\n", in->workers,
			in->workers == a->workers ? "as advised" : "enough; fewer would do");
}

static void print_text(const struct advice_input *in, const struct advice *a)
{
	printf("a request: %.2f ms of a worker, %.3f ms of processor, %.3f ms of nginx's\n", in->service_ms,
		in->cpu_ms, in->front_cpu_ms);
	printf("a task:    %.2f cores, %lld MiB; 99 of 100 requests to wait less than %.0f ms\n\n", in->cores,
		(long long)in->memory_mb, in->wait_ms);
	printf("workers    %-6d %s bind%s (cpu %d, memory %d, connections %d)\n", a->workers,
		advice_limit_names[a->binds], a->binds == LIMIT_CONNECTIONS ? "" : "s", a->by_cpu,
		a->by_memory, a->by_connections);
	printf("carry      %-6.0f requests/s a task, processors at %.0f %%, workers busy %.0f %%\n", a->rate,
		100 * a->utilisation, 100 * a->busy);
	printf("memory     %-6lld MiB for them\n", (long long)a->memory_mb);
	if (a->tasks)
		printf("tasks      %-6d for %.0f requests/s\n", a->tasks, in->rate);
	printf("PostgreSQL %-6lld connections of %s (with login), %lld during blue/green\n\n",
		(long long)a->connections, a->tasks ? "all tasks" : "a task",
		(long long)a->connections_twice);
	print_now(in, a);
}

int command_size(struct conf *conf, int argc, char **argv)
{
	struct size_request request = { .json = false };

	from_conf(conf, &request.in);
	from_pool(conf, &request.in);
	if (parse(argc, argv, &request))
		return COMMAND_WRONG_USAGE;
	if (request.in.service_ms <= 0 || request.in.cpu_ms <= 0) {
		fprintf(stderr,
			"agrobridge: no running pool has served %d requests in the last minute: give "
			"--service-ms and "
			"--cpu-ms\n",
			LEAST_REQUESTS);
		return 1;
	}
	const struct advice advice = advice_of(&request.in);
	if (request.json)
		print_json(&request.in, &advice);
	else
		print_text(&request.in, &advice);
	return 0;
}
