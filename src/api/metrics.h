/*
 * The scoreboard as Prometheus text (text format 0.0.4): what a scraper on the operators' port reads.
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "base/buf.h"
#include "conf/conf.h"
#include "pool/scoreboard.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Counters are since the pool's start and never fall while it lives; times are seconds. */
void metrics_write(struct buf *out, const struct conf *conf, const struct scoreboard *board);

#endif
