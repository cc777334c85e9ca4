/* TLS on a non-blocking socket, by OpenSSL. */
#include "session/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/err.h"

struct tls_trust {
	SSL_CTX *context;
	BIO_METHOD *socket;
};

struct tls {
	SSL *ssl;
	const char *why;
};

/* OpenSSL's own socket BIO write()s, and a write() to a closed connection raises SIGPIPE. */
static int socket_write(BIO *bio, const char *bytes, int n)
{
	ssize_t sent = send((int)(intptr_t)BIO_get_data(bio), bytes, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)sent;
}

static int socket_read(BIO *bio, char *to, int size)
{
	ssize_t got = recv((int)(intptr_t)BIO_get_data(bio), to, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return (int)got;
}

/* Nothing is buffered, so a flush has succeeded; there is nothing else to control. */
static long socket_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");

	if (!m)
		return NULL;
	BIO_meth_set_write(m, socket_write);
	BIO_meth_set_read(m, socket_read);
	BIO_meth_set_ctrl(m, socket_control);
	return m;
}

static bool trust_certificates(SSL_CTX *context, const char *ca_file)
{
	return (*ca_file ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
			 : SSL_CTX_set_default_verify_paths(context)) == 1;
}

int tls_trust_new(const char *ca_file, struct tls_trust **ret_trust)
{
	struct tls_trust *trust = calloc(1, sizeof *trust);

	if (!trust)
		return -ERR_INVALID;
	trust->context = SSL_CTX_new(TLS_client_method());
	trust->socket = socket_method();
	if (!trust->context || !trust->socket || !trust_certificates(trust->context, ca_file) ||
		!SSL_CTX_set_min_proto_version(trust->context, TLS1_2_VERSION)) {
		tls_trust_free(trust);
		return -ERR_INVALID;
	}
	SSL_CTX_set_verify(trust->context, SSL_VERIFY_PEER, NULL);
	/* A write that was cut short may go on from a buffer that has grown, and hence moved, meanwhile. */
	SSL_CTX_set_mode(trust->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(trust->context, 1); /* a record's head and body in one recv() */
	*ret_trust = trust;
	return 0;
}

void tls_trust_free(struct tls_trust *trust)
{
	if (!trust)
		return;
	SSL_CTX_free(trust->context);
	BIO_meth_free(trust->socket);
	free(trust);
}

/* A name is also sent (SNI), an address may not be (RFC 6066 section 3). */
static bool expect_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct in6_addr any;

	if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int tls_new(struct tls_trust *trust, int fd, const char *host, struct tls **ret_tls)
{
	struct tls *t = calloc(1, sizeof *t);

	if (!t)
		return -ERR_UNAVAILABLE;
	t->why = "";
	t->ssl = SSL_new(trust->context);
	BIO *bio = t->ssl ? BIO_new(trust->socket) : NULL;
	if (!bio)
		goto out;
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_connect_state(t->ssl);
	if (!expect_host(t->ssl, host))
		goto out;
	*ret_tls = t;
	return 0;
out:
	tls_free(t);
	return -ERR_UNAVAILABLE;
}

/* No close_notify: Redis frames its replies itself, and nothing may wait at a close. */
void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

static const char *failure(const struct tls *t, int kind)
{
	long verified = SSL_get_verify_result(t->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (verified != X509_V_OK)
		return X509_verify_cert_error_string(verified);
	if (kind == SSL_ERROR_ZERO_RETURN || !reason)
		return "the connection was closed";
	return reason;
}

/* What an SSL_ call that returned `outcome` means. */
static int result(struct tls *t, int outcome, short *ret_wants)
{
	if (outcome > 0)
		return 0;
	int kind = SSL_get_error(t->ssl, outcome);
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		*ret_wants = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return -ERR_TRY_AGAIN;
	}
	t->why = failure(t, kind);
	return -ERR_UNAVAILABLE;
}

/* Each clears the thread's queue of errors first: SSL_get_error() looks at it, whoever filled it. */
int tls_handshake(struct tls *t, short *ret_wants)
{
	ERR_clear_error();
	return result(t, SSL_do_handshake(t->ssl), ret_wants);
}

int tls_read(struct tls *t, void *to, size_t size, size_t *ret_n, short *ret_wants)
{
	ERR_clear_error();
	return result(t, SSL_read_ex(t->ssl, to, size, ret_n), ret_wants);
}

int tls_write(struct tls *t, const void *bytes, size_t n, size_t *ret_n, short *ret_wants)
{
	ERR_clear_error();
	return result(t, SSL_write_ex(t->ssl, bytes, n, ret_n), ret_wants);
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}
