/* Prints the manual page's table of configuration names. Built and run on the way to agrobridge.1, not installed. */
#include "conf/conf.h"

int main(void)
{
	conf_print_manual(stdout);
	return fflush(stdout) ? 1 : 0;
}
