/* Control groups: find the group's folder, read a file there and in its ancestors. */
#include "pool/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool/proc.h"

enum { GROUP_PATH_SIZE = 512 };

/* A folder being walked upwards, from the group's own to where the tree is mounted. */
struct folder {
	char mount[GROUP_PATH_SIZE], path[GROUP_PATH_SIZE];
	bool v1;
};

/* Is `name` one of the comma-separated `names` (of length n)? */
static bool list_has(const char *names, size_t n, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = names; at < names + n; at += strcspn(at, ",:") + 1)
		if (strcspn(at, ",:") == length && strncmp(at, name, length) == 0)
			return true;
	return false;
}

/* /proc/self/cgroup has lines "4:memory:/path" (version 1) and "0::/path" (version 2). A controller that version 1 holds
 * is not in version 2. */
static bool folder_find(struct folder *f, const char *root, const char *controller)
{
	char path[GROUP_PATH_SIZE], text[4096];
	bool found = false;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	if (file_read(path, text, sizeof text) <= 0)
		return false;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':');
		char *group = names ? strchr(names + 1, ':') : NULL;
		if (!group)
			continue;
		size_t n = (size_t)(group - names - 1);
		bool v1 = list_has(names + 1, n, controller);
		if (!v1 && (n || found))
			continue;
		found = true;
		f->v1 = v1;
		snprintf(f->mount, sizeof f->mount, "%s/sys/fs/cgroup%s%s", root, v1 ? "/" : "",
			v1 ? controller : "");
		snprintf(f->path, sizeof f->path, "%s", group + 1);
		if (v1)
			break;
	}
	return found;
}

/* To the parent; false at the top. */
static bool folder_up(struct folder *f)
{
	char *slash = strrchr(f->path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static int folder_read(const struct folder *f, const char *name, char *to, size_t size)
{
	char path[3 * GROUP_PATH_SIZE];

	snprintf(path, sizeof path, "%s%s/%s", f->mount, f->path, name);
	return file_read(path, to, size);
}

static int64_t lower(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* "max", "-1" and unreadable are no limit. */
static int64_t number_or_none(const char *text)
{
	return *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : -1;
}

static int64_t memory_here(const struct folder *f)
{
	char text[64];

	if (folder_read(f, f->v1 ? "memory.limit_in_bytes" : "memory.max", text, sizeof text) <= 0)
		return -1;
	return number_or_none(text);
}

/* Version 2: "50000 100000", quota and period in us; version 1: a file each. */
static int64_t millicores_here(const struct folder *f)
{
	char quota[64], period[64];

	if (f->v1) {
		if (folder_read(f, "cpu.cfs_quota_us", quota, sizeof quota) <= 0 ||
			folder_read(f, "cpu.cfs_period_us", period, sizeof period) <= 0)
			return -1;
	} else {
		if (folder_read(f, "cpu.max", quota, sizeof quota) <= 0)
			return -1;
		snprintf(period, sizeof period, "%s", quota + strcspn(quota, " "));
	}
	int64_t per = strtoll(period, NULL, 10), us = number_or_none(quota);
	return us < 0 || per <= 0 ? -1 : us * 1000 / per;
}

static int64_t lowest(const char *root, const char *controller, int64_t (*here)(const struct folder *))
{
	struct folder f;
	int64_t limit = -1;

	if (!folder_find(&f, root, controller))
		return -1;
	do
		limit = lower(limit, here(&f));
	while (folder_up(&f));
	return limit;
}

int64_t cgroup_millicores(const char *root)
{
	return lowest(root, "cpu", millicores_here);
}

int64_t cgroup_memory(const char *root)
{
	return lowest(root, "memory", memory_here);
}

int64_t cgroup_oom_kills(const char *root)
{
	struct folder f;
	char text[1024];

	if (!folder_find(&f, root, "memory"))
		return -1;
	do {
		if (folder_read(&f, f.v1 ? "memory.oom_control" : "memory.events", text, sizeof text) <= 0)
			continue;
		const char *at = strstr(text, "oom_kill ");
		if (at)
			return strtoll(at + strlen("oom_kill "), NULL, 10);
	} while (folder_up(&f));
	return -1;
}
