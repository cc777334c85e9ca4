/* The service, its commands as a table, and its client. */
#include "echo_service.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "pool/stack.h"

static struct slot *my_slot;

static void add_byte(const struct pool *p, const char *name)
{
	int fd = open(pool_path(p, name), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, ".", 1), 1);
	close(fd);
}

static bool there(const struct pool *p, const char *name)
{
	return access(pool_path(p, name), F_OK) == 0;
}

static void wait_for_ever(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

static void die_of_segv(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

/* --- commands --- */

static void do_echo(int fd, const char *argument)
{
	dprintf(fd, "%s\n", argument);
}

static void do_pid(int fd, const char *argument)
{
	(void)argument;
	dprintf(fd, "%d\n", (int)getpid());
}

static void do_sleep(int fd, const char *argument)
{
	deadline_poll(
		-1, 0, deadline_in(strtol(argument, NULL, 10) * US_PER_MS)); /* a signal ends no sleep */
	dprintf(fd, "slept\n");
}

static void do_hold(int fd, const char *argument)
{
	char line[8];

	(void)argument;
	dprintf(fd, "holding\n");
	if (read(fd, line, sizeof line) > 0)
		dprintf(fd, "released\n");
}

static void do_crash(int fd, const char *argument)
{
	(void)fd;
	(void)argument;
	die_of_segv();
}

static void do_exit(int fd, const char *argument)
{
	(void)fd;
	_exit((int)strtol(argument, NULL, 10));
}

static void do_hang(int fd, const char *argument)
{
	(void)fd;
	(void)argument;
	wait_for_ever();
}

static void do_spin(int fd, const char *argument)
{
	(void)fd;
	for (;;)
		__asm__ volatile("" : : "r"(argument));
}

/* Asked for one by one: listing a directory would open it. */
static void do_fds(int fd, const char *argument)
{
	static const char list[] = "i=0; while [ $i -lt 64 ]; do [ -e /proc/$$/fd/$i ] && printf '%s ' $i; "
				   "i=$((i + 1)); done; echo";

	(void)argument;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", list, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void do_orphan(int fd, const char *argument)
{
	int ends[2];
	pid_t orphan = 0;

	(void)argument;
	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		orphan = fork();
		if (orphan)
			_exit(write(ends[1], &orphan, sizeof orphan) != sizeof orphan);
		poll(NULL, 0, 50);
		_exit(0);
	}
	ck_assert_int_eq(read(ends[0], &orphan, sizeof orphan), sizeof orphan);
	waitpid(child, NULL, 0);
	dprintf(fd, "%d\n", (int)orphan);
}

static void run_command(int fd, const char *line);

static void do_due(int fd, const char *argument)
{
	char *command;

	slot_deadline(my_slot, clock_now() + strtoll(argument, &command, 10) * US_PER_MS);
	run_command(fd, command + 1);
}

static void do_deaf(int fd, const char *argument)
{
	signal(SIGABRT, SIG_IGN);
	run_command(fd, argument);
}

static void do_leak(int fd, const char *argument)
{
	size_t n = (size_t)strtol(argument, NULL, 10) << 20;
	static char *volatile kept; /* or nobody would have to write there */

	kept = malloc(n);
	ck_assert_ptr_nonnull(kept);
	memset(kept, 1, n);
	dprintf(fd, "leaked\n");
}

static void do_log(int fd, const char *argument)
{
	char text[LOG_LINE_MAX];

	memset(text, LOG_MARK(getpid()), sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (long n = strtol(argument, NULL, 10); n; n--)
		log_error("%s", text);
	dprintf(fd, "logged\n");
}

static const struct {
	const char *name;
	void (*run)(int fd, const char *argument);
} commands[] = {
	{ "echo ", do_echo },
	{ "pid", do_pid },
	{ "sleep ", do_sleep },
	{ "hold", do_hold },
	{ "crash", do_crash },
	{ "exit ", do_exit },
	{ "hang", do_hang },
	{ "spin", do_spin },
	{ "fds", do_fds },
	{ "orphan", do_orphan },
	{ "due ", do_due },
	{ "deaf ", do_deaf },
	{ "leak ", do_leak },
	{ "log ", do_log },
};

static void run_command(int fd, const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strncmp(line, commands[i].name, strlen(commands[i].name)) == 0)
			commands[i].run(fd, line + strlen(commands[i].name));
}

/* --- the service --- */

static int echo_start(void *self, enum group group, struct slot *slot)
{
	const struct pool *p = self;

	(void)group;
	my_slot = slot;
	add_byte(p, "starts");
	if (there(p, "hang-start"))
		wait_for_ever();
	if (there(p, "crash-start"))
		die_of_segv();
	return there(p, "fail-start");
}

static void echo_serve(void *self, int fd)
{
	char line[4096];
	const struct timeval limit = { .tv_sec = 2 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	ssize_t n = read(fd, line, sizeof line - 1);
	if (n > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		add_byte(self, "runs");
		slot_begin(my_slot, 1500);
		slot_route(my_slot, line);
		slot_stage(my_slot, "handler");
		slot_query(my_slot, "LOT_BY_ID");
		slot_request_id(my_slot, "echo-1");
		stack_allow(true);
		run_command(fd, line);
		stack_allow(false);
		slot_end(my_slot, 200, 3000, 250);
	}
	close(fd);
}

static void echo_stop(void *self)
{
	add_byte(self, "stops");
	if (there(self, "hang-stop"))
		wait_for_ever();
}

static void echo_reload(void *self)
{
	pool_touch(self, "reloaded");
}

struct pool_service echo_service(const struct pool *p)
{
	return (struct pool_service){
		.start = echo_start,
		.serve = echo_serve,
		.stop = echo_stop,
		.reload = echo_reload,
		.self = (void *)p,
	};
}

/* --- the client --- */

int echo_connect(const struct pool *p, enum group group)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", p->dir, group_name(group));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int err = -errno;
	close(fd);
	return err;
}

int echo_open(const struct pool *p, enum group group, const char *command)
{
	int fd = echo_connect(p, group);

	ck_assert_msg(fd >= 0, "connect: %s", strerror(-fd));
	ck_assert_int_eq(send(fd, command, strlen(command), MSG_NOSIGNAL), (int)strlen(command));
	return fd;
}

/* Until `stop` has been read or the end of file. */
static int read_until(int fd, char *answer, size_t size, int64_t us, char stop)
{
	struct deadline until = deadline_in(us);
	size_t n = 0;

	answer[0] = '\0';
	while (n < size - 1) {
		ssize_t got = recv(fd, answer + n, stop ? 1 : size - 1 - n, 0);
		if (got < 0 && errno == EAGAIN) {
			if (!deadline_poll(fd, POLLIN, until))
				return -ETIMEDOUT;
			continue;
		}
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
		answer[n] = '\0';
		if (stop && answer[n - 1] == stop)
			break;
	}
	return (int)n;
}

int echo_read(int fd, char *answer, size_t size, int64_t us)
{
	int n = read_until(fd, answer, size, us, '\0');

	close(fd);
	return n;
}

int echo_read_line(int fd, char *answer, size_t size, int64_t us)
{
	return read_until(fd, answer, size, us, '\n');
}

bool echo_ask(const struct pool *p, enum group group, const char *command, char *answer, size_t size)
{
	int fd = echo_connect(p, group);

	if (fd < 0)
		return false;
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) != (ssize_t)strlen(command)) {
		close(fd);
		return false;
	}
	int n = echo_read(fd, answer, size, SECONDS(10));
	return n > 0 && answer[n - 1] == '\n';
}

int64_t file_bytes(const struct pool *p, const char *name)
{
	struct stat st;

	return stat(pool_path(p, name), &st) == 0 ? st.st_size : 0;
}
