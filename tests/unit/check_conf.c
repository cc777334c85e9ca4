/* The configuration: what is taken, what is refused, and how that is said. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "suite.h"

enum { SECRET_MAX = 4096 };

static struct conf conf;
static char said[16384]; /* complaints of the last load */

static int with_complaints(int (*read)(struct conf *, char *const *, FILE *), char *const *environment)
{
	FILE *complaints = fmemopen(said, sizeof said, "w");

	memset(said, 0, sizeof said);
	int err = read(&conf, environment, complaints);
	fclose(complaints);
	return err;
}

/* load("NAME=value", ...): the names without prefix. */
#define load(...)   load_names((const char *[]){ __VA_ARGS__, NULL })
#define reload(...) reload_names((const char *[]){ __VA_ARGS__, NULL })

static char entries[8][SECRET_MAX + 200];
static char *environment[9];

static char **as_environment(const char *const *names)
{
	size_t n = 0;

	for (; names[n]; n++) {
		snprintf(entries[n], sizeof entries[n], "AGROBRIDGE_%s", names[n]);
		environment[n] = entries[n];
	}
	environment[n] = NULL;
	return environment;
}

static int load_names(const char *const *names)
{
	conf_release(&conf);
	return with_complaints(conf_load, as_environment(names));
}

static int reload_names(const char *const *names)
{
	return with_complaints(conf_reload_secrets, as_environment(names));
}

#define ck_complains_of(line) ck_assert_msg(strstr(said, line "\n"), "said instead: %s", said)

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* A file with `n` bytes of `content`, in this test's own directory; "NAME=path" for load(). */
static char directory[64], path[96], setting[160];

static const char *file_setting(const char *name, const char *content, size_t n)
{
	if (!*directory) {
		snprintf(directory, sizeof directory, "%s/check_conf.XXXXXX",
			getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		ck_assert_ptr_nonnull(mkdtemp(directory));
	}
	snprintf(path, sizeof path, "%s/secret", directory);
	FILE *file = fopen(path, "w");
	ck_assert_uint_eq(fwrite(content, 1, n, file), n);
	fclose(file);
	snprintf(setting, sizeof setting, "%s=%s", name, path);
	return setting;
}

static void teardown(void)
{
	conf_release(&conf);
	if (*directory) {
		unlink(path);
		rmdir(directory);
		directory[0] = '\0';
	}
}

START_TEST(an_empty_environment_gives_the_defaults)
{
	ck_assert_int_eq(load("WORKERS="), 0);
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(conf.socket_dir, "/run/agrobridge");
	ck_assert_str_eq(conf.database_url, "");
	ck_assert_str_eq(conf.cors_origins, "");
	ck_assert_int_eq(conf.workers, 0);
	ck_assert_int_eq(conf.read_timeout_ms, 2000);
	ck_assert_int_eq(conf.refresh_ttl_ms, INT64_C(604800000));
	ck_assert_int_eq(conf.log_level, 2);
}
END_TEST

START_TEST(what_is_set_is_taken)
{
	ck_assert_int_eq(load("WORKERS=16", "LOG_LEVEL=debug", "SOCKET_DIR=/tmp/x",
				 "DATABASE_URL=postgresql://a=b", "REFRESH_TTL_MS=31536000000", "CPUS=auto"),
		0);
	ck_assert_int_eq(conf.workers, 16);
	ck_assert_int_eq(conf.log_level, 3);
	ck_assert_str_eq(conf.socket_dir, "/tmp/x");
	ck_assert_str_eq(conf.database_url, "postgresql://a=b");
	ck_assert_int_eq(conf.refresh_ttl_ms, INT64_C(31536000000));
	ck_assert_int_eq(conf.millicores, 0);
}
END_TEST

START_TEST(other_programs_names_are_none_of_ours)
{
	char *const foreign[] = { "PATH=/bin", "AGROBRIDGEX=1", "agrobridge_workers=x", "=", "", "AGROBRIDGE",
		NULL };

	conf_release(&conf);
	ck_assert_int_eq(with_complaints(conf_load, foreign), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(an_unknown_name_is_refused)
{
	ck_assert_int_eq(load("WORKRES=5"), -1);
	ck_assert_str_eq(
		said, "AGROBRIDGE_WORKRES: there is no such setting; agrobridge --help lists them\n");
	ck_assert_int_eq(load("=5"), -1);
	ck_assert_int_eq(load("WORKERS_FILE=/x"), -1); /* only a secret has a file */
	ck_assert_int_eq(load("WORKER=5"), -1);
	ck_assert_int_eq(load("WORKERSS=5"), -1);
	ck_assert_int_eq(load("WORK\nERS=5"), -1);
	ck_assert_int_eq(lines(said), 1);
	ck_assert_int_eq(load("WORKERS"), -0); /* an entry without = sets nothing */
}
END_TEST

START_TEST(a_number_is_decimal_digits_within_its_range)
{
	static const char *const wrong[] = { "QUEUE_TIMEOUT_MS=9", "QUEUE_TIMEOUT_MS=60001",
		"QUEUE_TIMEOUT_MS=-250", "QUEUE_TIMEOUT_MS=+250", "QUEUE_TIMEOUT_MS= 250",
		"QUEUE_TIMEOUT_MS=250 ", "QUEUE_TIMEOUT_MS=2.5", "QUEUE_TIMEOUT_MS=0x99",
		"QUEUE_TIMEOUT_MS=1e3", "QUEUE_TIMEOUT_MS=250ms", "QUEUE_TIMEOUT_MS=auto",
		"QUEUE_TIMEOUT_MS=9223372036854775807", "QUEUE_TIMEOUT_MS=9223372036854775808",
		"QUEUE_TIMEOUT_MS=18446744073709551866", "QUEUE_TIMEOUT_MS=٢٥٠" };

	ck_assert_int_eq(load("QUEUE_TIMEOUT_MS=10"), 0);
	ck_assert_int_eq(load("QUEUE_TIMEOUT_MS=60000"), 0);
	ck_assert_int_eq(load("QUEUE_TIMEOUT_MS=00000000000000000000000000250"), 0);
	ck_assert_int_eq(conf.queue_timeout_ms, 250);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_msg(load(wrong[i]) == -1, "accepted: %s", wrong[i]);
		ck_assert_int_eq(lines(said), 1);
	}
	ck_assert_int_eq(load("QUEUE_TIMEOUT_MS=9"), -1);
	ck_assert_str_eq(said, "AGROBRIDGE_QUEUE_TIMEOUT_MS=\"9\": must be 10 to 60000\n");
}
END_TEST

START_TEST(auto_is_a_word_and_nothing_like_it)
{
	ck_assert_int_eq(load("WORKERS=auto"), 0);
	ck_assert_int_eq(load("WORKERS=512"), 0);
	ck_assert_int_eq(load("WORKERS=AUTO"), -1);
	ck_assert_int_eq(load("WORKERS=0"), -1);
	ck_complains_of("AGROBRIDGE_WORKERS=\"0\": must be auto or 1 to 512");
}
END_TEST

START_TEST(cores_may_have_three_decimals)
{
	static const struct {
		const char *text;
		int64_t millicores;
	} good[] = { { "CPUS=0.25", 250 }, { "CPUS=0.5", 500 }, { "CPUS=2", 2000 }, { "CPUS=1.125", 1125 },
		{ "CPUS=0.05", 50 }, { "CPUS=1024", 1024000 }, { "CPUS=auto", 0 } };
	static const char *const wrong[] = { "CPUS=0", "CPUS=0.049", "CPUS=1024.001", "CPUS=.5", "CPUS=1.",
		"CPUS=1.2345", "CPUS=1,5", "CPUS=-1", "CPUS=1.-5", "CPUS=1.2.3", "CPUS=9223372036854775807" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_msg(load(good[i].text) == 0, "refused: %s", good[i].text);
		ck_assert_int_eq(conf.millicores, good[i].millicores);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(load(wrong[i]) == -1, "accepted: %s", wrong[i]);
	ck_complains_of("must be auto or 0.05 to 1024");
}
END_TEST

START_TEST(a_choice_is_one_of_its_words)
{
	ck_assert_int_eq(load("LOG_LEVEL=error"), 0);
	ck_assert_int_eq(conf.log_level, 0);
	ck_assert_int_eq(load("LOG_LEVEL=info|debug"), -1);
	ck_assert_int_eq(load("LOG_LEVEL=inf"), -1);
	ck_assert_int_eq(load("LOG_LEVEL=Info"), -1);
	ck_complains_of("AGROBRIDGE_LOG_LEVEL=\"Info\": must be error|warning|info|debug");
}
END_TEST

START_TEST(names_of_nginx_and_the_scripts_are_checked_too)
{
	ck_assert_int_eq(load("PORT=65536"), -1);
	ck_assert_int_eq(load("DRAIN_MS=110001"), -1);
	ck_assert_int_eq(load("PORT=1", "VAR=/tmp/second"), 0);
}
END_TEST

START_TEST(every_fault_is_told_at_once)
{
	ck_assert_int_eq(load("WORKRES=1", "WORKERS=x", "LOG_LEVEL=loud", "SOCKET_DIR=a\tb"), -1);
	ck_assert_int_eq(lines(said), 4);
	ck_complains_of("AGROBRIDGE_SOCKET_DIR=\"a\\u0009b\": must not hold a control character");
}
END_TEST

START_TEST(a_failed_load_leaves_the_old_configuration)
{
	ck_assert_int_eq(load("WORKERS=7"), 0);
	ck_assert_int_eq(
		with_complaints(conf_load, as_environment((const char *[]){ "WORKERS=x", NULL })), -1);
	ck_assert_int_eq(conf.workers, 7);
}
END_TEST

START_TEST(a_secret_comes_from_its_file_without_the_newline)
{
	static const struct {
		const char *content, *secret;
	} rows[] = { { "pass word", "pass word" }, { "pass\n", "pass" }, { "pass\r\n", "pass" },
		{ " pass ", " pass " } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(load(file_setting(
					 "DATABASE_PASSWORD_FILE", rows[i].content, strlen(rows[i].content))),
			0);
		ck_assert_str_eq(conf.database_password, rows[i].secret);
	}
}
END_TEST

START_TEST(a_secret_file_must_hold_one_secret)
{
	static char long_secret[SECRET_MAX + 2];
	const char *name = "DATABASE_PASSWORD_FILE";

	memset(long_secret, 'x', sizeof long_secret);
	ck_assert_int_eq(load(file_setting(name, "", 0)), -1);
	ck_assert_ptr_nonnull(strstr(said, ": the file is empty\n"));
	ck_assert_int_eq(load(file_setting(name, "\n", 1)), -1);
	ck_assert_int_eq(load(file_setting(name, "one\ntwo\n", 8)), -1);
	ck_assert_int_eq(load(file_setting(name, "a\0b", 3)), -1);
	ck_assert_int_eq(load(file_setting(name, long_secret, SECRET_MAX)), 0);
	ck_assert_uint_eq(strlen(conf.database_password), SECRET_MAX);
	ck_assert_int_eq(load(file_setting(name, long_secret, SECRET_MAX + 1)), -1);
	ck_assert_ptr_nonnull(strstr(said, "must be no longer than 4096 bytes\n"));
	ck_assert_int_eq(load(file_setting(name, long_secret, SECRET_MAX + 2)), -1);
}
END_TEST

START_TEST(a_secret_file_that_cannot_be_read_is_named)
{
	ck_assert_int_eq(load("REDIS_URL_FILE=/nonexistent/file"), -1);
	ck_complains_of(
		"AGROBRIDGE_REDIS_URL_FILE=\"/nonexistent/file\": cannot be read: No such file or directory");
	ck_assert_int_eq(load("REDIS_URL_FILE=/"), -1);
	ck_complains_of("AGROBRIDGE_REDIS_URL_FILE=\"/\": cannot be read: Is a directory");
}
END_TEST

START_TEST(a_pipe_nobody_writes_to_is_not_waited_for)
{
	file_setting("REDIS_URL_FILE", "x", 1);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(load(setting), -1);
	ck_assert_ptr_nonnull(strstr(said, ": the file is empty\n"));
}
END_TEST

START_TEST(a_secret_is_given_once)
{
	const char *file = file_setting("REDIS_PASSWORD_FILE", "hunter2", 7);

	ck_assert_int_eq(load("REDIS_PASSWORD=hunter3", file), -1);
	ck_complains_of("AGROBRIDGE_REDIS_PASSWORD: set both here and by its _FILE; give one of them");
	ck_assert_int_eq(load("REDIS_PASSWORD=", file), 0);
	ck_assert_str_eq(conf.redis_password, "hunter2");
	ck_assert_int_eq(load("REDIS_PASSWORD=hunter3", "REDIS_PASSWORD_FILE="), 0);
	ck_assert_str_eq(conf.redis_password, "hunter3");
}
END_TEST

START_TEST(no_complaint_shows_a_secret)
{
	ck_assert_int_eq(load("REDIS_PASSWORD=hunter2\n"), -1);
	ck_complains_of("AGROBRIDGE_REDIS_PASSWORD: must not hold a control character");
	ck_assert_int_eq(load(file_setting("DATABASE_URL_FILE", "hunter2\nx", 9)), -1);
	ck_assert_ptr_null(strstr(said, "hunter2"));
}
END_TEST

START_TEST(a_reload_takes_the_new_secret_and_nothing_else)
{
	char own[sizeof setting];

	snprintf(own, sizeof own, "%s", file_setting("DATABASE_PASSWORD_FILE", "old", 3));
	ck_assert_int_eq(load(own, "WORKERS=7", "REDIS_PASSWORD=inline"), 0);
	file_setting("", "new\n", 4);
	ck_assert_int_eq(reload(own, "WORKERS=8", "REDIS_PASSWORD=inline"), 0);
	ck_assert_str_eq(conf.database_password, "new");
	ck_assert_str_eq(conf.redis_password, "inline");
	ck_assert_int_eq(conf.workers, 7);
}
END_TEST

START_TEST(a_reload_that_fails_keeps_the_old_secret)
{
	char own[sizeof setting];

	snprintf(own, sizeof own, "%s", file_setting("DATABASE_PASSWORD_FILE", "old", 3));
	ck_assert_int_eq(load(own), 0);
	file_setting("", "", 0); /* a writer that has truncated it and not written yet */
	ck_assert_int_eq(reload(own), -1);
	ck_assert_int_eq(lines(said), 1);
	ck_assert_str_eq(conf.database_password, "old");
	unlink(path);
	ck_assert_int_eq(reload(own), -1);
	ck_assert_str_eq(conf.database_password, "old");
}
END_TEST

/* What `print` writes. */
static char printed[32768];

static const char *output_of(void (*print)(FILE *))
{
	FILE *to = fmemopen(printed, sizeof printed, "w");

	memset(printed, 0, sizeof printed);
	print(to);
	fclose(to);
	return printed;
}

static const char *const names[] = {
#define TEXT(name, field, who, preset, doc)              "AGROBRIDGE_" #name,
#define SECRET(name, field, who, doc)                    "AGROBRIDGE_" #name,
#define NUMBER(name, field, who, low, high, preset, doc) "AGROBRIDGE_" #name,
#define AUTO(name, field, who, low, high, doc)           "AGROBRIDGE_" #name,
#define MILLI(name, field, who, low, high, doc)          "AGROBRIDGE_" #name,
#define CHOICE(name, field, who, words, preset, doc)     "AGROBRIDGE_" #name,
#include "conf/conf.def"
#undef TEXT
#undef SECRET
#undef NUMBER
#undef AUTO
#undef MILLI
#undef CHOICE
};

START_TEST(help_lists_every_name_in_eighty_columns_of_ascii)
{
	const char *help = output_of(conf_print_help);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(strstr(help, names[i]), "no %s", names[i]);
	for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "%.100s", line);
	ck_assert_ptr_null(strstr(help, " \n"));
	for (const char *c = help; *c; c++)
		ck_assert(*c == '\n' || (*c >= ' ' && *c <= '~'));
	ck_assert_ptr_nonnull(
		strstr(help, "  AGROBRIDGE_WORKERS               auto             auto or 1 to 512\n"
			     "      workers of the main group\n"));
	ck_assert_ptr_nonnull(strstr(help, "  AGROBRIDGE_VAR                   var              scripts\n"));
}
END_TEST

START_TEST(the_manual_lists_every_name)
{
	const char *manual = output_of(conf_print_manual);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(strstr(manual, names[i]), "no %s", names[i]);
	ck_assert_ptr_nonnull(
		strstr(manual, ".TP\n.B AGROBRIDGE_LOG_LEVEL\nleast important message that is logged.\n"
			       "Default: info; error|warning|info|debug.\n"));
	ck_assert_ptr_nonnull(strstr(manual, "X\\-Forwarded\\-For"));
}
END_TEST

static void print_values(FILE *to)
{
	conf_print_values(&conf, to);
}

START_TEST(the_values_in_force_are_shown_without_secrets)
{
	ck_assert_int_eq(load("DATABASE_PASSWORD=hunter2", "WORKERS=7", "CPUS=1.50", "LOG_LEVEL=error"), 0);
	const char *values = output_of(print_values);
	ck_assert_int_eq(lines(values), (int)ARRAY_SIZE(names));
	ck_assert_ptr_null(strstr(values, "hunter2"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_DATABASE_PASSWORD=set\n"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_REDIS_PASSWORD=not set\n"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_WORKERS=7\n"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_CPUS=1.5\n"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_LOGIN_WORKERS=auto\n"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_LOG_LEVEL=error\n"));
	ck_assert_ptr_nonnull(strstr(values, "AGROBRIDGE_SOCKET_DIR=/run/agrobridge\n"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_empty_environment_gives_the_defaults,
		what_is_set_is_taken,
		other_programs_names_are_none_of_ours,
		an_unknown_name_is_refused,
		a_number_is_decimal_digits_within_its_range,
		auto_is_a_word_and_nothing_like_it,
		cores_may_have_three_decimals,
		a_choice_is_one_of_its_words,
		names_of_nginx_and_the_scripts_are_checked_too,
		every_fault_is_told_at_once,
		a_failed_load_leaves_the_old_configuration,
		a_secret_comes_from_its_file_without_the_newline,
		a_secret_file_must_hold_one_secret,
		a_secret_file_that_cannot_be_read_is_named,
		a_pipe_nobody_writes_to_is_not_waited_for,
		a_secret_is_given_once,
		no_complaint_shows_a_secret,
		a_reload_takes_the_new_secret_and_nothing_else,
		a_reload_that_fails_keeps_the_old_secret,
		help_lists_every_name_in_eighty_columns_of_ascii,
		the_manual_lists_every_name,
		the_values_in_force_are_shown_without_secrets,
	};

	return suite_run_with("conf", tests, ARRAY_SIZE(tests), NULL, teardown);
}
