/* RESP by hiredis: its formatter, and its reader with our own values, built where they are to stay. */
#include "session/resp.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct resp_reader {
	redisReader *hiredis;
	struct arena *arena;       /* of the value being read; NULL: it is only read over */
	struct redis_value root;   /* that value */
	struct redis_value unread; /* stands for every value inside one that is read over */
	bool has_root;
	size_t values; /* in its arrays */
	size_t fed;    /* bytes since the value before it, at most */
	char error[RESP_ERROR_SIZE];
};

/* Where the value that hiredis has just read belongs. */
static struct redis_value *value_place(const redisReadTask *task)
{
	struct resp_reader *r = task->privdata;

	if (!task->parent) {
		r->has_root = true;
		return &r->root;
	}
	if (!r->arena)
		return &r->unread;
	struct redis_value *array = task->parent->obj;
	return &array->elements[task->idx];
}

static void *create_string(const redisReadTask *task, char *text, size_t n)
{
	struct resp_reader *r = task->privdata;
	struct redis_value *v = value_place(task);

	v->type = task->type == REDIS_REPLY_ERROR ? REDIS_ERROR : REDIS_STRING;
	if (r->arena) {
		v->text = arena_copy(r->arena, text, n);
		v->length = n;
	} else if (v == &r->root && v->type == REDIS_ERROR) {
		v->length = MIN(n, sizeof r->error - 1);
		memcpy(r->error, text, v->length);
		r->error[v->length] = '\0';
		v->text = r->error;
	}
	return v;
}

#if HIREDIS_MAJOR < 1
typedef int element_count;
#else
typedef size_t element_count;
#endif

/* How many arrays stand around it. hiredis itself follows 8 in 0.14 and any number in 1.2. */
static int value_depth(const redisReadTask *task)
{
	int depth = 0;

	for (; task->parent && depth < RESP_DEPTH_MAX; task = task->parent)
		depth++;
	return depth;
}

/* NULL, which hiredis takes for no memory, if it would be too many values or levels. Values are counted when they are
 * announced, because that is when they take room. */
static void *create_array(const redisReadTask *task, element_count n)
{
	struct resp_reader *r = task->privdata;
	struct redis_value *v = value_place(task);
	size_t count = (size_t)n;

	if (count > RESP_VALUES_MAX - r->values || value_depth(task) == RESP_DEPTH_MAX)
		return NULL;
	r->values += count;
	v->type = REDIS_ARRAY;
	if (r->arena) {
		v->count = count;
		v->elements = arena_array(r->arena, struct redis_value, count);
	}
	return v;
}

static void *create_integer(const redisReadTask *task, long long number)
{
	struct redis_value *v = value_place(task);

	v->type = REDIS_INTEGER;
	v->integer = number;
	return v;
}

static void *create_nil(const redisReadTask *task)
{
	struct redis_value *v = value_place(task);

	v->type = REDIS_NIL;
	return v;
}

/* hiredis does not change it, but does not say so either. Values are the arena's, nothing is to be freed. */
static redisReplyObjectFunctions create = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
};

struct resp_reader *resp_reader_new(void)
{
	struct resp_reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->hiredis = redisReaderCreateWithFunctions(&create);
	if (!r->hiredis) {
		free(r);
		return NULL;
	}
	r->hiredis->privdata = r;
	return r;
}

void resp_reader_free(struct resp_reader *r)
{
	if (!r)
		return;
	redisReaderFree(r->hiredis);
	free(r);
}

int resp_feed(struct resp_reader *r, const char *bytes, size_t n)
{
	r->fed += n;
	return redisReaderFeed(r->hiredis, bytes, n) == REDIS_OK ? 0 : -ERR_UNAVAILABLE;
}

bool resp_is_empty(const struct resp_reader *r)
{
	return r->hiredis->pos == r->hiredis->len;
}

int resp_take(struct resp_reader *r, struct arena *arena, struct redis_value *ret_value)
{
	void *done;

	r->arena = arena;
	if (redisReaderGetReply(r->hiredis, &done) != REDIS_OK)
		return -ERR_UNAVAILABLE;
	if (!done)
		return r->fed > RESP_REPLY_MAX ? -ERR_UNAVAILABLE : -ERR_TRY_AGAIN;
	if (!r->has_root) /* a kind that only RESP3 has, which nobody asked for */
		return -ERR_UNAVAILABLE;
	*ret_value = r->root;
	r->root = r->unread = (struct redis_value){ 0 };
	r->has_root = false;
	r->values = 0;
	r->fed = r->hiredis->len - r->hiredis->pos;
	return 0;
}

static bool make_room(struct resp_commands *c, size_t n)
{
	size_t need = c->length + n;

	if (need > RESP_COMMANDS_MAX)
		return false;
	if (need <= c->size)
		return true;
	size_t size = MAX(need, 2 * c->size);
	char *bytes = realloc(c->bytes, size);
	if (!bytes)
		return false;
	c->bytes = bytes;
	c->size = size;
	return true;
}

void resp_append(struct resp_commands *c, const char *fmt, va_list args)
{
	char *command = NULL;
	int n = redisvFormatCommand(&command, fmt, args);

	if (n > 0 && make_room(c, (size_t)n)) {
		memcpy(c->bytes + c->length, command, (size_t)n);
		c->length += (size_t)n;
		c->count++;
	} else {
		c->broken = true;
	}
	if (n > 0)
		redisFreeCommand(command);
}

void resp_clear(struct resp_commands *c)
{
	c->length = 0;
	c->count = 0;
	c->broken = false;
}

void resp_release(struct resp_commands *c)
{
	if (c->bytes)
		explicit_bzero(c->bytes, c->size);
	free(c->bytes);
	*c = (struct resp_commands){ 0 };
}
