/*
 * Passwords: Argon2id (RFC 9106) as PHC strings, m = 19 MiB, t = 2, p = 1 (OWASP Password Storage Cheat Sheet).
 * One hash takes about 20 ms of a core and 19 MiB: only the login group does it, one at a time a worker.
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum {
	PASSWORD_HASH_SIZE = 128, /* "$argon2id$v=19$m=19456,t=2,p=1$" + salt of 22 + "$" + hash of 43 */
	PASSWORD_MIN = 8,
	PASSWORD_MAX = 128, /* characters; a bound on the work, not on strength */
};

/* A new hash with a new salt. 0, or -ERR_UNAVAILABLE when there is no memory for it. */
MUST_CHECK int password_hash(const char *password, char ret_hash[PASSWORD_HASH_SIZE]);

/* True when `password` is the one `hash` was made of. A NULL hash (no such user) costs the same and is false. */
bool password_verify(const char *hash, const char *password);

/* 32 bytes to know `text` again by that are no quicker to guess it by than a password's hash: the same for the same salt (8 bytes
 * or more). 0, or -ERR_UNAVAILABLE when there is no memory for it. */
MUST_CHECK int password_fingerprint(
	const void *text, size_t n, const void *salt, size_t salt_n, uint8_t ret_fingerprint[32]);

/* True when `hash` was made with other parameters than today's: hash again while the password is at hand. */
bool password_is_stale(const char *hash);

#endif
