/* Reading /proc: no stdio, no allocation, so that the master can do it at any time. */
#include "pool/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_read(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (n < size - 1 && (got = read(fd, to + n, size - 1 - n)) > 0)
		n += (size_t)got;
	int err = got < 0 ? -errno : (int)n;
	close(fd);
	to[n] = '\0';
	return err;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

uint64_t process_start(int pid)
{
	char path[64], text[1024];

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (file_read(path, text, sizeof text) <= 0)
		return 0;
	/* The name, field 2, may hold anything; the last ')' ends it. Field 22 is the 20th space from there. */
	const char *at = strrchr(text, ')');
	for (int spaces = 0; at && spaces < 20; spaces++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

/* The sum of some lines of smaps_rollup, each "NAME: N kB"; -1 where there is none to read. */
static int64_t rollup_sum(int pid, const char *const *names, size_t count)
{
	char path[64], text[2048];
	int64_t kib = 0;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	if (file_read(path, text, sizeof text) <= 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *at = strstr(text, names[i]);
		if (!at)
			return -1;
		kib += strtoll(at + strlen(names[i]), NULL, 10);
	}
	return kib * 1024;
}

int64_t process_pss(int pid)
{
	static const char *const names[] = { "\nPss:" };

	return rollup_sum(pid, names, ARRAY_SIZE(names));
}

int64_t process_private(int pid)
{
	static const char *const names[] = { "\nPrivate_Clean:", "\nPrivate_Dirty:" };

	return rollup_sum(pid, names, ARRAY_SIZE(names));
}

bool process_dumps_core(int pid)
{
	char path[64], text[4096];

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	return file_read(path, text, sizeof text) > 0 && strstr(text, "\nCoreDumping:\t1");
}
