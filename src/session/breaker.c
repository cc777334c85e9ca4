/* A circuit breaker with full jitter. */
#include "session/breaker.h"

#include "base/base.h"
#include "base/clock.h"
#include "crypto/random.h"

enum { FAILURES_ALLOWED = 1, DOUBLINGS = 6 }; /* 50 ms << 6 = 3.2 s, more than the 2 s that cut it */

#define BACKOFF_FIRST_US (50 * US_PER_MS)
#define BACKOFF_MAX_US   (2 * US_PER_SECOND)

bool breaker_is_open(const struct breaker *b)
{
	return b->failures > FAILURES_ALLOWED;
}

bool breaker_refuses(const struct breaker *b)
{
	return breaker_is_open(b) && clock_now() < b->until;
}

void breaker_failed(struct breaker *b)
{
	uint64_t random;

	b->failures = MIN(b->failures + 1, FAILURES_ALLOWED + 1 + DOUBLINGS);
	if (!breaker_is_open(b))
		return;
	int64_t bound = MIN(BACKOFF_FIRST_US << (b->failures - FAILURES_ALLOWED - 1), BACKOFF_MAX_US);
	random_bytes(&random, sizeof random);
	b->until = clock_now() + (int64_t)(random % (uint64_t)bound);
}

void breaker_succeeded(struct breaker *b)
{
	*b = (struct breaker){ 0 };
}
