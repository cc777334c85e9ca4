/* agrobridge user add */
#include "store/user.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/codes.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "command/command.h"
#include "command/stores.h"
#include "crypto/guessable.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "store/migrate.h"

/* The configured one, else the first line of standard input without its end. */
static int read_password(const struct conf *conf, const char *email, char *to, size_t size)
{
	if (*conf->user_password) {
		snprintf(to, size, "%s", conf->user_password);
	} else {
		if (isatty(STDIN_FILENO))
			fprintf(stderr, "password: ");
		if (!fgets(to, (int)size, stdin))
			to[0] = '\0';
		to[strcspn(to, "\r\n")] = '\0';
	}
	size_t n = strlen(to), characters = utf8_count(to, n);
	if (!utf8_valid(to, n) || characters < PASSWORD_MIN || characters > PASSWORD_MAX) {
		fprintf(stderr, "agrobridge: the password must have %d to %d characters\n", PASSWORD_MIN,
			PASSWORD_MAX);
		return -1;
	}
	if (guessable_common(to) || guessable_address(to, email)) {
		fprintf(stderr, "agrobridge: %s\n", err_info(ERR_COMMON_PASSWORD)->detail[ENGLISH]);
		return -1;
	}
	return 0;
}

static bool is_role(const char *name)
{
	const char *const *role = role_names;

	while (*role && strcmp(*role, name) != 0)
		role++;
	return *role;
}

static int parse(int argc, char **argv, struct user *user)
{
	static const struct option options[] = {
		{ "role", required_argument, NULL, 'r' },
		{ "name", required_argument, NULL, 'n' },
		{ "organization", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			user->role = optarg;
		else if (c == 'n')
			user->name = optarg;
		else if (c != 'o' || uuid_parse(optarg, &user->organization_id))
			return -1;
	}
	if (argc - optind != 2 || strcmp(argv[optind], "add") != 0 || !user->role || !is_role(user->role))
		return -1;
	user->email = argv[optind + 1];
	if (!user->name)
		user->name = user->email;
	bool admin = strcmp(user->role, role_names[ROLE_ADMIN]) == 0;
	return !code_email(user->email) && admin == uuid_is_nil(user->organization_id) ? 0 : -1;
}

int command_user(struct conf *conf, int argc, char **argv)
{
	struct user user = { .id = random_uuid(), .created_at = clock_wall() };
	char password[4 * PASSWORD_MAX + 2], hash[PASSWORD_HASH_SIZE];
	struct db *db;

	if (parse(argc, argv, &user))
		return COMMAND_WRONG_USAGE;
	if (read_password(conf, user.email, password, sizeof password) ||
		stores_open_database(conf, false, migrate_newest(), &db))
		return 1;
	db_start(db, NULL, deadline_in(COMMAND_CONNECT_MS * US_PER_MS));
	int err = password_hash(password, hash);
	if (!err)
		err = store_user_insert(db, &user, hash);
	if (err)
		fprintf(stderr, "agrobridge: could not add the user: %s %s\n", err_info(err)->detail[ENGLISH],
			db_why(db));
	else
		printf("added %s as %s\n", user.email, user.role);
	db_free(db);
	return err ? 1 : 0;
}
