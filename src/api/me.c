/* Who is logged in. */
#include "api/handlers.h"
#include "http/json.h"
#include "store/user.h"

int me_show(struct ctx *ctx)
{
	struct json_writer w;
	struct user user;

	TRY(store_user_me(ctx->db, ctx->session.user_id, &user));
	json_begin(&w, &ctx->resp->body);
	json_open(&w, '{');
	json_put_uuid(&w, "id", user.id);
	json_put_string(&w, "email", user.email);
	json_put_string(&w, "name", user.name);
	json_put_string(&w, "role", user.role);
	json_name(&w, "organization");
	if (uuid_is_nil(user.organization.id)) {
		json_null(&w);
	} else {
		json_open(&w, '{');
		json_put_uuid(&w, "id", user.organization.id);
		json_put_string(&w, "name", user.organization.name);
		json_put_string(&w, "kind", user.organization.kind);
		json_put_boolean(&w, "approved", user.organization.approved);
		json_close(&w, '}');
	}
	json_close(&w, '}');
	return response_json(ctx->resp, 200);
}
