/* Code lists of the field. */
#include "api/codes.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

const char code_units[] = "KGM GRM TNE LBR ONZ STN LTN DTN HGM MGM CWI CWA "                  /* mass */
			  "LTR MLT CLT HLT DLT MTQ DMQ CMQ GLL GLI OZA BUA BUI "              /* volume */
			  "H87 EA  C62 DZN DPC GRO NMB NIU MIL SET PR  "                      /* count */
			  "XBX XCT XCR XPX XPA XSA XBG XBA XBK XTR XPK XCS XDR XBI XBJ XIN "; /* packages */

const char code_countries[] = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ "
			      "BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD "
			      "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG "
			      "EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF "
			      "GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN "
			      "IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
			      "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML "
			      "MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
			      "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
			      "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
			      "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR "
			      "TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
			      "VN VU WF WS YE YT ZA ZM ZW ";

static enum err in_list(const char *text, const char *list, size_t width)
{
	size_t n = strlen(text);

	if (n < 2 || n > width || strchr(text, ' '))
		return ERR_NOT_IN_LIST;
	for (; *list; list += width + 1)
		if (strncmp(list, text, n) == 0 && list[n] == ' ')
			return ERR_NONE;
	return ERR_NOT_IN_LIST;
}

enum err code_uom(const char *text)
{
	return in_list(text, code_units, CODE_UNIT_WIDTH);
}

enum err code_country(const char *text)
{
	return in_list(text, code_countries, CODE_COUNTRY_WIDTH);
}

enum err code_word(const char *text)
{
	return strspn(text, LETTERS) > 0 && !text[strspn(text, LETTERS DIGITS "_-")] ? ERR_NONE
										     : ERR_BAD_FORMAT;
}

/* One part or more of these characters, at most `longest` each, with dots between them. */
static bool dotted(const char *text, const char *characters, size_t longest)
{
	for (;;) {
		size_t n = strspn(text, characters);
		if (n < 1 || n > longest)
			return false;
		text += n;
		if (!*text)
			return true;
		if (*text++ != '.')
			return false;
	}
}

enum err code_email(const char *text)
{
	const char *at = strchr(text, '@');
	char local[65];

	if (!at || (size_t)(at - text) >= sizeof local)
		return ERR_BAD_FORMAT;
	memcpy(local, text, (size_t)(at - text));
	local[at - text] = '\0';
	bool fine = dotted(local, LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~", 64) &&
		    dotted(at + 1, LETTERS DIGITS "-", 63) && at[1] != '-';
	return fine ? ERR_NONE : ERR_BAD_FORMAT;
}
