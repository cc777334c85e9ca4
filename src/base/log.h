/*
 * Operators' log: one JSON object a line on standard error, each line one write() of at most LOG_LINE_MAX bytes,
 * so that lines of many processes never mix (PIPE_BUF, POSIX write()).
 *
 *   {"time":"2026-05-01T10:00:00.123456Z","level":"error","pid":17,"message":"could not reach postgres: …"}
 *
 * Only the step list (app.c), the pool and main log; leaf code returns its error. Messages are lower case and
 * hold no secret: no token, no password, no URL.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

#include "base/base.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum { LOG_LINE_MAX = 4096 };

void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

/* JSON string escaping into a fixed buffer: control characters, quote, backslash and any byte that is not part of
 * valid UTF-8 are escaped, what does not fit is cut whole. Returns the length. */
size_t log_escape(char *to, size_t size, const char *text);

#endif
