/* The relay: one connection at a time, as a worker has; bytes both ways, messages counted while a cut is set. */
#include "relay.h"

#include <arpa/inet.h>
#include <check.h>
#include <endian.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "database.h"

/* Where one direction stands within a message: a type byte, four bytes of length that count themselves, the rest. */
struct framing {
	uint8_t header[5];
	uint32_t in_header, left;
};

/* How many of `n` bytes belong to messages that may pass. */
static size_t allowed(volatile struct relay_state *state, struct framing *f, const uint8_t *bytes, size_t n)
{
	uint32_t length;
	size_t i = 0;

	while (i < n) {
		if (f->left) {
			uint32_t step = (uint32_t)MIN(n - i, f->left);
			f->left -= step;
			i += step;
			continue;
		}
		if (!f->in_header && state->messages++ == state->let_through)
			return i;
		f->header[f->in_header++] = bytes[i++];
		if (f->in_header < sizeof f->header)
			continue;
		memcpy(&length, f->header + 1, sizeof length);
		f->left = be32toh(length) - (uint32_t)sizeof length;
		f->in_header = 0;
	}
	return n;
}

static bool write_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n) {
		ssize_t put = send(fd, bytes, n, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
		bytes += put;
		n -= (size_t)put;
	}
	return true;
}

/* False when the connection is over: one side has ended it, or it is cut here. */
static bool pass(
	volatile struct relay_state *state, struct framing *f, enum relay_side side, const int fds[2])
{
	static uint8_t bytes[1 << 16];
	ssize_t got = read(fds[side], bytes, sizeof bytes);

	if (got <= 0)
		return false;
	size_t n = (size_t)got;
	if (state->let_through >= 0 && state->side == side)
		n = allowed(state, f, bytes, n);
	if (!write_all(fds[!side], bytes, n))
		return false;
	if (n == (size_t)got)
		return true;
	state->let_through = -1;
	state->cuts++;
	return false;
}

static void serve(volatile struct relay_state *state, const int fds[2])
{
	struct framing framing = { .left = 0 };
	enum relay_side last = FROM_SERVER;

	for (;;) {
		struct pollfd wait[2] = { { .fd = fds[0], .events = POLLIN },
			{ .fd = fds[1], .events = POLLIN } };
		if (poll(wait, 2, -1) < 0)
			return;
		/* The server's side first: what it said belongs before what the client then says. */
		enum relay_side side = wait[FROM_SERVER].revents ? FROM_SERVER : FROM_CLIENT;
		state->bursts += side == FROM_CLIENT && last == FROM_SERVER;
		last = side;
		if (side == FROM_SERVER)
			usleep((useconds_t)state->answer_ms * 1000);
		if (!pass(state, &framing, side, fds))
			return;
	}
}

static int loopback_socket(int port, int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (use(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static void relay_run(volatile struct relay_state *state, int listener, int server_port)
{
	for (;;) {
		int fds[2] = { [FROM_CLIENT] = accept(listener, NULL, NULL) };
		if (fds[FROM_CLIENT] < 0)
			_exit(1);
		state->connections++;
		fds[FROM_SERVER] = loopback_socket(server_port, connect);
		if (fds[FROM_SERVER] >= 0) {
			serve(state, fds);
			close(fds[FROM_SERVER]);
		}
		close(fds[FROM_CLIENT]);
	}
}

void relay_start(struct relay *r)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int listener = loopback_socket(0, bind), server_port = atoi(PQport(peer));

	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	r->port = ntohs(address.sin_port);
	r->state = mmap(NULL, sizeof *r->state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((const void *)r->state, MAP_FAILED);
	r->state->let_through = -1;
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (!r->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		relay_run(r->state, listener, server_port);
	}
	close(listener);
}

void relay_stop(struct relay *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
}

void relay_cut(struct relay *r, enum relay_side side, int let_through)
{
	r->state->messages = 0;
	r->state->side = side;
	r->state->let_through = let_through;
}

const char *relay_url(const struct relay *r)
{
	return app_url_at("127.0.0.1", r->port, PQpass(peer));
}
