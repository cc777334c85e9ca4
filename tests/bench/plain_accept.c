/*
 * The plainest libfcgi program there is: what the hop through our worker is measured against. Prefork, blocking accept, a
 * constant answer of the size of ours.
 *
 *   plain_accept SOCKET WORKERS
 */
#include <fcgiapp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char answer[] = "Status: 404 Not Found\r\nContent-Type: application/problem+json\r\n\r\n"
			     "{\"type\":\"/problems/not_found\",\"title\":\"Not Found\",\"status\":404,"
			     "\"code\":\"not_found\",\"detail\":\"There is nothing here.\","
			     "\"request_id\":\"00000000000000000000000000000000\"}";

static void serve(int listener)
{
	FCGX_Request request;

	FCGX_InitRequest(&request, listener, 0);
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_PutStr(answer, sizeof answer - 1, request.out);
		FCGX_Finish_r(&request);
	}
}

int main(int argc, char **argv)
{
	int workers = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 4;

	FCGX_Init();
	int listener = FCGX_OpenSocket(argv[1], 1024);
	chmod(argv[1], 0666);
	for (int i = 0; i < workers; i++)
		if (fork() == 0) {
			serve(listener);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	return 0;
}
