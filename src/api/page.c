/* The operators' page, its style and its script; the figures are /status, which the script asks. The browser keeps them and
 * asks each time whether they are still the same: a new release shows at once. */
#include "api/page.h"

#include "api/handlers.h"

static int page_answer(struct ctx *ctx, const char *type, const char *text)
{
	struct response *resp = ctx->resp;

	buf_add_text(&resp->body, text);
	resp->status = 200;
	resp->content_type = type;
	resp->cache_control = "no-cache";
	response_etag_body(resp, ctx->req);
	return resp->status;
}

int page_show(struct ctx *ctx)
{
	return page_answer(ctx, "text/html; charset=utf-8", page_html);
}

int page_style(struct ctx *ctx)
{
	return page_answer(ctx, "text/css; charset=utf-8", page_css);
}

int page_script(struct ctx *ctx)
{
	return page_answer(ctx, "text/javascript; charset=utf-8", page_js);
}
