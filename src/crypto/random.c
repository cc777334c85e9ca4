/* Random bytes, ids and codes. */
#include "crypto/random.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

void random_bytes(void *to, size_t n)
{
	uint8_t *at = to;

	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}

struct uuid random_uuid(void)
{
	return random_uuid_at(clock_wall());
}

struct uuid random_uuid_at(int64_t wall)
{
	uint8_t random[8];

	random_bytes(random, sizeof random);
	return uuid_v7(wall, random);
}

void random_base62(char *to, size_t n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	enum { FAIR = 256 - 256 % 62 }; /* bytes from here on would favour the first digits */

	while (n) {
		uint8_t bytes[16];
		random_bytes(bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes && n; i++) {
			if (bytes[i] >= FAIR)
				continue;
			*to++ = digits[bytes[i] % 62];
			n--;
		}
	}
	*to = '\0';
}
