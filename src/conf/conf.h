/*
 * The configuration: AGROBRIDGE_* names from the environment, checked once at the start (conf.def is the table).
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdint.h>
#include <stdio.h>

#include "base/base.h"

struct conf {
#define TEXT(name, field, who, preset, doc)              const char *field;
#define SECRET(name, field, who, doc)                    const char *field;
#define NUMBER(name, field, who, low, high, preset, doc) int64_t field;
#define AUTO(name, field, who, low, high, doc)           int64_t field;
#define MILLI(name, field, who, low, high, doc)          int64_t field;
#define CHOICE(name, field, who, words, preset, doc)     int64_t field;
#include "conf/conf.def"
#undef TEXT
#undef SECRET
#undef NUMBER
#undef AUTO
#undef MILLI
#undef CHOICE
};

/* Reads `environment` ("NAME=value" strings, NULL at the end). Every fault - unknown AGROBRIDGE_ name, value out
 * of range, secret file unreadable or empty, a secret given twice - is one line on `complaints`; a secret itself is never
 * in it. Returns 0, or -1 after at least one line. An empty value counts as none. Texts belong to the configuration and
 * live until conf_release(), secrets until a reload replaces them. An unset TEXT is its default, an unset SECRET "". */
MUST_CHECK int conf_load(struct conf *c, char *const *environment, FILE *complaints);

/* Reads the _FILE secrets again (a rotated password). A file that cannot be read keeps the old value, with a line
 * on `complaints` and -1. */
MUST_CHECK int conf_reload_secrets(struct conf *c, char *const *environment, FILE *complaints);

void conf_release(struct conf *c);

/* The table for people: aligned text for --help, troff rows for the manual page, and what is in force (secrets as
 * "set" or "not set") for `check`. */
void conf_print_help(FILE *to);
void conf_print_manual(FILE *to);
void conf_print_values(const struct conf *c, FILE *to);

#endif
