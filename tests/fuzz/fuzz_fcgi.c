/* FastCGI records as a worker gets them, over a socket pair. Nothing that arrives ends the process or costs a descriptor; what
 * is read is within its limits; and whatever the request said, the answer is one whole header block with nobody's lines in it. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/fcgi.h"
#include "fuzz.h"

enum { HEADER = 8, TYPE = 1, BEGIN_REQUEST = 1, STDOUT = 6, END_REQUEST = 3, ANSWER_MAX = 1 << 18 };

/* What libfcgi is known to die of (tests/pool/check_wire.c) or to lose memory by, and nginx never sends, is left out, so that it
 * hides nothing else: management records, those of request 0, become request 1's; lengths that begin with more than 0x80, 16 MiB
 * and up, get smaller. Padding behind nothing and behind BEGIN_REQUEST, which libfcgi would read as the next record, is none. */
static void spare_libfcgi(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] > 0x80)
			bytes[i] &= 0x7f;
	while (n >= HEADER) {
		size_t content = (size_t)bytes[4] << 8 | bytes[5];
		if (!bytes[2] && !bytes[3])
			bytes[3] = 1;
		if (!content || bytes[TYPE] == BEGIN_REQUEST)
			bytes[6] = 0;
		size_t size = HEADER + content + bytes[6];
		if (size > n)
			break;
		bytes += size;
		n -= size;
	}
}

/* Standard output of the records in the answer; each must be whole. What answers FCGI_GET_VALUES comes before and is none. */
static size_t standard_output(const uint8_t *answer, size_t n, char *out)
{
	size_t length = 0;
	bool ended = false;

	while (n) {
		must(n >= HEADER && answer[0] == 1);
		size_t content = (size_t)answer[4] << 8 | answer[5], size = HEADER + content + answer[6];
		must(n >= size);
		if (answer[TYPE] == STDOUT) {
			memcpy(out + length, answer + HEADER, content);
			length += content;
		}
		ended |= answer[TYPE] == END_REQUEST;
		answer += size;
		n -= size;
	}
	must(ended);
	return length;
}

static size_t read_all(int fd, uint8_t *to)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, to + n, ANSWER_MAX - n)) > 0)
		n += (size_t)got;
	must(n < ANSWER_MAX);
	return n;
}

/* Lines of the header block; a blank one ends it. Each is one that we wrote. */
static void head_is_ours(const char *head)
{
	static const char *const names[] = { "Status: ", "Content-Type: ", "Content-Length: ", "Location: ",
		"Allow: ", "X-Log-User: ", "X-Log-Route: ", "X-Log-Code: ", "X-Log-Postgres-Ms: ",
		"X-Log-Redis-Ms: ", "X-Log-Queue-Ms: ", "Cache-Control: ", "Retry-After: " };

	while (strncmp(head, "\r\n", 2) != 0) {
		size_t i = 0;
		while (i < ARRAY_SIZE(names) && strncmp(head, names[i], strlen(names[i])) != 0)
			i++;
		must(i < ARRAY_SIZE(names));
		must(head = strstr(head, "\r\n"));
		head += 2;
	}
}

/* An answer that repeats of the request what an answer may, and more. */
static void answer(struct fcgi *f, struct request *req, struct arena *arena, int err)
{
	struct fcgi_log line = { .user = req->remote_addr, .route = req->target, .code = req->request_id };
	struct response resp;

	response_init(&resp, arena);
	response_problem(&resp, req, err ? err : -ERR_NOT_FOUND);
	resp.location = req->target;
	resp.allow = req->authorization;
	fcgi_write(f, req, &resp, &line);
}

static void request_is_within_limits(const struct request *req, int err)
{
	must(err == 0 || err == -ERR_BAD_BODY || err == -ERR_BODY_TOO_LARGE);
	must(req->method_text && req->target && req->remote_addr && req->request_id);
	must(req->body_length <= REQUEST_BODY_MAX && req->body[req->body_length] == '\0');
	must(req->queue_start >= 0);
}

/* The descriptor that would be next. Not compared between runs: libFuzzer opens some of its own there. */
static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[ANSWER_MAX];
	static char out[ANSWER_MAX + 1];
	static bool begun;
	struct arena *arena = fuzz_arena();
	struct request req;
	int pair[2], err = 0;

	if (!begun)
		fcgi_init();
	begun = true;
	if (size > FUZZ_INPUT_MAX)
		return 0;
	int free_before = lowest_free();
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	uint8_t *sent = (uint8_t *)fuzz_text(arena, data, size);
	spare_libfcgi(sent, size);
	must(write(pair[1], sent, size) == (ssize_t)size);
	shutdown(pair[1], SHUT_WR);
	struct fcgi *f = fcgi_read(pair[0], US_PER_SECOND, arena, &req, &err);
	if (f) {
		request_is_within_limits(&req, err);
		answer(f, &req, arena, err);
		size_t n = standard_output(bytes, read_all(pair[1], bytes), out);
		out[n] = '\0';
		must(n && strstr(out, "\r\n\r\n"));
		head_is_ours(out);
	}
	close(pair[1]);
	must(lowest_free() == free_before);
	return 0;
}
