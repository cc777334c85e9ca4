/* The table of conf.def as data. */
#include "conf/settings.h"

#include <inttypes.h>
#include <string.h>

#define AT(field) offsetof(struct conf, field)

/* One row a line. */
/* clang-format off */
const struct setting settings[] = {
#define TEXT(name, field, who, preset, doc)              { #name, SETTING_TEXT, who, AT(field), 0, 0, 0, preset, NULL, doc },
#define SECRET(name, field, who, doc)                    { #name, SETTING_SECRET, who, AT(field), 0, 0, 0, "", NULL, doc },
#define NUMBER(name, field, who, low, high, preset, doc) { #name, SETTING_NUMBER, who, AT(field), low, high, preset, NULL, NULL, doc },
#define AUTO(name, field, who, low, high, doc)           { #name, SETTING_AUTO, who, AT(field), low, high, 0, NULL, NULL, doc },
#define MILLI(name, field, who, low, high, doc)          { #name, SETTING_MILLI, who, AT(field), low, high, 0, NULL, NULL, doc },
#define CHOICE(name, field, who, words, preset, doc)     { #name, SETTING_CHOICE, who, AT(field), 0, 0, preset, NULL, words, doc },
#include "conf/conf.def"
#undef TEXT
#undef SECRET
#undef NUMBER
#undef AUTO
#undef MILLI
#undef CHOICE
};
/* clang-format on */
const size_t setting_count = ARRAY_SIZE(settings);

const char **setting_text(struct conf *c, const struct setting *s)
{
	return (const char **)(void *)((char *)c + s->offset);
}

int64_t *setting_number(struct conf *c, const struct setting *s)
{
	return (int64_t *)(void *)((char *)c + s->offset);
}

const char *setting_word(const struct setting *s, int64_t index, int *ret_length)
{
	const char *word = s->words;

	for (; index > 0; index--) {
		word = strchr(word, '|');
		if (!word)
			return NULL;
		word++;
	}
	*ret_length = (int)strcspn(word, "|");
	return word;
}

bool setting_has_auto(const struct setting *s)
{
	return s->kind == SETTING_AUTO || s->kind == SETTING_MILLI;
}

const char *setting_digits(const struct setting *s, int64_t value, char to[SETTING_NUMBER_SIZE])
{
	if (s->kind != SETTING_MILLI) {
		snprintf(to, SETTING_NUMBER_SIZE, "%" PRId64, value);
		return to;
	}
	snprintf(to, SETTING_NUMBER_SIZE, "%" PRId64 ".%03" PRId64, value / 1000, value % 1000);
	for (size_t end = strlen(to) - 1; to[end] == '0' || to[end] == '.'; end--) {
		bool point = to[end] == '.';
		to[end] = '\0';
		if (point)
			break;
	}
	return to;
}

void setting_range(const struct setting *s, char to[SETTING_RANGE_SIZE])
{
	char low[SETTING_NUMBER_SIZE], high[SETTING_NUMBER_SIZE];

	if (s->kind == SETTING_NUMBER || setting_has_auto(s))
		snprintf(to, SETTING_RANGE_SIZE, "%s%s to %s", setting_has_auto(s) ? "auto or " : "",
			setting_digits(s, s->low, low), setting_digits(s, s->high, high));
	else
		snprintf(to, SETTING_RANGE_SIZE, "%s", s->words ? s->words : "");
}
