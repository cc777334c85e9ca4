/*
 * The scoreboard for people and programs: the JSON of /status and `agrobridge status --json`, and a table for a terminal.
 * Reads shared memory and /proc; asks no worker, touches no store. Whether the pool is alive and ready: pool/view.h.
 */
#ifndef API_STATUS_H
#define API_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "pool/scoreboard.h"

/* One JSON object. Times are milliseconds where the name ends in _ms; service and queue times and the means a request are
 * of the last minute, totals since the pool's start; cores are the whole task's. 200 bytes a worker: 512 of them are
 * 100 KiB. */
void status_write(struct buf *out, const struct conf *conf, const struct scoreboard *board);

/* A table of at most 80 columns. */
void status_print(const struct scoreboard *board, FILE *to, bool colour);

#endif
