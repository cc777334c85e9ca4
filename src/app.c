/* The application: a request's whole way, from the descriptor the pool accepted to the line in the log. */
#include "app.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/admission.h"
#include "api/emf.h"
#include "api/policy.h"
#include "api/routes.h"
#include "api/write.h"
#include "base/log.h"
#include "crypto/random.h"
#include "ctx.h"
#include "fcgi/fcgi.h"
#include "http/cors.h"
#include "http/fields.h"
#include "pool/scoreboard.h"
#include "pool/stack.h"
#include "store/event.h"
#include "store/lot.h"
#include "store/migrate.h"
#include "store/session.h"

enum {
	WARM_UP_MS = 2000, /* for each: Redis, the first answers */
	LOGIN_MS = POOL_START_MS - 2 * WARM_UP_MS,
	REDIS_MS = 50, /* longest wait for Redis: after that PostgreSQL answers for it */
	READ_STEP_MS =
		1000, /* nginx sends a request it already holds: a second between two pieces is a fault */
	ATTEMPTS = 3,
	AGAIN_MS = 20,
	MMAP_THRESHOLD = 1 << 20,
	REPORT_SIZE = 64 << 10, /* a line of 4 KiB, grown by doubling */
};

/* One worker's whole state. */
struct app {
	struct conf *conf;
	struct ctx ctx;
	struct arena arena;
	struct request request;
	struct response response;
	struct rate_table rates;             /* while Redis is away */
	char request_id[REQUEST_ID_MAX + 1]; /* outlives the arena's exhaustion */
	jmp_buf exhausted;
};

static int find_route(struct ctx *ctx)
{
	TRY(router_find(
		routes, route_count, ctx->req, ctx->arena, &ctx->route, ctx->params, &ctx->resp->allow));
	slot_route(ctx->slot, arena_printf(ctx->arena, "%s %s", ctx->req->method_text, ctx->route->path));
	return 0;
}

static int read_input(struct ctx *ctx)
{
	const struct input *input = ctx->route->input;

	return input ? fields_read(ctx->req, input, ctx->arena, &ctx->faults, &ctx->input) : 0;
}

/* Lost a race or a connection before anything was done: once more, after a moment that differs from the rival's. */
static bool try_again(struct ctx *ctx, int result, int attempt)
{
	uint32_t random;

	if (result != -ERR_TRY_AGAIN || attempt == ATTEMPTS || !deadline_left(ctx->deadline))
		return false;
	db_finish(ctx->db);
	ctx->faults.count = 0;
	response_init(ctx->resp, ctx->arena);
	random_bytes(&random, sizeof random);
	usleep((useconds_t)((uint64_t)AGAIN_MS * 1000 * random >> 32));
	return true;
}

/* The half that asks the stores: run again as a whole when PostgreSQL says so. */
static int app_serve(struct ctx *ctx)
{
	TRY(policy_check(ctx));          /* api/policy.c     session, role, limits             */
	TRY(read_input(ctx));            /* http/fields.c    body or query -> checked struct   */
	TRY(write_prepare(ctx));         /* api/write.c      who writes, Idempotency-Key       */
	return ctx->route->handler(ctx); /* api/NOUN.c                                         */
}

/* One request, start to end. Every line is one hop and one file; the order is the architecture. */
static int app_answer(struct ctx *ctx)
{
	int attempt = 1, result;

	TRY(request_parse(ctx->req, ctx->arena)); /* http/request.c   method, path, query, language */
	TRY(find_route(ctx));                     /* http/router.c    row of api/routes.c, or 404/405 */
	TRY(admission_check(ctx));                /* api/admission.c  too old? its deadline */
	slot_deadline(ctx->slot, ctx->deadline.at);
	if (ctx->db)
		db_start(ctx->db, ctx->arena, ctx->deadline);
	do
		result = app_serve(ctx);
	while (try_again(ctx, result, attempt++));
	/* Before the answer: whoever repeats a refused write at once finds its lot and its key unlocked. */
	if (ctx->db)
		db_finish(ctx->db);
	return result == -ERR_TRY_AGAIN ? -ERR_UNAVAILABLE : result;
}

/* What a failed step means for the client. */
static void app_problem(struct ctx *ctx, int err)
{
	const char *allow = ctx->resp->allow;

	switch (err) {
	case -ERR_REPLAYED:
		return; /* the stored answer is in place */
	case -ERR_METHOD_NOT_ALLOWED:
		if (ctx->req->method == HTTP_OPTIONS)
			response_no_content(ctx->resp);
		else
			response_problem(ctx->resp, ctx->req, err);
		ctx->resp->allow = allow;
		return;
	case -ERR_TOO_MANY_REQUESTS:
		ctx->resp->retry_after = quota_seconds(ctx->quota.wait_us);
		break;
	case -ERR_IN_PROGRESS:
		ctx->resp->retry_after = 1; /* its twin is within its own deadline */
		break;
	default:
		break;
	}
	response_faults(ctx->resp, ctx->req, err, &ctx->faults);
}

static void app_log(const struct ctx *ctx, int err)
{
	const char *route = ctx->route ? ctx->route->path : "-";

	if (ctx->resp->status < 500 || err == -ERR_OVERLOADED || !ctx->db)
		return;
	log_error("could not answer %s %s (%s): %s; request %s", ctx->req->method_text, route,
		err_info(err)->code, *db_why(ctx->db) ? db_why(ctx->db) : "no reason known",
		ctx->req->request_id);
}

/* A slow request, with where its time went; the answer has been sent. */
static void app_log_slow(const struct ctx *ctx, int64_t began)
{
	int64_t took = clock_now() - began + ctx->queued;

	if (!ctx->conf->slow_ms || took < ctx->conf->slow_ms * US_PER_MS)
		return;
	log_warning("slow: %s %s took %lld ms: queue %lld ms, %s; request %s", ctx->req->method_text,
		ctx->route ? ctx->route->path : "-", (long long)(took / US_PER_MS),
		(long long)(ctx->queued / US_PER_MS), ctx_stages_text(ctx), ctx->req->request_id);
}

static void ctx_begin(struct app *app)
{
	struct ctx *ctx = &app->ctx;

	*ctx = (struct ctx){
		.group = ctx->group,
		.conf = app->conf,
		.arena = &app->arena,
		.db = ctx->db,
		.redis = ctx->redis,
		.limiter = { ctx->redis, &app->rates, &app->arena },
		.slot = ctx->slot,
		.scoreboard = ctx->scoreboard,
		.req = &app->request,
		.resp = &app->response,
		.now = clock_wall(),
	};
	response_init(ctx->resp, ctx->arena);
}

/* Memory ran out, although every limit upstream was kept: nothing of the request is left but its id. */
static void app_exhausted(struct app *app, struct fcgi *f)
{
	static const struct fcgi_log nothing = { .code = "exhausted" };

	log_error("could not answer: the memory of a request is exhausted; request %s", app->request_id);
	arena_reset(&app->arena);
	app->request = (struct request){ .method_text = "", .request_id = app->request_id };
	ctx_begin(app);
	response_problem(&app->response, &app->request, -ERR_UNAVAILABLE);
	fcgi_write(f, &app->request, &app->response, &nothing);
}

static void app_reply(struct app *app, struct fcgi *f)
{
	struct ctx *ctx = &app->ctx;
	char user[UUID_TEXT_SIZE];
	struct fcgi_log line = { .queue_us = ctx->queued };

	if (ctx->db)
		line.postgres_us = db_waited(ctx->db);
	if (ctx->redis)
		line.redis_us = redis_waited(ctx->redis);
	if (ctx->route)
		line.route = ctx->route->path;
	if (ctx->resp->err)
		line.code = err_info((int)ctx->resp->err)->code;
	if (ctx->has_session) {
		uuid_to_text(ctx->session.user_id, user);
		line.user = user;
	}
	policy_tell_quota(ctx);
	cors_answer(ctx->conf->cors_origins, ctx->req, ctx->resp);
	fcgi_write(f, ctx->req, ctx->resp, &line);
	if (ctx->resp->err == ERR_OVERLOADED)
		slot_shed(ctx->slot);
	else
		slot_end(ctx->slot, ctx->resp->status, line.postgres_us, line.redis_us);
}

static void app_connection(void *self, int fd)
{
	struct app *app = self;
	struct ctx *ctx = &app->ctx;
	struct fcgi *volatile f = NULL;
	int err;

	app->arena.exhausted = &app->exhausted;
	if (setjmp(app->exhausted)) {
		stack_allow(false);
		if (f)
			app_exhausted(app, f);
		goto out;
	}
	ctx_begin(app);
	ctx_stage(ctx, "read");
	slot_deadline(ctx->slot, ctx->stages[0].entered + app->conf->read_timeout_ms * US_PER_MS);
	f = fcgi_read(fd, READ_STEP_MS * US_PER_MS, &app->arena, &app->request, &err);
	if (!f)
		goto out;
	snprintf(app->request_id, sizeof app->request_id, "%s", app->request.request_id);
	ctx->queued = admission_queued(&app->request, ctx->now);
	slot_begin(ctx->slot, ctx->queued);
	slot_request_id(ctx->slot, app->request_id);
	stack_allow(true); /* until the answer is written nothing touches the connection */
	if (!err) {
		int result = app_answer(ctx);
		err = MIN(result, 0);
	}
	if (err)
		app_problem(ctx, err);
	stack_allow(false);
	ctx_stage(ctx, "reply");
	app_reply(app, f);
	app_log(ctx, err);
	app_log_slow(ctx, ctx->stages[0].entered);
out:
	if (ctx->db)
		db_finish(ctx->db);
	if (ctx->redis)
		redis_reset(ctx->redis);
	arena_reset(&app->arena);
}

static const char *database_password(void *self)
{
	const struct app *app = self;

	return app->conf->database_password;
}

static bool reload_password(void *self)
{
	struct app *app = self;

	return conf_reload_secrets(app->conf, environ, stderr) == 0;
}

static void waiting_for(void *self, const char *query)
{
	const struct app *app = self;

	slot_query(app->ctx.slot, query);
}

static int connect_stores(struct app *app)
{
	const struct conf *conf = app->conf;
	const struct db_options db = {
		.url = conf->database_url,
		.password = database_password,
		.reload_password = reload_password,
		.ca_file = conf->database_ca,
		.statement_timeout_ms = MAX(conf->read_timeout_ms, conf->write_timeout_ms),
		.required_schema = migrate_newest(),
		.waiting = waiting_for,
		.self = app,
	};
	const struct redis_options redis = {
		.url = conf->redis_url,
		.user = conf->redis_user,
		.password = conf->redis_password,
		.ca_file = conf->redis_ca,
		.operation_us = REDIS_MS * US_PER_MS,
	};
	const char *why;

	if (db_new(&db, &app->ctx.db, &why)) {
		log_error("could not use AGROBRIDGE_DATABASE_URL: %s", why);
		return -1;
	}
	if (redis_new(&redis, &app->ctx.redis, &why)) {
		log_error("could not use AGROBRIDGE_REDIS_URL: %s", why);
		return -1;
	}
	/* A store that is away keeps no task from starting: requests will try again. One that answers does, for a while: where
	 * dozens of workers log in at once, each takes seconds. */
	if (db_connect(app->ctx.db, deadline_in(LOGIN_MS * US_PER_MS), &why))
		log_warning("could not reach postgres at the start: %s", why);
	if (redis_connect(app->ctx.redis, deadline_in(WARM_UP_MS * US_PER_MS)))
		log_warning("could not reach redis at the start");
	return 0;
}

/* The commonest reads, of nothing: prepared, planned and in PostgreSQL's caches before the first request asks. */
static void warm_up(struct app *app)
{
	static const uint8_t nobody[SHA256_SIZE];
	const struct viewer viewer = { .sees_all = false };
	struct db *db = app->ctx.db;
	struct lot lot;

	db_start(db, &app->arena, deadline_in(WARM_UP_MS * US_PER_MS));
	store_session_send(db, nobody, 0);
	store_trace_by_code_send(db, "");
	int err = db_flush(db);
	if (!err)
		err = db_results(db, 2);
	if (!err)
		err = store_lot_get(db, (struct uuid){ { 0 } }, viewer, &lot);
	if (err && err != -ERR_NOT_FOUND)
		log_warning("could not warm up: %s", db_why(db));
	db_finish(db);
}

static int app_start(void *self, enum group group, struct slot *slot)
{
	struct app *app = self;

	app->ctx.group = group;
	app->ctx.slot = slot;
	app->ctx.scoreboard = slot_scoreboard(slot);
	fcgi_init();
	/* Large pieces go back when freed, above all the 19 MiB of a password's hash: glibc would begin to keep them. */
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	if (arena_init(&app->arena, ARENA_SIZE))
		return -1;
	arena_alloc(&app->arena, ARENA_KEEP); /* touched, so that the first request pays for no page of it */
	arena_reset(&app->arena);
	if (group == GROUP_OPS)
		return 0;
	rate_table_init(&app->rates);
	if (connect_stores(app))
		return -1;
	if (group == GROUP_MAIN && db_is_up(app->ctx.db))
		warm_up(app);
	db_waited(app->ctx.db); /* what the start has waited is no request's */
	redis_waited(app->ctx.redis);
	return 0;
}

static void app_stop(void *self)
{
	struct app *app = self;

	db_free(app->ctx.db);
	redis_free(app->ctx.redis);
	arena_release(&app->arena);
}

static void app_reload(void *self)
{
	struct app *app = self;

	if (conf_reload_secrets(app->conf, environ, stderr))
		log_warning("could not read every secret again: the old ones stay in use");
}

/* In the master: one line of metrics on standard output, where nginx's lines go too. */
static void app_report(void *self, const struct scoreboard *board)
{
	static struct emf_before before[GROUP_COUNT];
	struct app *app = self;
	struct arena arena;
	struct buf line;

	if (arena_init(&arena, REPORT_SIZE))
		return;
	buf_init(&line, &arena, LOG_LINE_MAX);
	emf_write(&line, app->conf, board, clock_wall(), before);
	ssize_t n = write(STDOUT_FILENO, line.data, line.len);
	(void)n; /* nowhere to say that the log is gone */
	arena_release(&arena);
}

struct pool_service app_service(struct conf *conf)
{
	static struct app app; /* made in the master, used in each worker's own copy */

	app.conf = conf;
	return (struct pool_service){
		.start = app_start,
		.serve = app_connection,
		.stop = app_stop,
		.reload = app_reload,
		.report = app_report,
		.self = &app,
	};
}
