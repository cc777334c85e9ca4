/* The program: its subcommands. Everything else is in the library that tests link too. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "command/command.h"
#include "conf/conf.h"

/* Exit statuses: 0 done, 1 could not, 2 wrong usage. */
static const struct command {
	const char *name, *usage, *about;
	int (*run)(struct conf *conf, int argc, char **argv);
} commands[] = {
	{ "serve", "", "run the pool: master and workers", command_serve },
	{ "migrate", "", "bring the database's schema up to date, and let the service's role log in",
		command_migrate },
	{ "check", "", "look at configuration, PostgreSQL and Redis; say what is wrong", command_check },
	{ "status", "[--json | --watch | --ready]",
		"what the running pool is doing; --watch: live; --ready: exit 0 when it may take requests",
		command_status },
	{ "size",
		"[--json] [--rate R] [--service-ms S] [--cpu-ms C] [--front-cpu-ms F] [--cores N] [--wait-ms "
		"W]",
		"how many workers and tasks a load needs, from the running pool's figures or these",
		command_size },
	{ "maintain", "",
		"delete expired sessions and old idempotency keys, in small batches, one process at a time",
		command_maintain },
	{ "user", "add EMAIL --role ROLE [--name NAME] [--organization ID]",
		"add a user; the password is AGROBRIDGE_USER_PASSWORD, else the first line of standard input",
		command_user },
};

static void print_help(FILE *to)
{
	fprintf(to, "agrobridge " PACKAGE_VERSION
		    ": the AgroBridge API, food traceability over FastCGI\n\nusage:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  agrobridge %s %s\n        %s\n", commands[i].name, commands[i].usage,
			commands[i].about);
	fprintf(to, "  agrobridge --help | --version\n\nconfiguration, from the environment:\n");
	conf_print_help(to);
}

static int wrong_usage(const char *what)
{
	fprintf(stderr, "agrobridge: %s; see agrobridge --help\n", what);
	return 2;
}

int main(int argc, char **argv)
{
	const struct command *c = commands, *end = commands + ARRAY_SIZE(commands);
	struct conf conf;

	if (argc < 2)
		return wrong_usage("a command is missing");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0) {
		if (argv[1][2] == 'h')
			print_help(stdout);
		else
			printf("agrobridge " PACKAGE_VERSION " (" AGROBRIDGE_REVISION ")\n");
		return fflush(stdout) ? 1 : 0;
	}
	while (c < end && strcmp(argv[1], c->name) != 0)
		c++;
	if (c == end)
		return wrong_usage("there is no such command");
	if (conf_load(&conf, environ, stderr))
		return 1;
	log_set_level((enum log_level)conf.log_level);
	int status = c->run(&conf, argc - 1, argv + 1);
	conf_release(&conf);
	return status == COMMAND_WRONG_USAGE ? wrong_usage("these arguments do not fit the command") : status;
}
