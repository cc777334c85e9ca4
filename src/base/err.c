/* The one list of errors, as a table. */
#include "base/err.h"

#include "base/base.h"

static const struct err_info errors[ERR_COUNT] = {
	[ERR_NONE] = { 200, "none", { "", "" } },
#define ERR(name, status, code, en, es) [ERR_##name] = { status, code, { en, es } },
#include "base/err.def"
#undef ERR
};

const struct err_info *err_info(int err)
{
	if (err <= -ERR_COUNT || err >= ERR_COUNT)
		return &errors[ERR_INTERNAL];
	return &errors[err < 0 ? -err : err];
}
