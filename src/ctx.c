/* Where a request's time goes. */
#include "ctx.h"

#include "base/buf.h"

enum { TEXT_MAX = 512 };

void ctx_stage(struct ctx *ctx, const char *name)
{
	slot_stage(ctx->slot, name);
	if (ctx->stage_count < CTX_STAGES_MAX)
		ctx->stages[ctx->stage_count++] = (struct ctx_stage){ name, clock_now() };
}

const char *ctx_stages_text(const struct ctx *ctx)
{
	struct buf text;

	buf_init(&text, ctx->arena, TEXT_MAX);
	buf_add_text(&text, "");
	for (int i = 0; i < ctx->stage_count; i++) {
		int64_t left = i + 1 < ctx->stage_count ? ctx->stages[i + 1].entered : clock_now();
		int64_t us = left - ctx->stages[i].entered;
		buf_printf(&text, "%s%s %lld.%lld ms", i ? ", " : "", ctx->stages[i].name,
			(long long)(us / US_PER_MS), (long long)(us % US_PER_MS / 100));
	}
	return text.data;
}
