/*
 * One stream connection, plain or TLS, over a Unix socket or TCP. Never waits: a step that cannot go on returns
 * -ERR_TRY_AGAIN and leaves in `wants` what to poll `fd` for. -ERR_UNAVAILABLE: it failed, `why` says how, and all that
 * is left to do is channel_close().
 */
#ifndef SESSION_CHANNEL_H
#define SESSION_CHANNEL_H

#include <stddef.h>

#include "base/base.h"
#include "session/tls.h"

struct channel {
	int fd; /* -1: closed */
	short wants;
	struct tls *tls; /* NULL: plain */
	char why[128];
};

void channel_init(struct channel *c);
void channel_close(struct channel *c); /* `why` stays */

/* Begins to connect; channel_finish() tells when it has. `address` is an address, not a name. */
MUST_CHECK int channel_open_unix(struct channel *c, const char *path);
MUST_CHECK int channel_open_tcp(struct channel *c, const char *address, int port);
MUST_CHECK int channel_finish(struct channel *c);
/* From here on everything is TLS with `host`, once channel_handshake() has returned 0. */
MUST_CHECK int channel_secure(struct channel *c, struct tls_trust *trust, const char *host);
MUST_CHECK int channel_handshake(struct channel *c);

/* At least one byte, or none of the kind above. The other side's end is -ERR_UNAVAILABLE. */
MUST_CHECK int channel_read(struct channel *c, void *to, size_t size, size_t *ret_n);
MUST_CHECK int channel_write(struct channel *c, const void *bytes, size_t n, size_t *ret_n);

#endif
