/* JSON in: the scanner decides, cJSON builds. Reading the tree. */
#include "http/json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "http/json_scan.h"

/* Where the tree that is being built goes: cJSON's hooks have no argument for it. Set for each parse; a parse that
 * is broken off by the arena's jump leaves nothing behind but memory of that arena. */
static struct arena *tree_arena;

static void *tree_alloc(size_t n)
{
	return arena_alloc(tree_arena, n);
}

static void tree_free(void *p)
{
	(void)p; /* goes with the arena */
}

static const cJSON *node_of(const struct json *node)
{
	return (const cJSON *)node;
}

static const struct json *json_of(const cJSON *node)
{
	return (const struct json *)node;
}

/* Gives each number of the list and below it its own text, in their order; returns the first text that is left.
 * Recursion ends at JSON_DEPTH_MAX: the scanner let nothing deeper through. */
static char *put_numbers(cJSON *list, char *numbers)
{
	for (cJSON *node = list; node; node = node->next) {
		if (cJSON_IsNumber(node)) {
			node->valuestring = numbers;
			numbers += strlen(numbers) + 1;
		}
		numbers = put_numbers(node->child, numbers);
	}
	return numbers;
}

int json_parse(
	struct arena *arena, const char *text, size_t n, struct faults *faults, const struct json **ret_root)
{
	cJSON_Hooks hooks = { .malloc_fn = tree_alloc, .free_fn = tree_free };
	struct json_scan scan;

	int err = json_scan(arena, text, n, faults, &scan);
	if (err)
		return err;
	tree_arena = arena;
	cJSON_InitHooks(&hooks);
	cJSON *root = cJSON_ParseWithLengthOpts(scan.text, n + 1, NULL, true);
	if (!root)
		return -ERR_INTERNAL;
	put_numbers(root, scan.numbers);
	*ret_root = json_of(root);
	return 0;
}

enum json_type json_type(const struct json *node)
{
	switch (node_of(node)->type) {
	case cJSON_False:
		return JSON_FALSE;
	case cJSON_True:
		return JSON_TRUE;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_text(const struct json *node)
{
	return node_of(node)->valuestring;
}

const char *json_key(const struct json *node)
{
	return node_of(node)->string;
}

const struct json *json_first(const struct json *node)
{
	return json_of(node_of(node)->child);
}

const struct json *json_next(const struct json *node)
{
	return json_of(node_of(node)->next);
}

const struct json *json_get(const struct json *object, const char *key)
{
	return json_of(cJSON_GetObjectItemCaseSensitive(node_of(object), key));
}
