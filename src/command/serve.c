/* agrobridge serve */
#include "app.h"
#include "command/command.h"
#include "command/stores.h"

int command_serve(struct conf *conf, int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return COMMAND_WRONG_USAGE;
	if (stores_check_urls(conf) || check_origins(conf))
		return 1;
	const struct pool_service service = app_service(conf);
	return pool_run(conf, &service);
}
