/*
 * Code lists of the field: checks for texts that must be one of them.
 */
#ifndef API_CODES_H
#define API_CODES_H

#include "base/err.h"

/* UN/ECE Recommendation 20 units of mass, volume, count and the Recommendation 21 packages (prefix X) food moves in. */
enum err code_uom(const char *text);
/* ISO 3166-1 alpha-2. */
enum err code_country(const char *text);
/* A kind of place or organization: a word of letters, digits, '_' and '-' that begins with a letter. */
enum err code_word(const char *text);

/* An e-mail address (RFC 5321 section 4.1.2): a dot-string of up to 64 characters, '@', a domain name; ASCII only, so that case is
 * the same to everybody who compares it. */
enum err code_email(const char *text);

/* All units and countries: each blank-padded to its width, and a blank after it. */
enum { CODE_UNIT_WIDTH = 3, CODE_COUNTRY_WIDTH = 2 };
extern const char code_units[], code_countries[];

#endif
