/* Operators' log. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

static enum log_level threshold = LOG_INFO;
static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_set_level(enum log_level level)
{
	threshold = level;
}

size_t log_escape(char *to, size_t size, const char *text)
{
	const char *end = text + strlen(text);
	size_t n = 0;

	while (text < end) {
		char piece[8];
		size_t whole = utf8_length(text, (size_t)(end - text));
		unsigned char c = (unsigned char)*text;
		int len;
		if (!whole || c < 0x20 || c == 0x7f)
			len = snprintf(piece, sizeof piece, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			len = snprintf(piece, sizeof piece, "\\%c", c);
		else
			len = snprintf(piece, sizeof piece, "%.*s", (int)whole, text);
		if (n + (size_t)len + 1 > size)
			break;
		memcpy(to + n, piece, (size_t)len);
		n += (size_t)len;
		text += MAX(whole, (size_t)1);
	}
	if (size)
		to[n] = '\0';
	return n;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	/* Escaping makes at most 6 bytes of one: what is longer than the line is cut, never split over two. */
	char message[LOG_LINE_MAX / 2], line[LOG_LINE_MAX], now[TIME_TEXT_SIZE];
	va_list args;

	if (level > threshold)
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	time_to_text(clock_wall(), now);
	int head = snprintf(line, sizeof line, "{\"time\":\"%s\",\"level\":\"%s\",\"pid\":%d,\"message\":\"",
		now, level_names[level], (int)getpid());
	size_t n = (size_t)head + log_escape(line + head, sizeof line - (size_t)head - 3, message);
	memcpy(line + n, "\"}\n", 3);
	ssize_t written = write(STDERR_FILENO, line, n + 3);
	(void)written; /* there is nowhere to say that the log is gone */
}
