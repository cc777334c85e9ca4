/*
 * Listening Unix sockets, made by the master before anything is forked. libfcgi's own maker unlinks blindly, follows the
 * umask and calls exit().
 */
#ifndef POOL_LISTEN_H
#define POOL_LISTEN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

struct listener {
	int fd;         /* close-on-exec, non-blocking; -1: closed */
	uint64_t inode; /* the socket's own, by which its queue is measured */
	dev_t device;   /* of its name in the file system, to tell it from a later pool's */
	ino_t file;
	int backlog;
	char path[108]; /* sun_path: 107 bytes and a NUL */
};

/*
 * Binds DIR/NAME.sock with mode 0660 and listens. A socket file that nobody listens on is replaced; one that answers, or a
 * file that is no socket, is left alone and refused. 0 or -1, said in the log. Warns where net.core.somaxconn caps the
 * backlog.
 */
MUST_CHECK int listener_open(struct listener *ret_listener, const char *dir, const char *name, int backlog);

/* Another length of the queue, from the next connect on; what waits stays. Closed already: nothing. */
void listener_resize(struct listener *l, int backlog);

/* Ends what can arrive: the name goes, and a connect that had already found the socket is refused from now on. What was
 * queued by then is still accepted; accept4() says EAGAIN when it is empty, for good. */
void listener_withdraw(struct listener *l);

/* Withdraws and closes; queued connections see end of file. Closed already: nothing. */
void listener_close(struct listener *l);

#endif
