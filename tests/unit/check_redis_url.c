/* The three forms of REDIS_URL: what each part is read as, and what is refused without giving a secret away. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "session/redis_url.h"
#include "suite.h"

static const struct {
	const char *text;
	bool tls;
	const char *path, *host;
	int port;
	const char *user, *password;
	int db;
} good[] = {
	/* clang-format off */
	{ "redis://cache",                     false, "", "cache",      6379, "",   "",       0 },
	{ "redis://cache/",                    false, "", "cache",      6379, "",   "",       0 },
	{ "redis://cache:7000/3",              false, "", "cache",      7000, "",   "",       3 },
	{ "REDISS://cache.example.com",        true,  "", "cache.example.com", 6379, "", "",  0 },
	{ "redis://10.0.0.7:1",                false, "", "10.0.0.7",      1, "",   "",       0 },
	{ "redis://[::1]",                     false, "", "::1",        6379, "",   "",       0 },
	{ "redis://[fd00::7]:65535/65535",     false, "", "fd00::7",   65535, "",   "",   65535 },
	{ "redis://:secret@cache",             false, "", "cache",      6379, "",   "secret", 0 },
	{ "redis://app@cache",                 false, "", "cache",      6379, "app", "",      0 },
	{ "rediss://app:se:cret@cache:1/2",    true,  "", "cache",         1, "app", "se:cret", 2 },
	{ "redis://a%3ab:p%40s%2Fs%25@cache",  false, "", "cache",      6379, "a:b", "p@s/s%", 0 },
	{ "redis://app:p@ss@cache",            false, "", "cache",      6379, "app", "p@ss",  0 },
	{ "unix:/run/redis.sock",              false, "/run/redis.sock", "", 6379, "", "",    0 },
	{ "unix:///run/redis.sock?db=2",       false, "/run/redis.sock", "", 6379, "", "",    2 },
	{ "unix:/with%20space",                false, "/with space", "", 6379, "",  "",       0 },
	/* clang-format on */
};

START_TEST(each_part_is_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct redis_url u;
		const char *why;
		ck_assert_msg(redis_url_parse(good[i].text, &u, &why) == 0, "%s: %s", good[i].text, why);
		ck_assert_int_eq(u.tls, good[i].tls);
		ck_assert_str_eq(u.path, good[i].path);
		ck_assert_str_eq(u.host, good[i].host);
		ck_assert_int_eq(u.port, good[i].port);
		ck_assert_str_eq(u.user, good[i].user);
		ck_assert_str_eq(u.password, good[i].password);
		ck_assert_int_eq(u.db, good[i].db);
		redis_url_release(&u);
	}
}
END_TEST

static const char *const bad[] = {
	"",
	"cache:6379",
	"http://hunter2@cache",
	"redis:/hunter2@cache",
	"redis://",
	"redis:///0",
	"redis://:hunter2@",
	"redis://:hunter2@ca che",
	"redis://:hunter2@cache:",
	"redis://:hunter2@cache:0",
	"redis://:hunter2@cache:65536",
	"redis://:hunter2@cache:99999999999999999999",
	"redis://:hunter2@cache:-1",
	"redis://:hunter2@cache:6379x",
	"redis://:hunter2@cache/x",
	"redis://:hunter2@cache/-1",
	"redis://:hunter2@cache/65536",
	"redis://:hunter2@cache/0/1",
	"redis://:hunter2@cache/0?db=1",
	"redis://:hunter2@cache#x",
	"redis://:hunter2%@cache",
	"redis://:hunter2%4@cache",
	"redis://:hunter2%zz@cache",
	"redis://:hunter2%00@cache",
	"redis://hunter2%g0:x@cache",
	"redis://:hunter2/x@cache",
	"redis://:hunter2@::1",
	"redis://:hunter2@[::1",
	"redis://:hunter2@[::1]6379",
	"redis://:hunter2@[::1]:",
	"redis://:hunter2@[cache]",
	"redis://:hunter2@[]",
	"unix:",
	"unix:hunter2",
	"unix://hunter2/redis.sock",
	"unix:/hunter2?db=",
	"unix:/hunter2?db=x",
	"unix:/hunter2?password=hunter2",
	"unix:/hunter2#x",
	"unix:/hunter2%",
};

static void assert_refused(const char *text)
{
	struct redis_url u;
	const char *why = NULL;

	ck_assert_msg(redis_url_parse(text, &u, &why) == -ERR_INVALID, "accepted: %s", text);
	ck_assert_ptr_nonnull(why);
	ck_assert_uint_gt(strlen(why), 0);
	ck_assert_msg(!strstr(why, "hunter2"), "gives the URL away: %s", why);
}

START_TEST(what_is_not_such_a_url_is_refused_and_not_repeated)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(bad[i]);
}
END_TEST

/* `prefix` and then `n` times 'a'. */
static char *padded(const char *prefix, size_t n)
{
	size_t at = strlen(prefix);
	char *text = malloc(at + n + 1);

	memcpy(text, prefix, at);
	memset(text + at, 'a', n);
	text[at + n] = '\0';
	return text;
}

START_TEST(each_length_has_its_limit)
{
	static const struct {
		const char *prefix;
		size_t most;
	} rows[] = {
		{ "redis://", 253 }, /* a host name */
		{ "unix:/", 106 },   /* sun_path holds 107 and a NUL */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct redis_url u;
		const char *why;
		char *longest = padded(rows[i].prefix, rows[i].most);
		char *longer = padded(rows[i].prefix, rows[i].most + 1);
		ck_assert_int_eq(redis_url_parse(longest, &u, &why), 0);
		redis_url_release(&u);
		assert_refused(longer);
		free(longest);
		free(longer);
	}
	char *huge = padded("redis://:", 5000);
	memcpy(huge + 5000, "@cache", 7);
	assert_refused(huge);
	free(huge);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_part_is_read,
		what_is_not_such_a_url_is_refused_and_not_repeated,
		each_length_has_its_limit,
	};

	return suite_run("redis_url", tests, ARRAY_SIZE(tests));
}
