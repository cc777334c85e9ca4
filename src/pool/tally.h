/*
 * What is counted, as one flat array of numbers that only grow: a few sums and two histograms of microseconds. Flat, so
 * that adding up workers and taking the difference of two moments are one loop each.
 *
 * Histograms are log-linear: four buckets for each power of two, so a bucket is at most 25 % wide, from 1 us to 2^30 us
 * (18 minutes); larger values count in the last bucket.
 */
#ifndef POOL_TALLY_H
#define POOL_TALLY_H

#include <stdint.h>

enum {
	/* 0-3 have a bucket each; then exponents 2 to 29, four buckets each. */
	HISTOGRAM_BUCKETS = 4 + 28 * 4,
};

enum tally_index {
	TALLY_REQUESTS,
	TALLY_ERRORS, /* answered with a 5xx */
	TALLY_SHED,   /* refused unserved: not among the requests */
	TALLY_SERVICE_US,
	TALLY_QUEUE_US,
	TALLY_CPU_US,      /* of the requests */
	TALLY_SHED_CPU_US, /* of refusing */
	TALLY_POSTGRES_US,
	TALLY_REDIS_US,
	TALLY_SERVICE_BUCKETS,
	TALLY_QUEUE_BUCKETS = TALLY_SERVICE_BUCKETS + HISTOGRAM_BUCKETS,
	TALLY_COUNT = TALLY_QUEUE_BUCKETS + HISTOGRAM_BUCKETS
};

struct tally {
	uint64_t at[TALLY_COUNT];
};

/* Where a time belongs; below 0 counts as 0. */
int histogram_bucket(int64_t us);

/* The time that `percent` of the values in the histogram starting at `first` (TALLY_…_BUCKETS) stay under, straight-line
 * within its bucket; 0 when it is empty. */
int64_t tally_percentile(const struct tally *t, enum tally_index first, int percent);

/* Sum of a kind divided by the requests, rounded down; 0 without requests. */
int64_t tally_mean(const struct tally *t, enum tally_index sum);

#endif
