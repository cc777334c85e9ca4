/* Logging in and out: tokens for a password, new tokens for a refresh token. */
#include <string.h>

#include "api/answer.h"
#include "api/handlers.h"
#include "crypto/password.h"
#include "session/limits.h"
#include "session/session.h"
#include "store/user.h"

struct login {
	const char *email, *password;
};

static const struct field login_fields[] = {
	FIELD(struct login, email, TEXT, REQUIRED, .max = 254, .example = "ana@example.org"),
	FIELD(struct login, password, TEXT, REQUIRED, .password = true, .max = PASSWORD_MAX,
		.example = "mango y aguacate 7"),
	END_OF_FIELDS,
};
const struct input login_input = { .fields = login_fields, .size = sizeof(struct login) };

struct refresh {
	const char *refresh_token;
};

static const struct field refresh_fields[] = {
	FIELD(struct refresh, refresh_token, TEXT, REQUIRED,
		.example = "b9Zt2KfQeW7uYxP3cLhVaMn5RsDg8JiOoTq1EkXrBvU"),
	END_OF_FIELDS,
};
const struct input refresh_input = { .fields = refresh_fields, .size = sizeof(struct refresh) };

/* A new pair, as the client gets it and as the stores keep it. */
struct tokens {
	char access[TOKEN_TEXT_SIZE], refresh[TOKEN_TEXT_SIZE];
	struct token_pair pair;
};

static void tokens_make(const struct ctx *ctx, struct tokens *t)
{
	token_new(t->access, t->pair.access_hash);
	token_new(t->refresh, t->pair.refresh_hash);
	t->pair.access_expires_at = ctx->now + ctx->conf->access_ttl_ms * US_PER_MS;
	t->pair.refresh_expires_at = ctx->now + ctx->conf->refresh_ttl_ms * US_PER_MS;
}

/* RFC 6749 section 5.1. */
struct token_answer {
	const char *access_token, *refresh_token, *token_type;
	int64_t expires_in;
};

static const struct member token_members[] = {
	MEMBER(struct token_answer, access_token, TEXT, ALWAYS, .doc = "for Authorization: Bearer",
		.example = "mR4x0lYwq1m6o8yJ2n5Tz7b3kQvHcXeUdFgAsPiLrNw"),
	MEMBER(struct token_answer, refresh_token, TEXT, ALWAYS, .doc = "for one POST /v1/auth/refresh",
		.example = "b9Zt2KfQeW7uYxP3cLhVaMn5RsDg8JiOoTq1EkXrBvU"),
	MEMBER(struct token_answer, token_type, TEXT, ALWAYS, .example = "Bearer"),
	MEMBER(struct token_answer, expires_in, INTEGER, ALWAYS, .doc = "seconds the access token lasts",
		.example = "900"),
	END_OF_MEMBERS,
};
const struct shape token_shape = { "Tokens", token_members, sizeof(struct token_answer) };

static int tokens_answer(struct ctx *ctx, const struct tokens *t)
{
	const struct token_answer answer = { t->access, t->refresh, "Bearer",
		ctx->conf->access_ttl_ms / 1000 };

	ctx->resp->cache_control = "no-store";
	return answer_one(ctx, &answer);
}

/* Parameters of Argon2 that have grown since: hash anew while the password is at hand. Where that fails, the next login
 * will do it. */
static void rehash(struct ctx *ctx, struct credentials *user, const char *password)
{
	char *hash = arena_alloc(ctx->arena, PASSWORD_HASH_SIZE);

	if (!password_is_stale(user->password_hash) || password_hash(password, hash))
		return;
	if (store_user_rehash(ctx->db, user->user_id, user->password_hash, hash) == 0)
		user->password_hash = hash;
}

static int check_password(struct ctx *ctx, const struct login *in, struct credentials *ret_user)
{
	TRY(store_user_login_take(ctx->db, ret_user));
	ctx_stage(ctx, "password");
	return password_verify(ret_user->password_hash, in->password) ? 0 : -ERR_BAD_CREDENTIALS;
}

int auth_login(struct ctx *ctx)
{
	const struct login *in = ctx->input;
	struct login_attempt attempt = { in->email, ctx->req->remote_addr, ctx->conf->rate_login, false };
	struct credentials user;
	struct tokens tokens;
	struct ended ended;
	int64_t wait_us = 0;

	limit_login_send(&ctx->limiter, &attempt, ctx->deadline);
	store_user_login_send(ctx->db, in->email);
	int err = db_flush(ctx->db); /* looked at after Redis's reply was taken */
	if (limit_login_take(&ctx->limiter, &attempt, ctx->deadline, &wait_us)) {
		ctx->resp->retry_after = quota_seconds(wait_us);
		return -ERR_TOO_MANY_LOGINS;
	}
	if (!err)
		err = check_password(ctx, in, &user);
	if (err != -ERR_BAD_CREDENTIALS)
		limit_login_return(&ctx->limiter, &attempt, ctx->deadline);
	TRY(err);
	ctx_stage(ctx, "session");
	rehash(ctx, &user, in->password);
	tokens_make(ctx, &tokens);
	TRY(store_session_insert(ctx->db, ctx->arena, &user, &tokens.pair, ctx->now, &ended));
	session_forget(ctx->redis, ctx->arena, &ended, ctx->deadline);
	return tokens_answer(ctx, &tokens);
}

int auth_refresh(struct ctx *ctx)
{
	const struct refresh *in = ctx->input;
	uint8_t hash[SHA256_SIZE], old_access[SHA256_SIZE];
	struct tokens tokens;

	TRY(token_hash(in->refresh_token, hash));
	tokens_make(ctx, &tokens);
	int err = store_session_rotate(ctx->db, hash, &tokens.pair, ctx->now, old_access);
	session_forget(ctx->redis, ctx->arena, &(struct ended){ old_access, 1 }, ctx->deadline);
	return err ? err : tokens_answer(ctx, &tokens);
}

/* PostgreSQL first, for its row is the truth; the copy goes either way, so that an outage of PostgreSQL leaves at most reads. */
int auth_logout(struct ctx *ctx)
{
	int err = store_session_revoke(ctx->db, ctx->access_hash, ctx->now);

	session_forget(ctx->redis, ctx->arena, &(struct ended){ ctx->access_hash, 1 }, ctx->deadline);
	return err ? err : response_no_content(ctx->resp);
}
