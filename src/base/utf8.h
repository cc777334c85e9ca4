/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that starts at `text` (1-4), 0 if none valid does within `n`. */
size_t utf8_length(const char *text, size_t n);
bool utf8_valid(const char *text, size_t n);
/* Characters (code points) in valid text. */
size_t utf8_count(const char *text, size_t n);

#endif
