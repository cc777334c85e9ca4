/* Starting, watching and ending a pool from a test. */
#include "pool_harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int pool_suite_run(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
	void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 30);
	tcase_add_checked_fixture(all, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void nap(void)
{
	poll(NULL, 0, 2);
}

void pool_prepare(struct pool *p)
{
	*p = (struct pool){
		.pidfd = -1,
		.conf = {
			.workers = 2,
			.login_workers = 1,
			.connections = 200,
			.max_tasks = 2,
			.read_timeout_ms = 2000,
			.write_timeout_ms = 3000,
			.export_timeout_ms = 3000,
			.queue_timeout_ms = 250,
			.hard_timeout_ms = 2000,
		},
	};
	snprintf(p->dir, sizeof p->dir, "/tmp/agrobridge-pool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->dir));
	p->conf.socket_dir = p->dir;
}

const char *pool_path(const struct pool *p, const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	return path;
}

void pool_touch(const struct pool *p, const char *name)
{
	int fd = open(pool_path(p, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* In the child: dies with the test, hands none of the test's descriptors on, writes its log into the directory. */
static void child_prepare(const struct pool *p, pid_t test)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != test)
		_exit(127);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (p->as_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	int fd = open(pool_path(p, "log"), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
}

static pid_t fork_master(struct pool *p)
{
	pid_t test = getpid();

	fflush(NULL);
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0) {
		child_prepare(p, test);
		return 0;
	}
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	ck_assert_int_ge(p->pidfd, 0);
	return p->pid;
}

void pool_launch(struct pool *p, const struct pool_service *service)
{
	if (fork_master(p) == 0)
		_exit(pool_run(&p->conf, service));
}

/* The program refuses settings it does not know, so that none of the test's own may reach it. */
static void drop_settings(void)
{
	for (char **e = environ; *e;) {
		char name[256];
		snprintf(name, sizeof name, "%.*s", (int)strcspn(*e, "="), *e);
		if (strncmp(name, "AGROBRIDGE_", strlen("AGROBRIDGE_")) == 0)
			unsetenv(name); /* the next one moves here */
		else
			e++;
	}
}

void pool_launch_program(struct pool *p, char *const *environment)
{
	const char *program = getenv("AGROBRIDGE_BIN");

	ck_assert_msg(program, "AGROBRIDGE_BIN must name the program");
	if (fork_master(p))
		return;
	char *arguments[] = { strdup(program), "serve", NULL };
	drop_settings();
	setenv("AGROBRIDGE_SOCKET_DIR", p->dir, 1);
	for (; *environment; environment++)
		putenv(*environment);
	execv(arguments[0], arguments);
	_exit(127);
}

static bool all_ready(struct pool *p)
{
	if (!p->board && scoreboard_open_read(p->dir, &p->board))
		return false;
	for (int g = 0; g < GROUP_COUNT; g++) {
		struct group_view view = pool_view(p, (enum group)g);
		if (view.idle + view.busy < view.configured)
			return false;
	}
	return true;
}

void pool_wait_ready(struct pool *p)
{
	ck_assert_msg(eventually(SECONDS(10), all_ready(p)), "the pool is not ready; see %s/log", p->dir);
}

void pool_start(struct pool *p, const struct pool_service *service)
{
	pool_launch(p, service);
	pool_wait_ready(p);
}

void pool_signal(const struct pool *p, int signal)
{
	ck_assert_int_eq(kill(p->pid, signal), 0);
}

int pool_wait_exit(struct pool *p, int64_t us)
{
	int status;

	if (!(deadline_poll(p->pidfd, POLLIN, deadline_in(us)) > 0))
		return -1;
	ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
	close(p->pidfd);
	p->pid = 0;
	p->pidfd = -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void pool_finish(struct pool *p)
{
	DIR *dir = opendir(p->dir);
	struct dirent *entry;

	if (p->pid) {
		kill(p->pid, SIGKILL);
		ck_assert_int_ge(pool_wait_exit(p, SECONDS(5)), 0);
	}
	if (p->board)
		scoreboard_close(p->board);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlink(pool_path(p, entry->d_name));
	if (dir)
		closedir(dir);
	ck_assert_int_eq(rmdir(p->dir), 0);
}

int pool_pids(const struct pool *p, enum group group, pid_t pids[HARNESS_PIDS])
{
	int slots = pool_view(p, group).slots, n = 0;

	for (int i = 0; i < slots && n < HARNESS_PIDS; i++) {
		struct worker_view worker;
		if (view_worker(p->board, group, i, &worker))
			pids[n++] = worker.pid;
	}
	return n;
}

struct group_view pool_view(const struct pool *p, enum group group)
{
	struct group_view view;

	view_group(p->board, group, &view);
	return view;
}

uint64_t pool_restarts(const struct pool *p, enum group group)
{
	struct group_view view = pool_view(p, group);
	uint64_t sum = 0;

	for (int i = 0; i < RESTART_COUNT; i++)
		sum += view.restarts[i];
	return sum;
}

uint64_t pool_restarts_for(const struct pool *p, enum restart reason)
{
	return pool_view(p, GROUP_MAIN).restarts[reason];
}

bool pool_log_has(const struct pool *p, const char *text)
{
	char line[8192];
	bool found = false;
	FILE *log = fopen(pool_path(p, "log"), "re");

	while (log && !found && fgets(line, sizeof line, log))
		found = strstr(line, text);
	if (log)
		fclose(log);
	return found;
}

bool process_alive(pid_t pid)
{
	char path[64], text[512] = "";

	/* A zombie is dead: it has only not been reaped. */
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "re");
	if (!stat)
		return false;
	const char *read = fgets(text, sizeof text, stat);
	fclose(stat);
	const char *state = read ? strrchr(text, ')') : NULL;
	return state && state[2] != 'Z' && state[2] != 'X';
}

int64_t process_cpu(pid_t pid)
{
	clockid_t id;
	struct timespec t = { 0 };

	if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &t))
		return 0;
	return t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}
