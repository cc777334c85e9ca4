/* The configuration's table for people: --help, the manual page, and what is in force. */
#include <stdbool.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/settings.h"

enum {
	HELP_COLUMNS = 80,
	HELP_INDENT = 6,
	NOTE_SIZE = SETTING_RANGE_SIZE + 16,
	VALUE_SIZE = SETTING_NUMBER_SIZE, /* holds the longest default too: /run/agrobridge */
};

static const char *const reader_notes[] = {
	[SERVE] = "",
	[OWNER] = "migrate only",
	[USER] = "user add only",
	[NGINX] = "nginx",
	[SCRIPTS] = "scripts",
};

/* A number as it would be written in the environment. */
static void number_text(const struct setting *s, int64_t value, char to[VALUE_SIZE])
{
	int length = 0;
	const char *word = s->kind == SETTING_CHOICE ? setting_word(s, value, &length) : NULL;

	if (word)
		snprintf(to, VALUE_SIZE, "%.*s", length, word);
	else if (setting_has_auto(s) && value == 0)
		snprintf(to, VALUE_SIZE, "auto");
	else
		setting_digits(s, value, to);
}

static void preset_text(const struct setting *s, char to[VALUE_SIZE])
{
	if (s->kind == SETTING_TEXT || s->kind == SETTING_SECRET)
		snprintf(to, VALUE_SIZE, "%s", *s->text_preset ? s->text_preset : "-");
	else
		number_text(s, s->preset, to);
}

/* "1 to 65535; nginx", "secret": what a row says besides its default. */
static void note_text(const struct setting *s, char to[NOTE_SIZE])
{
	char range[SETTING_RANGE_SIZE];
	const char *note = reader_notes[s->reader];

	setting_range(s, range);
	if (s->kind == SETTING_SECRET)
		snprintf(range, sizeof range, "secret");
	snprintf(to, NOTE_SIZE, "%s%s%s", range, *range && *note ? "; " : "", note);
}

/* One paragraph, broken at spaces before HELP_COLUMNS. */
static void print_wrapped(const char *text, FILE *to)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");
		if (column && column + 1 + word > HELP_COLUMNS) {
			fputc('\n', to);
			column = 0;
		}
		if (column)
			fprintf(to, " %.*s", (int)word, text);
		else
			fprintf(to, "%*s%.*s", HELP_INDENT, "", (int)word, text);
		column += (column ? 1 : HELP_INDENT) + word;
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

void conf_print_help(FILE *to)
{
	char preset[VALUE_SIZE], note[NOTE_SIZE];

	fputs("A secret may also be given as the name of a file that holds it: NAME_FILE=path.\n"
	      "An empty value counts as none.\n\n",
		to);
	fprintf(to, "  %-32s %-16s %s\n", "name", "default", "values");
	for (const struct setting *s = settings; s < settings + setting_count; s++) {
		preset_text(s, preset);
		note_text(s, note);
		fprintf(to, "  " CONF_PREFIX "%-21s ", s->name);
		if (*note)
			fprintf(to, "%-16s %s\n", preset, note);
		else
			fprintf(to, "%s\n", preset);
		print_wrapped(s->doc, to);
	}
}

/* troff: a hyphen that is meant as one, a backslash, and no line that looks like a request. */
static void print_troff(const char *text, FILE *to)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", to);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", to);
		else if (*text == '-')
			fputs("\\-", to);
		else
			fputc(*text, to);
	}
}

void conf_print_manual(FILE *to)
{
	char preset[VALUE_SIZE], note[NOTE_SIZE];

	for (const struct setting *s = settings; s < settings + setting_count; s++) {
		preset_text(s, preset);
		note_text(s, note);
		fputs(".TP\n.B " CONF_PREFIX, to);
		print_troff(s->name, to);
		fputc('\n', to);
		print_troff(s->doc, to);
		fputs(".\nDefault: ", to);
		print_troff(strcmp(preset, "-") == 0 ? "none" : preset, to);
		fputs(*note ? "; " : "", to);
		print_troff(note, to);
		fputs(".\n", to);
	}
}

void conf_print_values(const struct conf *c, FILE *to)
{
	struct conf copy = *c; /* the accessors are for writing too */
	char number[VALUE_SIZE];

	for (const struct setting *s = settings; s < settings + setting_count; s++) {
		const char *value = number;
		if (s->kind == SETTING_TEXT || s->kind == SETTING_SECRET)
			value = *setting_text(&copy, s);
		else
			number_text(s, *setting_number(&copy, s), number);
		if (s->kind == SETTING_SECRET)
			value = *value ? "set" : "not set";
		fprintf(to, CONF_PREFIX "%s=%s\n", s->name, value);
	}
}
