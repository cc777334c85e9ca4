/* The scoreboard as Prometheus text. One table of families; each asks one figure of each group. */
#include "api/metrics.h"

#include "base/clock.h"
#include "pool/proc.h"
#include "pool/size.h"
#include "pool/view.h"

/* Values are in millionths: microseconds become seconds without a double. */
#define WHOLE INT64_C(1000000)

struct group_figures {
	const char *name;
	struct group_view view;
	int64_t pss;
};

static int64_t configured(const struct group_figures *g)
{
	return g->view.configured * WHOLE;
}

static int64_t queue_depth(const struct group_figures *g)
{
	return g->view.queue.depth * WHOLE;
}

static int64_t queue_limit(const struct group_figures *g)
{
	return g->view.queue.limit * WHOLE;
}

static int64_t queue_age(const struct group_figures *g)
{
	return g->view.queue_age_us;
}

static int64_t pss(const struct group_figures *g)
{
	return g->pss * WHOLE;
}

static int64_t requests(const struct group_figures *g)
{
	return (int64_t)g->view.total.at[TALLY_REQUESTS] * WHOLE;
}

static int64_t errors(const struct group_figures *g)
{
	return (int64_t)g->view.total.at[TALLY_ERRORS] * WHOLE;
}

static int64_t shed(const struct group_figures *g)
{
	return (int64_t)g->view.total.at[TALLY_SHED] * WHOLE;
}

static int64_t cpu(const struct group_figures *g)
{
	return (int64_t)(g->view.total.at[TALLY_CPU_US] + g->view.total.at[TALLY_SHED_CPU_US]);
}

static int64_t postgres(const struct group_figures *g)
{
	return (int64_t)g->view.total.at[TALLY_POSTGRES_US];
}

static int64_t redis(const struct group_figures *g)
{
	return (int64_t)g->view.total.at[TALLY_REDIS_US];
}

static const struct family {
	const char *name, *type, *help;
	int64_t (*value)(const struct group_figures *g);
} families[] = {
	{ "agrobridge_workers_configured", "gauge", "Workers the group is to have.", configured },
	{ "agrobridge_queue_depth", "gauge", "Requests that nginx sent and nobody serves yet.", queue_depth },
	{ "agrobridge_queue_limit", "gauge", "Requests that may wait before more are refused.", queue_limit },
	{ "agrobridge_queue_age_seconds", "gauge", "Longest any of them has waited.", queue_age },
	{ "agrobridge_pss_bytes", "gauge", "Memory of the group's workers, shared pages in their share.",
		pss },
	{ "agrobridge_requests_total", "counter", "Requests served.", requests },
	{ "agrobridge_errors_total", "counter", "Requests answered with a 5xx.", errors },
	{ "agrobridge_shed_total", "counter", "Requests refused unserved.", shed },
	{ "agrobridge_cpu_seconds_total", "counter", "Processor time of workers.", cpu },
	{ "agrobridge_postgres_seconds_total", "counter", "Time waited for PostgreSQL.", postgres },
	{ "agrobridge_redis_seconds_total", "counter", "Time waited for Redis.", redis },
};

/* Where the histograms are cut: powers of two of microseconds, from 128 us to 16.8 s, which are edges of the tally's own
 * buckets, so that nothing is guessed. */
enum { FIRST_POWER = 7, LAST_POWER = 24 };

static void put_millionths(struct buf *out, int64_t value)
{
	if (value % WHOLE)
		buf_printf(out, "%lld.%06lld", (long long)(value / WHOLE), (long long)(value % WHOLE));
	else
		buf_printf(out, "%lld", (long long)(value / WHOLE));
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_families(struct buf *out, const struct group_figures figures[GROUP_COUNT])
{
	for (const struct family *f = families; f < families + ARRAY_SIZE(families); f++) {
		put_head(out, f->name, f->type, f->help);
		for (const struct group_figures *g = figures; g < figures + GROUP_COUNT; g++) {
			buf_printf(out, "%s{group=\"%s\"} ", f->name, g->name);
			put_millionths(out, f->value(g));
			buf_add_char(out, '\n');
		}
	}
}

static void put_states(struct buf *out, const struct group_figures figures[GROUP_COUNT])
{
	put_head(out, "agrobridge_workers", "gauge", "Workers by what they are doing.");
	for (const struct group_figures *g = figures; g < figures + GROUP_COUNT; g++) {
		const int counts[] = { [WORKER_STARTING] = g->view.starting,
			[WORKER_IDLE] = g->view.idle,
			[WORKER_BUSY] = g->view.busy,
			[WORKER_DRAINING] = g->view.draining,
			[WORKER_STUCK] = g->view.stuck };
		for (size_t s = 0; s < ARRAY_SIZE(counts); s++)
			buf_printf(out, "agrobridge_workers{group=\"%s\",state=\"%s\"} %d\n", g->name,
				worker_state_name((enum worker_state)s), counts[s]);
	}
}

static void put_restarts(struct buf *out, const struct group_figures figures[GROUP_COUNT])
{
	put_head(out, "agrobridge_restarts_total", "counter", "Workers that were replaced, by reason.");
	for (const struct group_figures *g = figures; g < figures + GROUP_COUNT; g++)
		for (int r = 0; r < RESTART_COUNT; r++)
			buf_printf(out, "agrobridge_restarts_total{group=\"%s\",reason=\"%s\"} %llu\n",
				g->name, restart_name((enum restart)r),
				(unsigned long long)g->view.restarts[r]);
}

static void put_histogram(struct buf *out, const struct group_figures *g, const char *name,
	enum tally_index buckets, enum tally_index sum)
{
	const struct tally *t = &g->view.total;
	uint64_t below = 0;
	int bucket = 0;

	for (int power = FIRST_POWER; power <= LAST_POWER; power++) {
		for (; bucket < histogram_bucket(INT64_C(1) << power); bucket++)
			below += t->at[(int)buckets + bucket];
		buf_printf(out, "%s_bucket{group=\"%s\",le=\"", name, g->name);
		put_millionths(out, INT64_C(1) << power);
		buf_printf(out, "\"} %llu\n", (unsigned long long)below);
	}
	for (; bucket < HISTOGRAM_BUCKETS; bucket++)
		below += t->at[(int)buckets + bucket];
	buf_printf(out, "%s_bucket{group=\"%s\",le=\"+Inf\"} %llu\n%s_sum{group=\"%s\"} ", name, g->name,
		(unsigned long long)below, name, g->name);
	put_millionths(out, (int64_t)t->at[sum]);
	buf_printf(out, "\n%s_count{group=\"%s\"} %llu\n", name, g->name, (unsigned long long)below);
}

static void put_histograms(struct buf *out, const struct group_figures figures[GROUP_COUNT])
{
	put_head(out, "agrobridge_service_seconds", "histogram", "Time a request took of its worker.");
	for (int g = 0; g < GROUP_COUNT; g++)
		put_histogram(out, &figures[g], "agrobridge_service_seconds", TALLY_SERVICE_BUCKETS,
			TALLY_SERVICE_US);
	put_head(out, "agrobridge_queue_seconds", "histogram", "Time a request waited for a worker.");
	for (int g = 0; g < GROUP_COUNT; g++)
		put_histogram(
			out, &figures[g], "agrobridge_queue_seconds", TALLY_QUEUE_BUCKETS, TALLY_QUEUE_US);
}

static int64_t group_pss(const struct scoreboard *board, enum group group, int slots)
{
	struct worker_view worker;
	int64_t sum = 0;

	for (int i = 0; i < slots; i++)
		if (view_worker(board, group, i, &worker))
			sum += MAX(process_pss(worker.pid), 0);
	return sum;
}

void metrics_write(struct buf *out, const struct conf *conf, const struct scoreboard *board)
{
	struct group_figures figures[GROUP_COUNT];
	struct pool_view pool;

	view_pool(board, &pool);
	for (int g = 0; g < GROUP_COUNT; g++) {
		figures[g].name = group_name((enum group)g);
		view_group(board, (enum group)g, &figures[g].view);
		figures[g].pss = group_pss(board, (enum group)g, figures[g].view.slots);
	}
	put_head(out, "agrobridge_build_info", "gauge", "What runs.");
	buf_printf(out, "agrobridge_build_info{version=\"%s\",revision=\"%s\"} 1\n", pool.version,
		pool.revision);
	put_head(out, "agrobridge_uptime_seconds", "gauge", "Since the pool started.");
	buf_printf(out, "agrobridge_uptime_seconds %lld\n", (long long)(pool.uptime_us / US_PER_SECOND));
	put_head(out, "agrobridge_draining", "gauge",
		"1 while the pool finishes what it has and takes nothing new.");
	buf_printf(out, "agrobridge_draining %d\n", pool.draining);
	put_head(out, "agrobridge_cores", "gauge", "Cores this task may use.");
	buf_add_text(out, "agrobridge_cores ");
	put_millionths(out, machine_limits(conf, "").millicores * (WHOLE / 1000));
	buf_add_char(out, '\n');
	put_head(out, "agrobridge_queue_timeout_seconds", "gauge",
		"A request that has waited longer is refused unserved.");
	buf_add_text(out, "agrobridge_queue_timeout_seconds ");
	put_millionths(out, conf->queue_timeout_ms * US_PER_MS);
	buf_add_char(out, '\n');
	put_states(out, figures);
	put_families(out, figures);
	put_restarts(out, figures);
	put_histograms(out, figures);
}
