/*
 * Passwords that are tried first, and refused for that: the commonest (common_passwords.txt, compiled in by
 * tools/embed-passwords) and what is known of everybody. There is no rule beside: length is what helps (NIST SP 800-63B section
 * 5.1.1.2). Case makes no difference here, for it makes none to who guesses.
 */
#ifndef CRYPTO_GUESSABLE_H
#define CRYPTO_GUESSABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* ERR_COMMON_PASSWORD, or ERR_NONE: a check for fields. */
enum err guessable_common(const char *password);
/* The same for a password that is its user's e-mail address, or what stands before the '@'. */
enum err guessable_address(const char *password, const char *email);

/* In lower case (ASCII), ordered by their bytes, each once. */
extern const char *const common_passwords[];
extern const size_t common_password_count;

#endif
