/* Passwords that are tried first. */
#include "crypto/guessable.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In the program's own locale, "C": only the letters of ASCII have a case, as in the list. */
static int compare(const void *password, const void *row)
{
	return strcasecmp(password, *(const char *const *)row);
}

enum err guessable_common(const char *password)
{
	const void *found = bsearch(
		password, common_passwords, common_password_count, sizeof common_passwords[0], compare);

	return found ? ERR_COMMON_PASSWORD : ERR_NONE;
}

enum err guessable_address(const char *password, const char *email)
{
	size_t n = strlen(password), local = strcspn(email, "@");
	bool is_local = n == local && strncasecmp(password, email, n) == 0;

	return is_local || strcasecmp(password, email) == 0 ? ERR_COMMON_PASSWORD : ERR_NONE;
}
