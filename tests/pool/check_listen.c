/* Listening sockets: whose name it is, how open, how long the queue, and how they end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pool/listen.h"
#include "pool/queue.h"
#include "pool_harness.h"

static struct pool pool; /* only its directory */

static void setup(void)
{
	pool_prepare(&pool);
}

static void teardown(void)
{
	pool_finish(&pool);
}

/* A client's descriptor, or -errno. */
static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int err = -errno;
	close(fd);
	return err;
}

static struct listener listen_at(const char *name, int backlog)
{
	struct listener l;

	ck_assert_int_eq(listener_open(&l, pool.dir, name, backlog), 0);
	return l;
}

START_TEST(a_socket_is_for_owner_and_group_and_not_inherited)
{
	struct stat st;
	mode_t saved = umask(0);
	struct listener l = listen_at("main", 10);

	umask(saved);
	ck_assert_int_eq(lstat(pool_path(&pool, "main.sock"), &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(st.st_uid, geteuid());
	ck_assert_int_ne(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(l.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(umask(saved), saved); /* put back */
	listener_close(&l);
}
END_TEST

START_TEST(a_path_of_107_bytes_works_and_of_108_is_refused)
{
	char name[128];
	struct listener l;
	size_t room = 107 - strlen(pool.dir) - strlen("/.sock");

	memset(name, 'x', sizeof name);
	name[room] = '\0';
	ck_assert_int_eq(listener_open(&l, pool.dir, name, 10), 0);
	int fd = dial(l.path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_close(&l);
	name[room] = 'x';
	name[room + 1] = '\0';
	ck_assert_int_eq(listener_open(&l, pool.dir, name, 10), -1);
}
END_TEST

START_TEST(a_stale_socket_file_is_replaced)
{
	struct listener l = listen_at("main", 10);

	close(l.fd); /* as a killed pool leaves it */
	ck_assert_int_eq(dial(l.path), -ECONNREFUSED);
	l = listen_at("main", 10);
	int fd = dial(l.path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_close(&l);
}
END_TEST

START_TEST(a_live_socket_is_refused_and_works_on)
{
	struct listener l = listen_at("main", 10), second;

	ck_assert_int_eq(listener_open(&second, pool.dir, "main", 10), -1);
	int fd = dial(l.path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_close(&l);
}
END_TEST

START_TEST(a_live_socket_with_a_full_queue_is_refused_too)
{
	struct listener l = listen_at("main", 1), second;
	int fds[2] = { dial(l.path), dial(l.path) };

	ck_assert_int_eq(dial(l.path), -EAGAIN);
	ck_assert_int_eq(listener_open(&second, pool.dir, "main", 10), -1);
	ck_assert_int_eq(access(l.path, F_OK), 0);
	close(fds[0]);
	close(fds[1]);
	listener_close(&l);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	struct listener l;

	pool_touch(&pool, "main.sock");
	ck_assert_int_eq(listener_open(&l, pool.dir, "main", 10), -1);
	ck_assert_int_eq(access(pool_path(&pool, "main.sock"), F_OK), 0);
	ck_assert_int_eq(listener_open(&l, "/nonexistent", "main", 10), -1);
}
END_TEST

START_TEST(the_queue_takes_one_more_than_its_limit_and_refuses_the_next)
{
	struct listener l = listen_at("main", 5);
	struct queue queue;
	int fds[6];
	int64_t depth;

	for (int i = 0; i < 6; i++) {
		fds[i] = dial(l.path);
		ck_assert_int_ge(fds[i], 0);
		ck_assert_int_eq(queue_by_diag(l.inode, &queue), 0);
		ck_assert_int_eq(queue.depth, i + 1);
		ck_assert_int_eq(queue.limit, 5);
		ck_assert_int_eq(queue_by_table("/proc/net/unix", l.path, &depth), 0);
		ck_assert_int_eq(depth, i + 1);
	}
	ck_assert_int_eq(dial(l.path), -EAGAIN);
	int taken = accept4(l.fd, NULL, NULL, SOCK_CLOEXEC);
	queue = queue_measure(l.inode, l.path, 99);
	ck_assert_int_eq(queue.depth, 5);
	ck_assert_int_eq(queue.limit, 5);
	close(taken);
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	listener_close(&l);
	ck_assert_int_eq(queue_by_diag(l.inode, &queue), -ENOENT);
	ck_assert_int_eq(queue_measure(l.inode, l.path, 99).depth, 0);
}
END_TEST

START_TEST(only_rows_of_that_socket_that_wait_are_counted)
{
	static const char table[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
				    "00000000c0000001: 00000002 00000000 00010000 0001 01 100 "
				    "/run/a/main.sock\n" /* the listener */
				    "00000000c0000002: 00000002 00000000 00000000 0001 02 0 "
				    "/run/a/main.sock\n"
				    "00000000c0000003: 00000003 00000000 00000000 0001 03 101 "
				    "/run/a/main.sock\n" /* accepted */
				    "00000000c0000004: 00000002 00000000 00000000 0001 02 0 "
				    "/run/b/main.sock\n"
				    "00000000c0000005: 00000002 00000000 00000000 0001 02 0\n" /* no name */
				    "00000000c0000006: 00000002 00000000 00000000 0001 02 0 "
				    "/run/a/main.sock\n"
				    "cut";
	int64_t depth;
	FILE *file = fopen(pool_path(&pool, "unix"), "we");

	ck_assert_int_gt(fputs(table, file), 0);
	fclose(file);
	ck_assert_int_eq(queue_by_table(pool_path(&pool, "unix"), "/run/a/main.sock", &depth), 0);
	ck_assert_int_eq(depth, 2);
	ck_assert_int_eq(queue_by_table("/nonexistent", "/run/a/main.sock", &depth), -ENOENT);
}
END_TEST

START_TEST(a_withdrawn_listener_refuses_new_clients_and_serves_the_queued)
{
	struct listener l = listen_at("main", 10);
	int queued = dial(l.path);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* A client that has found the socket by another name shows what unlinking alone would let through. */
	ck_assert_int_eq(link(l.path, pool_path(&pool, "other.sock")), 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", pool_path(&pool, "other.sock"));
	listener_withdraw(&l);
	ck_assert_int_eq(dial(l.path), -ENOENT);
	ck_assert_int_eq(dial(address.sun_path), -ECONNREFUSED);
	int taken = accept4(l.fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(taken, 0);
	ck_assert_int_eq(send(taken, "hello", 5, MSG_NOSIGNAL), 5);
	ck_assert_int_eq(accept4(l.fd, NULL, NULL, SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(taken);
	close(queued);
	listener_close(&l);
	listener_close(&l); /* once more is nothing */
}
END_TEST

START_TEST(a_pool_that_ends_leaves_its_successors_socket_alone)
{
	struct listener old = listen_at("main", 10);

	listener_withdraw(&old);
	struct listener fresh = listen_at("main", 10);
	listener_close(&old);
	int fd = dial(fresh.path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_close(&fresh);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_socket_is_for_owner_and_group_and_not_inherited,
		a_path_of_107_bytes_works_and_of_108_is_refused,
		a_stale_socket_file_is_replaced,
		a_live_socket_is_refused_and_works_on,
		a_live_socket_with_a_full_queue_is_refused_too,
		a_file_that_is_no_socket_is_left_alone,
		the_queue_takes_one_more_than_its_limit_and_refuses_the_next,
		only_rows_of_that_socket_that_wait_are_counted,
		a_withdrawn_listener_refuses_new_clients_and_serves_the_queued,
		a_pool_that_ends_leaves_its_successors_socket_alone,
	};

	return pool_suite_run("listen", tests, ARRAY_SIZE(tests), setup, teardown);
}
