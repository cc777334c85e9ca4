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

/* What a group had counted a minute ago; all zeros at the start. */
struct emf_before {
	struct tally total;
	uint64_t restarts[RESTART_COUNT];
};

/* Figures of the minute since `before`, which it brings up to date: of the group main, but processor time, restarts and stuck
 * workers are all groups'. Dimensions service and revision. `wall` in us. Ends with a newline. */
void emf_write(struct buf *out, const struct conf *conf, const struct scoreboard *board, int64_t wall,
	struct emf_before before[GROUP_COUNT]);

#endif
