/*
 * The scoreboard as one line in CloudWatch's embedded metric format, for a log that becomes metrics: nobody can open a port or a
 * shell in a hardened task. (AWS, "CloudWatch embedded metric format specification")
 */
#ifndef API_EMF_H
#define API_EMF_H

#include "base/buf.h"
#include "conf/conf.h"
#include "pool/scoreboard.h"
#include "pool/tally.h"

/* Figures of the minute since `before`, which it brings up to date: of the group main, but processor time is all groups'.
 * Dimensions service and revision. `wall` in us. Ends with a newline. */
void emf_write(struct buf *out, const struct conf *conf, const struct scoreboard *board, int64_t wall,
	struct tally before[GROUP_COUNT]);

#endif
