/* From counters and stamps to figures. Every number is read once, so that a figure is consistent with itself. */
#include "pool/view.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool/layout.h"
#include "pool/proc.h"

enum { RATE_SAMPLES = 2 }; /* 10 s back */

static const char *const state_names[] = {
	[WORKER_STARTING] = "starting",
	[WORKER_IDLE] = "idle",
	[WORKER_BUSY] = "busy",
	[WORKER_DRAINING] = "draining",
	[WORKER_STUCK] = "stuck",
};

const char *worker_state_name(enum worker_state state)
{
	return state_names[state];
}

void view_pool(const struct scoreboard *board, struct pool_view *ret_view)
{
	*ret_view = (struct pool_view){
		.version = board->build_version,
		.revision = board->build_revision,
		.pid = board->master,
		.uptime_us = clock_now() - board->started_at,
		.draining = load(board->draining),
	};
}

/* --- one worker --- */

static const struct slot *slot_at(const struct scoreboard *board, enum group group, int index)
{
	return &board->slot[board->group[group].first_slot + index];
}

static void text_get(char to[VIEW_TEXT_SIZE], const shared_text from)
{
	uint64_t words[TEXT_WORDS];

	for (int i = 0; i < TEXT_WORDS; i++)
		words[i] = load(from[i]);
	_Static_assert(sizeof words == VIEW_TEXT_SIZE, "the text as a reader gets it");
	memcpy(to, words, VIEW_TEXT_SIZE);
	to[VIEW_TEXT_SIZE - 1] = '\0';
}

static enum worker_state state_of(const struct slot *slot, int64_t in_us, int64_t late_us)
{
	if (load(slot->stopped) || late_us > slot_scoreboard(slot)->late_us)
		return WORKER_STUCK;
	if (load(slot->leaving))
		return WORKER_DRAINING;
	if (!slot_is_ready(slot))
		return WORKER_STARTING;
	return in_us ? WORKER_BUSY : WORKER_IDLE;
}

/* How long it has been at its request, at least 1 us; 0: at none. */
static int64_t time_in(const struct slot *slot, int64_t now)
{
	int64_t since = slot_busy_since(slot);

	return since ? MAX(now - since, 1) : 0;
}

bool view_slot(const struct slot *slot, struct worker_view *ret_view)
{
	int64_t budget_us = slot_scoreboard(slot)->group[slot->group].budget_us;
	int pid = (int)load(slot->pid);
	int64_t now = clock_now(), in_us = time_in(slot, now), due = slot_due(slot, budget_us);
	int64_t late_us = due ? MAX(now - due, 0) : 0;

	if (!pid)
		return false;
	*ret_view = (struct worker_view){
		.pid = pid,
		.state = state_of(slot, in_us, late_us),
		.age_us = now - load(slot->opened_at),
		.in_us = in_us,
		.late_us = late_us,
		.requests = load(slot->tally[TALLY_REQUESTS]) - load(slot->requests_before),
	};
	if (in_us) {
		text_get(ret_view->route, slot->route);
		text_get(ret_view->stage, slot->stage);
		text_get(ret_view->query, slot->query);
		text_get(ret_view->request_id, slot->request_id);
	}
	return true;
}

bool view_worker(const struct scoreboard *board, enum group group, int index, struct worker_view *ret_view)
{
	return view_slot(slot_at(board, group, index), ret_view);
}

const char *slot_text(const struct slot *slot, char *to, size_t size)
{
	struct worker_view v;

	if (!view_slot(slot, &v) || !v.in_us) {
		snprintf(to, size, "%s", slot_is_ready(slot) ? "idle" : "starting");
		return to;
	}
	snprintf(to, size, "%lld ms in %s%s%s%s%s%s%s", (long long)(v.in_us / US_PER_MS),
		*v.route ? v.route : "a request", *v.stage ? ", stage " : "", v.stage,
		*v.query ? ", query " : "", v.query, *v.request_id ? ", request " : "", v.request_id);
	return to;
}

/* --- a group --- */

static void count_states(const struct scoreboard *board, enum group group, struct group_view *view)
{
	int *const by_state[] = {
		[WORKER_STARTING] = &view->starting,
		[WORKER_IDLE] = &view->idle,
		[WORKER_BUSY] = &view->busy,
		[WORKER_DRAINING] = &view->draining,
		[WORKER_STUCK] = &view->stuck,
	};

	for (int i = 0; i < view->slots; i++) {
		struct worker_view worker;
		if (!view_worker(board, group, i, &worker))
			continue;
		view->workers++;
		++*by_state[worker.state];
	}
}

static void tally_slots(const struct scoreboard *board, enum group group, struct tally *ret_total)
{
	*ret_total = (struct tally){ 0 };
	for (int s = 0; s < board->group[group].slots; s++)
		for (int i = 0; i < TALLY_COUNT; i++)
			ret_total->at[i] += load(slot_at(board, group, s)->tally[i]);
}

/* The sample `back` steps before the newest, or the oldest there is; the very oldest is left out because it may be
 * overwritten meanwhile. NULL: none was taken yet. */
static const struct sample *sample_back(const struct scoreboard *board, enum group group, uint32_t back)
{
	uint32_t taken = atomic_load_explicit(&board->samples, memory_order_acquire);

	if (!taken)
		return NULL;
	back = MIN(MIN(back, SAMPLE_COUNT - 2U), taken - 1);
	return &board->group[group].sample[(taken - 1 - back) % SAMPLE_COUNT];
}

static void measure_recent(const struct scoreboard *board, enum group group, struct group_view *view)
{
	const struct sample *minute = sample_back(board, group, SAMPLE_COUNT);
	const struct sample *seconds = sample_back(board, group, RATE_SAMPLES);

	view->recent = view->total;
	if (!minute)
		return;
	int64_t span = MAX(clock_now() - load(seconds->at), US_PER_SECOND);
	uint64_t before = load(seconds->tally[TALLY_REQUESTS]);
	/* 2^63 / 10^9: good for 9 thousand million requests in 10 s. */
	view->rps_milli = (int64_t)(view->total.at[TALLY_REQUESTS] - before) * 1000 * US_PER_SECOND / span;
	if (view->total.at[TALLY_REQUESTS] == load(minute->tally[TALLY_REQUESTS]))
		return;
	for (int i = 0; i < TALLY_COUNT; i++)
		view->recent.at[i] -= MIN(load(minute->tally[i]), view->recent.at[i]);
}

/*
 * A bound on the age of what waits, from three facts: while somebody is idle it is about to be taken; the queue was seen
 * empty at `empty_at`; and first in is first out, so the head has not waited longer than the request taken last, whose own
 * wait is known, plus the time since.
 */
static int64_t queue_age(const struct scoreboard *board, enum group group, const struct group_view *view)
{
	int64_t now = clock_now(), age = now - load(board->group[group].empty_at), last = 0, by_last = age;

	if (!view->queue.depth || view->idle)
		return 0;
	for (int i = 0; i < view->slots; i++) {
		const struct slot *slot = slot_at(board, group, i);
		int64_t begun = load(slot->begun_at);
		if (begun > last) {
			last = begun;
			by_last = load(slot->queued_us) + now - begun;
		}
	}
	return MAX(MIN(age, by_last), 0);
}

void view_group(const struct scoreboard *board, enum group group, struct group_view *ret_view)
{
	const struct board_group *g = &board->group[group];
	char path[VIEW_TEXT_SIZE + sizeof board->dir];

	*ret_view = (struct group_view){ .configured = g->configured, .slots = g->slots };
	count_states(board, group, ret_view);
	snprintf(path, sizeof path, "%s/%s.sock", board->dir, group_name(group));
	ret_view->queue = queue_measure(g->listener, path, g->backlog);
	ret_view->queue_age_us = queue_age(board, group, ret_view);
	tally_slots(board, group, &ret_view->total);
	measure_recent(board, group, ret_view);
	for (int i = 0; i < RESTART_COUNT; i++)
		ret_view->restarts[i] = load(g->restarts[i]);
}

/* --- health --- */

/* Workers of the main group by state, without the figures. */
static struct group_view main_states(const struct scoreboard *board)
{
	struct group_view view = { .slots = board->group[GROUP_MAIN].slots };

	count_states(board, GROUP_MAIN, &view);
	return view;
}

bool pool_is_alive(const struct scoreboard *board)
{
	struct group_view view = main_states(board);

	return process_start(board->master) == board->master_start &&
	       (!view.workers || view.stuck < view.workers);
}

bool pool_is_ready(const struct scoreboard *board)
{
	char path[sizeof board->dir + sizeof "/draining"];
	struct group_view view = main_states(board);

	snprintf(path, sizeof path, "%s/draining", board->dir);
	return pool_is_alive(board) && !load(board->draining) && view.idle + view.busy > 0 &&
	       access(path, F_OK) != 0;
}
