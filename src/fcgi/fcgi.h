/*
 * FastCGI, by libfcgi: one connection in, one request read, one answer written. The only file that includes <fcgiapp.h>.
 *
 * libfcgi's own accept loop is not used. Its traps and what is done about each:
 *   it spins on a stale descriptor after a silent connection  -> the pool accepts; libfcgi never sees the listener
 *   a signal cuts the request that is being read              -> signals are blocked while anything here runs
 *   PARAMS cut short come back as a good request              -> FCGX_GetError() right after, and the request is dropped
 *   no deadline on reading                                    -> SO_RCVTIMEO and SO_SNDTIMEO on the connection
 *   a lingering close of up to 2 s                            -> FCGX_Detach() before FCGX_Finish_r(); where libfcgi closes by
 *                                                                itself, having read nonsense, its timeout is set to 0
 *   an unread body makes the peer see a reset                 -> the body is always read to its end
 *   48 bytes leaked a management record of an unknown kind,
 *   padding behind an empty record read as the next record    -> nothing: nginx sends neither; a worker has its bounds
 */
#ifndef FCGI_FCGI_H
#define FCGI_FCGI_H

#include "base/arena.h"
#include "base/base.h"
#include "http/request.h"
#include "http/response.h"

/* Once a process, before the first request and after every signal handler is in place: it replaces default ones. */
void fcgi_init(void);

/* What the operators' log gets to know through nginx: response headers that it logs and strips. NULL or 0: not known. */
struct fcgi_log {
	const char *user, *route, *code;
	int64_t postgres_us, redis_us, queue_us;
};

/* One connection. */
struct fcgi;

/*
 * Reads one request from `fd`, which is owned here from now on. Each read may take `timeout_us`. NULL: nothing worth an
 * answer came (cut short, not FastCGI, too slow) and the connection is closed. What is read lives in the arena. A body longer
 * than REQUEST_BODY_MAX, or other than its CONTENT_LENGTH, makes *ret_err -ERR_BODY_TOO_LARGE or -ERR_BAD_BODY.
 */
MUST_CHECK struct fcgi *fcgi_read(
	int fd, int64_t timeout_us, struct arena *arena, struct request *ret_req, int *ret_err);

/* Writes the answer and closes the connection. The body is left out for HEAD. */
void fcgi_write(
	struct fcgi *f, const struct request *req, const struct response *resp, const struct fcgi_log *log);

/* Closes it without an answer. */
void fcgi_abandon(struct fcgi *f);

#endif
