/* Where Redis is: the three forms of its URL taken apart. */
#include "session/redis_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/err.h"

enum {
	URL_MAX = 4096,
	HOST_MAX = 253,                                                   /* RFC 1035 section 2.3.4 */
	PATH_MAX_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) - 1, /* 107 */
};

static const struct {
	const char *prefix;
	bool tls, is_path;
} schemes[] = {
	{ "redis://", false, false },
	{ "rediss://", true, false },
	{ "unix://", false, true }, /* unix:///path */
	{ "unix:", false, true },
};

/* Cuts `text` at the first of `marks`; returns what follows, or NULL. */
static char *cut(char *text, const char *marks)
{
	char *at = strpbrk(text, marks);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* Percent-escapes decoded in place. False: a broken one, or %00. */
static bool decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		int high = hex_digit(text[1]);
		int low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static bool read_number(const char *text, int low, int high, int *ret)
{
	int value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (*text - '0');
		if (value > high)
			return false;
	}
	*ret = value;
	return value >= low;
}

static const char *read_credentials(char *text, struct redis_url *u)
{
	char *password = cut(text, ":");

	if (!decode(text) || (password && !decode(password)))
		return "a percent-escape before @ is broken";
	u->user = text;
	u->password = password ? password : "";
	return NULL;
}

static const char *read_host(char *text, struct redis_url *u)
{
	static const char name[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._";
	static const char address6[] = "0123456789abcdefABCDEF:.";
	bool bracketed = *text == '[';
	char *port = bracketed ? cut(++text, "]") : cut(text, ":");

	if (bracketed) {
		if (!port || (*port && *port != ':'))
			return "an address in brackets is not closed";
		port = *port ? port + 1 : NULL;
	}
	if (!*text || strlen(text) > HOST_MAX || text[strspn(text, bracketed ? address6 : name)])
		return "the host is missing or not a name or address (an IPv6 address stands in [])";
	if (port && !read_number(port, 1, 65535, &u->port))
		return "the port is not a number from 1 to 65535";
	u->host = text;
	return NULL;
}

/* user:password@host:port/db */
static const char *read_network(char *text, struct redis_url *u)
{
	if (strpbrk(text, "?#"))
		return "it has a part after ? or #, which this form does not know";
	char *db = cut(text, "/");
	char *at = strrchr(text, '@');
	if (at) {
		*at = '\0';
		const char *why = read_credentials(text, u);
		if (why)
			return why;
		text = at + 1;
	}
	if (db && *db && !read_number(db, 0, REDIS_DB_MAX, &u->db))
		return "the database after / is not a number";
	return read_host(text, u);
}

/* /path?db=0 */
static const char *read_path(char *text, struct redis_url *u)
{
	char *query = cut(text, "?");

	if (query && (strncmp(query, "db=", 3) != 0 || !read_number(query + 3, 0, REDIS_DB_MAX, &u->db)))
		return "after ? only db= and a number is known";
	if (*text != '/' || strchr(text, '#') || !decode(text))
		return "the socket's path does not begin with / or has a broken percent-escape";
	if (strlen(text) > PATH_MAX_BYTES)
		return "the socket's path is longer than 107 bytes";
	u->path = text;
	return NULL;
}

static const char *read_url(struct redis_url *u)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i].prefix);
		if (strncasecmp(u->text, schemes[i].prefix, n) != 0)
			continue;
		u->tls = schemes[i].tls;
		return (schemes[i].is_path ? read_path : read_network)(u->text + n, u);
	}
	return "it does not begin with redis://, rediss:// or unix:";
}

int redis_url_parse(const char *text, struct redis_url *ret_url, const char **ret_why)
{
	struct redis_url u = { .path = "", .host = "", .port = REDIS_PORT, .user = "", .password = "" };

	u.size = strlen(text);
	*ret_why = "it is longer than 4096 bytes";
	if (u.size > URL_MAX)
		return -ERR_INVALID;
	*ret_why = "out of memory";
	if (!(u.text = strdup(text)))
		return -ERR_INVALID;
	*ret_why = read_url(&u);
	if (*ret_why) {
		redis_url_release(&u);
		return -ERR_INVALID;
	}
	*ret_why = "";
	*ret_url = u;
	return 0;
}

void redis_url_release(struct redis_url *u)
{
	if (u->text)
		explicit_bzero(u->text, u->size);
	free(u->text);
	*u = (struct redis_url){ 0 };
}
