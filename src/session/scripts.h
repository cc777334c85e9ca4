/*
 * What Redis runs for us. Scripts take the time from Redis, so that all tasks go by one clock, and are sent whole: a
 * server that has just been replaced knows no script by its digest.
 */
#ifndef SESSION_SCRIPTS_H
#define SESSION_SCRIPTS_H

/* look(key, window): age, current and previous of a rate; a key that holds anything else counts as none. keep() puts them
 * back. */
#define SCRIPT_RATE                                                                                          \
	"local t=redis.call('TIME') local now=t[1]*1000000+t[2]\n"                                           \
	"local function look(key,window)\n"                                                                  \
	" local start,n,p=string.match(redis.call('GET',key) or '','^(%d+) (%d+) (%d+)$')\n"                 \
	" if not start then return 0,0,0 end\n"                                                              \
	" local age=math.max(now-start,0)\n"                                                                 \
	" if age>=2*window then return 0,0,0 end\n"                                                          \
	" if age>=window+0 then return age-window,0,n+0 end\n"                                               \
	" return age,n+0,p+0\n"                                                                              \
	"end\n"                                                                                              \
	"local function keep(key,window,age,n,p)\n"                                                          \
	" redis.call('SET',key,string.format('%.0f %d "                                                      \
	"%d',now-age,n,p),'PX',math.ceil((2*window-age)/1000))\n"                                            \
	"end\n"

/* take(key, limit, window): rate_table_take() there; {1 or 0: let through, age, current, previous}. */
#define SCRIPT_TAKE                                                                                          \
	"local function take(key,limit,window)\n"                                                            \
	" local age,n,p=look(key,window)\n"                                                                  \
	" if math.floor(p*(window-age)/window)+n>=limit+0 then return {0,age,n,p} end\n"                     \
	" keep(key,window,age,n+1,p)\n"                                                                      \
	" return {1,age,n+1,p}\n"                                                                            \
	"end\n"

/* give(key, window): takes one back. */
#define SCRIPT_GIVE                                                                                          \
	"local function give(key,window)\n"                                                                  \
	" local age,n,p=look(key,window)\n"                                                                  \
	" if n>0 then keep(key,window,age,n-1,p) elseif p>0 then keep(key,window,age,n,p-1) end\n"           \
	"end\n"

#endif
