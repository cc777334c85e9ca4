/*
 * Rules of the GS1 General Specifications, as checks for fields (.check) and for paths of the Digital Link.
 */
#ifndef HTTP_GS1_H
#define HTTP_GS1_H

#include "base/err.h"

enum { GTIN14_SIZE = 15, LOT_CODE_MAX = 20 };

/* 8, 12, 13 or 14 digits (ERR_BAD_FORMAT otherwise), the last of them the check digit (section 7.9.1;
 * ERR_BAD_CHECK_DIGIT). A GLN has 13. */
enum err gs1_gtin(const char *text);
enum err gs1_gln(const char *text);

/* AI (10): 1-20 characters of set 82 (figure 7.11-1). ERR_TOO_SHORT, ERR_TOO_LONG, ERR_BAD_CHARACTER. */
enum err gs1_lot_code(const char *text);

/* A valid GTIN padded left to the 14 digits everything is stored and compared in. */
void gs1_gtin14(const char *gtin, char ret_gtin14[GTIN14_SIZE]);

#endif
