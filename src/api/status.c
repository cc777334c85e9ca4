/* What an operator sees of the pool. Figures come from pool/view.c; this file only writes them down. */
#include "api/status.h"

#include "base/clock.h"
#include "http/json.h"
#include "pool/proc.h"
#include "pool/size.h"
#include "pool/view.h"

/* --- JSON --- */

static void put_times(struct json_writer *w, const char *name, const struct tally *t, enum tally_index sum,
	enum tally_index first)
{
	json_name(w, name);
	json_open(w, '{');
	json_put_thousandths(w, "mean", tally_mean(t, sum));
	json_put_thousandths(w, "p50", tally_percentile(t, first, 50));
	json_put_thousandths(w, "p95", tally_percentile(t, first, 95));
	json_put_thousandths(w, "p99", tally_percentile(t, first, 99));
	json_close(w, '}');
}

static void put_queue(struct json_writer *w, const struct group_view *view)
{
	json_name(w, "queue");
	json_open(w, '{');
	json_put_integer(w, "depth", view->queue.depth);
	json_put_integer(w, "limit", view->queue.limit);
	json_put_thousandths(w, "age_ms", view->queue_age_us);
	json_close(w, '}');
}

static void put_restarts(struct json_writer *w, const struct group_view *view)
{
	json_name(w, "restarts");
	json_open(w, '{');
	for (int i = 0; i < RESTART_COUNT; i++)
		json_put_integer(w, restart_name((enum restart)i), (int64_t)view->restarts[i]);
	json_close(w, '}');
}

/* One worker's object; adds its memory to the group's. */
static void put_worker(struct json_writer *w, const struct worker_view *worker, int64_t *group_pss)
{
	int64_t pss = process_pss(worker->pid);

	*group_pss += MAX(pss, 0);
	json_open(w, '{');
	json_put_integer(w, "pid", worker->pid);
	json_put_string(w, "state", worker_state_name(worker->state));
	json_put_integer(w, "age_seconds", worker->age_us / US_PER_SECOND);
	json_put_integer(w, "requests", (int64_t)worker->requests);
	json_put_string(w, "route", *worker->route ? worker->route : NULL);
	json_put_thousandths(w, "in_ms", worker->in_us);
	json_put_string(w, "stage", *worker->stage ? worker->stage : NULL);
	json_put_string(w, "query", *worker->query ? worker->query : NULL);
	json_put_integer(w, "pss_bytes", MAX(pss, 0));
	json_close(w, '}');
}

static void put_workers(struct json_writer *w, const struct scoreboard *board, enum group group, int slots)
{
	struct worker_view worker;
	int64_t pss = 0;

	json_name(w, "workers");
	json_open(w, '[');
	for (int i = 0; i < slots; i++)
		if (view_worker(board, group, i, &worker))
			put_worker(w, &worker, &pss);
	json_close(w, ']');
	json_put_integer(w, "pss_bytes", pss);
}

static void put_group(struct json_writer *w, const struct scoreboard *board, enum group group)
{
	struct group_view view;

	view_group(board, group, &view);
	json_open(w, '{');
	json_put_string(w, "name", group_name(group));
	json_put_integer(w, "configured", view.configured);
	json_put_integer(w, "starting", view.starting);
	json_put_integer(w, "idle", view.idle);
	json_put_integer(w, "busy", view.busy);
	json_put_integer(w, "draining", view.draining);
	json_put_integer(w, "stuck", view.stuck);
	put_queue(w, &view);
	json_put_integer(w, "requests_total", (int64_t)view.total.at[TALLY_REQUESTS]);
	json_put_integer(w, "errors_total", (int64_t)view.total.at[TALLY_ERRORS]);
	json_put_integer(w, "shed_total", (int64_t)view.total.at[TALLY_SHED]);
	json_put_thousandths(w, "rps", view.rps_milli);
	put_times(w, "service_ms", &view.recent, TALLY_SERVICE_US, TALLY_SERVICE_BUCKETS);
	put_times(w, "queue_ms", &view.recent, TALLY_QUEUE_US, TALLY_QUEUE_BUCKETS);
	json_put_thousandths(w, "cpu_ms_per_request", tally_mean(&view.recent, TALLY_CPU_US));
	json_put_thousandths(w, "postgres_ms", tally_mean(&view.recent, TALLY_POSTGRES_US));
	json_put_thousandths(w, "redis_ms", tally_mean(&view.recent, TALLY_REDIS_US));
	put_restarts(w, &view);
	put_workers(w, board, group, view.slots);
	json_close(w, '}');
}

void status_write(struct buf *out, const struct conf *conf, const struct scoreboard *board)
{
	struct json_writer w;
	struct pool_view pool;

	view_pool(board, &pool);
	json_begin(&w, out);
	json_open(&w, '{');
	json_put_string(&w, "version", pool.version);
	json_put_string(&w, "revision", pool.revision);
	json_put_integer(&w, "pid", pool.pid);
	json_put_integer(&w, "uptime_seconds", pool.uptime_us / US_PER_SECOND);
	json_put_boolean(&w, "draining", pool.draining);
	json_put_thousandths(&w, "cores", machine_limits(conf, "").millicores);
	json_name(&w, "groups");
	json_open(&w, '[');
	for (int g = 0; g < GROUP_COUNT; g++)
		put_group(&w, board, (enum group)g);
	json_close(&w, ']');
	json_close(&w, '}');
}

/* --- the terminal --- */

static const char *const state_colours[] = {
	[WORKER_STARTING] = "\033[36m",
	[WORKER_IDLE] = "\033[32m",
	[WORKER_BUSY] = "\033[33m",
	[WORKER_DRAINING] = "\033[35m",
	[WORKER_STUCK] = "\033[31m",
};

/* Four characters whatever the size: "12ms", "1.5s", "12m", "3h", "99d". */
static const char *short_time(char to[16], int64_t us)
{
	int64_t s = us / US_PER_SECOND;

	if (us < US_PER_SECOND)
		snprintf(to, 16, "%dms", (int)(us / US_PER_MS));
	else if (s < 10)
		snprintf(to, 16, "%d.%ds", (int)s, (int)(us / (US_PER_SECOND / 10) % 10));
	else if (s < 100)
		snprintf(to, 16, "%ds", (int)s);
	else if (s < 100 * 60)
		snprintf(to, 16, "%dm", (int)(s / 60));
	else if (s < 100 * 3600)
		snprintf(to, 16, "%dh", (int)(s / 3600));
	else
		snprintf(to, 16, "%lldd", (long long)(s / 86400));
	return to;
}

/* Milliseconds with one digit, up to "99999". */
static const char *ms_text(char to[16], int64_t us)
{
	int64_t tenths = us / (US_PER_MS / 10);

	if (tenths < 10000)
		snprintf(to, 16, "%d.%d", (int)(tenths / 10), (int)(tenths % 10));
	else
		snprintf(to, 16, "%lld", (long long)MIN(tenths / 10, 99999));
	return to;
}

/* The reasons that have occurred, four a line. */
static void print_restarts(const struct group_view *v, FILE *to)
{
	int printed = 0;

	for (int i = 0; i < RESTART_COUNT; i++) {
		if (!v->restarts[i])
			continue;
		const char *before = printed == 0  ? "      replaced: "
				     : printed % 4 ? ", "
						   : ",\n                ";
		fprintf(to, "%s%s %llu", before, restart_name((enum restart)i),
			(unsigned long long)v->restarts[i]);
		printed++;
	}
	if (printed)
		fputc('\n', to);
}

static void print_figures(const struct group_view *v, FILE *to)
{
	char cpu[16], postgres[16], redis[16];

	fprintf(to, "      requests %llu, errors %llu, shed %llu\n",
		(unsigned long long)v->total.at[TALLY_REQUESTS],
		(unsigned long long)v->total.at[TALLY_ERRORS], (unsigned long long)v->total.at[TALLY_SHED]);
	if (v->total.at[TALLY_REQUESTS])
		fprintf(to, "      a request: cpu %s ms, postgres %s ms, redis %s ms\n",
			ms_text(cpu, tally_mean(&v->recent, TALLY_CPU_US)),
			ms_text(postgres, tally_mean(&v->recent, TALLY_POSTGRES_US)),
			ms_text(redis, tally_mean(&v->recent, TALLY_REDIS_US)));
	print_restarts(v, to);
}

static void print_group(const struct scoreboard *board, enum group group, FILE *to)
{
	struct group_view v;
	char waiting[48], age[16], mean[16], p50[16], p95[16], p99[16], queue[16];

	view_group(board, group, &v);
	snprintf(waiting, sizeof waiting, "%lld/%lld", (long long)v.queue.depth, (long long)v.queue.limit);
	fprintf(to, "%-5s %3d %4d %4d %5d %10s %5s %7lld %5s %5s %5s %5s %5s\n", group_name(group), v.workers,
		v.busy, v.idle, v.stuck, waiting, short_time(age, v.queue_age_us),
		(long long)(v.rps_milli / 1000), ms_text(mean, tally_mean(&v.recent, TALLY_SERVICE_US)),
		ms_text(p50, tally_percentile(&v.recent, TALLY_SERVICE_BUCKETS, 50)),
		ms_text(p95, tally_percentile(&v.recent, TALLY_SERVICE_BUCKETS, 95)),
		ms_text(p99, tally_percentile(&v.recent, TALLY_SERVICE_BUCKETS, 99)),
		ms_text(queue, tally_percentile(&v.recent, TALLY_QUEUE_BUCKETS, 99)));
	print_figures(&v, to);
}

static void print_worker(enum group group, const struct worker_view *worker, FILE *to, bool colour)
{
	char age[16], in[16];
	int64_t pss = process_pss(worker->pid);

	fprintf(to, "%-5s %8d %s%-8s%s %5s %9llu %2lld.%lldM %5s %.28s\n", group_name(group), worker->pid,
		colour ? state_colours[worker->state] : "", worker_state_name(worker->state),
		colour ? "\033[0m" : "", short_time(age, worker->age_us),
		(unsigned long long)worker->requests, (long long)(MAX(pss, 0) >> 20),
		(long long)((MAX(pss, 0) * 10 >> 20) % 10),
		worker->in_us ? short_time(in, worker->in_us) : "", worker->route);
}

void status_print(const struct scoreboard *board, FILE *to, bool colour)
{
	struct pool_view pool;
	struct worker_view worker;
	char up[16];

	view_pool(board, &pool);
	fprintf(to, "agrobridge %s (%.12s), pid %d, up %s%s\n\n", pool.version, pool.revision, pool.pid,
		short_time(up, pool.uptime_us), pool.draining ? ", draining" : "");
	fprintf(to, "%-5s %3s %4s %4s %5s %10s %5s %7s %5s %5s %5s %5s %5s\n", "group", "all", "busy", "idle",
		"stuck", "waiting", "age", "req/s", "mean", "p50", "p95", "p99", "q p99");
	for (int g = 0; g < GROUP_COUNT; g++)
		print_group(board, (enum group)g, to);
	fprintf(to, "\n%-5s %8s %-8s %5s %9s %5s %5s %s\n", "group", "pid", "state", "age", "requests", "pss",
		"in", "request");
	for (int g = 0; g < GROUP_COUNT; g++) {
		struct group_view view;
		view_group(board, (enum group)g, &view);
		for (int i = 0; i < view.slots; i++)
			if (view_worker(board, (enum group)g, i, &worker))
				print_worker((enum group)g, &worker, to, colour);
	}
}
