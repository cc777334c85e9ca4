/* How many workers: from the configuration, from control groups of both versions, and the least of three limits. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/cgroup.h"
#include "pool/size.h"
#include "suite.h"

static char root[64];

/* A file under `root`, its folders made on the way. */
static void put(const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof path, "%s%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0700);
	}
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

static void setup(void)
{
	snprintf(root, sizeof root, "/tmp/agrobridge-size-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

/* The tree that put() made. */
static void teardown(void)
{
	char *const command[] = { "rm", "-rf", "--", root, NULL };
	pid_t child = fork();

	if (child == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static struct conf automatic(void)
{
	return (struct conf){ .connections = 200, .max_tasks = 2, .queue_timeout_ms = 250 };
}

static struct plan plan_for(struct conf conf, int64_t millicores, int64_t memory_mb)
{
	const struct limits limits = { .millicores = millicores, .memory = memory_mb << 20 };

	return size_plan(&conf, &limits);
}

/* --- control groups --- */

START_TEST(version_2_limits_are_the_lowest_on_the_way_up)
{
	put("/proc/self/cgroup", "0::/task/app\n");
	put("/sys/fs/cgroup/task/app/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/task/app/memory.max", "2147483648\n");
	put("/sys/fs/cgroup/task/cpu.max", "150000 100000\n");
	put("/sys/fs/cgroup/task/memory.max", "1073741824\n");
	ck_assert_int_eq(cgroup_millicores(root), 1500);
	ck_assert_int_eq(cgroup_memory(root), 1 << 30);
}
END_TEST

START_TEST(version_2_in_a_container_has_its_group_at_the_top)
{
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/cpu.max", "25000 100000\n");
	put("/sys/fs/cgroup/memory.max", "max\n");
	put("/sys/fs/cgroup/memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 5\noom_group_kill 0\n");
	ck_assert_int_eq(cgroup_millicores(root), 250);
	ck_assert_int_eq(cgroup_memory(root), -1);
	ck_assert_int_eq(cgroup_oom_kills(root), 5);
}
END_TEST

START_TEST(version_1_limits_are_found_by_their_controllers)
{
	put("/proc/self/cgroup", "9:name=systemd:/\n5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n");
	/* The host's path is not visible in the container: its group is at the mount. */
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
	put("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
	put("/sys/fs/cgroup/memory.max", "1\n"); /* version 2 beside it does not hold that controller */
	ck_assert_int_eq(cgroup_millicores(root), 2000);
	ck_assert_int_eq(cgroup_memory(root), 512 << 20);
	ck_assert_int_eq(cgroup_oom_kills(root), 7);
}
END_TEST

START_TEST(without_limits_or_with_nonsense_there_is_none)
{
	ck_assert_int_eq(cgroup_millicores(root), -1);
	ck_assert_int_eq(cgroup_memory(root), -1);
	ck_assert_int_eq(cgroup_oom_kills(root), -1);
	put("/proc/self/cgroup", "nonsense\n7:\n0::/x\n");
	put("/sys/fs/cgroup/x/cpu.max", "\n");
	put("/sys/fs/cgroup/x/memory.max", "lots\n");
	put("/sys/fs/cgroup/x/memory.events", "oom 1\n");
	ck_assert_int_eq(cgroup_millicores(root), -1);
	ck_assert_int_eq(cgroup_memory(root), -1);
	ck_assert_int_eq(cgroup_oom_kills(root), -1);
	put("/proc/self/cgroup", "3:cpu:/\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	ck_assert_int_eq(cgroup_millicores(root), -1);
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "1000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "0\n");
	ck_assert_int_eq(cgroup_millicores(root), -1);
}
END_TEST

/* --- the machine --- */

START_TEST(the_configuration_goes_before_the_cgroup_and_that_before_the_machine)
{
	struct conf conf = automatic();
	struct limits limits = machine_limits(&conf, root);

	ck_assert_str_eq(limits.cpu_from, "machine");
	ck_assert_str_eq(limits.memory_from, "machine");
	ck_assert_int_ge(limits.millicores, 1000);
	ck_assert_int_gt(limits.memory, 64 << 20);
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
	put("/sys/fs/cgroup/memory.max", "33554432\n");
	limits = machine_limits(&conf, root);
	ck_assert_str_eq(limits.cpu_from, "cgroup");
	ck_assert_int_eq(limits.millicores, 500);
	ck_assert_str_eq(limits.memory_from, "cgroup");
	ck_assert_int_eq(limits.memory, 32 << 20);
	put("/sys/fs/cgroup/memory.max", "9223372036854771712\n"); /* more than there is */
	ck_assert_str_eq(machine_limits(&conf, root).memory_from, "machine");
	conf.millicores = 1500;
	conf.memory_mb = 700;
	limits = machine_limits(&conf, root);
	ck_assert_int_eq(limits.millicores, 1500);
	ck_assert_int_eq(limits.memory, 700LL << 20);
	ck_assert_str_eq(limits.cpu_from, "configuration");
}
END_TEST

/* --- the plan --- */

START_TEST(each_of_three_limits_can_bind)
{
	struct conf conf = automatic();

	ck_assert_int_eq(plan_for(conf, 2000, 4096).workers[GROUP_MAIN], 8); /* 4 x 2 cores */
	ck_assert_int_eq(plan_for(conf, 250, 4096).workers[GROUP_MAIN], 4);  /* a quarter counts as one */
	ck_assert_int_eq(plan_for(conf, 8000, 256).workers[GROUP_MAIN], 16); /* 256 MiB / 2 / 8 MiB */
	conf.connections = 40;
	ck_assert_int_eq(plan_for(conf, 4000, 4096).workers[GROUP_MAIN], 7); /* 40 / (2 x 2) - 3 login */
	conf.connections = 2;
	ck_assert_int_eq(plan_for(conf, 4000, 4096).workers[GROUP_MAIN], 1); /* never none */
	conf.connections = 100000;
	ck_assert_int_eq(plan_for(conf, 900000, 999999).workers[GROUP_MAIN], 512);
}
END_TEST

START_TEST(login_workers_leave_a_core_and_ops_are_two)
{
	struct conf conf = automatic();

	ck_assert_int_eq(plan_for(conf, 250, 4096).workers[GROUP_LOGIN], 1);
	ck_assert_int_eq(plan_for(conf, 2500, 4096).workers[GROUP_LOGIN], 1);
	ck_assert_int_eq(plan_for(conf, 4000, 4096).workers[GROUP_LOGIN], 3);
	ck_assert_int_eq(plan_for(conf, 500000, 4096).workers[GROUP_LOGIN], 64);
	ck_assert_int_eq(plan_for(conf, 1500, 4096).workers[GROUP_OPS], 2);
	conf.login_workers = 5;
	conf.workers = 77;
	ck_assert_int_eq(plan_for(conf, 1500, 4096).workers[GROUP_LOGIN], 5);
	ck_assert_int_eq(plan_for(conf, 1500, 4096).workers[GROUP_MAIN], 77);
}
END_TEST

START_TEST(the_backlog_is_three_times_what_can_be_served_in_the_longest_useful_wait)
{
	struct conf conf = automatic();

	conf.workers = 16;
	ck_assert_int_eq(plan_for(conf, 2000, 4096).backlog[GROUP_MAIN], 2400); /* 3 x 16 / 5 ms x 250 ms */
	conf.workers = 1;
	conf.queue_timeout_ms = 100;
	ck_assert_int_eq(plan_for(conf, 2000, 4096).backlog[GROUP_MAIN], 64);
	conf.workers = 512;
	conf.queue_timeout_ms = 60000;
	ck_assert_int_eq(plan_for(conf, 2000, 4096).backlog[GROUP_MAIN], 3 * 512 * 12000);
}
END_TEST

START_TEST(the_arithmetic_is_said)
{
	const struct conf conf = automatic();
	const struct limits limits = { 1500, 512 << 20, "cgroup", "machine" };
	const struct plan plan = size_plan(&conf, &limits);
	char text[512];

	ck_assert_str_eq(size_explain(&conf, &limits, &plan, text, sizeof text),
		"workers: main 8 (the least; cpu allows 8 = 4 x 1.500 cores of the cgroup rounded up, "
		"memory 32 = 512 MiB of the machine / 2 / 8 MiB, connections 49 = 200 / (2 x 2 tasks) - 1 "
		"login), "
		"login 1, ops 2; queue 1200, 64, 1500");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		version_2_limits_are_the_lowest_on_the_way_up,
		version_2_in_a_container_has_its_group_at_the_top,
		version_1_limits_are_found_by_their_controllers,
		without_limits_or_with_nonsense_there_is_none,
		the_configuration_goes_before_the_cgroup_and_that_before_the_machine,
		each_of_three_limits_can_bind,
		login_workers_leave_a_core_and_ops_are_two,
		the_backlog_is_three_times_what_can_be_served_in_the_longest_useful_wait,
		the_arithmetic_is_said,
	};

	return suite_run_with("size", tests, ARRAY_SIZE(tests), setup, teardown);
}
