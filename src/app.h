/*
 * The application: what the pool's workers serve.
 */
#ifndef APP_H
#define APP_H

#include "conf/conf.h"
#include "pool/pool.h"

/* The service for pool_run(). `conf` must outlive it. */
struct pool_service app_service(struct conf *conf);

#endif
