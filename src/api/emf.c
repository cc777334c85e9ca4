/* One line a minute for CloudWatch. A table of metrics, written once as their definition and once with their values. */
#include "api/emf.h"

#include "http/json.h"
#include "pool/proc.h"
#include "pool/size.h"
#include "pool/view.h"

struct minute {
	struct pool_view pool;
	struct group_view main;
	struct limits limits;
	struct tally since; /* of the group main */
	int64_t pss;
	/* Of all groups. */
	int64_t cpu_us;
	int64_t restarts[RESTART_COUNT];
	int64_t stuck; /* at this moment */
};

/* Values in thousandths. The mean over the minute, 60 000 000 us of each worker: a look at its end would be chance. A request
 * counts in the minute in which it ends, so that may come to more than all of it. */
static int64_t busy_percent(const struct minute *m)
{
	int64_t us = (int64_t)m->since.at[TALLY_SERVICE_US];

	return MIN(us / 600 / MAX(m->main.configured, 1), 100000);
}

static int64_t waiting(const struct minute *m)
{
	return m->main.queue.depth * 1000;
}

static int64_t queue_p99(const struct minute *m)
{
	return tally_percentile(&m->since, TALLY_QUEUE_BUCKETS, 99);
}

static int64_t service_mean(const struct minute *m)
{
	return tally_mean(&m->since, TALLY_SERVICE_US);
}

static int64_t service_p95(const struct minute *m)
{
	return tally_percentile(&m->since, TALLY_SERVICE_BUCKETS, 95);
}

static int64_t requests(const struct minute *m)
{
	return (int64_t)m->since.at[TALLY_REQUESTS] * 1000;
}

static int64_t errors(const struct minute *m)
{
	return (int64_t)m->since.at[TALLY_ERRORS] * 1000;
}

static int64_t shed(const struct minute *m)
{
	return (int64_t)m->since.at[TALLY_SHED] * 1000;
}

static int64_t cpu_per_request(const struct minute *m)
{
	return tally_mean(&m->since, TALLY_CPU_US);
}

/* Of the cores the task may use, over a minute of 60 000 000 us. */
static int64_t cpu_percent(const struct minute *m)
{
	return m->cpu_us / 600 * 1000 / m->limits.millicores;
}

static int64_t pss_mib(const struct minute *m)
{
	return m->pss * 1000 >> 20;
}

static int64_t restarts(const struct minute *m)
{
	int64_t sum = 0;

	for (int r = 0; r < RESTART_COUNT; r++)
		sum += m->restarts[r];
	return sum * 1000;
}

/* Those that nobody meant to replace. */
static int64_t lost(const struct minute *m)
{
	return (m->restarts[RESTART_CRASH] + m->restarts[RESTART_OOM] + m->restarts[RESTART_DEADLINE] +
		       m->restarts[RESTART_UNKNOWN]) *
	       1000;
}

/* Most are killed within the minute: a look at its end would find few. */
static int64_t stuck(const struct minute *m)
{
	return (m->stuck + m->restarts[RESTART_DEADLINE]) * 1000;
}

static const struct metric {
	const char *name, *unit;
	int64_t (*value)(const struct minute *m);
} metrics[] = {
	{ "busy", "Percent", busy_percent },
	{ "waiting", "Count", waiting },
	{ "queue_age_p99", "Milliseconds", queue_p99 },
	{ "service_mean", "Milliseconds", service_mean },
	{ "service_p95", "Milliseconds", service_p95 },
	{ "requests", "Count", requests },
	{ "errors", "Count", errors },
	{ "shed", "Count", shed },
	{ "cpu_per_request", "Milliseconds", cpu_per_request },
	{ "workers_cpu", "Percent", cpu_percent },
	{ "pss", "Megabytes", pss_mib },
	{ "restarts", "Count", restarts },
	{ "workers_lost", "Count", lost },
	{ "workers_stuck", "Count", stuck },
};

static void put_definition(struct json_writer *w, int64_t wall)
{
	json_name(w, "_aws");
	json_open(w, '{');
	json_put_integer(w, "Timestamp", wall / 1000);
	json_name(w, "CloudWatchMetrics");
	json_open(w, '[');
	json_open(w, '{');
	json_put_string(w, "Namespace", "AgroBridge");
	json_name(w, "Dimensions");
	json_raw(w, "[[\"service\"],[\"service\",\"revision\"]]",
		sizeof "[[\"service\"],[\"service\",\"revision\"]]" - 1);
	json_name(w, "Metrics");
	json_open(w, '[');
	for (const struct metric *m = metrics; m < metrics + ARRAY_SIZE(metrics); m++) {
		json_open(w, '{');
		json_put_string(w, "Name", m->name);
		json_put_string(w, "Unit", m->unit);
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
}

/* A property of the line, not a metric: to look up, not to pay for. */
static void put_reasons(struct json_writer *w, const struct minute *m)
{
	json_name(w, "restart_reasons");
	json_open(w, '{');
	for (int r = 0; r < RESTART_COUNT; r++)
		if (m->restarts[r])
			json_put_integer(w, restart_name((enum restart)r), m->restarts[r]);
	json_close(w, '}');
}

static void count(
	struct minute *minute, const struct scoreboard *board, enum group group, struct emf_before *before)
{
	struct group_view view;
	struct tally since;

	view_group(board, group, &view);
	for (int i = 0; i < TALLY_COUNT; i++)
		since.at[i] = view.total.at[i] - before->total.at[i];
	for (int r = 0; r < RESTART_COUNT; r++) {
		minute->restarts[r] += (int64_t)(view.restarts[r] - before->restarts[r]);
		before->restarts[r] = view.restarts[r];
	}
	before->total = view.total;
	minute->cpu_us += (int64_t)(since.at[TALLY_CPU_US] + since.at[TALLY_SHED_CPU_US]);
	minute->stuck += view.stuck;
	if (group == GROUP_MAIN)
		minute->since = since;
}

void emf_write(struct buf *out, const struct conf *conf, const struct scoreboard *board, int64_t wall,
	struct emf_before before[GROUP_COUNT])
{
	struct minute minute = { .limits = machine_limits(conf, "") };
	struct worker_view worker;
	struct json_writer w;

	view_pool(board, &minute.pool);
	view_group(board, GROUP_MAIN, &minute.main);
	for (int g = 0; g < GROUP_COUNT; g++)
		count(&minute, board, (enum group)g, &before[g]);
	for (int i = 0; i < minute.main.slots; i++)
		if (view_worker(board, GROUP_MAIN, i, &worker))
			minute.pss += MAX(process_pss(worker.pid), 0);
	json_begin(&w, out);
	json_open(&w, '{');
	put_definition(&w, wall);
	json_put_string(&w, "service", "agrobridge");
	json_put_string(&w, "revision", minute.pool.revision);
	for (const struct metric *m = metrics; m < metrics + ARRAY_SIZE(metrics); m++)
		json_put_thousandths(&w, m->name, m->value(&minute));
	put_reasons(&w, &minute);
	json_close(&w, '}');
	buf_add_char(out, '\n');
}
