/*
 * What this process's control group allows and counts (cgroups(7), version 1 and 2). A limit may be set on any ancestor:
 * the lowest counts. Inside a container the visible tree begins at the container's own group, which is found by the same
 * walk. On ECS the limit sits on the task's group, above what a container sees: the configuration gives it there.
 *
 * `root` is put before /proc and /sys; "" but in tests. Each answers -1 where there is no limit or nothing can be read.
 */
#ifndef POOL_CGROUP_H
#define POOL_CGROUP_H

#include <stdint.h>

int64_t cgroup_millicores(const char *root);
int64_t cgroup_memory(const char *root);    /* bytes */
int64_t cgroup_oom_kills(const char *root); /* processes of this group killed for lack of memory so far */

#endif
