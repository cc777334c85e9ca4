/*
 * Random bytes from the kernel's generator (getrandom(2)), which is seeded before any worker runs.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

#include "base/uuid.h"

void random_bytes(void *to, size_t n);    /* never fails: aborts where the kernel has no getrandom */
struct uuid random_uuid(void);            /* a version 7 UUID of now */
struct uuid random_uuid_at(int64_t wall); /* of that moment, wall us */
/* `n` characters of base 62, each equally likely, and a NUL. */
void random_base62(char *to, size_t n);

#endif
