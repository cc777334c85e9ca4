/* SHA-256. */
#include "crypto/digest.h"

#include <openssl/sha.h>

void sha256(const void *data, size_t n, uint8_t digest[SHA256_SIZE])
{
	SHA256(data, n, digest);
}
