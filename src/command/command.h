/*
 * The subcommands. Each gets its own name as argv[0] and returns the exit status: 0 done, 1 could not (said on standard
 * error), COMMAND_WRONG_USAGE when the arguments make no sense.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "conf/conf.h"

enum { COMMAND_WRONG_USAGE = 2 };

int command_serve(struct conf *conf, int argc, char **argv);
int command_migrate(struct conf *conf, int argc, char **argv);
int command_check(struct conf *conf, int argc, char **argv);
int command_status(struct conf *conf, int argc, char **argv);
int command_size(struct conf *conf, int argc, char **argv);
int command_maintain(struct conf *conf, int argc, char **argv);
int command_user(struct conf *conf, int argc, char **argv);

/* Whether browsers' origins can be understood; 0, or -1 with what is wrong on standard error. */
MUST_CHECK int check_origins(const struct conf *conf);

#endif
