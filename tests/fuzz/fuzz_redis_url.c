/* Where Redis is: what is taken has every part within its limits, and means the same when it is put together again. */
#include <strings.h>

#include "base/err.h"
#include "fuzz.h"
#include "session/redis_url.h"

static bool is_part(const struct redis_url *u, const char *part)
{
	return !*part || (part >= u->text && part < u->text + u->size);
}

static void parts_are_right(const struct redis_url *u)
{
	must(is_part(u, u->path) && is_part(u, u->host) && is_part(u, u->user) && is_part(u, u->password));
	must(!*u->path != !*u->host);
	must(!*u->path || (u->path[0] == '/' && strlen(u->path) <= 107 && !u->tls));
	must(strlen(u->host) <= 253 && !strpbrk(u->host, "/@[]% ?#"));
	must(u->port >= 1 && u->port <= 65535 && u->db >= 0 && u->db <= REDIS_DB_MAX);
}

static const char *put_together(struct arena *arena, const struct redis_url *u)
{
	bool address6 = strchr(u->host, ':');

	if (*u->path)
		return arena_printf(arena, "unix:/%s?db=%d", fuzz_escape(arena, u->path + 1), u->db);
	return arena_printf(arena, "redis%s://%s:%s@%s%s%s:%d/%d", u->tls ? "s" : "",
		fuzz_escape(arena, u->user), fuzz_escape(arena, u->password), address6 ? "[" : "", u->host,
		address6 ? "]" : "", u->port, u->db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();
	struct redis_url u, again;
	const char *why = NULL;

	if (size > 5000)
		return 0;
	const char *text = fuzz_text(arena, data, size);
	int err = redis_url_parse(text, &u, &why);
	must(err == 0 || err == -ERR_INVALID);
	must(why && !*why == !err);
	if (err)
		return 0;
	parts_are_right(&u);
	const char *whole = put_together(arena, &u);
	if (strlen(whole) <= 4096) { /* escapes are longer */
		must(redis_url_parse(whole, &again, &why) == 0);
		must(strcmp(again.path, u.path) == 0 && strcmp(again.host, u.host) == 0);
		must(strcmp(again.user, u.user) == 0 && strcmp(again.password, u.password) == 0);
		must(again.port == u.port && again.db == u.db && again.tls == u.tls);
		redis_url_release(&again);
	}
	redis_url_release(&u);
	must(!u.text);
	return 0;
}
