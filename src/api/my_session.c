/* Where somebody is logged in: what there is to see of it, and how to end it. Logging in and out is in auth.c. */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/write.h"
#include "session/session.h"
#include "store/session.h"

static const struct member members[] = {
	MEMBER(struct own_session, id, UUID, ALWAYS),
	MEMBER(struct own_session, current, BOOLEAN, ALWAYS, .doc = "the one that asks"),
	MEMBER(struct own_session, created_at, TIME, ALWAYS, .doc = "the login"),
	MEMBER(struct own_session, refreshed_at, TIME, ALWAYS, .doc = "when it last got new tokens"),
	MEMBER(struct own_session, expires_at, TIME, ALWAYS, .doc = "unless it is refreshed before"),
	END_OF_MEMBERS,
};
const struct shape my_session_shape = { "MySession", members, sizeof(struct own_session) };

int my_session_list(struct ctx *ctx)
{
	struct own_session *list;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_session_list(ctx->db, ctx->arena, ctx->session.user_id, ctx->now, page, &list, &count));
	for (int i = 0; i < count; i++)
		list[i].current = uuid_equal(list[i].id, ctx->session.id);
	return list_answer(ctx, page, list, count);
}

/* The same as a logout there. Another user's looks like none. */
int my_session_delete(struct ctx *ctx)
{
	uint8_t access_hash[SHA256_SIZE];
	const struct ended ended = { access_hash, 1 };
	struct own_session session;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	write_begin(ctx);
	store_session_lock_send(ctx->db, id, ctx->session.user_id, ctx->now);
	TRY(write_check(ctx));
	TRY(store_session_lock_take(ctx->db, &session, access_hash));
	session.current = uuid_equal(id, ctx->session.id);
	ctx->writer.object_id = id;
	ctx->writer.before = answer_text_as(ctx, &my_session_shape, &session);
	store_session_end_send(ctx->db, id, ctx->now);
	int result = write_commit(ctx, 1, response_no_content(ctx->resp));
	session_forget(ctx->redis, ctx->arena, &ended, ctx->deadline);
	return result;
}
