/* Histogram arithmetic on plain numbers; who writes and reads the shared ones is in scoreboard.c and view.c. */
#include "pool/tally.h"

#include "base/base.h"

int histogram_bucket(int64_t us)
{
	if (us < 4)
		return us < 0 ? 0 : (int)us;
	int exponent = 63 - __builtin_clzll((uint64_t)us);
	int quarter = (int)(us >> (exponent - 2)) & 3;

	return MIN((exponent - 1) * 4 + quarter, HISTOGRAM_BUCKETS - 1);
}

/* The smallest time of a bucket: the inverse of histogram_bucket(). */
static int64_t bucket_low(int bucket)
{
	return bucket < 4 ? bucket : (int64_t)(4 + bucket % 4) << (bucket / 4 - 1);
}

int64_t tally_percentile(const struct tally *t, enum tally_index first, int percent)
{
	const uint64_t *bucket = &t->at[first];
	uint64_t count = 0, below = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += bucket[i];
	if (!count)
		return 0;
	uint64_t rank = (count * (unsigned)percent + 99) / 100;
	int i = 0;
	while (below + bucket[i] < rank)
		below += bucket[i++];
	int64_t low = bucket_low(i), width = bucket_low(i + 1) - low;

	return low + width * (int64_t)(rank - below) / (int64_t)MAX(bucket[i], UINT64_C(1));
}

int64_t tally_mean(const struct tally *t, enum tally_index sum)
{
	return t->at[TALLY_REQUESTS] ? (int64_t)(t->at[sum] / t->at[TALLY_REQUESTS]) : 0;
}
