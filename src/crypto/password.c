/* Passwords by libargon2. */
#include "crypto/password.h"

#include <argon2.h>
#include <string.h>

#include "base/err.h"
#include "crypto/random.h"

enum { MEMORY_KIB = 19 * 1024, PASSES = 2, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };

static const char today[] = "$argon2id$v=19$m=19456,t=2,p=1$";
/* Of a random password nobody knows: what an unknown user's attempt is measured against. */
static const char nobody[] =
	"$argon2id$v=19$m=19456,t=2,p=1$oX6gSZDpTZb0wK0C1s1u0w$6o1rSCk0mVyvW1h5sVwSbXk9L9pQv1yJ5mYw0cN2r8E";

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_SIZE])
{
	unsigned char salt[SALT_BYTES];

	random_bytes(salt, sizeof salt);
	if (argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt, sizeof salt,
		    HASH_BYTES, ret_hash, PASSWORD_HASH_SIZE) != ARGON2_OK)
		return -ERR_UNAVAILABLE;
	return 0;
}

int password_fingerprint(
	const void *text, size_t n, const void *salt, size_t salt_n, uint8_t ret_fingerprint[HASH_BYTES])
{
	int done = argon2id_hash_raw(
		PASSES, MEMORY_KIB, LANES, text, n, salt, salt_n, ret_fingerprint, HASH_BYTES);

	return done == ARGON2_OK ? 0 : -ERR_UNAVAILABLE;
}

bool password_verify(const char *hash, const char *password)
{
	bool same = argon2id_verify(hash ? hash : nobody, password, strlen(password)) == ARGON2_OK;

	return same && hash;
}

bool password_is_stale(const char *hash)
{
	return strncmp(hash, today, sizeof today - 1) != 0;
}
