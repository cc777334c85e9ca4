/* Records out, records in. */
#include "fcgi_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"

enum { HEADER_SIZE = 8, VERSION = 1, ANSWER_MAX = 16 << 20 };

/* --- the connection --- */

void fcgi_attach(struct fcgi_client *c, int fd)
{
	*c = (struct fcgi_client){ .fd = fd };
}

int fcgi_open(struct fcgi_client *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	fcgi_attach(c, fd);
	return 0;
}

void fcgi_close(struct fcgi_client *c)
{
	close(c->fd);
	free(c->out);
	free(c->err);
	*c = (struct fcgi_client){ .fd = -1 };
}

void fcgi_half_close(struct fcgi_client *c)
{
	shutdown(c->fd, SHUT_WR);
}

/* --- sending --- */

void fcgi_send_bytes(struct fcgi_client *c, const void *bytes, size_t n)
{
	const struct timespec pause = { 0, c->pause_us * 1000L };
	const char *at = bytes;

	while (n) {
		ssize_t sent = send(c->fd, at, c->chunk ? MIN(c->chunk, n) : n, MSG_NOSIGNAL);
		if (sent < 0) {
			c->unsent += n;
			return;
		}
		at += sent;
		n -= (size_t)sent;
		if (c->pause_us)
			nanosleep(&pause, NULL);
	}
}

static void record_header(
	unsigned char head[HEADER_SIZE], uint8_t type, uint16_t id, size_t n, uint8_t padding)
{
	head[0] = VERSION;
	head[1] = type;
	head[2] = (unsigned char)(id >> 8);
	head[3] = (unsigned char)id;
	head[4] = (unsigned char)(n >> 8);
	head[5] = (unsigned char)n;
	head[6] = padding;
	head[7] = 0;
}

/* In one piece, so that a record is one write unless `chunk` says otherwise. */
static void send_part(struct fcgi_client *c, uint8_t type, uint16_t id, const void *content, size_t n,
	uint8_t padding, size_t keep)
{
	static unsigned char record[HEADER_SIZE + FCGI_RECORD_MAX + 255];

	record_header(record, type, id, n, padding);
	if (n)
		memcpy(record + HEADER_SIZE, content, n);
	memset(record + HEADER_SIZE + n, 0xa5, padding);
	fcgi_send_bytes(c, record, MIN(keep, HEADER_SIZE + n + padding));
}

void fcgi_send_record(
	struct fcgi_client *c, uint8_t type, uint16_t id, const void *content, size_t n, uint8_t padding)
{
	send_part(c, type, id, content, n, padding, SIZE_MAX);
}

void fcgi_send_cut(
	struct fcgi_client *c, uint8_t type, uint16_t id, const void *content, size_t n, size_t keep)
{
	send_part(c, type, id, content, n, 0, keep);
}

/* A stream's bytes as records of at most `most`. */
static void send_stream(struct fcgi_client *c, uint8_t type, const void *bytes, size_t n, size_t most)
{
	const char *at = bytes;

	while (n) {
		size_t piece = MIN(n, most);
		fcgi_send_record(c, type, FCGI_REQUEST_ID, at, piece, c->padding);
		at += piece;
		n -= piece;
	}
}

/* --- pairs --- */

static void put(struct fcgi_pairs *p, const void *bytes, size_t n)
{
	if (n > sizeof p->bytes - p->length)
		abort(); /* a test that outgrew its buffer */
	memcpy(p->bytes + p->length, bytes, n);
	p->length += n;
}

/* One byte up to 127, else four with the highest bit set. */
static void put_length(struct fcgi_pairs *p, uint32_t length, bool four)
{
	const unsigned char bytes[4] = { (unsigned char)(length >> 24 | 0x80), (unsigned char)(length >> 16),
		(unsigned char)(length >> 8), (unsigned char)length };

	if (length > 127 || four)
		put(p, bytes, 4);
	else
		put(p, bytes + 3, 1);
}

void fcgi_pairs_add(struct fcgi_pairs *p, const char *name, const char *value)
{
	put_length(p, (uint32_t)strlen(name), false);
	put_length(p, (uint32_t)strlen(value), false);
	put(p, name, strlen(name));
	put(p, value, strlen(value));
}

void fcgi_pairs_lie(struct fcgi_pairs *p, uint32_t name_length, uint32_t value_length, const char *bytes)
{
	put_length(p, name_length, true);
	put_length(p, value_length, true);
	put(p, bytes, strlen(bytes));
}

void fcgi_send_pairs(struct fcgi_client *c, const struct fcgi_pairs *p, size_t most)
{
	send_stream(c, FCGI_PARAMS, p->bytes, p->length, most ? most : FCGI_RECORD_MAX);
}

/* --- an ordinary request --- */

void fcgi_send_begin(struct fcgi_client *c)
{
	static const unsigned char responder[8] = { 0, FCGI_RESPONDER };

	fcgi_send_record(c, FCGI_BEGIN_REQUEST, FCGI_REQUEST_ID, responder, sizeof responder, c->padding);
}

void fcgi_send_params(struct fcgi_client *c, const char *method, const char *target, int64_t body_length)
{
	static struct fcgi_pairs pairs;
	int64_t now = clock_wall();
	char number[32], stamp[48];

	pairs.length = 0;
	/* $msec of nginx: now. */
	snprintf(stamp, sizeof stamp, "%lld.%03lld", (long long)(now / US_PER_SECOND),
		(long long)(now / US_PER_MS % 1000));
	fcgi_pairs_add(&pairs, "REQUEST_METHOD", method);
	fcgi_pairs_add(&pairs, "REQUEST_URI", target);
	fcgi_pairs_add(&pairs, "REMOTE_ADDR", "192.0.2.1");
	fcgi_pairs_add(&pairs, "REQUEST_ID", "fcgi-client");
	fcgi_pairs_add(&pairs, "QUEUE_START", stamp);
	if (body_length >= 0) {
		snprintf(number, sizeof number, "%lld", (long long)body_length);
		fcgi_pairs_add(&pairs, "CONTENT_TYPE", "application/json");
		fcgi_pairs_add(&pairs, "CONTENT_LENGTH", number);
	}
	fcgi_send_pairs(c, &pairs, 0);
	fcgi_send_record(c, FCGI_PARAMS, FCGI_REQUEST_ID, NULL, 0, 0);
}

void fcgi_send_body(struct fcgi_client *c, const void *body, size_t n)
{
	send_stream(c, FCGI_STDIN, body, n, FCGI_RECORD_MAX);
}

void fcgi_send_end(struct fcgi_client *c)
{
	fcgi_send_record(c, FCGI_STDIN, FCGI_REQUEST_ID, NULL, 0, 0);
}

void fcgi_send_abort(struct fcgi_client *c)
{
	fcgi_send_record(c, FCGI_ABORT_REQUEST, FCGI_REQUEST_ID, NULL, 0, 0);
}

void fcgi_send_request(struct fcgi_client *c, const char *method, const char *target, const char *body)
{
	fcgi_send_begin(c);
	fcgi_send_params(c, method, target, body ? (int64_t)strlen(body) : -1);
	if (body)
		fcgi_send_body(c, body, strlen(body));
	fcgi_send_end(c);
}

/* --- the answer --- */

/* Exactly n bytes. FCGI_ANSWERED here means: they came; FCGI_CLOSED: the end, before the first of them. */
static enum fcgi_outcome read_exactly(int fd, void *to, size_t n, struct deadline until)
{
	size_t have = 0;

	while (have < n) {
		if (deadline_poll(fd, POLLIN, until) == 0)
			return FCGI_TIMEOUT;
		ssize_t got = recv(fd, (char *)to + have, n - have, 0);
		if (got <= 0)
			return have ? FCGI_CUT : FCGI_CLOSED;
		have += (size_t)got;
	}
	return FCGI_ANSWERED;
}

static bool append(char **text, size_t *length, const void *bytes, size_t n)
{
	if (*length + n > ANSWER_MAX)
		return false;
	char *grown = realloc(*text, *length + n + 1);
	if (!grown)
		abort();
	memcpy(grown + *length, bytes, n);
	*length += n;
	grown[*length] = '\0';
	*text = grown;
	return true;
}

/* Where in its answer the server is. */
struct answer {
	bool stdout_ended;
};

/* Takes one record in. FCGI_ANSWERED: it was the last; FCGI_CUT: more must follow. */
static enum fcgi_outcome take_record(struct fcgi_client *c, struct answer *a, const unsigned char *head,
	const unsigned char *content, size_t n)
{
	if ((head[2] << 8 | head[3]) != FCGI_REQUEST_ID) {
		c->others++;
		return FCGI_CUT;
	}
	switch (head[1]) {
	case FCGI_STDOUT:
		if (a->stdout_ended)
			return FCGI_GARBAGE;
		a->stdout_ended = n == 0;
		return append(&c->out, &c->out_length, content, n) ? FCGI_CUT : FCGI_GARBAGE;
	case FCGI_STDERR:
		return append(&c->err, &c->err_length, content, n) ? FCGI_CUT : FCGI_GARBAGE;
	case FCGI_END_REQUEST:
		if (n != 8)
			return FCGI_GARBAGE;
		c->app_status = (uint32_t)content[0] << 24 | (uint32_t)content[1] << 16 |
				(uint32_t)content[2] << 8 | content[3];
		c->protocol_status = content[4];
		return FCGI_ANSWERED;
	default:
		return FCGI_GARBAGE;
	}
}

enum fcgi_outcome fcgi_read(struct fcgi_client *c, int64_t us)
{
	static unsigned char content[FCGI_RECORD_MAX + 255];
	const struct deadline until = deadline_in(us);
	struct answer answer = { false };
	bool anything = false;

	for (;;) {
		unsigned char head[HEADER_SIZE];
		enum fcgi_outcome outcome = read_exactly(c->fd, head, sizeof head, until);
		if (outcome != FCGI_ANSWERED)
			return outcome == FCGI_CLOSED && anything ? FCGI_CUT : outcome;
		anything = true;
		if (head[0] != VERSION)
			return FCGI_GARBAGE;
		size_t n = (size_t)head[4] << 8 | head[5];
		outcome = read_exactly(c->fd, content, n + head[6], until);
		if (outcome != FCGI_ANSWERED)
			return outcome == FCGI_CLOSED ? FCGI_CUT : outcome;
		outcome = take_record(c, &answer, head, content, n);
		if (outcome != FCGI_CUT)
			return outcome;
	}
}

/* The end of the header block: behind its empty line; NULL without one. */
static const char *headers_end(const struct fcgi_client *c)
{
	const char *end = c->out ? strstr(c->out, "\r\n\r\n") : NULL;

	return end ? end + 4 : NULL;
}

const char *fcgi_header(const struct fcgi_client *c, const char *name)
{
	static char value[8192];
	const char *end = headers_end(c);
	size_t n = strlen(name);

	for (const char *line = c->out; end && line < end - 2; line = strstr(line, "\r\n") + 2) {
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		const char *from = line + n + 1 + strspn(line + n + 1, " ");
		snprintf(value, sizeof value, "%.*s", (int)strcspn(from, "\r"), from);
		return value;
	}
	return NULL;
}

int fcgi_status(const struct fcgi_client *c)
{
	if (!headers_end(c))
		return -1;
	const char *status = fcgi_header(c, "Status");
	return status ? (int)strtol(status, NULL, 10) : 200;
}

const char *fcgi_body(const struct fcgi_client *c)
{
	const char *body = headers_end(c);

	return body ? body : "";
}
