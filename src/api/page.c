/* The operators' page, its style and its script; the figures are /status, which the script asks. */
#include "api/page.h"

#include "api/answer.h"
#include "api/handlers.h"

static int page_answer(struct ctx *ctx, const char *text)
{
	buf_add_text(&ctx->resp->body, text);
	return answer_file(ctx);
}

int page_show(struct ctx *ctx)
{
	return page_answer(ctx, page_html);
}

int page_style(struct ctx *ctx)
{
	return page_answer(ctx, page_css);
}

int page_script(struct ctx *ctx)
{
	return page_answer(ctx, page_js);
}
