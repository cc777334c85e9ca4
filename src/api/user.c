/* Users, for administrators: making one, and changing what it may do. Its own password everybody changes alone: my_password.c. */
#include "store/user.h"

#include <string.h>

#include "api/answer.h"
#include "api/codes.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/write.h"
#include "crypto/guessable.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "session/session.h"

struct user_fields {
	int role;
	struct uuid organization_id;
	const char *email, *name, *password;
};

static const struct field fields[] = {
	FIELD(struct user_fields, email, TEXT, REQUIRED, .max = 254, .check = code_email,
		.doc = "what the user logs in with, in any case", .example = "ana@example.org"),
	FIELD(struct user_fields, name, TEXT, REQUIRED, .example = "Ana Ruiz"),
	FIELD(struct user_fields, password, TEXT, REQUIRED, .password = true, .min = PASSWORD_MIN,
		.max = PASSWORD_MAX, .check = guessable_common, .doc = "none of the commonest",
		.example = "mango y aguacate 7"),
	FIELD(struct user_fields, role, CHOICE, REQUIRED, .choices = role_names, .example = "PRODUCER"),
	FIELD(struct user_fields, organization_id, UUID, OPTIONAL,
		.doc = "whom the user acts for; an administrator for none, everybody else for one"),
	END_OF_FIELDS,
};
const struct input user_input = { .fields = fields, .size = sizeof(struct user_fields) };

struct user_change {
	int role, active;
	const char *name, *password;
};

static const struct field change_fields[] = {
	FIELD(struct user_change, name, TEXT, REQUIRED, .example = "Ana Ruiz"),
	FIELD(struct user_change, role, CHOICE, OPTIONAL, .choices = role_names,
		.doc = "another one ends the user's sessions", .example = "PACKER"),
	FIELD(struct user_change, active, FLAG, OPTIONAL, .doc = "false ends the user's sessions",
		.example = "false"),
	FIELD(struct user_change, password, TEXT, OPTIONAL, .password = true, .min = PASSWORD_MIN,
		.max = PASSWORD_MAX, .check = guessable_common,
		.doc = "ends the user's sessions; the user must set another one before anything else",
		.example = "mango y aguacate 7"),
	END_OF_FIELDS,
};
const struct input user_patch = {
	.fields = change_fields, .size = sizeof(struct user_change), .partial = true
};

static const struct member members[] = {
	MEMBER(struct user, id, UUID, ALWAYS),
	MEMBER(struct user, email, TEXT, ALWAYS, .example = "ana@example.org"),
	MEMBER(struct user, name, TEXT, ALWAYS, .example = "Ana Ruiz"),
	MEMBER(struct user, role, TEXT, ALWAYS, .choices = role_names, .example = "PRODUCER"),
	MEMBER(struct user, organization_id, UUID, NULLABLE),
	MEMBER(struct user, active, BOOLEAN, ALWAYS, .doc = "whether it may log in"),
	MEMBER_NAMED(struct user, password_due, "password_change_required", BOOLEAN, ALWAYS,
		.doc = "an administrator has set its password"),
	MEMBER(struct user, version, INTEGER, ALWAYS, .example = "1"),
	MEMBER(struct user, created_at, TIME, ALWAYS),
	END_OF_MEMBERS,
};
const struct shape user_shape = { "User", members, sizeof(struct user) };

static bool is_administrator(const struct user *user)
{
	return user->active && strcmp(user->role, role_names[ROLE_ADMIN]) == 0;
}

/* Every fault of a new user that is not one field's alone, once it is known whether there is the organization it names. */
static int check_new(struct ctx *ctx, const struct user_fields *in, bool organization_exists)
{
	bool named = !uuid_is_nil(in->organization_id), is_member = in->role != ROLE_ADMIN;
	enum err err = guessable_address(in->password, in->email);

	if (err)
		faults_add(&ctx->faults, ctx->arena, err, "/password");
	if (is_member && !named)
		faults_add(&ctx->faults, ctx->arena, ERR_REQUIRED, "/organization_id");
	else if (!is_member && named)
		faults_add(&ctx->faults, ctx->arena, ERR_NOT_ALLOWED_HERE, "/organization_id");
	else if (named && !organization_exists)
		faults_add(&ctx->faults, ctx->arena, ERR_UNKNOWN_ORGANIZATION, "/organization_id");
	return ctx->faults.count ? -ERR_INVALID : 0;
}

int user_create(struct ctx *ctx)
{
	const struct user_fields *in = ctx->input;
	const struct user user = {
		.id = random_uuid(),
		.organization_id = in->organization_id,
		.email = in->email,
		.name = in->name,
		.role = role_names[in->role],
		.active = true,
		.version = 1,
		.created_at = ctx->now,
	};
	char hash[PASSWORD_HASH_SIZE];
	bool exists;

	write_begin(ctx);
	store_organization_exists_send(ctx->db, in->organization_id);
	TRY(write_check(ctx));
	TRY(store_organization_exists_take(ctx->db, &exists));
	TRY(check_new(ctx, in, exists));
	TRY(password_hash(in->password, hash));
	store_user_insert_send(ctx->db, &user, hash);
	return write_created(ctx, 1, &user, "/v1/users/", user.id);
}

int user_show(struct ctx *ctx)
{
	struct user user;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	TRY(store_user_get(ctx->db, id, &user));
	return answer_version(ctx, &user, user.version);
}

/* The hash of a user's new password, NULL for none. Made before anything is locked, because it takes its time. */
static int hash_new(struct ctx *ctx, struct uuid id, const char *password, const char **ret_hash)
{
	char *hash = arena_alloc(ctx->arena, PASSWORD_HASH_SIZE);
	struct user user;

	*ret_hash = NULL;
	if (!password)
		return 0;
	TRY(store_user_get(ctx->db, id, &user));
	enum err err = guessable_address(password, user.email);
	if (err) {
		faults_add(&ctx->faults, ctx->arena, err, "/password");
		return -ERR_INVALID;
	}
	TRY(password_hash(password, hash));
	*ret_hash = hash;
	return 0;
}

static struct user changed(const struct user *old, const struct user_change *in)
{
	struct user user = *old;

	user.name = in->name ? in->name : user.name;
	user.role = in->role >= 0 ? role_names[in->role] : user.role;
	user.active = in->active >= 0 ? in->active : user.active;
	user.password_due |= in->password != NULL;
	user.version++;
	return user;
}

/* Whether `old` may become `new`. Nobody locks everybody out, nor itself, nor sets its own password without knowing it. */
static int check_change(struct ctx *ctx, const struct administrators *administrators, const struct user *old,
	const struct user *new)
{
	const struct user_change *in = ctx->input;
	bool loses = is_administrator(old) && !is_administrator(new);

	if (loses && !administrators->others)
		return -ERR_LAST_ADMINISTRATOR;
	if (!administrators->actor)
		return -ERR_UNAUTHENTICATED; /* while this waited its turn, the one who asks was switched off */
	if (uuid_equal(old->id, ctx->session.user_id) && (loses || in->password))
		return -ERR_OWN_ACCOUNT;
	if (uuid_is_nil(new->organization_id) && strcmp(new->role, role_names[ROLE_ADMIN]) != 0) {
		faults_add(&ctx->faults, ctx->arena, ERR_NOT_ALLOWED_HERE, "/role");
		return -ERR_INVALID;
	}
	return 0;
}

/* Whoever is another than before logs in again. */
static int end_sessions(
	struct ctx *ctx, const struct user *old, const struct user *new, struct ended *ret_ended)
{
	const struct user_change *in = ctx->input;
	const struct ending every = { .user_id = old->id, .now = ctx->now };
	bool same = old->active == new->active &&strcmp(old->role, new->role) == 0 && !in->password;

	*ret_ended = (struct ended){ .count = 0 };
	return same ? 0 : store_session_revoke_of_user(ctx->db, ctx->arena, &every, ret_ended);
}

int user_update(struct ctx *ctx)
{
	const struct user_change *in = ctx->input;
	struct administrators administrators;
	struct user old;
	struct ended ended;
	const char *hash;
	struct uuid id;

	TRY(answer_id(ctx, 0, &id));
	TRY(hash_new(ctx, id, in->password, &hash));
	write_begin(ctx);
	store_user_administrators_lock_send(ctx->db);
	store_user_lock_send(ctx->db, id);
	TRY(write_check(ctx));
	TRY(store_user_administrators_lock_take(ctx->db, ctx->session.user_id, id, &administrators));
	TRY(store_user_lock_take(ctx->db, &old));
	TRY(write_match(ctx, old.version));
	const struct user user = changed(&old, in);
	TRY(check_change(ctx, &administrators, &old, &user));
	ctx->writer.before = answer_text(ctx, &old);
	TRY(end_sessions(ctx, &old, &user, &ended));
	store_user_update_send(ctx->db, &user, hash);
	int result = write_updated(ctx, 1, &user, id, user.version);
	session_forget(ctx->redis, ctx->arena, &ended, ctx->deadline);
	return result;
}

int user_list(struct ctx *ctx)
{
	struct user *list;
	struct page page;
	int count;

	TRY(list_page(ctx->input, &page));
	TRY(store_user_list(ctx->db, ctx->arena, page, &list, &count));
	return list_answer(ctx, page, list, count);
}
