/*
 * The worker's loop. Signals stay blocked for the whole life of the process, because libfcgi takes an interrupted read for
 * a broken request (stack_allow() lets one in while it cannot hurt): SIGTERM is a readable descriptor beside the listener. That also leaves no window in which it could be
 * lost, and it is seen under full load, where a wait that returns with events never delivers a signal.
 */
#include "pool/worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "pool/proc.h"
#include "pool/stack.h"

struct loop {
	const struct worker *w;
	int epoll, signals, listener;
	int policy; /* of the scheduler */
	int64_t accepted;
};

/* --- after fork --- */

/* All but those that a fault or abort() raises, and SIGABRT, by which the master ends a stuck worker. */
static void signals_block(void)
{
	static const int kept[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		sigdelset(&set, kept[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* The comparison catches a master that died before the prctl(). */
static void die_with_master(pid_t master)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != master)
		_exit(0);
}

/* When memory runs out one request must die, not the master: raising one's own score needs no privilege. */
static void die_before_master(void)
{
	static const int above = 300, most = 1000; /* proc(5): -1000 to 1000 */
	char text[32];

	if (file_read("/proc/self/oom_score_adj", text, sizeof text) <= 0)
		return;
	long score = strtol(text, NULL, 10);
	snprintf(text, sizeof text, "%ld", MIN(score + above, (long)most));
	if (file_write("/proc/self/oom_score_adj", text))
		log_warning("could not raise oom_score_adj: a lack of memory may hit the master first");
}

/* So that a listener is closed when its own group has closed it. */
static void close_others(const struct worker *w)
{
	close(w->fds->signals);
	for (int g = 0; g < GROUP_COUNT; g++)
		if (g != (int)w->group && w->fds->listener[g].fd >= 0)
			close(w->fds->listener[g].fd);
}

/* EPOLLEXCLUSIVE: a connection wakes one idle worker, not all of them. */
static int loop_open(struct loop *l, const struct worker *w)
{
	sigset_t term;
	struct epoll_event on_connect = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	struct epoll_event on_term = { .events = EPOLLIN };

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	*l = (struct loop){ .w = w, .listener = w->fds->listener[w->group].fd, .policy = SCHED_OTHER };
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->signals = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->epoll < 0 || l->signals < 0)
		return -errno;
	on_connect.data.fd = l->listener;
	on_term.data.fd = l->signals;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->listener, &on_connect) < 0 ||
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->signals, &on_term) < 0)
		return -errno;
	return 0;
}

/* --- serving --- */

static void notify_master(const struct worker *w)
{
	const uint64_t one = 1;
	ssize_t n = write(w->fds->notify, &one, sizeof one);

	(void)n; /* full means that the master has a wake-up to come already */
}

/* Waits for the first bytes here, because a read with a time-out of its own would be broken off by a stop and continue
 * (signal(7)). A client that has left while it was queued gets nothing done in its name; one that has only ended its sending
 * half still listens. */
static bool has_request(const struct worker *w, int fd)
{
	static const int silence_ms = 1000; /* nginx sends at once */
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, silence_ms) <= 0)
		return false;
	if (!(p.revents & (POLLHUP | POLLERR)))
		return true;
	slot_shed(w->slot);
	return false;
}

static void serve(struct loop *l, int fd)
{
	const struct worker *w = l->w;

	slot_accepted(w->slot);
	if (has_request(w, fd))
		w->service->serve(w->service->self, fd);
	else
		close(fd);
	slot_idle(w->slot);
	if (++l->accepted == w->max_requests) {
		slot_ask_retire(w->slot, RESTART_MAX_REQUESTS);
		notify_master(w);
	}
}

/* Accepts and serves one connection; false: there is none. Errors that stay (out of descriptors, out of memory) leave the
 * listener readable: the pause keeps the loop from spinning. */
static bool take_one(struct loop *l)
{
	static const int pause_ms = 50;
	int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		serve(l, fd);
		return true;
	}
	if (errno == EAGAIN)
		return false; /* another worker was faster, or the withdrawn listener's queue is empty */
	log_warning("could not accept: %s", strerror(errno));
	poll(NULL, 0, pause_ms);
	return true; /* it is still there: try again */
}

/*
 * SCHED_BATCH (sched(7)): being woken preempts nobody, and the share of the processor stays the same. nginx, which wakes a
 * worker twice a request (connect, write), goes on until it waits itself, and by then several requests are there: a fifth
 * less processor a request (tests/bench/hop.py). But a login that hashes waits for nothing in its 20 ms: as long as one
 * does, the main workers may preempt it (tests/bench/login_flood.py). The ops group always may.
 */
static void choose_policy(struct loop *l)
{
	const struct worker *w = l->w;
	const struct sched_param none = { 0 };
	bool wait =
		w->group == GROUP_LOGIN || (w->group == GROUP_MAIN && !slot_group_busy(w->slot, GROUP_LOGIN));
	int policy = wait ? SCHED_BATCH : SCHED_OTHER;

	if (policy == l->policy)
		return;
	l->policy = policy;
	if (sched_setscheduler(0, policy, &none) < 0)
		log_debug("could not choose a scheduling policy: %s", strerror(errno));
}

/* Waits for a connection or SIGTERM. Both are reported when both are there. */
static void await(const struct loop *l, bool *ret_connection, bool *ret_told)
{
	struct epoll_event events[2];
	int n = epoll_wait(l->epoll, events, (int)ARRAY_SIZE(events), -1);

	*ret_connection = *ret_told = false;
	for (int i = 0; i < n; i++) /* n is -1 after a stop and continue */
		*(events[i].data.fd == l->signals ? ret_told : ret_connection) = true;
}

/* A wake-up for a connection may have been the only one, so the connection is taken even when SIGTERM came along. */
static void serve_until_told(struct loop *l)
{
	for (;;) {
		bool connection, told;
		choose_policy(l);
		await(l, &connection, &told);
		if (connection && slot_closing(l->w->slot) != CLOSING_HASTE)
			take_one(l);
		if (told)
			break;
	}
	while (slot_closing(l->w->slot) == CLOSING_DRAIN && take_one(l))
		;
}

NORETURN void worker_run(const struct worker *w)
{
	const struct pool_service *service = w->service;
	struct loop loop;

	signals_block();            /* nothing may interrupt libfcgi while it reads             */
	die_with_master(w->master); /* PR_SET_PDEATHSIG, then compare getppid(): no orphan      */
	die_before_master();        /* the OOM killer's choice                                  */
	close_others(w);            /* a closed listener must be closed everywhere              */
	int err = loop_open(&loop, w);
	if (err) {
		log_error("could not watch the listener: %s", strerror(-err));
		exit(EXIT_FAILURE);
	}
	if (service->start(service->self, w->group,
		    w->slot)) /* before the first request, so that it pays for nothing */
		exit(EXIT_FAILURE);
	stack_open(w->slot); /* after it, when all libraries are loaded                  */
	slot_ready(w->slot); /* only now may the master retire our predecessor           */
	notify_master(w);
	serve_until_told(&loop);
	service->stop(service->self);
	exit(EXIT_SUCCESS);
}
