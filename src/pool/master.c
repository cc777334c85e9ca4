/*
 * The master: makes the listeners and the scoreboard, keeps three crews going, and ends them in order. One loop over two
 * descriptors, signals and the workers' notifications; its time-out is the next thing that is due. It never parses a
 * request, never sleeps, and as PID 1 reaps whatever is left to it.
 */
#include "pool/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "pool/cgroup.h"
#include "pool/crew.h"
#include "pool/listen.h"
#include "pool/scoreboard.h"
#include "pool/size.h"
#include "pool/stack.h"
#include "pool/view.h"
#include "pool/worker.h"

/* How often queues are looked at and figures sampled. */
#define SAMPLE_US US_PER_SECOND
/* How often the service is asked to write down how it goes. */
#define REPORT_US (60 * US_PER_SECOND)
/* How late a request may be before its worker counts as stuck; half of the hard time-out where that is shorter. */
#define LATE_US (500 * US_PER_MS)
/* Below that many requests a minute their mean is chance. */
#define MEAN_REQUESTS 100
/* After SIGKILL to all; what is still there then hangs in the kernel and would keep us for ever. */
#define KILL_WAIT_US (2 * US_PER_SECOND)

enum phase {
	SERVING,
	DRAINING, /* main and login finish; ops still answers */
	CLOSING,  /* ops finishes too */
	KILLING,  /* everybody was sent SIGKILL */
};

struct master {
	const struct conf *conf;
	const struct pool_service *service;
	struct plan plan;
	struct pool_fds fds;
	struct scoreboard *board;
	struct crew crew[GROUP_COUNT];
	enum phase phase;
	int status;        /* to exit with */
	int64_t oom_kills; /* seen so far; -1: cannot be read */
	int64_t next_sample, next_report;
	int64_t give_up_at; /* in KILLING */
};

/* --- ending --- */

static void drain_others(struct master *m, enum closing how)
{
	for (int g = 0; g < GROUP_COUNT; g++)
		if (g != GROUP_OPS)
			crew_drain(&m->crew[g], how);
}

static void kill_all(struct master *m)
{
	m->phase = KILLING;
	m->give_up_at = clock_now() + KILL_WAIT_US;
	for (int g = 0; g < GROUP_COUNT; g++) {
		listener_close(&m->fds.listener[g]);
		crew_kill(&m->crew[g]);
	}
}

/* What follows once a phase's workers are gone. True: it was the last. A group's listener is closed after its last worker:
 * whatever a crash left in its queue sees the end of file now. */
static bool phase_advance(struct master *m)
{
	int alive = 0;

	for (int g = 0; g < GROUP_COUNT; g++) {
		alive += crew_size(&m->crew[g]);
		if (m->crew[g].closed && !crew_size(&m->crew[g]))
			listener_close(&m->fds.listener[g]);
	}
	if (m->phase == DRAINING && alive == crew_size(&m->crew[GROUP_OPS])) {
		m->phase = CLOSING;
		crew_drain(&m->crew[GROUP_OPS], CLOSING_DRAIN);
		alive = crew_size(&m->crew[GROUP_OPS]);
	}
	if (m->phase == KILLING && clock_now() >= m->give_up_at)
		return true;
	return m->phase != SERVING && m->phase != DRAINING && !alive;
}

/* --- signals --- */

/* An OOM kill is counted before its victim dies, so each one explains one death by SIGKILL. */
static bool oom_explains(struct master *m, int status)
{
	if (m->oom_kills < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return false;
	if (cgroup_oom_kills("") <= m->oom_kills)
		return false;
	m->oom_kills++;
	return true;
}

static void on_child(struct master *m)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		bool oom = oom_explains(m, status), ours = false;
		for (int g = 0; g < GROUP_COUNT && !ours; g++)
			ours = crew_child(&m->crew[g], pid, status, oom);
		if (!ours)
			log_debug("reaped process %d, which was left to us", (int)pid);
	}
}

static void on_stop(struct master *m)
{
	if (m->phase == SERVING) {
		log_info("draining");
		m->phase = DRAINING;
		scoreboard_draining(m->board);
		drain_others(m, CLOSING_DRAIN);
	} else if (m->phase == DRAINING) {
		log_info("told to stop again: what is queued is given up");
		drain_others(m, CLOSING_HASTE);
	}
}

static void on_quit(struct master *m)
{
	log_info("ending at once");
	scoreboard_draining(m->board);
	kill_all(m);
}

static void on_reload(struct master *m)
{
	if (m->phase != SERVING)
		return;
	log_info("replacing every worker");
	if (m->service->reload)
		m->service->reload(m->service->self);
	for (int g = 0; g < GROUP_COUNT; g++)
		crew_roll(&m->crew[g]);
}

static const struct {
	int number;
	void (*handle)(struct master *m);
} signals[] = {
	{ SIGCHLD, on_child },
	{ SIGTERM, on_stop },
	{ SIGINT, on_stop },
	{ SIGQUIT, on_quit },
	{ SIGHUP, on_reload },
};

static void signals_read(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->fds.signals, &info, sizeof info) == sizeof info)
		for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
			if (signals[i].number == (int)info.ssi_signo)
				signals[i].handle(m);
}

/* Default actions, lest an inherited "ignore" makes the kernel reap our children; blocked before the first fork. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaddset(&set, signals[i].number);
		signal(signals[i].number, SIG_DFL);
	}
	signal(SIGPIPE, SIG_IGN); /* inherited by workers: a client that left is an error of write() */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- the loop --- */

/* The queues follow the service times of the last minute: a store that has become slow makes them shorter. */
static void queues_fit(struct master *m)
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		struct group_view view;
		view_group(m->board, (enum group)g, &view);
		if (view.recent.at[TALLY_REQUESTS] >= MEAN_REQUESTS)
			listener_resize(
				&m->fds.listener[g], size_backlog(m->conf, m->plan.workers[g],
							     tally_mean(&view.recent, TALLY_SERVICE_US)));
	}
}

/* Does what is due and returns when to do it again. */
static int64_t master_step(struct master *m)
{
	int64_t now = clock_now(), next = m->next_sample;

	if (now >= m->next_sample) {
		scoreboard_sample(m->board, now);
		queues_fit(m);
		next = m->next_sample = now + SAMPLE_US;
	}
	if (m->service->report && now >= m->next_report) {
		if (m->next_report)
			m->service->report(m->service->self, m->board);
		m->next_report = now + REPORT_US;
	}
	for (int g = 0; g < GROUP_COUNT; g++) {
		next = MIN(next, crew_step(&m->crew[g], now));
		if (m->crew[g].hopeless && m->phase != KILLING) {
			log_error("giving up: no worker of %s became ready", group_name((enum group)g));
			m->status = EXIT_FAILURE;
			kill_all(m);
		}
	}
	return next;
}

static void master_wait(struct master *m, int64_t until)
{
	struct pollfd p[] = { { .fd = m->fds.signals, .events = POLLIN },
		{ .fd = m->fds.notify, .events = POLLIN } };
	uint64_t times;

	poll(p, ARRAY_SIZE(p), deadline_left_ms((struct deadline){ until }));
	if (p[1].revents && read(m->fds.notify, &times, sizeof times) < 0 && errno != EAGAIN)
		log_error("could not read a notification: %s", strerror(errno));
	if (p[0].revents)
		signals_read(m);
}

static void master_loop(struct master *m)
{
	int64_t next = master_step(m);

	while (!phase_advance(m)) {
		master_wait(m, next);
		next = master_step(m);
	}
}

/* --- starting --- */

/* The longest request a group may serve, by the classes of its routes. */
static int64_t group_budget(const struct conf *conf, enum group group)
{
	const int64_t ms[GROUP_COUNT] = {
		[GROUP_MAIN] =
			MAX(MAX(conf->read_timeout_ms, conf->write_timeout_ms), conf->export_timeout_ms),
		[GROUP_LOGIN] = conf->write_timeout_ms,
		[GROUP_OPS] = conf->read_timeout_ms,
	};

	return ms[group] * US_PER_MS;
}

static int64_t late_us(const struct conf *conf)
{
	return MIN(LATE_US, conf->hard_timeout_ms * US_PER_MS / 2);
}

static int listeners_open(struct master *m)
{
	for (int g = 0; g < GROUP_COUNT; g++)
		if (listener_open(&m->fds.listener[g], m->conf->socket_dir, group_name((enum group)g),
			    m->plan.backlog[g]))
			return -1;
	return 0;
}

static int board_open(struct master *m)
{
	struct scoreboard_plan plan = {
		.dir = m->conf->socket_dir,
		.late_us = late_us(m->conf),
		.version = PACKAGE_VERSION,
		.revision = AGROBRIDGE_REVISION,
	};

	for (int g = 0; g < GROUP_COUNT; g++) {
		plan.group[g].configured = m->plan.workers[g];
		plan.group[g].slots = m->plan.workers[g] + CREW_SPARE_SLOTS;
		plan.group[g].budget_us = group_budget(m->conf, (enum group)g);
		plan.group[g].listener = m->fds.listener[g].inode;
		plan.group[g].backlog = m->plan.backlog[g];
	}
	int err = scoreboard_create(&plan, &m->board);
	if (err)
		log_error("could not make the scoreboard in %s: %s", plan.dir, strerror(-err));
	return err;
}

static int crews_open(struct master *m)
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		const struct crew_options options = {
			.group = (enum group)g,
			.configured = m->plan.workers[g],
			.budget_us = group_budget(m->conf, (enum group)g),
			.late_us = late_us(m->conf),
			.hard_us = m->conf->hard_timeout_ms * US_PER_MS,
			.max_requests = m->conf->max_requests,
			.max_age_us = m->conf->max_age_ms * US_PER_MS,
			.max_private = m->conf->max_worker_mb << 20,
			.service = m->service,
			.fds = &m->fds,
			.board = m->board,
		};
		int err = crew_init(&m->crew[g], &options);
		if (err)
			return err;
	}
	return 0;
}

static void size_workers(struct master *m)
{
	struct limits limits = machine_limits(m->conf, "");
	char text[512];

	m->plan = size_plan(m->conf, &limits);
	log_info("%s", size_explain(m->conf, &limits, &m->plan, text, sizeof text));
	if (m->plan.workers[GROUP_MAIN] > m->plan.by_connections)
		log_warning("%d main and %d login workers in twice %lld tasks need more than the %lld "
			    "connections "
			    "of AGROBRIDGE_CONNECTIONS",
			m->plan.workers[GROUP_MAIN], m->plan.workers[GROUP_LOGIN],
			(long long)m->conf->max_tasks, (long long)m->conf->connections);
}

/* What is missing when one of these fails was said in the log, or is memory or descriptors at the very start. */
static int master_open(struct master *m)
{
	m->fds.signals = signals_open();
	m->fds.notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fds.signals < 0 || m->fds.notify < 0) {
		log_error("could not start the pool: %s", strerror(errno));
		return -1;
	}
	stack_prepare();
	size_workers(m);
	m->oom_kills = cgroup_oom_kills("");
	if (listeners_open(m) || board_open(m) || crews_open(m))
		return -1;
	return 0;
}

static void master_close(struct master *m)
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		listener_close(&m->fds.listener[g]);
		crew_release(&m->crew[g]);
	}
	if (m->board)
		scoreboard_destroy(m->board);
	close(m->fds.notify);
	close(m->fds.signals);
}

int pool_run(const struct conf *conf, const struct pool_service *service)
{
	struct master m = { .conf = conf, .service = service, .status = EXIT_SUCCESS };

	for (int g = 0; g < GROUP_COUNT; g++)
		m.fds.listener[g].fd = -1;
	if (master_open(&m)) {
		m.status = EXIT_FAILURE;
	} else {
		master_loop(&m);
		log_info("stopped");
	}
	master_close(&m);
	return m.status;
}
