/*
 * The migrations, compiled into the program: one row for each src/store/schema/NNN_name.sql, in order of number.
 * tools/embed-migrations writes the table when the program is built.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

struct migration {
	int number;       /* 1 of 001_start.sql */
	const char *name; /* "start" */
	const char *sql;  /* the file's text */
};

extern const struct migration migrations[]; /* migration_count rows */
extern const size_t migration_count;

#endif
