/* One worker's slot: what the worker says about itself, and what the master says about it. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "pool/layout.h"

/* --- the worker's --- */

static void text_set(shared_text to, const char *text)
{
	uint64_t words[TEXT_WORDS] = { 0 };
	size_t n = strnlen(text, sizeof words - 1);

	memcpy(words, text, n);
	for (size_t i = 0; i <= n / sizeof words[0]; i++)
		store(to[i], words[i]);
}

static int64_t cpu_used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}

/* Since it was last asked. */
static int64_t cpu_spent(struct slot *slot)
{
	int64_t used = cpu_used(), spent = used - load(slot->cpu_seen);

	store(slot->cpu_seen, used);
	return spent;
}

void slot_ready(struct slot *slot)
{
	store(slot->cpu_seen, cpu_used()); /* the start is no request's */
	atomic_store_explicit(&slot->state, SLOT_IDLE, memory_order_release);
}

void slot_accepted(struct slot *slot)
{
	text_set(slot->route, "");
	text_set(slot->stage, "");
	text_set(slot->query, "");
	text_set(slot->request_id, "");
	store(slot->deadline, 0);
	store(slot->busy_since, clock_now());
	atomic_store_explicit(&slot->state, SLOT_BUSY, memory_order_release);
}

void slot_idle(struct slot *slot)
{
	atomic_store_explicit(&slot->state, SLOT_IDLE, memory_order_release);
}

void slot_ask_retire(struct slot *slot, enum restart reason)
{
	store(slot->retire, 1 + (uint32_t)reason);
}

bool slot_group_busy(const struct slot *slot, enum group group)
{
	const struct scoreboard *board = slot_scoreboard(slot);
	const struct board_group *g = &board->group[group];

	for (int i = 0; i < g->slots; i++) {
		const struct slot *other = &board->slot[g->first_slot + i];
		if (load(other->state) == SLOT_BUSY && load(other->pid)) /* the dead stay busy */
			return true;
	}
	return false;
}

void slot_begin(struct slot *slot, int64_t queue_us)
{
	if (!slot)
		return;
	store(slot->queued_us, queue_us);
	store(slot->begun_at, clock_now());
}

void slot_deadline(struct slot *slot, int64_t at)
{
	if (slot)
		store(slot->deadline, at);
}

void slot_request_id(struct slot *slot, const char *id)
{
	if (slot)
		text_set(slot->request_id, id);
}

void slot_route(struct slot *slot, const char *route)
{
	if (slot)
		text_set(slot->route, route);
}

void slot_stage(struct slot *slot, const char *stage)
{
	if (slot)
		text_set(slot->stage, stage);
}

void slot_query(struct slot *slot, const char *query)
{
	if (slot)
		text_set(slot->query, query);
}

void slot_end(struct slot *slot, int status, int64_t postgres_us, int64_t redis_us)
{
	if (!slot)
		return;
	/* From the accept on: what it took of the worker, which is what the number of workers is reckoned from. */
	int64_t service_us = clock_now() - load(slot->busy_since), queue_us = load(slot->queued_us);

	counter_add(&slot->tally[TALLY_REQUESTS], 1);
	counter_add(&slot->tally[TALLY_ERRORS], status >= 500);
	counter_add(&slot->tally[TALLY_SERVICE_US], service_us);
	counter_add(&slot->tally[TALLY_SERVICE_BUCKETS + histogram_bucket(service_us)], 1);
	counter_add(&slot->tally[TALLY_QUEUE_US], queue_us);
	counter_add(&slot->tally[TALLY_QUEUE_BUCKETS + histogram_bucket(queue_us)], 1);
	counter_add(&slot->tally[TALLY_CPU_US], cpu_spent(slot));
	counter_add(&slot->tally[TALLY_POSTGRES_US], postgres_us);
	counter_add(&slot->tally[TALLY_REDIS_US], redis_us);
}

void slot_shed(struct slot *slot)
{
	if (!slot)
		return;
	counter_add(&slot->tally[TALLY_SHED], 1);
	counter_add(&slot->tally[TALLY_SHED_CPU_US], cpu_spent(slot));
}

/* --- the master's --- */

void slot_open(struct slot *slot)
{
	store(slot->leaving, 0);
	store(slot->stopped, 0);
	store(slot->retire, 0);
	store(slot->requests_before, load(slot->tally[TALLY_REQUESTS]));
	store(slot->opened_at, clock_now());
	atomic_store_explicit(&slot->state, SLOT_STARTING, memory_order_release);
}

void slot_owner(struct slot *slot, int pid)
{
	store(slot->pid, (uint32_t)pid);
}

void slot_close(struct slot *slot)
{
	store(slot->pid, 0);
}

void slot_leaving(struct slot *slot)
{
	store(slot->leaving, 1);
}

void slot_stopped(struct slot *slot, bool stopped)
{
	store(slot->stopped, stopped);
}

bool slot_is_ready(const struct slot *slot)
{
	return atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_STARTING;
}

int64_t slot_busy_since(const struct slot *slot)
{
	return atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_BUSY ? load(slot->busy_since)
										     : 0;
}

int64_t slot_due(const struct slot *slot, int64_t longest_us)
{
	int64_t since = slot_busy_since(slot), deadline = load(slot->deadline);

	if (!since)
		return 0;
	since = MIN(MAX(since, 0), clock_now()); /* whatever a worker gone wild has written */
	return deadline ? MIN(MAX(deadline, since), since + longest_us) : since + longest_us;
}

bool slot_wants_retirement(const struct slot *slot, enum restart *ret_reason)
{
	uint32_t retire = load(slot->retire);

	if (retire == 0 || retire > RESTART_COUNT)
		return false;
	*ret_reason = (enum restart)(retire - 1);
	return true;
}

enum closing slot_closing(const struct slot *slot)
{
	return (enum closing)load(slot_scoreboard(slot)->group[slot->group].closing);
}

const struct scoreboard *slot_scoreboard(const struct slot *slot)
{
	return (const struct scoreboard *)(const void *)((const char *)slot - slot->offset);
}
