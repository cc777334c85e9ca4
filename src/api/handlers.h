/*
 * Every handler of the route table, by the file it stands in. Each returns an HTTP status, its answer being in ctx->resp, or
 * -ERR_*; what each takes and gives is the input and the shape named beside it in the table.
 */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "ctx.h"

extern const struct input login_input, refresh_input;
extern const struct shape token_shape;
int auth_login(struct ctx *ctx);
int auth_refresh(struct ctx *ctx);
int auth_logout(struct ctx *ctx);

extern const struct shape me_shape;
int me_show(struct ctx *ctx);

extern const struct input my_password_input;
int my_password_put(struct ctx *ctx);

extern const struct shape my_session_shape;
int my_session_list(struct ctx *ctx);
int my_session_delete(struct ctx *ctx);

extern const struct input user_input, user_patch;
extern const struct shape user_shape;
int user_create(struct ctx *ctx);
int user_show(struct ctx *ctx);
int user_update(struct ctx *ctx);
int user_list(struct ctx *ctx);

extern const struct input organization_input, organization_patch;
extern const struct shape organization_shape;
int organization_create(struct ctx *ctx);
int organization_show(struct ctx *ctx);
int organization_update(struct ctx *ctx);
int organization_list(struct ctx *ctx);

extern const struct input page_input;

extern const struct input location_input, location_patch;
extern const struct shape location_shape;
int location_create(struct ctx *ctx);
int location_show(struct ctx *ctx);
int location_update(struct ctx *ctx);
int location_list(struct ctx *ctx);

extern const struct input product_input, product_patch;
extern const struct shape product_shape;
int product_create(struct ctx *ctx);
int product_show(struct ctx *ctx);
int product_update(struct ctx *ctx);
int product_list(struct ctx *ctx);

extern const struct input lot_input, lot_patch, lot_list_input;
extern const struct shape lot_shape;
int lot_create(struct ctx *ctx);
int lot_show(struct ctx *ctx);
int lot_update(struct ctx *ctx);
int lot_list(struct ctx *ctx);

extern const struct input event_input;
extern const struct shape event_shape, proof_shape;
int event_create(struct ctx *ctx);
int event_list(struct ctx *ctx);
int lot_verify(struct ctx *ctx);

extern const struct input grant_input;
extern const struct shape grant_shape;
int grant_list(struct ctx *ctx);
int grant_put(struct ctx *ctx);
int grant_delete(struct ctx *ctx);

extern const struct input audit_list_input;
extern const struct shape audit_shape;
int audit_list(struct ctx *ctx);

extern const struct shape trace_shape;
int trace_by_code(struct ctx *ctx);
int trace_by_gtin(struct ctx *ctx);

extern const struct shape health_shape;
int health_live(struct ctx *ctx);
int health_ready(struct ctx *ctx);
int health_status(struct ctx *ctx);
int health_metrics(struct ctx *ctx);

int openapi_show(struct ctx *ctx);

int page_show(struct ctx *ctx);
int page_style(struct ctx *ctx);
int page_script(struct ctx *ctx);
int docs_show(struct ctx *ctx);
int docs_style(struct ctx *ctx);
int docs_script(struct ctx *ctx);

#endif
