/*
 * TLS on a non-blocking socket, by OpenSSL: certificate and name verified, TLS 1.2 at least. Never waits: a step that
 * cannot go on returns -ERR_TRY_AGAIN and says what to poll() for. The only file that includes <openssl/ssl.h> is tls.c.
 *
 * No SIGPIPE comes from here: what is written goes through send(MSG_NOSIGNAL).
 */
#ifndef SESSION_TLS_H
#define SESSION_TLS_H

#include <stddef.h>

#include "base/base.h"

struct tls_trust; /* whom to believe; serves any number of connections */
struct tls;       /* one connection */

/* `ca_file`: certificates in PEM; "" for the system's. -ERR_INVALID: it cannot be read. */
MUST_CHECK int tls_trust_new(const char *ca_file, struct tls_trust **ret_trust);
void tls_trust_free(struct tls_trust *trust);

/* On a connected socket, which stays the caller's. `host` is the name, or the address, that the certificate must hold.
 * -ERR_UNAVAILABLE: no memory. */
MUST_CHECK int tls_new(struct tls_trust *trust, int fd, const char *host, struct tls **ret_tls);
void tls_free(struct tls *t);

/* Each: 0; -ERR_TRY_AGAIN with POLLIN or POLLOUT in *ret_wants; -ERR_UNAVAILABLE, then tls_why() says why. */
MUST_CHECK int tls_handshake(struct tls *t, short *ret_wants);
MUST_CHECK int tls_read(struct tls *t, void *to, size_t size, size_t *ret_n, short *ret_wants);
MUST_CHECK int tls_write(struct tls *t, const void *bytes, size_t n, size_t *ret_n, short *ret_wants);
const char *tls_why(const struct tls *t); /* a text that lives on */

#endif
