/* How long a queue may grow: as long as what waits in it can still be served in time, by the service times measured. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "echo_service.h"
#include "pool/listen.h"

enum {
	GUESSED = 3 * 2 * 3000 / 5,
	MEASURED = 3 * 2 * 3000 / 20
}; /* 3 x workers x queue timeout / service time, ms */

static struct pool pool;

static void setup(void)
{
	pool_prepare(&pool);
}

static void teardown(void)
{
	pool_finish(&pool);
}

static int64_t limit(void)
{
	return pool_view(&pool, GROUP_MAIN).queue.limit;
}

/* `count` requests, two at a time. */
static void ask(const char *command, int count)
{
	char answer[64];

	for (int i = 0; i < count / 2; i++) {
		int one = echo_open(&pool, GROUP_MAIN, command), two = echo_open(&pool, GROUP_MAIN, command);
		ck_assert_int_gt(echo_read(one, answer, sizeof answer, SECONDS(10)), 0);
		ck_assert_int_gt(echo_read(two, answer, sizeof answer, SECONDS(10)), 0);
	}
}

START_TEST(the_queue_becomes_shorter_when_requests_take_longer)
{
	const struct pool_service service = echo_service(&pool);

	pool.conf.queue_timeout_ms = 3000;
	pool_start(&pool, &service);
	ck_assert_int_eq(limit(), GUESSED);
	ask("sleep 20\n", 40);
	ck_assert(!eventually(MILLIS(2500), limit() != GUESSED)); /* so few are chance */
	ask("sleep 20\n", 80);
	ck_assert(eventually(SECONDS(10), limit() < MEASURED));
	ck_assert_int_gt(limit(), MEASURED / 8); /* a loaded machine sleeps longer than told */
}
END_TEST

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int err = connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* By another name of the same socket: what a connect that raced with the end had found. */
START_TEST(a_withdrawn_queue_is_not_opened_again_by_another_length)
{
	struct listener l;

	ck_assert_int_eq(listener_open(&l, pool.dir, "main", 8), 0);
	const char *other = pool_path(&pool, "other.sock");
	ck_assert_int_eq(link(l.path, other), 0);
	ck_assert_int_eq(connect_to(other), 0);
	listener_resize(&l, 16);
	ck_assert_int_eq(connect_to(other), 0);
	listener_withdraw(&l);
	ck_assert_int_eq(connect_to(other), -ECONNREFUSED);
	listener_resize(&l, 32);
	ck_assert_int_eq(connect_to(other), -ECONNREFUSED);
	unlink(other);
	listener_close(&l);
	listener_resize(&l, 64); /* closed: nothing */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_queue_becomes_shorter_when_requests_take_longer,
		a_withdrawn_queue_is_not_opened_again_by_another_length,
	};

	return pool_suite_run("backlog", tests, ARRAY_SIZE(tests), setup, teardown);
}
