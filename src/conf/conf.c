/* The configuration: from the environment into struct conf, every fault told. What the names are stands in conf.def,
 * how they are shown in print.c. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/settings.h"

enum {
	VALUE_MAX = 4096, /* bytes; a URL with a token in it stays below 2 KiB */
	SHOWN_MAX = 200,  /* of a faulty value, in a complaint */
	NAME_MAX_SIZE = 64,
	RULE_SIZE = 128,
};

/* One reading of the environment. */
struct reading {
	char *const *environment;
	FILE *complaints;
	bool failed;
};

/* One line: the name, its value (NULL: a secret, or not the point), what is wrong. */
static void complain(struct reading *r, const char *name, const char *value, const char *wrong)
{
	char shown[SHOWN_MAX];

	r->failed = true;
	log_escape(shown, sizeof shown, name);
	fprintf(r->complaints, CONF_PREFIX "%s", shown);
	if (value) {
		log_escape(shown, sizeof shown, value);
		fprintf(r->complaints, "=\"%s\"", shown);
	}
	fprintf(r->complaints, ": %s\n", wrong);
}

/* What follows the prefix in an entry of the environment; NULL if it is not one of ours. */
static const char *own_entry(const char *entry)
{
	size_t prefix = strlen(CONF_PREFIX);

	return strncmp(entry, CONF_PREFIX, prefix) == 0 ? entry + prefix : NULL;
}

/* The value of a name (without prefix); NULL where it is absent or empty, which is the same. */
static const char *look_up(const struct reading *r, const char *name)
{
	size_t length = strlen(name);

	for (char *const *e = r->environment; *e; e++) {
		const char *entry = own_entry(*e);
		if (entry && strncmp(entry, name, length) == 0 && entry[length] == '=')
			return entry[length + 1] ? entry + length + 1 : NULL;
	}
	return NULL;
}

static void file_name_of(const struct setting *s, char name[NAME_MAX_SIZE])
{
	snprintf(name, NAME_MAX_SIZE, "%s_FILE", s->name);
}

static bool is_known(const char *name)
{
	char file_name[NAME_MAX_SIZE];

	for (const struct setting *s = settings; s < settings + setting_count; s++) {
		file_name_of(s, file_name);
		if (strcmp(name, s->name) == 0 || (s->kind == SETTING_SECRET && strcmp(name, file_name) == 0))
			return true;
	}
	return false;
}

static void refuse_unknown_names(struct reading *r)
{
	for (char *const *e = r->environment; *e; e++) {
		char name[SHOWN_MAX];
		const char *entry = own_entry(*e);
		if (!entry)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(entry, "="), entry);
		if (!is_known(name))
			complain(r, name, NULL, "there is no such setting; agrobridge --help lists them");
	}
}

/* NULL, or why `value` cannot be a text: it goes into URLs, paths and log lines, where these have no place. */
static const char *text_fault(const char *value)
{
	if (strlen(value) > VALUE_MAX)
		return "must be no longer than 4096 bytes";
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "must not hold a control character";
	return NULL;
}

/* Decimal digits only; 0 or -1. */
static int number_parse(const char *text, int64_t low, int64_t high, int64_t *ret)
{
	int64_t value = 0;

	for (const char *c = text; *c; c++) {
		int digit = *c - '0';
		if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	if (value < low || value > high)
		return -1;
	*ret = value;
	return 0;
}

/* Thousandths: the digits without the point, with three places. */
static int milli_parse(const char *text, int64_t low, int64_t high, int64_t *ret)
{
	char digits[SETTING_NUMBER_SIZE];
	size_t whole = strcspn(text, ".");
	const char *part = text[whole] ? text + whole + 1 : "0";
	size_t places = strlen(part);

	if (!whole || whole > 15 || !places || places > 3)
		return -1;
	snprintf(digits, sizeof digits, "%.*s%s%.*s", (int)whole, text, part, 3 - (int)places, "000");
	return number_parse(digits, low, high, ret);
}

static int choice_parse(const struct setting *s, const char *text, int64_t *ret)
{
	const char *word;
	int length;

	for (int64_t i = 0; (word = setting_word(s, i, &length)); i++)
		if (strlen(text) == (size_t)length && strncmp(text, word, (size_t)length) == 0) {
			*ret = i;
			return 0;
		}
	return -1;
}

static void read_number(struct reading *r, const struct setting *s, int64_t *field)
{
	const char *value = look_up(r, s->name);
	char rule[RULE_SIZE], range[SETTING_RANGE_SIZE];
	int err;

	*field = s->preset;
	if (!value || (setting_has_auto(s) && strcmp(value, "auto") == 0))
		return;
	if (s->kind == SETTING_CHOICE)
		err = choice_parse(s, value, field);
	else if (s->kind == SETTING_MILLI)
		err = milli_parse(value, s->low, s->high, field);
	else
		err = number_parse(value, s->low, s->high, field);
	if (!err)
		return;
	setting_range(s, range);
	snprintf(rule, sizeof rule, "must be %s", range);
	complain(r, s->name, value, rule);
}

/* The first VALUE_MAX + 1 bytes of a file. O_NONBLOCK: a pipe nobody writes to is empty, not a wait without end.
 * Returns the length, or -errno. */
static ssize_t file_read(const char *path, char content[VALUE_MAX + 1])
{
	size_t length = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	while (length < VALUE_MAX + 1 && (n = read(fd, content + length, VALUE_MAX + 1 - length)) > 0)
		length += (size_t)n;
	int err = errno;
	close(fd);
	return n < 0 ? -err : (ssize_t)length;
}

/* A secret from its file, without the newline an editor leaves at the end. NULL after a complaint; else the caller
 * frees it. */
static char *read_secret_file(struct reading *r, const char *name, const char *path)
{
	char content[VALUE_MAX + 2], wrong[RULE_SIZE];
	const char *fault;
	char *secret = NULL;
	ssize_t length = file_read(path, content);

	if (length < 0) {
		snprintf(wrong, sizeof wrong, "cannot be read: %s", strerror((int)-length));
		complain(r, name, path, wrong);
		return NULL;
	}
	content[length] = '\0';
	if (length && content[length - 1] == '\n')
		content[--length] = '\0';
	if (length && content[length - 1] == '\r')
		content[--length] = '\0';
	if (!length)
		fault = "the file is empty";
	else if (strlen(content) != (size_t)length)
		fault = "must not hold a control character";
	else
		fault = text_fault(content);
	if (fault)
		complain(r, name, path, fault);
	else if (!(secret = strdup(content)))
		complain(r, name, NULL, "there is no memory for it");
	explicit_bzero(content, sizeof content);
	return secret;
}

/* A TEXT or SECRET from the environment, its file or its default; NULL after a complaint. */
static char *read_text(struct reading *r, const struct setting *s)
{
	char file_name[NAME_MAX_SIZE];
	bool secret = s->kind == SETTING_SECRET;
	const char *value = look_up(r, s->name);

	file_name_of(s, file_name);
	const char *path = secret ? look_up(r, file_name) : NULL;
	if (value && path) {
		complain(r, s->name, NULL, "set both here and by its _FILE; give one of them");
		return NULL;
	}
	if (path)
		return read_secret_file(r, file_name, path);
	const char *fault = value ? text_fault(value) : NULL;
	if (fault) {
		complain(r, s->name, secret ? NULL : value, fault);
		return NULL;
	}
	char *text = strdup(value ? value : s->text_preset);
	if (!text)
		complain(r, s->name, NULL, "there is no memory for it");
	return text;
}

static void text_free(const char *text)
{
	char *own = (char *)(uintptr_t)text;

	if (own)
		explicit_bzero(own, strlen(own));
	free(own);
}

int conf_load(struct conf *c, char *const *environment, FILE *complaints)
{
	struct reading r = { environment, complaints, false };
	struct conf made = { 0 };

	refuse_unknown_names(&r);
	for (const struct setting *s = settings; s < settings + setting_count; s++) {
		if (s->kind == SETTING_TEXT || s->kind == SETTING_SECRET)
			*setting_text(&made, s) = read_text(&r, s);
		else
			read_number(&r, s, setting_number(&made, s));
	}
	if (r.failed) {
		conf_release(&made);
		return -1;
	}
	*c = made;
	return 0;
}

int conf_reload_secrets(struct conf *c, char *const *environment, FILE *complaints)
{
	struct reading r = { environment, complaints, false };

	for (const struct setting *s = settings; s < settings + setting_count; s++) {
		char name[NAME_MAX_SIZE];
		file_name_of(s, name);
		const char *path = s->kind == SETTING_SECRET ? look_up(&r, name) : NULL;
		char *fresh = path ? read_secret_file(&r, name, path) : NULL;
		if (!fresh)
			continue;
		text_free(*setting_text(c, s));
		*setting_text(c, s) = fresh;
	}
	return r.failed ? -1 : 0;
}

void conf_release(struct conf *c)
{
	for (const struct setting *s = settings; s < settings + setting_count; s++)
		if (s->kind == SETTING_TEXT || s->kind == SETTING_SECRET)
			text_free(*setting_text(c, s));
	*c = (struct conf){ 0 };
}
