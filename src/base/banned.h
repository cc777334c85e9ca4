/*
 * Functions that have a better successor here. Force-included into every file of src/ (Makefile.am), so that
 * a use of one does not compile: no unbounded copies, no locale-dependent or double-rounding number parsing,
 * no formatting into a buffer of unstated size.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With clang, glibc's fortified headers make macros of these two, and a macro cannot be poisoned. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof strtod strtof gmtime localtime ctime asctime mktemp tmpnam system    \
	popen

#endif
