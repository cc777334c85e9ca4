/*
 * UUIDs (RFC 9562): ids are version 7, so that they grow with time and a list by id is a list by age.
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

struct uuid {
	uint8_t b[16];
};

enum { UUID_TEXT_SIZE = 37 };

/* `wall` in us (clock_wall()), told apart to a quarter of one, so that what one process makes later sorts later; `random` 8 bytes
 * from the kernel's generator. */
struct uuid uuid_v7(int64_t wall, const uint8_t random[8]);
void uuid_to_text(struct uuid id, char text[UUID_TEXT_SIZE]);
/* Any version, 8-4-4-4-12 hexadecimal digits of either case; 0 or -1. */
MUST_CHECK int uuid_parse(const char *text, struct uuid *ret_id);
bool uuid_equal(struct uuid a, struct uuid b);
bool uuid_is_nil(struct uuid id);

#endif
