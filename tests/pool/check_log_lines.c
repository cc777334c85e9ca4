/* Many workers, one pipe: each line of the log arrives whole, between two others. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "echo_service.h"

enum { WORKERS = 8, LINES = 300 };

static struct pool pool;
static struct pool_service service;
static int ends[2];
static int (*echo_start)(void *self, enum group group, struct slot *slot);

static int start_on_pipe(void *self, enum group group, struct slot *slot)
{
	dup2(ends[1], STDERR_FILENO);
	return echo_start(self, group, slot);
}

static void setup(void)
{
	pool_prepare(&pool);
	service = echo_service(&pool);
	echo_start = service.start;
	service.start = start_on_pipe;
	pool.conf.workers = WORKERS;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
}

static void teardown(void)
{
	pool_finish(&pool);
}

/* All of one process, from the head to the last byte, and of the full length. */
static void expect_whole(const char *line)
{
	char mark[8];
	int pid, at = 0;

	ck_assert_int_le(strlen(line), LOG_LINE_MAX);
	ck_assert_int_gt(strlen(line), LOG_LINE_MAX - 16);
	ck_assert_msg(sscanf(line, "{\"time\":\"%*27[^\"]\",\"level\":\"error\",\"pid\":%d,\"message\":\"%n",
			      &pid, &at) == 1 &&
			      at > 0,
		"%s", line);
	int n = snprintf(mark, sizeof mark, "\\u%04x", (unsigned)LOG_MARK(pid));
	for (line += at; strncmp(line, mark, (size_t)n) == 0; line += n)
		;
	ck_assert_str_eq(line, "\"}\n");
}

START_TEST(the_longest_lines_of_all_workers_at_once_are_whole)
{
	int fds[WORKERS];
	char line[4 * LOG_LINE_MAX], command[32];

	pool_start(&pool, &service);
	close(ends[1]);
	FILE *log = fdopen(ends[0], "re");
	snprintf(command, sizeof command, "log %d\n", LINES);
	for (int i = 0; i < WORKERS; i++)
		fds[i] = echo_open(&pool, GROUP_MAIN, command);
	/* The pipe holds sixteen lines: whoever writes waits for us, so all have begun before one has ended. */
	ck_assert(eventually(SECONDS(5), pool_view(&pool, GROUP_MAIN).busy == WORKERS));
	for (int i = 0; i < WORKERS * LINES; i++) {
		ck_assert_ptr_nonnull(fgets(line, sizeof line, log));
		expect_whole(line);
	}
	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(echo_read(fds[i], line, sizeof line, SECONDS(2)), (int)strlen("logged\n"));
	fclose(log);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { the_longest_lines_of_all_workers_at_once_are_whole };

	return pool_suite_run("log_lines", tests, ARRAY_SIZE(tests), setup, teardown);
}
