/* The pages people see in a browser, each with its style and script: the operators', whose figures are /status, and the one to
 * read the API's document. */
#include "api/page.h"

#include "api/answer.h"
#include "api/handlers.h"

/* A page loads what is its own and asks its own server; nothing within it, nor from elsewhere, runs. */
static const char own_only[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static int file_answer(struct ctx *ctx, const char *text)
{
	buf_add_text(&ctx->resp->body, text);
	return answer_file(ctx);
}

static int page_answer(struct ctx *ctx, const char *text)
{
	ctx->resp->content_policy = own_only;
	return file_answer(ctx, text);
}

int page_show(struct ctx *ctx)
{
	return page_answer(ctx, page_html);
}

int page_style(struct ctx *ctx)
{
	return file_answer(ctx, page_css);
}

int page_script(struct ctx *ctx)
{
	return file_answer(ctx, page_js);
}

int docs_show(struct ctx *ctx)
{
	return page_answer(ctx, docs_html);
}

int docs_style(struct ctx *ctx)
{
	return file_answer(ctx, docs_css);
}

int docs_script(struct ctx *ctx)
{
	return file_answer(ctx, docs_js);
}
