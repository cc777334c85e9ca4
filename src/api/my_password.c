/* One's own password: changed by who knows the old one. Whoever holds no more than a token cannot guess its way there. */
#include <string.h>

#include "api/answer.h"
#include "api/handlers.h"
#include "api/write.h"
#include "crypto/guessable.h"
#include "crypto/password.h"
#include "session/limits.h"
#include "session/session.h"
#include "store/user.h"

struct passwords {
	const char *current_password, *new_password;
};

static const struct field fields[] = {
	FIELD(struct passwords, current_password, TEXT, REQUIRED, .password = true, .max = PASSWORD_MAX,
		.example = "mango y aguacate 7"),
	FIELD(struct passwords, new_password, TEXT, REQUIRED, .password = true, .min = PASSWORD_MIN,
		.max = PASSWORD_MAX, .check = guessable_common,
		.doc = "another one, and none of the commonest", .example = "nueve limones verdes"),
	END_OF_FIELDS,
};
const struct input my_password_input = { .fields = fields, .size = sizeof(struct passwords) };

/* The user and the hash of the password as it is now. */
static int read_user(struct ctx *ctx, struct user *ret_user, const char **ret_hash)
{
	TRY(store_user_lock_take(ctx->db, ret_user));
	return store_user_password_take(ctx->db, ret_hash);
}

/* -ERR_INVALID unless the right password was given. Wrong ones are counted like those of a login, but by the user alone: a token
 * opens from anywhere, so that no address may have tries of its own. */
static int check_current(struct ctx *ctx, const char *hash, const char *password)
{
	char id[UUID_TEXT_SIZE];
	struct login_attempt attempt = { id, id, ctx->conf->rate_login, false };
	int64_t wait_us = 0;

	uuid_to_text(ctx->session.user_id, id);
	limit_login_send(&ctx->limiter, &attempt, ctx->deadline);
	if (limit_login_take(&ctx->limiter, &attempt, ctx->deadline, &wait_us)) {
		ctx->resp->retry_after = quota_seconds(wait_us);
		return -ERR_TOO_MANY_LOGINS;
	}
	ctx_stage(ctx, "password");
	if (!password_verify(hash, password)) {
		faults_add(&ctx->faults, ctx->arena, ERR_WRONG_PASSWORD, "/current_password");
		return -ERR_INVALID;
	}
	limit_login_return(&ctx->limiter, &attempt, ctx->deadline);
	return 0;
}

static int check_new(struct ctx *ctx, const struct passwords *in, const char *email)
{
	enum err err = guessable_address(in->new_password, email);

	if (!err && strcmp(in->new_password, in->current_password) == 0)
		err = ERR_NOT_ALLOWED_HERE;
	if (err)
		faults_add(&ctx->faults, ctx->arena, err, "/new_password");
	return err ? -ERR_INVALID : 0;
}

/* The hashes are made before the user's row is locked; whoever has changed the password meanwhile has it all done again, and
 * then the current one is another. */
int my_password_put(struct ctx *ctx)
{
	const struct passwords *in = ctx->input;
	const struct ending others = { ctx->session.user_id, ctx->session.id, ctx->now };
	const char *verified, *hash;
	char new_hash[PASSWORD_HASH_SIZE];
	struct ended ended;
	struct user user;

	store_user_get_send(ctx->db, others.user_id);
	store_user_password_send(ctx->db, others.user_id);
	TRY(db_flush(ctx->db));
	TRY(read_user(ctx, &user, &verified));
	TRY(check_current(ctx, verified, in->current_password));
	TRY(check_new(ctx, in, user.email));
	TRY(password_hash(in->new_password, new_hash));
	write_begin(ctx);
	store_user_lock_send(ctx->db, others.user_id);
	store_user_password_send(ctx->db, others.user_id);
	TRY(write_check(ctx));
	TRY(read_user(ctx, &user, &hash));
	if (strcmp(hash, verified) != 0)
		return -ERR_TRY_AGAIN;
	user.password_due = false;
	user.version++;
	TRY(store_session_revoke_of_user(ctx->db, ctx->arena, &others, &ended));
	store_user_update_send(ctx->db, &user, new_hash);
	ctx->writer.object_id = user.id;
	int result = write_commit(ctx, 1, response_no_content(ctx->resp));
	session_forget(ctx->redis, ctx->arena, &ended, ctx->deadline);
	return result;
}
