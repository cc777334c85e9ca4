/* Redis servers for tests: real ones and fakes. */
#include "redis_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPTIONS_MAX = 40, COMMAND_ARGS_MAX = 16, COMMAND_ARG_SIZE = 1 << 16 };

void private_dir_make(char ret_dir[SERVER_PATH_SIZE])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(ret_dir, SERVER_PATH_SIZE, "%s/agrobridge-redis-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(ret_dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void private_dir_remove(const char *dir)
{
	ck_assert_int_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A child that does not outlive the test, whatever becomes of it. */
static pid_t fork_child(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static void stop_child(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	ck_assert_int_eq(waitpid(*pid, NULL, 0), *pid);
	*pid = 0;
}

/* In the child: becomes the program, its output in `out`, no input. */
static void become(const char *const argv[], int out)
{
	int nothing = open("/dev/null", O_RDONLY);

	dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvp(argv[0], (char *const *)(size_t)argv);
	_exit(127);
}

void run_program(const char *const argv[])
{
	int status, nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = fork_child();

	if (pid == 0)
		become(argv, nowhere);
	close(nowhere);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s %s failed", argv[0], argv[1]);
}

int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&at, sizeof at), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&at, &length), 0);
	close(fd);
	return ntohs(at.sin_port);
}

/* Reads the program's output until it says that it is ready, for at most ten seconds. */
static void await_ready(int output, const char *ready)
{
	char text[8192];
	size_t n = 0;
	struct pollfd p = { .fd = output, .events = POLLIN };

	for (;;) {
		text[n] = '\0';
		if (strstr(text, ready))
			return;
		ck_assert_msg(n < sizeof text - 1 && poll(&p, 1, 10000) == 1, "not ready: %s", text);
		ssize_t got = read(output, text + n, sizeof text - 1 - n);
		ck_assert_msg(got > 0, "ended: %s", text);
		n += (size_t)got;
	}
}

void program_start(struct redis_server *s, const char *const argv[], const char *ready)
{
	int output[2];

	ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
	s->pid = fork_child();
	if (s->pid == 0)
		become(argv, output[1]);
	close(output[1]);
	await_ready(output[0], ready);
	/* What it says from here on goes into a pipe nobody reads; redis-server ignores SIGPIPE. */
	close(output[0]);
}

void redis_server_start(struct redis_server *s, const char *const options[])
{
	const char *argv[OPTIONS_MAX] = { "redis-server", "--save", "", "--appendonly", "no", "--daemonize",
		"no" };

	for (size_t n = 7; *options; options++, n++) {
		ck_assert_uint_lt(n, OPTIONS_MAX - 1);
		argv[n] = *options;
	}
	program_start(s, argv, "eady to accept connections");
}

void redis_server_stop(struct redis_server *s)
{
	stop_child(&s->pid);
}

/* One line of a command, without its CRLF. */
static bool read_line(FILE *in, char *line, int size)
{
	if (!fgets(line, size, in))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* One command; its name in `ret_name`. False at the end of the connection. */
static bool read_command(FILE *in, char ret_name[32])
{
	static char argument[COMMAND_ARG_SIZE];
	char line[32];

	if (!read_line(in, line, sizeof line) || line[0] != '*')
		return false;
	long count = strtol(line + 1, NULL, 10);
	for (long i = 0; i < count; i++) {
		if (!read_line(in, line, sizeof line) || line[0] != '$')
			return false;
		for (long left = strtol(line + 1, NULL, 10) + 2; left > 0;) {
			size_t n = left < (long)sizeof argument ? (size_t)left : sizeof argument;
			if (fread(argument, 1, n, in) != n)
				return false;
			if (i == 0)
				snprintf(ret_name, 32, "%.*s", (int)(n < 34 ? n - 2 : 31), argument);
			left -= (long)n;
		}
	}
	return true;
}

static void write_answer(int fd, const char *answer, bool bytewise)
{
	size_t n = strlen(answer), step = bytewise ? 1 : n;

	for (size_t at = 0; at < n;) {
		ssize_t sent = send(fd, answer + at, step, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		at += (size_t)sent;
		step = bytewise ? 1 : n - at;
	}
}

static void serve(int fd, const struct fake_script *script, struct fake_counts *counts)
{
	char name[32];
	FILE *in = fdopen(fd, "r");

	while (read_command(in, name)) {
		const char *answer = script->greeting;
		if (strcmp(name, "PING") != 0) {
			size_t i = (size_t)counts->commands++;
			answer = script->answers[i < script->count ? i : script->count - 1];
		} else if (script->greet_after) {
			struct pollfd p = { .fd = script->greet_after, .events = POLLIN };
			poll(&p, 1, -1);
		}
		if (!answer)
			break;
		write_answer(fd, answer, script->bytewise);
	}
	fclose(in);
}

void fake_redis_start(struct fake_redis *f, const char *path, const struct fake_script *script)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_lt(strlen(path), sizeof at.sun_path);
	memcpy(at.sun_path, path, strlen(path));
	unlink(path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)(void *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	f->counts = mmap(NULL, sizeof *f->counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(f->counts, MAP_FAILED);
	f->pid = fork_child();
	if (f->pid) {
		close(listener);
		return;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		f->counts->connections++;
		serve(fd, script, f->counts);
	}
}

void fake_redis_stop(struct fake_redis *f)
{
	if (!f->pid)
		return;
	stop_child(&f->pid);
	munmap(f->counts, sizeof *f->counts);
	f->counts = NULL;
}
