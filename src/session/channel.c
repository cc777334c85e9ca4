/* One stream connection, plain or TLS, that never waits. */
#include "session/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

static int failed(struct channel *c, const char *why)
{
	snprintf(c->why, sizeof c->why, "%s", why);
	return -ERR_UNAVAILABLE;
}

/* After a call that would have blocked, or failed. */
static int failed_or_again(struct channel *c, short wants)
{
	if (errno != EAGAIN)
		return failed(c, strerror(errno));
	c->wants = wants;
	return -ERR_TRY_AGAIN;
}

void channel_init(struct channel *c)
{
	*c = (struct channel){ .fd = -1 };
}

void channel_close(struct channel *c)
{
	tls_free(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int open_to(struct channel *c, const struct sockaddr *to, socklen_t length)
{
	c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* EAGAIN, a full backlog of a Unix socket, is a failure: nothing would tell when to try again. */
	if (c->fd < 0 || (connect(c->fd, to, length) && errno != EINPROGRESS))
		return failed(c, strerror(errno));
	c->wants = POLLOUT;
	return 0;
}

int channel_open_unix(struct channel *c, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof to.sun_path)
		return failed(c, strerror(ENAMETOOLONG));
	memcpy(to.sun_path, path, strlen(path));
	return open_to(c, (const struct sockaddr *)(const void *)&to, sizeof to);
}

/* A peer that has gone without a word is noticed within 10 s: idle, 5 s and two probes 2 s apart; with data under way,
 * 5 s. Settings of a socket that was just made do not fail. */
static void set_tcp_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 5 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 2 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 2 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 5000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

int channel_open_tcp(struct channel *c, const char *address, int port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int err;

	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		err = open_to(c, (const struct sockaddr *)(const void *)&four, sizeof four);
	else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
		err = open_to(c, (const struct sockaddr *)(const void *)&six, sizeof six);
	else
		return failed(c, "not an address");
	if (!err)
		set_tcp_options(c->fd);
	return err;
}

int channel_finish(struct channel *c)
{
	int problem = 0;
	socklen_t length = sizeof problem;
	int events = deadline_poll(c->fd, POLLOUT, (struct deadline){ 0 });

	if (events == 0) {
		c->wants = POLLOUT;
		return -ERR_TRY_AGAIN;
	}
	if (events < 0)
		return failed(c, strerror(-events));
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &problem, &length);
	return problem ? failed(c, strerror(problem)) : 0;
}

int channel_secure(struct channel *c, struct tls_trust *trust, const char *host)
{
	int err = tls_new(trust, c->fd, host, &c->tls);

	return err ? failed(c, "out of memory") : 0;
}

/* A TLS failure said in this connection's words. */
static int secured(struct channel *c, int err)
{
	return err == -ERR_UNAVAILABLE ? failed(c, tls_why(c->tls)) : err;
}

int channel_handshake(struct channel *c)
{
	return secured(c, tls_handshake(c->tls, &c->wants));
}

int channel_read(struct channel *c, void *to, size_t size, size_t *ret_n)
{
	if (c->tls)
		return secured(c, tls_read(c->tls, to, size, ret_n, &c->wants));
	ssize_t got = recv(c->fd, to, size, 0);
	if (got < 0)
		return failed_or_again(c, POLLIN);
	if (!got)
		return failed(c, "the connection was closed");
	*ret_n = (size_t)got;
	return 0;
}

int channel_write(struct channel *c, const void *bytes, size_t n, size_t *ret_n)
{
	if (c->tls)
		return secured(c, tls_write(c->tls, bytes, n, ret_n, &c->wants));
	ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
	if (sent < 0)
		return failed_or_again(c, POLLOUT);
	*ret_n = (size_t)sent;
	return 0;
}
