/*
 * A pool under test: a real master and real workers in a private directory, every wait with a deadline. It runs either a
 * small service of ours (echo_service.h) or the real program, `agrobridge serve`, as AGROBRIDGE_BIN names it. A failed
 * assertion ends the test's process, and the kernel ends the pool with it.
 */
#ifndef TESTS_POOL_HARNESS_H
#define TESTS_POOL_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "pool/pool.h"
#include "pool/view.h"

/* Runs the tests with that fixture around each; each may take half a minute. Returns main()'s exit status. */
int pool_suite_run(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
	void (*teardown)(void));

enum { HARNESS_PIDS = 64 };

#define SECONDS(n) ((n)*US_PER_SECOND)
#define MILLIS(n)  ((n)*US_PER_MS)

struct pool {
	char dir[64];     /* SOCKET_DIR; the log is DIR/log */
	struct conf conf; /* 2 main workers, 1 login; change it before the start */
	bool as_reaper;   /* the master gets the orphans, as PID 1 of a container does */
	pid_t pid;        /* the master */
	int pidfd;
	struct scoreboard *board; /* NULL until it is there */
};

void pool_prepare(struct pool *p); /* the directory and the configuration */
/* Runs the service; does not wait. */
void pool_launch(struct pool *p, const struct pool_service *service);
/* Runs `AGROBRIDGE_BIN serve` with the settings of `environment` ("NAME=value" strings, NULL at the end) and no
 * others; does not wait. */
void pool_launch_program(struct pool *p, char *const *environment);
/* Until as many workers of every group as configured are idle or busy; fails the test after ten seconds. */
void pool_wait_ready(struct pool *p);
void pool_start(struct pool *p, const struct pool_service *service); /* launch and wait */

void pool_signal(const struct pool *p, int signal);
/* The exit status, 128 + signal, or -1 when the time is up. */
int pool_wait_exit(struct pool *p, int64_t us);
/* Kills what still runs and removes the directory. */
void pool_finish(struct pool *p);

/* The live workers' pids. Returns how many. */
int pool_pids(const struct pool *p, enum group group, pid_t pids[HARNESS_PIDS]);
struct group_view pool_view(const struct pool *p, enum group group);
uint64_t pool_restarts(const struct pool *p, enum group group);        /* of all reasons */
uint64_t pool_restarts_for(const struct pool *p, enum restart reason); /* of the group main */
const char *pool_path(const struct pool *p, const char *name);         /* DIR/name, in a buffer used again */
void pool_touch(const struct pool *p, const char *name);               /* makes that file */
bool pool_log_has(const struct pool *p, const char *text);

bool process_alive(pid_t pid);
/* Processor time of one process, us. */
int64_t process_cpu(pid_t pid);

/* What shared memory shows cannot be waited for but by looking: every 2 ms, until it is true or the time is up. */
#define eventually(us, condition)                                                                            \
	({                                                                                                   \
		struct deadline until_ = deadline_in(us);                                                    \
		bool met_;                                                                                   \
		while (!(met_ = (condition)) && deadline_left(until_))                                       \
			nap();                                                                               \
		met_;                                                                                        \
	})
void nap(void);

#endif
