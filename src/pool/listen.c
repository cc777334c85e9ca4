/* Listeners: who may have the name, then bind, then listen. */
#include "pool/listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "pool/proc.h"

/* Does anybody listen at this address? 0: nobody; -EADDRINUSE: yes, if only with a full queue (EAGAIN). */
static int probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int err = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
	close(fd);
	if (err == ECONNREFUSED || err == ENOENT)
		return 0;
	return err == 0 || err == EAGAIN ? -EADDRINUSE : -err;
}

/* Makes sure that the name is free. */
static int name_clear(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	int err = probe(address);
	if (err)
		return err;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Group access is nginx's: it runs as another user of the directory's group. The umask, not a chmod afterwards, so that the
 * socket is never more open than that. */
static int bind_and_listen(int fd, const struct sockaddr_un *address, int backlog)
{
	mode_t saved = umask(0117);
	int err = bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : 0;

	umask(saved);
	if (!err && listen(fd, backlog) < 0)
		err = -errno;
	return err;
}

static int listener_make(struct listener *l, const struct sockaddr_un *address)
{
	struct stat socket_st, file_st;
	int err = name_clear(address);

	if (err)
		return err;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	err = bind_and_listen(l->fd, address, l->backlog);
	if (!err && (fstat(l->fd, &socket_st) < 0 || lstat(address->sun_path, &file_st) < 0))
		err = -errno;
	if (err) {
		close(l->fd);
		return err;
	}
	l->inode = socket_st.st_ino;
	l->device = file_st.st_dev;
	l->file = file_st.st_ino;
	return 0;
}

static void warn_if_capped(const struct listener *l)
{
	char text[32];

	if (file_read("/proc/sys/net/core/somaxconn", text, sizeof text) <= 0)
		return;
	int64_t cap = strtoll(text, NULL, 10);
	if (cap < l->backlog)
		log_warning("net.core.somaxconn caps the queue of %s at %lld, %d were wanted", l->path,
			(long long)cap, l->backlog);
}

static const char *reason(int err)
{
	if (err == -EADDRINUSE)
		return "another process is listening there";
	if (err == -EEXIST)
		return "there is a file that is not a socket";
	return strerror(-err);
}

int listener_open(struct listener *ret_listener, const char *dir, const char *name, int backlog)
{
	struct listener l = { .fd = -1, .backlog = backlog };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = snprintf(l.path, sizeof l.path, "%s/%s.sock", dir, name);

	if (n >= (int)sizeof l.path) {
		log_error("could not listen on %s/%s.sock: the path has %d bytes, a socket's may have 107",
			dir, name, n);
		return -1;
	}
	memcpy(address.sun_path, l.path, sizeof address.sun_path);
	int err = listener_make(&l, &address);
	if (err) {
		log_error("could not listen on %s: %s", l.path, reason(err));
		return -1;
	}
	warn_if_capped(&l);
	*ret_listener = l;
	return 0;
}

/* listen() on a socket that listens already changes its backlog and nothing else: a withdrawn one stays so. */
void listener_resize(struct listener *l, int backlog)
{
	if (l->fd < 0 || backlog == l->backlog)
		return;
	if (listen(l->fd, backlog) < 0)
		log_warning("could not resize the queue of %s: %s", l->path, strerror(errno));
	l->backlog = backlog;
}

void listener_withdraw(struct listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->file)
		unlink(l->path);
	shutdown(l->fd, SHUT_RD);
}

void listener_close(struct listener *l)
{
	listener_withdraw(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
