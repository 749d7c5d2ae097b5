/* Loaded before busybox's crond, bcron-sched or mcron: a clock that only their own waiting moves.

   VIRTUAL_START and VIRTUAL_END are seconds since 1970; FIRES is the file that gets a line
   "<second> <command>" for each command that the daemon was about to run. The process ends when
   its clock reaches VIRTUAL_END. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long now_ms = -1;
/* A child of vfork, which shares it, sets it. */
static volatile int has_fired;

static long long now(void) {
    if (now_ms < 0) now_ms = atoll(getenv("VIRTUAL_START")) * 1000;
    return now_ms;
}

static void advance(long long ms) {
    now_ms = now() + ms;
    if (now_ms / 1000 >= atoll(getenv("VIRTUAL_END"))) _exit(0);
}

static void note(const char *command, int length) {
    char line[1000];
    int size = snprintf(line, sizeof line, "%lld %.*s\n", now() / 1000, length, command);
    has_fired = 1;
    int file = open(getenv("FIRES"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0 || write(file, line, size) != size) _exit(3);
    close(file);
}

time_t time(time_t *where) {
    time_t second = now() / 1000;
    if (where) *where = second;
    return second;
}

int gettimeofday(struct timeval *where, void *zone) {
    (void)zone;
    where->tv_sec = now() / 1000;
    where->tv_usec = now() % 1000 * 1000;
    return 0;
}

unsigned int sleep(unsigned int seconds) {
    /* So that busybox finds its children ended, and does not leave out their next time. */
    if (has_fired) usleep(3000);
    has_fired = 0;
    advance(seconds * 1000LL);
    return 0;
}

/* bcron waits here, with its limit; nobody else speaks to it. */
int poll(struct pollfd *files, nfds_t count, int limit) {
    for (nfds_t place = 0; place < count; place++) files[place].revents = 0;
    advance(limit);
    return 0;
}

/* What bcron-sched sends to bcron-exec: ID, user and command, a NUL between. */
ssize_t write(int file, const void *content, size_t size) {
    ssize_t (*system_write)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    const char *command = file == 1 ? memmem(content, size, "fire", 4) : NULL;
    if (command) note(command, strlen(command));
    return system_write(file, content, size);
}

/* busybox: the child that is to become a shell. */
int execlp(const char *file, const char *name, ...) {
    __builtin_va_list arguments;
    (void)file, (void)name;
    __builtin_va_start(arguments, name);
    __builtin_va_arg(arguments, char *);
    const char *command = __builtin_va_arg(arguments, char *);
    if (command && !strncmp(command, "fire", 4)) note(command, strlen(command));
    _exit(0);
}

int execl(const char *file, const char *name, ...) {
    __builtin_va_list arguments;
    (void)file, (void)name;
    __builtin_va_start(arguments, name);
    __builtin_va_arg(arguments, char *);
    const char *command = __builtin_va_arg(arguments, char *);
    if (command && !strncmp(command, "fire", 4)) note(command, strlen(command));
    _exit(0);
}

/* mcron sets where its modules are, which are elsewhere here. */
int setenv(const char *name, const char *value, int overwrite) {
    int (*system_setenv)(const char *, const char *, int) =
        (int (*)(const char *, const char *, int))dlsym(RTLD_NEXT, "setenv");
    return strcmp(name, "GUILE_LOAD_PATH") ? system_setenv(name, value, overwrite) : 0;
}
