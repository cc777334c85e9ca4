/*
 * The table of conf.def as data, for the two that walk it: conf.c (reads) and print.c (shows). Private to src/conf.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define CONF_PREFIX "AGROBRIDGE_"

enum { SETTING_RANGE_SIZE = 80, SETTING_NUMBER_SIZE = 32 };

enum setting_kind {
	SETTING_TEXT,
	SETTING_SECRET,
	SETTING_NUMBER,
	SETTING_AUTO,
	SETTING_MILLI,
	SETTING_CHOICE
};
enum setting_reader { SERVE, OWNER, USER, NGINX, SCRIPTS };

struct setting {
	const char *name; /* without the prefix */
	enum setting_kind kind;
	enum setting_reader reader;
	size_t offset; /* in struct conf: const char * for TEXT and SECRET, else int64_t */
	int64_t low, high, preset;
	const char *text_preset;
	const char *words; /* of a CHOICE: "error|warning|info|debug" */
	const char *doc;
};

extern const struct setting settings[];
extern const size_t setting_count;

const char **setting_text(struct conf *c, const struct setting *s);
int64_t *setting_number(struct conf *c, const struct setting *s);
/* Word `index` of a CHOICE: where it starts and, through ret_length, how long it is; NULL past the last. */
const char *setting_word(const struct setting *s, int64_t index, int *ret_length);
/* Whether 0 stands for `auto`. */
bool setting_has_auto(const struct setting *s);
/* A number as it is written in the environment: "250", of a MILLI "0.25". Returns `to`. */
const char *setting_digits(const struct setting *s, int64_t value, char to[SETTING_NUMBER_SIZE]);
/* What a value may be, in words: "auto or 1 to 512", "error|warning|info|debug"; "" for a text. */
void setting_range(const struct setting *s, char to[SETTING_RANGE_SIZE]);

#endif
