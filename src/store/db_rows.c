/* Values in and out: queries.def as a table, parameters, and the columns of a result. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/db_internal.h"

#define EPOCH_US   (INT64_C(946684800) * US_PER_SECOND)
#define EPOCH_DAYS 10957

#define UUID    DB_UUID
#define TEXT    DB_TEXT
#define INT     DB_INT
#define BOOL    DB_BOOL
#define TIME    DB_TIME
#define DATE    DB_DATE
#define NUMERIC DB_NUMERIC
#define BYTES   DB_BYTES
#define VOID    DB_VOID
#define IN(...)                                                                                              \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}
#define OUT(...)                                                                                             \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}
const struct query_info queries[QUERY_COUNT] = {
#define QUERY(id, types_in, types_out, text)                                                                 \
	[QUERY_##id] = { .name = #id, .sql = text, .in = types_in, .out = types_out },
#include "store/queries.def"
#undef QUERY
};

unsigned db_type_oid(enum db_type type)
{
	static const unsigned oids[] = {
		[DB_VOID] = 2278,
		[DB_UUID] = 2950,
		[DB_TEXT] = 25,
		[DB_INT] = 20,
		[DB_BOOL] = 16,
		[DB_TIME] = 1184,
		[DB_DATE] = 1082,
		[DB_NUMERIC] = 1700,
		[DB_BYTES] = 17,
	};

	return oids[type];
}

struct db_value db_uuid(struct uuid id)
{
	return (struct db_value){ .type = DB_UUID, .uuid = id, .null = uuid_is_nil(id) };
}

struct db_value db_text(const char *text)
{
	return (struct db_value){ .type = DB_TEXT, .text = text, .null = !text };
}

struct db_value db_numeric(const char *decimal)
{
	return (struct db_value){ .type = DB_NUMERIC, .text = decimal, .null = !decimal };
}

struct db_value db_int(int64_t value)
{
	return (struct db_value){ .type = DB_INT, .integer = value };
}

struct db_value db_bool(bool value)
{
	return (struct db_value){ .type = DB_BOOL, .integer = value };
}

struct db_value db_time(int64_t wall)
{
	return (struct db_value){ .type = DB_TIME, .integer = wall, .null = wall == DB_NO_TIME };
}

struct db_value db_date(int32_t days)
{
	return (struct db_value){ .type = DB_DATE, .integer = days, .null = days == DB_NO_DATE };
}

struct db_value db_bytes(const void *data, size_t n)
{
	return (struct db_value){ .type = DB_BYTES, .bytes = { data, n } };
}

void rows_clear(struct rows *rows)
{
	PQclear(rows->result);
	rows->result = NULL;
}

bool db_row(struct rows *rows)
{
	rows->column = 0;
	return ++rows->row < PQntuples(rows->result);
}

void db_skip_to(struct rows *rows, int column)
{
	rows->column = column;
}

int64_t db_affected(const struct rows *rows)
{
	return strtoll(PQcmdTuples(rows->result), NULL, 10);
}

/* The next column's bytes, NULL for SQL NULL. Reading a column in another type than queries.def names it is a mistake in this
 * program, not in the data. */
static const char *next(struct rows *rows, enum db_type type, int *ret_length)
{
	int column = rows->column++;

	if (queries[rows->query].out[column] != type)
		abort();
	if (PQgetisnull(rows->result, rows->row, column))
		return NULL;
	*ret_length = PQgetlength(rows->result, rows->row, column);
	return PQgetvalue(rows->result, rows->row, column);
}

struct uuid db_read_uuid(struct rows *rows)
{
	struct uuid id = { 0 };
	int n;
	const char *bytes = next(rows, DB_UUID, &n);

	if (bytes && n == (int)sizeof id.b)
		memcpy(id.b, bytes, sizeof id.b);
	return id;
}

const char *db_read_text(struct rows *rows)
{
	int n;
	const char *bytes = next(rows, DB_TEXT, &n);

	return bytes ? arena_copy(rows->arena, bytes, (size_t)n) : NULL;
}

static bool read_wide(struct rows *rows, enum db_type type, int64_t *ret)
{
	uint64_t wide;
	int n;
	const char *bytes = next(rows, type, &n);

	if (!bytes || n != (int)sizeof wide)
		return false;
	memcpy(&wide, bytes, sizeof wide);
	*ret = (int64_t)be64toh(wide);
	return true;
}

int64_t db_read_int(struct rows *rows)
{
	int64_t value;

	return read_wide(rows, DB_INT, &value) ? value : 0;
}

int64_t db_read_time(struct rows *rows)
{
	int64_t value;

	return read_wide(rows, DB_TIME, &value) ? value + EPOCH_US : DB_NO_TIME;
}

bool db_read_bool(struct rows *rows)
{
	int n;
	const char *bytes = next(rows, DB_BOOL, &n);

	return bytes && n == 1 && *bytes;
}

int32_t db_read_date(struct rows *rows)
{
	uint32_t word;
	int n;
	const char *bytes = next(rows, DB_DATE, &n);

	if (!bytes || n != (int)sizeof word)
		return DB_NO_DATE;
	memcpy(&word, bytes, sizeof word);
	return (int32_t)be32toh(word) + EPOCH_DAYS;
}

void db_read_bytes(struct rows *rows, void *to, size_t n)
{
	int length;
	const char *bytes = next(rows, DB_BYTES, &length);

	memset(to, 0, n);
	if (bytes && (size_t)length == n)
		memcpy(to, bytes, n);
}
