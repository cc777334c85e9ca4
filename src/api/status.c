/* What an operator sees of the pool. Figures come from pool/view.c; this file only writes them down. */
#include "api/status.h"

#include <string.h>

#include "base/clock.h"
#include "http/json.h"
#include "pool/proc.h"
#include "pool/view.h"

/* --- JSON --- */

/* Thousandths as a JSON number, without passing through a double. */
static void put_thousandths(struct json_writer *w, const char *name, int64_t thousandths)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%lld.%03lld", (long long)(thousandths / 1000),
		(long long)(thousandths % 1000));

	json_name(w, name);
	json_raw(w, text, (size_t)n);
}

static void put_times(struct json_writer *w, const char *name, const struct tally *t, enum tally_index sum,
	enum tally_index first)
{
	json_name(w, name);
	json_open(w, '{');
	put_thousandths(w, "mean", tally_mean(t, sum));
	put_thousandths(w, "p50", tally_percentile(t, first, 50));
	put_thousandths(w, "p95", tally_percentile(t, first, 95));
	put_thousandths(w, "p99", tally_percentile(t, first, 99));
	json_close(w, '}');
}

static void put_queue(struct json_writer *w, const struct group_view *view)
{
	json_name(w, "queue");
	json_open(w, '{');
	json_put_integer(w, "depth", view->queue.depth);
	json_put_integer(w, "limit", view->queue.limit);
	put_thousandths(w, "age_ms", view->queue_age_us);
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

/* The worker's object; adds its memory to *pss. */
static void put_worker(struct json_writer *w, const struct worker_view *worker, int64_t *pss)
{
	int64_t bytes = process_pss(worker->pid);

	*pss += MAX(bytes, 0);
	json_open(w, '{');
	json_put_integer(w, "pid", worker->pid);
	json_put_string(w, "state", worker_state_name(worker->state));
	json_put_integer(w, "age_seconds", worker->age_us / US_PER_SECOND);
	json_put_integer(w, "requests", (int64_t)worker->requests);
	json_put_string(w, "route", *worker->route ? worker->route : NULL);
	put_thousandths(w, "in_ms", worker->in_us);
	json_put_string(w, "stage", *worker->stage ? worker->stage : NULL);
	json_put_string(w, "query", *worker->query ? worker->query : NULL);
	json_name(w, "pss_bytes");
	if (bytes < 0)
		json_null(w);
	else
		json_raw(w, (char[24]){ 0 }, 0), json_integer(w, bytes);
	json_close(w, '}');
}

#if 0
#endif
