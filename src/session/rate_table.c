/* Rates of keys, in sets of a few. */
#include "session/rate_table.h"

#include <string.h>

#include "base/base.h"
#include "crypto/digest.h"
#include "crypto/random.h"

enum { KEY_MAX = 256 }; /* the longest has 68 characters */

void rate_table_init(struct rate_table *t)
{
	*t = (struct rate_table){ 0 };
	random_bytes(t->seed, sizeof t->seed);
}

static uint64_t key_of(const struct rate_table *t, const char *text)
{
	char seeded[sizeof t->seed + KEY_MAX];
	size_t n = strnlen(text, KEY_MAX);
	uint8_t digest[SHA256_SIZE];
	uint64_t key;

	memcpy(seeded, t->seed, sizeof t->seed);
	memcpy(seeded + sizeof t->seed, text, n);
	sha256(seeded, sizeof t->seed + n, digest);
	memcpy(&key, digest, sizeof key);
	return key;
}

/* The key's place, or the one it may have. */
static struct rate_entry *place_of(struct rate_table *t, uint64_t key)
{
	struct rate_entry *set = t->sets[key % RATE_TABLE_SETS], *soonest = set;

	for (struct rate_entry *e = set; e < set + RATE_TABLE_WAYS; e++) {
		if (e->key == key)
			return e;
		if (e->over < soonest->over)
			soonest = e;
	}
	return soonest;
}

static struct rate_count count_at(const struct rate_entry *e, struct rate rate, int64_t now)
{
	const struct rate_count then = { .current = e->current, .previous = e->previous };

	return rate_later(rate, then, now - (e->over - 2 * rate.window));
}

static void keep(struct rate_entry *e, uint64_t key, struct rate rate, int64_t now, struct rate_count count)
{
	*e = (struct rate_entry){ key, now - count.age + 2 * rate.window, (uint32_t)count.current,
		(uint32_t)count.previous };
}

struct quota rate_table_take(struct rate_table *t, const char *key, struct rate rate, int64_t now)
{
	uint64_t hash = key_of(t, key);
	struct rate_entry *e = place_of(t, hash);
	struct rate_count count = { 0 };

	if (e->key == hash)
		count = count_at(e, rate, now);
	bool let = rate_used(rate, count) < rate.limit;
	count.current += let;
	if (let)
		keep(e, hash, rate, now, count);
	return quota_of(rate, count, let);
}

void rate_table_give(struct rate_table *t, const char *key, struct rate rate, int64_t now)
{
	uint64_t hash = key_of(t, key);
	struct rate_entry *e = place_of(t, hash);

	if (e->key != hash)
		return;
	struct rate_count count = count_at(e, rate, now);
	int64_t *from = count.current ? &count.current : &count.previous;
	*from = MAX(*from - 1, 0);
	keep(e, hash, rate, now, count);
}
