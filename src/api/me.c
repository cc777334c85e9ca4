/* Who is logged in. */
#include "api/answer.h"
#include "api/handlers.h"
#include "store/user.h"

static const struct member organization_members[] = {
	MEMBER(struct organization, id, UUID, ALWAYS),
	MEMBER(struct organization, name, TEXT, ALWAYS, .example = "Aguacates del Sur"),
	MEMBER(struct organization, kind, TEXT, ALWAYS, .example = "PRODUCER"),
	MEMBER(struct organization, approved, BOOLEAN, ALWAYS, .doc = "whether it may write"),
	END_OF_MEMBERS,
};
static const struct shape my_organization_shape = { "MyOrganization", organization_members,
	sizeof(struct organization) };

struct me {
	struct user user;
	const struct organization *organization; /* NULL: none */
};

static const struct member members[] = {
	MEMBER_NAMED(struct me, user.id, "id", UUID, ALWAYS),
	MEMBER_NAMED(struct me, user.email, "email", TEXT, ALWAYS, .example = "ana@example.org"),
	MEMBER_NAMED(struct me, user.name, "name", TEXT, ALWAYS, .example = "Ana Ruiz"),
	MEMBER_NAMED(
		struct me, user.role, "role", TEXT, ALWAYS, .choices = role_names, .example = "PRODUCER"),
	MEMBER(struct me, organization, OBJECT, NULLABLE, .shape = &my_organization_shape,
		.doc = "null for an administrator"),
	END_OF_MEMBERS,
};
const struct shape me_shape = { "Me", members, sizeof(struct me) };

int me_show(struct ctx *ctx)
{
	struct me me = { .organization = NULL };
	struct organization organization;

	TRY(store_user_me(ctx->db, ctx->session.user_id, &me.user, &organization));
	if (!uuid_is_nil(organization.id))
		me.organization = &organization;
	return answer_one(ctx, &me);
}
