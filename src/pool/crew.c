/* A group's workers: counting, forking, replacing, killing. The master calls crew_step(); nothing here waits. */
#include "pool/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "pool/proc.h"
#include "pool/stack.h"
#include "pool/view.h"

/* Deaths before ready, in a row in one slot: after as many the pool gives up if it never had a worker, or the reload if it
 * is one. With the delays below that takes about a second. */
enum { START_TRIES = 5 };

/* Delay before a slot's next try: random below 50 ms x 2^failures, at most 2 s, so that slots do not march in step. */
#define BACKOFF_FIRST_US (50 * US_PER_MS)
#define BACKOFF_MOST_US  (2 * US_PER_SECOND)
/* To write it, should we have come to look so late that the end is due as well. */
#define STACK_GRACE_US (100 * US_PER_MS)
/* From SIGABRT to SIGKILL, which would cut off a core dump: some 10 MiB, a few seconds on the slowest volume. */
#define ABORT_GRACE_US (500 * US_PER_MS)
#define CORE_GRACE_US  (10 * US_PER_SECOND)
/* Each worker is weighed once in that time, one after another: 0.1 ms of processor each. */
#define WEIGH_EVERY_US (10 * US_PER_SECOND)
/* Forks of a group: all at once and 32 more, then 32 a second. A request that kills its worker costs about 5 ms of
 * processor for the next one, so a flood of them burns at most a sixth of a core. */
#define FORK_EVERY_US (US_PER_SECOND / 32)
enum { FORK_BURST = 32 };

static struct slot *slot_of(const struct crew *c, const struct member *m)
{
	return scoreboard_slot(c->options.board, c->options.group, (int)(m - c->member));
}

static const char *name_of(const struct crew *c)
{
	return group_name(c->options.group);
}

int crew_init(struct crew *c, const struct crew_options *options)
{
	*c = (struct crew){ .options = *options, .slots = options->configured + CREW_SPARE_SLOTS };
	c->member = calloc((size_t)c->slots, sizeof *c->member);
	return c->member ? 0 : -ENOMEM;
}

void crew_release(struct crew *c)
{
	free(c->member);
	c->member = NULL;
}

/* Uniform in [0, below); the remainder's bias does not matter here. */
static int64_t random_below(int64_t below)
{
	uint64_t r = 0;

	if (below <= 0 || getrandom(&r, sizeof r, 0) != sizeof r)
		return 0;
	return (int64_t)(r % (uint64_t)below);
}

static int64_t backoff(unsigned failures)
{
	return random_below(MIN(BACKOFF_FIRST_US << MIN(failures, 16U), BACKOFF_MOST_US));
}

static int count(const struct crew *c, enum member_phase phase)
{
	int n = 0;

	for (int i = 0; i < c->slots; i++)
		n += c->member[i].phase == phase;
	return n;
}

int crew_size(const struct crew *c)
{
	return c->slots - count(c, MEMBER_NONE);
}

/* --- forking --- */

/* Give or take 10 %: workers that began together do not end together. */
static int64_t jittered(int64_t most)
{
	int64_t tenth = most / 10;

	return most - tenth + random_below(2 * tenth + 1);
}

static void fork_failed(struct crew *c, int64_t now, int err)
{
	if (c->fork_failures++ == 0)
		log_error("could not fork a worker of %s: %s; trying on", name_of(c), strerror(err));
	c->fork_after = now + BACKOFF_FIRST_US + backoff(c->fork_failures);
}

static void member_fork(struct crew *c, struct member *m, int64_t now)
{
	struct slot *slot = slot_of(c, m);
	const struct worker worker = {
		.group = c->options.group,
		.service = c->options.service,
		.fds = c->options.fds,
		.slot = slot,
		.master = getpid(),
		.max_requests = jittered(c->options.max_requests),
	};

	slot_open(slot);
	fflush(NULL); /* or the child would write it again */
	pid_t pid = fork();
	if (pid == 0)
		worker_run(&worker);
	if (pid < 0) {
		fork_failed(c, now, errno);
		return;
	}
	slot_owner(slot, pid);
	if (c->fork_failures)
		log_info("workers of %s can be forked again", name_of(c));
	c->fork_failures = 0;
	c->fork_credit = MAX(c->fork_credit, now) + FORK_EVERY_US;
	*m = (struct member){ .phase = MEMBER_STARTING,
		.pid = pid,
		.forked_at = now,
		.retire_at = c->options.max_age_us ? now + jittered(c->options.max_age_us) : INT64_MAX,
		.generation = c->generation,
		.failures = m->failures };
}

/* The empty slot that may be filled first. */
static struct member *member_free(const struct crew *c)
{
	struct member *best = NULL;

	for (struct member *m = c->member; m < c->member + c->slots; m++)
		if (m->phase == MEMBER_NONE && (!best || m->not_before < best->not_before))
			best = m;
	return best;
}

/* Forks until nobody is missing. Returns when to try again, INT64_MAX: nobody is missing. */
static int64_t fork_missing(struct crew *c, int missing, int64_t now)
{
	int64_t burst = (c->options.configured + FORK_BURST) * FORK_EVERY_US;

	for (; missing > 0; missing--) {
		struct member *m = member_free(c);
		if (!m)
			return INT64_MAX;
		int64_t due = MAX(MAX(m->not_before, c->fork_after), c->fork_credit - burst);
		if (due > now)
			return due;
		member_fork(c, m, now);
	}
	return INT64_MAX;
}

/* --- replacing --- */

static bool wants_replacing(
	const struct crew *c, const struct member *m, int64_t now, enum restart *ret_reason)
{
	if (m->generation != c->generation)
		*ret_reason = RESTART_RELOAD;
	else if (m->heavy)
		*ret_reason = RESTART_MEMORY;
	else if (now >= m->retire_at)
		*ret_reason = RESTART_MAX_AGE;
	else
		return slot_wants_retirement(slot_of(c, m), ret_reason);
	return true;
}

/* The oldest that wants to be replaced, or with `anybody` simply the oldest, the reason noted; NULL: none. */
static struct member *member_to_replace(const struct crew *c, bool anybody, int64_t now)
{
	struct member *oldest = NULL;

	for (struct member *m = c->member; m < c->member + c->slots; m++) {
		enum restart reason = RESTART_RELOAD;
		if (m->phase != MEMBER_READY || m->kill_at || (oldest && oldest->forked_at <= m->forked_at))
			continue;
		if (!wants_replacing(c, m, now, &reason) && !anybody)
			continue;
		oldest = m;
		oldest->reason = reason;
	}
	return oldest;
}

static void member_dismiss(const struct crew *c, struct member *m, int64_t now)
{
	m->phase = MEMBER_LEAVING;
	m->told_at = now;
	slot_leaving(slot_of(c, m));
	kill(m->pid, SIGTERM);
}

/* The rule of crew.h. */
static int64_t crew_balance(struct crew *c, int64_t now)
{
	int ready = count(c, MEMBER_READY), working = ready + count(c, MEMBER_STARTING);
	struct member *old = member_to_replace(c, false, now);

	if (ready > c->options.configured && !old)
		old = member_to_replace(c, true, now); /* whoever wanted a successor has died meanwhile */
	if (ready > c->options.configured && old)
		member_dismiss(c, old, now);
	else if (working < c->options.configured)
		return fork_missing(c, c->options.configured - working, now);
	else if (working == c->options.configured && old)
		return fork_missing(c, 1, now);
	return INT64_MAX;
}

void crew_roll(struct crew *c)
{
	c->generation++;
}

/* The old workers are to serve on: as if they were of the new generation. */
static void roll_give_up(struct crew *c)
{
	bool rolling = false;

	for (int i = 0; i < c->slots; i++) {
		struct member *m = &c->member[i];
		rolling |= m->phase == MEMBER_READY && m->generation != c->generation;
		m->generation = c->generation;
	}
	if (rolling)
		log_error("gave up replacing the workers of %s: new ones die before they are ready; the old "
			  "serve on",
			name_of(c));
}

/* --- watching --- */

static void member_notice_ready(struct crew *c, struct member *m)
{
	if (m->phase != MEMBER_STARTING || !slot_is_ready(slot_of(c, m)))
		return;
	m->phase = MEMBER_READY;
	m->failures = 0;
	c->ready_once = true;
}

/* When its time is up, if nothing changes. What the worker itself has written is believed only within reason. */
static int64_t member_deadline(const struct crew *c, const struct member *m)
{
	int64_t hard = c->options.hard_us, longest = c->options.budget_us + hard, deadline = INT64_MAX;

	if (m->kill_at)
		return m->kill_at;
	int64_t due = slot_due(slot_of(c, m), c->options.budget_us);
	if (due)
		deadline = MAX(MAX(due, m->forked_at) + hard, m->asked_at + STACK_GRACE_US);
	if (m->phase == MEMBER_STARTING)
		deadline = m->forked_at + POOL_START_MS * US_PER_MS + hard;
	if (m->told_at)
		deadline = MIN(deadline, m->told_at + longest);
	if (m->stopped_at)
		deadline = MIN(deadline, m->stopped_at + hard);
	return deadline;
}

/* First SIGABRT, then SIGKILL, which also ends what is stopped; again every grace, should it be lost in the kernel. */
static void member_kill(const struct crew *c, struct member *m, int64_t now)
{
	char doing[SLOT_TEXT_SIZE];

	if (!m->kill_at) {
		log_error("killing worker %d of %s, past its deadline: %s%s", (int)m->pid, name_of(c),
			slot_text(slot_of(c, m), doing, sizeof doing),
			m->stopped_at ? ", stopped by a signal" : "");
		m->aborted_at = now;
		kill(m->pid, SIGABRT);
	} else if (now >= m->aborted_at + CORE_GRACE_US || !process_dumps_core(m->pid)) {
		kill(m->pid, SIGKILL);
	}
	m->kill_at = now + ABORT_GRACE_US;
}

/* Asks a worker for its stack, once a request. Returns when to do so; INT64_MAX: done, or at none. */
static int64_t member_ask_stack(const struct crew *c, struct member *m, int64_t now)
{
	const struct slot *slot = slot_of(c, m);
	int64_t since = slot_busy_since(slot), due = slot_due(slot, c->options.budget_us);

	if (!due || since == m->asked_for)
		return INT64_MAX;
	due += c->options.late_us;
	if (due > now)
		return due;
	m->asked_for = since;
	m->asked_at = now;
	kill(m->pid, STACK_SIGNAL);
	return INT64_MAX;
}

/* Weighs one worker when that is due; the next slot's turn comes a share of the round later. Returns when. */
static int64_t crew_weigh(struct crew *c, int64_t now)
{
	if (!c->options.max_private || c->closed)
		return INT64_MAX;
	if (now < c->weigh_at)
		return c->weigh_at;
	struct member *m = &c->member[c->weigh_next];
	int64_t bytes = m->phase == MEMBER_READY ? process_private(m->pid) : 0;
	if (bytes > c->options.max_private && !m->heavy)
		log_info("worker %d of %s has grown to %lld MiB of its own", (int)m->pid, name_of(c),
			(long long)(bytes >> 20));
	m->heavy = bytes > c->options.max_private;
	c->weigh_next = (c->weigh_next + 1) % c->slots;
	return c->weigh_at = now + WEIGH_EVERY_US / c->slots;
}

int64_t crew_step(struct crew *c, int64_t now)
{
	int64_t next = crew_weigh(c, now);

	for (struct member *m = c->member; m < c->member + c->slots; m++) {
		if (m->phase == MEMBER_NONE)
			continue;
		member_notice_ready(c, m);
		next = MIN(next, member_ask_stack(c, m, now));
		if (member_deadline(c, m) <= now)
			member_kill(c, m, now);
		next = MIN(next, member_deadline(c, m));
		if (m->retire_at > now)
			next = MIN(next, m->retire_at);
	}
	return c->closed ? next : MIN(next, crew_balance(c, now));
}

/* --- deaths --- */

static enum restart death_reason(const struct member *m, int status, bool oom)
{
	if (m->kill_at)
		return RESTART_DEADLINE;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return oom ? RESTART_OOM : RESTART_UNKNOWN;
	if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
		return RESTART_CRASH;
	return m->phase == MEMBER_LEAVING ? m->reason : RESTART_UNKNOWN;
}

static void log_death(const struct crew *c, const struct member *m, int status, enum restart reason)
{
	char doing[SLOT_TEXT_SIZE];

	if (m->phase == MEMBER_LEAVING && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		log_line(c->closed ? LOG_DEBUG : LOG_INFO, "worker %d of %s has left: %s", (int)m->pid,
			name_of(c), c->closed ? "drained" : restart_name(reason));
		return;
	}
	log_error("worker %d of %s died (%s): %s %d%s%s, %s", (int)m->pid, name_of(c), restart_name(reason),
		WIFSIGNALED(status) ? "signal" : "exit code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), WIFSIGNALED(status) ? " " : "",
		WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "",
		slot_text(slot_of(c, m), doing, sizeof doing));
}

static void member_failed_to_start(struct crew *c, struct member *m)
{
	m->failures++;
	m->not_before = clock_now() + backoff(m->failures);
	if (m->failures < START_TRIES)
		return;
	c->hopeless |= !c->ready_once;
	roll_give_up(c);
}

static void member_died(struct crew *c, struct member *m, int status, bool oom)
{
	enum restart reason = death_reason(m, status, oom);

	member_notice_ready(c, m); /* it may have died before we looked */
	bool started = m->phase != MEMBER_STARTING;
	log_death(c, m, status, reason);
	slot_close(slot_of(c, m));
	*m = (struct member){ .failures = m->failures };
	if (c->closed)
		return;
	scoreboard_restart(c->options.board, c->options.group, reason);
	if (!started)
		member_failed_to_start(c, m);
}

bool crew_child(struct crew *c, pid_t pid, int status, bool oom)
{
	for (struct member *m = c->member; m < c->member + c->slots; m++) {
		if (m->phase == MEMBER_NONE || m->pid != pid)
			continue;
		if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
			m->stopped_at = WIFSTOPPED(status) ? clock_now() : 0;
			slot_stopped(slot_of(c, m), WIFSTOPPED(status));
		} else {
			member_died(c, m, status, oom);
		}
		return true;
	}
	return false;
}

/* --- ending --- */

void crew_drain(struct crew *c, enum closing how)
{
	int64_t now = clock_now();

	scoreboard_closing(c->options.board, c->options.group, how);
	listener_withdraw(&c->options.fds->listener[c->options.group]);
	c->closed = true;
	for (struct member *m = c->member; m < c->member + c->slots; m++)
		if (m->phase == MEMBER_STARTING || m->phase == MEMBER_READY)
			member_dismiss(c, m, now);
}

void crew_kill(struct crew *c)
{
	c->closed = true;
	for (struct member *m = c->member; m < c->member + c->slots; m++)
		if (m->phase != MEMBER_NONE)
			kill(m->pid, SIGKILL);
}
