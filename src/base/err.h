/*
 * The one list of errors (err.def). Functions return 0 or -ERR_NAME; an ERR is made into an answer in one place,
 * http/response.c. Text for people is here; detail for operators goes to the log.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_NONE,
#define ERR(name, status, code, en, es) ERR_##name,
#include "base/err.def"
#undef ERR
	ERR_COUNT
};

enum language { ENGLISH, SPANISH, LANGUAGE_COUNT };

struct err_info {
	int status;       /* HTTP status; 0: never answered */
	const char *code; /* the public code: "not_found" */
	const char *detail[LANGUAGE_COUNT];
};

/* `err` may be given as returned, negative. */
const struct err_info *err_info(int err);

#endif
